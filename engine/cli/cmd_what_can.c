/* SPDX-License-Identifier: Apache-2.0 */
/*
 * what-can: everything that a role, or a user, may do.
 */
#include "cli/ask.h"
#include "cli/commands.h"

#include <string.h>

static void set_text(nrbac_document *document, nrbac_value *map, const char *key,
                     const char *text)
{
    nrbac_set(document, map, key, nrbac_new_text(document, text));
}

/* The values of an option that may be given several times, as a list. */
static nrbac_value *list_of(nrbac_document *document, const nr_arguments *arguments,
                            const char *option)
{
    nrbac_value *list = nrbac_new_list(document);
    size_t cursor = 0;
    const char *value;
    while ((value = nr_option_each(arguments, option, &cursor)) != NULL)
        nrbac_append(document, list, nrbac_new_text(document, value));
    return list;
}

/* A user who has one profile: the role of the command line. */
static nrbac_value *subject_of_role(nrbac_document *document,
                                    const nr_arguments *arguments)
{
    nrbac_value *subject = nrbac_new_map(document);
    set_text(document, subject, "type", "healthcare-worker");
    nrbac_value *properties = nrbac_set(document, subject, "properties",
                                        nrbac_new_map(document));
    nrbac_value *profile = nrbac_set(document, properties, "profile",
                                     nrbac_new_map(document));
    set_text(document, profile, "role", nr_option_value(arguments, "role"));
    nrbac_set(document, profile, "areas_of_work",
              list_of(document, arguments, "area-of-work"));
    nrbac_set(document, profile, "activities",
              list_of(document, arguments, "activity"));
    return subject;
}

static void print_path(const nrbac_value *path)
{
    /* The last one is the activity itself. */
    for (size_t i = 0; i + 1 < nrbac_value_count(path); i++)
        printf("%s%s", i == 0 ? " by " : " > ",
               nrbac_value_text(nrbac_value_at(path, i)));
}

static void print_activities(const nrbac_value *list)
{
    printf("\nactivities (%zu)\n", nrbac_value_count(list));
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const nrbac_value *one = nrbac_value_at(list, i);
        printf("  %-12s %-48s %s", nr_text_at(one, "code"), nr_text_at(one, "name"),
               nr_text_at(one, "source"));
        print_path(nrbac_value_find(one, "path"));
        putchar('\n');
    }
}

static bool is_permit(const nrbac_value *function)
{
    return strcmp(nr_text_at(function, "effect"), "permit") == 0;
}

static void print_functions(const nrbac_value *list)
{
    size_t count = 0;
    for (size_t i = 0; i < nrbac_value_count(list); i++)
        count += is_permit(nrbac_value_at(list, i));
    printf("\nfunctions (%zu)\n", count);
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const nrbac_value *one = nrbac_value_at(list, i);
        const nrbac_value *obligations = nrbac_value_find(one, "obligations");
        if (!is_permit(one))
            continue;
        printf("  %-32s %s", nr_text_at(one, "function"), nr_text_at(one, "name"));
        for (size_t k = 0; k < nrbac_value_count(obligations); k++)
            printf("%s%s", k == 0 ? " [with " : ", ",
                   nrbac_value_text(nrbac_value_at(obligations, k)));
        puts(nrbac_value_count(obligations) > 0 ? "]" : "");
    }
}

static void print_refusal(const nrbac_value *answer)
{
    const char *reason = nr_text_at(answer, "reason");
    const char *fault = nr_text_at(answer, "fault");
    const char *message = nr_text_at(answer, "message");
    printf("%s %s", nr_refusal_words(nr_text_at(answer, "effect"), reason), reason);
    if (message[0] != '\0')
        printf(" %s", message);
    if (fault[0] != '\0')
        printf(" (%s)", fault);
    putchar('\n');
}

static void print_text(const nrbac_value *answer)
{
    const nrbac_value *profile = nrbac_value_find(answer, "profile");
    const nrbac_value *warnings = nrbac_value_find(answer, "warnings");
    if (!is_permit(answer)) {
        print_refusal(answer);
        return;
    }
    const char *name = nr_text_at(profile, "role_name");
    printf("%s%s%s%s%s\n", nr_text_at(profile, "role"), name[0] == '\0' ? "" : " ",
           name, nr_text_at(profile, "organisation")[0] == '\0' ? "" : " at ",
           nr_text_at(profile, "organisation"));
    for (size_t i = 0; i < nrbac_value_count(warnings); i++)
        printf("warning: %s %s\n", nr_text_at(nrbac_value_at(warnings, i), "code"),
               nr_text_at(nrbac_value_at(warnings, i), "value"));
    print_activities(nrbac_value_find(answer, "activities"));
    print_functions(nrbac_value_find(answer, "functions"));
}

static nr_exit tell(const nr_arguments *arguments, nrbac_document *document,
                    const nrbac_value *answer)
{
    nr_exit end = NR_EXIT_OK;
    if (answer == NULL)
        return nr_say_memory();
    if (nr_format_is(arguments, "json"))
        end = nr_print_json(answer, NRBAC_JSON_INDENT);
    else
        print_text(nr_shown(document, answer));
    return end != NR_EXIT_OK || is_permit(answer) ? end : NR_EXIT_NO;
}

static nr_exit ask(const nr_arguments *arguments, const nr_judge *judge,
                   const nr_overrides *overrides)
{
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return nr_say_memory();
    nr_overrides whole = *overrides;
    if (whole.subject == NULL)
        whole.subject = subject_of_role(document, arguments);
    const nrbac_value *request = nr_request_make(&whole, document, NULL);
    nrbac_findings findings;
    nrbac_ask how = { .flags = NRBAC_ASK_REQUEST_TIME };
    nr_exit end = nr_judge_verify(judge, document, &request, &findings, &how);
    if (end == NR_EXIT_OK)
        end = tell(arguments, document,
                   nrbac_what_can_document(judge->engine, request, &how, document));
    nrbac_document_destroy(document);
    return end;
}

static nr_exit run(const nr_arguments *arguments)
{
    bool by_role = nr_option_given(arguments, "role");
    nr_overrides overrides;
    nr_judge judge = { 0 };
    if (by_role == nr_option_given(arguments, "subject"))
        return nr_say_usage(arguments->command,
                            "who? give --role or --subject, and only one of them");
    if (!by_role && (nr_option_given(arguments, "area-of-work") ||
                     nr_option_given(arguments, "activity")))
        return nr_say_usage(arguments->command,
                            "`--area-of-work` and `--activity` go with `--role`");

    nr_exit end = nr_overrides_read(&overrides, arguments);
    if (end == NR_EXIT_OK && overrides.error[0] != '\0')
        end = nr_say_no("the subject is not well-formed JSON: %s", overrides.error);
    if (end == NR_EXIT_OK)
        end = nr_judge_open(arguments, &judge);
    if (end == NR_EXIT_OK)
        end = ask(arguments, &judge, &overrides);
    nr_judge_close(&judge);
    nr_overrides_finish(&overrides);
    return end;
}

static const nr_option options[] = {
    { "role", 0, "ROLE", "a job role, such as R8000" },
    { "area-of-work", 0, "AREA", "an area of work of its profile; may be repeated" },
    { "activity", 0, "CODE", "an additional activity; may be repeated" },
    NR_REQUEST_CONTEXT_OPTIONS,
    NR_EVIDENCE_OPTION,
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_what_can = {
    .name = "what-can",
    .synopsis = "what-can POLICY (--role R [OPTIONS] | --subject FILE [OPTIONS])",
    .summary = "Lists everything that a job role, or a user, may do.\n\n"
               "Each activity with its source: the baseline or the Registration\n"
               "Authority, and the activities that it follows from.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
