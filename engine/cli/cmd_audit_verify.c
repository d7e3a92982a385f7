/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit verify: whether a trail is as it was written, and what that cannot tell.
 */
#include "audit/proof.h"
#include "cli/audit.h"
#include "cli/audit_commands.h"

#include <inttypes.h>
#include <string.h>

static bool show_progress(void *context, uint64_t done, uint64_t all)
{
    nr_progress_show(context, done, all);
    return true;
}

static void tell_fault(const char *text)
{
    fputs("NOT AS IT WAS WRITTEN: ", stdout);
    nr_show_text(stdout, text);
    fputs("\n\n", stdout);
}

static void tell_text(const nr_arguments *arguments, const nr_trail_proof *proof)
{
    char key[2 * NR_PUBLIC_KEY_SIZE + 1];
    nr_hex_write(proof->key, NR_PUBLIC_KEY_SIZE, key);
    if (proof->fault == NR_TRAIL_IS_SOUND)
        printf("%s is as it was written\n\n", nr_operand(arguments, 0));
    else
        tell_fault(proof->text);
    printf("  records          %" PRIu64 " to %" PRIu64 "\n", proof->first,
           proof->last);
    if (proof->pruned != 0)
        printf("  dropped          up to %" PRIu64 ", as was signed\n", proof->pruned);
    printf("  checkpoints      %" PRIu64, proof->checkpoints);
    if (proof->checkpointed != 0)
        printf(", up to record %" PRIu64, proof->checkpointed);
    putchar('\n');
    if (proof->anchored != 0)
        printf("  kept elsewhere   up to record %" PRIu64 "\n", proof->anchored);
    printf("  signed by        %s\n", key);
    if (proof->backwards != 0)
        printf("  time             runs backwards %" PRIu64 " times\n",
               proof->backwards);
    if (proof->unknown_count != 0)
        puts("\nWhat this cannot know:");
    for (size_t i = 0; i < proof->unknown_count; i++)
        printf("  %s\n", proof->unknown[i]);
}

static nr_exit tell_json(const nr_trail_proof *proof)
{
    char key[2 * NR_PUBLIC_KEY_SIZE + 1];
    nrbac_document *document = nrbac_document_create();
    if (document == NULL)
        return nr_say_memory();
    nrbac_value *map = nrbac_new_map(document);
    bool sound = proof->fault == NR_TRAIL_IS_SOUND;
    nrbac_set(document, map, "sound", nrbac_new_boolean(document, sound));
    nrbac_set(
        document, map, "fault",
        nrbac_new_text(document, sound ? NULL : nr_trail_fault_slug(proof->fault)));
    nrbac_set(document, map, "text",
              nrbac_new_text(document, sound ? NULL : proof->text));
    nr_set_number(document, map, "seq", proof->seq);
    nr_set_number(document, map, "other", proof->other);
    nr_set_number(document, map, "first", proof->first);
    nr_set_number(document, map, "last", proof->last);
    nr_set_number(document, map, "pruned", proof->pruned);
    nr_set_number(document, map, "checkpoints", proof->checkpoints);
    nr_set_number(document, map, "checkpointed", proof->checkpointed);
    nr_set_number(document, map, "anchored", proof->anchored);
    nr_set_number(document, map, "backwards", proof->backwards);
    nr_hex_write(proof->key, NR_PUBLIC_KEY_SIZE, key);
    nrbac_set(document, map, "key", nrbac_new_text(document, key));
    nrbac_value *unknown = nrbac_set(document, map, "unknown",
                                     nrbac_new_list(document));
    for (size_t i = 0; i < proof->unknown_count; i++)
        nrbac_append(document, unknown, nrbac_new_text(document, proof->unknown[i]));
    return nr_print_document(document, map);
}

static nr_exit verify(const nr_arguments *arguments, nr_reader *reader,
                      const uint8_t *key)
{
    nr_trail_proof proof;
    nr_progress progress = nr_progress_begin("verifying");
    nr_trail_given given = { .key = key,
                             .checkpoint_path = nr_option_value(arguments,
                                                                "checkpoints"),
                             .progress = show_progress,
                             .context = &progress };
    nr_trail_status status = nr_trail_prove(reader, &given, &proof);
    nr_progress_end(&progress);
    if (status != NR_TRAIL_OK)
        return nr_audit_failed(arguments, reader, status);
    nr_exit end = NR_EXIT_OK;
    if (nr_format_is(arguments, "json"))
        end = tell_json(&proof);
    else
        tell_text(arguments, &proof);
    if (end == NR_EXIT_OK && proof.fault != NR_TRAIL_IS_SOUND)
        end = nr_say_no("the trail is not as it was written: %s", proof.text);
    return end;
}

static nr_exit run(const nr_arguments *arguments)
{
    nr_reader *reader;
    uint8_t key[NR_PUBLIC_KEY_SIZE];
    const uint8_t *expected = NULL;
    nr_exit end = nr_audit_key(arguments, key, &expected);
    if (end == NR_EXIT_OK)
        end = nr_audit_open(arguments, &reader);
    if (end != NR_EXIT_OK)
        return end;
    end = verify(arguments, reader, expected);
    nr_reader_close(reader);
    return end;
}

static const nr_option options[] = {
    { "checkpoints", 0, "FILE",
      "hold it against checkpoints that were kept elsewhere" },
    NR_AUDIT_KEY_OPTION,
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_audit_verify = {
    .name = "verify",
    .synopsis = "audit verify TRAIL [OPTIONS]",
    .summary =
        "Says whether a trail is as it was written.\n\n"
        "If it is not, the first record that was changed, removed, moved or cut\n"
        "off is named, and the exit status is 1. What the trail alone cannot show\n"
        "is said too: give checkpoints that were kept elsewhere, and the key that\n"
        "is known to be the trail's.",
    .options = options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run,
};
