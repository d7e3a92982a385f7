/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit receipt and check-receipt: proof, without the trail, that a record stands in it.
 */
#include "audit/proof.h"
#include "base/time.h"
#include "cli/ask.h"
#include "cli/audit.h"
#include "cli/audit_commands.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Making one ------------------------------------------------------------------------ */

static nr_exit open_key(const nr_arguments *arguments, nr_key **out)
{
    char beside[4096];
    const char *path = nr_option_value(arguments, "key-file");
    nrbac_error error = { "" };
    if (path == NULL) {
        (void)snprintf(beside, sizeof(beside), "%s.key", nr_operand(arguments, 0));
        path = beside;
    }
    nr_trail_status status = nr_key_open(path, false, out, &error);
    if (status == NR_TRAIL_OK)
        return NR_EXIT_OK;
    return nr_say_system("cannot use the key `%s`: %s", path,
                         error.text[0] != '\0' ? error.text
                                               : nr_trail_status_text(status));
}

static nr_exit make(const nr_arguments *arguments, nr_reader *reader, uint64_t seq)
{
    nr_key *key = NULL;
    nrbac_value *receipt = NULL;
    nrbac_document *document = nrbac_document_create();
    nr_exit end = document == NULL ? nr_say_memory() : open_key(arguments, &key);
    if (end == NR_EXIT_OK) {
        nr_trail_status status = nr_receipt_make(reader, key, seq, nr_time_now(),
                                                 document, &receipt);
        if (status == NR_TRAIL_OK)
            end = nr_print_json(receipt, NRBAC_JSON_INDENT);
        else if (status == NR_TRAIL_MISSING)
            end = nr_say_no("the trail has no record %" PRIu64, seq);
        else
            end = nr_audit_failed(arguments, reader, status);
    }
    nr_key_close(key);
    nrbac_document_destroy(document);
    return end;
}

static nr_exit run_receipt(const nr_arguments *arguments)
{
    nr_reader *reader = NULL;
    uint64_t seq = 0;
    nr_exit end = nr_audit_seq(arguments, 1, &seq);
    if (end == NR_EXIT_OK)
        end = nr_audit_open(arguments, &reader);
    if (end != NR_EXIT_OK)
        return end;
    end = make(arguments, reader, seq);
    nr_reader_close(reader);
    return end;
}

static const nr_option receipt_options[] = {
    { "key-file", 0, "FILE", "the trail's key (TRAIL.key)" },
    { 0 },
};

const nr_command nr_cmd_audit_receipt = {
    .name = "receipt",
    .synopsis = "audit receipt TRAIL SEQ [OPTIONS]",
    .summary = "Writes a signed receipt for one record.\n\n"
               "It proves without the trail that this decision was recorded, in this\n"
               "place. It takes the trail's key, which its owner alone can read.",
    .options = receipt_options,
    .operands_min = 2,
    .operands_max = 2,
    .run = run_receipt,
};

/* ---- Checking one ----------------------------------------------------------------------- */

static void tell(const nr_entry *entry, const nr_statement *statement)
{
    char stamp[NR_STAMP_SIZE], trail[NR_TRAIL_ID_HEX];
    char key[2 * NR_PUBLIC_KEY_SIZE + 1];
    nr_audit_stamp(statement->at, stamp);
    nr_hex_write(statement->trail, NR_TRAIL_ID_SIZE, trail);
    nr_hex_write(statement->key, NR_PUBLIC_KEY_SIZE, key);
    nr_audit_print_line(stdout, entry);
    printf("\n  recorded in   trail %s\n  signed        %s\n  by            %s\n",
           trail, stamp, key);
}

static nr_exit check(const nr_arguments *arguments, const char *text, size_t size,
                     const uint8_t *key)
{
    const nrbac_value *receipt = NULL;
    nrbac_error error = { "" };
    nr_receipt checked;
    nrbac_document *document = nrbac_document_create();
    nr_exit end = NR_EXIT_OK;
    if (document == NULL)
        return nr_say_memory();
    if (nrbac_json_read(document, text, size, &receipt, &error) != NRBAC_OK ||
        !nr_receipt_check(document, receipt, key, &checked, &error)) {
        end = nr_say_no("`%s` proves nothing: %s", nr_operand(arguments, 0),
                        error.text);
    } else {
        tell(&checked.entry, &checked.statement);
        if (key == NULL)
            nr_say_help("whether that is the trail's key is for you to know; --key "
                        "holds it against the one you expect");
    }
    nrbac_document_destroy(document);
    return end;
}

static nr_exit run_check(const nr_arguments *arguments)
{
    char *text = NULL;
    size_t size = 0;
    uint8_t key[NR_PUBLIC_KEY_SIZE];
    const uint8_t *expected = NULL;
    nr_exit end = nr_audit_key(arguments, key, &expected);
    if (end == NR_EXIT_OK)
        end = nr_read_file(nr_operand(arguments, 0), &text, &size);
    if (end == NR_EXIT_OK)
        end = check(arguments, text, size, expected);
    free(text);
    return end;
}

static const nr_option check_options[] = {
    NR_AUDIT_KEY_OPTION,
    { 0 },
};

const nr_command nr_cmd_audit_check_receipt = {
    .name = "check-receipt",
    .synopsis = "audit check-receipt RECEIPT.json|- [OPTIONS]",
    .summary = "Checks a receipt, without its trail.\n\n"
               "Exit status 1: it is not what that key signed.",
    .options = check_options,
    .operands_min = 1,
    .operands_max = 1,
    .run = run_check,
};
