/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A workload as a Cerbos resource policy: a rule for each role with all that its
 * grants include, and one for each activity as a role of its own, for those that a
 * user has beside the role's.
 */
#include "write.h"

#include <stdlib.h>

static void write_rule(FILE *file, const bench_workload *w, const char *who,
                       const uint64_t *granted)
{
    uint64_t *row = bench_new(w->words, sizeof(uint64_t));
    bench_close(w, granted, row);
    (void)fprintf(
        file, "    - roles: [%s]\n      effect: EFFECT_ALLOW\n      actions: [", who);
    bench_write_codes(file, w, row, "");
    (void)fputs("]\n", file);
    free(row);
}

void bench_write_cerbos(FILE *file, const bench_workload *w)
{
    uint64_t *granted = bench_new(w->words, sizeof(uint64_t));
    (void)fputs("apiVersion: api.cerbos.dev/v1\nresourcePolicy:\n  resource: record\n"
                "  version: default\n  rules:\n",
                file);
    for (uint32_t r = 0; r < w->role_count; r++)
        write_rule(file, w, w->roles[r].code, w->roles[r].grants);
    for (uint32_t a = 0; a < w->activity_count; a++) {
        for (uint32_t i = 0; i < w->words; i++)
            granted[i] = 0;
        bench_add(granted, a);
        write_rule(file, w, w->activities[a].code, granted);
    }
    free(granted);
}
