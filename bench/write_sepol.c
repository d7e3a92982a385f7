/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workload as an SELinux policy, for checkpolicy: users are types, roles are
 * attributes of types, activities are permissions, 32 to a class. What a grant
 * includes is granted too, as SELinux has no inclusion.
 */
#include "write.h"

#include <stdlib.h>

enum { PERMISSIONS = 32 };

static uint32_t class_count(const bench_workload *w)
{
    return (w->activity_count + PERMISSIONS - 1) / PERMISSIONS;
}

static void write_classes(FILE *file, const bench_workload *w)
{
    for (uint32_t c = 0; c < class_count(w); c++)
        (void)fprintf(file, "class c%u\n", c);
    (void)fputs("sid kernel\n", file);
    for (uint32_t a = 0; a < w->activity_count; a++) {
        if (a % PERMISSIONS == 0)
            (void)fprintf(file, "class c%u {", a / PERMISSIONS);
        (void)fprintf(file, " p%u", a);
        if (a % PERMISSIONS == PERMISSIONS - 1 || a + 1 == w->activity_count)
            (void)fputs(" }\n", file);
    }
}

/* A rule for each class in which something is granted. */
static void write_rules(FILE *file, const bench_workload *w, const char *who,
                        const uint64_t *granted)
{
    uint64_t *row = bench_new(w->words, sizeof(uint64_t));
    bench_close(w, granted, row);
    uint32_t open = UINT32_MAX; /* the class of the rule that is being written */
    for (uint32_t a = 0; a < w->activity_count; a++) {
        if (!bench_has(row, a))
            continue;
        if (open != a / PERMISSIONS)
            (void)fprintf(file, "%sallow %s record:c%u {",
                          open == UINT32_MAX ? "" : " };\n", who, a / PERMISSIONS);
        (void)fprintf(file, " p%u", a);
        open = a / PERMISSIONS;
    }
    if (open != UINT32_MAX)
        (void)fputs(" };\n", file);
    free(row);
}

static void write_extras(FILE *file, const bench_workload *w, uint32_t user)
{
    const bench_profile *profile = &w->users[user].profiles[w->users[user].in_force];
    char who[32];
    uint64_t *granted = bench_new(w->words, sizeof(uint64_t));
    for (uint32_t e = 0; e < profile->extra_count; e++)
        bench_add(granted, profile->extras[e]);
    (void)snprintf(who, sizeof(who), "user_%u", user);
    write_rules(file, w, who, granted);
    free(granted);
}

void bench_write_sepol(FILE *file, const bench_workload *w)
{
    char who[32];
    write_classes(file, w);
    for (uint32_t r = 0; r < w->role_count; r++)
        (void)fprintf(file, "attribute role_%u;\nattribute area_%u;\n", r, r);
    (void)fputs("type record;\n", file);
    for (uint32_t u = 0; u < w->user_count; u++) {
        const bench_profile *profile = &w->users[u].profiles[w->users[u].in_force];
        (void)fprintf(file, "type user_%u, role_%u", u, profile->role);
        if (profile->in_area)
            (void)fprintf(file, ", area_%u", profile->role);
        (void)fputs(";\n", file);
    }
    for (uint32_t r = 0; r < w->role_count; r++) {
        (void)snprintf(who, sizeof(who), "role_%u", r);
        write_rules(file, w, who, w->roles[r].grants);
        (void)snprintf(who, sizeof(who), "area_%u", r);
        write_rules(file, w, who, w->roles[r].grants_in_area);
    }
    for (uint32_t u = 0; u < w->user_count; u++)
        write_extras(file, w, u);
    (void)fputs("role person;\nrole person types { record", file);
    for (uint32_t u = 0; u < w->user_count; u++)
        (void)fprintf(file, "\n user_%u", u);
    (void)fputs(" };\nuser somebody roles person;\n"
                "sid kernel somebody:person:record\n",
                file);
}
