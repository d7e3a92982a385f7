/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a trail for the second verifier, with everything in it that can be:
 *
 *   write_trail FOLDER      FOLDER/trail, FOLDER/checkpoints, FOLDER/receipt-SEQ.json
 */
#include "audit_kit.h"
#include "check.h"

#include <nrbac/policy.h>

#include <stdlib.h>

enum { RECORDS = 70 };

static void write_receipt(kit *k, nr_reader *reader, const nr_key *key, uint64_t seq)
{
    char name[128], *text = NULL;
    nrbac_value *receipt = NULL;
    nrbac_document *document = nrbac_document_create();
    CHECK_INT(nr_receipt_make(reader, key, seq, k->now, document, &receipt),
              NR_TRAIL_OK);
    CHECK_INT(nrbac_json_write(receipt, NRBAC_JSON_INDENT, &text, NULL), NRBAC_OK);
    (void)snprintf(name, sizeof(name), "%s/receipt-%llu.json", k->folder,
                   (unsigned long long)seq);
    FILE *file = fopen(name, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
    free(text);
    nrbac_document_destroy(document);
}

int main(int count, char **arguments)
{
    kit k;
    char checkpoints[128], key_name[128];
    uint64_t dropped = 0;
    kit_begin(&k);
    kit_end(&k);
    if (count != 2)
        return 2;
    (void)snprintf(k.folder, sizeof(k.folder), "%s", arguments[1]);
    (void)snprintf(k.path, sizeof(k.path), "%s/trail", k.folder);
    (void)snprintf(checkpoints, sizeof(checkpoints), "%s/checkpoints", k.folder);
    (void)snprintf(key_name, sizeof(key_name), "%s.key", k.path);
    nr_trail_options options = kit_options(&k);
    options.checkpoint_path = checkpoints;
    nr_trail *trail = kit_open(&k, &options);
    for (uint64_t from = 1; from < RECORDS; from += 10)
        CHECK_INT(kit_write(&k, trail, from, 10, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_prune(trail, KIT_NOW + 8000, 100, &dropped), NR_TRAIL_OK);
    CHECK_INT(dropped, 7);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    nr_reader *reader = NULL;
    nr_key *key = NULL;
    CHECK_INT(nr_key_open(key_name, false, &key, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_open(k.path, &reader, NULL), NR_TRAIL_OK);
    for (uint64_t seq = dropped + 1; seq <= RECORDS + 1; seq++)
        write_receipt(&k, reader, key, seq);
    nr_reader_close(reader);
    nr_key_close(key);
    return check_report() | kit_report();
}
