/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CSV: rows by column names, with the line where each starts.
 */
#include "check.h"
#include "text/csv.h"

#include <stdlib.h>

static void rows(void)
{
    static const char text[] = "\xef\xbb\xbf"
                               "code,name,note\r\n"
                               "B0820,\"View, \"\"all\"\"\",\r\n"
                               "\r\n"
                               "B0825,\"two\nlines\",x\n"
                               "B0826,Zo\xc3\xab,y";
    nr_arena arena = { 0 };
    nr_csv csv;
    nrbac_error error = { "" };
    CHECK(nr_csv_read(&arena, text, sizeof(text) - 1, &csv, &error) == NRBAC_OK);
    CHECK_STR(error.text, "");
    CHECK_INT(csv.column_count, 3);
    CHECK_INT(csv.row_count, 3);
    CHECK_INT(nr_csv_column(&csv, "name"), 1);
    CHECK(nr_csv_column(&csv, "absent") == SIZE_MAX);
    CHECK_STR(csv.rows[0].values[1], "View, \"all\"");
    CHECK_STR(csv.rows[0].values[2], "");
    CHECK_INT(csv.rows[0].line, 2);
    CHECK_STR(csv.rows[1].values[1], "two\nlines");
    CHECK_INT(csv.rows[1].line, 4);
    CHECK_STR(csv.rows[2].values[1], "Zo\xc3\xab");
    CHECK_INT(csv.rows[2].line, 6);
    nr_arena_finish(&arena);
}

static void refusals(void)
{
    static const struct {
        const char *text;
        const char *said;
    } cases[] = {
        { "", "line 1: there is no row of column names" },
        { "\n\n", "line 3: there is no row of column names" },
        { "a,b\n1\n", "line 2: 1 values, but there are 2 columns" },
        { "a,b\n1,2\n\n1,2,3\n", "line 4: 3 values, but there are 2 columns" },
        { "a,a\n", "line 1: two columns of the same name" },
        { "a,b\n\"1,2\n3,4\n", "line 2: a quote is not closed" },
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        nr_arena arena = { 0 };
        nr_csv csv;
        nrbac_error error = { "" };
        CHECK(nr_csv_read(&arena, cases[i].text, strlen(cases[i].text), &csv, &error) ==
              NRBAC_E_FORMAT);
        CHECK_STR(error.text, cases[i].said);
        nr_arena_finish(&arena);
    }
    nr_arena arena = { 0 };
    nr_csv csv;
    CHECK(nr_csv_read(&arena, "a,b\n1\"2,3\n", 10, &csv, NULL) == NRBAC_E_FORMAT);
    CHECK(nr_csv_read(&arena, "a\nb\0c\n", 6, &csv, NULL) == NRBAC_E_FORMAT);
    nr_arena_finish(&arena);
}

static void too_many(void)
{
    nr_arena arena = { 0 };
    nr_csv csv;
    char columns[2 * NR_CSV_COLUMN_MAX + 3];
    memset(columns, ',', sizeof(columns));
    CHECK(nr_csv_read(&arena, columns, sizeof(columns), &csv, NULL) == NRBAC_E_LIMIT);
    char *text = malloc(NR_CSV_SIZE_MAX + 1);
    if (text == NULL)
        abort();
    memset(text, 'a', NR_CSV_SIZE_MAX + 1);
    CHECK(nr_csv_read(&arena, text, NR_CSV_SIZE_MAX + 1, &csv, NULL) == NRBAC_E_LIMIT);
    free(text);
    nr_arena_finish(&arena);
}

int main(void)
{
    rows();
    refusals();
    too_many();
    return check_report();
}
