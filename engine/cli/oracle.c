/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers from an engine in this process.
 */
#include "cli/ask.h"

#include <string.h>

/* A copy of a map in which `key` says `text`. */
static nrbac_value *saying(nrbac_document *document, const nrbac_value *map,
                           const char *key, const char *text)
{
    nrbac_value *copy = nrbac_new_map(document);
    bool said = false;
    for (size_t i = 0; i < nrbac_value_count(map); i++) {
        const char *member = nrbac_value_key(map, i);
        bool here = strcmp(member, key) == 0;
        said |= here;
        nrbac_set(document, copy, member,
                  here ? nrbac_new_text(document, text)
                       : nrbac_value_copy(document, nrbac_value_at(map, i)));
    }
    if (!said)
        nrbac_set(document, copy, key, nrbac_new_text(document, text));
    return copy;
}

/* The engine's own answer to no request at all, with what is wrong with the JSON
 * instead of "is missing". */
nrbac_value *nr_answer_malformed(nrbac_document *document, const nrbac_value *answer,
                                 const char *error)
{
    nrbac_value *copy = nrbac_new_map(document);
    nrbac_set(document, copy, "decision", nrbac_new_boolean(document, false));
    nrbac_set(document, copy, "context",
              saying(document, nrbac_value_find(answer, "context"), "fault", error));
    return copy;
}

static nr_exit ask_judge(void *self, const nr_asked *asked, nrbac_value **answer)
{
    const nr_judge *judge = self;
    const nrbac_value *request = asked->request;
    nrbac_findings findings;
    nrbac_ask ask = { .flags = asked->flags };
    nr_exit end = nr_judge_verify(judge, asked->document, &request, &findings, &ask);
    if (end != NR_EXIT_OK)
        return end;
    (void)nrbac_evaluate_document(judge->engine, request, &ask, asked->document,
                                  answer);
    if (*answer != NULL && asked->error != NULL)
        *answer = nr_answer_malformed(asked->document, *answer, asked->error);
    if (*answer == NULL || nrbac_document_status(asked->document) != NRBAC_OK)
        return nr_say_memory();
    return NR_EXIT_OK;
}

nr_oracle nr_judge_oracle(nr_judge *judge)
{
    return (nr_oracle){ ask_judge, judge };
}
