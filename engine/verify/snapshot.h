/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings with what their files hold at one moment. Never written again, counted: a
 * thread that has one works on it without a lock, whatever is read meanwhile.
 */
#ifndef NR_SNAPSHOT_H
#define NR_SNAPSHOT_H

#include "verify/settings.h"

#include <nrbac/value.h>

/* What tells that a file has changed. */
typedef struct nr_stamp {
    uint64_t device, inode, size;
    int64_t changed_s, changed_ns, written_s, written_ns;
} nr_stamp;

typedef struct nr_loaded {
    nr_credentials *credentials; /* the last sound ones */
    nr_stamp stamp;              /* of what was read last, sound or not */
    bool fresh;        /* it had only just been written, and might have been again */
    nrbac_error error; /* why what was read last is not sound; "" */
} nr_loaded;

typedef struct nr_snapshot {
    atomic_uint refs;
    nr_settings *settings;
    nr_loaded *files; /* by number */
} nr_snapshot;

/* Takes the reading's settings over and reads every file that they name; those that
 * are not sound get diagnostics. NULL if there are any mistakes, or no memory
 * (diags.failed). */
nr_snapshot *nr_snapshot_open(nr_settings_reading *reading);

/* Looks at the files again. A new snapshot if anything is to be told anew, else NULL. */
nr_snapshot *nr_snapshot_look(const nr_snapshot *snapshot);

nr_snapshot *nr_snapshot_ref(nr_snapshot *snapshot);
void nr_snapshot_unref(nr_snapshot *snapshot); /* NULL is fine */

/* Its `files` and `expiring`, for a status. */
void nr_snapshot_tell(const nr_snapshot *snapshot, int64_t now,
                      nrbac_document *document, nrbac_value *status);

#endif
