/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Checking by a name's text, on a session and in a directory: what is promised of
 * names, of policies that come and go, and of what ends a session.
 */
#include "w1.h"

#include <time.h>

static const char first_policy[] =
    "nrbac: 1\n"
    "policy: { name: first, version: \"1\" }\n"
    "activities:\n"
    "  B0107: { name: View with notice }\n"
    "  B0820: { name: View }\n"
    "  B0825: { name: Amend, includes: [B0820] }\n"
    "  B0999: { name: Old, status: obsolete, replaced_by: B0825 }\n"
    "  B0998: { name: Gone, status: obsolete }\n"
    "  local:x: { name: Seven bytes }\n"
    "  local:xy: { name: Eight bytes }\n"
    "job_roles: { R8000: { name: Practitioner }, R8001: { name: Other } }\n"
    "baseline:\n"
    "  - { roles: [R8000], activities: [B0825, \"local:xy\"] }\n"
    "  - { roles: [R8001], activities: [B0107] }\n"
    "obligations: { notify: { name: Tell somebody } }\n"
    "functions:\n"
    "  f: { require: B0820 }\n"
    "  ff: { require: B0107 }\n"
    "  view: { require: { any: [B0107, { any: [B0820, B0107] }] } }\n"
    "  noted: { require: { activity: B0820, obligations: [notify] } }\n"
    "  noted.or.not: { require: { any: [B0825, { activity: B0820, obligations: [notify] "
    "}] } }\n"
    "  not.or.noted: { require: { any: [{ activity: B0820, obligations: [notify] }, "
    "B0825] } }\n"
    "  both: { require: { all: [B0820, B0825] } }\n"
    "  one.of.both: { require: { all: [{ any: [B0107, B0825] }, B0820] } }\n"
    "  neither: { require: { all: [B0107, B0825] } }\n"
    "  the.role.alone: { require: { role: R8000 } }\n"
    "  role.or.activity: { require: { any: [B0107, { role: R8000 }] } }\n"
    "  sure: { require: { all: [B0820, { aal: 3 }] } }\n";

/* What the first has, and more before and after it, so that nothing keeps its place. */
static const char second_policy[] =
    "nrbac: 1\n"
    "policy: { name: second, version: \"2\" }\n"
    "activities:\n"
    "  B0001: { name: New }\n"
    "  B0820: { name: View }\n"
    "  B0822: { name: Between }\n"
    "  B0825: { name: Amend }\n"
    "job_roles: { R8000: { name: Practitioner } }\n"
    "baseline: [{ roles: [R8000], activities: [B0001, B0825] }]\n"
    "functions: { fresh: { require: B0001 }, f: { require: B0825 } }\n"
    "suspend: [{ activity: B0001, reason: incident }]\n";

static const nrbac_profile practitioner = { .id = "555",
                                            .role = "R8000",
                                            .organisation = "RBA" };

static const nrbac_profile other = { .id = "556",
                                     .role = "R8001",
                                     .organisation = "RBA" };

static nrbac_request request_of(const nrbac_profile *profile)
{
    return (nrbac_request){ .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                         .id = "910",
                                         .sid = "login-1",
                                         .profiles = profile,
                                         .profile_count = 1 } };
}

static nrbac_engine *engine;
static nrbac_directory *directory;
static nrbac_session *session;

/* One user, with a session of its own and one in the directory. */
static void open_both(const nrbac_request *request)
{
    nrbac_session *given = NULL;
    CHECK_INT(nrbac_session_open(engine, request, &session).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_session_open(engine, request, &given).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_directory_put(directory, "910000000001", 12, given), NRBAC_OK);
}

static void set_up(unsigned flags, const char *policy)
{
    CHECK_INT(nrbac_engine_create(flags, &engine), NRBAC_OK);
    publish_text(engine, policy);
    CHECK_INT(nrbac_directory_create(engine, 0, &directory), NRBAC_OK);
    const nrbac_request request = request_of(&practitioner);
    open_both(&request);
}

static void tear_down(void)
{
    nrbac_session_close(session);
    nrbac_directory_destroy(directory);
    nrbac_engine_destroy(engine);
}

/* Both ways, from memory that ends where the name does. */
static bool check_sized(const char *name, size_t size)
{
    char *copy = malloc(size == 0 ? 1 : size);
    if (size != 0)
        memcpy(copy, name, size);
    bool permitted = nrbac_check_text(session, copy, size);
    CHECK(nrbac_directory_check(directory, "910000000001", 12, copy, size) ==
          permitted);
    free(copy);
    return permitted;
}

static bool check(const char *name)
{
    return check_sized(name, strlen(name));
}

static void a_name_is_its_whole_text(void)
{
    set_up(0, first_policy);
    CHECK(check("B0820") && check("B0825"));
    CHECK(!check("B0107"));
    CHECK(check("local:xy") && !check("local:x") && !check("local:"));
    CHECK(check("f") && !check("ff") && !check("fff"));
    CHECK(check("view") && !check("vie") && !check("views"));
    CHECK(!check("") && !check("B") && !check("B082") && !check("B08200"));
    CHECK(!check("b0820") && !check(" B082") && !check("B082O") && !check("R8000"));
    CHECK(!check_sized("B0820\0", 6) && !check_sized("B082\0", 5));
    CHECK(!check_sized("view\0", 5) && !check_sized("local:xy\0", 9));
    CHECK(!check("B0001") && !check("no.such.function"));
    tear_down();
}

static void replaced_codes_count_as_their_replacement(void)
{
    set_up(0, first_policy);
    CHECK(check("B0999"));
    CHECK(!check("B0998"));
    nrbac_session_close(session);
    const nrbac_request request = request_of(&other);
    open_both(&request);
    CHECK(!check("B0999") && !check("B0825") && check("B0107"));
    tear_down();
}

static void functions_are_what_they_require(void)
{
    set_up(0, first_policy);
    CHECK(check("both") && check("one.of.both") && !check("neither"));
    CHECK(check("the.role.alone") && check("role.or.activity"));
    CHECK(!check("sure"));
    nrbac_session_close(session);
    nrbac_request request = request_of(&practitioner);
    request.subject.aal = NRBAC_LEVEL(3);
    open_both(&request);
    CHECK(check("sure"));
    nrbac_session_close(session);
    request = request_of(&other);
    open_both(&request);
    CHECK(!check("both") && !check("one.of.both") && !check("the.role.alone"));
    CHECK(check("ff") && check("view") && check("role.or.activity"));
    tear_down();
}

/* Of an `any` the first that holds decides the obligations. */
static void a_permit_with_obligations_is_no_plain_yes(void)
{
    set_up(0, first_policy);
    CHECK(!check("noted") && check("noted.or.not") && !check("not.or.noted"));
    CHECK_INT(nrbac_decide_text(session, "noted").effect, NRBAC_PERMIT);
    tear_down();
}

static void names_come_and_go_with_policies(void)
{
    set_up(0, first_policy);
    CHECK(!check("fresh") && !check("B0001") && check("B0820") && check("view"));
    publish_text(engine, second_policy);
    CHECK(check("B0825") && check("f"));
    CHECK(!check("B0820") && !check("view") && !check("local:xy") && !check("B0999"));
    CHECK(!check("B0822") && !check("B0001") && !check("fresh"));
    publish_text(engine, first_policy);
    CHECK(check("B0820") && check("view") && check("local:xy") && check("B0999"));
    CHECK(!check("fresh") && !check("B0822"));
    tear_down();
}

/* More names than there was room for, prepared and declared. */
static void names_outgrow_their_room(void)
{
    set_up(0, first_policy);
    char name[32];
    for (int i = 0; i < 5000; i++) {
        (void)snprintf(name, sizeof(name), "prepared.%d", i);
        CHECK(nrbac_prepare(engine, name) != 0);
    }
    CHECK(check("B0820") && !check("prepared.4999"));
    char *policy = w1_policy();
    publish_text(engine, policy);
    free(policy);
    CHECK(!check("B0820") && !check("B0349"));
    publish_text(engine, second_policy);
    CHECK(check("B0825") && check("f") && !check("fresh"));
    const nrbac_request request = request_of(&practitioner);
    nrbac_session_close(session);
    open_both(&request);
    CHECK(check("B0825") && check("f"));
    tear_down();
}

static void the_first_names_may_come_before_any_policy(void)
{
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    CHECK_INT(nrbac_directory_create(engine, 1, &directory), NRBAC_OK);
    CHECK(!nrbac_directory_check(directory, "910000000001", 12, "B0820", 5));
    CHECK(!nrbac_directory_remove(directory, "910000000001", 12));
    CHECK(nrbac_prepare(engine, "B0825") != 0);
    publish_text(engine, first_policy);
    const nrbac_request request = request_of(&practitioner);
    open_both(&request);
    CHECK(check("B0825") && check("B0820"));
    tear_down();
}

static void what_has_expired_answers_no(void)
{
    set_up(NRBAC_ENGINE_UNWATCHED, first_policy);
    nrbac_request request = request_of(&practitioner);
    int64_t soon = (int64_t)time(NULL) + 1000;
    request.subject.expires_at = soon;
    nrbac_session_close(session);
    open_both(&request);
    CHECK_INT(nrbac_poll(engine, soon - 1), soon);
    CHECK(check("B0820"));
    CHECK_INT(nrbac_poll(engine, soon), 0);
    CHECK(!check("B0820"));
    publish_text(engine, first_policy);
    CHECK(!check("B0820"));
    tear_down();
}

static void what_was_revoked_answers_no(void)
{
    set_up(0, first_policy);
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ 0 }), 0);
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ .sub = "910", .sid = "other" }),
              0);
    CHECK(check("B0820"));
    CHECK_INT(nrbac_revoke(engine,
                           &(nrbac_revocation){ .sub = "910", .role_profile = "555" }),
              2);
    CHECK(!check("B0820"));
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ .sub = "910" }), 0);
    publish_text(engine, first_policy);
    CHECK(!check("B0820") && !check("f"));
    tear_down();
}

/* By hand or because nobody vouches for the policy, which is the same to it. */
static void a_stopped_engine_permits_nothing(void)
{
    set_up(0, first_policy);
    nrbac_session *given = NULL;
    nrbac_session *ended = NULL;
    const nrbac_request request = request_of(&practitioner);
    const nrbac_request another = request_of(&other);
    CHECK_INT(nrbac_session_open(engine, &request, &given).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_session_open(engine, &another, &ended).effect, NRBAC_PERMIT);
    nrbac_engine_stop(engine, true);
    CHECK(!check("B0820") && !check("view"));
    publish_text(engine, second_policy);
    publish_text(engine, first_policy);
    CHECK_INT(nrbac_directory_put(directory, "910000000001", 12, given), NRBAC_OK);
    CHECK_INT(nrbac_directory_put(directory, "ended", 5, ended), NRBAC_OK);
    CHECK(!check("B0820") && !check("view"));
    CHECK_INT(nrbac_revoke(engine, &(nrbac_revocation){ .role_profile = "556" }), 1);
    nrbac_directory *second = NULL;
    CHECK_INT(nrbac_directory_create(engine, 0, &second), NRBAC_OK);
    nrbac_engine_stop(engine, false);
    CHECK(check("B0820") && check("view"));
    CHECK(!nrbac_directory_check(directory, "ended", 5, "B0107", 5));
    CHECK_INT(nrbac_session_open(engine, &another, &given).effect, NRBAC_PERMIT);
    CHECK_INT(nrbac_directory_put(second, "another", 7, given), NRBAC_OK);
    CHECK(nrbac_directory_check(second, "another", 7, "B0107", 5));
    nrbac_directory_destroy(second);
    tear_down();
}

int main(void)
{
    a_name_is_its_whole_text();
    replaced_codes_count_as_their_replacement();
    functions_are_what_they_require();
    a_permit_with_obligations_is_no_plain_yes();
    names_come_and_go_with_policies();
    names_outgrow_their_room();
    the_first_names_may_come_before_any_policy();
    what_has_expired_answers_no();
    what_was_revoked_answers_no();
    a_stopped_engine_permits_nothing();
    return check_report();
}
