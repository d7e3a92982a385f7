/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an audit trail: refused, or read to its end, told and proved, whatever
 * they say.
 */
#include "audit/proof.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];

static void remove_file(const char *suffix)
{
    char name[80];
    (void)snprintf(name, sizeof(name), "%s%s", path, suffix);
    (void)unlink(name);
}

static void remove_files(void)
{
    remove_file("");
    remove_file("-wal");
    remove_file("-shm");
}

static bool put(const uint8_t *data, size_t size)
{
    if (path[0] == 0) {
        (void)snprintf(path, sizeof(path), "/dev/shm/nrbac-fuzz-%ld", (long)getpid());
        (void)atexit(remove_files);
    }
    remove_files();
    FILE *file = fopen(path, "wb");
    bool written = file != NULL && fwrite(data, 1, size, file) == size;
    return file != NULL && fclose(file) == 0 && written;
}

static void read_all(nr_reader *reader, const nr_filter *filter)
{
    nrbac_document *document = nrbac_document_create();
    nr_entry entry;
    nr_trail_status status = nr_reader_find(reader, filter);
    while (status == NR_TRAIL_OK) {
        status = nr_reader_next(reader, &entry);
        if (status != NR_TRAIL_OK)
            break;
        nr_circumstances circumstances;
        nr_entry again;
        const nrbac_value *map = nr_entry_tell(document, &entry);
        (void)nr_entry_read(document, map, &circumstances, &again, NULL);
        nrbac_document_reset(document);
    }
    nrbac_document_destroy(document);
}

static void read_policies(nr_reader *reader)
{
    uint8_t *digests = NULL;
    size_t count = 0;
    if (nr_reader_policies(reader, &digests, &count) == NR_TRAIL_OK && count > 0) {
        void *image = NULL;
        size_t size = 0;
        (void)nr_reader_policy(reader, digests, &image, &size);
        free(image);
    }
    free(digests);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const nr_filter all;
    static const nr_filter some = { .role = "R8001", .newest_first = true, .limit = 9 };
    nr_reader *reader = NULL;
    if (!put(data, size) || nr_reader_open(path, &reader, NULL) != NR_TRAIL_OK)
        return 0;
    nr_trail_stats stats;
    nr_trail_proof proof;
    uint8_t hash[NR_DIGEST_SIZE];
    (void)nr_reader_stats(reader, &stats);
    read_all(reader, &all);
    read_all(reader, &some);
    read_policies(reader);
    (void)nr_reader_before(reader, stats.first, hash);
    (void)nr_trail_prove(reader, NULL, &proof);
    nr_reader_close(reader);
    return 0;
}
