/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A policy and users of the size that is counted and measured: 300 roles, 350
 * activities, 40 grants a role, inclusion chains of up to 4, users with up to 5
 * activities of their own. The same on every machine.
 */
#ifndef W1_H
#define W1_H

#include "check.h"

#include <nrbac/policy.h>

#include <stdlib.h>
#include <unistd.h>

enum { W1_ROLES = 300, W1_ACTIVITIES = 350, W1_GRANTS = 40, W1_EXTRAS = 5 };

static uint32_t w1_state = 42;

/* Numerical Recipes' generator; its upper bits are good enough to choose by. */
static inline uint32_t w1_choose(uint32_t below)
{
    w1_state = w1_state * 1664525u + 1013904223u;
    return (w1_state >> 8) % below;
}

/* Compiles a policy that stands in one file. The caller destroys the build. */
static inline nrbac_build *compile_text(const char *text)
{
    char folder[] = "/tmp/nrbac-policy-XXXXXX";
    char path[64];
    nrbac_build *build = NULL;
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    FILE *file = fopen(path, "w");
    (void)fputs(text, file);
    (void)fclose(file);
    CHECK_INT(nrbac_compile(folder, NULL, &build), NRBAC_OK);
    for (size_t i = 0; i < nrbac_build_diagnostic_count(build); i++)
        if (nrbac_build_diagnostic(build, i)->severity == NRBAC_SEVERITY_ERROR)
            printf("%s\n", nrbac_build_diagnostic(build, i)->message);
    (void)unlink(path);
    (void)rmdir(folder);
    return build;
}

static inline void publish_build(nrbac_engine *engine, const nrbac_build *build)
{
    size_t size = 0;
    const void *image = nrbac_build_image(build, &size);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, NULL), NRBAC_OK);
}

static inline void publish_text(nrbac_engine *engine, const char *text)
{
    nrbac_build *build = compile_text(text);
    publish_build(engine, build);
    nrbac_build_destroy(build);
}

static inline char *w1_policy(void)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    (void)fputs("nrbac: 1\npolicy: { name: w1, version: \"1\" }\nactivities:\n", out);
    for (uint32_t a = 0; a < W1_ACTIVITIES; a++) {
        (void)fprintf(out, "  B%04u: { name: Activity %u", (unsigned)a, (unsigned)a);
        if (a % 5 != 0)
            (void)fprintf(out, ", includes: [B%04u]", (unsigned)a - 1);
        (void)fputs(" }\n", out);
    }
    (void)fputs("job_roles:\n", out);
    for (uint32_t r = 0; r < W1_ROLES; r++)
        (void)fprintf(out, "  R%04u: { name: Role %u }\n", (unsigned)r, (unsigned)r);
    (void)fputs("baseline:\n", out);
    for (uint32_t r = 0; r < W1_ROLES; r++) {
        (void)fprintf(out, "  - { roles: [R%04u], activities: [", (unsigned)r);
        uint32_t first = w1_choose(W1_ACTIVITIES);
        for (uint32_t g = 0; g < W1_GRANTS; g++)
            (void)fprintf(out, "%sB%04u", g == 0 ? "" : ", ",
                          (unsigned)((first + g * 17) % W1_ACTIVITIES));
        (void)fputs("] }\n", out);
    }
    (void)fclose(out);
    return text;
}

/* A user: what the request points to stands here. */
typedef struct w1_user {
    char id[13], profile_id[13], role[6], activity[W1_EXTRAS][6];
    const char *activities[W1_EXTRAS];
    nrbac_profile profile;
    nrbac_request request;
} w1_user;

static inline void w1_make_user(w1_user *user, uint32_t number)
{
    (void)snprintf(user->id, sizeof(user->id), "91%010u", (unsigned)number);
    (void)snprintf(user->profile_id, sizeof(user->profile_id), "55%010u",
                   (unsigned)number);
    (void)snprintf(user->role, sizeof(user->role), "R%04u",
                   (unsigned)w1_choose(W1_ROLES) % 10000);
    uint32_t extras = w1_choose(W1_EXTRAS + 1);
    for (uint32_t i = 0; i < extras; i++) {
        (void)snprintf(user->activity[i], sizeof(user->activity[i]), "B%04u",
                       (unsigned)w1_choose(W1_ACTIVITIES) % 10000);
        user->activities[i] = user->activity[i];
    }
    user->profile = (nrbac_profile){ .id = user->profile_id,
                                     .role = user->role,
                                     .organisation = "RBA",
                                     .activities = user->activities,
                                     .activity_count = extras };
    user->request = (nrbac_request){ .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                                  .id = user->id,
                                                  .profiles = &user->profile,
                                                  .profile_count = 1,
                                                  .aal = NRBAC_LEVEL(3) } };
}

#endif
