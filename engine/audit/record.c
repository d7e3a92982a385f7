/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/record.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

/* ---- Words ------------------------------------------------------------------------- */

typedef struct event_word {
    nr_event event;
    const char *slug;
    bool decides;
} event_word;

static const event_word event_words[] = {
#define NRBAC_EVENT(number, name, slug, decides, doc) \
    { NR_EVENT_##name, slug, (decides) != 0 },
#include <nrbac/event.def>
#undef NRBAC_EVENT
};

static const event_word *find_event(nr_event event)
{
    for (size_t i = 0; i < NR_COUNT(event_words); i++) {
        if (event_words[i].event == event)
            return &event_words[i];
    }
    return NULL;
}

const char *nr_event_slug(nr_event event)
{
    const event_word *word = find_event(event);
    return word == NULL ? "unknown" : word->slug;
}

nr_event nr_event_of(const char *slug)
{
    for (size_t i = 0; i < NR_COUNT(event_words); i++) {
        if (strcmp(event_words[i].slug, slug) == 0)
            return event_words[i].event;
    }
    return NR_EVENT_NONE;
}

bool nr_event_decides(nr_event event)
{
    const event_word *word = find_event(event);
    return word != NULL && word->decides;
}

static const struct {
    const char *slug;
    const char *text;
} status_words[] = {
    [NR_TRAIL_OK] = { "ok", "all is well" },
    [NR_TRAIL_AGAIN] = { "again", "the reserve made room" },
    [NR_TRAIL_FULL] = { "full", "there is no space left" },
    [NR_TRAIL_READ_ONLY] = { "read-only", "it cannot be written here" },
    [NR_TRAIL_LOCKED] = { "locked", "somebody else holds it" },
    [NR_TRAIL_IO] = { "io", "the disk failed" },
    [NR_TRAIL_CORRUPT] = { "corrupt", "it is damaged, or not what was written" },
    [NR_TRAIL_MEMORY] = { "memory", "out of memory" },
    [NR_TRAIL_VERSION] = { "version", "it was written by a newer release" },
    [NR_TRAIL_MISSING] = { "missing", "it is not there" },
    [NR_TRAIL_ARGUMENT] = { "argument", "it is not a record that a trail takes" },
};

const char *nr_trail_status_slug(nr_trail_status status)
{
    return (size_t)status < NR_COUNT(status_words) ? status_words[status].slug
                                                   : "unknown";
}

const char *nr_trail_status_text(nr_trail_status status)
{
    return (size_t)status < NR_COUNT(status_words) ? status_words[status].text
                                                   : "unknown";
}

nr_trail_status nr_trail_status_of(int number, nr_trail_status otherwise)
{
    switch (number) {
    case ENOENT:
        return NR_TRAIL_MISSING;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return NR_TRAIL_FULL;
    case EROFS:
    case EACCES:
    case EPERM:
        return NR_TRAIL_READ_ONLY;
    case ENOMEM:
        return NR_TRAIL_MEMORY;
    default:
        return otherwise;
    }
}

/* ---- Canonical bytes ------------------------------------------------------------------ */

/* Hashes what is put into it: numbers little-endian, texts with their size before them.
 * Pieces are gathered first, and most are hashed in one go. */
typedef struct hashing {
    bool begun; /* something of it is in the state already */
    size_t size;
    uint8_t gathered[512];
    crypto_generichash_state state;
} hashing;

static void begin(hashing *hash)
{
    hash->begun = false;
    hash->size = 0;
}

static void flush(hashing *hash)
{
    if (!hash->begun)
        (void)crypto_generichash_init(&hash->state, NULL, 0, NR_DIGEST_SIZE);
    hash->begun = true;
    (void)crypto_generichash_update(&hash->state, hash->gathered, hash->size);
    hash->size = 0;
}

static inline void put(hashing *hash, const void *bytes, size_t size)
{
    if (size > sizeof(hash->gathered) - hash->size)
        flush(hash);
    if (size > sizeof(hash->gathered)) {
        (void)crypto_generichash_update(&hash->state, bytes, size);
        return;
    }
    memcpy(hash->gathered + hash->size, bytes, size);
    hash->size += size;
}

/* Little-endian, written out so that it is one store. */
static inline void put_number(hashing *hash, uint64_t number, size_t size)
{
    if (sizeof(number) > sizeof(hash->gathered) - hash->size)
        flush(hash);
    uint8_t *at = hash->gathered + hash->size;
    at[0] = (uint8_t)number;
    at[1] = (uint8_t)(number >> 8);
    at[2] = (uint8_t)(number >> 16);
    at[3] = (uint8_t)(number >> 24);
    at[4] = (uint8_t)(number >> 32);
    at[5] = (uint8_t)(number >> 40);
    at[6] = (uint8_t)(number >> 48);
    at[7] = (uint8_t)(number >> 56);
    hash->size += size; /* of which so many count */
}

static inline void put_text(hashing *hash, const char *text)
{
    size_t size = text == NULL ? 0 : strlen(text);
    put_number(hash, size, 4);
    if (size != 0)
        put(hash, text, size);
}

static void end(hashing *hash, uint8_t digest[NR_DIGEST_SIZE])
{
    if (!hash->begun) {
        (void)crypto_generichash(digest, NR_DIGEST_SIZE, hash->gathered, hash->size,
                                 NULL, 0);
        return;
    }
    flush(hash);
    (void)crypto_generichash_final(&hash->state, digest, NR_DIGEST_SIZE);
}

void nr_circumstances_seal(nr_circumstances *circumstances)
{
    const nr_circumstances *of = circumstances;
    nr_peer peer = of->peer.known ? of->peer : (nr_peer){ 0 };
    hashing hash;
    begin(&hash);
    put_number(&hash, of->asserted, 1);
    put_number(&hash, peer.known, 1);
    put_number(&hash, peer.uid, 4);
    put_number(&hash, peer.gid, 4);
    put_number(&hash, (uint32_t)peer.pid, 4);
    put_text(&hash, of->who);
    put_text(&hash, of->inputs);
    put_text(&hash, of->user);
    put_text(&hash, of->role_profile);
    put_text(&hash, of->role);
    put_text(&hash, of->organisation);
    put_text(&hash, of->application);
    end(&hash, circumstances->digest);
}

nr_head nr_head_first(const uint8_t id[NR_TRAIL_ID_SIZE])
{
    static const char what[] = "nrbac audit trail 1";
    nr_head head = { 0 };
    hashing hash;
    begin(&hash);
    put(&hash, what, sizeof(what) - 1);
    put(&hash, id, NR_TRAIL_ID_SIZE);
    end(&hash, head.hash);
    return head;
}

void nr_head_move(nr_head *head, const nr_record *record)
{
    static const uint8_t none[NR_DIGEST_SIZE];
    hashing hash;
    begin(&hash);
    head->seq++;
    put(&hash, head->hash, NR_DIGEST_SIZE);
    put_number(&hash, head->seq, 8);
    put_number(&hash, (uint64_t)record->at, 8);
    put_number(&hash, record->event, 1);
    put_number(&hash, record->reason, 2);
    put(&hash, record->policy, NR_DIGEST_SIZE);
    put_number(&hash, record->generation, 4);
    put(&hash, record->circumstances == NULL ? none : record->circumstances->digest,
        NR_DIGEST_SIZE);
    put_number(&hash, record->session, 8);
    put_number(&hash, record->message, 8);
    put_text(&hash, record->action);
    put_text(&hash, record->api);
    put_text(&hash, record->resource);
    put_text(&hash, record->patient);
    put_text(&hash, record->obligations);
    put_text(&hash, record->detail);
    end(&hash, head->hash);
}
