/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request told and read back gives the same answer, byte for byte; whatever is decided
 * is recorded, or denied; and what a record tells is decided the same again.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp, glob */
#include "chance.h"

#include <nrbac/recorder.h>

#include <dirent.h>
#include <time.h>

/* ---- Records that are kept -------------------------------------------------------- */

/* A record as a trail would have it: texts. */
typedef struct kept {
    nrbac_recorded kind;
    unsigned flags;
    nrbac_decision decision;
    int64_t at, time;
    char digest[65], action[300], nhs_number[32];
    bool has_action, has_nhs_number;
    char *told; /* NULL: no request; owned */
    char fault[200];
    char role[32], organisation[32];
    bool answered;
} kept;

typedef struct book {
    kept last;
    size_t count;
    bool refuses;
    uint64_t names;      /* what sessions' circumstances are called from now on */
    char *circumstances; /* told last; owned */
} book;

static char *json_of(const nrbac_value *value)
{
    char *text = NULL;
    CHECK_INT(nrbac_json_write(value, NRBAC_JSON_COMPACT, &text, NULL), NRBAC_OK);
    return text;
}

static void copy(char *to, size_t room, const char *from)
{
    (void)snprintf(to, room, "%s", from == NULL ? "" : from);
}

static char *told(const nrbac_request *request, unsigned parts)
{
    nrbac_document *document = nrbac_document_create();
    char *text = json_of(nrbac_request_tell(request, parts, document));
    nrbac_document_destroy(document);
    return text;
}

static bool keep(void *context, nrbac_record *record)
{
    book *into = context;
    kept *last = &into->last;
    if (into->refuses)
        return false;
    into->count++;
    free(last->told);
    *last = (kept){ .kind = record->kind,
                    .flags = record->flags,
                    .decision = *record->decision,
                    .at = record->at,
                    .time = record->time,
                    .has_action = record->action != NULL,
                    .has_nhs_number = record->nhs_number != NULL,
                    .answered = record->answer != NULL };
    copy(last->digest, sizeof(last->digest), record->digest);
    copy(last->action, sizeof(last->action), record->action);
    copy(last->nhs_number, sizeof(last->nhs_number), record->nhs_number);
    copy(last->fault, sizeof(last->fault), record->fault);
    copy(last->role, sizeof(last->role),
         record->profile == NULL ? NULL : record->profile->role);
    copy(last->organisation, sizeof(last->organisation), record->organisation);
    if (record->request != NULL) {
        last->told = told(record->request, NRBAC_TELL_CIRCUMSTANCES);
        free(into->circumstances);
        into->circumstances = told(record->request, NRBAC_TELL_CIRCUMSTANCES);
        if (into->names != 0)
            record->circumstances = into->names++;
    } else if (record->circumstances != 0) {
        last->told = strdup(into->circumstances);
    }
    return true;
}

static nrbac_decision again(nrbac_engine *engine, const kept *of, nrbac_value **answer,
                            nrbac_document *document)
{
    nrbac_request request = { 0 };
    const nrbac_value *map = NULL;
    if (of->told != NULL) {
        CHECK_INT(nrbac_json_read(document, of->told, strlen(of->told), &map, NULL),
                  NRBAC_OK);
        CHECK_INT(nrbac_request_read(map, document, &request), NRBAC_OK);
    }
    nrbac_record record = {
        .kind = of->kind,
        .flags = of->flags,
        .time = of->time,
        .action = of->has_action ? of->action : NULL,
        .nhs_number = of->has_nhs_number ? of->nhs_number : NULL,
        .request = of->told == NULL ? NULL : &request,
        .fault = *of->fault == '\0' ? NULL : of->fault,
    };
    return nrbac_decide_again(engine, &record, document, answer);
}

/* What was recorded last is what was decided, and is decided again. */
static void check_last(nrbac_engine *engine, const book *in,
                       const nrbac_decision *decided)
{
    nrbac_document *document = nrbac_document_create();
    nrbac_value *answer = NULL;
    nrbac_decision repeated = again(engine, &in->last, NULL, document);
    nrbac_decision explained = again(engine, &in->last, &answer, document);
    CHECK(same(&in->last.decision, decided));
    CHECK(same(&explained, &repeated));
    if (!same(&repeated, decided))
        printf("%s, again %s: kind %d, action `%s`, %s\n",
               nrbac_reason_slug(decided->reason), nrbac_reason_slug(repeated.reason),
               (int)in->last.kind, in->last.action,
               in->last.told == NULL ? "" : in->last.told);
    CHECK(same(&repeated, decided));
    CHECK(answer != NULL);
    nrbac_document_destroy(document);
}

/* ---- Told and read back ------------------------------------------------------------ */

static char *answer_to(nrbac_engine *engine, const nrbac_request *request)
{
    nrbac_document *document = nrbac_document_create();
    nrbac_value *answer = NULL;
    (void)nrbac_evaluate(engine, request, document, &answer);
    char *text = json_of(answer);
    nrbac_document_destroy(document);
    return text;
}

/* By way of JSON text, in one part and in two. */
static void check_round_trip(nrbac_engine *engine, const nrbac_request *request)
{
    nrbac_document *document = nrbac_document_create();
    unsigned all = NRBAC_TELL_CIRCUMSTANCES | NRBAC_TELL_ASKED;
    char *parts[] = { told(request, all), told(request, NRBAC_TELL_CIRCUMSTANCES),
                      told(request, NRBAC_TELL_ASKED) };
    nrbac_request back[2] = { { .action = NULL } };
    for (size_t i = 0; i < 3; i++) {
        const nrbac_value *map = NULL;
        CHECK_INT(nrbac_json_read(document, parts[i], strlen(parts[i]), &map, NULL),
                  NRBAC_OK);
        CHECK_INT(nrbac_request_read(map, document, &back[i == 0 ? 0 : 1]), NRBAC_OK);
    }
    char *first = answer_to(engine, request);
    for (size_t i = 0; i < 2; i++) {
        char *second = answer_to(engine, &back[i]);
        char *once_more = told(&back[i], all);
        CHECK_STR(second, first);
        CHECK_STR(once_more, parts[0]);
        free(second);
        free(once_more);
    }
    for (size_t i = 0; i < 3; i++)
        free(parts[i]);
    free(first);
    nrbac_document_destroy(document);
}

static void every_member_comes_back(void)
{
    const char *list[] = { "a", NULL, "" };
    nrbac_profile profile = { "1", "2", "3", list, 3, list, 2, list, 1, -5, INT64_MAX };
    nrbac_findings findings = {
        NRBAC_REFUSED, NRBAC_VERIFIED, NRBAC_GRANT_CIS2, "f", list, 3, -1, list, 1
    };
    nrbac_request all = {
        .subject = { NRBAC_PATIENT, NRBAC_EVIDENCE_NHS_LOGIN, "i", "n", "a", "s",
                     &profile, 1, "t", "c", 4, -2147483647, 10, INT64_MIN, true, true,
                     true },
        .action = "x",
        .organisation = "o",
        .nhs_number = "m",
        .application = "p",
        .api = "q",
        .authenticated_by = "b",
        .pattern = "r",
        .acting_as = "g",
        .on_behalf_of = "h",
        .findings = &findings,
        .time = -7,
    };
    char *text = told(&all, NRBAC_TELL_CIRCUMSTANCES | NRBAC_TELL_ASKED);
    CHECK_STR(
        text,
        "{\"action\":\"x\",\"nhs_number\":\"m\",\"time\":-7,"
        "\"subject\":{\"type\":\"patient\",\"evidence\":\"nhs-login\",\"id\":\"i\","
        "\"nhs_number\":\"n\",\"actor\":\"a\",\"sid\":\"s\","
        "\"token_choice\":\"t\",\"caller_choice\":\"c\",\"aal\":3,"
        "\"ial\":-2147483648,\"proofing\":9,\"expires_at\":-9223372036854775808,"
        "\"mismatched\":true,\"inactive\":true,\"training\":true,"
        "\"profiles\":[{\"id\":\"1\",\"role\":\"2\",\"organisation\":\"3\","
        "\"areas_of_work\":[\"a\",\"\"],\"activities\":[\"a\"],"
        "\"workgroups\":[\"a\"],\"opens_at\":-5,"
        "\"closes_at\":9223372036854775807}]},"
        "\"organisation\":\"o\",\"application\":\"p\",\"api\":\"q\","
        "\"authenticated_by\":\"b\",\"pattern\":\"r\",\"acting_as\":\"g\","
        "\"on_behalf_of\":\"h\",\"findings\":{\"user\":\"refused\","
        "\"application\":\"verified\",\"grant\":\"cis2\",\"fault\":\"f\","
        "\"verified\":[\"a\",\"\"],\"expires_at\":-1,\"expiring\":[\"a\"]}}");
    free(text);
}

static void what_is_not_a_request_is_not_read(void)
{
    static const char *const bad[] = {
        "[]",
        "{\"other\":1}",
        "{\"action\":1}",
        "{\"time\":\"now\"}",
        "{\"subject\":[]}",
        "{\"subject\":{\"type\":\"robot\"}}",
        "{\"subject\":{\"aal\":2147483647}}",
        "{\"subject\":{\"profiles\":{}}}",
        "{\"subject\":{\"profiles\":[{\"activities\":[1]}]}}",
        "{\"subject\":{\"profiles\":[{\"activities\":[null]}]}}",
        "{\"subject\":{\"profiles\":[{\"unheard\":true}]}}",
        "{\"subject\":{\"inactive\":1}}",
        "{\"findings\":{\"user\":true}}",
        "{\"subject\":{\"type\":4294967297}}",
        "{\"organisation\":null}",
    };
    nrbac_document *document = nrbac_document_create();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const nrbac_value *value = NULL;
        nrbac_request request = { 0 };
        CHECK_INT(nrbac_json_read(document, bad[i], strlen(bad[i]), &value, NULL),
                  NRBAC_OK);
        CHECK_INT(nrbac_request_read(value, document, &request), NRBAC_E_FORMAT);
    }
    nrbac_request strange = { .subject = { .type = (nrbac_subject_type)9 } };
    char *text = told(&strange, NRBAC_TELL_CIRCUMSTANCES);
    CHECK_STR(text, "{\"subject\":{\"type\":9}}");
    free(text);
    nrbac_document_destroy(document);
}

/* Every request by chance, told, recorded, and decided again. */
static void requests_by_chance(nrbac_engine *engine, book *into)
{
    nrbac_document *document = nrbac_document_create();
    size_t permits = 0;
    for (int i = 0; i < 20000; i++) {
        nrbac_profile profiles[3];
        nrbac_findings findings;
        nrbac_request request = make_request(profiles, &findings);
        nrbac_value *answer = NULL;
        if (i % 8 == 0)
            check_round_trip(engine, &request);
        nrbac_document_reset(document);
        size_t before = into->count;
        nrbac_decision decision = nrbac_evaluate(engine, &request, document, &answer);
        CHECK_INT(into->count, before + 1);
        CHECK_INT(into->last.time, NOW);
        CHECK(into->last.answered);
        check_last(engine, into, &decision);
        permits += decision.effect == NRBAC_PERMIT;
    }
    CHECK(permits > 300); /* else nothing much was tried */
    nrbac_document_destroy(document);
}

static void sessions_by_chance(nrbac_engine *engine, book *into)
{
    static const char *const names[] = { "B0820", "B0107", "B0170", "noted",   "plain",
                                         "sure",  "here",  "B0000", "nothing", "" };
    size_t opened = 0;
    for (int i = 0; i < 20000; i++) {
        nrbac_profile profiles[3];
        nrbac_findings findings;
        nrbac_session *session = NULL;
        nrbac_request request = make_request(profiles, &findings);
        nrbac_decision decision = nrbac_session_open(engine, &request, &session);
        CHECK_INT(into->last.kind, NRBAC_RECORDED_OPENING);
        check_last(engine, into, &decision);
        if (session == NULL)
            continue;
        opened++;
        into->names = opened % 2 == 0 ? opened : 0;
        for (int k = 0; k < 3; k++) {
            const char *name = names[roll(sizeof(names) / sizeof(names[0]))];
            decision = nrbac_decide_text(session, name);
            CHECK_INT(into->last.kind, NRBAC_RECORDED_DECISION);
            CHECK(into->last.time >= NOW - 1 && into->last.time <= NOW + 2);
            check_last(engine, into, &decision);
            bool yes = nrbac_check_recorded(session, nrbac_prepare(engine, name));
            CHECK_INT(into->last.kind, NRBAC_RECORDED_CHECK);
            CHECK_INT(yes, into->last.decision.effect == NRBAC_PERMIT);
            CHECK_INT(yes, decision.effect == NRBAC_PERMIT &&
                               decision.obligation_count == 0);
            check_last(engine, into, &into->last.decision);
            CHECK_INT(nrbac_check_text_recorded(session, name, strlen(name)), yes);
            CHECK_INT(into->last.kind, NRBAC_RECORDED_CHECK);
            CHECK_STR(into->last.action, name);
            check_last(engine, into, &into->last.decision);
        }
        into->names = 0;
        nrbac_session_close(session);
    }
    CHECK(opened > 500);
}

/* ---- Requests that the tests have as files --------------------------------------------- */

static char *file_text(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, 1 << 20);
    *size = fread(text, 1, (1 << 20) - 1, file);
    (void)fclose(file);
    return text;
}

/* Asked as a document; what it was decided on is what the recorder was told. */
static void ask_document(nrbac_engine *engine, book *into, const nrbac_value *request,
                         unsigned flags)
{
    nrbac_ask ask = { .flags = flags };
    nrbac_document *document = nrbac_document_create();
    nrbac_value *answer = NULL;
    nrbac_session *session = NULL;
    nrbac_decision decision = nrbac_evaluate_document(engine, request, &ask, document,
                                                      &answer);
    check_last(engine, into, &decision);
    CHECK_STR(into->last.digest,
              decision.generation == 0 ? "" : into->last.digest); /* not cut */
    CHECK_INT(strlen(into->last.digest), 64);
    if (into->last.told != NULL) {
        nrbac_document *other = nrbac_document_create();
        nrbac_value *repeated = NULL;
        (void)again(engine, &into->last, &repeated, other);
        ask.flags |= NRBAC_ASK_EXPLAIN;
        (void)nrbac_evaluate_document(engine, request, &ask, document, &answer);
        char *first = json_of(answer), *second = json_of(repeated);
        CHECK_STR(second, first);
        free(first);
        free(second);
        nrbac_document_destroy(other);
    }
    decision = nrbac_session_open_document(engine, request, &ask, document, &answer,
                                           &session);
    CHECK_INT(into->last.kind, NRBAC_RECORDED_OPENING);
    check_last(engine, into, &decision);
    nrbac_session_close(session);
    nrbac_document_destroy(document);
}

static size_t ask_files(nrbac_engine *engine, book *into, const char *folder,
                        bool subjects)
{
    static const char *const actions[] = { "B0820", "noted", "here", "nothing" };
    DIR *entries = opendir(folder);
    size_t asked = 0;
    CHECK(entries != NULL);
    for (struct dirent *e; entries != NULL && (e = readdir(entries)) != NULL;) {
        char path[512];
        size_t size = 0;
        (void)snprintf(path, sizeof(path), "%s/%s", folder, e->d_name);
        char *text = e->d_name[0] == '.' ? NULL : file_text(path, &size);
        nrbac_document *document = nrbac_document_create();
        const nrbac_value *value = NULL;
        if (text != NULL &&
            nrbac_json_read(document, text, size, &value, NULL) == NRBAC_OK) {
            for (size_t i = 0; i < (subjects ? 4u : 1u); i++) {
                nrbac_value *request = nrbac_new_map(document);
                nrbac_value *action = nrbac_new_map(document);
                nrbac_set(document, request, "subject",
                          nrbac_value_copy(document, value));
                nrbac_set(document, action, "name",
                          nrbac_new_text(document, actions[i]));
                nrbac_set(document, request, "action", action);
                ask_document(engine, into, subjects ? request : value,
                             i == 0 ? 0 : NRBAC_ASK_UNPROVEN | NRBAC_ASK_STRANGER);
                asked++;
            }
        }
        nrbac_document_destroy(document);
        free(text);
    }
    if (entries != NULL)
        (void)closedir(entries);
    return asked;
}

static void requests_of_the_tests(nrbac_engine *engine, book *into)
{
    static const char *const folders[] = {
        "policy/national/subjects",
        "policy/examples/gp-practice/subjects",
        "policy/examples/own-rbac/subjects",
        "policy/examples/vaccination-team/subjects",
        "policy/examples/community-pharmacy/subjects",
    };
    size_t asked = 0;
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        asked += ask_files(engine, into, folders[i], true);
    CHECK(asked >= 100);
    CHECK(ask_files(engine, into, "tests/fuzz/corpus/subject", false) >= 20);
}

/* ---- What cannot be recorded ------------------------------------------------------------ */

static const nrbac_profile practitioner = { .id = "555",
                                            .role = "R8000",
                                            .organisation = "RBA" };

static nrbac_request somebody(const char *action)
{
    return (nrbac_request){ .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                         .id = "910",
                                         .profiles = &practitioner,
                                         .profile_count = 1 },
                            .action = action };
}

static void without_a_record_there_is_no_permit(nrbac_engine *engine, book *into)
{
    nrbac_document *document = nrbac_document_create();
    nrbac_request request = somebody("B0820");
    nrbac_session *session = NULL;
    nrbac_value *answer = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).effect, NRBAC_PERMIT);
    nrbac_name noted = nrbac_prepare(engine, "noted");
    nrbac_name plain = nrbac_prepare(engine, "plain");
    CHECK(nrbac_check_recorded(session, plain));

    into->refuses = true;
    nrbac_decision decision = nrbac_evaluate(engine, &request, document, &answer);
    CHECK_INT(decision.effect, NRBAC_DENY);
    CHECK_INT(decision.reason, NRBAC_REASON_NOT_RECORDED);
    CHECK(!nrbac_value_boolean(nrbac_value_find(answer, "decision")));
    const nrbac_value *context = nrbac_value_find(answer, "context");
    CHECK_STR(nrbac_value_text(nrbac_value_find(context, "reason")), "not-recorded");
    decision = nrbac_decide(session, noted);
    CHECK_INT(decision.reason, NRBAC_REASON_NOT_RECORDED);
    CHECK_INT(decision.effect, NRBAC_DENY);
    CHECK_INT(decision.obligation_count, 0);
    CHECK(!nrbac_check_recorded(session, plain));
    CHECK(!nrbac_check_text_recorded(session, "plain", 5));
    CHECK(nrbac_check(session, plain));
    CHECK_INT(nrbac_check_reason(session, plain), NRBAC_REASON_REQUIREMENT_MET);
    nrbac_session *second = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &second).reason,
              NRBAC_REASON_NOT_RECORDED);
    CHECK(second == NULL);

    into->refuses = false;
    CHECK(nrbac_check_recorded(session, plain));
    nrbac_engine_set_recorder(engine, NULL, NULL);
    CHECK(!nrbac_check_recorded(session, plain));
    CHECK_INT(nrbac_decide(session, plain).effect, NRBAC_PERMIT);
    nrbac_engine_set_recorder(engine, keep, into);
    nrbac_session_close(session);
    nrbac_document_destroy(document);
}

static void a_refused_opening_is_answered_so(nrbac_engine *engine, book *into)
{
    static const char text[] =
        "{\"subject\":{\"type\":\"healthcare-worker\",\"properties\":{\"profile\":"
        "{\"id\":\"555\",\"role\":\"R8000\",\"organisation\":\"RBA\"}}}}";
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *request = NULL;
    nrbac_value *answer = NULL;
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_json_read(document, text, strlen(text), &request, NULL), NRBAC_OK);
    into->refuses = true;
    nrbac_decision decision = nrbac_session_open_document(engine, request, NULL,
                                                          document, &answer, &session);
    into->refuses = false;
    CHECK(session == NULL);
    CHECK_INT(decision.reason, NRBAC_REASON_NOT_RECORDED);
    CHECK_STR(nrbac_value_text(nrbac_value_find(answer, "effect")), "deny");
    nrbac_document_destroy(document);
}

/* ---- What a record tells ------------------------------------------------------------------ */

static void a_malformed_request_is_recorded(nrbac_engine *engine, book *into)
{
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *request = NULL;
    nrbac_value *answer = NULL;
    static const char text[] = "{\"subject\":{\"type\":\"robot\"}}";
    CHECK_INT(nrbac_json_read(document, text, strlen(text), &request, NULL), NRBAC_OK);
    nrbac_decision decision = nrbac_evaluate_document(engine, request, NULL, document,
                                                      &answer);
    CHECK_STR(into->last.fault,
              "`subject.type` is neither `healthcare-worker` nor `patient`");
    CHECK(into->last.told == NULL);
    check_last(engine, into, &decision);
    nrbac_document_destroy(document);
}

/* A name that could pass for another one when it is cut. */
static void odd_names_stay_odd(nrbac_engine *engine, book *into)
{
    nrbac_request request = somebody(NULL);
    nrbac_session *session = NULL;
    nrbac_decision decision = nrbac_session_open(engine, &request, &session);
    nrbac_decide_text_into(session, "B0820\0x", 7, &decision);
    CHECK_INT(decision.effect, NRBAC_NOT_APPLICABLE);
    CHECK_STR(into->last.action, "B0820?x");
    check_last(engine, into, &decision);
    nrbac_decide_text_into(session, "B0820xx", 5, &decision);
    CHECK_INT(decision.effect, NRBAC_PERMIT);
    check_last(engine, into, &decision);
    char name[1000];
    for (size_t i = 0; i + 1 < sizeof(name); i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    nrbac_decide_text_into(session, name + 1, 800, &decision);
    CHECK_INT(strlen(into->last.action), 255 + 3);
    CHECK_STR(into->last.action + 255, "\xe2\x80\xa6");
    check_last(engine, into, &decision);
    nrbac_session_close(session);
}

/* The session's own time goes on with the clock, and the record has both. */
static void a_session_ends_at_the_recorded_time(nrbac_engine *engine, book *into)
{
    nrbac_profile closing = practitioner;
    closing.closes_at = NOW + 1;
    nrbac_request request = somebody("B0820");
    request.subject.profiles = &closing;
    request.time = NOW;
    nrbac_session *session = NULL;
    nrbac_decision decision = nrbac_session_open(engine, &request, &session);
    CHECK_INT(decision.effect, NRBAC_PERMIT);
    while (decision.effect == NRBAC_PERMIT) {
        decision = nrbac_decide_text(session, "B0820");
        CHECK_INT(into->last.time < NOW + 1, decision.effect == NRBAC_PERMIT);
        CHECK_INT(into->last.at / 1000000 - (int64_t)time(NULL) <= 1, 1);
        check_last(engine, into, &decision);
    }
    CHECK_INT(decision.reason, NRBAC_REASON_EVIDENCE_EXPIRED);
    CHECK_STR(into->last.role, "R8000");
    CHECK_STR(into->last.organisation, "RBA");
    nrbac_session_close(session);
}

int main(void)
{
    book into = { .count = 0 };
    nrbac_build *made = NULL;
    nrbac_engine *engine = chance_engine(&made);
    nrbac_engine_set_recorder(engine, keep, &into);

    every_member_comes_back();
    what_is_not_a_request_is_not_read();
    requests_by_chance(engine, &into);
    sessions_by_chance(engine, &into);
    requests_of_the_tests(engine, &into);
    without_a_record_there_is_no_permit(engine, &into);
    a_refused_opening_is_answered_so(engine, &into);
    a_malformed_request_is_recorded(engine, &into);
    odd_names_stay_odd(engine, &into);
    a_session_ends_at_the_recorded_time(engine, &into);

    free(into.last.told);
    free(into.circumstances);
    nrbac_engine_destroy(engine);
    nrbac_build_destroy(made);
    return check_report();
}
