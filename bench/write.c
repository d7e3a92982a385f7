/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a workload down for those who read files:
 *
 *   bench-write WORKLOAD ROOT FOLDER
 *
 *   FOLDER/policy/policy.yaml   the policy as anybody would write it (W1, W2)
 *   FOLDER/policy.sepol.conf    the same for checkpolicy: users are types, roles are
 *                               attributes, activities are permissions
 *   FOLDER/cerbos/record.yaml   the same for Cerbos (W1, W2)
 *   FOLDER/workload.json        for the peers: roles and extra activities with all
 *                               that they include, users, the first 100,000
 *                               requests and their right answers
 */
#include "write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_SIZE = 4096, REQUESTS_WRITTEN = 100000 };

static FILE *create(const char *folder, const char *name)
{
    char path[PATH_SIZE];
    (void)snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    if (file == NULL)
        bench_fail("cannot write %s", path);
    return file;
}

static void finish(FILE *file)
{
    if (ferror(file) != 0 || fclose(file) != 0)
        bench_fail("cannot write");
}

/* ---- The policy ------------------------------------------------------------------ */

void bench_write_codes(FILE *file, const bench_workload *w, const uint64_t *row,
                       const char *quote)
{
    const char *between = "";
    for (uint32_t a = 0; a < w->activity_count; a++)
        if (bench_has(row, a)) {
            (void)fprintf(file, "%s%s%s%s", between, quote, w->activities[a].code,
                          quote);
            between = ", ";
        }
}

static void write_activities(FILE *file, const bench_workload *w)
{
    (void)fputs("\nactivities:\n", file);
    for (uint32_t a = 0; a < w->activity_count; a++) {
        const bench_activity *activity = &w->activities[a];
        (void)fprintf(file, "  %s: { name: Activity %u", activity->code, a + 1);
        for (uint32_t i = 0; i < activity->include_count; i++)
            (void)fprintf(file, "%s%s", i == 0 ? ", includes: [" : ", ",
                          w->activities[activity->includes[i]].code);
        (void)fputs(activity->include_count == 0 ? " }\n" : "] }\n", file);
    }
}

static void write_policy(const bench_workload *w, const char *folder)
{
    FILE *file = create(folder, "policy/policy.yaml");
    (void)fprintf(file,
                  "nrbac: 1\n\npolicy:\n  name: bench-%s\n  version: \"%d\"\n"
                  "  provenance: local\n",
                  w->name, BENCH_SEED);
    write_activities(file, w);
    (void)fputs("\njob_roles:\n", file);
    for (uint32_t r = 0; r < w->role_count; r++)
        (void)fprintf(file, "  %s: { name: Role %u }\n", w->roles[r].code, r + 1);
    (void)fputs("\nbaseline:\n", file);
    for (uint32_t r = 0; r < w->role_count; r++) {
        (void)fprintf(file, "  - { roles: [%s], activities: [", w->roles[r].code);
        bench_write_codes(file, w, w->roles[r].grants, "");
        (void)fputs("] }\n", file);
    }
    finish(file);
}

/* ---- For the peers ---------------------------------------------------------------- */

static void write_closed(FILE *file, const bench_workload *w, const uint64_t *granted)
{
    uint64_t *row = bench_new(w->words, sizeof(uint64_t));
    bench_close(w, granted, row);
    (void)fputc('[', file);
    bench_write_codes(file, w, row, "\"");
    (void)fputc(']', file);
    free(row);
}

static void write_user(FILE *file, const bench_workload *w, const bench_user *user)
{
    const bench_profile *profile = &user->profiles[user->in_force];
    uint64_t *granted = bench_new(w->words, sizeof(uint64_t));
    for (uint32_t e = 0; e < profile->extra_count; e++)
        bench_add(granted, profile->extras[e]);
    (void)fprintf(file, "{\"id\":\"%s\",\"role\":\"%s\",\"extras\":", user->id,
                  w->roles[profile->role].code);
    write_closed(file, w, granted);
    (void)fputc('}', file);
    free(granted);
}

static void write_requests(FILE *file, const bench_workload *w)
{
    uint32_t count = w->request_count < REQUESTS_WRITTEN ? w->request_count
                                                         : REQUESTS_WRITTEN;
    (void)fputs("],\n\"requests\":[\n", file);
    for (uint32_t i = 0; i < count; i++)
        (void)fprintf(file, "%s[%u,%u]", i == 0 ? "" : ",", w->requests[i].user,
                      w->requests[i].activity);
    (void)fputs("],\n\"expected\":\"", file);
    for (uint32_t i = 0; i < count; i++)
        (void)fputc(w->expected[i] != 0 ? '1' : '0', file);
    (void)fputs("\"}\n", file);
}

static void write_json(const bench_workload *w, const char *folder)
{
    FILE *file = create(folder, "workload.json");
    (void)fputs("{\"activities\":[", file);
    for (uint32_t a = 0; a < w->activity_count; a++)
        (void)fprintf(file, "%s\"%s\"", a == 0 ? "" : ",", w->activities[a].code);
    (void)fputs("],\n\"roles\":[", file);
    for (uint32_t r = 0; r < w->role_count; r++) {
        (void)fprintf(file, "%s\n{\"code\":\"%s\",\"may\":", r == 0 ? "" : ",",
                      w->roles[r].code);
        write_closed(file, w, w->roles[r].grants);
        (void)fputc('}', file);
    }
    (void)fputs("],\n\"users\":[", file);
    for (uint32_t u = 0; u < w->user_count; u++) {
        (void)fputs(u == 0 ? "\n" : ",\n", file);
        write_user(file, w, &w->users[u]);
    }
    write_requests(file, w);
    finish(file);
}

int main(int argc, char **argv)
{
    char path[PATH_SIZE];
    if (argc != 4) {
        (void)fputs("usage: bench-write WORKLOAD ROOT FOLDER\n", stderr);
        return 2;
    }
    bench_workload *w = bench_workload_make(argv[1], argv[2]);
    (void)mkdir(argv[3], 0777);
    (void)snprintf(path, sizeof(path), "%s/policy", argv[3]);
    (void)mkdir(path, 0777);
    (void)snprintf(path, sizeof(path), "%s/cerbos", argv[3]);
    (void)mkdir(path, 0777);
    if (w->area == NULL) { /* else it is written already */
        write_policy(w, argv[3]);
        write_json(w, argv[3]);
        FILE *cerbos = create(argv[3], "cerbos/record.yaml");
        bench_write_cerbos(cerbos, w);
        finish(cerbos);
    }
    FILE *sepol = create(argv[3], "policy.sepol.conf");
    bench_write_sepol(sepol, w);
    finish(sepol);
    bench_workload_free(w);
    return 0;
}
