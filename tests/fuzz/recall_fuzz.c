/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text as what a trail keeps of a decision: who, what else, the name asked for, each
 * on a line of its own. What can be read is decided, whatever it says, and told again
 * as it was read.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "chance.h"
#include "keep/keep.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool good)
{
    if (!good)
        abort();
}

static nrbac_engine *engine_of(void)
{
    static nrbac_engine *engine;
    nrbac_build *made;
    if (engine == NULL) {
        engine = chance_engine(&made);
        nrbac_build_destroy(made);
    }
    return engine;
}

/* Told, read and told once more it is the same. */
static void tell_again(const nrbac_request *request, nrbac_document *document)
{
    unsigned all = NRBAC_TELL_CIRCUMSTANCES | NRBAC_TELL_ASKED;
    nrbac_request back = { .action = NULL };
    char *first = NULL, *second = NULL;
    nrbac_value *told = nrbac_request_tell(request, all, document);
    demand(nrbac_request_read(told, document, &back) == NRBAC_OK);
    demand(nrbac_json_write(told, NRBAC_JSON_COMPACT, &first, NULL) == NRBAC_OK);
    told = nrbac_request_tell(&back, all, document);
    demand(nrbac_json_write(told, NRBAC_JSON_COMPACT, &second, NULL) == NRBAC_OK);
    demand(strcmp(first, second) == 0);
    free(first);
    free(second);
}

static void decide(const nr_recalled_inputs *inputs, const char *action,
                   nrbac_document *document)
{
    static const nr_event events[] = { NR_EVENT_EVALUATE, NR_EVENT_OPEN, NR_EVENT_CHECK,
                                       NR_EVENT_RECORDED, NR_EVENT_START };
    static const char *const patients[] = { NULL, "=", "#", "-" };
    for (size_t i = 0; i < NR_COUNT(events); i++) {
        nr_recalled recalled;
        const nr_entry entry = { .record = { .event = events[i],
                                             .at = INT64_C(1000000) * NOW,
                                             .action = action,
                                             .patient = patients[i % 4] } };
        nrbac_value *answer = NULL;
        if (!nr_recall(&entry, inputs, &recalled)) {
            demand(!nr_event_decides(events[i]));
            continue;
        }
        nrbac_decision decision = nrbac_decide_again(engine_of(), &recalled.told,
                                                     document, &answer);
        demand(answer != NULL);
        demand(decision.effect == nrbac_reason_effect(decision.reason));
        demand(decision.reason != NRBAC_REASON_NOT_EVALUATED);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = calloc(1, size + 1);
    memcpy(text, data, size);
    char *inputs_line = strchr(text, '\n');
    char *action_line = inputs_line == NULL ? NULL : strchr(inputs_line + 1, '\n');
    if (action_line != NULL) {
        *inputs_line++ = '\0';
        *action_line++ = '\0';
        nrbac_document *document = nrbac_document_create();
        nr_recalled_inputs inputs;
        const nr_circumstances circumstances = {
            .who = *text == '\0' ? NULL : text,
            .inputs = *inputs_line == '\0' ? NULL : inputs_line,
        };
        if (nr_recall_inputs(&circumstances, document, &inputs)) {
            tell_again(&inputs.request, document);
            decide(&inputs, *action_line == '\0' ? NULL : action_line, document);
        }
        nrbac_document_destroy(document);
    }
    free(text);
    return 0;
}
