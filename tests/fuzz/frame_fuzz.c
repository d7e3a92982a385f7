/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes from a socket: whole messages are told apart, whether they come in
 * one piece or byte by byte, and what is read can be written and read again. What
 * the daemon answers the quick way, it would answer the same the general way.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "quick_kit.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const nr_scan_limits limits = { .size = 1 << 16, .elements = 4096, .depth = 32 };

/* The same result and the same end as when all bytes are there at once. */
static void scan_in_pieces(const uint8_t *data, size_t size, nr_scan_result whole,
                           size_t end)
{
    nr_scan scan = { 0 };
    nr_scan_result result = NR_SCAN_PARTIAL;
    for (size_t have = 0; have <= size && result == NR_SCAN_PARTIAL; have++)
        result = nr_scan_next(&scan, data, have, &limits);
    if (result != whole || (whole == NR_SCAN_READY && scan.at != end))
        abort();
}

static void read_and_write(const uint8_t *data, size_t size)
{
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *value = NULL;
    const char *problem = NULL;
    if (nr_wire_decode(document, data, size, &value, &problem) == NRBAC_OK) {
        nr_buffer first = { 0 };
        nr_buffer second = { 0 };
        const nrbac_value *again = NULL;
        nr_wire_encode(&first, value);
        if (nr_wire_decode(document, first.bytes, first.size, &again, &problem) !=
            NRBAC_OK)
            abort();
        nr_wire_encode(&second, again);
        if (first.size != second.size ||
            memcmp(first.bytes, second.bytes, first.size) != 0)
            abort();
        nr_buffer_finish(&first);
        nr_buffer_finish(&second);
    } else if (problem == NULL) {
        abort();
    }
    nr_rpc rpc;
    (void)nr_rpc_read(document, data, size, &rpc, &problem);
    nrbac_document_destroy(document);
}

static void answer_both_ways(const uint8_t *data, size_t size)
{
    static quick_kit *kit;
    size_t taken;
    if (kit == NULL)
        kit = quick_kit_make();
    if (quick_compare(kit, data, size, &taken) != NULL)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    answer_both_ways(data, size);
    nr_scan scan = { 0 };
    nr_scan_result result = nr_scan_next(&scan, data, size, &limits);
    scan_in_pieces(data, size < 4096 ? size : 4096,
                   size < 4096 ? result
                               : nr_scan_next(&(nr_scan){ 0 }, data, 4096, &limits),
                   scan.at);
    if (result == NR_SCAN_READY)
        read_and_write(data, scan.at);
    return 0;
}
