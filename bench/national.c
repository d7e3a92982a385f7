/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy/national as data, from the CSV files that its YAML was made from. Their
 * first columns are codes without quotes, and that is all that is read here: a
 * role that grants nothing is left out, since nobody works in it.
 */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_SIZE = 4096, FIELD_SIZE = 64, FIELDS = 3, CODES_MAX = 4096 };

typedef char code[FIELD_SIZE];

typedef struct reader {
    FILE *file;
    code fields[FIELDS];
} reader;

static reader open_csv(const char *root, const char *name)
{
    char path[LINE_SIZE];
    (void)snprintf(path, sizeof(path), "%s/policy/national/source/%s", root, name);
    reader csv = { .file = fopen(path, "r") };
    if (csv.file == NULL)
        bench_fail("cannot read %s", path);
    char heading[LINE_SIZE];
    if (fgets(heading, sizeof(heading), csv.file) == NULL)
        bench_fail("%s is empty", path);
    return csv;
}

/* The next line's first fields; closes the file behind the last. */
static bool next(reader *csv)
{
    char line[LINE_SIZE];
    if (fgets(line, sizeof(line), csv->file) == NULL) {
        (void)fclose(csv->file);
        return false;
    }
    char *at = line;
    for (size_t f = 0; f < FIELDS; f++) {
        size_t size = strcspn(at, ",\r\n");
        (void)snprintf(csv->fields[f], FIELD_SIZE, "%.*s", (int)size, at);
        at += size + (at[size] == ',' ? 1 : 0);
    }
    return true;
}

/* The number of a code in a list; a new one is appended. */
static uint32_t number_of(code *codes, uint32_t *count, const char *wanted)
{
    for (uint32_t i = 0; i < *count; i++)
        if (strcmp(codes[i], wanted) == 0)
            return i;
    if (*count == CODES_MAX || strlen(wanted) >= BENCH_CODE_SIZE)
        bench_fail("`%s` has no room here", wanted);
    (void)snprintf(codes[*count], FIELD_SIZE, "%s", wanted);
    return (*count)++;
}

static void take_area(bench_role *role, const char *area)
{
    bool other = role->area[0] != '\0' && strcmp(role->area, area) != 0;
    if (other || strlen(area) >= BENCH_AREA_SIZE)
        bench_fail("%s has more areas of work than there is room for", role->code);
    memcpy(role->area, area, strlen(area) + 1);
}

static void read_baseline(bench_workload *w, const char *root, code *activities,
                          code *roles)
{
    uint32_t role_count = w->role_count;
    uint32_t activity_count = w->activity_count;
    reader csv = open_csv(root, "baseline.csv");
    while (next(&csv)) {
        uint32_t role = number_of(roles, &role_count, csv.fields[0]);
        uint32_t activity = number_of(activities, &activity_count, csv.fields[2]);
        bench_role *here = &w->roles[role];
        bool in_area = csv.fields[1][0] != '\0';
        if (in_area)
            take_area(here, csv.fields[1]);
        bench_add(in_area ? here->grants_in_area : here->grants, activity);
    }
}

static void read_includes(bench_workload *w, const char *root, code *activities)
{
    uint32_t activity_count = w->activity_count;
    reader csv = open_csv(root, "includes.csv");
    while (next(&csv)) {
        uint32_t from = number_of(activities, &activity_count, csv.fields[0]);
        bench_activity *activity = &w->activities[from];
        if (activity->include_count == BENCH_INCLUDES_MAX)
            bench_fail("%s includes more than %d", csv.fields[0], BENCH_INCLUDES_MAX);
        activity->includes[activity->include_count++] = number_of(
            activities, &activity_count, csv.fields[1]);
    }
    if (activity_count != w->activity_count)
        bench_fail("includes.csv names an activity that activities.csv does not");
}

bench_workload *bench_national_new(const char *root)
{
    code *activities = bench_new(CODES_MAX, sizeof(*activities));
    code *roles = bench_new(CODES_MAX, sizeof(*roles));
    uint32_t activity_count = 0;
    uint32_t role_count = 0;
    reader csv = open_csv(root, "activities.csv");
    while (next(&csv))
        (void)number_of(activities, &activity_count, csv.fields[0]);
    csv = open_csv(root, "baseline.csv");
    while (next(&csv))
        (void)number_of(roles, &role_count, csv.fields[0]);

    bench_workload *w = bench_workload_new("national", activity_count, role_count);
    w->written = true;
    for (uint32_t a = 0; a < activity_count; a++)
        memcpy(w->activities[a].code, activities[a], BENCH_CODE_SIZE);
    for (uint32_t r = 0; r < role_count; r++)
        memcpy(w->roles[r].code, roles[r], BENCH_CODE_SIZE);
    read_baseline(w, root, activities, roles);
    read_includes(w, root, activities);
    free(activities);
    free(roles);
    return w;
}
