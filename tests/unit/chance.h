/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests by chance, of every kind that there is, and the policy that they are asked of.
 */
#ifndef CHANCE_H
#define CHANCE_H

#include "compiled.h"

#include <stdint.h>

enum { NOW = 1795424400 /* 2026-11-23T09:00:00Z */ };

static const char chance_policy[] =
    "nrbac: 1\n"
    "policy: { name: recorded, version: \"1\" }\n"
    "activities:\n"
    "  B0107: { name: View with notice }\n"
    "  B0170: { name: View }\n"
    "  B0820: { name: View demographics }\n"
    "  B0825: { name: Amend, includes: [B0820] }\n"
    "job_roles: { R8000: { name: Practitioner }, R8001: { name: Nurse } }\n"
    "areas_of_work: { \"P0020:Q0300:T0640\": { name: Phlebotomy } }\n"
    "baseline:\n"
    "  - { roles: [R8000], activities: [B0825] }\n"
    "  - { roles: [R8001], areas_of_work: [\"P0020:Q0300:T0640\"], activities: [B0107] }\n"
    "obligations: { notify: { name: Tell somebody } }\n"
    "functions:\n"
    "  plain: { require: B0820 }\n"
    "  noted: { require: { any: [B0170, { activity: B0107, obligations: [notify] },\n"
    "                            { activity: B0825, obligations: [notify] }] } }\n"
    "  sure: { require: { all: [B0820, { aal: 3 }] } }\n"
    "  here: { require: { all: [B0820, { organisation: request }] } }\n"
    "exclusive: [{ name: cp-is, activities: [B0107, B0170], on_conflict: deny }]\n"
    "apis:\n"
    "  pds:\n"
    "    patterns: [application-restricted/signed-jwt, user-restricted/cis2-separate,\n"
    "               user-restricted/nhs-login-separate]\n"
    "    rbac: national\n"
    "    operations:\n"
    "      search: { patterns: [application-restricted/signed-jwt],\n"
    "                obligations: [notify] }\n"
    "      view: { require: B0820 }\n"
    "      own: { patterns: [user-restricted/nhs-login-separate], delegation: allowed }\n"
    "applications:\n"
    "  gp: { authenticated_by: [signed-jwt], apis: { pds: all } }\n"
    "settings: { roleless_profiles: additional }\n";

static uint64_t dice = 7;

static inline uint32_t roll(uint32_t below)
{
    dice = dice * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(dice >> 33) % below;
}

static inline const char *pick(const char *const *texts, size_t count)
{
    return texts[roll((uint32_t)count)];
}
#define PICK(...)                              \
    pick((const char *const[]){ __VA_ARGS__ }, \
         sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(const char *))

static inline const char *const *pick_list(size_t *count)
{
    static const char *const codes[] = { "B0107",   "B0170",   "B0820",
                                         "E1",      "B9999",   "P0020:Q0300:T0640",
                                         "local:x", "",        "S8000:G8000:R8001",
                                         "B0825",   "\xc3\xa9" };
    *count = roll(4);
    return codes + roll(7);
}

static inline void make_profile(nrbac_profile *profile)
{
    *profile = (nrbac_profile){
        .id = PICK("555", "555", "556", "", NULL),
        .role = PICK("R8000", "S8000:G8000:R8000", "R8000", "R8001", "R8001", "", NULL),
        .organisation = PICK("RBA", "RBA", "RBA", "Y51", "FFFFF", "", NULL),
        .opens_at = roll(8) == 0 ? NOW + 1 : 0,
        .closes_at = roll(4) == 0 ? NOW + (int)roll(3) - 1 : 0,
    };
    profile->areas_of_work = pick_list(&profile->area_of_work_count);
    profile->activities = pick_list(&profile->activity_count);
    profile->workgroups = pick_list(&profile->workgroup_count);
}

static inline void make_findings(nrbac_findings *findings)
{
    *findings = (nrbac_findings){
        .user = roll(8) == 0 ? NRBAC_REFUSED : (nrbac_finding)roll(2),
        .application = roll(8) == 0 ? NRBAC_REFUSED : (nrbac_finding)roll(2),
        .grant = (nrbac_grant)roll(4),
        .fault = PICK(NULL, "it is \"forged\""),
        .expires_at = roll(3) == 0 ? NOW + (int)roll(3) - 1 : 0,
    };
    findings->verified = pick_list(&findings->verified_count);
    findings->expiring = pick_list(&findings->expiring_count);
    for (size_t i = 0; i < findings->expiring_count; i++)
        if (findings->expiring[i] == NULL)
            findings->expiring_count = i;
}

static inline nrbac_request make_request(nrbac_profile profiles[3],
                                         nrbac_findings *findings)
{
    for (int i = 0; i < 3; i++)
        make_profile(&profiles[i]);
    make_findings(findings);
    bool operation = roll(3) == 0;
    return (nrbac_request){
        .subject = { .type = roll(3) != 0 ? NRBAC_HEALTHCARE_WORKER
                                          : (nrbac_subject_type)roll(3),
                     .evidence = (nrbac_evidence)roll(4),
                     .id = PICK("910", "", NULL),
                     .nhs_number = PICK("9000000009", "9000000017", "", NULL),
                     .actor = PICK(NULL, NULL, "911"),
                     .sid = PICK("login-1", NULL),
                     .profiles = profiles,
                     .profile_count = roll(6) == 0 ? roll(4) : 1,
                     .token_choice = PICK(NULL, NULL, NULL, NULL, NULL, "555", "557",
                                          ""),
                     .caller_choice = PICK(NULL, NULL, NULL, NULL, NULL, "555", "556",
                                           ""),
                     .aal = (int)roll(5),
                     .ial = (int)roll(6) - 1,
                     .proofing = PICK(NULL, "") == NULL ? 0 : NRBAC_LEVEL(9),
                     .expires_at = roll(4) == 0 ? NOW + (int)roll(3) - 1 : 0,
                     .mismatched = roll(32) == 0,
                     .inactive = roll(32) == 0,
                     .training = roll(32) == 0 },
        .action = operation ? PICK("view", "own", "search", "none")
                            : PICK("B0820", "B0820", "B0107", "noted", "noted", "plain",
                                   "sure", "here", "B0000", "nothing", "", NULL),
        .organisation = PICK(NULL, NULL, NULL, NULL, NULL, "RBA", "Y51", ""),
        .nhs_number = PICK("9000000009", "9000000017", "", NULL),
        .application = PICK("gp", "gp", "other", NULL),
        .api = operation ? PICK("pds", "pds", "pds", "none") : NULL,
        .authenticated_by = PICK("signed-jwt", "api-key", NULL),
        .pattern = PICK(NULL, "user-restricted/cis2-separate",
                        "application-restricted/signed-jwt"),
        .acting_as = PICK(NULL, "clinician"),
        .on_behalf_of = PICK(NULL, "912"),
        .findings = roll(2) == 0 ? NULL : findings,
        .time = NOW,
    };
}

/* An engine with the policy; the caller destroys both. */
static inline nrbac_engine *chance_engine(nrbac_build **made)
{
    nrbac_engine *engine = NULL;
    size_t size = 0;
    *made = compiled(chance_policy);
    const void *image = nrbac_build_image(*made, &size);
    CHECK_INT(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine), NRBAC_OK);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, NULL), NRBAC_OK);
    return engine;
}

/* Whether two decisions are the same, but for the generation. */
static inline bool same(const nrbac_decision *a, const nrbac_decision *b)
{
    if (a->effect != b->effect || a->reason != b->reason ||
        a->obligation_count != b->obligation_count)
        return false;
    for (uint32_t i = 0; i < a->obligation_count; i++)
        if (strcmp(a->obligations[i], b->obligations[i]) != 0)
            return false;
    return true;
}

#endif
