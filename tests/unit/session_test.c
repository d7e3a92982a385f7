/* SPDX-License-Identifier: Apache-2.0 */
/* What a session promises: time, revocation, obligations, numbers that stay. */
#define _XOPEN_SOURCE 700 /* mkdtemp, nanosleep */
#include "check.h"

#include <nrbac/policy.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The linker sends the engine's threads here: -Wl,--wrap=pthread_create. */
typedef void *thread_body(void *context);
static bool no_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          thread_body *body, void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          thread_body *body, void *context);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          thread_body *body, void *context)
{
    return no_threads ? EAGAIN
                      : __real_pthread_create(thread, attributes, body, context);
}

static const char first_policy[] =
    "nrbac: 1\n"
    "policy: { name: first, version: \"1\" }\n"
    "activities:\n"
    "  B0107: { name: View with notice }\n"
    "  B0820: { name: View }\n"
    "  B0825: { name: Amend, includes: [B0820] }\n"
    "job_roles: { R8000: { name: Practitioner } }\n"
    "baseline: [{ roles: [R8000], activities: [B0825] }]\n"
    "obligations: { notify: { name: Tell somebody } }\n"
    "functions:\n"
    "  plain: { require: B0820 }\n"
    "  noted: { require: { any: [B0107, { activity: B0820, obligations: [notify] }] } }\n"
    "  sure: { require: { all: [B0820, { aal: 3 }] } }\n";

static const char second_policy[] =
    "nrbac: 1\n"
    "policy: { name: second, version: \"2\" }\n"
    "activities: { B0001: { name: Another }, B0825: { name: Amend } }\n"
    "job_roles: { R8000: { name: Practitioner } }\n"
    "baseline: [{ roles: [R8000], activities: [B0001] }]\n"
    "functions: { fresh: { require: B0001 } }\n";

static const char suspending_policy[] =
    "nrbac: 1\n"
    "policy: { name: third, version: \"3\" }\n"
    "activities: { B0820: { name: View } }\n"
    "job_roles: { R8000: { name: Practitioner } }\n"
    "baseline: [{ roles: [R8000], activities: [B0820] }]\n"
    "applications: { old-system: { authenticated_by: [signed-jwt] } }\n"
    "suspend: [{ application: old-system, reason: incident }]\n";

static void load(nrbac_engine *engine, const char *text)
{
    char folder[] = "/tmp/nrbac-session-XXXXXX";
    char path[64];
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    FILE *file = fopen(path, "w");
    (void)fputs(text, file);
    (void)fclose(file);
    nrbac_build *build = NULL;
    CHECK_INT(nrbac_compile(folder, NULL, &build), NRBAC_OK);
    size_t size = 0;
    const void *image = nrbac_build_image(build, &size);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, NULL), NRBAC_OK);
    nrbac_build_destroy(build);
    (void)unlink(path);
    (void)rmdir(folder);
}

static const nrbac_profile practitioner = { .id = "555",
                                            .role = "S8000:G8000:R8000",
                                            .organisation = "RBA" };

static nrbac_request somebody(void)
{
    return (nrbac_request){ .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                         .id = "910",
                                         .sid = "login-1",
                                         .profiles = &practitioner,
                                         .profile_count = 1 } };
}

static nrbac_engine *engine_with(const char *policy, unsigned flags)
{
    nrbac_engine *engine = NULL;
    CHECK_INT(nrbac_engine_create(flags, &engine), NRBAC_OK);
    load(engine, policy);
    return engine;
}

/* All evidence is kept, however long it is: sizes around the room that most texts fit
 * into. Its last activity must still be known, and its last text too. */
static void evidence_of_any_length_is_kept(void)
{
    static char organisation[1024];
    static const char *const activities[] = { "B0001", "B0107" };
    nrbac_profile profile = { .id = "555",
                              .role = "R8000",
                              .organisation = organisation,
                              .activities = activities,
                              .activity_count = 2 };
    nrbac_engine *engine = engine_with(first_policy, 0);
    for (size_t length = 1; length < sizeof(organisation); length++) {
        organisation[length - 1] = 'a';
        nrbac_request request = somebody();
        request.subject.profiles = &profile;
        request.organisation = organisation;
        nrbac_session *session = NULL;
        CHECK_INT(nrbac_session_open(engine, &request, &session).reason,
                  NRBAC_REASON_OPENED);
        CHECK_INT(nrbac_decide_text(session, "B0107").effect, NRBAC_PERMIT);
        nrbac_session_close(session);
    }
    nrbac_engine_destroy(engine);
}

static void without_a_policy_everything_is_refused(void)
{
    nrbac_engine *engine = NULL;
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    nrbac_request request = somebody();
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).reason,
              NRBAC_REASON_NO_POLICY);
    CHECK(session == NULL);
    CHECK_INT(nrbac_engine_load(engine, "/nonexistent/policy.nrb", NULL), NRBAC_E_IO);
    CHECK_INT(nrbac_engine_load(engine, "/proc/self/status", NULL), NRBAC_E_IMAGE);
    nrbac_document *document = nrbac_document_create();
    nrbac_value *apis = nrbac_apis(engine, document);
    CHECK_INT(nrbac_value_kind(apis), NRBAC_KIND_MAP);
    CHECK_INT(nrbac_value_count(apis), 0);
    nrbac_document_destroy(document);
    nrbac_engine_destroy(engine);
}

static void a_permit_with_obligations_is_no_plain_yes(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_name plain = nrbac_prepare(engine, "plain");
    nrbac_name noted = nrbac_prepare(engine, "noted");
    nrbac_request request = somebody();
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK(nrbac_check(session, plain));
    CHECK(!nrbac_check(session, noted));
    CHECK_INT(nrbac_check_reason(session, noted), NRBAC_REASON_OBLIGATIONS_APPLY);
    CHECK_INT(nrbac_check_reason(session, plain), NRBAC_REASON_REQUIREMENT_MET);
    nrbac_decision decision = nrbac_decide(session, noted);
    CHECK_INT(decision.effect, NRBAC_PERMIT);
    CHECK_INT(decision.obligation_count, 1);
    CHECK_STR(decision.obligations[0], "notify");
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

/* What was refused counts for nothing, in a session as in a whole question. */
static void refused_evidence_opens_nothing(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_request request = somebody();
    nrbac_findings findings = { .user = NRBAC_REFUSED, .fault = "the token is not" };
    nrbac_session *session = NULL;
    request.findings = &findings;
    CHECK_INT(nrbac_session_open(engine, &request, &session).reason,
              NRBAC_REASON_USER_NOT_AUTHENTICATED);
    CHECK(session == NULL);
    findings = (nrbac_findings){ .application = NRBAC_REFUSED };
    nrbac_decision decision = nrbac_session_open(engine, &request, &session);
    CHECK_INT(decision.reason, NRBAC_REASON_APPLICATION_NOT_AUTHENTICATED);
    CHECK_INT(decision.effect, NRBAC_DENY);
    CHECK(session == NULL);
    nrbac_engine_destroy(engine);
}

static void an_answer_tells_what_was_verified(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_document *document = nrbac_document_create();
    nrbac_request request = somebody();
    const char *verified[] = { "id_token" };
    nrbac_findings findings = { .user = NRBAC_VERIFIED,
                                .verified = verified,
                                .verified_count = 1,
                                .expires_at = 4102444800 };
    nrbac_value *answer = NULL;
    request.action = "plain";
    request.findings = &findings;
    CHECK_INT(nrbac_evaluate(engine, &request, document, &answer).effect, NRBAC_PERMIT);
    const nrbac_value *context = nrbac_value_find(answer, "context");
    const nrbac_value *evidence = nrbac_value_find(context, "evidence");
    const nrbac_value *list = nrbac_value_find(evidence, "verified");
    CHECK_STR(nrbac_value_text(nrbac_value_find(evidence, "user")), "verified");
    CHECK_STR(nrbac_value_text(nrbac_value_find(evidence, "application")), "none");
    CHECK_STR(nrbac_value_text(nrbac_value_at(list, 0)), "id_token");
    CHECK_STR(nrbac_value_text(nrbac_value_find(context, "valid_until")),
              "2100-01-01T00:00:00Z");
    nrbac_document_destroy(document);
    nrbac_engine_destroy(engine);
}

/* S26: the application's evidence ends a session as the user's does, also on a policy
 * that was published later. */
static void s26_a_session_ends_with_the_first_of_its_evidence(void)
{
    nrbac_engine *engine = engine_with(first_policy, NRBAC_ENGINE_UNWATCHED);
    nrbac_name plain = nrbac_prepare(engine, "plain");
    nrbac_request request = somebody();
    int64_t now = (int64_t)time(NULL);
    nrbac_findings findings = { .application = NRBAC_VERIFIED,
                                .expires_at = now + 300 };
    nrbac_session *session = NULL;
    request.subject.expires_at = now + 600;
    request.findings = &findings;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_session_valid_until(session), now + 300);
    findings = (nrbac_findings){ .user = NRBAC_REFUSED }; /* the session has its own */
    load(engine, first_policy);
    CHECK(nrbac_check(session, plain));
    CHECK_INT(nrbac_session_valid_until(session), now + 300);
    (void)nrbac_poll(engine, now + 299);
    CHECK(nrbac_check(session, plain));
    (void)nrbac_poll(engine, now + 300);
    CHECK(!nrbac_check(session, plain));
    CHECK_INT(nrbac_check_reason(session, plain), NRBAC_REASON_EVIDENCE_EXPIRED);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

/* S4: a level that is not stated is not the highest. */
static void s04_a_forgotten_level_reaches_nothing(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_name sure = nrbac_prepare(engine, "sure");
    nrbac_request request = somebody();
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK(!nrbac_check(session, sure));
    CHECK_INT(nrbac_decide(session, sure).reason, NRBAC_REASON_ASSURANCE_UNKNOWN);
    nrbac_session_close(session);
    request.subject.aal = NRBAC_LEVEL(2);
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_decide(session, sure).reason, NRBAC_REASON_ASSURANCE_TOO_LOW);
    nrbac_session_close(session);
    request.subject.aal = NRBAC_LEVEL(3);
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK(nrbac_check(session, sure));
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

/* S26, by the caller's own clock. */
static void s26_a_session_ends_with_its_evidence(void)
{
    nrbac_engine *engine = engine_with(first_policy, NRBAC_ENGINE_UNWATCHED);
    nrbac_name view = nrbac_prepare(engine, "B0820");
    nrbac_request request = somebody();
    int64_t soon = (int64_t)time(NULL) + 1000;
    request.subject.expires_at = soon;
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_session_valid_until(session), soon);
    CHECK_INT(nrbac_poll(engine, soon - 1), soon);
    CHECK(nrbac_check(session, view));
    CHECK_INT(nrbac_poll(engine, soon), 0);
    CHECK(!nrbac_check(session, view));
    CHECK_INT(nrbac_decide(session, view).reason, NRBAC_REASON_EVIDENCE_EXPIRED);
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ .sub = "910" }), 0);
    nrbac_session_close(session);
    request.subject.expires_at = (int64_t)time(NULL) - 1;
    CHECK_INT(nrbac_session_open(engine, &request, &session).reason,
              NRBAC_REASON_EVIDENCE_EXPIRED);
    CHECK(session == NULL);
    nrbac_engine_destroy(engine);
}

/* And by the engine's own watcher. */
static void s26_the_watcher_ends_what_has_expired(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_name view = nrbac_prepare(engine, "B0820");
    nrbac_request request = somebody();
    request.subject.expires_at = (int64_t)time(NULL) + 1;
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    bool ended = false;
    for (int i = 0; i < 40 && !ended; i++) {
        (void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
        ended = !nrbac_check(session, view);
    }
    CHECK(ended);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

/* It has no watcher, though the engine looks as if one waited. */
static void a_forked_child_can_let_go_of_its_parents_engine(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_request request = somebody();
    request.subject.expires_at = (int64_t)time(NULL) + 60;
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    (void)nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL); /* it waits */
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(5);
        nrbac_engine_destroy(engine);
        _exit(0);
    }
    int status = -1;
    CHECK_INT(waitpid(child, &status, 0), child);
    CHECK_INT(status, 0);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

/* A stated time is where the session's time begins, not where it stands still. */
static void s26_a_session_of_a_stated_time_ends_too(void)
{
    nrbac_engine *engine = engine_with(first_policy, NRBAC_ENGINE_UNWATCHED);
    nrbac_name view = nrbac_prepare(engine, "B0820");
    nrbac_request request = somebody();
    request.time = 1000000;
    request.subject.expires_at = request.time + 100;
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_session_valid_until(session), request.time + 100);
    int64_t now = (int64_t)time(NULL);
    CHECK(nrbac_poll(engine, now) >= now + 90);
    load(engine, first_policy);
    CHECK(nrbac_check(session, view));
    CHECK_INT(nrbac_poll(engine, now + 110), 0);
    CHECK(!nrbac_check(session, view));
    CHECK_INT(nrbac_decide(session, view).reason, NRBAC_REASON_EVIDENCE_EXPIRED);
    nrbac_session_close(session);
    request.time = INT64_MIN;
    request.subject.expires_at = INT64_MAX;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_poll(engine, now), INT64_MAX);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

/* A session whose end nobody would notice is not opened. */
static void s26_without_a_watcher_nothing_that_expires_is_opened(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_request request = somebody();
    nrbac_session *session = NULL;
    no_threads = true;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    nrbac_session_close(session);
    request.subject.expires_at = (int64_t)time(NULL) + 1000;
    CHECK_INT(nrbac_session_open(engine, &request, &session).reason,
              NRBAC_REASON_NOT_EVALUATED);
    CHECK(session == NULL);
    no_threads = false;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

static void a_revocation_ends_those_who_match_it_wholly(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_name view = nrbac_prepare(engine, "B0820");
    nrbac_request request = somebody();
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ 0 }), 0);
    CHECK_INT(
        nrbac_revoke(engine, &(nrbac_revocation){ .sub = "910", .sid = "login-2" }), 0);
    CHECK(nrbac_check(session, view));
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ .role_profile = "555" }), 1);
    CHECK(!nrbac_check(session, view));
    CHECK_INT(nrbac_decide(session, view).reason, NRBAC_REASON_SESSION_REVOKED);
    load(engine, first_policy);
    CHECK(!nrbac_check(session, view));
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

static void a_number_never_changes_its_meaning(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_name view = nrbac_prepare(engine, "B0820");
    nrbac_name amend = nrbac_prepare(engine, "B0825");
    nrbac_name fresh = nrbac_prepare(engine, "fresh");
    nrbac_name never = nrbac_prepare(engine, "never.declared");
    nrbac_request request = somebody();
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK(nrbac_check(session, view) && nrbac_check(session, amend));
    CHECK(!nrbac_check(session, fresh));
    CHECK_INT(nrbac_decide(session, fresh).reason, NRBAC_REASON_UNKNOWN_FUNCTION);

    load(engine, second_policy);
    CHECK(!nrbac_check(session, view) && !nrbac_check(session, amend));
    CHECK(nrbac_check(session, fresh) &&
          nrbac_check(session, nrbac_prepare(engine, "B0001")));
    CHECK_INT(nrbac_decide(session, view).reason, NRBAC_REASON_UNKNOWN_ACTIVITY);
    CHECK_INT(nrbac_decide(session, amend).reason, NRBAC_REASON_NOT_GRANTED);
    CHECK_INT(nrbac_decide(session, never).reason, NRBAC_REASON_UNKNOWN_FUNCTION);
    CHECK_INT(nrbac_decide(session, 0).effect, NRBAC_NOT_APPLICABLE);
    CHECK_INT(nrbac_decide(session, view).generation, 2);
    CHECK_INT(nrbac_prepare(engine, "B0820"), view);
    CHECK_INT(nrbac_decide_text(session, "B0001").effect, NRBAC_PERMIT);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

/* The one bit does not know more than the rule: who asks may be suspended, too. */
static void a_suspended_application_has_no_permits(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_name view = nrbac_prepare(engine, "B0820");
    nrbac_request request = somebody();
    request.application = "old-system";
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK(nrbac_check(session, view));
    load(engine, suspending_policy);
    CHECK(!nrbac_check(session, view));
    CHECK_INT(nrbac_decide(session, view).reason, NRBAC_REASON_SUSPENDED);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

/* A bad image changes nothing. */
static void the_last_good_policy_stays(void)
{
    nrbac_engine *engine = engine_with(first_policy, 0);
    nrbac_name view = nrbac_prepare(engine, "B0820");
    nrbac_request request = somebody();
    nrbac_session *session = NULL;
    nrbac_error error = { 0 };
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_engine_load_image(engine, "not an image", 12, &error),
              NRBAC_E_IMAGE);
    CHECK(error.text[0] != '\0');
    CHECK_INT(nrbac_engine_generation(engine), 1);
    CHECK(nrbac_check(session, view));
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
}

int main(void)
{
    without_a_policy_everything_is_refused();
    evidence_of_any_length_is_kept();
    a_permit_with_obligations_is_no_plain_yes();
    refused_evidence_opens_nothing();
    an_answer_tells_what_was_verified();
    s26_a_session_ends_with_the_first_of_its_evidence();
    s04_a_forgotten_level_reaches_nothing();
    s26_a_session_ends_with_its_evidence();
    s26_the_watcher_ends_what_has_expired();
    a_forked_child_can_let_go_of_its_parents_engine();
    s26_a_session_of_a_stated_time_ends_too();
    s26_without_a_watcher_nothing_that_expires_is_opened();
    a_revocation_ends_those_who_match_it_wholly();
    a_number_never_changes_its_meaning();
    a_suspended_application_has_no_permits();
    the_last_good_policy_stays();
    return check_report();
}
