/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/reports.h"
#include "text/render.h"

#include <string.h>

static bool is_mistake(const nr_report *report, nrbac_severity severity)
{
    return report->strict || severity == NRBAC_SEVERITY_ERROR;
}

static size_t count_of(const nr_report *report, bool mistakes)
{
    size_t count = 0;
    for (size_t i = 0; i < nrbac_build_diagnostic_count(report->build); i++)
        count += mistakes ==
                 is_mistake(report, nrbac_build_diagnostic(report->build, i)->severity);
    return count;
}

void nr_report_print(const nr_report *report, FILE *out)
{
    (void)fflush(stdout);
    for (size_t i = 0; i < nrbac_build_diagnostic_count(report->build); i++)
        nr_diag_render(nrbac_build_diagnostic(report->build, i),
                       report->strict ? NR_RENDER_STRICT : 0, out);
}

void nr_report_summary(const nr_report *report, FILE *out)
{
    size_t errors = count_of(report, true);
    size_t warnings = count_of(report, false);
    if (errors == 0)
        fputs("no mistakes", out);
    else
        fprintf(out, "%zu mistake%s", errors, errors == 1 ? "" : "s");
    if (warnings > 0)
        fprintf(out, ", %zu warning%s", warnings, warnings == 1 ? "" : "s");
    fputc('\n', out);
}

/* ---- JSON ---- */

/* The bytes of a well-formed UTF-8 character (RFC 3629: shortest form, neither a
 * surrogate nor beyond U+10FFFF); 0: there is none. */
static size_t utf8_size(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t size = at[0] < 0x80 ? 1 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;
    if ((at[0] >= 0x80 && at[0] < 0xc2) || at[0] > 0xf4)
        return 0;
    for (size_t i = 1; i < size; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0; /* also the final NUL */
    bool too_long = (at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xf0 && at[1] < 0x90);
    bool no_character = (at[0] == 0xed && at[1] >= 0xa0) ||
                        (at[0] == 0xf4 && at[1] >= 0x90);
    return too_long || no_character ? 0 : size;
}

/* Text of a file that may hold anything: what is not UTF-8 becomes U+FFFD. */
static nrbac_value *new_text(nrbac_document *document, const char *text)
{
    static const char unknown[] = "\xef\xbf\xbd";
    char clean[4096];
    size_t used = 0;
    if (text == NULL)
        return nrbac_new_null(document);
    while (*text != '\0' && used + 4 < sizeof clean) {
        size_t size = utf8_size(text);
        const char *from = size == 0 ? unknown : text;
        size_t from_size = size == 0 ? sizeof unknown - 1 : size;
        memcpy(clean + used, from, from_size);
        used += from_size;
        text += size == 0 ? 1 : size;
    }
    return nrbac_new_text_of(document, clean, used);
}

static nrbac_value *set_text(nrbac_document *document, nrbac_value *map,
                             const char *key, const char *text)
{
    return nrbac_set(document, map, key, new_text(document, text));
}

static const char *level_of(const nr_report *report, nrbac_severity severity)
{
    return is_mistake(report, severity) ? "error" : "warning";
}

static nrbac_value *diagnostic_json(const nr_report *report, nrbac_document *document,
                                    const nrbac_diagnostic *diagnostic)
{
    nrbac_value *map = nrbac_new_map(document);
    set_text(document, map, "code", diagnostic->code);
    set_text(document, map, "slug", diagnostic->slug);
    set_text(document, map, "severity", level_of(report, diagnostic->severity));
    set_text(document, map, "file", diagnostic->file);
    nr_set_number(document, map, "line", diagnostic->line);
    nr_set_number(document, map, "column", diagnostic->column);
    nr_set_number(document, map, "width", diagnostic->width);
    set_text(document, map, "source", diagnostic->source_line);
    set_text(document, map, "message", diagnostic->message);
    set_text(document, map, "help", diagnostic->help);
    nrbac_value *related = diagnostic->related_file == NULL ? nrbac_new_null(document)
                                                            : nrbac_new_map(document);
    nrbac_set(document, map, "related", related);
    if (diagnostic->related_file == NULL)
        return map;
    set_text(document, related, "file", diagnostic->related_file);
    nr_set_number(document, related, "line", diagnostic->related_line);
    nr_set_number(document, related, "column", diagnostic->related_column);
    set_text(document, related, "message", diagnostic->related_message);
    return map;
}

nr_exit nr_report_json(const nr_report *report)
{
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return nr_say_memory();
    nrbac_value *map = nrbac_new_map(document);
    nr_set_number(document, map, "mistakes", count_of(report, true));
    nr_set_number(document, map, "warnings", count_of(report, false));
    nrbac_value *list = nrbac_set(document, map, "diagnostics",
                                  nrbac_new_list(document));
    for (size_t i = 0; i < nrbac_build_diagnostic_count(report->build); i++)
        nrbac_append(document, list,
                     diagnostic_json(report, document,
                                     nrbac_build_diagnostic(report->build, i)));
    return nr_print_document(document, map);
}

/* ---- SARIF ---- */

/* {"text": ...}: how SARIF says anything. */
static nrbac_value *sarif_message(nrbac_document *document, const char *text)
{
    nrbac_value *map = nrbac_new_map(document);
    set_text(document, map, "text", text);
    return map;
}

static nrbac_value *sarif_rule(nrbac_document *document,
                               const nrbac_diagnostic_help *help)
{
    nrbac_value *rule = nrbac_new_map(document);
    set_text(document, rule, "id", help->code);
    set_text(document, rule, "name", help->slug);
    nrbac_set(document, rule, "shortDescription",
              sarif_message(document, help->summary));
    if (help->page != NULL && help->page[0] != '\0')
        nrbac_set(document, rule, "help", sarif_message(document, help->page));
    nrbac_value *configuration = nrbac_new_map(document);
    set_text(document, configuration, "level",
             help->severity == NRBAC_SEVERITY_ERROR ? "error" : "warning");
    nrbac_set(document, rule, "defaultConfiguration", configuration);
    return rule;
}

/* A path as a URI reference: what is not plain is percent-encoded. */
static nrbac_value *sarif_uri(nrbac_document *document, const char *path)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-._~/";
    char uri[4096];
    size_t used = 0;
    for (; *path != '\0' && used + 4 < sizeof uri; path++) {
        bool is_plain = false;
        for (const char *at = plain; *at != '\0'; at++)
            is_plain |= *at == *path;
        if (is_plain)
            uri[used++] = *path;
        else
            used += (size_t)snprintf(uri + used, 4, "%%%02X", (unsigned char)*path);
    }
    return nrbac_new_text_of(document, uri, used);
}

/* A region, of which line and column may be unknown (0). */
typedef struct region {
    const char *file;
    uint32_t line, column, width;
    const char *snippet;
} region;

static nrbac_value *sarif_location(nrbac_document *document, region at,
                                   const char *message)
{
    nrbac_value *location = nrbac_new_map(document);
    nrbac_value *physical = nrbac_set(document, location, "physicalLocation",
                                      nrbac_new_map(document));
    nrbac_value *artifact = nrbac_set(document, physical, "artifactLocation",
                                      nrbac_new_map(document));
    nrbac_set(document, artifact, "uri", sarif_uri(document, at.file));
    if (message != NULL)
        nrbac_set(document, location, "message", sarif_message(document, message));
    if (at.line == 0)
        return location;
    nrbac_value *place = nrbac_set(document, physical, "region",
                                   nrbac_new_map(document));
    nr_set_number(document, place, "startLine", at.line);
    nr_set_number(document, place, "startColumn", at.column == 0 ? 1 : at.column);
    if (at.width > 0 && at.column > 0)
        nr_set_number(document, place, "endColumn", (size_t)at.column + at.width);
    if (at.snippet != NULL)
        nrbac_set(document, place, "snippet", sarif_message(document, at.snippet));
    return location;
}

static size_t rule_index(const char *code)
{
    size_t index = 0;
    const nrbac_diagnostic_help *help;
    while ((help = nrbac_diagnostic_help_at(index)) != NULL) {
        if (help == nrbac_diagnostic_help_find(code))
            break;
        index++;
    }
    return index;
}

static nrbac_value *sarif_result(const nr_report *report, nrbac_document *document,
                                 const nrbac_diagnostic *diagnostic)
{
    char text[1024];
    bool helped = diagnostic->help != NULL;
    (void)snprintf(text, sizeof text, "%s%s%s", diagnostic->message,
                   helped ? "\nhelp: " : "", helped ? diagnostic->help : "");

    nrbac_value *result = nrbac_new_map(document);
    set_text(document, result, "ruleId", diagnostic->code);
    nr_set_number(document, result, "ruleIndex", rule_index(diagnostic->code));
    set_text(document, result, "level", level_of(report, diagnostic->severity));
    nrbac_set(document, result, "message", sarif_message(document, text));
    nrbac_value *locations = nrbac_set(document, result, "locations",
                                       nrbac_new_list(document));
    region at = { diagnostic->file, diagnostic->line, diagnostic->column,
                  diagnostic->width, diagnostic->source_line };
    nrbac_append(document, locations, sarif_location(document, at, NULL));
    if (diagnostic->related_file == NULL)
        return result;
    nrbac_value *related = nrbac_set(document, result, "relatedLocations",
                                     nrbac_new_list(document));
    region other = { diagnostic->related_file, diagnostic->related_line,
                     diagnostic->related_column, 0, NULL };
    nrbac_append(document, related,
                 sarif_location(document, other, diagnostic->related_message));
    return result;
}

static nrbac_value *sarif_tool(nrbac_document *document)
{
    nrbac_value *tool = nrbac_new_map(document);
    nrbac_value *driver = nrbac_set(document, tool, "driver", nrbac_new_map(document));
    set_text(document, driver, "name", "nrbac");
    set_text(document, driver, "version", nrbac_version());
    nrbac_value *rules = nrbac_set(document, driver, "rules", nrbac_new_list(document));
    const nrbac_diagnostic_help *help;
    for (size_t i = 0; (help = nrbac_diagnostic_help_at(i)) != NULL; i++)
        nrbac_append(document, rules, sarif_rule(document, help));
    return tool;
}

nr_exit nr_report_sarif(const nr_report *report)
{
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return nr_say_memory();
    nrbac_value *log = nrbac_new_map(document);
    set_text(document, log, "$schema", "https://json.schemastore.org/sarif-2.1.0.json");
    set_text(document, log, "version", "2.1.0");
    nrbac_value *runs = nrbac_set(document, log, "runs", nrbac_new_list(document));
    nrbac_value *run = nrbac_append(document, runs, nrbac_new_map(document));
    nrbac_set(document, run, "tool", sarif_tool(document));
    set_text(document, run, "columnKind", "unicodeCodePoints");
    nrbac_value *results = nrbac_set(document, run, "results",
                                     nrbac_new_list(document));
    for (size_t i = 0; i < nrbac_build_diagnostic_count(report->build); i++)
        nrbac_append(
            document, results,
            sarif_result(report, document, nrbac_build_diagnostic(report->build, i)));
    return nr_print_document(document, log);
}
