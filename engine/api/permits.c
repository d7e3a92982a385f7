/* SPDX-License-Identifier: Apache-2.0 */
#include "api/permits.h"

#include "table/guard.h"

#include <stdlib.h>

/* Where followers go: counted first, then put. */
typedef struct filling {
    const nr_policy *policy;
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

static void add_all(filling *to)
{
    const nr_policy *policy = to->policy;
    for (nrbac_name name = 1; name < policy->target_count; name++) {
        nr_target target = policy->targets[name];
        if (target.kind == NR_TARGET_FUNCTION)
            add_function(to, name, target.number);
        else if (target.kind == NR_TARGET_ACTIVITY &&
                 policy->table.activities[target.number].suspension == NR_NONE)
            add(to, target.number, (nr_follower){ name, NR_NONE });
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

nr_followers *nr_followers_make(const nr_policy *policy)
{
    uint32_t count = policy->table.activities_count + 1;
    uint32_t *next = calloc(count, sizeof(*next));
    if (next == NULL)
        return NULL;
    filling to = { .policy = policy, .next = next };
    add_all(&to);
    uint32_t items = begin_at(next, count);
    nr_followers *followers = malloc(sizeof(*followers) + items * sizeof(nr_follower) +
                                     ((size_t)count + 1) * sizeof(uint32_t));
    if (followers != NULL) {
        followers->activities_count = count - 1;
        followers->items = (nr_follower *)(followers + 1);
        followers->first = (uint32_t *)(followers->items + items);
        for (uint32_t i = 0; i < count; i++)
            followers->first[i] = next[i];
        followers->first[count] = items;
        to.items = followers->items;
        add_all(&to);
    }
    free(next);
    return followers;
}

static void permit(const nr_followers *followers, const nr_holding *holding,
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

const uint64_t *nr_permits_make(nr_arena *arena, const nr_policy *policy,
                                const nr_holding *holding, uint32_t *words)
{
    *words = nr_bits_words(policy->target_count);
    uint64_t *row = nr_arena_new_array(arena, *words, uint64_t);
    if (row == NULL || holding == NULL || holding->suspended)
        return row;
    const nr_followers *followers = policy->followers;
    uint32_t held_words = policy->table.words;
    for (uint32_t a = nr_bits_next(holding->effective, held_words, 0); a != NR_NONE;
         a = nr_bits_next(holding->effective, held_words, a + 1))
        permit(followers, holding, a, row);
    permit(followers, holding, followers->activities_count, row);
    return row;
}
