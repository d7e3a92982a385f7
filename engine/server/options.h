/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the daemon is told: options of the command line, over those of the YAML
 * file that --config names.
 */
#ifndef NR_OPTIONS_H
#define NR_OPTIONS_H

#include "base/arena.h"
#include "keep/keep.h"
#include "server/callers.h"

#include <sys/types.h>

/*
 * Limits: each is an option, a key of the configuration (which writes `_` for the
 * option's `-`), and, by its short name, a member of what `hello` tells.
 *
 *   NR_LIMIT(name, key, standard, least, most, doc)
 */
#define NR_LIMITS                                                                      \
    NR_LIMIT(message_bytes, "max_message_bytes", 1048576, 1024, 67108864,              \
             "size of one message")                                                    \
    NR_LIMIT(elements, "max_elements", 65536, 64, 4194304,                             \
             "items and members of one message, all lists and maps together")          \
    NR_LIMIT(depth, "max_depth", 32, 4, 64,                                            \
             "nesting of one message, which itself is 1")                              \
    NR_LIMIT(connections, "max_connections", 256, 1, 65536, "connections at once")     \
    NR_LIMIT(sessions, "max_sessions", 4096, 1, 1048576, "sessions of one connection") \
    NR_LIMIT(in_flight, "max_in_flight", 1024, 1, 1048576,                             \
             "answers of one connection that wait to be taken; then reading pauses")   \
    NR_LIMIT(batch, "max_batch", 1024, 1, 65536,                                       \
             "questions in one `evaluations` or `check_many`")                         \
    NR_LIMIT(idle_seconds, "idle_seconds", 600, 0, 604800,                             \
             "silence after which a connection is closed; 0: never")

typedef struct nr_limits {
#define NR_LIMIT(name, key, standard, least, most, doc) uint32_t name;
    NR_LIMITS
#undef NR_LIMIT
} nr_limits;

enum {
    NR_USER_MAX = 64, /* in one list of users */
    NR_STALE_SECONDS_MAX = 86400,
    NR_THREADS_MAX = 64,
    NR_FLUSH_MS_MAX = 10000,
    NR_KEEP_DAYS_MAX = 36500,
};

/* Users who may do what others may not. */
typedef struct nr_users {
    uid_t items[NR_USER_MAX];
    size_t count;
} nr_users;

bool nr_users_have(const nr_users *users, uid_t uid);

/* Texts belong to argv or to the arena. */
struct nr_options {
    nr_arena arena;
    const char *policy;            /* a folder or a compiled file */
    const char *socket;            /* NULL only if systemd passed one */
    const char *config;            /* NULL: none */
    const char *audit;             /* the trail; NULL: none */
    const char *evidence;          /* settings; NULL: evidence is not checked */
    const char *policy_root;       /* NULL: no bound */
    const char *publish_to;        /* the folder of the shared table; NULL: none */
    bool audit_batched;            /* answers do not wait for their records */
    uint32_t audit_flush_ms;       /* how long those may wait then */
    const char *audit_key;         /* NULL: beside the trail */
    const char *audit_checkpoints; /* where they are written too; NULL: nowhere */
    nr_patients audit_patients;
    uint32_t audit_keep_days; /* 0: for ever */
    bool unsafe_no_audit;
    bool takeover; /* of the socket, from the daemon that serves it */
    bool allow_example;
    bool trust_request_time;
    bool trust_applications; /* of those that are bound to no peer */
    nr_bindings bindings;
    mode_t socket_mode;
    uint32_t threads; /* that serve connections */
    nr_limits limits;
    /* How long the shared table counts without us; 0: for ever. */
    uint32_t stale_seconds;
    nr_users reload_users;
    nr_users attach_users;
    nr_users gateways; /* those who have ended the applications' TLS connections */
};

/* Fills the options; true: go on and serve. False: nothing more is to be done,
 * *status is what the process ends with, and everything has been said. */
bool nr_options_read(nr_options *options, int argc, char **argv, int *status);
void nr_options_finish(nr_options *options);

/* Of "sync" and "batched"; of "none", "named" and "plain"; false: it is none of them. */
bool nr_durability_read(const char *text, bool *batched);
bool nr_patients_read(const char *text, nr_patients *out);

/* Permissions in octal; false: that is not what the text says. */
bool nr_mode_read(const char *text, mode_t *out);

/* Reads the file over the standard options; false after saying why, with what
 * the process ends with. */
bool nr_config_read(nr_options *options, const char *path, int *status);

#endif
