/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trail that is written, from inside.
 *
 * `head` is what is committed, `next` what the open batch would make of it. Whatever is
 * remembered of the tables (ids of interned rows) may be of a batch that is undone, and
 * is then forgotten as a whole.
 */
#ifndef NR_TRAIL_INSIDE_H
#define NR_TRAIL_INSIDE_H

#include "audit/beside.h"
#include "audit/database.h"
#include "audit/trail.h"
#include "base/arena.h"
#include "base/names.h"

/* A row is used by records below its `seen` plus this. */
enum { NR_SEEN_STEP = 1048576 };

#define NR_TRAIL_SQL(SQL)                                                          \
    SQL(BEGIN, "BEGIN IMMEDIATE")                                                  \
    SQL(COMMIT, "COMMIT")                                                          \
    SQL(ROLLBACK, "ROLLBACK")                                                      \
    SQL(ADD_ROWS, "INSERT OR ROLLBACK INTO records SELECT * FROM waiting")         \
    SQL(FIND_TEXT, "SELECT id, seen FROM texts WHERE text = ?")                    \
    SQL(ADD_TEXT, "INSERT INTO texts (text, seen) VALUES (?, ?)")                  \
    SQL(SEE_TEXT, "UPDATE texts SET seen = ?2 WHERE id = ?1")                      \
    SQL(FIND_CIRCUMSTANCES, "SELECT id, seen FROM circumstances WHERE digest = ?") \
    SQL(ADD_CIRCUMSTANCES,                                                         \
        "INSERT INTO circumstances (digest, seen, asserted, uid, gid, pid, user, " \
        "role_profile, role, organisation, application, who, inputs) VALUES "      \
        "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")                                 \
    SQL(SEE_CIRCUMSTANCES, "UPDATE circumstances SET seen = ?2 WHERE id = ?1")     \
    SQL(FIND_POLICY, "SELECT id, seen FROM policies WHERE digest = ?")             \
    SQL(ADD_POLICY, "INSERT INTO policies (digest, seen) VALUES (?, ?)")           \
    SQL(SEE_POLICY, "UPDATE policies SET seen = ?2 WHERE id = ?1")                 \
    SQL(ADD_IMAGE, "INSERT INTO images (policy, image) VALUES (?, ?)")             \
    SQL(ADD_CHECKPOINT, "INSERT INTO checkpoints (seq, statement) VALUES (?, ?)")

typedef enum nr_trail_sql {
#define NR_TRAIL_SQL_NAME(name, sql) NR_SQL_##name,
    NR_TRAIL_SQL(NR_TRAIL_SQL_NAME)
#undef NR_TRAIL_SQL_NAME
        NR_SQL_COUNT
} nr_trail_sql;

/* A row that records refer to. id 0: it is not known to be there. */
typedef struct nr_row {
    int64_t id;
    uint64_t seen;
} nr_row;

typedef struct nr_known_circumstances {
    uint8_t digest[NR_DIGEST_SIZE];
    nr_row row;
} nr_known_circumstances;

/* What is known of interned rows. */
typedef struct nr_interned {
    nr_arena arena; /* of the texts */
    nr_names texts;
    nr_row *text_rows;                     /* by number in `texts` */
    nr_known_circumstances *circumstances; /* open addressing by digest */
    size_t circumstances_count;
    uint8_t policy[NR_DIGEST_SIZE]; /* the one used last */
    nr_row policy_row;
} nr_interned;

/* What a row of `records` holds, in the order of its columns. */
typedef enum nr_row_column {
    NR_ROW_SEQ,
    NR_ROW_AT,
    NR_ROW_EVENT,
    NR_ROW_REASON,
    NR_ROW_POLICY,
    NR_ROW_GENERATION,
    NR_ROW_CIRCUMSTANCES,
    NR_ROW_ACTION,
    NR_ROW_API,
    NR_ROW_RESOURCE,
    NR_ROW_OBLIGATIONS,
    NR_ROW_SESSION,
    NR_ROW_MESSAGE,
    NR_ROW_NUMBERS, /* so many */
    NR_ROW_PATIENT = NR_ROW_NUMBERS,
    NR_ROW_DETAIL,
    NR_ROW_HASH,
} nr_row_column;

typedef struct nr_row_of_record {
    int64_t numbers[NR_ROW_NUMBERS];
    const char *patient, *detail; /* NULL: none */
    uint8_t hash[NR_DIGEST_SIZE];
} nr_row_of_record;

enum { NR_ROWS_MAX = 64 };

/* Rows of the open batch that are not in the table yet. */
typedef struct nr_rows {
    nr_row_of_record items[NR_ROWS_MAX];
    size_t count;
    bool begun;     /* the first one of the batch has been here */
    nr_arena texts; /* of the rows */
} nr_rows;

struct nr_trail {
    sqlite3 *db;
    sqlite3_stmt *sql[NR_SQL_COUNT];
    nr_key *key;
    uint8_t id[NR_TRAIL_ID_SIZE];
    char *checkpoint_path; /* NULL: none */
    uint32_t checkpoint_records;
    int64_t checkpoint_us;
    uint64_t low_bytes;
    nr_trail_clock clock;
    int lock; /* descriptor */
    nr_reserve reserve;
    nr_interned interned;

    nr_head head;
    uint64_t first;        /* of the records that are there; head.seq + 1: none is */
    uint64_t synced;       /* up to here they are on disk */
    uint64_t checkpoint;   /* up to here the last one goes */
    int64_t checkpoint_at; /* when that was */

    bool open; /* a batch is */
    nr_head next;
    nr_rows rows;
    nr_durability durability;
    int synchronous;     /* the durability that SQLite is set to; -1: unknown */
    uint64_t signed_seq; /* of a checkpoint in the open batch; 0: none */
    char signed_line[NR_STATEMENT_MAX];
    bool again; /* the next batch may do without the reserve */

    uint64_t unpublished_seq; /* 0: the checkpoint file has all of them */
    char unpublished[NR_STATEMENT_MAX];
    bool unpublishable; /* adding to the file failed */

    bool held; /* when last pruned by age, some was old by the clock alone */
    bool lost; /* pages may be lost that the system takes for written */
    nr_trail_status trouble;
    uint64_t failures;
    uint64_t free_bytes;
    int64_t space_at; /* when free_bytes was looked at */
};

int64_t nr_trail_now(const nr_trail *trail);

/* opening.c: reads where the trail stands, and holds its end against the checkpoints. */
nr_trail_status nr_trail_find_head(nr_trail *trail, nrbac_error *error);
/* Writes the error, if there is one, and gives the status back. */
nr_trail_status nr_trail_refuse(nrbac_error *error, nr_trail_status status,
                                const char *format, ...) NR_PRINTF(3, 4);

/* batch.c */
/* Undoes the batch after a failure, and says what to tell the caller. */
nr_trail_status nr_trail_fail(nr_trail *trail, nr_trail_status status);
/* Puts everything committed into the main file, on disk, and empties the log. */
nr_trail_status nr_trail_settle(nr_trail *trail);

/* rows.c */
/* Has SQLite know `waiting`; before statements are prepared. */
nr_trail_status nr_rows_offer(nr_trail *trail);
/* Numbers and hashes a record of the open batch; its row waits with others. */
nr_trail_status nr_rows_add(nr_trail *trail, const nr_record *record);
/* Writes what waits; before whatever reads `records`, and before the commit. */
nr_trail_status nr_rows_write(nr_trail *trail);
/* As at the beginning of a batch. */
void nr_rows_forget(nr_rows *rows);

/* intern.c: the id of what a record refers to, in the open batch; 0 for none. */
bool nr_interned_init(nr_interned *interned);
void nr_interned_finish(nr_interned *interned);
void nr_interned_forget(nr_interned *interned);
nr_trail_status nr_intern_text(nr_trail *trail, const char *text, int64_t *id);
nr_trail_status nr_intern_circumstances(nr_trail *trail, const nr_circumstances *of,
                                        int64_t *id);
/* ARGUMENT: it has not been kept. */
nr_trail_status nr_intern_policy(nr_trail *trail, const uint8_t *digest, int64_t *id);

/* A text as a parameter: NULL and "" as NULL; borrowed until the statement is done. */
void nr_bind_text(sqlite3_stmt *statement, int place, const char *text);

#endif
