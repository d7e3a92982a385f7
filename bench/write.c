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
    if (!w->written) {
        FILE *policy = create(argv[3], "policy/policy.yaml");
        bench_write_policy(policy, w, 0);
        finish(policy);
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
