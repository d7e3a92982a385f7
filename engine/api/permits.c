/* SPDX-License-Identifier: Apache-2.0 */
#include "api/permits.h"

#include "table/guard.h"

#include <stdlib.h>
#include <string.h>

/* Followers are counted first, then put. */
typedef struct filling {
    const nr_policy *policy;
    nr_run *runs;
    uint32_t *next;     /* by activity; the last is for followers of none */
    nr_follower *items; /* NULL: they are being counted */
} filling;

static void add(filling *to, uint32_t activity, nr_follower follower)
{
    if (to->items != NULL)
        to->items[to->next[activity]] = follower;
    to->next[activity]++;
}

static void add_function(filling *to, nrbac_name name, uint32_t function)
{
    const nr_table *table = &to->policy->table;
    nr_guards guards;
    if (table->functions[function].suspension != NR_NONE)
        return;
    nr_guards_of(table, function, &guards);
    nr_follower follower = { name,
                             guards.enough && guards.count != 0 ? NR_NONE : function };
    if (guards.count == 0)
        add(to, table->activities_count, follower);
    for (uint32_t i = 0; i < guards.count; i++)
        add(to, guards.activities[i], follower);
}

/* The first code of a word says where the run lies; those that lie otherwise follow. */
static void add_code(filling *to, nrbac_name name, uint32_t activity)
{
    nr_run *run = &to->runs[activity / 64];
    uint64_t bit = UINT64_C(1) << (activity % 64);
    if (to->policy->table.activities[activity].suspension != NR_NONE)
        return;
    if (run->own == 0 && name >= activity % 64)
        run->name = name - activity % 64;
    if (name >= activity % 64 && run->name == name - activity % 64)
        run->own |= bit;
    else
        add(to, activity, (nr_follower){ name, NR_NONE });
}

static void add_all(filling *to)
{
    const nr_policy *policy = to->policy;
    for (nrbac_name name = 1; name < policy->target_count; name++) {
        nr_target target = policy->targets[name];
        if (target.kind == NR_TARGET_FUNCTION)
            add_function(to, name, target.number);
        else if (target.kind == NR_TARGET_ACTIVITY)
            add_code(to, name, target.number);
    }
}

/* From how many each has to where each begins; returns how many there are. */
static uint32_t begin_at(uint32_t *counts, uint32_t count)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t here = counts[i];
        counts[i] = sum;
        sum += here;
    }
    return sum;
}

static nr_followers *make_room(uint32_t words, uint32_t items, uint32_t buckets)
{
    nr_followers *followers = calloc(1, sizeof(*followers) + words * sizeof(nr_run) +
                                            items * sizeof(nr_follower) +
                                            ((size_t)buckets + 1) * sizeof(uint32_t));
    if (followers == NULL)
        return NULL;
    followers->runs = (nr_run *)(followers + 1);
    followers->items = (nr_follower *)(followers->runs + words);
    followers->first = (uint32_t *)(followers->items + items);
    return followers;
}

nr_followers *nr_followers_make(const nr_policy *policy)
{
    uint32_t words = policy->table.words;
    uint32_t buckets = policy->table.activities_count + 1;
    nr_followers *counted = make_room(words, 0, buckets);
    if (counted == NULL)
        return NULL;
    filling to = { policy, counted->runs, counted->first, NULL };
    add_all(&to);
    uint32_t items = begin_at(counted->first, buckets);
    nr_followers *followers = make_room(words, items, buckets);
    if (followers != NULL) {
        memcpy(followers->first, counted->first, buckets * sizeof(uint32_t));
        followers->first[buckets] = items;
        to = (filling){ policy, followers->runs, counted->first, followers->items };
        add_all(&to);
        for (uint32_t a = 0; a + 1 < buckets; a++)
            if (followers->first[a] != followers->first[a + 1])
                followers->runs[a / 64].followed |= UINT64_C(1) << (a % 64);
    }
    free(counted);
    return followers;
}

static void permit_followers(const nr_followers *followers, const nr_holding *holding,
                             uint32_t activity, uint64_t *row)
{
    uint32_t end = followers->first[activity + 1];
    for (uint32_t i = followers->first[activity]; i < end; i++) {
        nr_follower follower = followers->items[i];
        if (follower.function == NR_NONE ||
            (!nr_bits_has(row, follower.name) &&
             nr_permits_function(holding, follower.function)))
            nr_bits_add(row, follower.name);
    }
}

/* Moves 64 bits to where bit `to` of the row is the first of them. */
static void move_word(uint64_t word, uint32_t to, uint64_t *row)
{
    row[to / 64] |= word << (to % 64);
    if (to % 64 != 0 && word >> (64 - to % 64) != 0)
        row[to / 64 + 1] |= word >> (64 - to % 64);
}

const uint64_t *nr_permits_make(nr_arena *arena, const nr_policy *policy,
                                const nr_holding *holding, uint32_t *words)
{
    *words = nr_bits_words(policy->target_count);
    uint64_t *row = nr_arena_new_array(arena, *words, uint64_t);
    if (row == NULL || holding == NULL || holding->suspended)
        return row;
    const nr_followers *followers = policy->followers;
    for (uint32_t w = 0; w < policy->table.words; w++) {
        const nr_run *run = &followers->runs[w];
        move_word(holding->effective[w] & run->own, run->name, row);
        for (uint64_t rest = holding->effective[w] & run->followed; rest != 0;
             rest &= rest - 1)
            permit_followers(followers, holding,
                             w * 64 + (uint32_t)__builtin_ctzll(rest), row);
    }
    permit_followers(followers, holding, policy->table.activities_count, row);
    return row;
}
