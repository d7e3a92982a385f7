/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/keep.h"

#include "base/codes.h"

#include <nrbac/policy.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000) /* in µs */

/* ---- Patients ---------------------------------------------------------------------- */

/* What is kept of a number, in the arena. The trail knows no empty texts, so a number of
 * dashes alone, also of none, has one more. */
static const char *keep_number(const nr_keeping *keeping, const char *number,
                               const char *own, nr_arena *arena)
{
    char name[NR_PATIENT_SIZE];
    if (number[strspn(number, "-")] == '\0')
        return nr_arena_format(arena, "-%s", number);
    switch (keeping->patients) {
    case NR_PATIENTS_PLAIN:
        return nr_arena_string(arena, number);
    case NR_PATIENTS_NAMED:
        nr_key_patient(keeping->key, number, name);
        return nr_arena_string(arena, name);
    default:
        return own != NULL && strcmp(own, number) == 0 ? "=" : "#";
    }
}

const char *nr_keep_person(const nr_keeping *keeping, const char *name, nr_arena *arena)
{
    enum { NHS_NUMBER_SIZE = 10 }; /* a CIS2 sub has twelve digits */
    bool number = strlen(name) == NHS_NUMBER_SIZE &&
                  strspn(name, "0123456789") == NHS_NUMBER_SIZE;
    return number ? keep_number(keeping, name, NULL, arena)
                  : nr_arena_string(arena, name);
}

/* ---- Circumstances ------------------------------------------------------------------- */

static const char *write_json(const nrbac_value *value, nr_arena *arena)
{
    char *text = NULL;
    size_t size = 0;
    if (nrbac_json_write(value, NRBAC_JSON_COMPACT, &text, &size) != NRBAC_OK)
        return NULL;
    const char *kept = nr_arena_copy(arena, text, size);
    free(text);
    return kept;
}

/* The members beside the subject, and what no request states. */
static nrbac_value *other_inputs(const nrbac_record *told, const nrbac_value *map,
                                 nrbac_document *document)
{
    nrbac_value *inputs = nrbac_new_map(document);
    for (size_t i = 0; i < nrbac_value_count(map); i++) {
        const char *key = nrbac_value_key(map, i);
        if (strcmp(key, "subject") != 0)
            nrbac_set(document, inputs, key,
                      nrbac_value_copy(document, nrbac_value_at(map, i)));
    }
    if ((told->flags & NRBAC_ASK_STRANGER) != 0)
        nrbac_set(document, inputs, "stranger", nrbac_new_boolean(document, true));
    if (told->fault != NULL)
        nrbac_set(document, inputs, "malformed", nrbac_new_text(document, told->fault));
    return inputs;
}

/* A patient whose evidence names no login is known by the number alone. */
static bool is_known_by_number(const nrbac_subject *subject)
{
    return subject->id != NULL && subject->nhs_number != NULL &&
           strcmp(subject->id, subject->nhs_number) == 0;
}

/* The request with what is kept of the patient's number. */
static bool tell(const nr_keeping *keeping, const nrbac_record *told,
                 nrbac_document *document, nr_arena *arena, nr_circumstances *out)
{
    nrbac_value *map = nrbac_new_map(document);
    if (told->request != NULL) {
        nrbac_request kept = *told->request;
        const char *number = kept.subject.nhs_number;
        if (number != NULL)
            kept.subject.nhs_number = keep_number(keeping, number, number, arena);
        if (is_known_by_number(&told->request->subject))
            kept.subject.id = kept.subject.nhs_number;
        out->user = kept.subject.id;
        map = nrbac_request_tell(&kept, NRBAC_TELL_CIRCUMSTANCES, document);
    }
    const nrbac_value *who = nrbac_value_find(map, "subject");
    nrbac_value *inputs = other_inputs(told, map, document);
    if (nrbac_document_status(document) != NRBAC_OK)
        return false;
    if (who != NULL && (out->who = write_json(who, arena)) == NULL)
        return false;
    return nrbac_value_count(inputs) == 0 ||
           (out->inputs = write_json(inputs, arena)) != NULL;
}

/* A text of the request in the arena; false: out of memory. */
static bool keep_text(const char **out, const char *text, nr_arena *arena)
{
    return text == NULL || (*out = nr_arena_string(arena, text)) != NULL;
}

bool nr_keep_circumstances(const nr_keeping *keeping, const nrbac_record *told,
                           const nr_peer *peer, nrbac_document *document,
                           nr_arena *arena, nr_circumstances *out)
{
    *out = (nr_circumstances){ .peer = *peer, .asserted = keeping->asserted };
    nrbac_document_reset(document);
    if (!tell(keeping, told, document, arena, out))
        return false;
    const nrbac_request *request = told->request;
    const nrbac_profile *profile = told->profile;
    const char *role = profile == NULL || profile->role == NULL
                           ? NULL
                           : nr_code_role_of(profile->role);
    bool kept = keep_text(&out->organisation, told->organisation, arena) &&
                keep_text(&out->role, role, arena);
    if (request != NULL)
        kept = kept && keep_text(&out->user, out->user, arena) &&
               keep_text(&out->application, request->application, arena);
    if (profile != NULL)
        kept = kept && keep_text(&out->role_profile, profile->id, arena);
    nr_circumstances_seal(out);
    return kept;
}

/* ---- The record ------------------------------------------------------------------------ */

static nr_event event_of(nrbac_recorded kind)
{
    switch (kind) {
    case NRBAC_RECORDED_OPENING:
        return NR_EVENT_OPEN;
    case NRBAC_RECORDED_DECISION:
        return NR_EVENT_CHECK;
    case NRBAC_RECORDED_CHECK:
        return NR_EVENT_RECORDED;
    default:
        return NR_EVENT_EVALUATE;
    }
}

static const char *join(const nrbac_decision *decision, nr_arena *arena)
{
    const char *joined = decision->obligations[0];
    for (uint32_t i = 1; i < decision->obligation_count && joined != NULL; i++)
        joined = nr_arena_format(arena, "%s %s", joined, decision->obligations[i]);
    return joined;
}

/* Most records are of the policy of the one before. */
static bool keep_policy(nr_keeping *keeping, const char *digest,
                        uint8_t policy[NR_DIGEST_SIZE])
{
    if (strcmp(keeping->digest, digest) != 0) {
        memset(keeping->digest, 0, sizeof(keeping->digest));
        if (!nr_hex_read(digest, NR_DIGEST_SIZE, keeping->policy))
            return false;
        memcpy(keeping->digest, digest, NR_DIGEST_HEX - 1);
    }
    memcpy(policy, keeping->policy, NR_DIGEST_SIZE);
    return true;
}

bool nr_keep_record(nr_keeping *keeping, const nrbac_record *told,
                    const nr_circumstances *circumstances, const char *subject_number,
                    nr_arena *arena, nr_record *out)
{
    const nrbac_decision *decision = told->decision;
    *out = (nr_record){
        .event = event_of(told->kind),
        .at = told->at,
        .generation = decision->generation,
        .circumstances = circumstances,
        .reason = decision->reason,
    };
    if (told->digest[0] != '\0' && !keep_policy(keeping, told->digest, out->policy))
        return false;
    const char *own = told->request == NULL ? subject_number
                                            : told->request->subject.nhs_number;
    bool kept = keep_text(&out->action, told->action, arena);
    if (told->request != NULL)
        kept = kept && keep_text(&out->api, told->request->api, arena);
    if (told->nhs_number != NULL)
        kept = kept && (out->patient = keep_number(keeping, told->nhs_number, own,
                                                   arena)) != NULL;
    if (decision->obligation_count != 0)
        kept = kept && (out->obligations = join(decision, arena)) != NULL;
    /* A time of its own: that of the request, or of its session's. */
    if (told->time != told->at / SECOND)
        kept = kept && (out->detail = nr_arena_format(arena, "{\"time\":%" PRId64 "}",
                                                      told->time)) != NULL;
    return kept;
}

/* Beside what the record has already: a map with one member, or none. */
const char *nr_keep_policy_detail(const nr_record *record, const char *digest,
                                  nr_arena *arena)
{
    if (record->detail == NULL)
        return nr_arena_format(arena, "{\"policy\":\"%s\"}", digest);
    return nr_arena_format(arena, "%.*s,\"policy\":\"%s\"}",
                           (int)strlen(record->detail) - 1, record->detail, digest);
}
