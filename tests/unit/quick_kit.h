/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two daemons without sockets that share their sessions: one is asked the quick way,
 * the other the general way. For whatever the quick way takes upon itself both must
 * have written the same bytes and counted the same.
 */
#ifndef QUICK_KIT_H
#define QUICK_KIT_H

#include "server/methods.h"

#include <nrbac/policy.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char quick_policy[] =
    "nrbac: 1\n"
    "policy: { name: quick, version: \"1\" }\n"
    "activities:\n"
    "  B0107: { name: View with notice }\n"
    "  B0572: { name: Manage }\n"
    "  B0820: { name: View }\n"
    "  B0825: { name: Amend, includes: [B0820] }\n"
    "  local:x.1: { name: Local }\n"
    "job_roles: { R8000: { name: Practitioner }, R8001: { name: Nurse } }\n"
    "baseline: [{ roles: [R8000], activities: [B0825, \"local:x.1\"] }]\n"
    "obligations:\n"
    "  notify: { name: Tell somebody }\n"
    "  an-obligation-of-more-than-thirty-two-bytes: { name: Tell everybody }\n"
    "  o1: { name: N }\n  o2: { name: N }\n  o3: { name: N }\n  o4: { name: N }\n"
    "  o5: { name: N }\n  o6: { name: N }\n  o7: { name: N }\n  o8: { name: N }\n"
    "  o9: { name: N }\n  p1: { name: N }\n  p2: { name: N }\n  p3: { name: N }\n"
    "  p4: { name: N }\n  p5: { name: N }\n"
    "functions:\n"
    "  plain: { require: B0820 }\n"
    "  no: { require: B0572 }\n"
    "  noted: { require: { activity: B0820, obligations: [notify] } }\n"
    "  sure: { require: { all: [B0820, { aal: 3 }] } }\n"
    "  all.of.them: { require: B0820, obligations: [notify, "
    "an-obligation-of-more-than-thirty-two-bytes, o1, o2, o3, o4, o5, o6, o7, o8, o9, "
    "p1, p2, p3, p4, p5] }\n";

/* All of quick_policy's, and some that are in no policy. */
static const char *const quick_names[] = {
    "B0107",
    "B0572",
    "B0820",
    "B0825",
    "local:x.1",
    "plain",
    "no",
    "noted",
    "sure",
    "B9999",
    "",
    "a",
    "local:y.2",
    "all.of.them",
    "B082",
    "B0820x",
    "no.such.function.of.this.policy",
};

enum { QUICK_SESSIONS = 3, QUICK_BATCH = 40 };

/* Sessions: 1 of a practitioner, 2 of somebody who may nothing, 3 revoked. */
typedef struct quick_kit {
    nr_options options;
    nrbac_engine *engine;
    nrbac_session *sessions[QUICK_SESSIONS];
    nr_server servers[2];
    nr_worker workers[2]; /* the quick and the general one */
    nr_connection connections[2];
} quick_kit;

static inline void quick_demand(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "quick_kit: %s\n", what);
    abort();
}

static inline void quick_publish(nrbac_engine *engine, const char *text)
{
    char folder[] = "/tmp/nrbac-quick-XXXXXX";
    char path[64];
    quick_demand(mkdtemp(folder) != NULL, "no folder");
    (void)snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    FILE *file = fopen(path, "w");
    quick_demand(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0,
                 "no policy");
    nrbac_build *build = NULL;
    quick_demand(nrbac_compile(folder, NULL, &build) == NRBAC_OK, "no build");
    for (size_t i = 0; i < nrbac_build_diagnostic_count(build); i++)
        (void)fprintf(stderr, "%s\n", nrbac_build_diagnostic(build, i)->message);
    size_t size = 0;
    const void *image = nrbac_build_image(build, &size);
    quick_demand(image != NULL &&
                     nrbac_engine_load_image(engine, image, size, NULL) == NRBAC_OK,
                 "the policy is unsound");
    nrbac_build_destroy(build);
    (void)unlink(path);
    (void)rmdir(folder);
}

static inline void quick_reload(quick_kit *kit, const char *text)
{
    quick_publish(kit->engine, text);
    for (size_t i = 0; i < 2; i++)
        kit->connections[i].numbers = nrbac_name_count(kit->engine);
}

static inline nrbac_request quick_person(const nrbac_profile *profile, const char *sid)
{
    return (nrbac_request){ .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                         .id = "910",
                                         .sid = sid,
                                         .profiles = profile,
                                         .profile_count = 1 } };
}

static const nrbac_profile quick_profiles[QUICK_SESSIONS] = {
    { .id = "1", .role = "R8000", .organisation = "RBA" },
    { .id = "2", .role = "R8001", .organisation = "RBA" },
    { .id = "3", .role = "R8000", .organisation = "RBA" },
};

static inline quick_kit *quick_kit_make(void)
{
    quick_kit *kit = calloc(1, sizeof(*kit));
    quick_demand(kit != NULL && nrbac_engine_create(NRBAC_ENGINE_UNWATCHED,
                                                    &kit->engine) == NRBAC_OK,
                 "no memory");
#define NR_LIMIT(name, key, standard, least, most, doc) \
    kit->options.limits.name = (standard);
    NR_LIMITS
#undef NR_LIMIT
    kit->options.limits.batch = QUICK_BATCH;
    for (size_t i = 0; i < 2; i++) {
        kit->servers[i].options = &kit->options;
        kit->servers[i].engine = kit->engine;
        kit->servers[i].worker_count = 1;
        kit->servers[i].workers = &kit->workers[i];
        kit->workers[i].server = &kit->servers[i];
        kit->workers[i].document = nrbac_document_create();
        kit->connections[i].worker = &kit->workers[i];
    }
    quick_reload(kit, quick_policy);
    for (size_t s = 0; s < QUICK_SESSIONS; s++) {
        nrbac_request request = quick_person(&quick_profiles[s],
                                             s == 2 ? "gone" : NULL);
        (void)nrbac_session_open(kit->engine, &request, &kit->sessions[s]);
        quick_demand(kit->sessions[s] != NULL, "no session");
        for (size_t i = 0; i < 2; i++)
            quick_demand(
                nr_sessions_add(&kit->connections[i].sessions,
                                (nr_session_entry){ .number = (int64_t)s + 1,
                                                    .session = kit->sessions[s] }),
                "no memory");
    }
    quick_demand(nrbac_revoke(kit->engine, &(nrbac_revocation){ .sid = "gone" }) == 1,
                 "nothing is revoked");
    return kit;
}

static inline void quick_kit_destroy(quick_kit *kit)
{
    for (size_t i = 0; i < 2; i++) {
        nr_buffer_finish(&kit->connections[i].output);
        free(kit->connections[i].sessions.entries); /* the sessions are shared */
        nrbac_document_destroy(kit->workers[i].document);
    }
    for (size_t s = 0; s < QUICK_SESSIONS; s++)
        nrbac_session_close(kit->sessions[s]);
    nrbac_engine_destroy(kit->engine);
    free(kit);
}

/* What is wrong with the quick answers to the messages at the front; NULL: nothing.
 * *taken: how long they were, 0 if the first was left to the general way. */
static inline const char *quick_compare(quick_kit *kit, const uint8_t *bytes,
                                        size_t size, size_t *taken)
{
    nr_connection *quick = &kit->connections[0];
    nr_connection *general = &kit->connections[1];
    const nr_limits *limits = &kit->options.limits;
    const nr_scan_limits bounds = { limits->message_bytes, limits->elements,
                                    limits->depth };
    quick->in_flight = general->in_flight = 0; /* as after a write */
    quick->output.size = 0;
    general->output.size = 0;
    *taken = nr_methods_answer_quick(quick, bytes, size);
    size_t at = 0;
    while (at < *taken) {
        nr_scan scan = { 0 };
        if (nr_scan_next(&scan, bytes + at, size - at, &bounds) != NR_SCAN_READY)
            return "it ends elsewhere";
        if (!nr_methods_answer(general, bytes + at, scan.at))
            return "it should end the connection";
        at += scan.at;
    }
    if (at != *taken)
        return "it ends elsewhere";
    if (quick->output.size != general->output.size ||
        (quick->output.size != 0 &&
         memcmp(quick->output.bytes, general->output.bytes, quick->output.size) != 0))
        return "the answers differ";
    if (quick->in_flight != general->in_flight ||
        memcmp(&kit->workers[0].metrics, &kit->workers[1].metrics,
               sizeof(nr_metrics)) != 0)
        return "the counts differ";
    return NULL;
}

#endif
