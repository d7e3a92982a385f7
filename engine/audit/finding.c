/* SPDX-License-Identifier: Apache-2.0 */
#include "audit/reading.h"

#include <string.h>

/* Where each member of a row stands. */
enum {
    SEQ,
    AT,
    EVENT,
    REASON,
    POLICY,
    GENERATION,
    ACTION,
    API,
    RESOURCE,
    OBLIGATIONS,
    SESSION,
    MESSAGE,
    PATIENT,
    DETAIL,
    HASH,
    CIRCUMSTANCES,
    ASSERTED,
    UID,
    GID,
    PID,
    USER,
    ROLE_PROFILE,
    ROLE,
    ORGANISATION,
    APPLICATION,
    WHO,
    INPUTS,
};

/* The order in which its parts are joined is the order in which they are looked up, and
 * a condition is looked at as soon as it can be. */
#define ROWS_SQL                                                                      \
    "SELECT r.seq, r.at, r.event, r.reason, p.digest, r.generation, a.text, b.text, " \
    "s.text, o.text, r.session, r.message, r.patient, r.detail, r.hash, c.id, "       \
    "c.asserted, c.uid, c.gid, c.pid, c.user, c.role_profile, c.role, "               \
    "c.organisation, c.application, c.who, c.inputs "                                 \
    "FROM records r LEFT JOIN circumstances c ON c.id = r.circumstances "             \
    "LEFT JOIN texts a ON a.id = r.action LEFT JOIN texts b ON b.id = r.api "         \
    "LEFT JOIN texts s ON s.id = r.resource LEFT JOIN texts o ON o.id = "             \
    "r.obligations LEFT JOIN policies p ON p.id = r.policy "                          \
    "WHERE r.seq > ?1 AND r.seq <= ?2 AND r.at >= ?3 AND r.at < ?4 "                  \
    "AND (?5 IS NULL OR r.event = ?5) AND (?6 IS NULL OR r.reason = ?6) "             \
    "AND (?7 IS NULL OR r.patient = ?7) AND (?8 IS NULL OR c.user = ?8) "             \
    "AND (?9 IS NULL OR c.role_profile = ?9) AND (?10 IS NULL OR c.role = ?10) "      \
    "AND (?11 IS NULL OR c.organisation = ?11) "                                      \
    "AND (?12 IS NULL OR c.application = ?12) AND (?13 IS NULL OR a.text = ?13) "     \
    "AND (?14 IS NULL OR b.text = ?14) ORDER BY r.seq "

/* How far the next few thousand rows go. */
#define RANGE_SQL(order, last)                                          \
    "SELECT " last "(seq) FROM (SELECT seq FROM records WHERE seq > ?1" \
    " AND seq <= ?2 ORDER BY seq " order " LIMIT ?3)"

static const char range_up[] = RANGE_SQL("", "max");
static const char range_down[] = RANGE_SQL("DESC", "min");

static void forget_rows(nr_reader *reader)
{
    nr_arena_reset(&reader->arena);
    memset(reader->circumstances, 0, sizeof(reader->circumstances));
    reader->entries = NULL;
    reader->count = reader->at = 0;
}

void nr_reading_finish(nr_reader *reader)
{
    (void)sqlite3_finalize(reader->range);
    (void)sqlite3_finalize(reader->rows);
    reader->range = reader->rows = NULL;
    memset(reader->circumstances, 0, sizeof(reader->circumstances));
    nr_arena_finish(&reader->arena);
    reader->arena = (nr_arena){ 0 };
    reader->entries = NULL;
    reader->count = reader->at = 0;
    reader->low = reader->high = 0;
    reader->ended = NR_TRAIL_OK;
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text)
{
    if (text != NULL)
        (void)sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

static void bind_filter(sqlite3_stmt *rows, const nr_filter *filter)
{
    (void)sqlite3_bind_int64(rows, 3, filter->from == 0 ? INT64_MIN : filter->from);
    (void)sqlite3_bind_int64(rows, 4, filter->to == 0 ? INT64_MAX : filter->to);
    if (filter->event != NR_EVENT_NONE)
        (void)sqlite3_bind_int(rows, 5, (int)filter->event);
    if (filter->by_reason)
        (void)sqlite3_bind_int(rows, 6, (int)filter->reason);
    bind_text(rows, 7, filter->patient);
    bind_text(rows, 8, filter->user);
    bind_text(rows, 9, filter->role_profile);
    bind_text(rows, 10, filter->role);
    bind_text(rows, 11, filter->organisation);
    bind_text(rows, 12, filter->application);
    bind_text(rows, 13, filter->action);
    bind_text(rows, 14, filter->api);
}

/* Numbers as SQLite has them. */
static uint64_t bound(uint64_t seq)
{
    return seq > INT64_MAX ? INT64_MAX : seq;
}

nr_trail_status nr_reader_find(nr_reader *reader, const nr_filter *filter)
{
    int64_t last = 0;
    reader->error.text[0] = 0;
    nr_reading_finish(reader);
    nr_trail_status status = nr_database_number(reader->db,
                                                "SELECT max(seq) FROM records", &last);
    if (status == NR_TRAIL_MISSING)
        return NR_TRAIL_OK; /* an empty trail, and nothing to be read of it */
    if (status == NR_TRAIL_OK)
        status = nr_database_prepare(
            reader->db, filter->newest_first ? range_down : range_up, &reader->range);
    if (status == NR_TRAIL_OK)
        status = nr_database_prepare(reader->db,
                                     filter->newest_first ? ROWS_SQL "DESC" : ROWS_SQL,
                                     &reader->rows);
    if (status != NR_TRAIL_OK)
        return nr_reading_trouble(reader, status);
    bind_filter(reader->rows, filter);
    reader->filter = *filter;
    reader->left = filter->limit == 0 ? UINT64_MAX : filter->limit;
    reader->low = bound(filter->after);
    reader->high = last < 0 ? 0 : (uint64_t)last;
    if (filter->up_to != 0 && filter->up_to < reader->high)
        reader->high = filter->up_to;
    return NR_TRAIL_OK;
}

/* ---- Copying a row ---------------------------------------------------------------------------- */

static const char *copy_text(nr_reader *reader, int column, bool *failed)
{
    const char *text = (const char *)sqlite3_column_text(reader->rows, column);
    if (text == NULL || *text == 0)
        return NULL;
    const char *copy = nr_arena_string(&reader->arena, text);
    *failed = *failed || copy == NULL;
    return copy;
}

static nr_peer read_peer(sqlite3_stmt *row)
{
    if (sqlite3_column_type(row, UID) == SQLITE_NULL)
        return (nr_peer){ 0 };
    return (nr_peer){ .known = true,
                      .uid = (uint32_t)sqlite3_column_int64(row, UID),
                      .gid = (uint32_t)sqlite3_column_int64(row, GID),
                      .pid = sqlite3_column_int(row, PID) };
}

/* The digest is made anew of what is there, so that whoever hashes the record sees any
 * change to it. */
static const nr_circumstances *copy_circumstances(nr_reader *reader, bool *failed)
{
    sqlite3_stmt *row = reader->rows;
    if (sqlite3_column_type(row, CIRCUMSTANCES) == SQLITE_NULL)
        return NULL;
    int64_t id = sqlite3_column_int64(row, CIRCUMSTANCES);
    nr_reading_circumstances *
        *place = &reader->circumstances[(uint64_t)id % NR_READING_KEPT];
    if (*place != NULL && (*place)->id == id)
        return &(*place)->of;
    nr_reading_circumstances *made = nr_arena_new(&reader->arena,
                                                  nr_reading_circumstances);
    if (made == NULL) {
        *failed = true;
        return NULL;
    }
    made->id = id;
    made->of = (nr_circumstances){
        .who = copy_text(reader, WHO, failed),
        .inputs = copy_text(reader, INPUTS, failed),
        .user = copy_text(reader, USER, failed),
        .role_profile = copy_text(reader, ROLE_PROFILE, failed),
        .role = copy_text(reader, ROLE, failed),
        .organisation = copy_text(reader, ORGANISATION, failed),
        .application = copy_text(reader, APPLICATION, failed),
        .peer = read_peer(row),
        .asserted = sqlite3_column_int(row, ASSERTED) != 0,
    };
    nr_circumstances_seal(&made->of);
    *place = made;
    return &made->of;
}

/* A number that has a meaning as one byte or two. */
static unsigned small(sqlite3_stmt *row, int column, unsigned most)
{
    int64_t number = sqlite3_column_int64(row, column);
    return number < 0 || number > most ? most : (unsigned)number;
}

static nr_trail_status copy_row(nr_reader *reader, nr_entry *entry)
{
    sqlite3_stmt *row = reader->rows;
    bool failed = false;
    *entry = (nr_entry){
        .seq = (uint64_t)sqlite3_column_int64(row, SEQ),
        .record = {
            .event = (nr_event)small(row, EVENT, UINT8_MAX),
            .at = sqlite3_column_int64(row, AT),
            .generation = (uint32_t)sqlite3_column_int64(row, GENERATION),
            .circumstances = copy_circumstances(reader, &failed),
            .action = copy_text(reader, ACTION, &failed),
            .api = copy_text(reader, API, &failed),
            .resource = copy_text(reader, RESOURCE, &failed),
            .patient = copy_text(reader, PATIENT, &failed),
            .reason = (nrbac_reason)small(row, REASON, UINT16_MAX),
            .obligations = copy_text(reader, OBLIGATIONS, &failed),
            .session = (uint64_t)sqlite3_column_int64(row, SESSION),
            .message = (uint64_t)sqlite3_column_int64(row, MESSAGE),
            .detail = copy_text(reader, DETAIL, &failed),
        },
    };
    (void)nr_database_blob(row, POLICY, NR_DIGEST_SIZE, entry->record.policy);
    (void)nr_database_blob(row, HASH, NR_DIGEST_SIZE, entry->hash);
    return failed ? NR_TRAIL_MEMORY : NR_TRAIL_OK;
}

/* What is not asked of the database. */
static bool is_wanted(const nr_reader *reader)
{
    const nr_filter *filter = &reader->filter;
    nr_event event = (nr_event)small(reader->rows, EVENT, UINT8_MAX);
    nrbac_reason reason = (nrbac_reason)small(reader->rows, REASON, UINT16_MAX);
    if ((filter->decisions || filter->by_effect || filter->by_reason) &&
        !nr_event_decides(event))
        return false;
    return !filter->by_effect || nrbac_reason_effect(reason) == filter->effect;
}

/* ---- Reading in steps ---------------------------------------------------------------------------- */

/* Of the rows in (low, high], some thousands: *from and *to are how far they go. */
static nr_trail_status next_range(nr_reader *reader, uint64_t *from, uint64_t *to)
{
    bool row = false;
    *from = reader->low;
    *to = reader->high;
    (void)sqlite3_bind_int64(reader->range, 1, (int64_t)reader->low);
    (void)sqlite3_bind_int64(reader->range, 2, (int64_t)reader->high);
    (void)sqlite3_bind_int(reader->range, 3, NR_READING_ROWS);
    nr_trail_status status = nr_database_step(reader->range, &row);
    if (status == NR_TRAIL_OK && row &&
        sqlite3_column_type(reader->range, 0) != SQLITE_NULL) {
        uint64_t edge = (uint64_t)sqlite3_column_int64(reader->range, 0);
        if (edge <= reader->low || edge > reader->high)
            status = NR_TRAIL_CORRUPT;
        else if (reader->filter.newest_first)
            *from = edge - 1;
        else
            *to = edge;
    }
    (void)sqlite3_reset(reader->range);
    return status;
}

/* What has been read is not read again, however far the step came. */
static void move_on(nr_reader *reader, uint64_t from, uint64_t to)
{
    if (reader->filter.newest_first)
        reader->high = from;
    else
        reader->low = to;
}

/* In a damaged file the same rows may be found again and again: pages refer to each other
 * in a circle, or many to one. So each row must be one further than the last, and for a
 * few thousand rows the database may only take so many steps. */
static int give_up(void *context)
{
    (void)context;
    return 1;
}

static bool is_further(const nr_reader *reader, uint64_t from, uint64_t to)
{
    uint64_t seq = (uint64_t)sqlite3_column_int64(reader->rows, SEQ);
    if (reader->count > 0) {
        uint64_t last = reader->entries[reader->count - 1].seq;
        if (reader->filter.newest_first)
            to = last - 1;
        else
            from = last;
    }
    return seq > from && seq <= to;
}

static nr_trail_status copy_found(nr_reader *reader, uint64_t from, uint64_t to,
                                  bool *row)
{
    while (reader->count < NR_READING_KEPT) {
        NR_TRAIL_TRY(nr_database_step(reader->rows, row));
        if (!*row)
            return NR_TRAIL_OK;
        if (!is_further(reader, from, to))
            return NR_TRAIL_CORRUPT;
        if (!is_wanted(reader))
            continue;
        NR_TRAIL_TRY(copy_row(reader, &reader->entries[reader->count]));
        reader->count++;
    }
    return NR_TRAIL_OK;
}

static nr_trail_status copy_rows(nr_reader *reader, uint64_t from, uint64_t to)
{
    bool row = false;
    (void)sqlite3_bind_int64(reader->rows, 1, (int64_t)from);
    (void)sqlite3_bind_int64(reader->rows, 2, (int64_t)to);
    (void)sqlite3_stmt_status(reader->rows, SQLITE_STMTSTATUS_VM_STEP, true);
    sqlite3_progress_handler(reader->db, NR_READING_STEPS, give_up, NULL);
    nr_trail_status status = copy_found(reader, from, to, &row);
    sqlite3_progress_handler(reader->db, 0, NULL, NULL);
    (void)sqlite3_reset(reader->rows);
    if (status != NR_TRAIL_OK)
        return status;
    if (row && reader->filter.newest_first)
        from = reader->entries[reader->count - 1].seq - 1;
    else if (row)
        to = reader->entries[reader->count - 1].seq;
    move_on(reader, from, to);
    return NR_TRAIL_OK;
}

/* Reads until there is something, or the end. */
static nr_trail_status read_some(nr_reader *reader)
{
    forget_rows(reader);
    reader->entries = nr_arena_new_array(&reader->arena, NR_READING_KEPT, nr_entry);
    if (reader->entries == NULL)
        return NR_TRAIL_MEMORY;
    while (reader->count == 0 && reader->low < reader->high) {
        uint64_t from = 0, to = 0;
        NR_TRAIL_TRY(next_range(reader, &from, &to));
        NR_TRAIL_TRY(copy_rows(reader, from, to));
    }
    return NR_TRAIL_OK;
}

/* What was read before a failure is handed out before the failure is told. */
static nr_trail_status next_some(nr_reader *reader)
{
    reader->count = reader->at = 0;
    if (reader->ended == NR_TRAIL_OK)
        reader->ended = nr_reading_trouble(reader, read_some(reader));
    if (reader->count > 0)
        return NR_TRAIL_OK;
    return reader->ended == NR_TRAIL_OK ? NR_TRAIL_MISSING : reader->ended;
}

nr_trail_status nr_reader_next(nr_reader *reader, nr_entry *entry)
{
    if (reader->left == 0)
        return NR_TRAIL_MISSING;
    if (reader->at == reader->count)
        NR_TRAIL_TRY(next_some(reader));
    *entry = reader->entries[reader->at++];
    reader->left--;
    return NR_TRAIL_OK;
}

nr_trail_status nr_reader_get(nr_reader *reader, uint64_t seq, nr_entry *entry)
{
    if (seq == 0 || seq > INT64_MAX)
        return NR_TRAIL_MISSING;
    nr_filter one = { .after = seq - 1, .up_to = seq };
    nr_trail_status status = nr_reader_find(reader, &one);
    return status == NR_TRAIL_OK ? nr_reader_next(reader, entry) : status;
}
