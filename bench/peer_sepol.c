/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libsepol, the C ancestor of a compiled access table: sepol_compute_av on contexts
 * that were turned into numbers beforehand, with the policy of write_sepol.c as
 * checkpolicy compiled it (policy.sepol beside the image).
 */
#include "contender.h"

#include <sepol/policydb/services.h>
#include <sepol/sepol.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERMISSIONS = 32, PATH_SIZE = 4096 };

typedef struct sepol {
    const bench_workload *workload;
    sepol_security_id_t record;
    sepol_security_id_t *users;
} sepol;

static sepol_security_id_t number_of(const char *context)
{
    sepol_security_id_t number;
    if (sepol_context_to_sid(context, strlen(context) + 1, &number) != 0)
        bench_fail("libsepol does not know %s", context);
    return number;
}

static void *start(const bench_workload *w, const char *image)
{
    char text[PATH_SIZE];
    (void)snprintf(text, sizeof(text), "%.*s.sepol", (int)(strrchr(image, '.') - image),
                   image);
    FILE *file = fopen(text, "rb");
    if (file == NULL)
        return NULL;
    if (sepol_set_policydb_from_file(file) != 0)
        bench_fail("libsepol cannot read %s", text);
    (void)fclose(file);
    sepol *s = bench_new(1, sizeof(*s));
    s->workload = w;
    s->record = number_of("somebody:person:record");
    s->users = bench_new(w->user_count, sizeof(*s->users));
    for (uint32_t u = 0; u < w->user_count; u++) {
        (void)snprintf(text, sizeof(text), "somebody:person:user_%u", u);
        s->users[u] = number_of(text);
    }
    return s;
}

static void ask(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const sepol *s = state;
    const bench_request *requests = s->workload->requests + from;
    for (uint32_t i = 0; i < count; i++) {
        struct sepol_av_decision decision;
        uint32_t activity = requests[i].activity;
        sepol_access_vector_t wanted = UINT32_C(1) << activity % PERMISSIONS;
        sepol_security_class_t class = (sepol_security_class_t)(activity / PERMISSIONS +
                                                                1);
        answers[i] = sepol_compute_av(s->users[requests[i].user], s->record, class,
                                      wanted, &decision) == 0 &&
                     (decision.allowed & wanted) != 0;
    }
}

static void finish(void *state)
{
    sepol *s = state;
    free(s->users);
    free(s);
}

const bench_contender bench_sepol[] = {
    { "check", "libsepol", start, ask, finish, 0, false },
    { 0 },
};
