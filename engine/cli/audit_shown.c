/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as a line: for people, for spreadsheets, for programs.
 *
 *   17 2026-11-23T09:00:00.123Z PERMIT granted-by-baseline B0820: user 910000000001 as
 *   R8000 at RBA by gp-system
 */
#include "base/time.h"
#include "cli/ask.h"
#include "cli/audit.h"

#include <inttypes.h>
#include <string.h>

void nr_audit_stamp(int64_t at, char stamp[NR_STAMP_SIZE])
{
    char seconds[NR_TIME_SIZE];
    int64_t second = at > 0 ? at / NR_SECOND : 0;
    nr_time_write(second, seconds);
    (void)snprintf(stamp, NR_STAMP_SIZE, "%.19s.%03dZ", seconds,
                   at > 0 ? (int)(at % NR_SECOND / 1000) : 0);
}

/* ---- For people ------------------------------------------------------------------------ */

static void print_part(FILE *out, const char *before, const char *text)
{
    if (text == NULL)
        return;
    fputs(before, out);
    nr_show_text(out, text);
}

static const char *words_of(nrbac_effect effect)
{
    switch (effect) {
    case NRBAC_PERMIT:
        return "PERMIT";
    case NRBAC_DENY:
        return "DENY";
    case NRBAC_INDETERMINATE:
        return "CANNOT DECIDE";
    case NRBAC_NOT_APPLICABLE:
        return "NOT APPLICABLE";
    }
    return "DENY";
}

static void print_circumstances(FILE *out, const nr_circumstances *circumstances)
{
    if (circumstances == NULL)
        return;
    print_part(out, " user ", circumstances->user);
    print_part(out, " as ", circumstances->role);
    print_part(out, " at ", circumstances->organisation);
    print_part(out, " by ", circumstances->application);
    if (circumstances->asserted)
        fputs(" (recorded by that program itself)", out);
}

void nr_audit_print_line(FILE *out, const nr_entry *entry)
{
    const nr_record *record = &entry->record;
    char stamp[NR_STAMP_SIZE];
    nr_audit_stamp(record->at, stamp);
    fprintf(out, "%" PRIu64 " %s ", entry->seq, stamp);
    if (!nr_event_decides(record->event)) {
        fputs(nr_event_slug(record->event), out);
        print_part(out, " ", record->detail);
        fputc('\n', out);
        return;
    }
    fprintf(out, "%s %s", words_of(nrbac_reason_effect(record->reason)),
            nrbac_reason_slug(record->reason));
    print_part(out, " ", record->api);
    print_part(out, " ", record->action);
    fputc(':', out);
    print_circumstances(out, record->circumstances);
    print_part(out, " about ", record->resource);
    print_part(out, " patient ", record->patient);
    print_part(out, " with ", record->obligations);
    fputc('\n', out);
}

/* ---- For spreadsheets ------------------------------------------------------------------ */

typedef enum column {
    SEQ,
    AT,
    EVENT,
    EFFECT,
    REASON,
    API,
    ACTION,
    OBLIGATIONS,
    USER,
    ROLE_PROFILE,
    ROLE,
    ORGANISATION,
    APPLICATION,
    RESOURCE,
    PATIENT,
    SESSION,
    POLICY,
    GENERATION,
    ASSERTED,
    DETAIL,
    COLUMNS,
} column;

static const char *const column_names[COLUMNS] = {
    "seq",     "at",           "event",       "effect",   "reason",
    "api",     "action",       "obligations", "user",     "role_profile",
    "role",    "organisation", "application", "resource", "patient",
    "session", "policy",       "generation",  "asserted", "detail",
};

void nr_audit_print_columns(FILE *out)
{
    for (int i = 0; i < COLUMNS; i++)
        fprintf(out, "%s%s", i == 0 ? "" : ",", column_names[i]);
    fputs("\r\n", out);
}

/* A text that a spreadsheet would take for a formula is preceded by an apostrophe:
 * whoever asks chooses the names that stand here. */
static void print_cell(FILE *out, const char *text)
{
    if (text == NULL)
        return;
    bool formula = strchr("=+-@\t\r", text[0]) != NULL && text[0] != '\0';
    if (!formula && strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, out);
        return;
    }
    fputs(formula ? "\"'" : "\"", out);
    for (; *text != '\0'; text++) {
        if (*text == '"')
            fputc('"', out);
        fputc(*text, out);
    }
    fputc('"', out);
}

/* A row is filled in: texts, some of them written here. */
typedef struct row {
    const char *cells[COLUMNS];
    char seq[24], stamp[NR_STAMP_SIZE], session[24], generation[16];
    char policy[NR_DIGEST_HEX];
} row;

static void fill_record(row *r, const nr_entry *entry)
{
    const nr_record *record = &entry->record;
    (void)snprintf(r->seq, sizeof(r->seq), "%" PRIu64, entry->seq);
    nr_audit_stamp(record->at, r->stamp);
    r->cells[SEQ] = r->seq;
    r->cells[AT] = r->stamp;
    r->cells[EVENT] = nr_event_slug(record->event);
    r->cells[DETAIL] = record->detail;
    if (!nr_event_decides(record->event))
        return;
    r->cells[EFFECT] = nrbac_effect_slug(nrbac_reason_effect(record->reason));
    r->cells[REASON] = nrbac_reason_slug(record->reason);
    r->cells[API] = record->api;
    r->cells[ACTION] = record->action;
    r->cells[OBLIGATIONS] = record->obligations;
    r->cells[RESOURCE] = record->resource;
    r->cells[PATIENT] = record->patient;
    if (record->session != 0) {
        (void)snprintf(r->session, sizeof(r->session), "%" PRIu64, record->session);
        r->cells[SESSION] = r->session;
    }
    if (record->generation == 0)
        return;
    nr_hex_write(record->policy, NR_DIGEST_SIZE, r->policy);
    (void)snprintf(r->generation, sizeof(r->generation), "%" PRIu32,
                   record->generation);
    r->cells[POLICY] = r->policy;
    r->cells[GENERATION] = r->generation;
}

void nr_audit_print_row(FILE *out, const nr_entry *entry)
{
    const nr_circumstances *circumstances = entry->record.circumstances;
    row r = { .cells = { NULL } };
    fill_record(&r, entry);
    if (circumstances != NULL) {
        r.cells[USER] = circumstances->user;
        r.cells[ROLE_PROFILE] = circumstances->role_profile;
        r.cells[ROLE] = circumstances->role;
        r.cells[ORGANISATION] = circumstances->organisation;
        r.cells[APPLICATION] = circumstances->application;
        r.cells[ASSERTED] = circumstances->asserted ? "yes" : NULL;
    }
    for (int i = 0; i < COLUMNS; i++) {
        if (i > 0)
            fputc(',', out);
        print_cell(out, r.cells[i]);
    }
    fputs("\r\n", out);
}

/* ---- For programs ---------------------------------------------------------------------- */

nr_exit nr_audit_print_json(nrbac_document *document, const nr_entry *entry)
{
    nrbac_document_reset(document);
    const nrbac_value *told = nr_entry_tell(document, entry);
    return told == NULL ? nr_say_memory() : nr_print_json(told, NRBAC_JSON_COMPACT);
}
