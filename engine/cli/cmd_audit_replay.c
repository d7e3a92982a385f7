/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit replay: what another policy would have decided, and for whom that differs.
 */
#include "cli/ask.h"
#include "cli/audit_commands.h"
#include "cli/replaying.h"
#include "cli/tally.h"

#include <inttypes.h>
#include <string.h>

/* How a decision may change. */
typedef enum change {
    NEW_PERMIT,
    NEW_DENIAL,
    OTHER_OBLIGATIONS, /* of a permit, before and after */
    OTHER_REASON,      /* no permit before or after, or one on other grounds */
    CHANGES,
} change;

static const nr_kind_words change_words[NR_TALLY_KINDS] = {
    [NEW_PERMIT] = { "new permits", "new_permits" },
    [NEW_DENIAL] = { "new denials", "new_denials" },
    [OTHER_OBLIGATIONS] = { "with other obligations", "other_obligations" },
    [OTHER_REASON] = { "with another reason", "other_reasons" },
};
_Static_assert((int)CHANGES == (int)NR_TALLY_KINDS, "a tally has room for each change");

static const char *const allowing[CHANGES] = {
    [NEW_PERMIT] = "allow-new-permits",
    [NEW_DENIAL] = "allow-new-denials",
    [OTHER_OBLIGATIONS] = "allow-other-obligations",
    [OTHER_REASON] = "allow-other-reasons",
};

enum { REASONS = 256 }; /* more than any reason's number */

typedef struct replaying {
    nr_reader *reader, *policies;
    nrbac_engine *engine; /* NULL: each record under its own policy */
    nr_filter filter;
    uint64_t allowed[CHANGES];
    size_t rows;
    uint64_t records, replayed; /* that the filter means; decided again */
    uint64_t of_moment[REASONS];
    uint64_t set_aside; /* all of those */
    uint64_t unreadable, without_policy, first_unread;
    nr_tallies changed;
} replaying;

/* ---- Deciding and counting ---------------------------------------------------------------- */

static change change_of(const nr_record *record, const nrbac_decision *decision)
{
    bool before = nrbac_reason_effect(record->reason) == NRBAC_PERMIT;
    bool after = decision->effect == NRBAC_PERMIT;
    if (before != after)
        return after ? NEW_PERMIT : NEW_DENIAL;
    return before && record->reason == decision->reason ? OTHER_OBLIGATIONS
                                                        : OTHER_REASON;
}

static void name_change(const nr_record *record, const nrbac_decision *decision,
                        char *text, size_t size)
{
    (void)snprintf(text, size, "%s %s -> %s %s",
                   nrbac_effect_slug(nrbac_reason_effect(record->reason)),
                   nrbac_reason_slug(record->reason),
                   nrbac_effect_slug(decision->effect),
                   nrbac_reason_slug(decision->reason));
}

static bool count(replaying *replay, const nr_entry *entry,
                  const nrbac_decision *decision, nr_replayed what)
{
    char text[256];
    const nr_record *record = &entry->record;
    replay->records++;
    switch (what) {
    case NR_REPLAYED_SAME:
        replay->replayed++;
        break;
    case NR_REPLAYED_CHANGED:
        replay->replayed++;
        name_change(record, decision, text, sizeof(text));
        return nr_tallies_count(&replay->changed, entry, text,
                                change_of(record, decision));
    case NR_REPLAYED_OF_MOMENT:
        replay->of_moment[(unsigned)record->reason % REASONS]++;
        replay->set_aside++;
        break;
    case NR_REPLAYED_NONE:
        break;
    case NR_REPLAYED_UNREADABLE:
    case NR_REPLAYED_NO_POLICY:
        *(what == NR_REPLAYED_UNREADABLE ? &replay->unreadable
                                         : &replay->without_policy) += 1;
        if (replay->first_unread == 0)
            replay->first_unread = entry->seq;
        break;
    }
    return true;
}

static nr_exit replay_all(const nr_arguments *arguments, replaying *replay,
                          nr_replay *again)
{
    nr_trail_stats stats;
    nr_entry entry;
    nrbac_decision decision;
    nr_replayed what;
    nr_reader *at_fault = replay->reader;
    nr_progress progress = nr_progress_begin("replaying");
    nr_trail_status status = nr_reader_stats(replay->reader, &stats);
    if (status == NR_TRAIL_OK)
        status = nr_reader_find(replay->reader, &replay->filter);
    while (status == NR_TRAIL_OK) {
        status = nr_reader_next(replay->reader, &entry);
        if (status != NR_TRAIL_OK)
            break;
        at_fault = replay->policies;
        status = nr_replay_entry(again, &entry, &decision, &what);
        if (status != NR_TRAIL_OK)
            break;
        at_fault = replay->reader;
        if (!count(replay, &entry, &decision, what))
            status = NR_TRAIL_MEMORY;
        nr_progress_show(&progress, entry.seq, stats.last);
    }
    nr_progress_end(&progress);
    return status == NR_TRAIL_MISSING ? NR_EXIT_OK
                                      : nr_audit_failed(arguments, at_fault, status);
}

/* ---- Telling -------------------------------------------------------------------------------- */

static uint64_t sum_of_changes(const replaying *replay)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < CHANGES; i++)
        sum += replay->changed.totals[i];
    return sum;
}

static void tell_set_aside(const replaying *replay)
{
    const char *separator = ":";
    if (replay->set_aside == 0)
        return;
    printf("%" PRIu64 " not replayed, since no policy decides them", replay->set_aside);
    for (unsigned i = 0; i < REASONS; i++) {
        if (replay->of_moment[i] == 0)
            continue;
        printf("%s %" PRIu64 " %s", separator, replay->of_moment[i],
               nrbac_reason_slug((nrbac_reason)i));
        separator = ",";
    }
    putchar('\n');
}

static void tell_unread(const replaying *replay)
{
    if (replay->unreadable != 0)
        printf("%" PRIu64 " not replayed, since this release cannot read them\n",
               replay->unreadable);
    if (replay->without_policy != 0)
        printf("%" PRIu64 " not replayed, since their policy cannot be had from the "
               "trail\n",
               replay->without_policy);
}

static void tell_text(const nr_arguments *arguments, replaying *replay)
{
    const char *policy = nr_option_value(arguments, "policy");
    printf("%" PRIu64 " decisions of %" PRIu64 " records replayed under ",
           replay->replayed, replay->records);
    if (policy == NULL)
        puts("the policies that gave them");
    else
        printf("`%s`\n", policy);
    tell_set_aside(replay);
    tell_unread(replay);
    if (sum_of_changes(replay) == 0) {
        puts(replay->first_unread == 0 ? "nothing changes"
                                       : "of those that were replayed, none changes");
        return;
    }
    printf("%" PRIu64 " change", sum_of_changes(replay));
    const char *separator = ":";
    for (size_t i = 0; i < CHANGES; i++) {
        if (replay->changed.totals[i] == 0)
            continue;
        printf("%s %" PRIu64 " %s", separator, replay->changed.totals[i],
               change_words[i].text);
        separator = ",";
    }
    printf("; for %" PRIu32 " %s\n", replay->changed.users.count,
           replay->changed.users.count == 1 ? "user" : "users");
    nr_tallies_print(&replay->changed, change_words, replay->rows);
}

static nr_exit tell_json(replaying *replay)
{
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return nr_say_memory();
    nrbac_value *map = nrbac_new_map(document);
    nr_set_number(document, map, "records", replay->records);
    nr_set_number(document, map, "replayed", replay->replayed);
    nrbac_value *aside = nrbac_set(document, map, "not_of_policy",
                                   nrbac_new_map(document));
    for (unsigned i = 0; i < REASONS; i++) {
        if (replay->of_moment[i] != 0)
            nr_set_number(document, aside, nrbac_reason_slug((nrbac_reason)i),
                          replay->of_moment[i]);
    }
    nr_set_number(document, map, "unreadable", replay->unreadable);
    nr_set_number(document, map, "without_policy", replay->without_policy);
    nrbac_set(document, map, "policy",
              replay->engine == NULL ? nrbac_new_null(document)
                                     : nrbac_policy_info(replay->engine, document));
    nr_set_number(document, map, "changed", sum_of_changes(replay));
    for (size_t i = 0; i < CHANGES; i++)
        nr_set_number(document, map, change_words[i].key, replay->changed.totals[i]);
    nr_set_number(document, map, "users", replay->changed.users.count);
    nr_tallies_tell(&replay->changed, change_words, document, map);
    return nr_print_document(document, map);
}

/* What a pipeline stops for: also for having nothing to go by. */
static nr_exit judge(const replaying *replay)
{
    if (replay->first_unread != 0)
        return nr_say_no("not every record could be replayed: the first that could not "
                         "is %" PRIu64,
                         replay->first_unread);
    if (replay->replayed == 0)
        return nr_say_no("no decision was replayed, so nothing is known");
    for (size_t i = 0; i < CHANGES; i++) {
        if (replay->changed.totals[i] > replay->allowed[i])
            return nr_say_no("%" PRIu64 " %s are more than --%s allows (%" PRIu64 ")",
                             replay->changed.totals[i], change_words[i].text,
                             allowing[i], replay->allowed[i]);
    }
    return NR_EXIT_OK;
}

/* ---- The command ------------------------------------------------------------------------------ */

static nr_exit read_options(const nr_arguments *arguments, replaying *replay)
{
    uint64_t rows = 10;
    nr_exit end = nr_audit_filter(arguments, &replay->filter);
    for (size_t i = 0; i < CHANGES && end == NR_EXIT_OK; i++)
        end = nr_audit_number(arguments, allowing[i], &replay->allowed[i]);
    if (end == NR_EXIT_OK)
        end = nr_audit_number(arguments, "rows", &rows);
    replay->rows = (size_t)rows;
    return end;
}

static nr_exit replay_trail(const nr_arguments *arguments, replaying *replay)
{
    nr_replay *again = nr_replay_create(replay->engine, replay->policies);
    nr_exit end = again == NULL ? nr_say_memory()
                                : replay_all(arguments, replay, again);
    nr_replay_destroy(again);
    if (end == NR_EXIT_OK && nr_format_is(arguments, "json"))
        end = tell_json(replay);
    else if (end == NR_EXIT_OK)
        tell_text(arguments, replay);
    return end == NR_EXIT_OK ? judge(replay) : end;
}

static nr_exit run(const nr_arguments *arguments)
{
    const char *policy = nr_option_value(arguments, "policy");
    replaying replay = { .engine = NULL };
    nr_exit end = read_options(arguments, &replay);
    if (end == NR_EXIT_OK)
        end = nr_audit_open(arguments, &replay.reader);
    if (end == NR_EXIT_OK)
        end = policy != NULL ? nr_policy_open(policy, &replay.engine)
                             : nr_audit_open(arguments, &replay.policies);
    nr_tallies_begin(&replay.changed);
    if (end == NR_EXIT_OK)
        end = replay_trail(arguments, &replay);
    nr_tallies_finish(&replay.changed);
    nrbac_engine_destroy(replay.engine);
    nr_reader_close(replay.policies);
    nr_reader_close(replay.reader);
    return end;
}

static const nr_option options[] = {
    { "policy", 'p', "POLICY", "the policy to decide under (each record's own)" },
    { "allow-new-permits", 0, "N", "so many new permits are none too many (0)" },
    { "allow-new-denials", 0, "N", "so many new denials (0)" },
    { "allow-other-obligations", 0, "N", "so many permits with other obligations (0)" },
    { "allow-other-reasons", 0, "N", "so many decisions with another reason (0)" },
    NR_AUDIT_FILTER_OPTIONS,
    { "rows", 0, "N", "how many lines of each table (10); json has all" },
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_audit_replay = {
    .name = "replay",
    .synopsis = "audit replay TRAIL [--policy POLICY] [OPTIONS]",
    .summary =
        "Decides records again, under another policy.\n\n"
        "POLICY is a policy folder or a compiled file. What would change is grouped by\n"
        "role, activity, function, organisation and application, with how many users it\n"
        "is for. Without --policy each record is decided under the policy that gave it,\n"
        "of which the trail keeps a copy: then nothing changes. Exit status 1: more\n"
        "changes than is allowed, or nothing to go by.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
