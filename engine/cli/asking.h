/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What check, explain and query share: the options, one question or a stream,
 * and how the answer is told.
 */
#ifndef NR_ASKING_H
#define NR_ASKING_H

#include "cli/ask.h"

typedef struct nr_manner {
    unsigned flags; /* nrbac_ask_flags */
    void (*tell)(FILE *out, const nrbac_value *answer);
} nr_manner;

void nr_answer_line(FILE *out, const nrbac_value *answer);
void nr_answer_story(FILE *out, const nrbac_value *answer);

/* Asks what operand `index` and the options say. */
nr_exit nr_ask(const nr_arguments *arguments, size_t index, nr_oracle oracle,
               const nr_manner *manner);

#endif
