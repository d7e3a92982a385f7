/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an application received, read and judged: S1 to S10 and S26, before any
 * policy. Requests here are JSON with ' for ".
 */
#include "check.h"
#include "subject/evidence.h"

#include <nrbac/policy.h>

#include <stdlib.h>

enum { NOW = 1795424400 }; /* 2026-11-23T09:00:00Z */

static nrbac_document *document;
static nr_arena arena;
static nr_reading reading; /* of the last request */

static void read_json(const char *text, size_t size, bool need_action)
{
    const nrbac_value *value = NULL;
    nrbac_error error;
    nr_arena_reset(&arena);
    nrbac_document_reset(document);
    if (nrbac_json_read(document, text, size, &value, &error) != NRBAC_OK)
        printf("%s\n", error.text);
    CHECK(value != NULL);
    CHECK_INT(nr_request_read(&arena, value, need_action, &reading), NRBAC_OK);
}

static void read_request(const char *text)
{
    char json[4096];
    size_t size = 0;
    for (; text[size] != '\0' && size < sizeof(json); size++)
        json[size] = text[size] == '\'' ? '"' : text[size];
    CHECK(size < sizeof(json));
    read_json(json, size, true);
}

/* The request of a subject with these properties. */
static void read_properties(const char *type, const char *properties)
{
    char text[3072];
    (void)snprintf(
        text, sizeof(text),
        "{'subject':{'type':'%s','properties':{%s}},'action':{'name':'B0820'}}", type,
        properties);
    read_request(text);
}

static void read_worker(const char *properties)
{
    read_properties("healthcare-worker", properties);
}

/* A record of policy/national/subjects, as a request. */
static void read_record(const char *name)
{
    static char text[1 << 16];
    char path[512];
    (void)snprintf(path, sizeof(path), "%s/policy/national/subjects/%s.json",
                   NRBAC_SOURCE_DIR, name);
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    if (file == NULL)
        return;
    static const char before[] = "{\"subject\":";
    memcpy(text, before, sizeof(before) - 1);
    size_t size = sizeof(before) - 1;
    size += fread(text + size, 1, sizeof(text) - size - 1, file);
    (void)fclose(file);
    text[size++] = '}';
    read_json(text, size, false);
    CHECK_STR(reading.fault, NULL);
}

static const char *reason_at(int64_t now)
{
    if (reading.fault != NULL)
        return reading.fault;
    return nrbac_reason_slug(nr_stand(&reading.request, false, now).reason);
}

static void fault_of(const char *text, const char *want)
{
    read_request(text);
    CHECK_STR(reading.fault, want);
}

/* ---- Records as they are received ---------------------------------------- */

static void every_record_is_readable(void)
{
    static const struct {
        const char *name, *reason, *profile, *role, *acting;
    } cases[] = {
        { "cis2-four-roles-one-org", "role-selection-required", NULL, NULL, NULL },
        { "cis2-aow-workgroups-two-orgs", "role-selection-required", NULL, NULL, NULL },
        { "cis2-selected-role-workgroup", "opened", "5555666677778888", "R8001",
          "A9A5A" },
        { "cis2-privacy-officer-and-nurse", "role-selection-required", NULL, NULL,
          NULL },
        { "cis2-id-token-aal1", "selected-role-invalid", NULL, NULL, NULL },
        { "cis2-id-token-aal3", "role-selection-required", NULL, NULL, NULL },
        { "eps-child-activity-only", "role-code-missing", "ROLE1", NULL, NULL },
        { "eps-baseline-role-only", "opened", "ROLE1", "R6300", "ORG1" },
        { "eps-no-roles", "no-roles", NULL, NULL, NULL },
        { "ftrs-missing-role-code", "role-code-missing", "role-1", NULL, NULL },
        { "saml-one-role-unaligned", "opened", "780609380511", "R8003", "X09" },
        { "saml-two-roles-aow-workgroup", "opened", "555006304103", "R5110", "RME" },
        { "made-saml-flat", "opened", "555006304103", "R5110", "RME" },
        { "old-oidc-id-token-role", "evidence-expired", NULL, NULL, NULL },
        { "nhs-login-p9", "opened", NULL, NULL, NULL },
        { "nhs-login-p0", "opened", NULL, NULL, NULL },
        { "made-null-arrays", "opened", "role-1", "R8001", "ORG001" },
        { "made-selected-empty", "selected-role-invalid", NULL, NULL, NULL },
        { "made-saml-training-session", "training-session", "780609380511", "R8003",
          NULL },
        { "made-saml-open-and-close", "profile-not-open", "780609380511", "R8003",
          NULL },
        { "made-token-of-another", "subject-mismatch", NULL, NULL, NULL },
        { "made-token-expires", "evidence-expired", NULL, NULL, NULL },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        read_record(cases[i].name);
        nr_standing standing = nr_stand(&reading.request, false, NOW);
        CHECK_STR(nrbac_reason_slug(standing.reason), cases[i].reason);
        CHECK_STR(standing.profile == NULL ? NULL : standing.profile->id,
                  cases[i].profile);
        CHECK_STR(standing.role, cases[i].role);
        CHECK_STR(standing.acting_organisation, cases[i].acting);
    }
}

static void check_list(const char *const *items, size_t count, const char *want)
{
    char joined[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof(joined); i++)
        used += (size_t)snprintf(joined + used, sizeof(joined) - used, " %s", items[i]);
    CHECK_STR(joined, want);
}

static void cis2_says_all_of_this(void)
{
    read_record("cis2-aow-workgroups-two-orgs");
    const nrbac_subject *subject = &reading.request.subject;
    CHECK_INT(subject->type, NRBAC_HEALTHCARE_WORKER);
    CHECK_STR(subject->id, "656005750104");
    CHECK_INT(subject->aal, NRBAC_LEVEL_UNKNOWN);
    CHECK_INT(subject->ial, NRBAC_LEVEL(3)); /* idassurancelevel */
    CHECK_INT(subject->profile_count, 2);
    const nrbac_profile *profile = &subject->profiles[1];
    CHECK_STR(profile->role, "S0080:G0450:R5080");
    CHECK_STR(profile->organisation, "X09");
    check_list(
        profile->areas_of_work, profile->area_of_work_count,
        " P0020:Q0300:T0640 P0010:Q0050:T0210 P0020:Q0300:T0630 P0020:Q0300:T0660");
    check_list(profile->activities, profile->activity_count,
               " B0015 B0028 B0030 B0017");
    check_list(profile->workgroups, profile->workgroup_count,
               " 655694018104 555653110100 655681345103 555653032105");

    read_record("cis2-id-token-aal3");
    CHECK_INT(reading.request.subject.aal, NRBAC_LEVEL(3));
    read_record("cis2-id-token-aal1");
    CHECK_INT(reading.request.subject.aal, NRBAC_LEVEL(1));
    CHECK_STR(reading.request.subject.sid, "sid.test");
    CHECK_STR(reading.request.subject.token_choice, "roleid.test");
}

static void the_id_token_of_2018_is_a_profile(void)
{
    read_record("old-oidc-id-token-role");
    const nrbac_subject *subject = &reading.request.subject;
    CHECK_STR(subject->id, "240000109896");
    CHECK(!subject->mismatched);
    CHECK_INT(subject->expires_at, 1497992399);
    CHECK_INT(subject->profile_count, 1);
    CHECK_STR(subject->profiles[0].organisation, "Q14");
    check_list(subject->profiles[0].activities, subject->profiles[0].activity_count,
               " B0263 B0264");
    check_list(subject->profiles[0].workgroups, subject->profiles[0].workgroup_count,
               " 150210428105 150210428106");
    nr_standing standing = nr_stand(&reading.request, false, 1497992398);
    CHECK_STR(standing.role, "R0001");
    CHECK_INT(standing.valid_until, 1497992399);

    fault_of(
        "{'action':{'name':'x'},'subject':{'type':'healthcare-worker','properties':"
        "{'id_token':{'role':{},'workgroups':[{'name':'a'}]}}}}",
        "`subject.properties.id_token.workgroups[0].code` is missing");
}

static void both_spellings_of_an_assertion_say_the_same(void)
{
    for (int flat = 0; flat < 2; flat++) {
        read_record(flat == 0 ? "saml-two-roles-aow-workgroup" : "made-saml-flat");
        const nrbac_subject *subject = &reading.request.subject;
        CHECK_STR(subject->id, "555006130103");
        CHECK_INT(subject->profile_count, 2);
        CHECK_STR(subject->profiles[0].id, "555006132105");
        check_list(subject->profiles[0].activities, subject->profiles[0].activity_count,
                   " B0825 B0098 B0089");
        CHECK_INT(subject->profiles[0].area_of_work_count, 0);
        check_list(subject->profiles[1].areas_of_work,
                   subject->profiles[1].area_of_work_count, " P8001:Q8001:T6092");
        check_list(subject->profiles[1].workgroups,
                   subject->profiles[1].workgroup_count, " 555005330103");
        CHECK_INT(subject->aal, NRBAC_LEVEL_UNKNOWN);
    }
}

static void assertions_may_hold_more(void)
{
    read_worker("'aal':3,'ial':'2','saml':{'NotOnOrAfter':'2026-11-23T09:01:00Z',"
                "'Conditions':{'NotOnOrAfter':'2026-11-23T09:00:30Z'},'attributes':["
                "['uid',['1']],['nhsIDCode','RBA'],['nhsJobRoleCode',['R8000']],"
                "['nhsBusinessFunctionsCodes',['B0001','B0002']],['unknown',{}],"
                "['nhsOrgCloseDate','20261124'],['nhsOrgOpenDate',null]]}");
    CHECK_STR(reason_at(NOW), "opened");
    CHECK_INT(reading.request.subject.expires_at, NOW + 30);
    CHECK_INT(reading.request.subject.aal, NRBAC_LEVEL(3));
    CHECK_INT(reading.request.subject.ial, NRBAC_LEVEL(2));
    CHECK_STR(reason_at(NOW + 30), "evidence-expired");

    read_worker("'saml':[['uid','1'],['uid','2'],['nhsIdCode','RBA']]");
    CHECK_STR(reason_at(NOW), "subject-mismatch");
    read_worker("'saml':[['nhsJobRoleCode','R8000']]");
    CHECK_STR(
        reading.fault,
        "`subject.properties.saml[0]` is of a role, but no `nhsIdCode` begins one");
    read_worker("'saml':[['nhsIdCode','A'],['nhsJobRoleCode','R8000'],"
                "['nhsJobRoleCode','R8001']]");
    CHECK_STR(reading.fault,
              "`subject.properties.saml[2][1]` contradicts an earlier one");
    read_worker("'saml':[['nhsIdCode',['A','B']]]");
    CHECK_STR(reading.fault, "`subject.properties.saml[0][1]` has more than one value");
    read_worker("'saml':[['uid']]");
    CHECK_STR(reading.fault,
              "`subject.properties.saml[0]` is not a list of a name and its value");
    read_worker("'saml':{'roles':[null]}");
    CHECK_STR(reading.fault, "`subject.properties.saml.roles[0]` is not a map");
    read_worker("'saml':{'roles':[],'attributes':[]}");
    CHECK_STR(reading.fault,
              "`subject.properties.saml` holds both `roles` and `attributes`");
    read_worker("'saml':{'ssbMode':'2'}");
    CHECK_STR(reading.fault,
              "`subject.properties.saml.ssbMode` is not a number from 0 to 1");
    read_worker("'saml':{'roles':[{'nhsOrgCloseDate':'20230229'}]}");
    CHECK_STR(reading.fault,
              "`subject.properties.saml.roles[0].nhsOrgCloseDate` is not a "
              "date such as 20261123");
}

static void nhs_login_shows_a_patient(void)
{
    read_record("nhs-login-p9");
    CHECK_STR(reading.request.subject.id, "9912003071");
    CHECK_INT(reading.request.subject.proofing, NRBAC_LEVEL(9));
    read_record("nhs-login-p0");
    CHECK_INT(reading.request.subject.proofing, NRBAC_LEVEL(0));

    static const struct {
        const char *claims;
        int level;
    } cases[] = {
        { "'vot':'P9.Cp.Cd'", NRBAC_LEVEL(9) },
        { "'vot':'Cp.P5'", NRBAC_LEVEL(5) },
        { "'vot':'Cp.Cd'", NRBAC_LEVEL_UNKNOWN },
        { "'vot':'P9','identity_proofing_level':'P5'", NRBAC_LEVEL(5) },
        { "'identity_proofing_level':null", NRBAC_LEVEL_UNKNOWN },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text), "'nhs_login':{%s}", cases[i].claims);
        read_properties("patient", text);
        CHECK_STR(reading.fault, NULL);
        CHECK_INT(reading.request.subject.proofing, cases[i].level);
    }
    read_properties("patient", "'nhs_login':{'identity_proofing_level':'P1'}");
    CHECK_STR(reading.fault,
              "`subject.properties.nhs_login.identity_proofing_level` is "
              "not P0, P5 or P9");
    read_properties("patient", "'nhs_login':{'vot':'P99.Cp'}");
    CHECK_STR(reading.fault,
              "`subject.properties.nhs_login.vot` does not name P0, P5 or P9");
}

/* ---- The request --------------------------------------------------------- */

static void a_request_says_all_of_this(void)
{
    read_request(
        "{'subject':{'type':'healthcare-worker','id':'1','properties':{"
        "'profile':{'id':'p','role':'R8000','organisation':'RBA','unknown':1,"
        "'areas_of_work':['P0001:Q0001:T0001'],'workgroups':['w'],"
        "'activities':['B0001'],'opens_at':'2026-01-01','closes_at':'20270101',"
        "'expires_at':'2026-12-01T00:00:00Z'},'aal':'3','ial':0,"
        "'role_profile':'p'}},'action':{'name':'B0825'},"
        "'resource':{'properties':{'nhs_number':'9912003071'}},"
        "'context':{'application':{'id':'gp'},'organisation':'RBA',"
        "'time':'2026-11-23T09:00:00Z'},'more':[]}");
    CHECK_STR(reading.fault, NULL);
    const nrbac_request *request = &reading.request;
    CHECK_STR(request->action, "B0825");
    CHECK_STR(request->nhs_number, "9912003071");
    CHECK_STR(request->application, "gp");
    CHECK_STR(request->organisation, "RBA");
    CHECK_INT(request->time, NOW);
    CHECK_STR(request->subject.id, "1");
    CHECK_STR(request->subject.caller_choice, "p");
    CHECK_INT(request->subject.aal, NRBAC_LEVEL(3));
    CHECK_INT(request->subject.ial, NRBAC_LEVEL(0));
    CHECK_INT(request->subject.profiles->opens_at, 1767225600);
    CHECK_INT(nr_stand(request, false, NOW).valid_until, 1796083200);

    read_request(
        "{'subject':null,'action':{'name':'x'},'resource':null,'context':null}");
    CHECK_STR(reading.fault, NULL);
    CHECK_INT(reading.request.subject.type, NRBAC_SUBJECT_NONE);
    CHECK_STR(reason_at(NOW), "user-required");
    read_json("{}", 2, false);
    CHECK_STR(reading.fault, NULL);
}

#define WORKER(properties)                                                 \
    "{'subject':{'type':'healthcare-worker','properties':" properties "}," \
    "'action':{'name':'B0820'}}"

static void what_is_missing_or_mistyped_is_named(void)
{
    static const struct {
        const char *text, *fault;
    } cases[] = {
        { "[]", "the request is not a map" },
        { "null", "the request is not a map" },
        { "{}", "`action.name` is missing" },
        { "{'action':'B0820'}", "`action` is not a map" },
        { "{'action':{'name':null}}", "`action.name` is missing" },
        { "{'action':{'name':820}}", "`action.name` is not a text" },
        { "{'action':{'name':''}}", "`action.name` is empty" },
        { "{'subject':'x'}", "`subject` is not a map" },
        { "{'subject':{}}", "`subject.type` is missing" },
        { "{'subject':{'type':'robot'}}",
          "`subject.type` is neither `healthcare-worker` nor `patient`" },
        { "{'subject':{'type':'patient'}}", "`subject.properties` is missing" },
        { "{'subject':{'type':'patient','id':7}}", "`subject.id` is not a text" },
        { WORKER("{}"), "`subject.properties` holds no evidence: it takes `userinfo`, "
                        "`id_token`, `saml`, `nhs_login` or `profile`" },
        { WORKER("{'userinfo':null}"),
          "`subject.properties` holds no evidence: it takes `userinfo`, "
          "`id_token`, `saml`, `nhs_login` or `profile`" },
        { WORKER("{'userinfo':{},'id_token':{},'profile':{}}"),
          "`subject.properties` holds both `userinfo` and `profile`: only one shape of "
          "evidence may be given" },
        { WORKER("{'id_token':{},'saml':{}}"),
          "`subject.properties` holds both `id_token` and `saml`: only one shape of "
          "evidence may be given" },
        { WORKER("{'nhs_login':{}}"),
          "`subject.properties.nhs_login` is the evidence of a patient, but "
          "`subject.type` is `healthcare-worker`" },
        { "{'subject':{'type':'patient','properties':{'profile':{}}}}",
          "`subject.properties.profile` is the evidence of a healthcare worker, but "
          "`subject.type` is `patient`" },
        { WORKER("{'profile':[]}"), "`subject.properties.profile` is not a map" },
        { WORKER("{'profile':{'activities':['B0001','B0002',3]}}"),
          "`subject.properties.profile.activities[2]` is not a text" },
        { WORKER("{'profile':{'activities':'B0001'}}"),
          "`subject.properties.profile.activities` is not a list" },
        { WORKER("{'userinfo':{'nhsid_nrbac_roles':[{},{'activity_codes':[null]}]}}"),
          "`subject.properties.userinfo.nhsid_nrbac_roles[1].activity_codes[0]` is not a "
          "text" },
        { WORKER("{'userinfo':{'nhsid_nrbac_roles':{}}}"),
          "`subject.properties.userinfo.nhsid_nrbac_roles` is not a list" },
        { WORKER("{'id_token':{'selected_roleid':5}}"),
          "`subject.properties.id_token.selected_roleid` is not a text" },
        { WORKER("{'id_token':{'exp':'soon'}}"),
          "`subject.properties.id_token.exp` is not a time in seconds since 1970" },
        { WORKER("{'id_token':{'exp':1795424400000}}"),
          "`subject.properties.id_token.exp` is not a time in seconds since 1970" },
        { WORKER("{'profile':{},'role_profile':1}"),
          "`subject.properties.role_profile` is not a text" },
        { "{'action':{'name':'x'},'context':{'time':'yesterday'}}",
          "`context.time` is not a time such as 2026-11-23T09:00:00Z" },
        { "{'action':{'name':'x'},'context':{'organisation':1}}",
          "`context.organisation` is not a text" },
        { "{'action':{'name':'x'},'context':{'application':'gp'}}",
          "`context.application` is not a map" },
        { "{'action':{'name':'x'},'resource':{'properties':{'nhs_number':9912003071}}}",
          "`resource.properties.nhs_number` is not a text" },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++)
        fault_of(cases[i].text, cases[i].fault);

    char text[400] = "{'action':{'name':'";
    size_t size = strlen(text);
    memset(text + size, 'a', 256);
    memcpy(text + size + 256, "'}}", 4);
    fault_of(text, NULL);
    memcpy(text + size + 256, "a'}}", 5);
    fault_of(text, "`action.name` is longer than 256 bytes");
}

/* A text that others than our JSON reader made may hold NUL. */
static void nul_hides_nothing(void)
{
    nrbac_document_reset(document);
    nrbac_value *request = nrbac_new_map(document);
    nrbac_value *action = nrbac_set(document, request, "action",
                                    nrbac_new_map(document));
    nrbac_set(document, action, "name", nrbac_new_text_of(document, "B0820\0x", 7));
    CHECK_INT(nr_request_read(&arena, request, true, &reading), NRBAC_OK);
    CHECK_STR(reading.fault, "`action.name` holds a NUL character");
}

/* S4: a level is an integer or a numeric text; missing is unknown. */
static void levels_are_never_guessed(void)
{
    static const struct {
        const char *aal;
        int level; /* -1: malformed */
    } cases[] = {
        { "3", NRBAC_LEVEL(3) },
        { "'3'", NRBAC_LEVEL(3) },
        { "1", NRBAC_LEVEL(1) },
        { "null", NRBAC_LEVEL_UNKNOWN },
        { "0", -1 },
        { "4", -1 },
        { "-1", -1 },
        { "3.0", -1 },
        { "''", -1 },
        { "'three'", -1 },
        { "' 3'", -1 },
        { "'+3'", -1 },
        { "'3x'", -1 },
        { "'AAL3_ANY'", -1 },
        { "true", -1 },
        { "[3]", -1 },
        { "{}", -1 },
        { "'00000000000000000003'", -1 },
        { "4294967299", -1 },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        char text[256];
        (void)snprintf(
            text, sizeof(text),
            "'id_token':{'acr':'AAL3_ANY','authentication_assurance_level':%s}",
            cases[i].aal);
        read_worker(text);
        CHECK_STR(reading.fault,
                  cases[i].level < 0
                      ? "`subject.properties.id_token."
                        "authentication_assurance_level` is not a number "
                        "from 1 to 3"
                      : NULL);
        if (cases[i].level >= 0)
            CHECK_INT(reading.request.subject.aal, cases[i].level);
    }
    read_worker("'id_token':{'acr':'AAL3_ANY'}");
    CHECK_INT(reading.request.subject.aal, NRBAC_LEVEL_UNKNOWN);
    read_worker("'userinfo':{'id_assurance_level':'0'}");
    CHECK_INT(reading.request.subject.ial, NRBAC_LEVEL(0));
    /* where both tokens have one, the ID token's counts */
    read_worker("'userinfo':{'authentication_assurance_level':3,'exp':9,'sid':'u'},"
                "'id_token':{'authentication_assurance_level':1,'exp':7.5,'sid':null}");
    CHECK_INT(reading.request.subject.aal, NRBAC_LEVEL(1));
    CHECK_INT(reading.request.subject.expires_at, 7);
    CHECK_STR(reading.request.subject.sid, "u");
}

/* ---- Standing ------------------------------------------------------------ */

static const char TWO_ROLES[] =
    "'nhsid_nrbac_roles':[{'person_roleid':'a','role_code':'S8000:G8000:R8000',"
    "'org_code':'RBA'},{'person_roleid':'b','role_code':'R8001','org_code':'Y51'},"
    "{'person_roleid':'a','role_code':'R9999','org_code':'X26'}]";

static void one_person_is_shown(void)
{
    static const struct {
        const char *subject, *reason;
    } cases[] = {
        { "'id':'1','properties':{'userinfo':{'sub':'1'}}", "no-roles" },
        { "'id':'2','properties':{'userinfo':{'sub':'1'}}", "subject-mismatch" },
        { "'id':'1','properties':{'userinfo':{}}", "subject-mismatch" },
        { "'properties':{'userinfo':{'sub':'1'},'id_token':{'sub':'2'}}",
          "subject-mismatch" },
        { "'properties':{'userinfo':{'sub':'1'},'id_token':{'sub':'1'}}", "no-roles" },
        { "'properties':{'userinfo':{'sub':'1'},'id_token':{'sub':null}}", "no-roles" },
        { "'properties':{'userinfo':{'sub':'1','uid':'2','nhsid_useruid':'3'}}",
          "no-roles" },
        { "'id':'1','properties':{'id_token':{'sub':'uid=1,ou=People,o=nhs'}}",
          "no-roles" },
        { "'id':'uid=1,ou=People,o=nhs','properties':{'id_token':{'sub':'1'}}",
          "no-roles" },
        { "'id':'uid=1,ou=People,o=elsewhere','properties':{'id_token':{'sub':'1'}}",
          "subject-mismatch" },
        { "'id':'1','properties':{'saml':{'uid':'1'}}", "no-roles" },
        { "'id':'2','properties':{'saml':{'uid':'1'}}", "subject-mismatch" },
        { "'id':'2','properties':{'saml':[]}", "subject-mismatch" },
        { "'id':'1','properties':{'profile':{'role':'R8000'}}", "opened" },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "{'subject':{'type':'healthcare-worker',%s},"
                       "'action':{'name':'B0820'}}",
                       cases[i].subject);
        read_request(text);
        CHECK_STR(reason_at(NOW), cases[i].reason);
    }
}

/* S7: the token's choice, else the caller's, else the only one; no falling back. */
static void one_profile_is_in_force(void)
{
    static const struct {
        const char *more, *reason, *profile;
        bool overridden;
    } cases[] = {
        { "'selected_roleid':'a'}", "opened", "R8000", false },
        { "'selected_roleid':'b'},'role_profile':'a'", "opened", "R8001", true },
        { "'selected_roleid':'b'},'role_profile':'b'", "opened", "R8001", false },
        { "'selected_roleid':''},'role_profile':'a'", "selected-role-invalid", NULL,
          true },
        { "'selected_roleid':''}", "selected-role-invalid", NULL, false },
        { "'selected_roleid':'c'},'role_profile':'a'", "selected-role-invalid", NULL,
          true },
        { "'selected_roleid':null},'role_profile':'b'", "opened", "R8001", false },
        { "'x':1},'role_profile':'b'", "opened", "R8001", false },
        { "'x':1},'role_profile':'c'", "selected-role-invalid", NULL, false },
        { "'x':1},'role_profile':''", "selected-role-invalid", NULL, false },
        { "'x':1},'id_token':{'selected_roleid':'b'}", "opened", "R8001", false },
        { "'selected_roleid':'a'},'id_token':{'selected_roleid':'b'}", "opened",
          "R8001", false },
        { "'x':1}", "role-selection-required", NULL, false },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        char text[1024];
        (void)snprintf(text, sizeof(text), "'userinfo':{%s,%s", TWO_ROLES,
                       cases[i].more);
        read_worker(text);
        nr_standing standing = nr_stand(&reading.request, false, NOW);
        CHECK_STR(reason_at(NOW), cases[i].reason);
        CHECK_STR(standing.role, cases[i].profile);
        CHECK_INT(standing.choice_overridden, cases[i].overridden);
    }
    read_worker("'userinfo':{'nhsid_nrbac_roles':[]}");
    CHECK_STR(reason_at(NOW), "no-roles");
    read_worker("'id_token':{'selected_roleid':'a'}");
    CHECK_STR(reason_at(NOW), "selected-role-invalid");
    read_worker("'profile':{'role':'R8000'},'role_profile':'a'");
    CHECK_STR(reason_at(NOW), "selected-role-invalid");
    read_worker("'profile':{'id':'a','role':'R8000'},'role_profile':'a'");
    CHECK_STR(reason_at(NOW), "opened");
}

/* S2: the last part of a triple, or alone. */
static void a_profile_needs_a_usable_role(void)
{
    static const struct {
        const char *role, *code;
    } cases[] = {
        { "R8001", "R8001" },
        { "S8003:G8003:R8003", "R8003" },
        { "E1005", "E1005" },
        { "local:locum-lead", "local:locum-lead" },
        { "S000:G000:RC1", NULL },
        { "B0428", NULL },
        { "", NULL },
        { "r8001", NULL },
        { "R80011", NULL },
        { "S8000:G8000:R8001:R8000", NULL },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        char text[128];
        (void)snprintf(text, sizeof(text), "'profile':{'role':'%s'}", cases[i].role);
        read_worker(text);
        nr_standing standing = nr_stand(&reading.request, false, NOW);
        CHECK_STR(standing.role, cases[i].code);
        CHECK_STR(reason_at(NOW),
                  cases[i].code == NULL ? "role-code-missing" : "opened");
        standing = nr_stand(&reading.request, true, NOW);
        CHECK_STR(nrbac_reason_slug(standing.reason), "opened");
        CHECK_STR(standing.role, cases[i].code);
    }
}

/* S9, with the contract's words for it. */
static void the_acting_organisation_is_settled(void)
{
    static const struct {
        const char *own, *named; /* as JSON */
        const char *reason, *acting;
    } cases[] = {
        { "'RBA'", "null", "opened", "RBA" },
        { "'RBA'", "'RBA'", "opened", "RBA" },
        { "'RBA'", "'rba'", "organisation-mismatch", "RBA" },
        { "'RBA'", "'Y51'", "organisation-mismatch", "RBA" },
        { "'RBA'", "'FFFFF'", "organisation-mismatch", "RBA" },
        { "'RBA'", "''", "organisation-mismatch", "RBA" },
        { "null", "null", "opened", NULL },
        { "''", "null", "opened", NULL },
        { "null", "'Y51'", "organisation-mismatch", NULL },
        { "'FFFFF'", "'Y51'", "opened", "Y51" },
        { "'FFFFF'", "null", "organisation-required", NULL },
        { "'FFFFF'", "''", "organisation-required", NULL },
        { "'FFFFF'", "'FFFFF'", "organisation-required", NULL },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        char text[512];
        (void)snprintf(text, sizeof(text),
                       "{'subject':{'type':'healthcare-worker','properties':{'profile':"
                       "{'role':'R8000','organisation':%s}}},'action':{'name':'x'},"
                       "'context':{'organisation':%s}}",
                       cases[i].own, cases[i].named);
        read_request(text);
        nr_standing standing = nr_stand(&reading.request, false, NOW);
        CHECK_STR(reason_at(NOW), cases[i].reason);
        CHECK_STR(standing.acting_organisation, cases[i].acting);
    }
}

/* S8, S10, S26, and in the contract's order: each case mends the one before. */
static void the_first_check_that_fails_gives_the_reason(void)
{
    nrbac_profile profiles[] = {
        { .id = "a", .role = "none", .organisation = "RBA", .closes_at = 100 },
        { .id = "b", .role = "R8000", .organisation = "RBA" },
    };
    nrbac_request request = {
        .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                     .profiles = profiles,
                     .profile_count = 2,
                     .token_choice = "x",
                     .expires_at = 150,
                     .mismatched = true,
                     .inactive = true,
                     .training = true },
        .organisation = "Y51",
    };
#define REASON(now) nrbac_reason_slug(nr_stand(&request, false, (now)).reason)
    CHECK_STR(REASON(150), "subject-mismatch");
    request.subject.mismatched = false;
    CHECK_STR(REASON(150), "evidence-expired");
    CHECK_STR(REASON(149), "person-inactive");
    request.subject.inactive = false;
    CHECK_STR(REASON(149), "selected-role-invalid");
    request.subject.token_choice = NULL;
    CHECK_STR(REASON(149), "role-selection-required");
    request.subject.token_choice = "a";
    CHECK_STR(REASON(149), "role-code-missing");
    profiles[0].role = "R8001";
    CHECK_STR(REASON(100), "profile-not-open");
    CHECK_STR(REASON(99), "training-session");
    profiles[0].opens_at = 99;
    CHECK_STR(REASON(98), "profile-not-open");
    request.subject.training = false;
    CHECK_STR(REASON(99), "organisation-mismatch");
    request.organisation = NULL;
    CHECK_STR(REASON(99), "opened");
    CHECK_INT(nr_stand(&request, false, 99).valid_until, 100);
    request.subject.expires_at = 0;
    CHECK_INT(nr_stand(&request, false, 99).valid_until, 100);
    profiles[0].closes_at = 0;
    CHECK_INT(nr_stand(&request, false, 99).valid_until, 0);

    /* a candidate is judged by what follows the choice alone */
    request.subject.token_choice = NULL;
    CHECK_STR(REASON(99), "role-selection-required");
    CHECK_INT(nr_stand_as(&request, &profiles[1], false, 99).reason,
              NRBAC_REASON_OPENED);
    CHECK_INT(nr_stand_as(&request, &profiles[0], false, 98).reason,
              NRBAC_REASON_PROFILE_NOT_OPEN);
    CHECK(nr_stand_as(&request, &profiles[1], false, 99).profile == &profiles[1]);
}

static void status_and_dates_come_from_the_directory(void)
{
    static const struct {
        const char *members, *reason;
    } cases[] = {
        { "'nhsPersonStatus':1", "opened" },
        { "'nhsPersonStatus':'1'", "opened" },
        { "'nhsPersonStatus':['1']", "opened" },
        { "'nhsPersonStatus':null", "opened" },
        { "'nhsPersonStatus':'2'", "person-inactive" },
        { "'status':0", "person-inactive" },
        { "'nhsPersonStatus':1,'status':3", "person-inactive" },
        { "'nhsPersonStatus':{}",
          "`subject.properties.saml.nhsPersonStatus` is not a text" },
        { "'ssbMode':1", "training-session" },
        { "'ssbMode':'1'", "training-session" },
        { "'ssbMode':0", "opened" },
        { "'NotOnOrAfter':'2026-11-23T09:00:00Z'", "evidence-expired" },
        { "'NotOnOrAfter':'2026-11-23T09:00:01Z'", "opened" },
        { "'NotOnOrAfter':'1970-01-01T00:00:00Z'", "evidence-expired" },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        char text[256];
        (void)snprintf(text, sizeof(text),
                       "'saml':{%s,'roles':[{'nhsJobRoleCode':'R8000'}]}",
                       cases[i].members);
        read_worker(text);
        CHECK_STR(reason_at(NOW), cases[i].reason);
    }
    /* closed when the close date is today; open when the open date is */
    read_worker("'saml':{'roles':[{'nhsJobRoleCode':'R8000',"
                "'nhsOrgOpenDate':'20261122','nhsOrgCloseDate':'20261123'}]}");
    CHECK_STR(reason_at(1795392000), "profile-not-open");
    CHECK_STR(reason_at(1795392000 - 1), "opened");
    CHECK_STR(reason_at(1795392000 - 86400), "opened");
    CHECK_STR(reason_at(1795392000 - 86401), "profile-not-open");
    read_worker("'id_token':{'exp':0}");
    CHECK_STR(reason_at(NOW), "evidence-expired");
}

static void a_patient_has_one_record(void)
{
    static const struct {
        const char *id, *asked, *exp, *reason; /* as JSON */
    } cases[] = {
        { "null", "null", "null", "opened" },
        { "'9912003071'", "'9912003071'", "null", "opened" },
        { "'sub-1'", "'9912003071'", "null", "opened" },
        { "'9912003072'", "null", "null", "subject-mismatch" },
        { "null", "'9912003072'", "null", "not-own-record" },
        { "null", "'9912003072'", "1", "evidence-expired" },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        char text[512];
        (void)snprintf(
            text, sizeof(text),
            "{'subject':{'type':'patient','id':%s,'properties':{'nhs_login':{"
            "'nhs_number':'9912003071','sub':'sub-1','exp':%s}}},"
            "'action':{'name':'x'},'context':{'organisation':'Y51'},"
            "'resource':{'properties':{'nhs_number':%s}}}",
            cases[i].id, cases[i].exp, cases[i].asked);
        read_request(text);
        CHECK_STR(reason_at(NOW), cases[i].reason);
        CHECK(nr_stand(&reading.request, false, NOW).profile == NULL);
    }
}

/* ---- Times --------------------------------------------------------------- */

static void times_are_rfc_3339(void)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: not a time */
    } cases[] = {
        { "1970-01-01T00:00:00Z", 0 },
        { "2026-11-23T09:00:00Z", NOW },
        { "2026-11-23t09:00:00z", NOW },
        { "2026-11-23T10:00:00+01:00", NOW },
        { "2026-11-23T08:30:00-00:30", NOW },
        { "2026-11-23T09:00:00.999999999Z", NOW },
        { "2000-02-29T00:00:00Z", 951782400 },
        { "2016-12-31T23:59:60Z", 1483228800 },
        { "9999-12-31T23:59:59Z", 253402300799 },
        { "9999-12-31T23:59:59-00:01", -1 },
        { "1970-01-01T00:00:00+00:01", -1 },
        { "1969-12-31T23:59:59Z", -1 },
        { "2100-02-29T00:00:00Z", -1 },
        { "2023-02-29T00:00:00Z", -1 },
        { "2026-13-01T00:00:00Z", -1 },
        { "2026-00-01T00:00:00Z", -1 },
        { "2026-04-31T00:00:00Z", -1 },
        { "2026-04-00T00:00:00Z", -1 },
        { "2026-11-23T24:00:00Z", -1 },
        { "2026-11-23T09:60:00Z", -1 },
        { "2026-11-23T09:00:60Z", -1 },
        { "2026-11-23T09:00:00", -1 },
        { "2026-11-23T09:00Z", -1 },
        { "2026-11-23T09:00:00.Z", -1 },
        { "2026-11-23 09:00:00Z", -1 },
        { "2026-11-23T09:00:00Z ", -1 },
        { " 2026-11-23T09:00:00Z", -1 },
        { "2026-11-23T09:00:00+24:00", -1 },
        { "2026-11-23T09:00:00+0100", -1 },
        { "26-11-23T09:00:00Z", -1 },
        { "2026-11-23", -1 },
        { "", -1 },
    };
    for (size_t i = 0; i < NR_COUNT(cases); i++) {
        int64_t seconds = -1;
        CHECK_INT(nr_time_read(cases[i].text, &seconds), cases[i].seconds >= 0);
        CHECK_INT(seconds, cases[i].seconds);
    }
    CHECK(!nr_time_read(NULL, &(int64_t){ 0 }));
}

static void times_survive_the_way_there_and_back(void)
{
    char text[NR_TIME_SIZE];
    for (int64_t day = 0; day <= 2932896; day++) { /* every day until 9999 */
        int64_t seconds = day * 86400 + day * 7919 % 86400, back = -1;
        nr_time_write(seconds, text);
        if (!nr_time_read(text, &back) || back != seconds)
            CHECK_INT(back, seconds);
    }
    nr_time_write(NOW, text);
    CHECK_STR(text, "2026-11-23T09:00:00Z");
    nr_time_write(INT64_MIN, text);
    CHECK_STR(text, "1970-01-01T00:00:00Z");
    nr_time_write(INT64_MAX, text);
    CHECK_STR(text, "9999-12-31T23:59:59Z");
}

int main(void)
{
    document = nrbac_document_create();
    every_record_is_readable();
    cis2_says_all_of_this();
    the_id_token_of_2018_is_a_profile();
    both_spellings_of_an_assertion_say_the_same();
    assertions_may_hold_more();
    nhs_login_shows_a_patient();
    a_request_says_all_of_this();
    what_is_missing_or_mistyped_is_named();
    nul_hides_nothing();
    levels_are_never_guessed();
    one_person_is_shown();
    one_profile_is_in_force();
    a_profile_needs_a_usable_role();
    the_acting_organisation_is_settled();
    the_first_check_that_fails_gives_the_reason();
    status_and_dates_come_from_the_directory();
    a_patient_has_one_record();
    times_are_rfc_3339();
    times_survive_the_way_there_and_back();
    nr_arena_finish(&arena);
    nrbac_document_destroy(document);
    return check_report();
}
