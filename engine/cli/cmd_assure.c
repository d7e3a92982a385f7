/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assure: the evidence that a supplier shows before going live.
 */
#define _DEFAULT_SOURCE     /* timegm */
#define _XOPEN_SOURCE   700 /* strptime */

#include "cli/assure.h"
#include "cli/commands.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { TIME_SIZE = 32 };

static bool write_time(time_t when, char text[TIME_SIZE])
{
    struct tm utc;
    return gmtime_r(&when, &utc) != NULL &&
           strftime(text, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &utc) != 0;
}

/* "2026-11-23T09:00:00Z". Only a time that there is comes back as it was written. */
static bool is_time(const char *text)
{
    struct tm utc = { .tm_isdst = 0 };
    char again[TIME_SIZE];
    const char *end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return end != NULL && *end == '\0' && write_time(timegm(&utc), again) &&
           strcmp(text, again) == 0;
}

/* ---- Opening --------------------------------------------------------------------------- */

static bool is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

/* A test that states no time is asked at the report's, if one was given. */
static nr_exit run_tests(nr_suite *suite, nrbac_engine *engine, const char *path,
                         const char *stated)
{
    nr_exit end = nr_suite_read(suite, path);
    if (end == NR_EXIT_OK)
        end = nr_suite_tell_mistakes(suite);
    for (size_t i = 0; stated != NULL && i < suite->tests.count; i++)
        if (suite->tests.items[i].time == NULL)
            suite->tests.items[i].time = stated;
    return end == NR_EXIT_OK ? nr_suite_run(suite, engine) : end;
}

static nr_exit need_application(const nr_arguments *arguments, const nr_assured *from)
{
    nr_arena scratch = { 0 };
    const nrbac_value *all = nrbac_value_find(from->catalogue, "applications");
    size_t count = nrbac_value_count(all);
    bool found = from->application == NULL;
    const char **names = nr_arena_new_array(&scratch, count + 1, const char *);
    if (names == NULL)
        return nr_say_memory();
    for (size_t i = 0; i < count; i++) {
        names[i] = nr_text_at(nrbac_value_at(all, i), "id");
        found |= from->application != NULL && strcmp(names[i], from->application) == 0;
    }
    nr_exit end = NR_EXIT_OK;
    if (!found) {
        const char *nearest = nr_nearest_name(from->application, names, count);
        end = nr_say_usage(arguments->command, "the policy has no application `%s`",
                           from->application);
        if (nearest != NULL)
            nr_say_help("did you mean `%s`?", nearest);
    }
    nr_arena_finish(&scratch);
    return end;
}

/* ---- Telling ---------------------------------------------------------------------------- */

static nr_exit print(const nr_arguments *arguments, nrbac_document *document,
                     const nrbac_value *report)
{
    if (report == NULL)
        return nr_say_memory();
    if (nr_format_is(arguments, "json"))
        return nr_print_json(report, NRBAC_JSON_INDENT);
    const nrbac_value *shown = nr_shown(document, report);
    return nr_format_is(arguments, "html") ? nr_assure_print_html(shown)
                                           : nr_assure_print_text(shown);
}

static nr_exit report(const nr_arguments *arguments, nrbac_engine *engine,
                      nr_assured *from)
{
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return nr_say_memory();
    from->policy = nrbac_policy_info(engine, document);
    from->catalogue = nrbac_apis(engine, document);
    nr_exit end = from->policy == NULL || from->catalogue == NULL ? nr_say_memory()
                                                                  : NR_EXIT_OK;
    if (end == NR_EXIT_OK)
        end = need_application(arguments, from);
    if (end == NR_EXIT_OK)
        end = print(arguments, document, nr_assure_make(document, from));
    nrbac_document_destroy(document);
    return end;
}

static nr_exit run(const nr_arguments *arguments)
{
    const char *stated = nr_option_value(arguments, "time");
    char now[TIME_SIZE];
    nr_suite suite = { .file_count = 0 };
    nrbac_engine *engine;
    nr_assured from = { .path = arguments->operands[0],
                        .application = nr_option_value(arguments, "application"),
                        .made_at = stated == NULL ? now : stated };
    if (stated != NULL && !is_time(stated))
        return nr_say_usage(arguments->command,
                            "`%s` is no time such as 2026-11-23T09:00:00Z", stated);
    if (!write_time(time(NULL), now))
        return nr_say_system("the clock cannot be read");
    nr_exit end = nr_policy_open(from.path, &engine);
    if (end != NR_EXIT_OK)
        return end;
    if (is_folder(from.path)) {
        from.suite = &suite;
        end = run_tests(&suite, engine, from.path, stated);
    }
    if (end == NR_EXIT_OK)
        end = report(arguments, engine, &from);
    if (end == NR_EXIT_OK && suite.failed > 0)
        end = NR_EXIT_NO;
    nr_suite_finish(&suite);
    nrbac_engine_destroy(engine);
    return end;
}

static const nr_option options[] = {
    { "application", 0, "ID", "this application alone" },
    { "time", 0, "TIME", "when the report is made; also asked of tests that say none" },
    { "format", 0, "text|json|html", "html is one file, to read and to print" },
    { 0 },
};

const nr_command nr_cmd_assure = {
    .name = "assure",
    .synopsis = "assure POLICY [--application ID] [--time TIME] "
                "[--format text|json|html]",
    .summary =
        "Reports who authenticates and authorises what, and which tests prove it.\n\n"
        "For each operation that each application may call: who authenticates and who\n"
        "authorises the application and its user, what rests on its supplier, what is\n"
        "required, and the tests beside the policy that show it permitted and denied.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
