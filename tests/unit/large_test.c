/* SPDX-License-Identifier: Apache-2.0 */
/* What large requests take: memory in proportion to their size, not more. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "check.h"

#include <nrbac/policy.h>

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { ACTIVITIES = 4000, CANDIDATES = 30000 };

static void write_policy(const char *path)
{
    FILE *file = fopen(path, "w");
    (void)fputs("nrbac: 1\npolicy: { name: large, version: \"1\" }\nactivities:\n",
                file);
    for (int i = 0; i < ACTIVITIES; i++)
        (void)fprintf(file, "  local:a%d: { name: A%d }\n", i, i);
    (void)fputs("job_roles: { R8000: { name: Role } }\n"
                "baseline: [{ roles: [R8000], activities: [local:a0] }]\n",
                file);
    (void)fclose(file);
}

static nrbac_engine *engine_with_many_activities(void)
{
    char folder[] = "/tmp/nrbac-large-XXXXXX";
    char path[64];
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    write_policy(path);
    nrbac_build *build = NULL;
    CHECK_INT(nrbac_compile(folder, NULL, &build), NRBAC_OK);
    size_t size = 0;
    const void *image = nrbac_build_image(build, &size);
    nrbac_engine *engine = NULL;
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, NULL), NRBAC_OK);
    nrbac_build_destroy(build);
    (void)unlink(path);
    (void)rmdir(folder);
    return engine;
}

static long kilobytes_used_at_most(void)
{
    struct rusage usage;
    CHECK_INT(getrusage(RUSAGE_SELF, &usage), 0);
    return usage.ru_maxrss;
}

/* What each candidate would hold is forgotten before the next one is looked at. */
static void candidates_take_the_memory_of_one(void)
{
    nrbac_engine *engine = engine_with_many_activities();
    nrbac_profile *profiles = calloc(CANDIDATES, sizeof(*profiles));
    CHECK(profiles != NULL);
    for (size_t i = 0; i < CANDIDATES; i++)
        profiles[i].role = "R8000";
    nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                           .profiles = profiles,
                                           .profile_count = CANDIDATES },
                              .action = "local:a0" };
    nrbac_document *document = nrbac_document_create();
    nrbac_value *answer = NULL;
    long before = kilobytes_used_at_most();
    nrbac_decision decision = nrbac_evaluate(engine, &request, document, &answer);
    CHECK_INT(decision.reason, NRBAC_REASON_ROLE_SELECTION_REQUIRED);
    const nrbac_value *context = nrbac_value_find(answer, "context");
    const nrbac_value *candidates = nrbac_value_find(context, "candidates");
    CHECK_INT(nrbac_value_count(candidates), CANDIDATES);
    CHECK_STR(
        nrbac_value_text(nrbac_value_find(nrbac_value_at(candidates, 0), "effect")),
        "permit");
    CHECK_INT(kilobytes_used_at_most() - before < 50000, true);
    nrbac_document_destroy(document);
    free(profiles);
    nrbac_engine_destroy(engine);
}

int main(void)
{
    candidates_take_the_memory_of_one();
    return check_report();
}
