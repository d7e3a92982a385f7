/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a run came to: for people, for test harnesses, for build servers, for
 * programs.
 */
#include "cli/suite.h"

#include <string.h>

static const char *file_of(nr_span at)
{
    return at.source == NULL ? "" : at.source->path;
}

/* Text whose every line stands after `before`, without blanks at its end. */
static void print_indented(const char *before, const char *text)
{
    int blank = *before == '#' ? 1 : 0;
    while (*text != '\0') {
        size_t size = strcspn(text, "\n");
        printf("%.*s%.*s\n", size == 0 ? blank : (int)strlen(before), before, (int)size,
               text);
        text += size + (text[size] == '\n');
    }
}

/* ---- Pretty ---- */

static void pretty_failure(nr_arena *arena, const nr_expected *expected)
{
    printf("    %s:%u: ", file_of(expected->at), nr_line_of(expected->at));
    nr_show_text(stdout, expected->asked);
    putchar('\n');
    printf("      expected  %s\n", nr_expected_text(arena, expected));
    printf("      came      %s\n\n", expected->came);
    print_indented("      ", expected->story);
    putchar('\n');
}

static void report_pretty(const nr_suite *suite, nr_arena *arena)
{
    bool colour = nr_may_colour(stdout);
    const char *file = "";
    for (size_t t = 0; t < suite->tests.count; t++) {
        const nr_test *test = &suite->tests.items[t];
        bool passed = test->failures == 0;
        if (strcmp(file, file_of(test->at)) != 0) {
            file = file_of(test->at);
            printf("%s\n", file);
        }
        printf("  %s%s%s  %s\n",
               !colour  ? ""
               : passed ? "\033[32m"
                        : "\033[31m",
               passed ? "ok    " : "FAILED", colour ? "\033[0m" : "", test->name);
        for (size_t e = 0; e < test->expected.count; e++)
            if (!test->expected.items[e].passed)
                pretty_failure(arena, &test->expected.items[e]);
    }
    printf("\n%zu passed, %zu failed\n", suite->passed, suite->failed);
}

/* ---- TAP 13 ---- */

/* A '#' would begin a directive. */
static void put_tap_name(const char *name)
{
    for (const char *at = name; *at != '\0'; at++) {
        if (*at == '#' || *at == '\\')
            putchar('\\');
        putchar((unsigned char)*at < 0x20 || *at == 0x7f ? '?' : *at);
    }
    putchar('\n');
}

static void put_tap_failure(const nr_expected *expected, nr_arena *arena)
{
    printf("# %s:%u: ", file_of(expected->at), nr_line_of(expected->at));
    nr_show_text(stdout, expected->asked);
    printf(": expected %s, came %s\n", nr_expected_text(arena, expected),
           expected->came);
    print_indented("#   ", expected->story);
}

static void report_tap(const nr_suite *suite, nr_arena *arena)
{
    printf("TAP version 13\n1..%zu\n", suite->tests.count);
    for (size_t t = 0; t < suite->tests.count; t++) {
        const nr_test *test = &suite->tests.items[t];
        printf("%sok %zu - ", test->failures == 0 ? "" : "not ", t + 1);
        put_tap_name(test->name);
        for (size_t e = 0; e < test->expected.count; e++)
            if (!test->expected.items[e].passed)
                put_tap_failure(&test->expected.items[e], arena);
    }
}

/* ---- JUnit ---- */

/* Text between XML's quotes; what XML cannot hold becomes '?'. */
static void put_xml(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '&')
            fputs("&amp;", stdout);
        else if (byte == '<')
            fputs("&lt;", stdout);
        else if (byte == '>')
            fputs("&gt;", stdout);
        else if (byte == '"')
            fputs("&quot;", stdout);
        else if (byte == '\n')
            fputs("&#10;", stdout);
        else if (byte < 0x20 && byte != '\t')
            putchar('?');
        else
            putchar(byte);
    }
}

static void junit_failure(nr_arena *arena, const nr_expected *expected)
{
    fputs("      <failure message=\"", stdout);
    put_xml(expected->asked);
    fputs(": expected ", stdout);
    put_xml(nr_expected_text(arena, expected));
    fputs(", came ", stdout);
    put_xml(expected->came);
    fputs("\">", stdout);
    put_xml(file_of(expected->at));
    printf(":%u&#10;", nr_line_of(expected->at));
    put_xml(expected->story);
    puts("</failure>");
}

static void junit_case(nr_arena *arena, const nr_test *test)
{
    fputs("    <testcase classname=\"", stdout);
    put_xml(file_of(test->at));
    fputs("\" name=\"", stdout);
    put_xml(test->name);
    printf("\" file=\"");
    put_xml(file_of(test->at));
    printf("\" line=\"%u\"", nr_line_of(test->at));
    if (test->failures == 0) {
        puts("/>");
        return;
    }
    puts(">");
    for (size_t e = 0; e < test->expected.count; e++)
        if (!test->expected.items[e].passed)
            junit_failure(arena, &test->expected.items[e]);
    puts("    </testcase>");
}

/* One suite a file; tests of a file stand together. */
static void report_junit(const nr_suite *suite, nr_arena *arena)
{
    printf("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
           "<testsuites name=\"nrbac\" tests=\"%zu\" failures=\"%zu\">\n",
           suite->tests.count, suite->failed);
    for (size_t t = 0; t < suite->tests.count;) {
        const char *file = file_of(suite->tests.items[t].at);
        size_t end = t, failures = 0;
        for (; end < suite->tests.count &&
               strcmp(file, file_of(suite->tests.items[end].at)) == 0;
             end++)
            failures += suite->tests.items[end].failures > 0;
        fputs("  <testsuite name=\"", stdout);
        put_xml(file);
        printf("\" tests=\"%zu\" failures=\"%zu\">\n", end - t, failures);
        for (; t < end; t++)
            junit_case(arena, &suite->tests.items[t]);
        puts("  </testsuite>");
    }
    puts("</testsuites>");
}

/* ---- JSON ---- */

static void set_text(nrbac_document *document, nrbac_value *map, const char *key,
                     const char *text)
{
    nrbac_set(document, map, key, nrbac_new_text(document, text));
}

static void set_place(nrbac_document *document, nrbac_value *map, nr_span at)
{
    set_text(document, map, "file", file_of(at));
    nrbac_set(document, map, "line", nrbac_new_integer(document, nr_line_of(at)));
}

static nrbac_value *json_test(nrbac_document *document, nr_arena *arena,
                              const nr_test *test)
{
    nrbac_value *map = nrbac_new_map(document);
    set_text(document, map, "name", test->name);
    set_place(document, map, test->at);
    nrbac_set(document, map, "passed",
              nrbac_new_boolean(document, test->failures == 0));
    nrbac_value *failures = nrbac_set(document, map, "failures",
                                      nrbac_new_list(document));
    for (size_t e = 0; e < test->expected.count; e++) {
        const nr_expected *expected = &test->expected.items[e];
        if (expected->passed)
            continue;
        nrbac_value *failure = nrbac_append(document, failures,
                                            nrbac_new_map(document));
        set_place(document, failure, expected->at);
        set_text(document, failure, "asked", expected->asked);
        set_text(document, failure, "expected", nr_expected_text(arena, expected));
        set_text(document, failure, "came", expected->came);
        set_text(document, failure, "explanation", expected->story);
    }
    return map;
}

static nr_exit report_json(const nr_suite *suite, nr_arena *arena)
{
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return nr_say_memory();
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "passed",
              nrbac_new_integer(document, (int64_t)suite->passed));
    nrbac_set(document, map, "failed",
              nrbac_new_integer(document, (int64_t)suite->failed));
    nrbac_value *tests = nrbac_set(document, map, "tests", nrbac_new_list(document));
    for (size_t t = 0; t < suite->tests.count; t++)
        nrbac_append(document, tests,
                     json_test(document, arena, &suite->tests.items[t]));
    return nr_print_document(document, map);
}

nr_exit nr_suite_report(const nr_suite *suite, const char *format)
{
    nr_arena scratch = { 0 };
    nr_exit end = NR_EXIT_OK;
    if (format == NULL || strcmp(format, "pretty") == 0)
        report_pretty(suite, &scratch);
    else if (strcmp(format, "tap") == 0)
        report_tap(suite, &scratch);
    else if (strcmp(format, "junit") == 0)
        report_junit(suite, &scratch);
    else
        end = report_json(suite, &scratch);
    nr_arena_finish(&scratch);
    return end;
}
