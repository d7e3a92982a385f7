/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations of APIs: which security pattern a request used, and the checks that
 * come before its user's own. schema/patterns.md has the rules in words.
 */
#ifndef NR_PATTERNS_H
#define NR_PATTERNS_H

#include "api/question.h"

/* Steps 2 to 4 of the order: application, its organisation, pattern. Sets
 * question->pattern and ->application. NOT_EVALUATED if nothing failed. */
nrbac_reason nr_pattern_judge(nr_question *question);

/* Whether the user is looked at: there is one, and something depends on them. */
bool nr_pattern_judges_user(const nr_question *question);

/* Step 6: the assurance that the pattern itself needs. */
nrbac_reason nr_pattern_assurance(const nr_question *question);

/* Step 8: the record that a patient asks for. */
nrbac_reason nr_pattern_record(const nr_question *question);

/* The reason of a permit. */
nrbac_reason nr_pattern_permit(const nr_question *question);

/* Who decided: "engine", "api", "nobody". */
const char *nr_pattern_application_decider(const nr_question *question);
const char *nr_pattern_user_decider(const nr_question *question);

/* The pattern's slug; NULL: none was judged. */
const char *nr_pattern_slug(uint32_t number);
/* The words of ways to prove an application (bits of nr_proof), as a list. */
nrbac_value *nr_proof_words(nrbac_document *document, uint32_t proofs);

#endif
