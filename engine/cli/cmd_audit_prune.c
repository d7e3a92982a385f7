/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit prune: drops records whose time has come, and leaves the chain provable.
 */
#include "audit/trail.h"
#include "base/time.h"
#include "cli/audit.h"
#include "cli/audit_commands.h"

#include <inttypes.h>

enum { AT_ONCE = 50000 }; /* records in one batch */

static nr_exit say(const nr_arguments *arguments, nr_trail_status status,
                   const char *text)
{
    if (status == NR_TRAIL_MEMORY)
        return nr_say_memory();
    nr_exit end = nr_say_system("cannot prune `%s`: %s", nr_operand(arguments, 0),
                                *text != '\0' ? text : nr_trail_status_text(status));
    if (status == NR_TRAIL_LOCKED)
        nr_say_help("a daemon writes it: it prunes by its own setting");
    return end;
}

static nr_exit prune(const nr_arguments *arguments, nr_trail *trail, int64_t before)
{
    uint64_t dropped = 1, all = 0;
    nr_trail_status status = NR_TRAIL_OK;
    while (status == NR_TRAIL_OK && dropped != 0) {
        status = nr_trail_prune(trail, before, AT_ONCE, &dropped);
        all += status == NR_TRAIL_OK ? dropped : 0;
    }
    nr_trail_status closed = nr_trail_close(trail);
    printf("%" PRIu64 " records dropped\n", all);
    if (status == NR_TRAIL_OK)
        status = closed;
    return status == NR_TRAIL_OK ? NR_EXIT_OK : say(arguments, status, "");
}

static nr_exit run(const nr_arguments *arguments)
{
    const char *path = nr_operand(arguments, 0);
    nr_trail_options how = { .path = path,
                             .key_path = nr_option_value(arguments, "key-file") };
    nr_reader *reader = NULL;
    nr_trail *trail = NULL;
    nrbac_error error = { "" };
    int64_t before = 0;
    nr_exit end = nr_audit_moment(arguments, "before", &before);
    if (end == NR_EXIT_OK && before == 0)
        return nr_say_usage(arguments->command, "`prune` needs --before");
    /* A trail that is not there is not made. */
    if (end == NR_EXIT_OK)
        end = nr_audit_open(arguments, &reader);
    nr_reader_close(reader);
    if (end != NR_EXIT_OK)
        return end;
    /* What is recorded meanwhile, as the pruning itself, is not old. */
    if (before > nr_time_now())
        before = nr_time_now();
    nr_trail_status status = nr_trail_open(&how, &trail, &error);
    return status == NR_TRAIL_OK ? prune(arguments, trail, before)
                                 : say(arguments, status, error.text);
}

static const nr_option options[] = {
    { "before", 0, "TIME", "drop what is older than this time or day" },
    { "key-file", 0, "FILE", "the trail's key (TRAIL.key)" },
    { 0 },
};

const nr_command nr_cmd_audit_prune = {
    .name = "prune",
    .synopsis = "audit prune TRAIL --before TIME [OPTIONS]",
    .summary =
        "Drops records from the beginning of a trail.\n\n"
        "Up to where is signed, and recorded, so that what is left can still be\n"
        "verified. It takes the trail's key, and no daemon that writes the trail.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
