/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/keep.h"

#include <nrbac/policy.h>

#include <stdio.h>
#include <string.h>

#define SECOND INT64_C(1000000) /* in µs */

static bool fail(nrbac_error *error, const nr_entry *entry, const char *what)
{
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text), "record %llu: %s",
                       (unsigned long long)entry->seq, what);
    return false;
}

static nrbac_recorded kind_of(nr_event event)
{
    switch (event) {
    case NR_EVENT_OPEN:
        return NRBAC_RECORDED_OPENING;
    case NR_EVENT_CHECK:
        return NRBAC_RECORDED_DECISION;
    case NR_EVENT_RECORDED:
        return NRBAC_RECORDED_CHECK;
    default:
        return NRBAC_RECORDED_QUESTION;
    }
}

/* NULL for a text that is not there; *bad where it cannot be read. */
static const nrbac_value *read_json(const char *text, nrbac_document *document,
                                    bool *bad)
{
    const nrbac_value *value = NULL;
    if (text != NULL)
        *bad |= nrbac_json_read(document, text, strlen(text), &value, NULL) !=
                    NRBAC_OK ||
                nrbac_value_kind(value) != NRBAC_KIND_MAP;
    return value;
}

/* The members as nrbac_request_tell() had them: the subject, and all beside it. */
static const nrbac_value *told_circumstances(const nrbac_value *who,
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

static int64_t time_of(const nr_record *record, nrbac_document *document, bool *bad)
{
    const nrbac_value *detail = read_json(record->detail, document, bad);
    const nrbac_value *time = nrbac_value_find(detail, "time");
    return time == NULL ? record->at / SECOND : nrbac_value_integer(time);
}

bool nr_recall(const nr_entry *entry, nrbac_document *document, nrbac_request *request,
               nrbac_record *told, nrbac_error *error)
{
    const nr_record *record = &entry->record;
    const nr_circumstances *circumstances = record->circumstances;
    bool bad = false;
    if (!nr_event_decides(record->event) || circumstances == NULL)
        return fail(error, entry, "it is no decision");
    const nrbac_value *who = read_json(circumstances->who, document, &bad);
    const nrbac_value *inputs = read_json(circumstances->inputs, document, &bad);
    *told = (nrbac_record){
        .kind = kind_of(record->event),
        .at = record->at,
        .time = time_of(record, document, &bad),
        .action = record->action,
        .nhs_number = record->patient,
        .fault = nrbac_value_text(nrbac_value_find(inputs, "malformed")),
    };
    if (nrbac_value_boolean(nrbac_value_find(inputs, "stranger")))
        told->flags |= NRBAC_ASK_STRANGER;
    if (bad)
        return fail(error, entry, "its circumstances are not JSON");
    *request = (nrbac_request){ 0 };
    if (told->fault != NULL)
        return true;
    told->request = request;
    return nrbac_request_read(told_circumstances(who, inputs, document), document,
                              request) == NRBAC_OK ||
           fail(error, entry, "its circumstances are not a request");
}
