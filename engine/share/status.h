/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The status page: a few numbers that the daemon writes and everybody who uses its
 * table reads, in their own process, without asking anybody.
 *
 * One thread writes. `turn` is odd while it does: a reader that finds it odd, or
 * changed by the time it is done, reads again. Every member is an atomic; the
 * writer stores members with release and the reader loads them with acquire. So
 * whoever sees a new member also sees the odd turn that came before it, and
 * whoever sees the even turn at the end sees every member written until then.
 * There is no lock: a writer that dies halfway leaves an odd turn, and readers
 * keep what they read last, deadline and all.
 *
 * The page holds no names. Whom a revocation means is said by keyed hashes: who
 * knows a name can find it, and nobody can read one.
 */
#ifndef NR_STATUS_H
#define NR_STATUS_H

#include "base/hash.h"

#include <nrbac/nrbac.h>

#include <assert.h>
#include <stdatomic.h>

enum {
    NR_STATUS_VERSION = 1,
    NR_STATUS_KEY_SIZE = 16,
    NR_STATUS_RING = 512, /* revocations that are remembered */
    NR_STATUS_NAMES = 3,  /* of a session: sid, sub, role_profile */
};

#define NR_STATUS_MAGIC "nrbac\r\nS" /* 8 bytes */

/* A name as the page tells it. */
typedef struct nr_tag {
    uint64_t high, low;
} nr_tag;

/* Whom a revocation ends: all members that it has must match. */
typedef struct nr_revoked {
    uint64_t members; /* bits of nr_name_kind */
    nr_tag tags[NR_STATUS_NAMES];
} nr_revoked;

typedef enum nr_name_kind {
    NR_NAME_SID = 0,
    NR_NAME_SUB,
    NR_NAME_PROFILE
} nr_name_kind;

/* The page in memory and in a file; offsets never change within a version. */
typedef struct nr_status_page {
    /* Written once, before anybody else sees the page. */
    char magic[8];
    uint32_t version;
    uint32_t size;                   /* of the page */
    uint8_t key[NR_STATUS_KEY_SIZE]; /* of the tags; random, so it names the page too */
    uint8_t zero[32];
    /* Written in turns. */
    _Atomic uint64_t turn;
    _Atomic uint64_t generation;
    _Atomic uint64_t digest[4]; /* of the image, as its bytes lie in memory */
    _Atomic uint64_t image_size;
    _Atomic int64_t published_at; /* Unix seconds */
    _Atomic int64_t beaten_at;    /* the last heartbeat, ns of CLOCK_BOOTTIME */
    _Atomic int64_t beaten_wall;  /* the same in Unix seconds */
    _Atomic int64_t alive_until;  /* ns of CLOCK_BOOTTIME; 0: never stale */
    _Atomic uint64_t stopped;     /* 1: nobody decides */
    _Atomic uint64_t revoked;     /* how many revocations there have been */
    _Atomic uint64_t rest[491];
    /* Number n lies at n % NR_STATUS_RING. */
    struct {
        _Atomic uint64_t members;
        struct {
            _Atomic uint64_t high, low;
        } tags[NR_STATUS_NAMES];
        _Atomic uint64_t number; /* n + 1 */
    } ring[NR_STATUS_RING];
} nr_status_page;

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "words are shared between processes");
static_assert(offsetof(nr_status_page, turn) == 64, "a promise");
static_assert(offsetof(nr_status_page, generation) == 72, "a promise");
static_assert(offsetof(nr_status_page, digest) == 80, "a promise");
static_assert(offsetof(nr_status_page, alive_until) == 144, "a promise");
static_assert(offsetof(nr_status_page, stopped) == 152, "a promise");
static_assert(offsetof(nr_status_page, revoked) == 160, "a promise");
static_assert(offsetof(nr_status_page, ring) == 4096, "a promise");
static_assert(sizeof(nr_status_page) == 4096 + 64 * NR_STATUS_RING, "a promise");

/* What a page says, all of one moment. */
typedef struct nr_status {
    uint64_t generation;
    uint8_t digest[NR_SHA256_SIZE];
    uint64_t image_size;
    int64_t published_at;
    int64_t beaten_at;
    int64_t beaten_wall;
    int64_t alive_until;
    bool stopped;
    uint64_t revoked;
} nr_status;

/* ---- Writing: one thread ----------------------------------------------------- */

/* Makes zeroed memory a page; false: there is no random key to be had. */
bool nr_status_begin(nr_status_page *page);
/* Everything but `revoked`, which only nr_status_revoke() changes. */
void nr_status_write(nr_status_page *page, const nr_status *status);
void nr_status_revoke(nr_status_page *page, const nrbac_revocation *which);

/* ---- Reading: anybody -------------------------------------------------------- */

/* Whether these bytes are a page that this release reads. */
bool nr_status_is_page(const void *bytes, size_t size);

/* The revocations from number `seen` on, read together with a status. */
typedef struct nr_revocations {
    uint64_t seen;
    size_t count;
    bool lost; /* there were more than are remembered: any session may be meant */
    nr_revoked items[NR_STATUS_RING];
} nr_revocations;

/* False: the page is being written, or its writer died writing. `since` may be NULL;
 * its `seen` is not moved. */
bool nr_status_read(const nr_status_page *page, nr_status *out, nr_revocations *since);

/* Whether the deadline has passed, or the heart beat on another clock than ours.
 * `wall`: the page may have outlived a restart of the machine, so the wall clock
 * counts too. */
bool nr_status_is_stale(const nr_status *status, bool wall);

/* A session's names as the page would tell them; bits of the names that it has. */
uint64_t nr_status_tags(const nr_status_page *page, const nrbac_revocation *names,
                        nr_tag tags[NR_STATUS_NAMES]);
/* Whether a revocation means a session of these names. */
bool nr_status_means(const nr_revoked *revoked, uint64_t members,
                     const nr_tag tags[NR_STATUS_NAMES]);

/* Nanoseconds of CLOCK_BOOTTIME, which all processes share and no one can set. */
int64_t nr_boot_ns(void);

#endif
