/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/proof.h"

#include <stdio.h>
#include <string.h>

enum { RECEIPT_VERSION = 1 };

nr_trail_status nr_receipt_make(nr_reader *reader, const nr_key *key, uint64_t seq,
                                int64_t at, nrbac_document *document,
                                nrbac_value **receipt)
{
    nr_statement statement = { .kind = NR_STATEMENT_RECEIPT, .at = at };
    nr_trail_stats about;
    nr_entry entry;
    uint8_t before[NR_DIGEST_SIZE];
    char line[NR_STATEMENT_MAX], hash[NR_DIGEST_HEX];
    *receipt = NULL;
    NR_TRAIL_TRY(nr_reader_stats(reader, &about));
    NR_TRAIL_TRY(nr_reader_before(reader, seq, before));
    NR_TRAIL_TRY(nr_reader_get(reader, seq, &entry));
    /* A record that does not fit its place is not signed for. */
    statement.head.seq = seq - 1;
    memcpy(statement.head.hash, before, NR_DIGEST_SIZE);
    nr_head_move(&statement.head, &entry.record);
    if (memcmp(statement.head.hash, entry.hash, NR_DIGEST_SIZE) != 0)
        return NR_TRAIL_CORRUPT;
    memcpy(statement.trail, about.id, NR_TRAIL_ID_SIZE);
    nr_statement_sign(&statement, key, line);
    nr_hex_write(before, NR_DIGEST_SIZE, hash);

    nrbac_value *map = nrbac_new_map(document);
    (void)nrbac_set(document, map, "receipt",
                    nrbac_new_integer(document, RECEIPT_VERSION));
    (void)nrbac_set(document, map, "statement", nrbac_new_text(document, line));
    (void)nrbac_set(document, map, "before", nrbac_new_text(document, hash));
    (void)nrbac_set(document, map, "record", nr_entry_tell(document, &entry));
    if (nrbac_document_status(document) != NRBAC_OK)
        return NR_TRAIL_MEMORY;
    *receipt = map;
    return NR_TRAIL_OK;
}

/* ---- Checking ---------------------------------------------------------------------------- */

static bool refuse(nrbac_error *error, const char *why)
{
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text), "%s", why);
    return false;
}

static bool read_before(const nrbac_value *map, uint8_t hash[NR_DIGEST_SIZE])
{
    const char *text = nrbac_value_text(nrbac_value_find(map, "before"));
    return text != NULL && strlen(text) == NR_DIGEST_HEX - 1 &&
           nr_hex_read(text, NR_DIGEST_SIZE, hash);
}

static bool check_statement(const nrbac_value *map, const uint8_t *key,
                            nr_statement *statement, nrbac_error *error)
{
    const char *line = nrbac_value_text(nrbac_value_find(map, "statement"));
    nr_statement_fault fault = line == NULL ? NR_STATEMENT_NONE
                                            : nr_statement_read(line, key, statement);
    switch (fault) {
    case NR_STATEMENT_SOUND:
        return statement->kind == NR_STATEMENT_RECEIPT ||
               refuse(error, "the statement is signed, but not for a receipt");
    case NR_STATEMENT_FORGED:
        return refuse(error, "the signature is not that of the key that it names");
    case NR_STATEMENT_FOREIGN:
        return refuse(error, "it is signed by another key than the one given");
    case NR_STATEMENT_NONE:
        break;
    }
    return refuse(error, "`statement` is not a statement of this release");
}

bool nr_receipt_check(nrbac_document *document, const nrbac_value *map,
                      const uint8_t *key, nr_receipt *receipt, nrbac_error *error)
{
    nr_head head = { 0 };
    *receipt = (nr_receipt){ 0 };
    if (nrbac_value_integer(nrbac_value_find(map, "receipt")) != RECEIPT_VERSION ||
        !read_before(map, head.hash))
        return refuse(error, "it is not a receipt of this release");
    if (!check_statement(map, key, &receipt->statement, error) ||
        !nr_entry_read(document, nrbac_value_find(map, "record"),
                       &receipt->circumstances, &receipt->entry, error))
        return false;
    head.seq = receipt->entry.seq - 1;
    nr_head_move(&head, &receipt->entry.record);
    if (head.seq != receipt->statement.head.seq ||
        memcmp(head.hash, receipt->statement.head.hash, NR_DIGEST_SIZE) != 0 ||
        memcmp(head.hash, receipt->entry.hash, NR_DIGEST_SIZE) != 0)
        return refuse(error, "the record is not the one that was signed for");
    return true;
}
