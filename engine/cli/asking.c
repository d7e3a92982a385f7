/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/asking.h"

#include <string.h>

void nr_answer_line(FILE *out, const nrbac_value *answer)
{
    nr_answer_print_line(out, answer);
}

void nr_answer_story(FILE *out, const nrbac_value *answer)
{
    nr_answer_print_story(out, answer, "");
}

static nr_exit tell(const nr_arguments *arguments, const nr_manner *manner,
                    nrbac_document *document, const nrbac_value *answer)
{
    nr_exit end = NR_EXIT_OK;
    if (nr_option_given(arguments, "quiet"))
        end = NR_EXIT_OK;
    else if (nr_format_is(arguments, "json"))
        end = nr_print_json(answer, NRBAC_JSON_INDENT);
    else
        manner->tell(stdout, nr_shown(document, answer));
    if (end != NR_EXIT_OK)
        return end;
    return nr_answer_permits(answer) ? NR_EXIT_OK : NR_EXIT_NO;
}

/* One question. */
static nr_exit ask_once(const nr_arguments *arguments, size_t index,
                        nr_overrides *overrides, nr_oracle oracle,
                        const nr_manner *manner)
{
    nrbac_document *document = nrbac_document_create();
    nr_asked asked = { .document = document, .flags = manner->flags };
    nrbac_value *answer;
    if (document == NULL)
        return nr_say_memory();

    nr_exit end = nr_request_read_given(overrides, arguments, index, document,
                                        &asked.request);
    if (overrides->error[0] != '\0')
        asked.error = overrides->error;
    if (end == NR_EXIT_OK)
        end = oracle.ask(oracle.self, &asked, &answer);
    if (end == NR_EXIT_OK)
        end = tell(arguments, manner, document, answer);
    nrbac_document_destroy(document);
    return end;
}

static nr_exit ask_stream(const nr_arguments *arguments, size_t index,
                          const nr_overrides *overrides, nr_oracle oracle,
                          const nr_manner *manner)
{
    nr_stream stream = {
        .oracle = oracle,
        .overrides = overrides,
        .flags = manner->flags,
        .text = nr_format_is(arguments, "text"),
        .quiet = nr_option_given(arguments, "quiet"),
    };
    if (overrides->error[0] != '\0')
        return nr_say_no("the subject is not well-formed JSON: %s", overrides->error);
    return nr_stream_run(&stream, nr_operand(arguments, index));
}

nr_exit nr_ask(const nr_arguments *arguments, size_t index, nr_oracle oracle,
               const nr_manner *manner)
{
    nr_overrides overrides;
    nr_exit end = nr_overrides_read(&overrides, arguments);
    if (end == NR_EXIT_OK && nr_option_given(arguments, "stream"))
        end = ask_stream(arguments, index, &overrides, oracle, manner);
    else if (end == NR_EXIT_OK)
        end = ask_once(arguments, index, &overrides, oracle, manner);
    nr_overrides_finish(&overrides);
    return end;
}
