/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit stats: what a trail holds, and what was decided, counted.
 */
#include "cli/audit.h"
#include "cli/audit_commands.h"
#include "cli/tally.h"

#include <inttypes.h>

/* By effect, in its numbers' order. */
static const nr_kind_words effect_words[NR_TALLY_KINDS] = {
    [NRBAC_DENY] = { "denied", "deny" },
    [NRBAC_PERMIT] = { "permitted", "permit" },
    [NRBAC_INDETERMINATE] = { "undecided", "indeterminate" },
    [NRBAC_NOT_APPLICABLE] = { "not applicable", "not_applicable" },
};

typedef struct statistics {
    nr_trail_stats trail;
    nr_tallies tallies;
    uint64_t records; /* that the filter means */
    size_t rows;
} statistics;

static nr_exit count_records(const nr_arguments *arguments, nr_reader *reader,
                             const nr_filter *filter, statistics *stats)
{
    nr_entry entry;
    nr_progress progress = nr_progress_begin("counting");
    nr_trail_status status = nr_reader_stats(reader, &stats->trail);
    bool memory = true;
    if (status == NR_TRAIL_OK)
        status = nr_reader_find(reader, filter);
    while (status == NR_TRAIL_OK && memory) {
        status = nr_reader_next(reader, &entry);
        if (status != NR_TRAIL_OK)
            break;
        stats->records++;
        nr_progress_show(&progress, entry.seq, stats->trail.last);
        nrbac_reason reason = entry.record.reason;
        if (nr_event_decides(entry.record.event))
            memory = nr_tallies_count(&stats->tallies, &entry,
                                      nrbac_reason_slug(reason),
                                      (unsigned)nrbac_reason_effect(reason));
    }
    nr_progress_end(&progress);
    if (!memory)
        return nr_say_memory();
    return status == NR_TRAIL_MISSING ? NR_EXIT_OK
                                      : nr_audit_failed(arguments, reader, status);
}

static void tell_text(const nr_arguments *arguments, statistics *stats)
{
    const nr_trail_stats *trail = &stats->trail;
    char hex[NR_DIGEST_HEX], from[NR_STAMP_SIZE], to[NR_STAMP_SIZE];
    nr_hex_write(trail->id, NR_TRAIL_ID_SIZE, hex);
    printf("%s\n\n  trail         %s\n", nr_operand(arguments, 0), hex);
    nr_hex_write(trail->key, NR_DIGEST_SIZE, hex);
    printf("  key           %s\n", hex);
    nr_audit_stamp(trail->first_at, from);
    nr_audit_stamp(trail->last_at, to);
    if (trail->last == 0)
        puts("  records       none");
    else
        printf("  records       %" PRIu64 " to %" PRIu64 "\n  from          %s\n"
               "  to            %s\n",
               trail->first, trail->last, from, to);
    if (trail->pruned != 0)
        printf("  dropped       up to %" PRIu64 "\n", trail->pruned);
    printf("  checkpoints   %" PRIu64 ", up to record %" PRIu64 "\n"
           "  policies      %" PRIu64 "\n"
           "  circumstances %" PRIu64 "\n"
           "  bytes         %" PRIu64 "\n",
           trail->checkpoints, trail->checkpoint, trail->policies, trail->circumstances,
           trail->bytes);
    printf("\n%" PRIu64 " records meant", stats->records);
    for (size_t i = 0; i < NR_TALLY_KINDS; i++)
        printf("%s %" PRIu64 " %s", i == 0 ? ":" : ",", stats->tallies.totals[i],
               effect_words[i].text);
    putchar('\n');
    nr_tallies_print(&stats->tallies, effect_words, stats->rows);
}

static void tell_trail(const nr_trail_stats *trail, nrbac_document *document,
                       nrbac_value *map)
{
    const struct {
        const char *key;
        uint64_t number;
    } numbers[] = {
        { "first", trail->first },
        { "last", trail->last },
        { "pruned", trail->pruned },
        { "checkpoint", trail->checkpoint },
        { "checkpoints", trail->checkpoints },
        { "policies", trail->policies },
        { "circumstances", trail->circumstances },
        { "bytes", trail->bytes },
    };
    char hex[NR_DIGEST_HEX], stamp[NR_STAMP_SIZE];
    nr_hex_write(trail->id, NR_TRAIL_ID_SIZE, hex);
    nrbac_set(document, map, "trail", nrbac_new_text(document, hex));
    nr_hex_write(trail->key, NR_DIGEST_SIZE, hex);
    nrbac_set(document, map, "key", nrbac_new_text(document, hex));
    for (size_t i = 0; i < NR_COUNT(numbers); i++)
        nr_set_number(document, map, numbers[i].key, numbers[i].number);
    nr_audit_stamp(trail->first_at, stamp);
    nrbac_set(document, map, "from", nrbac_new_text(document, stamp));
    nr_audit_stamp(trail->last_at, stamp);
    nrbac_set(document, map, "to", nrbac_new_text(document, stamp));
}

static nr_exit tell_json(statistics *stats)
{
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return nr_say_memory();
    nrbac_value *map = nrbac_new_map(document);
    tell_trail(&stats->trail, document, map);
    nr_set_number(document, map, "records", stats->records);
    nrbac_value *totals = nrbac_set(document, map, "decisions",
                                    nrbac_new_map(document));
    for (size_t i = 0; i < NR_TALLY_KINDS; i++)
        nr_set_number(document, totals, effect_words[i].key, stats->tallies.totals[i]);
    nr_tallies_tell(&stats->tallies, effect_words, document, map);
    return nr_print_document(document, map);
}

static nr_exit run(const nr_arguments *arguments)
{
    nr_reader *reader = NULL;
    nr_filter filter;
    statistics stats;
    uint64_t rows = 10;
    nr_exit end = nr_audit_filter(arguments, &filter);
    if (end == NR_EXIT_OK)
        end = nr_audit_number(arguments, "rows", &rows);
    if (end == NR_EXIT_OK)
        end = nr_audit_open(arguments, &reader);
    if (end != NR_EXIT_OK)
        return end;
    stats = (statistics){ .rows = (size_t)rows };
    nr_tallies_begin(&stats.tallies);
    end = count_records(arguments, reader, &filter, &stats);
    if (end == NR_EXIT_OK && nr_format_is(arguments, "json"))
        end = tell_json(&stats);
    else if (end == NR_EXIT_OK)
        tell_text(arguments, &stats);
    nr_tallies_finish(&stats.tallies);
    nr_reader_close(reader);
    return end;
}

static const nr_option options[] = {
    NR_AUDIT_FILTER_OPTIONS,
    { "rows", 0, "N", "how many lines of each table (10); json has all" },
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_audit_stats = {
    .name = "stats",
    .synopsis = "audit stats TRAIL [OPTIONS]",
    .summary =
        "Counts what a trail holds.\n\n"
        "Decisions are counted by reason, role, activity, function, organisation\n"
        "and application, with how many users they are of.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
