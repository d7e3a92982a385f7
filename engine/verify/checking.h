/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checking of one request: what every check is handed, and where it says what it
 * found. A check returns true, or says why not and returns false.
 *
 * No sentence holds any part of what was presented: that is somebody else's text, and
 * may be a secret.
 */
#ifndef NR_CHECKING_H
#define NR_CHECKING_H

#include "base/value.h"
#include "verify/replay.h"
#include "verify/snapshot.h"

#include <nrbac/nrbac.h>

enum {
    NR_TOKEN_SIZE_MAX = 16 << 10,
    NR_TOKEN_DEPTH_MAX = 32,
    NR_API_KEY_SIZE_MAX = 512,
    NR_ASSERTION_LIFE_MAX = 300, /* seconds */
    NR_USERINFO_LIFE = 3600,     /* seconds from its `iat`, where it has no `exp` */
};

typedef struct nr_check {
    const nr_snapshot *snapshot;
    nr_replay *replay;
    nrbac_document *document; /* the caller's, for what is handed to them */
    nrbac_document *scratch;  /* ours: tokens as they are read */
    int64_t now;
    unsigned flags; /* nrbac_verify_flags */
    uint64_t occasion;
    const char *named;     /* the application that the request names; NULL: none */
    uint32_t named_number; /* NR_NONE: not one of the settings */
    const char *api;       /* the API that the request is to; NULL: to none */
    const char *member;    /* which is being checked, for sentences */
    const char *fault;     /* the first; NULL: nothing is refused yet */
    int64_t ends_at;       /* the earliest end of the application's evidence */
    struct {               /* what ends soon, of what was relied on */
        const char **items;
        size_t count, room;
    } expiring;
    bool no_memory;
} nr_check;

/* "`context.api_key` WHAT", unless there was a fault before; always false. */
bool nr_refuse(nr_check *check, const char *what, ...) NR_PRINTF(2, 3);

/* Notes that the outcome rests on something that ends then (0: it does not). */
void nr_rely_on(nr_check *check, const char *name, int64_t ends_at);

/* Whether what ends at this moment is over; 0 does not end. */
static inline bool nr_is_over(const nr_check *check, int64_t ends_at)
{
    return ends_at != 0 && check->now >= ends_at;
}

/* ---- Proofs of the application: each finds whose it is ------------------------------ */

typedef bool nr_proof_check(nr_check *check, const nrbac_value *presented,
                            uint32_t *application);
nr_proof_check nr_check_assertion;
nr_proof_check nr_check_api_key;
nr_proof_check nr_check_certificate;

/* What an access token grants: for whom its application may act. */
typedef struct nr_grant {
    nrbac_grant kind;
    int level;       /* of CIS2: 1 to 3; of NHS login: 0, 5 or 9 */
    const char *sub; /* whom it is about, if not the client itself; NULL: not said */
} nr_grant;

bool nr_check_access_token(nr_check *check, const nrbac_value *presented,
                           uint32_t *application, nr_grant *grant);

/* What its `scope` grants at the API of the request, or at all if it is to none. */
bool nr_scope_read(nr_check *check, const nrbac_value *scope, nr_grant *grant);

/* ---- Tokens of the user ------------------------------------------------------------- */

typedef enum nr_user_token {
    NR_ID_TOKEN = 0,
    NR_USERINFO,
    NR_NHS_LOGIN,
    NR_USER_TOKEN_COUNT,
} nr_user_token;

/* Its claims, in the scratch document. One that is over passes: its `exp` says so. */
bool nr_check_user_token(nr_check *check, nr_user_token kind,
                         const nrbac_value *presented, const nrbac_value **claims);

#endif
