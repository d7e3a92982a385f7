/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit export: records for other systems, a line of JSON each.
 */
#include "cli/audit.h"
#include "cli/audit_commands.h"

#include <string.h>

/* Of the names of machines, addresses among them. */
#define NAME_CHARACTERS \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._:"

typedef struct exporting {
    nr_reader *reader;
    nrbac_document *document;
    nr_filter filter;
    nr_fhir_origin origin;
    bool fhir;
} exporting;

static nr_exit export_entry(exporting *export, const nr_entry *entry)
{
    if (!export->fhir)
        return nr_audit_print_json(export->document, entry);
    nrbac_document_reset(export->document);
    const nrbac_value *event = nr_audit_fhir(export->document, entry, &export->origin);
    return event == NULL ? nr_say_memory() : nr_print_json(event, NRBAC_JSON_COMPACT);
}

static nr_exit export_all(const nr_arguments *arguments, exporting *export)
{
    nr_trail_stats stats;
    nr_entry entry;
    nr_exit end = NR_EXIT_OK;
    nr_progress progress = nr_progress_begin("exporting");
    nr_trail_status status = nr_reader_stats(export->reader, &stats);
    if (status == NR_TRAIL_OK) {
        nr_hex_write(stats.id, NR_TRAIL_ID_SIZE, export->origin.trail);
        status = nr_reader_find(export->reader, &export->filter);
    }
    while (status == NR_TRAIL_OK && end == NR_EXIT_OK && ferror(stdout) == 0) {
        status = nr_reader_next(export->reader, &entry);
        if (status == NR_TRAIL_OK)
            end = export_entry(export, &entry);
        nr_progress_show(&progress, status == NR_TRAIL_OK ? entry.seq : 1, stats.last);
    }
    nr_progress_end(&progress);
    if (status != NR_TRAIL_OK && status != NR_TRAIL_MISSING)
        return nr_audit_failed(arguments, export->reader, status);
    return end;
}

/* A copy of a trail may be anywhere, so nothing here knows by itself which machine
 * wrote it. */
static nr_exit read_site(const nr_arguments *arguments, exporting *export)
{
    const char *site = nr_option_value(arguments, "site");
    export->origin.site = site;
    if (site == NULL)
        return NR_EXIT_OK;
    if (!export->fhir)
        return nr_say_usage(arguments->command, "`--site` is for --format fhir");
    if (site[0] != '\0' && site[strspn(site, NAME_CHARACTERS)] == '\0')
        return NR_EXIT_OK;
    return nr_say_usage(arguments->command, "`--site` is a machine's name, not `%s`",
                        site);
}

static nr_exit run(const nr_arguments *arguments)
{
    exporting export = { .fhir = nr_format_is(arguments, "fhir") };
    nr_exit end = nr_audit_filter(arguments, &export.filter);
    if (end == NR_EXIT_OK)
        end = read_site(arguments, &export);
    if (end == NR_EXIT_OK)
        end = nr_audit_open(arguments, &export.reader);
    if (end != NR_EXIT_OK)
        return end;
    export.filter.decisions = export.fhir;
    export.document = nrbac_document_create();
    end = export.document == NULL ? nr_say_memory() : export_all(arguments, &export);
    nrbac_document_destroy(export.document);
    nr_reader_close(export.reader);
    return end;
}

static const nr_option options[] = {
    NR_AUDIT_FILTER_OPTIONS,
    { "format", 0, "jsonl|fhir", "jsonl: records as they are; fhir: AuditEvents (R4)" },
    { "site", 0, "NAME", "of FHIR: the machine whose daemon wrote the trail" },
    { 0 },
};

const nr_command nr_cmd_audit_export = {
    .name = "export",
    .synopsis = "audit export TRAIL [OPTIONS]",
    .summary =
        "Writes records for other systems, one line of JSON each.\n\n"
        "As FHIR R4 AuditEvents (NDJSON) decisions are written, after IHE's Basic\n"
        "Audit Log Patterns: authorisation decisions by role. Patients stand in\n"
        "them as the trail names them, and machines only if --site names one.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
