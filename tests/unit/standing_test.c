/* SPDX-License-Identifier: Apache-2.0 */
/* Who the user is now: S2, S5 to S10 and S26, before any policy. */
#include "requests.h"

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
    /* an empty choice is nobody's profile, also if there is one without an id */
    read_worker("'userinfo':{'selected_roleid':'',"
                "'nhsid_nrbac_roles':[{'person_roleid':'','role_code':'R8000'}]}");
    CHECK_STR(reason_at(NOW), "selected-role-invalid");
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

int main(void)
{
    document = nrbac_document_create();
    one_person_is_shown();
    one_profile_is_in_force();
    a_profile_needs_a_usable_role();
    the_acting_organisation_is_settled();
    the_first_check_that_fails_gives_the_reason();
    status_and_dates_come_from_the_directory();
    a_patient_has_one_record();
    return requests_report();
}
