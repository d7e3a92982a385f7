/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole requests, one or many. Many are answered one by one into the output, so
 * that a small message cannot ask for a document of any size.
 */
#include "server/methods.h"

#include <string.h>

enum {
    ANSWER_SIZE_MAX = 16 << 20, /* the most that one call may answer, in bytes */
    EVIDENCE_MAX = 32,          /* how often it may have evidence checked */
};

typedef enum semantic {
    EXECUTE_ALL = 0,
    DENY_ON_FIRST_DENY,
    PERMIT_ON_FIRST_PERMIT,
    SEMANTIC_COUNT,
} semantic;

static const char *const semantic_names[SEMANTIC_COUNT] = {
    "execute_all",
    "deny_on_first_deny",
    "permit_on_first_permit",
};

static nrbac_value *evaluate(nr_call *call, unsigned flags)
{
    const nrbac_value *request = nrbac_value_at(call->params, 0);
    if (nrbac_value_kind(request) != NRBAC_KIND_MAP)
        return nr_call_bad_params(call);
    nrbac_value *answer = NULL;
    nr_asking asking;
    if (!nr_call_asking(call, request, flags, call->document, &asking))
        return NULL;
    nrbac_decision decision = nrbac_evaluate_document(
        call->server->engine, asking.request, &asking.ask, call->document, &answer);
    nr_metrics_decision(&call->worker->metrics, &decision);
    return answer;
}

nrbac_value *nr_method_evaluate(nr_call *call)
{
    return evaluate(call, 0);
}

nrbac_value *nr_method_explain(nr_call *call)
{
    return evaluate(call, NRBAC_ASK_EXPLAIN);
}

/* ---- Many ------------------------------------------------------------------------ */

/* A value in a second place of the document that holds it. Values are read only
 * from here on, so it need not be copied: a thousand items may share one subject. */
static nrbac_value *shared(const nrbac_value *value)
{
    union {
        const nrbac_value *read;
        nrbac_value *placed;
    } both = { .read = value };
    return both.placed;
}

/* An item with the defaults for what it does not say; a member replaces the whole
 * default (AuthZEN, 7.1). What is no map is no request, and is told so. */
static const nrbac_value *merge(nrbac_document *document, const nrbac_value *defaults,
                                const nrbac_value *item)
{
    static const char *const members[] = { "subject", "action", "resource", "context" };

    if (nrbac_value_kind(item) != NRBAC_KIND_MAP)
        return item;
    nrbac_value *merged = nrbac_new_map(document);
    for (size_t i = 0; i < NR_COUNT(members); i++) {
        const nrbac_value *value = nrbac_value_find(item, members[i]);
        if (value == NULL)
            value = nrbac_value_find(defaults, members[i]);
        if (value != NULL)
            nrbac_set(document, merged, members[i], shared(value));
    }
    return merged;
}

/* The semantic that the options ask for; SEMANTIC_COUNT: none that there is. */
static semantic read_semantic(const nrbac_value *options)
{
    const nrbac_value *value = nrbac_value_find(options, "evaluations_semantic");
    const char *name = nrbac_value_text(value);
    if (value == NULL)
        return EXECUTE_ALL;
    for (size_t i = 0; i < SEMANTIC_COUNT; i++)
        if (name != NULL && strcmp(name, semantic_names[i]) == 0)
            return (semantic)i;
    return SEMANTIC_COUNT;
}

static bool is_last(semantic how, const nrbac_decision *decision)
{
    bool permitted = decision->effect == NRBAC_PERMIT;
    return (how == DENY_ON_FIRST_DENY && !permitted) ||
           (how == PERMIT_ON_FIRST_PERMIT && permitted);
}

/* Signatures are costly, and this thread serves everybody: evidence that items share is
 * checked once, and what it came to depends on subject, context and API alone. */
typedef struct checking {
    const nrbac_value *subject, *context; /* of the item that was checked last */
    const char *type, *id;                /* of its resource */
    bool any;
    uint32_t times;
    nr_asking asking;
} checking;

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static const char *text_in(const nrbac_value *map, const char *key)
{
    return nrbac_value_text(nrbac_value_find(map, key));
}

static bool is_checked(const checking *last, const nrbac_value *item)
{
    const nrbac_value *resource = nrbac_value_find(item, "resource");
    return last->any && nrbac_value_kind(item) == NRBAC_KIND_MAP &&
           nrbac_value_find(item, "subject") == last->subject &&
           nrbac_value_find(item, "context") == last->context &&
           same_text(text_in(resource, "type"), last->type) &&
           same_text(text_in(resource, "id"), last->id);
}

/* The item with what was found of the same evidence before. */
static const nrbac_value *with_checked(const checking *last, nrbac_document *document,
                                       const nrbac_value *item)
{
    const nrbac_value *checked = last->asking.request;
    const struct {
        const char *key;
        const nrbac_value *value;
    } members[] = { { "subject", nrbac_value_find(checked, "subject") },
                    { "action", nrbac_value_find(item, "action") },
                    { "resource", nrbac_value_find(item, "resource") },
                    { "context", nrbac_value_find(checked, "context") } };
    nrbac_value *made = nrbac_new_map(document);
    for (size_t i = 0; i < NR_COUNT(members); i++)
        if (members[i].value != NULL)
            nrbac_set(document, made, members[i].key, shared(members[i].value));
    return made;
}

/* Checks what an item presents, unless the last one presented the same. False: the
 * call is refused, or memory is out. */
static bool check_item(nr_call *call, const nrbac_value *item, checking *last)
{
    const nrbac_value *resource = nrbac_value_find(item, "resource");
    if (is_checked(last, item)) {
        last->asking.request = with_checked(last, call->document, item);
        return true;
    }
    if (last->times == EVIDENCE_MAX) {
        (void)nr_call_refuse(call, NR_FAULT_OVER_LIMIT,
                             "more than 32 items with evidence of their own: ask in "
                             "several calls, or share it as a default");
        return false;
    }
    *last = (checking){
        .subject = nrbac_value_find(item, "subject"),
        .context = nrbac_value_find(item, "context"),
        .type = text_in(resource, "type"),
        .id = text_in(resource, "id"),
        .any = true,
        .times = last->times,
    };
    if (!nr_call_asking(call, item, 0, call->document, &last->asking))
        return false;
    const nrbac_findings *findings = &last->asking.findings;
    last->times += findings->user != NRBAC_ASSERTED ||
                   findings->application != NRBAC_ASSERTED;
    return true;
}

/* Answers the items in order; how many were. The call is refused when the answers
 * grow too large or memory is out. */
static uint32_t answer_items(nr_call *call, semantic how)
{
    const nrbac_value *defaults = nrbac_value_at(call->params, 0);
    const nrbac_value *items = nrbac_value_find(defaults, "evaluations");
    nr_buffer *output = &call->connection->output;
    nrbac_document *scratch = call->worker->scratch;
    size_t start = output->size;
    uint32_t count = 0;
    checking checked = { .any = false };
    for (bool last = false; !last && count < nrbac_value_count(items); count++) {
        const nrbac_value *item = merge(call->document, defaults,
                                        nrbac_value_at(items, count));
        nrbac_value *answer = NULL;
        nrbac_document_reset(scratch);
        nrbac_decision decision = { 0 };
        if (check_item(call, item, &checked))
            decision = nrbac_evaluate_document(call->server->engine,
                                               checked.asking.request,
                                               &checked.asking.ask, scratch, &answer);
        if (call->fault != NR_FAULT_NONE)
            return 0;
        nr_metrics_decision(&call->worker->metrics, &decision);
        if (answer == NULL || item == NULL) {
            (void)nr_call_refuse(call, NR_FAULT_OVER_LIMIT, "out of memory");
            return 0;
        }
        nr_wire_encode(output, answer);
        if (output->size - start > ANSWER_SIZE_MAX) {
            (void)nr_call_refuse(call, NR_FAULT_OVER_LIMIT,
                                 "the answers are larger than 16 MiB: ask for fewer");
            return 0;
        }
        last = is_last(how, &decision);
    }
    return count;
}

nrbac_value *nr_method_evaluations(nr_call *call)
{
    const nrbac_value *request = nrbac_value_at(call->params, 0);
    const nrbac_value *items = nrbac_value_find(request, "evaluations");
    const nrbac_value *options = nrbac_value_find(request, "options");
    semantic how = read_semantic(options);
    if (nrbac_value_kind(request) != NRBAC_KIND_MAP || how == SEMANTIC_COUNT ||
        (items != NULL && nrbac_value_kind(items) != NRBAC_KIND_LIST) ||
        (options != NULL && nrbac_value_kind(options) != NRBAC_KIND_MAP))
        return nr_call_bad_params(call);
    if (nrbac_value_count(items) == 0)
        return evaluate(call, 0); /* as one evaluation (AuthZEN, 7.1) */
    if (nrbac_value_count(items) > call->server->options->limits.batch)
        return nr_call_refuse(call, NR_FAULT_OVER_LIMIT,
                              "more questions in one call than `batch`");

    nr_buffer *output = &call->connection->output;
    nr_rpc_begin_result(output, call->id);
    size_t list = nr_wire_open_list(output, "evaluations");
    nr_wire_close_list(output, list, answer_items(call, how));
    nrbac_document_reset(call->worker->scratch);
    call->written = call->fault == NR_FAULT_NONE;
    return NULL;
}
