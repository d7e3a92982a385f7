/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a workload down for those who read files:
 *
 *   bench-write WORKLOAD ROOT FOLDER
 *
 *   FOLDER/policy/policy.yaml   the policy as anybody would write it (not national)
 *   FOLDER/policy.sepol.conf    the same for checkpolicy: users are types, roles are
 *                               attributes, activities are permissions (no functions)
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
    for (uint32_t g = 0; g < profile->workgroup_count; g++)
        (void)fprintf(file, "%s\"%s\"", g == 0 ? ",\"workgroups\":[" : ",",
                      w->workgroups[profile->workgroups[g]]);
    (void)fputs(profile->workgroup_count == 0 ? "}" : "]}", file);
    free(granted);
}

/* For Casbin: which workgroups may. */
static void write_functions(FILE *file, const bench_workload *w)
{
    for (uint32_t f = 0; f < w->function_count; f++) {
        const bench_function *function = &w->functions[f];
        (void)fprintf(file, "%s{\"code\":\"%s\",\"workgroups\":[",
                      f == 0 ? "\"functions\":[\n" : ",\n",
                      w->activities[bench_plain_count(w) + f].code);
        for (uint32_t g = 0; g < function->count; g++)
            (void)fprintf(file, "%s\"%s\"", g == 0 ? "" : ",",
                          w->workgroups[function->first + g]);
        (void)fputs("]}", file);
    }
    if (w->function_count > 0)
        (void)fputs("],\n", file);
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
    (void)fputc('{', file);
    write_functions(file, w);
    (void)fputs("\"activities\":[", file);
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

static void write_policy(FILE *file, const bench_workload *w)
{
    bench_write_policy(file, w, 0);
}

static void write_with(void (*write)(FILE *file, const bench_workload *workload),
                       const bench_workload *w, const char *folder, const char *name)
{
    FILE *file = create(folder, name);
    write(file, w);
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
    if (!w->written) {
        write_with(write_policy, w, argv[3], "policy/policy.yaml");
        write_json(w, argv[3]);
    }
    if (w->function_count > 0)
        return 0;
    if (!w->written)
        write_with(bench_write_cerbos, w, argv[3], "cerbos/record.yaml");
    write_with(bench_write_sepol, w, argv[3], "policy.sepol.conf");
    bench_workload_free(w);
    return 0;
}
