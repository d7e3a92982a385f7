/* SPDX-License-Identifier: Apache-2.0 */
#include "made.h"

#define LIST(...)            \
    (const uint32_t[])       \
    {                        \
        __VA_ARGS__, NR_NONE \
    }

static void grant(made_policy *made, const uint32_t *roles, const uint32_t *areas,
                  const uint32_t *activities)
{
    nr_entry *entry = made_entry(made);
    made_entry_roles(made, entry, roles);
    made_entry_areas(made, entry, areas);
    made_entry_activities(made, entry, activities);
}

static void small_functions(made_policy *made, uint32_t pharmacy)
{
    uint32_t notify = made_obligation(made, "notify-access");
    uint32_t log = made_obligation(made, "log-locally");
    uint32_t tell = made_obligation(made, "tell-patient");

    nr_requirement *view = made_group(made, NR_ANY);
    nr_requirement *quiet = made_child(made, view,
                                       made_code(made, NR_ATOM_ACTIVITY, 3));
    nr_requirement *loud = made_child(made, view, made_code(made, NR_ATOM_ACTIVITY, 4));
    made_owes(made, loud, notify);
    made_owes(made, quiet, log);
    nr_function *cpis = made_function(made, "cpis.view", view);
    made_function_owes(made, cpis, tell);
    made_message(made, cpis, "Ask the duty manager.");

    nr_requirement *amend = made_group(made, NR_ALL);
    made_owes(made, amend, log);
    made_child(made, amend, made_code(made, NR_ATOM_ACTIVITY, 0));
    made_child(made, amend, made_level(made, NR_ATOM_AAL, 2));
    made_child(made, amend, made_level(made, NR_ATOM_IAL, 3));
    made_child(made, amend, made_text(made, NR_ATOM_ORGANISATION_REQUEST, NULL));
    made_function(made, "pds.amend", amend);

    nr_requirement *team = made_group(made, NR_ALL);
    nr_requirement *who = made_child(made, team, made_group(made, NR_ANY));
    made_child(made, who, made_code(made, NR_ATOM_ROLE, 1));
    made_child(made, who, made_code(made, NR_ATOM_AREA, pharmacy));
    made_child(made, who, made_text(made, NR_ATOM_WORKGROUP, "655694018104"));
    made_child(made, team, made_code(made, NR_ATOM_ACTIVITY, 1));
    made_child(made, team, made_text(made, NR_ATOM_ORGANISATION, "RBA"));
    made_function(made, "vaccinate", team);
    made_function(made, "own-record", made_level(made, NR_ATOM_PROOFING, 9));
    made_function(made, "prescribe", made_code(made, NR_ATOM_ACTIVITY, 7));
}

/* Ids stand in another order than the alphabet's. */
static void small_apis(made_policy *made, uint32_t notify)
{
    const uint32_t jwt = 1u << NR_PATTERN_SIGNED_JWT;
    const uint32_t cis2 = 1u << NR_PATTERN_CIS2_SEPARATE |
                          1u << NR_PATTERN_CIS2_COMBINED;
    uint32_t pds = made_api(made, "pds-fhir");
    uint32_t ers = made_api(made, "e-rs");
    uint32_t empty = made_api(made, "later");
    made->model.apis.items[pds].rbac = NR_RBAC_NATIONAL;
    made->model.apis.items[pds].local_user = NR_LOCAL_USER_AUTHORISED;
    made->model.apis.items[pds].name = "Demographics";

    nr_operation *view = made_operation(made, pds, "view", jwt | cis2,
                                        made_code(made, NR_ATOM_ACTIVITY, 1));
    made_operation_owes(made, view, notify);
    view->delegation = true;
    nr_requirement *amend = made_group(made, NR_ALL);
    made_child(made, amend, made_code(made, NR_ATOM_ACTIVITY, 0));
    made_child(made, amend, made_level(made, NR_ATOM_AAL, 2));
    made_operation(made, pds, "amend", cis2, amend);
    made_operation(made, pds, "search", jwt, NULL);

    nr_requirement *refer = made_group(made, NR_ANY);
    nr_requirement *loud = made_child(made, refer,
                                      made_code(made, NR_ATOM_ACTIVITY, 4));
    made_owes(made, loud, notify);
    made_child(made, refer, made_text(made, NR_ATOM_ORGANISATION, "RBA"));
    made_operation(made, ers, "refer", cis2, refer);
    nr_operation *status = made_operation(made, ers, "status",
                                          1u << NR_PATTERN_OPEN_ACCESS, NULL);
    made_operation_owes(made, status, notify);

    nr_application *gp = made_application(made, "gp-system",
                                          NR_PROOF_SIGNED_JWT | NR_PROOF_TLS_MA);
    made_allow(made, gp, ers, 0);
    made_allow(made, gp, pds, NR_NONE);
    made_allow(made, gp, ers, 0); /* twice */
    made_allow(made, gp, empty, NR_NONE);
    made_acts_for(made, gp, "Y51");
    made_acts_for(made, gp, "RBA");
    made_acts_for(made, gp, "Y51");
    nr_application *app = made_application(made, "an-app", NR_PROOF_API_KEY);
    app->name = "An app";
    made_allow(made, app, pds, 2);
    made_application(made, "old", NR_PROOF_TLS_MA)->closed = true;
}

void made_small(made_policy *made)
{
    made_start(made);
    static const char *const codes[] = { "B0825", "B0820", "B0360", "B0107", "B0170",
                                         "B0572", "B0570", "B0999", "B0998", "B0001" };
    for (size_t i = 0; i < NR_COUNT(codes); i++)
        made_activity(made, codes[i]);
    nr_codes *activities = &made->model.activities;
    made_retire(activities, 7, 5); /* B0999 is B0572 now */
    made_retire(activities, 8, NR_NONE);
    activities->items[9].status = NR_LEGACY;
    made_include(made, 0, 1);
    made_include(made, 1, 2);
    made_include(made, 3, 7); /* through the replaced code */
    made_include(made, 5, 6);
    made_include(made, 5, 8); /* obsolete: nothing */

    static const char *const roles[] = { "R8000", "R8008", "R0100", "R0200", "R0300" };
    for (size_t i = 0; i < NR_COUNT(roles); i++)
        made_role(made, roles[i]);
    made_retire(&made->model.roles, 2, 0);
    made_retire(&made->model.roles, 3, NR_NONE);
    uint32_t pharmacy = made_area(made, "P0300:Q0310:T0320");
    uint32_t other = made_area(made, "P0020:Q0300:T0640");
    uint32_t old = made_area(made, "P0001:Q0001:T0001");
    made_retire(&made->model.areas, old, pharmacy);

    grant(made, LIST(0), LIST(NR_NONE), LIST(0, 9));
    grant(made, LIST(2), LIST(NR_NONE), LIST(0, 3));
    grant(made, LIST(1), LIST(old), LIST(7, 2));
    grant(made, LIST(1, 4), LIST(pharmacy, other), LIST(3, 8));
    grant(made, LIST(3), LIST(NR_NONE), LIST(4));
    grant(made, LIST(4), LIST(NR_NONE), LIST(3, 4));
    small_functions(made, pharmacy);
    made_exclusive(made, "cp-is", NR_CONFLICT_DENY, LIST(3, 4));
    made_exclusive(made, "views", NR_CONFLICT_PREFER_FIRST, LIST(2, 6, 4));
    made_exclusive(made, "watched", NR_CONFLICT_WARN, LIST(0, 5));
    made_suspend(made, NR_SUSPENDED_ACTIVITY, 9);
    small_apis(made, 0);
    made_suspend(made, NR_SUSPENDED_APPLICATION, 1);
}
