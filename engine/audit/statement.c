/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/statement.h"

#include "audit/key_inside.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 8, SEQ_MAX_DIGITS = 19 };

static const char *const kinds[] = {
    [NR_STATEMENT_CHECKPOINT] = "nrbac-checkpoint",
    [NR_STATEMENT_PRUNED] = "nrbac-pruned",
    [NR_STATEMENT_RECEIPT] = "nrbac-receipt",
};

/* The line without its signature. */
static size_t write_signed_part(const nr_statement *statement,
                                char line[NR_STATEMENT_MAX])
{
    char trail[NR_TRAIL_ID_HEX], hash[NR_DIGEST_HEX], key[2 * NR_PUBLIC_KEY_SIZE + 1];
    nr_hex_write(statement->trail, NR_TRAIL_ID_SIZE, trail);
    nr_hex_write(statement->head.hash, NR_DIGEST_SIZE, hash);
    nr_hex_write(statement->key, NR_PUBLIC_KEY_SIZE, key);
    int size = snprintf(line, NR_STATEMENT_MAX, "%s 1 %s %" PRIu64 " %s %" PRId64 " %s",
                        kinds[statement->kind], trail, statement->head.seq, hash,
                        statement->at, key);
    return (size_t)size;
}

void nr_statement_sign(nr_statement *statement, const nr_key *key,
                       char line[NR_STATEMENT_MAX])
{
    memcpy(statement->key, nr_key_public(key), NR_PUBLIC_KEY_SIZE);
    size_t size = write_signed_part(statement, line);
    uint8_t signature[NR_SIGNATURE_SIZE];
    nr_key_sign(key, line, size, signature);
    line[size] = ' ';
    nr_hex_write(signature, NR_SIGNATURE_SIZE, line + size + 1);
}

/* Cuts the line into its fields; false: it has more or fewer. */
static bool cut(char *line, char *fields[FIELDS])
{
    size_t count = 0;
    for (char *at = line; at != NULL; count++) {
        if (count == FIELDS)
            return false;
        fields[count] = at;
        at = strchr(at, ' ');
        if (at != NULL)
            *at++ = 0;
    }
    return count == FIELDS;
}

/* A number as we write it; the line is held against that, so much is let through. */
static bool read_number(const char *text, long long *out)
{
    char *end = NULL;
    *out = strtoll(text, &end, 10);
    return end != text && *end == 0 && strlen(text) <= SEQ_MAX_DIGITS + 1;
}

static bool read_fields(char *const fields[FIELDS], nr_statement *statement,
                        uint8_t signature[NR_SIGNATURE_SIZE])
{
    size_t kind = 0;
    while (kind < NR_COUNT(kinds) && strcmp(fields[0], kinds[kind]) != 0)
        kind++;
    long long seq = 0, at = 0;
    if (kind == NR_COUNT(kinds) || !read_number(fields[3], &seq) || seq < 0 ||
        !read_number(fields[5], &at))
        return false;
    *statement = (nr_statement){ .kind = (nr_statement_kind)kind,
                                 .head.seq = (uint64_t)seq,
                                 .at = at };
    return nr_hex_read(fields[2], NR_TRAIL_ID_SIZE, statement->trail) &&
           nr_hex_read(fields[4], NR_DIGEST_SIZE, statement->head.hash) &&
           nr_hex_read(fields[6], NR_PUBLIC_KEY_SIZE, statement->key) &&
           nr_hex_read(fields[7], NR_SIGNATURE_SIZE, signature);
}

nr_statement_fault nr_statement_read(const char *line, const uint8_t *key,
                                     nr_statement *out)
{
    char copy[NR_STATEMENT_MAX], written[NR_STATEMENT_MAX];
    char *fields[FIELDS];
    uint8_t signature[NR_SIGNATURE_SIZE];
    size_t size = strlen(line);
    if (size >= sizeof(copy))
        return NR_STATEMENT_NONE;
    memcpy(copy, line, size + 1);
    if (!cut(copy, fields) || !read_fields(fields, out, signature))
        return NR_STATEMENT_NONE;
    /* Whatever is not exactly as we write it is none of ours. */
    size_t signed_size = write_signed_part(out, written);
    if (strncmp(line, written, signed_size) != 0 || line[signed_size] != ' ')
        return NR_STATEMENT_NONE;
    if (crypto_sign_verify_detached(signature, (const unsigned char *)written,
                                    signed_size, out->key) != 0)
        return NR_STATEMENT_FORGED;
    if (key != NULL && memcmp(key, out->key, NR_PUBLIC_KEY_SIZE) != 0)
        return NR_STATEMENT_FOREIGN;
    return NR_STATEMENT_SOUND;
}
