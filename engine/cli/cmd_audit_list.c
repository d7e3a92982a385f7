/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit list: records by a filter, in their order; with --follow also those to come.
 */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "cli/audit.h"
#include "cli/audit_commands.h"

#include <time.h>

enum { LOOK_MS = 250 }; /* how often a trail that is followed is looked at */

typedef enum form { TEXT, JSON, CSV } form;

typedef struct listing {
    nr_reader *reader;
    nrbac_document *document;
    nr_filter filter;
    uint64_t last; /* the last one printed */
    form form;
} listing;

static nr_exit print_entry(listing *list, const nr_entry *entry)
{
    list->last = entry->seq;
    if (list->form == JSON)
        return nr_audit_print_json(list->document, entry);
    if (list->form == CSV)
        nr_audit_print_row(stdout, entry);
    else
        nr_audit_print_line(stdout, entry);
    return NR_EXIT_OK;
}

/* What there is by now. */
static nr_exit print_some(const nr_arguments *arguments, listing *list)
{
    nr_exit end = NR_EXIT_OK;
    nr_entry entry;
    nr_trail_status status = nr_reader_find(list->reader, &list->filter);
    while (status == NR_TRAIL_OK && end == NR_EXIT_OK && ferror(stdout) == 0) {
        status = nr_reader_next(list->reader, &entry);
        if (status == NR_TRAIL_OK)
            end = print_entry(list, &entry);
    }
    if (status != NR_TRAIL_OK && status != NR_TRAIL_MISSING)
        return nr_audit_failed(arguments, list->reader, status);
    return end;
}

/* Moves the filter's beginning to the last `count` records that it means. */
static nr_exit begin_at_last(const nr_arguments *arguments, listing *list,
                             uint64_t count)
{
    nr_filter backwards = list->filter;
    nr_entry entry;
    backwards.newest_first = true;
    backwards.limit = count;
    nr_trail_status status = nr_reader_find(list->reader, &backwards);
    while (status == NR_TRAIL_OK) {
        status = nr_reader_next(list->reader, &entry);
        if (status == NR_TRAIL_OK)
            list->filter.after = entry.seq - 1;
    }
    return status == NR_TRAIL_MISSING
               ? NR_EXIT_OK
               : nr_audit_failed(arguments, list->reader, status);
}

/* Until whoever reads has had enough. */
static nr_exit follow(const nr_arguments *arguments, listing *list)
{
    const struct timespec pause = { .tv_nsec = LOOK_MS * 1000000L };
    nr_exit end = NR_EXIT_OK;
    list->filter.limit = 0;
    while (end == NR_EXIT_OK && fflush(stdout) == 0 && ferror(stdout) == 0) {
        (void)nanosleep(&pause, NULL);
        if (list->last > list->filter.after)
            list->filter.after = list->last;
        end = print_some(arguments, list);
    }
    return end;
}

static nr_exit list_records(const nr_arguments *arguments, listing *list)
{
    uint64_t last = 0;
    nr_exit end = nr_audit_number(arguments, "last", &last);
    if (end == NR_EXIT_OK && last != 0)
        end = begin_at_last(arguments, list, last);
    if (end != NR_EXIT_OK)
        return end;
    if (list->form == CSV)
        nr_audit_print_columns(stdout);
    end = print_some(arguments, list);
    if (end == NR_EXIT_OK && nr_option_given(arguments, "follow"))
        end = follow(arguments, list);
    return end;
}

static nr_exit run(const nr_arguments *arguments)
{
    listing list = { .form = nr_format_is(arguments, "json")  ? JSON
                             : nr_format_is(arguments, "csv") ? CSV
                                                              : TEXT };
    nr_exit end = nr_audit_filter(arguments, &list.filter);
    if (end == NR_EXIT_OK)
        end = nr_audit_open(arguments, &list.reader);
    if (end != NR_EXIT_OK)
        return end;
    list.document = nrbac_document_create();
    end = list.document == NULL ? nr_say_memory() : list_records(arguments, &list);
    nrbac_document_destroy(list.document);
    nr_reader_close(list.reader);
    return end;
}

static const nr_option options[] = {
    NR_AUDIT_FILTER_OPTIONS,
    { "last", 'n', "N", "the last so many" },
    { "follow", 'f', NULL, "go on with records as they are written" },
    { "format", 0, "text|json|csv", "json: a line of JSON for each record" },
    { 0 },
};

const nr_command nr_cmd_audit_list = {
    .name = "list",
    .synopsis = "audit list TRAIL [OPTIONS]",
    .summary =
        "Lists records, oldest first.\n\n"
        "All options that are given must hold. A daemon that writes the trail is\n"
        "not held up. In CSV a text that a spreadsheet would take for a formula\n"
        "is preceded by an apostrophe.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
