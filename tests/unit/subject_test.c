/* SPDX-License-Identifier: Apache-2.0 */
/* What an application received, as it is read: S1 to S5. */
#include "requests.h"

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
    return requests_report();
}
