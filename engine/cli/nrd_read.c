/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading goes on after a mistake, so that one run tells all of them: first the
 * rows of each file, then what rows say of each other.
 */
#define _POSIX_C_SOURCE 200809L /* stat */

#include "base/codes.h"
#include "cli/nrd.h"
#include "text/csv.h"
#include "text/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- One file ---- */

typedef struct csv_sheet {
    nr_nrd *nrd;
    const char *file; /* its name */
    nr_csv csv;
} csv_sheet;

static void mistake(nr_nrd *nrd, const char *file, uint32_t line, const char *format,
                    ...) NR_PRINTF(4, 5);
static void mistake(nr_nrd *nrd, const char *file, uint32_t line, const char *format,
                    ...)
{
    va_list arguments;
    va_start(arguments, format);
    char text[1024];
    fprintf(stderr, "%s/%s:%u: error: ", nrd->folder, file, line);
    (void)vsnprintf(text, sizeof text, format, arguments);
    nr_show_text(stderr, text);
    fputc('\n', stderr);
    va_end(arguments);
    nrd->mistakes++;
}

/* "line 12: a quote is not closed" is a mistake in line 12. */
static void tell_csv_error(const csv_sheet *sheet, const nrbac_error *error)
{
    const char *what = error->text;
    unsigned long line = 1;
    if (strncmp(what, "line ", 5) == 0) {
        char *end;
        line = strtoul(what + 5, &end, 10);
        what = strncmp(end, ": ", 2) == 0 ? end + 2 : what;
    }
    mistake(sheet->nrd, sheet->file, (uint32_t)line, "%s", what);
}

/* Reads a file. False if there is nothing to look at: it is missing, which for
 * some files is fine, or a mistake was told. */
static bool open_sheet(csv_sheet *sheet, bool required, nr_exit *end)
{
    nr_nrd *nrd = sheet->nrd;
    struct stat info;
    char *text;
    size_t size;
    nrbac_error error = { "" };
    const char *path = nr_arena_format(nrd->arena, "%s/%s", nrd->folder, sheet->file);
    if (path == NULL) {
        nrd->failed = true;
        return false;
    }
    if (!required && stat(path, &info) != 0)
        return false;
    *end = nr_read_file(path, &text, &size);
    if (*end != NR_EXIT_OK)
        return false;
    /* Spreadsheets write a byte order mark. */
    size_t mark = size >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    nrbac_status status = nr_csv_read(nrd->arena, text + mark, size - mark, &sheet->csv,
                                      &error);
    free(text);
    if (status == NRBAC_E_MEMORY)
        nrd->failed = true;
    else if (status != NRBAC_OK)
        tell_csv_error(sheet, &error);
    return status == NRBAC_OK;
}

/* A column that must be there; what else there is may be a misspelling of it. */
static size_t column(csv_sheet *sheet, const char *name)
{
    size_t number = nr_csv_column(&sheet->csv, name);
    if (number != SIZE_MAX)
        return number;
    mistake(sheet->nrd, sheet->file, 1, "there is no column `%s`", name);
    const char *nearest = nr_nearest_name(name, sheet->csv.columns,
                                          sheet->csv.column_count);
    if (nearest != NULL)
        nr_say_help("did you mean it by `%s`?", nearest);
    return SIZE_MAX;
}

/* The text of a cell without the blanks around it; "" for a missing column. */
static const char *cell(const csv_sheet *sheet, const nr_csv_row *row, size_t number)
{
    if (number == SIZE_MAX)
        return "";
    const char *text = row->values[number];
    text += strspn(text, " \t");
    size_t size = strlen(text);
    while (size > 0 && strchr(" \t\r\n", text[size - 1]) != NULL)
        size--;
    const char *copy = nr_arena_copy(sheet->nrd->arena, text, size);
    if (copy == NULL)
        sheet->nrd->failed = true;
    return copy == NULL ? "" : copy;
}

/* ---- Codes ---- */

static const struct kind {
    nr_code_kind kind;
    const char *name;
    const char *example;
} role_kind = { NR_CODE_ROLE, "a job role", "R8000" },
  activity_kind = { NR_CODE_ACTIVITY, "an activity", "B0820" },
  area_kind = { NR_CODE_AREA, "an area of work", "P0020:Q0300:T0640" };

static bool is_code(const csv_sheet *sheet, uint32_t line, const struct kind *kind,
                    const char *code)
{
    nr_code_kind found = nr_code_kind_of(code, strlen(code));
    if (found == kind->kind || found == NR_CODE_LOCAL)
        return true;
    if (code[0] == '\0')
        mistake(sheet->nrd, sheet->file, line, "the code of %s is missing", kind->name);
    else
        mistake(sheet->nrd, sheet->file, line,
                "`%s` is not the code of %s, such as %s or local:...", code, kind->name,
                kind->example);
    return false;
}

static void check_status(const csv_sheet *sheet, const nr_nrd_code *code)
{
    static const char *const statuses[] = { "", "active", "legacy", "obsolete" };
    for (size_t i = 0; i < NR_COUNT(statuses); i++) {
        if (strcmp(code->status, statuses[i]) == 0)
            return;
    }
    mistake(sheet->nrd, sheet->file, code->line,
            "the status `%s` is none of active, legacy, obsolete", code->status);
}

static int by_code(const void *a, const void *b)
{
    const nr_nrd_code *one = a, *other = b;
    int order = strcmp(one->code, other->code);
    return order != 0 ? order : (one->line > other->line) - (one->line < other->line);
}

static void sort_codes(const csv_sheet *sheet, nr_nrd_codes *codes)
{
    if (codes->count > 1)
        qsort(codes->items, codes->count, sizeof *codes->items, by_code);
    for (size_t i = 1; i < codes->count; i++) {
        if (strcmp(codes->items[i].code, codes->items[i - 1].code) == 0)
            mistake(sheet->nrd, sheet->file, codes->items[i].line,
                    "`%s` stands in line %u already", codes->items[i].code,
                    codes->items[i - 1].line);
    }
}

typedef struct code_file {
    const char *file;
    const char *code_column;
    const struct kind *kind;
    bool required; /* the file, and its column `name` */
} code_file;

static nr_exit read_codes(nr_nrd *nrd, const code_file *what, nr_nrd_codes *codes)
{
    csv_sheet sheet = { .nrd = nrd, .file = what->file };
    nr_exit end = NR_EXIT_OK;
    if (!open_sheet(&sheet, what->required, &end))
        return end;
    codes->given = true;
    const nr_csv *csv = &sheet.csv;
    size_t code = column(&sheet, what->code_column);
    size_t name = what->required ? column(&sheet, "name") : nr_csv_column(csv, "name");
    if (code == SIZE_MAX)
        return NR_EXIT_OK;
    for (size_t i = 0; i < csv->row_count; i++) {
        const nr_csv_row *row = &csv->rows[i];
        nr_nrd_code *into = nr_list_add(nrd->arena, codes);
        if (into == NULL)
            return nr_say_memory();
        *into = (nr_nrd_code){
            .code = cell(&sheet, row, code),
            .name = cell(&sheet, row, name),
            .staff_group = cell(&sheet, row, nr_csv_column(csv, "staff_group")),
            .sub_group = cell(&sheet, row, nr_csv_column(csv, "sub_group")),
            .status = cell(&sheet, row, nr_csv_column(csv, "status")),
            .replaced_by = cell(&sheet, row, nr_csv_column(csv, "replaced_by")),
            .line = row->line,
        };
        check_status(&sheet, into);
        if (!is_code(&sheet, row->line, what->kind, into->code))
            codes->count--;
    }
    sort_codes(&sheet, codes);
    return NR_EXIT_OK;
}

const nr_nrd_code *nr_nrd_find(const nr_nrd_codes *codes, const char *code)
{
    nr_nrd_code wanted = { .code = code };
    size_t low = 0, high = codes->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(codes->items[middle].code, wanted.code) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == codes->count || strcmp(codes->items[low].code, code) != 0)
        return NULL;
    return &codes->items[low];
}

/* A code of a row that refers to another file. */
static void check_reference(const csv_sheet *sheet, uint32_t line,
                            const struct kind *kind, const nr_nrd_codes *codes,
                            const char *code)
{
    if (is_code(sheet, line, kind, code) && nr_nrd_find(codes, code) == NULL) {
        mistake(sheet->nrd, sheet->file, line, "`%s` is not among the %s", code,
                kind->kind == NR_CODE_ROLE       ? "roles of roles.csv"
                : kind->kind == NR_CODE_ACTIVITY ? "activities of activities.csv"
                                                 : "areas of areas_of_work.csv");
    }
}

static void check_replacements(nr_nrd *nrd, const code_file *what,
                               const nr_nrd_codes *codes)
{
    csv_sheet sheet = { .nrd = nrd, .file = what->file };
    for (size_t i = 0; i < codes->count; i++) {
        const nr_nrd_code *code = &codes->items[i];
        if (code->replaced_by[0] != '\0')
            check_reference(&sheet, code->line, what->kind, codes, code->replaced_by);
    }
}

/* ---- Pairs ---- */

static int by_text(const void *a, const void *b)
{
    const char *const *one = a, *const *other = b;
    return strcmp(*one, *other);
}

/* The next text before a '|' without the blanks around it; NULL: no memory. */
static const char *next_area(nr_nrd *nrd, const char **rest)
{
    const char *text = *rest + strspn(*rest, " \t");
    size_t size = strcspn(*rest, "|") - (size_t)(text - *rest);
    *rest = text + size;
    *rest += **rest == '|';
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;
    const char *area = nr_arena_copy(nrd->arena, text, size);
    if (area == NULL)
        nrd->failed = true;
    return area;
}

static const char *join_areas(nr_nrd *nrd, const char *const *areas, size_t count)
{
    const char *joined = "";
    for (size_t i = 0; i < count && joined != NULL; i++)
        joined = nr_arena_format(nrd->arena, "%s%s%s", joined, i == 0 ? "" : "|",
                                 areas[i]);
    if (joined == NULL)
        nrd->failed = true;
    return joined == NULL ? "" : joined;
}

/* "b | a" as "a|b", each one checked. */
static const char *read_areas(const csv_sheet *sheet, uint32_t line, const char *text)
{
    enum { AREAS_MAX = 64 };
    const char *areas[AREAS_MAX];
    size_t count = 0;
    while (*text != '\0' && !sheet->nrd->failed) {
        if (count == AREAS_MAX) {
            mistake(sheet->nrd, sheet->file, line, "more than %d areas of work",
                    (int)AREAS_MAX);
            return "";
        }
        const char *area = next_area(sheet->nrd, &text);
        if (area == NULL)
            return "";
        check_reference(sheet, line, &area_kind, &sheet->nrd->areas, area);
        areas[count++] = area;
    }
    if (count > 1)
        qsort(areas, count, sizeof areas[0], by_text);
    return join_areas(sheet->nrd, areas, count);
}

static int by_pair(const void *a, const void *b)
{
    const nr_nrd_pair *one = a, *other = b;
    int order = strcmp(one->from, other->from);
    if (order == 0)
        order = strcmp(one->areas, other->areas);
    return order != 0 ? order : strcmp(one->to, other->to);
}

/* In order, and the same pair once: saying a grant twice adds nothing. */
static void sort_pairs(nr_nrd_pairs *pairs)
{
    size_t kept = 0;
    if (pairs->count > 1)
        qsort(pairs->items, pairs->count, sizeof *pairs->items, by_pair);
    for (size_t i = 0; i < pairs->count; i++)
        if (kept == 0 || by_pair(&pairs->items[i], &pairs->items[kept - 1]) != 0)
            pairs->items[kept++] = pairs->items[i];
    pairs->count = kept;
}

typedef struct pair_file {
    const char *file;
    const char *from_column, *to_column, *areas_column;
    const struct kind *from_kind;
    const nr_nrd_codes *from_codes;
} pair_file;

static nr_exit read_pairs(nr_nrd *nrd, const pair_file *what, nr_nrd_pairs *pairs)
{
    csv_sheet sheet = { .nrd = nrd, .file = what->file };
    nr_exit end = NR_EXIT_OK;
    if (!open_sheet(&sheet, false, &end))
        return end;
    pairs->given = true;
    size_t from = column(&sheet, what->from_column);
    size_t to = column(&sheet, what->to_column);
    size_t areas = what->areas_column == NULL
                       ? SIZE_MAX
                       : nr_csv_column(&sheet.csv, what->areas_column);
    if (from == SIZE_MAX || to == SIZE_MAX)
        return NR_EXIT_OK;
    for (size_t i = 0; i < sheet.csv.row_count; i++) {
        const nr_csv_row *row = &sheet.csv.rows[i];
        nr_nrd_pair *into = nr_list_add(nrd->arena, pairs);
        if (into == NULL)
            return nr_say_memory();
        into->line = row->line;
        into->from = cell(&sheet, row, from);
        into->to = cell(&sheet, row, to);
        into->areas = read_areas(&sheet, row->line, cell(&sheet, row, areas));
        check_reference(&sheet, row->line, what->from_kind, what->from_codes,
                        into->from);
        check_reference(&sheet, row->line, &activity_kind, &nrd->activities, into->to);
    }
    sort_pairs(pairs);
    return NR_EXIT_OK;
}

/* ---- All of it ---- */

nr_exit nr_nrd_read(nr_nrd *nrd)
{
    static const code_file roles = { "roles.csv", "role_code", &role_kind, true };
    static const code_file activities = { "activities.csv", "activity_code",
                                          &activity_kind, true };
    static const code_file areas = { "areas_of_work.csv", "area_of_work_code",
                                     &area_kind, false };
    const pair_file includes = { "includes.csv",           "activity_code",
                                 "included_activity_code", NULL,
                                 &activity_kind,           &nrd->activities };
    const pair_file baseline = { "baseline.csv",      "role_code", "activity_code",
                                 "area_of_work_code", &role_kind,  &nrd->roles };
    nr_exit end = read_codes(nrd, &roles, &nrd->roles);
    if (end == NR_EXIT_OK)
        end = read_codes(nrd, &activities, &nrd->activities);
    if (end == NR_EXIT_OK)
        end = read_codes(nrd, &areas, &nrd->areas);
    if (end == NR_EXIT_OK)
        end = read_pairs(nrd, &baseline, &nrd->baseline);
    if (end == NR_EXIT_OK)
        end = read_pairs(nrd, &includes, &nrd->includes);
    if (end != NR_EXIT_OK)
        return end;
    check_replacements(nrd, &roles, &nrd->roles);
    check_replacements(nrd, &activities, &nrd->activities);
    if (nrd->failed)
        return nr_say_memory();
    if (nrd->mistakes > 0)
        return nr_say_no("%zu mistake%s in `%s`, so nothing is written", nrd->mistakes,
                         nrd->mistakes == 1 ? "" : "s", nrd->folder);
    return NR_EXIT_OK;
}
