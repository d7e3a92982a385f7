/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base.h"
#include "keep/keep.h"

#include <nrbac/policy.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000) /* in µs */

/* ---- Circumstances ------------------------------------------------------------------- */

static bool read_map(const char *text, nrbac_document *document,
                     const nrbac_value **out)
{
    *out = NULL;
    return text == NULL ||
           (nrbac_json_read(document, text, strlen(text), out, NULL) == NRBAC_OK &&
            nrbac_value_kind(*out) == NRBAC_KIND_MAP);
}

/* The members as nrbac_request_tell() had them: the subject, and all beside it. */
static const nrbac_value *told_members(const nrbac_value *who,
                                       const nrbac_value *inputs,
                                       nrbac_document *document)
{
    nrbac_value *map = nrbac_new_map(document);
    if (who != NULL)
        nrbac_set(document, map, "subject", nrbac_value_copy(document, who));
    for (size_t i = 0; i < nrbac_value_count(inputs); i++) {
        const char *key = nrbac_value_key(inputs, i);
        if (strcmp(key, "stranger") != 0 && strcmp(key, "malformed") != 0)
            nrbac_set(document, map, key,
                      nrbac_value_copy(document, nrbac_value_at(inputs, i)));
    }
    return map;
}

/* A number as it was asked for: those of dashes alone have one too many. */
static const char *number_of(const char *kept)
{
    return kept != NULL && kept[strspn(kept, "-")] == '\0' ? kept + 1 : kept;
}

bool nr_recall_inputs(const nr_circumstances *circumstances, nrbac_document *document,
                      nr_recalled_inputs *out)
{
    const nrbac_value *who, *inputs;
    *out = (nr_recalled_inputs){ .fault = NULL };
    if (!read_map(circumstances->who, document, &who) ||
        !read_map(circumstances->inputs, document, &inputs))
        return false;
    const nrbac_value *stranger = nrbac_value_find(inputs, "stranger");
    const nrbac_value *fault = nrbac_value_find(inputs, "malformed");
    out->fault = nrbac_value_text(fault);
    if (nrbac_value_boolean(stranger))
        out->flags |= NRBAC_ASK_STRANGER;
    if ((fault != NULL && out->fault == NULL) ||
        nrbac_request_read(told_members(who, inputs, document), document,
                           &out->request) != NRBAC_OK)
        return false;
    out->request.subject.nhs_number = number_of(out->request.subject.nhs_number);
    return true;
}

/* ---- Records --------------------------------------------------------------------------- */

static bool read_kind(nr_event event, nrbac_recorded *kind)
{
    static const struct {
        nr_event event;
        nrbac_recorded kind;
    } kinds[] = {
        { NR_EVENT_EVALUATE, NRBAC_RECORDED_QUESTION },
        { NR_EVENT_OPEN, NRBAC_RECORDED_OPENING },
        { NR_EVENT_CHECK, NRBAC_RECORDED_DECISION },
        { NR_EVENT_RECORDED, NRBAC_RECORDED_CHECK },
    };
    for (size_t i = 0; i < NR_COUNT(kinds); i++) {
        *kind = kinds[i].kind;
        if (kinds[i].event == event)
            return true;
    }
    return false;
}

/* {"time":N}: the time that counted, where it is not that of the clock. Behind it, or in
 * its place, may stand a policy that the trail does not have. */
static bool read_time(const nr_record *record, int64_t *time)
{
    static const char before[] = "{\"time\":";
    static const char policy[] = "{\"policy\":";
    static const char also[] = ",\"policy\":";
    const char *detail = record->detail;
    *time = record->at / SECOND;
    if (detail == NULL || strncmp(detail, policy, sizeof(policy) - 1) == 0)
        return true;
    if (strncmp(detail, before, sizeof(before) - 1) != 0)
        return false;
    char *end;
    const char *number = detail + sizeof(before) - 1;
    errno = 0;
    *time = strtoll(number, &end, 10);
    return errno == 0 && end != number &&
           (strcmp(end, "}") == 0 || strncmp(end, also, sizeof(also) - 1) == 0);
}

bool nr_recall(const nr_entry *entry, const nr_recalled_inputs *inputs,
               nr_recalled *out)
{
    const nr_record *record = &entry->record;
    nrbac_recorded kind;
    int64_t time;
    if (!read_kind(record->event, &kind) || !read_time(record, &time))
        return false;
    out->request = inputs->request;
    out->decision = (nrbac_decision){ .effect = nrbac_reason_effect(record->reason),
                                      .reason = record->reason,
                                      .generation = record->generation };
    out->told = (nrbac_record){
        .kind = kind,
        .flags = inputs->flags,
        .decision = &out->decision,
        .digest = "",
        .at = record->at,
        .time = time,
        .action = record->action,
        .nhs_number = number_of(record->patient),
        .request = inputs->fault == NULL ? &out->request : NULL,
        .fault = inputs->fault,
    };
    return true;
}

bool nr_record_is(const nr_record *record, const nrbac_decision *decision)
{
    const char *at = record->obligations == NULL ? "" : record->obligations;
    if (decision->reason != record->reason)
        return false;
    for (uint32_t i = 0; i < decision->obligation_count; i++) {
        size_t size = strlen(decision->obligations[i]);
        if (strncmp(at, decision->obligations[i], size) != 0 ||
            (at[size] != '\0' && at[size] != ' '))
            return false;
        at += size + (at[size] == ' ');
    }
    return *at == '\0';
}

bool nr_reason_is_of_moment(nrbac_reason reason)
{
    static const nrbac_reason reasons[] = {
        NRBAC_REASON_SESSION_REVOKED,   NRBAC_REASON_POLICY_STALE,
        NRBAC_REASON_NOT_RECORDED,      NRBAC_REASON_NO_POLICY,
        NRBAC_REASON_MALFORMED_REQUEST,
    };
    for (size_t i = 0; i < NR_COUNT(reasons); i++)
        if (reasons[i] == reason)
            return true;
    return false;
}
