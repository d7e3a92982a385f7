/* SPDX-License-Identifier: Apache-2.0 */
/* Needs more than C11: CLOCK_BOOTTIME, getrandom. */
#define _GNU_SOURCE
#include "share/status.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>

enum {
    READ_TRIES = 1000,  /* a writing takes less than a microsecond */
    TAG_TEXT_MAX = 256, /* longer names are hashed twice */
};

int64_t nr_boot_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_BOOTTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* ---- Tags -------------------------------------------------------------------- */

static nr_tag tag_of(const uint8_t key[NR_STATUS_KEY_SIZE], nr_name_kind kind,
                     const char *text)
{
    uint8_t bytes[NR_STATUS_KEY_SIZE + 1 + TAG_TEXT_MAX];
    uint8_t digest[NR_SHA256_SIZE];
    size_t size = strlen(text);
    memcpy(bytes, key, NR_STATUS_KEY_SIZE);
    bytes[NR_STATUS_KEY_SIZE] = (uint8_t)kind;
    if (size > TAG_TEXT_MAX) {
        nr_sha256(text, size, digest);
        bytes[NR_STATUS_KEY_SIZE] |= 0x80;
        text = (const char *)digest;
        size = sizeof(digest);
    }
    memcpy(bytes + NR_STATUS_KEY_SIZE + 1, text, size);
    nr_sha256(bytes, NR_STATUS_KEY_SIZE + 1 + size, digest);
    nr_tag tag;
    memcpy(&tag, digest, sizeof(tag));
    return tag;
}

uint64_t nr_status_tags(const nr_status_page *page, const nrbac_revocation *names,
                        nr_tag tags[NR_STATUS_NAMES])
{
    const char *const texts[NR_STATUS_NAMES] = {
        [NR_NAME_SID] = names->sid,
        [NR_NAME_SUB] = names->sub,
        [NR_NAME_PROFILE] = names->role_profile,
    };
    uint64_t members = 0;
    for (int i = 0; i < NR_STATUS_NAMES; i++) {
        tags[i] = (nr_tag){ 0 };
        if (texts[i] == NULL)
            continue;
        tags[i] = tag_of(page->key, (nr_name_kind)i, texts[i]);
        members |= UINT64_C(1) << i;
    }
    return members;
}

bool nr_status_means(const nr_revoked *revoked, uint64_t members,
                     const nr_tag tags[NR_STATUS_NAMES])
{
    if (revoked->members == 0 || (revoked->members & ~members) != 0)
        return false;
    for (int i = 0; i < NR_STATUS_NAMES; i++) {
        bool same = revoked->tags[i].high == tags[i].high &&
                    revoked->tags[i].low == tags[i].low;
        if ((revoked->members >> i & 1) != 0 && !same)
            return false;
    }
    return true;
}

/* ---- Writing ------------------------------------------------------------------- */

bool nr_status_begin(nr_status_page *page)
{
    memcpy(page->magic, NR_STATUS_MAGIC, sizeof(page->magic));
    page->version = NR_STATUS_VERSION;
    page->size = sizeof(*page);
    return getrandom(page->key, sizeof(page->key), 0) == (ssize_t)sizeof(page->key);
}

#define PUT(place, value) atomic_store_explicit(&(place), (value), memory_order_release)
#define GET(place)        atomic_load_explicit(&(place), memory_order_acquire)

/* One thread writes, so that the turn is its own to read. */
static void take_turn(nr_status_page *page)
{
    PUT(page->turn, atomic_load_explicit(&page->turn, memory_order_relaxed) + 1);
}

void nr_status_write(nr_status_page *page, const nr_status *status)
{
    uint64_t digest[4];
    memcpy(digest, status->digest, sizeof(digest));
    take_turn(page);
    PUT(page->generation, status->generation);
    for (int i = 0; i < 4; i++)
        PUT(page->digest[i], digest[i]);
    PUT(page->image_size, status->image_size);
    PUT(page->published_at, status->published_at);
    PUT(page->beaten_at, status->beaten_at);
    PUT(page->beaten_wall, status->beaten_wall);
    PUT(page->alive_until, status->alive_until);
    PUT(page->stopped, status->stopped ? 1 : 0);
    take_turn(page);
}

void nr_status_revoke(nr_status_page *page, const nrbac_revocation *which)
{
    nr_tag tags[NR_STATUS_NAMES];
    uint64_t members = nr_status_tags(page, which, tags);
    uint64_t number = atomic_load_explicit(&page->revoked, memory_order_relaxed);
    size_t at = number % NR_STATUS_RING;
    take_turn(page);
    PUT(page->ring[at].members, members);
    for (int i = 0; i < NR_STATUS_NAMES; i++) {
        PUT(page->ring[at].tags[i].high, tags[i].high);
        PUT(page->ring[at].tags[i].low, tags[i].low);
    }
    PUT(page->ring[at].number, number + 1);
    PUT(page->revoked, number + 1);
    take_turn(page);
}

/* ---- Reading --------------------------------------------------------------------- */

bool nr_status_is_page(const void *bytes, size_t size)
{
    const nr_status_page *page = bytes;
    return size == sizeof(*page) && (uintptr_t)bytes % 8 == 0 &&
           memcmp(page->magic, NR_STATUS_MAGIC, sizeof(page->magic)) == 0 &&
           page->version == NR_STATUS_VERSION && page->size == sizeof(*page);
}

static void read_members(const nr_status_page *page, nr_status *out)
{
    uint64_t digest[4];
    out->generation = GET(page->generation);
    for (int i = 0; i < 4; i++)
        digest[i] = GET(page->digest[i]);
    memcpy(out->digest, digest, sizeof(digest));
    out->image_size = GET(page->image_size);
    out->published_at = GET(page->published_at);
    out->beaten_at = GET(page->beaten_at);
    out->beaten_wall = GET(page->beaten_wall);
    out->alive_until = GET(page->alive_until);
    out->stopped = GET(page->stopped) != 0;
    out->revoked = GET(page->revoked);
}

static void read_ring(const nr_status_page *page, uint64_t revoked,
                      nr_revocations *since)
{
    since->count = 0;
    since->lost = revoked < since->seen || revoked - since->seen > NR_STATUS_RING;
    if (since->lost)
        return;
    for (uint64_t n = since->seen; n != revoked; n++) {
        size_t at = n % NR_STATUS_RING;
        nr_revoked *item = &since->items[since->count++];
        item->members = GET(page->ring[at].members);
        for (int i = 0; i < NR_STATUS_NAMES; i++) {
            item->tags[i].high = GET(page->ring[at].tags[i].high);
            item->tags[i].low = GET(page->ring[at].tags[i].low);
        }
        since->lost |= GET(page->ring[at].number) != n + 1;
    }
}

bool nr_status_read(const nr_status_page *page, nr_status *out, nr_revocations *since)
{
    for (int tries = 0; tries < READ_TRIES; tries++) {
        uint64_t turn = GET(page->turn);
        if (turn % 2 != 0)
            continue;
        read_members(page, out);
        if (since != NULL)
            read_ring(page, out->revoked, since);
        /* The loads above are acquire: this one cannot come before them. */
        if (atomic_load_explicit(&page->turn, memory_order_relaxed) == turn)
            return true;
    }
    return false;
}

bool nr_status_is_stale(const nr_status *status, bool wall)
{
    if (status->alive_until == 0)
        return false;
    int64_t now = nr_boot_ns();
    if (now >= status->alive_until || now < status->beaten_at)
        return true;
    uint64_t life = (uint64_t)status->alive_until - (uint64_t)status->beaten_at;
    uint64_t age = (uint64_t)time(NULL) - (uint64_t)status->beaten_wall;
    return wall && age > life / 1000000000;
}
