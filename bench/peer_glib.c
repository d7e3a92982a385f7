/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GLib's hash set, the fastest thing that most people would write: a set of
 * activities for each user. In numbers the user's set is in hand and the keys are
 * integers, hashed directly; in text both are found by their strings.
 */
#include "contender.h"

#include <glib.h>

#include <stdlib.h>

typedef struct sets {
    const bench_workload *workload;
    GHashTable **of_user;
    GHashTable *by_name;
} sets;

static void *start_numbers(const bench_workload *w, const char *image)
{
    (void)image;
    sets *s = bench_new(1, sizeof(*s));
    s->workload = w;
    s->of_user = bench_new(w->user_count, sizeof(*s->of_user));
    for (uint32_t u = 0; u < w->user_count; u++) {
        s->of_user[u] = g_hash_table_new(g_direct_hash, g_direct_equal);
        for (uint32_t a = 0; a < w->activity_count; a++)
            if (bench_has(bench_row(w, u), a))
                (void)g_hash_table_add(s->of_user[u], GUINT_TO_POINTER(a));
    }
    return s;
}

static void ask_numbers(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const sets *s = state;
    const bench_request *requests = s->workload->requests + from;
    for (uint32_t i = 0; i < count; i++)
        answers[i] = g_hash_table_contains(s->of_user[requests[i].user],
                                           GUINT_TO_POINTER(requests[i].activity)) != 0;
}

static void *start_text(const bench_workload *w, const char *image)
{
    (void)image;
    sets *s = bench_new(1, sizeof(*s));
    s->workload = w;
    s->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
                                       (GDestroyNotify)g_hash_table_unref);
    for (uint32_t u = 0; u < w->user_count; u++) {
        GHashTable *set = g_hash_table_new(g_str_hash, g_str_equal);
        (void)g_hash_table_insert(s->by_name, w->users[u].id, set);
        for (uint32_t a = 0; a < w->activity_count; a++)
            if (bench_has(bench_row(w, u), a))
                (void)g_hash_table_add(set, w->activities[a].code);
    }
    return s;
}

static void ask_text(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const sets *s = state;
    const bench_workload *w = s->workload;
    for (uint32_t i = 0; i < count; i++) {
        const bench_request *request = &w->requests[from + i];
        GHashTable *set = g_hash_table_lookup(s->by_name, w->users[request->user].id);
        answers[i] = set != NULL &&
                     g_hash_table_contains(set,
                                           w->activities[request->activity].code) != 0;
    }
}

static void finish(void *state)
{
    sets *s = state;
    for (uint32_t u = 0; s->of_user != NULL && u < s->workload->user_count; u++)
        g_hash_table_unref(s->of_user[u]);
    if (s->by_name != NULL)
        g_hash_table_unref(s->by_name);
    free(s->of_user);
    free(s);
}

const bench_contender bench_glib[] = {
    { "check", "GLib hash set, numbers", start_numbers, ask_numbers, finish, 0, false },
    { "check by texts", "GLib hash set, texts", start_text, ask_text, finish, 0,
      false },
    { 0 },
};
