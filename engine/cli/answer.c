/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer in one line, in the words people use, with the slug behind.
 */
#include "cli/ask.h"

#include <string.h>

const nrbac_value *nr_member_at(const nrbac_value *value, const char *path)
{
    char key[64];
    while (value != NULL && *path != '\0') {
        size_t size = strcspn(path, ".");
        (void)snprintf(key, sizeof key, "%.*s", (int)size, path);
        value = nrbac_value_find(value, key);
        path += size + (path[size] == '.');
    }
    return value;
}

const char *nr_text_at(const nrbac_value *value, const char *path)
{
    const char *text = nrbac_value_text(nr_member_at(value, path));
    return text == NULL ? "" : text;
}

bool nr_answer_permits(const nrbac_value *answer)
{
    return nrbac_value_boolean(nrbac_value_find(answer, "decision"));
}

/* Why nothing could be decided, and so what would help. */
static const struct {
    const char *reason;
    const char *words;
} undecided[] = {
    { "no-policy", "CANNOT DECIDE: no policy is loaded" },
    { "malformed-request", "CANNOT DECIDE: the request is malformed" },
    { "unknown-activity", "CANNOT DECIDE: the policy has no such activity" },
    { "no-roles", "CANNOT DECIDE: the user has no role" },
    { "role-selection-required", "CANNOT DECIDE: choose a role first" },
    { "selected-role-invalid", "CANNOT DECIDE: the selected role is not the user's" },
    { "role-code-missing", "CANNOT DECIDE: the role profile has no job role" },
    { "cannot-decide-locally", "CANNOT DECIDE: only the API platform knows the user" },
};

const char *nr_refusal_words(const char *effect, const char *reason)
{
    if (strcmp(effect, "not-applicable") == 0)
        return "NOT APPLICABLE";
    if (strcmp(effect, "indeterminate") != 0)
        return "DENY";
    for (size_t i = 0; i < sizeof undecided / sizeof undecided[0]; i++)
        if (strcmp(undecided[i].reason, reason) == 0)
            return undecided[i].words;
    return "CANNOT DECIDE";
}

const char *nr_answer_words(const nrbac_value *answer)
{
    if (nr_answer_permits(answer))
        return "PERMIT";
    return nr_refusal_words(nr_text_at(answer, "context.effect"),
                            nr_text_at(answer, "context.reason"));
}

static void print_obligations(FILE *out, const nrbac_value *answer)
{
    const nrbac_value *list = nr_member_at(answer, "context.obligations");
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const nrbac_value *item = nrbac_value_at(list, i);
        const char *id = nrbac_value_text(item);
        fprintf(out, "%s%s", i == 0 ? " [with " : ", ",
                id != NULL ? id : nr_text_at(item, "id"));
    }
    if (nrbac_value_count(list) > 0)
        fputc(']', out);
}

void nr_answer_print_line(FILE *out, const nrbac_value *answer)
{
    const char *asked = nr_text_at(answer, "context.asked");
    const char *fault = nr_text_at(answer, "context.fault");
    fprintf(out, "%s %s", nr_answer_words(answer),
            nr_text_at(answer, "context.reason"));
    if (asked[0] != '\0')
        fprintf(out, " %s", asked);
    fprintf(out, " %s", nr_text_at(answer, "context.message"));
    print_obligations(out, answer);
    if (fault[0] != '\0')
        fprintf(out, " (%s)", fault);
    fputc('\n', out);
}
