/* SPDX-License-Identifier: Apache-2.0 */
/*
 * In three steps, each of them bounded:
 *
 *   needs       which activities the requirement still lacks: a list of
 *               alternatives, made bottom-up over the requirement's nodes
 *   candidates  for each activity lacking, any code that includes it
 *   proof       each candidate is tried on a copy of the holding, since an
 *               exclusive set may take away what a code would bring
 *
 * Every minimal set is among the candidates: each of its codes must bring some
 * lacking activity of some alternative, or it could be left out.
 */
#include "table/nearest.h"

#include <string.h>

enum {
    NEED_MAX = 256,       /* alternatives of one node */
    CANDIDATE_MAX = 2048, /* sets tried */
};

/* Activities that are lacking together, or codes that are added together. */
typedef struct code_set {
    uint32_t count;
    uint32_t codes[NR_NEAREST_SIZE_MAX];
} code_set;

typedef struct code_sets {
    code_set *items;
    size_t count, room;
} code_sets;

typedef struct nearest_search {
    nr_arena *arena;
    const nr_holding *holding;
    nr_holding trial;
    nr_verdict (*decide)(const nr_holding *holding, uint32_t target);
    uint32_t target;
    uint32_t tried;
    bool cut;
    struct {
        nr_addition *items;
        size_t count, room;
    } found;
} nearest_search;

/* Adds a code in its place; false: the set is full. */
static bool set_add(code_set *set, uint32_t code)
{
    uint32_t at = 0;
    while (at < set->count && set->codes[at] < code)
        at++;
    if (at < set->count && set->codes[at] == code)
        return true;
    if (set->count == NR_NEAREST_SIZE_MAX)
        return false;
    memmove(&set->codes[at + 1], &set->codes[at],
            (set->count - at) * sizeof(set->codes[0]));
    set->codes[at] = code;
    set->count++;
    return true;
}

static bool is_subset(const nr_addition *set, const nr_addition *of)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        while (at < of->count && of->activities[at] < set->activities[i])
            at++;
        if (at == of->count || of->activities[at] != set->activities[i])
            return false;
    }
    return true;
}

static nrbac_status sets_push(nearest_search *search, code_sets *sets,
                              const code_set *set)
{
    if (sets->count == NEED_MAX) {
        search->cut = true;
        return NRBAC_OK;
    }
    code_set *place = nr_list_add(search->arena, sets);
    if (place == NULL)
        return NRBAC_E_MEMORY;
    *place = *set;
    return NRBAC_OK;
}

/* ---- Needs ---------------------------------------------------------------- */

/* What an activity atom lacks: nothing, itself, or (no list at all) what no
 * addition can bring, such as a code that a set has excluded. */
static nrbac_status needs_of_activity(nearest_search *search, uint32_t activity,
                                      code_sets *needs)
{
    code_set need = { 0 };
    if (nr_bits_has(search->holding->closed, activity)) {
        if (!nr_bits_has(search->holding->effective, activity))
            return NRBAC_OK;
    } else {
        set_add(&need, activity);
    }
    return sets_push(search, needs, &need);
}

/* Every way to meet the needs so far together with those of one more child. */
static nrbac_status needs_cross(nearest_search *search, const code_sets *so_far,
                                const code_sets *child, code_sets *product)
{
    if (so_far->count * child->count > NEED_MAX)
        search->cut = true;
    for (size_t i = 0; i < so_far->count; i++) {
        for (size_t j = 0; j < child->count && product->count < NEED_MAX; j++) {
            code_set both = so_far->items[i];
            bool fits = true;
            for (uint32_t k = 0; k < child->items[j].count && fits; k++)
                fits = set_add(&both, child->items[j].codes[k]);
            if (fits)
                NR_TRY(sets_push(search, product, &both));
            else
                search->cut = true;
        }
    }
    return NRBAC_OK;
}

/* The alternatives of every child. One that lacks nothing comes first, so that it
 * is not lost where the search is cut. */
static nrbac_status needs_of_any(nearest_search *search, const nr_table_node *nodes,
                                 uint32_t at, const code_sets *all_needs,
                                 code_sets *needs)
{
    bool lacks_nothing = false;
    for (uint32_t child = at + 1; child < at + nodes[at].size;
         child += nodes[child].size)
        for (size_t i = 0; i < all_needs[child].count; i++)
            lacks_nothing |= all_needs[child].items[i].count == 0;
    if (lacks_nothing)
        NR_TRY(sets_push(search, needs, &(code_set){ 0 }));
    for (uint32_t child = at + 1; child < at + nodes[at].size;
         child += nodes[child].size)
        for (size_t i = 0; i < all_needs[child].count; i++)
            if (all_needs[child].items[i].count != 0)
                NR_TRY(sets_push(search, needs, &all_needs[child].items[i]));
    return NRBAC_OK;
}

static nrbac_status needs_of_group(nearest_search *search, const nr_table_node *nodes,
                                   uint32_t at, code_sets *all_needs)
{
    code_sets needs = { 0 };
    if (nodes[at].atom == NR_ANY)
        return needs_of_any(search, nodes, at, all_needs, &all_needs[at]);
    NR_TRY(sets_push(search, &needs, &(code_set){ 0 }));
    for (uint32_t child = at + 1; child < at + nodes[at].size;
         child += nodes[child].size) {
        code_sets product = { 0 };
        NR_TRY(needs_cross(search, &needs, &all_needs[child], &product));
        needs = product;
    }
    all_needs[at] = needs;
    return NRBAC_OK;
}

static nrbac_status needs_of_requirement(nearest_search *search, nr_range range,
                                         code_sets *needs)
{
    const nr_table_node *nodes = &search->holding->table->nodes[range.first];
    code_sets *all = nr_arena_new_array(search->arena, range.count, code_sets);
    if (all == NULL)
        return NRBAC_E_MEMORY;
    for (uint32_t i = range.count; i-- > 0;) {
        if (nodes[i].atom == NR_ALL || nodes[i].atom == NR_ANY)
            NR_TRY(needs_of_group(search, nodes, i, all));
        else if (nodes[i].atom == NR_ATOM_ACTIVITY)
            NR_TRY(needs_of_activity(search, nodes[i].operand, &all[i]));
        else if (nr_atom_holds(search->holding, &nodes[i]))
            NR_TRY(sets_push(search, &all[i], &(code_set){ 0 }));
    }
    if (range.count != 0)
        *needs = all[0];
    return NRBAC_OK;
}

/* ---- Candidates ------------------------------------------------------------ */

/* The active codes that bring an activity: itself and all that include it. */
static nrbac_status find_providers(nearest_search *search, uint32_t activity,
                                   uint32_t **providers, uint32_t *count)
{
    const nr_table *table = search->holding->table;
    uint32_t *queue = nr_arena_new_array(search->arena, table->activities_count,
                                         uint32_t);
    uint64_t *seen = nr_arena_new_array(search->arena, table->words, uint64_t);
    if (queue == NULL || seen == NULL)
        return NRBAC_E_MEMORY;
    uint32_t queued = 0;
    queue[queued++] = activity;
    nr_bits_add(seen, activity);
    for (uint32_t i = 0; i < queued; i++) {
        nr_range parents = table->activities[queue[i]].included_by;
        for (uint32_t p = 0; p < parents.count; p++) {
            uint32_t parent = table->numbers[parents.first + p];
            if (!nr_bits_has(seen, parent)) {
                nr_bits_add(seen, parent);
                queue[queued++] = parent;
            }
        }
    }
    *count = 0;
    for (uint32_t i = 0; i < queued; i++)
        if (table->activities[queue[i]].status == NR_ACTIVE)
            queue[(*count)++] = queue[i];
    *providers = queue;
    return NRBAC_OK;
}

static bool is_permit(nearest_search *search)
{
    nr_verdict verdict = search->decide(&search->trial, search->target);
    return nrbac_reason_effect(verdict.reason) == NRBAC_PERMIT;
}

static uint32_t gain_of(const nearest_search *search)
{
    uint32_t gain = 0;
    for (uint32_t i = 0; i < search->trial.table->words; i++)
        gain += (uint32_t)__builtin_popcountll(search->trial.effective[i] &
                                               ~search->holding->effective[i]);
    return gain;
}

static nrbac_status try_codes(nearest_search *search, const code_set *codes)
{
    if (search->tried++ >= CANDIDATE_MAX) {
        search->cut = true;
        return NRBAC_OK;
    }
    nr_holding_try(&search->trial, search->holding, codes->codes, codes->count);
    if (!is_permit(search))
        return NRBAC_OK;
    nr_addition *found = nr_list_add(search->arena, &search->found);
    if (found == NULL)
        return NRBAC_E_MEMORY;
    found->count = codes->count;
    memcpy(found->activities, codes->codes, sizeof(found->activities));
    found->gain = gain_of(search);
    return NRBAC_OK;
}

/* Every choice of one provider for each activity lacking, as an odometer turns. */
static nrbac_status try_need(nearest_search *search, const code_set *need)
{
    uint32_t *providers[NR_NEAREST_SIZE_MAX];
    uint32_t counts[NR_NEAREST_SIZE_MAX];
    uint32_t turn[NR_NEAREST_SIZE_MAX] = { 0 };
    for (uint32_t i = 0; i < need->count; i++) {
        NR_TRY(find_providers(search, need->codes[i], &providers[i], &counts[i]));
        if (counts[i] == 0)
            return NRBAC_OK;
    }
    for (bool more = need->count != 0; more && search->tried <= CANDIDATE_MAX;) {
        code_set codes = { 0 };
        for (uint32_t i = 0; i < need->count; i++)
            set_add(&codes, providers[i][turn[i]]);
        NR_TRY(try_codes(search, &codes));
        uint32_t wheel = 0;
        while (wheel < need->count && ++turn[wheel] == counts[wheel])
            turn[wheel++] = 0;
        more = wheel < need->count;
    }
    return NRBAC_OK;
}

/* ---- Choosing -------------------------------------------------------------- */

static int compare_additions(const nr_addition *a, const nr_addition *b)
{
    if (a->gain != b->gain)
        return a->gain < b->gain ? -1 : 1;
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    for (uint32_t i = 0; i < a->count; i++)
        if (a->activities[i] != b->activities[i])
            return a->activities[i] < b->activities[i] ? -1 : 1;
    return 0;
}

/* Whether it permits with one code less. Asked only where the search was cut: else
 * every smaller set that permits has been found itself. */
static bool is_reducible(nearest_search *search, const nr_addition *set)
{
    for (uint32_t left_out = 0; left_out < set->count && set->count > 1; left_out++) {
        uint32_t rest[NR_NEAREST_SIZE_MAX];
        uint32_t count = 0;
        for (uint32_t i = 0; i < set->count; i++)
            if (i != left_out)
                rest[count++] = set->activities[i];
        nr_holding_try(&search->trial, search->holding, rest, count);
        if (is_permit(search))
            return true;
    }
    return false;
}

static bool is_minimal(nearest_search *search, size_t index)
{
    const nr_addition *set = &search->found.items[index];
    for (size_t i = 0; i < search->found.count; i++) {
        const nr_addition *other = &search->found.items[i];
        if (i == index || !is_subset(other, set))
            continue;
        if (other->count < set->count || i < index)
            return false; /* smaller, or the same met before */
    }
    return !search->cut || !is_reducible(search, set);
}

/* Keeps the best few, in order. */
static void choose(nearest_search *search, nr_nearest *nearest)
{
    for (size_t i = 0; i < search->found.count; i++) {
        const nr_addition *set = &search->found.items[i];
        uint32_t at = nearest->count;
        while (at > 0 && compare_additions(set, &nearest->sets[at - 1]) < 0)
            at--;
        if (at == NR_NEAREST_MAX || !is_minimal(search, i))
            continue;
        if (nearest->count < NR_NEAREST_MAX)
            nearest->count++;
        memmove(&nearest->sets[at + 1], &nearest->sets[at],
                (nearest->count - at - 1) * sizeof(nearest->sets[0]));
        nearest->sets[at] = *set;
    }
    nearest->complete = !search->cut;
}

static nrbac_status run(nearest_search *search, const code_sets *needs,
                        nr_nearest *nearest)
{
    *nearest = (nr_nearest){ 0 };
    NR_TRY(nr_holding_copy(search->arena, search->holding, &search->trial));
    for (size_t i = 0; i < needs->count && search->tried <= CANDIDATE_MAX; i++)
        NR_TRY(try_need(search, &needs->items[i]));
    choose(search, nearest);
    return NRBAC_OK;
}

nrbac_status nr_nearest_for_activity(nr_arena *arena, const nr_holding *holding,
                                     uint32_t activity, nr_nearest *nearest)
{
    nearest_search search = { .arena = arena,
                              .holding = holding,
                              .decide = nr_decide_activity };
    code_sets needs = { 0 };
    search.target = activity;
    NR_TRY(needs_of_activity(&search, activity, &needs));
    return run(&search, &needs, nearest);
}

/* A function's or an operation's: what decides on it, and its nodes. */
static nrbac_status run_requirement(nearest_search *search, nr_range nodes,
                                    nr_nearest *nearest)
{
    code_sets needs = { 0 };
    NR_TRY(needs_of_requirement(search, nodes, &needs));
    return run(search, &needs, nearest);
}

nrbac_status nr_nearest_for_function(nr_arena *arena, const nr_holding *holding,
                                     uint32_t function, nr_nearest *nearest)
{
    nearest_search search = { .arena = arena,
                              .holding = holding,
                              .decide = nr_decide_function,
                              .target = function };
    return run_requirement(&search, holding->table->functions[function].nodes, nearest);
}

nrbac_status nr_nearest_for_operation(nr_arena *arena, const nr_holding *holding,
                                      uint32_t operation, nr_nearest *nearest)
{
    nearest_search search = { .arena = arena,
                              .holding = holding,
                              .decide = nr_decide_operation,
                              .target = operation };
    return run_requirement(&search, holding->table->operations[operation].nodes,
                           nearest);
}
