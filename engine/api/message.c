/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sentence for the person at the screen: the policy's own where it has one,
 * else the reason's from schema/nrbac/reason.def with {who} and {what} filled in.
 */
#include "api/question.h"

#include <string.h>

static const char *template_of(nrbac_reason reason)
{
    switch (reason) {
#define NRBAC_REASON(number, name, slug, effect, message, doc) \
    case NRBAC_REASON_##name:                                  \
        return message;
#include <nrbac/reason.def>
#undef NRBAC_REASON
    }
    return "Access has not been decided.";
}

/* The role's name with its organisation; "You" where no role is in force. */
static const char *who(const nr_question *question)
{
    const nr_standing *standing = &question->standing;
    if (standing->role == NULL)
        return "You";
    const char *role = standing->role;
    if (question->holding.table != NULL && question->holding.role != NR_NONE) {
        const nr_table *table = question->holding.table;
        const char *name = nr_table_text(table,
                                         table->roles[question->holding.role].name);
        role = *name == '\0' ? role : name;
    }
    if (standing->acting_organisation == NULL)
        return role;
    const char *both = nr_arena_format(&question->document->arena, "%s at %s", role,
                                       standing->acting_organisation);
    return both == NULL ? role : both;
}

static const char *target_name(const nr_table *table, nr_target target)
{
    switch (target.kind) {
    case NR_TARGET_ACTIVITY:
        return nr_table_text(table, table->activities[target.number].name);
    case NR_TARGET_FUNCTION:
        return nr_table_text(table, table->functions[target.number].name);
    case NR_TARGET_OPERATION:
        return nr_table_text(table, table->operations[target.number].name);
    case NR_TARGET_UNKNOWN:
        break;
    }
    return "";
}

static const char *what(const nr_question *question)
{
    if (question->policy != NULL) {
        const char *name = target_name(&question->policy->table, question->target);
        if (*name != '\0')
            return name;
    }
    return question->request->action == NULL ? "do this" : question->request->action;
}

/* What the function says for this outcome: the reason's own text first, then the
 * effect's, then the one for every refusal. */
static const char *own_message(const nr_question *question)
{
    if (question->target.kind != NR_TARGET_FUNCTION)
        return NULL;
    const nr_table *table = &question->policy->table;
    const nr_table_function *function = &table->functions[question->target.number];
    nrbac_effect effect = nrbac_reason_effect(question->verdict.reason);
    const char *outcomes[] = { nrbac_reason_slug(question->verdict.reason),
                               nrbac_effect_slug(effect), "" };
    size_t count = effect == NRBAC_PERMIT ? 2 : 3;
    for (size_t o = 0; o < count; o++) {
        for (uint32_t i = 0; i < function->messages.count; i++) {
            const nr_table_message
                *message = &table->messages[function->messages.first + i];
            if (strcmp(nr_table_text(table, message->outcome), outcomes[o]) == 0)
                return nr_table_text(table, message->text);
        }
    }
    return NULL;
}

static const char *fill(nr_arena *arena, const char *text, const char *who_text,
                        const char *what_text)
{
    size_t size = strlen(text) + 1;
    for (const char *at = text; (at = strchr(at, '{')) != NULL; at++)
        size += strlen(who_text) + strlen(what_text);
    char *sentence = nr_arena_alloc(arena, size);
    if (sentence == NULL)
        return text;
    size_t done = 0;
    while (*text != '\0') {
        const char *piece = NULL;
        if (strncmp(text, "{who}", 5) == 0)
            piece = who_text;
        else if (strncmp(text, "{what}", 6) == 0)
            piece = what_text;
        if (piece == NULL) {
            sentence[done++] = *text++;
            continue;
        }
        while (*piece != '\0')
            sentence[done++] = *piece++;
        text = strchr(text, '}') + 1;
    }
    return sentence;
}

const char *nr_message_write(const nr_question *question)
{
    const char *text = own_message(question);
    if (text == NULL)
        text = template_of(question->verdict.reason);
    return strchr(text, '{') == NULL
               ? text
               : fill(&question->document->arena, text, who(question), what(question));
}
