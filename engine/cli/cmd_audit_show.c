/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit show: one record, and its decision explained under the policy that gave it.
 */
#include "cli/ask.h"
#include "cli/audit.h"
#include "cli/audit_commands.h"
#include "keep/keep.h"

#include <inttypes.h>
#include <string.h>

/* A record with what its decision comes to when it is made again. */
typedef struct showing {
    nrbac_document *document;
    nr_entry entry;
    nrbac_value *answer; /* NULL: there is none */
    const char *why_not; /* a sentence: why it is not made again; NULL: it is */
    bool lost;           /* it should have been possible */
    bool same;
} showing;

/* What cannot be explained although it should be. */
static void lose(showing *show, const char *why_not)
{
    show->why_not = why_not;
    show->lost = true;
}

/* The engine that the trail's copy of the policy makes, or why there is none. By a
 * reader of its own: the entry lives as long as the other one is left alone. */
static nr_exit open_policy(const nr_arguments *arguments, showing *show,
                           nrbac_engine **engine)
{
    nr_reader *reader;
    nr_exit end = nr_audit_open(arguments, &reader);
    if (end != NR_EXIT_OK)
        return end;
    nr_trail_status status = nr_audit_policy(reader, show->entry.record.policy, engine);
    if (status == NR_TRAIL_MISSING)
        lose(show, "the trail does not keep its policy");
    else if (status == NR_TRAIL_VERSION)
        lose(show, "its policy was compiled by another release than this");
    else if (status != NR_TRAIL_OK)
        end = nr_audit_failed(arguments, reader, status);
    nr_reader_close(reader);
    return end;
}

/* The answer to an opening is the context alone. */
static nrbac_value *as_of_a_question(nrbac_document *document, nrbac_value *opened)
{
    nrbac_value *answer = nrbac_new_map(document);
    nrbac_set(document, answer, "decision",
              nrbac_new_boolean(document,
                                strcmp(nr_text_at(opened, "effect"), "permit") == 0));
    nrbac_set(document, answer, "context", opened);
    return answer;
}

static void decide_again(nrbac_engine *engine, showing *show)
{
    const nr_record *record = &show->entry.record;
    nr_recalled_inputs inputs;
    nr_recalled recalled;
    if (record->circumstances == NULL ||
        !nr_recall_inputs(record->circumstances, show->document, &inputs) ||
        !nr_recall(&show->entry, &inputs, &recalled)) {
        lose(show, "this release cannot read what it was decided on");
        return;
    }
    nrbac_decision decision = nrbac_decide_again(engine, &recalled.told, show->document,
                                                 &show->answer);
    show->same = nr_record_is(record, &decision);
    if (nrbac_value_find(show->answer, "context") == NULL)
        show->answer = as_of_a_question(show->document, show->answer);
}

static nr_exit explain(const nr_arguments *arguments, showing *show)
{
    nrbac_engine *engine = NULL;
    const nr_record *record = &show->entry.record;
    if (!nr_event_decides(record->event)) {
        show->why_not = "it is no decision";
        return NR_EXIT_OK;
    }
    if (nr_reason_is_of_moment(record->reason)) {
        show->why_not = nrbac_reason_doc(record->reason);
        return NR_EXIT_OK;
    }
    nr_exit end = open_policy(arguments, show, &engine);
    if (engine != NULL)
        decide_again(engine, show);
    nrbac_engine_destroy(engine);
    return end;
}

/* ---- Telling --------------------------------------------------------------------------- */

static void tell_line(const char *label, const char *text)
{
    if (text == NULL)
        return;
    printf("  %-14s ", label);
    nr_show_text(stdout, text);
    putchar('\n');
}

static void tell_peer(const nr_peer *peer)
{
    if (peer->known)
        printf("  %-14s user %" PRIu32 ", group %" PRIu32 ", process %" PRId32 "\n",
               "peer", peer->uid, peer->gid, peer->pid);
}

static void tell_record(const nr_entry *entry)
{
    const nr_record *record = &entry->record;
    const nr_circumstances *circumstances = record->circumstances;
    char hex[NR_DIGEST_HEX], stamp[NR_STAMP_SIZE];
    nr_audit_stamp(record->at, stamp);
    nr_audit_print_line(stdout, entry);
    putchar('\n');
    tell_line("at", stamp);
    tell_line("event", nr_event_slug(record->event));
    tell_line("detail", record->detail);
    if (circumstances != NULL) {
        tell_line("role profile", circumstances->role_profile);
        tell_peer(&circumstances->peer);
        tell_line("who", circumstances->who);
        tell_line("inputs", circumstances->inputs);
    }
    if (record->generation != 0) {
        nr_hex_write(record->policy, NR_DIGEST_SIZE, hex);
        printf("  %-14s %s, generation %" PRIu32 "\n", "policy", hex,
               record->generation);
    }
    nr_hex_write(entry->hash, NR_DIGEST_SIZE, hex);
    tell_line("hash", hex);
}

static void tell_text(const showing *show)
{
    tell_record(&show->entry);
    if (show->why_not != NULL) {
        printf("\nNot decided again: %s%s\n", show->why_not,
               show->why_not[strlen(show->why_not) - 1] == '.' ? "" : ".");
        return;
    }
    puts(show->same ? "\nUnder the policy that gave it:\n"
                    : "\nDecided again under the policy that gave it, this comes out "
                      "otherwise:\n");
    nr_answer_print_story(stdout, nr_shown(show->document, show->answer), "");
}

static nr_exit tell_json(const showing *show)
{
    nrbac_document *document = show->document;
    nrbac_value *map = nrbac_new_map(document);
    nrbac_set(document, map, "record", nr_entry_tell(document, &show->entry));
    if (show->why_not != NULL) {
        nrbac_set(document, map, "not_decided_again",
                  nrbac_new_text(document, show->why_not));
    } else {
        nrbac_set(document, map, "same", nrbac_new_boolean(document, show->same));
        nrbac_set(document, map, "answer", show->answer);
    }
    return nrbac_document_status(document) != NRBAC_OK
               ? nr_say_memory()
               : nr_print_json(map, NRBAC_JSON_INDENT);
}

static nr_exit show_record(const nr_arguments *arguments, showing *show)
{
    nr_exit end = explain(arguments, show);
    if (end == NR_EXIT_OK && nrbac_document_status(show->document) != NRBAC_OK)
        end = nr_say_memory();
    if (end != NR_EXIT_OK)
        return end;
    if (nr_format_is(arguments, "json"))
        end = tell_json(show);
    else
        tell_text(show);
    if (end == NR_EXIT_OK && show->lost)
        return nr_say_no("record %" PRIu64 " cannot be explained: %s", show->entry.seq,
                         show->why_not);
    if (end == NR_EXIT_OK && show->why_not == NULL && !show->same)
        return nr_say_no("record %" PRIu64 " is not what its policy decides: `nrbac "
                         "audit verify` says whether it was changed",
                         show->entry.seq);
    return end;
}

static nr_exit run(const nr_arguments *arguments)
{
    nr_reader *reader = NULL;
    uint64_t seq = 0;
    showing show = { .document = NULL };
    nr_exit end = nr_audit_seq(arguments, 1, &seq);
    if (end == NR_EXIT_OK)
        end = nr_audit_open(arguments, &reader);
    if (end != NR_EXIT_OK)
        return end;
    nr_trail_status status = nr_reader_get(reader, seq, &show.entry);
    show.document = nrbac_document_create();
    if (show.document == NULL)
        end = nr_say_memory();
    else if (status == NR_TRAIL_MISSING)
        end = nr_say_no("the trail has no record %" PRIu64, seq);
    else if (status != NR_TRAIL_OK)
        end = nr_audit_failed(arguments, reader, status);
    else
        end = show_record(arguments, &show);
    nrbac_document_destroy(show.document);
    nr_reader_close(reader);
    return end;
}

static const nr_option options[] = {
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_audit_show = {
    .name = "show",
    .synopsis = "audit show TRAIL SEQ [OPTIONS]",
    .summary =
        "Shows one record, and explains its decision.\n\n"
        "The decision is made again from the record, under the policy that gave\n"
        "it, of which the trail keeps a copy. Exit status 1: there is no such\n"
        "record, it comes out otherwise, or what that takes is not there.",
    .options = options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run,
};
