/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What each job role has by its baseline: without an area of work, and for each
 * area that its entries name. Entries are united as rows of bits; only where a
 * row shows a mistake are the entries looked at one by one, to find its place.
 */
#include "compile/checks.h"

/* Bounds on the work, far beyond any real baseline. */
enum { ENTRY_WORDS_MAX = 8 << 20 };
static const uint64_t work_max = UINT64_C(1) << 30;

/* Each of an entry and of a slot: what is granted itself, what follows from it,
 * and what follows from it by extended policies alone. */
typedef enum row_kind { DIRECT, FULL, NATIONAL, ROW_KINDS } row_kind;

enum { ANYWHERE = 0 }; /* the slot of entries without areas of work */

typedef struct baseline_check {
    nr_checking *checking;
    const nr_model *model;
    uint32_t words;
    uint64_t *entry_rows;
    uint64_t *slot_rows;
    uint32_t *slot_of;    /* by area: its slot in this role; 0: none yet */
    uint32_t *slot_area;  /* by slot */
    uint32_t *slot_entry; /* by slot: the last entry united, + 1 */
    uint32_t slot_count;
    uint32_t *first_of; /* by role: where its entries start in `entries` */
    uint32_t *entries;
    uint64_t *national;  /* the national activities */
    size_t *mention_of;  /* by entry: the number of its first activity mention */
    bool *told_mentions; /* redundant grants that were told */
    uint64_t *told_sets; /* exclusive sets told for this role */
    uint64_t *row;       /* for one computation at a time */
    uint32_t role;
} baseline_check;

static uint64_t *entry_row(const baseline_check *baseline, uint32_t entry,
                           row_kind kind)
{
    return baseline->entry_rows + ((size_t)entry * ROW_KINDS + kind) * baseline->words;
}

static uint64_t *slot_row(const baseline_check *baseline, uint32_t slot, row_kind kind)
{
    return baseline->slot_rows + ((size_t)slot * ROW_KINDS + kind) * baseline->words;
}

static bool is_empty(const uint64_t *row, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++)
        if (row[i] != 0)
            return false;
    return true;
}

/* The role's code, and ` in P:Q:T` where it is for one area. */
static const char *role_text(const baseline_check *baseline, uint32_t slot)
{
    const nr_model *model = baseline->model;
    const char *role = model->roles.items[baseline->role].code;
    const char *text = slot == ANYWHERE
                           ? nr_arena_format(baseline->checking->scratch, "`%s`", role)
                           : nr_arena_format(
                                 baseline->checking->scratch, "`%s` in `%s`", role,
                                 model->areas.items[baseline->slot_area[slot]].code);
    return text == NULL ? "" : text;
}

/* ---- Entries as rows ------------------------------------------------------------------ */

static void make_entry_rows(const baseline_check *baseline, uint32_t index)
{
    const nr_checking *checking = baseline->checking;
    const nr_entry *entry = &baseline->model->baseline.items[index];
    for (size_t i = 0; i < entry->activities.count; i++) {
        uint32_t activity = entry->activities.items[i].index;
        if (activity == NR_NONE)
            continue;
        size_t start = (size_t)activity * baseline->words;
        nr_bits_add(entry_row(baseline, index, DIRECT), activity);
        nr_bits_unite(entry_row(baseline, index, FULL), checking->closures + start,
                      baseline->words);
        if (entry->national)
            nr_bits_unite(entry_row(baseline, index, NATIONAL),
                          checking->national_closures + start, baseline->words);
    }
}

static void check_list(nr_checking *checking, const nr_mentions *list, uint32_t *stamps,
                       uint32_t stamp)
{
    for (size_t i = 0; i < list->count; i++) {
        const nr_mention *mention = &list->items[i];
        if (mention->index == NR_NONE)
            continue;
        if (stamps[mention->index] == stamp && nr_check_is_own(mention->at))
            nr_diag_add(checking->diags, NR_DIAG_REDUNDANT_GRANT, mention->at,
                        "`%s` is listed twice", mention->code);
        stamps[mention->index] = stamp;
    }
}

static nrbac_status check_lists(baseline_check *baseline)
{
    const nr_model *model = baseline->model;
    nr_arena *scratch = baseline->checking->scratch;
    uint32_t *roles = nr_arena_new_array(scratch, model->roles.count, uint32_t);
    uint32_t *areas = nr_arena_new_array(scratch, model->areas.count, uint32_t);
    uint32_t *activities = nr_arena_new_array(scratch, model->activities.count,
                                              uint32_t);
    if (roles == NULL || areas == NULL || activities == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < model->baseline.count; i++) {
        const nr_entry *entry = &model->baseline.items[i];
        uint32_t stamp = (uint32_t)i + 1;
        check_list(baseline->checking, &entry->roles, roles, stamp);
        check_list(baseline->checking, &entry->areas, areas, stamp);
        check_list(baseline->checking, &entry->activities, activities, stamp);
    }
    return NRBAC_OK;
}

/* ---- redundant-grant -------------------------------------------------------------------- */

static bool has_area(const nr_entry *entry, const baseline_check *baseline,
                     uint32_t slot)
{
    if (slot == ANYWHERE)
        return entry->areas.count == 0;
    for (size_t i = 0; i < entry->areas.count; i++)
        if (entry->areas.items[i].index == baseline->slot_area[slot])
            return true;
    return false;
}

static nr_span place_in(const nr_entry *entry, uint32_t activity)
{
    for (size_t i = 0; i < entry->activities.count; i++)
        if (entry->activities.items[i].index == activity)
            return entry->activities.items[i].at;
    return entry->at;
}

static nr_span first_place(const baseline_check *baseline, uint32_t slot,
                           uint32_t activity)
{
    for (uint32_t i = baseline->first_of[baseline->role];; i++) {
        uint32_t index = baseline->entries[i];
        const nr_entry *entry = &baseline->model->baseline.items[index];
        if (has_area(entry, baseline, slot) &&
            nr_bits_has(entry_row(baseline, index, DIRECT), activity))
            return place_in(entry, activity);
    }
}

static void tell_redundant(baseline_check *baseline, uint32_t index, uint32_t slot)
{
    nr_diags *diags = baseline->checking->diags;
    const nr_entry *entry = &baseline->model->baseline.items[index];
    const uint64_t *before = slot_row(baseline, slot, DIRECT);
    for (size_t i = 0; i < entry->activities.count; i++) {
        const nr_mention *mention = &entry->activities.items[i];
        bool *told = &baseline->told_mentions[baseline->mention_of[index] + i];
        if (mention->index == NR_NONE || *told ||
            !nr_bits_has(before, mention->index) || !nr_check_is_own(mention->at))
            continue;
        *told = true;
        nr_diag *diag = nr_diag_add(diags, NR_DIAG_REDUNDANT_GRANT, mention->at,
                                    "job role %s has `%s` already",
                                    role_text(baseline, slot), mention->code);
        nr_diag_related(diag, first_place(baseline, slot, mention->index),
                        "first granted at");
    }
}

/* ---- Rows of a role ---------------------------------------------------------------------- */

static uint32_t take_slot(baseline_check *baseline, uint32_t area)
{
    uint32_t slot = baseline->slot_of[area];
    if (slot != 0)
        return slot;
    slot = baseline->slot_count++;
    baseline->slot_of[area] = slot;
    baseline->slot_area[slot] = area;
    baseline->slot_entry[slot] = 0;
    for (uint32_t kind = 0; kind < ROW_KINDS; kind++)
        for (uint32_t i = 0; i < baseline->words; i++)
            slot_row(baseline, slot, (row_kind)kind)[i] = 0;
    return slot;
}

static void unite_entry(baseline_check *baseline, uint32_t index, uint32_t slot)
{
    const uint64_t *direct = entry_row(baseline, index, DIRECT);
    const uint64_t *before = slot_row(baseline, slot, DIRECT);
    uint64_t both = 0;
    for (uint32_t i = 0; i < baseline->words; i++)
        both |= direct[i] & before[i];
    if (both != 0 && baseline->checking->diags->left_out == 0)
        tell_redundant(baseline, index, slot);
    for (uint32_t kind = 0; kind < ROW_KINDS; kind++)
        nr_bits_unite(slot_row(baseline, slot, (row_kind)kind),
                      entry_row(baseline, index, (row_kind)kind), baseline->words);
}

/* An entry counts once for an area, however often it lists it. */
static void unite_once(baseline_check *baseline, uint32_t index, uint32_t area)
{
    uint32_t slot = take_slot(baseline, area);
    if (baseline->slot_entry[slot] == index + 1)
        return;
    baseline->slot_entry[slot] = index + 1;
    unite_entry(baseline, index, slot);
}

static void make_slots(baseline_check *baseline)
{
    baseline->slot_count = 1;
    for (uint32_t i = 0; i < ROW_KINDS * baseline->words; i++)
        baseline->slot_rows[i] = 0;
    uint32_t end = baseline->first_of[baseline->role + 1];
    for (uint32_t i = baseline->first_of[baseline->role]; i < end; i++) {
        uint32_t index = baseline->entries[i];
        const nr_mentions *areas = &baseline->model->baseline.items[index].areas;
        if (areas->count == 0)
            unite_entry(baseline, index, ANYWHERE);
        for (size_t k = 0; k < areas->count; k++)
            if (areas->items[k].index != NR_NONE)
                unite_once(baseline, index, areas->items[k].index);
    }
}

static void forget_slots(baseline_check *baseline)
{
    for (uint32_t slot = 1; slot < baseline->slot_count; slot++)
        baseline->slot_of[baseline->slot_area[slot]] = 0;
}

/* ---- exclusive-baseline ------------------------------------------------------------------- */

/* The first of the role's entries that has one of the activities. */
static const nr_entry *entry_with(const baseline_check *baseline, uint32_t slot,
                                  uint32_t activity)
{
    uint32_t end = baseline->first_of[baseline->role + 1];
    for (uint32_t i = baseline->first_of[baseline->role]; i < end; i++) {
        uint32_t index = baseline->entries[i];
        const nr_entry *entry = &baseline->model->baseline.items[index];
        if ((has_area(entry, baseline, ANYWHERE) || has_area(entry, baseline, slot)) &&
            nr_bits_has(entry_row(baseline, index, FULL), activity))
            return entry;
    }
    return NULL;
}

static void tell_exclusive(baseline_check *baseline, const nr_exclusive *set,
                           uint32_t slot, const uint32_t held[2])
{
    const nr_model *model = baseline->model;
    const nr_entry *first = entry_with(baseline, slot, held[0]);
    const nr_entry *entry = entry_with(baseline, slot, held[1]);
    if (entry == NULL || first == NULL)
        return;
    uint32_t later = entry < first ? held[0] : held[1];
    nr_diag *diag = nr_diag_add(
        baseline->checking->diags, NR_DIAG_EXCLUSIVE_BASELINE,
        place_in(entry < first ? first : entry, later),
        "job role %s has both `%s` and `%s`, which the exclusive set "
        "`%s` denies together",
        role_text(baseline, slot), model->activities.items[held[0]].code,
        model->activities.items[held[1]].code, set->name);
    nr_diag_related(diag, set->at, "the set is at");
}

static void check_exclusive(baseline_check *baseline, size_t number, uint32_t slot)
{
    const nr_exclusive *set = &baseline->model->exclusives.items[number];
    uint32_t held[2] = { NR_NONE, NR_NONE };
    for (size_t i = 0; i < set->activities.count && held[1] == NR_NONE; i++) {
        uint32_t activity = set->activities.items[i].index;
        if (activity == NR_NONE || activity == held[0] ||
            !nr_bits_has(baseline->row, activity))
            continue;
        held[held[0] == NR_NONE ? 0 : 1] = activity;
    }
    if (held[1] == NR_NONE)
        return;
    nr_bits_add(baseline->told_sets, (uint32_t)number);
    tell_exclusive(baseline, set, slot, held);
}

/* What a profile of this role and area has; in `row`. */
static void unite_with_anywhere(baseline_check *baseline, uint32_t slot, row_kind kind)
{
    const uint64_t *anywhere = slot_row(baseline, ANYWHERE, kind);
    const uint64_t *here = slot_row(baseline, slot, kind);
    for (uint32_t i = 0; i < baseline->words; i++)
        baseline->row[i] = anywhere[i] | here[i];
}

static void check_exclusives(baseline_check *baseline)
{
    const nr_model *model = baseline->model;
    uint32_t count = (uint32_t)model->exclusives.count;
    for (uint32_t i = 0; i < nr_bits_words(count); i++)
        baseline->told_sets[i] = 0;
    for (uint32_t slot = 0; slot < baseline->slot_count; slot++) {
        unite_with_anywhere(baseline, slot, FULL);
        for (uint32_t i = 0; i < count; i++)
            if (model->exclusives.items[i].on_conflict == NR_CONFLICT_DENY &&
                !nr_bits_has(baseline->told_sets, i))
                check_exclusive(baseline, i, slot);
        if (baseline->checking->diags->left_out > 0)
            return;
    }
}

/* ---- national-uplift ------------------------------------------------------------------------ */

/* The entry that brings some of what was gained: one of the policy itself, or
 * else one whose activities include what the policy itself declares. */
static const nr_entry *bringing_entry(const baseline_check *baseline, uint32_t slot,
                                      uint32_t *brings)
{
    uint32_t end = baseline->first_of[baseline->role + 1];
    uint32_t found = NR_NONE;
    for (uint32_t i = baseline->first_of[baseline->role]; i < end; i++) {
        uint32_t index = baseline->entries[i];
        const nr_entry *entry = &baseline->model->baseline.items[index];
        const uint64_t *full = entry_row(baseline, index, FULL);
        bool matches = has_area(entry, baseline, ANYWHERE) ||
                       has_area(entry, baseline, slot);
        bool gives = false;
        for (uint32_t w = 0; w < baseline->words; w++)
            gives |= (full[w] & baseline->row[w]) != 0;
        if (!matches || !gives)
            continue;
        if (found == NR_NONE || !entry->national)
            found = index;
        if (!entry->national)
            break;
    }
    *brings = found;
    return found == NR_NONE ? NULL : &baseline->model->baseline.items[found];
}

static nr_span role_place(const baseline_check *baseline, const nr_entry *entry)
{
    for (size_t i = 0; i < entry->roles.count; i++)
        if (entry->roles.items[i].index == baseline->role)
            return entry->roles.items[i].at;
    return entry->at;
}

/* Tells of one entry and takes what it brings out of `row`. */
static bool tell_uplift(baseline_check *baseline, uint32_t slot)
{
    const nr_codes *activities = &baseline->model->activities;
    uint32_t index;
    const nr_entry *entry = bringing_entry(baseline, slot, &index);
    if (entry == NULL)
        return false;
    const uint64_t *full = entry_row(baseline, index, FULL);
    uint32_t first = NR_NONE;
    uint32_t others = 0;
    for (uint32_t at = nr_bits_next(baseline->row, baseline->words, 0); at != NR_NONE;
         at = nr_bits_next(baseline->row, baseline->words, at + 1)) {
        if (!nr_bits_has(full, at))
            continue;
        others += first != NR_NONE;
        first = first == NR_NONE ? at : first;
    }
    nr_bits_without(baseline->row, full, baseline->words);
    const char *more = others == 0 ? ""
                                   : nr_arena_format(baseline->checking->scratch,
                                                     " and %u more", others);
    nr_diag *diag = nr_diag_add(
        baseline->checking->diags, NR_DIAG_NATIONAL_UPLIFT, role_place(baseline, entry),
        "national job role %s gains national activity `%s`%s over the extended policy",
        role_text(baseline, slot), activities->items[first].code,
        more == NULL ? "" : more);
    nr_diag_help(
        baseline->checking->diags, diag,
        "grant it to a local job role, or let a Registration Authority add it");
    return true;
}

static void check_uplift(baseline_check *baseline)
{
    uint32_t words = baseline->words;
    if (!baseline->model->roles.items[baseline->role].national)
        return;
    for (uint32_t slot = 0; slot < baseline->slot_count; slot++) {
        const uint64_t *full = slot_row(baseline, slot, FULL);
        const uint64_t *here = slot_row(baseline, slot, NATIONAL);
        const uint64_t *anywhere = slot_row(baseline, ANYWHERE, NATIONAL);
        const uint64_t *told = slot_row(baseline, ANYWHERE, FULL);
        for (uint32_t i = 0; i < words; i++) {
            uint64_t gained = full[i] & ~here[i] & ~anywhere[i] & baseline->national[i];
            baseline->row[i] = slot == ANYWHERE ? gained : gained & ~told[i];
        }
        while (!is_empty(baseline->row, words) && tell_uplift(baseline, slot))
            if (baseline->checking->diags->left_out > 0)
                return;
    }
}

/* ---- All roles -------------------------------------------------------------------------------- */

/* Calls for each entry and each role of it, once. */
typedef void on_role(baseline_check *baseline, uint32_t entry, uint32_t role);

static void each_role(baseline_check *baseline, uint32_t *last, on_role *call)
{
    const nr_model *model = baseline->model;
    for (size_t i = 0; i < model->roles.count; i++)
        last[i] = 0;
    for (uint32_t i = 0; i < model->baseline.count; i++) {
        const nr_mentions *roles = &model->baseline.items[i].roles;
        for (size_t k = 0; k < roles->count; k++) {
            uint32_t role = roles->items[k].index;
            if (role == NR_NONE || last[role] == i + 1)
                continue;
            last[role] = i + 1;
            call(baseline, i, role);
        }
    }
}

static void count_entry(baseline_check *baseline, uint32_t entry, uint32_t role)
{
    (void)entry;
    baseline->first_of[role + 2]++;
}

static void place_entry(baseline_check *baseline, uint32_t entry, uint32_t role)
{
    baseline->entries[baseline->first_of[role + 1]++] = entry;
}

/* How often each role stands in entries, then where each role's entries start. */
static nrbac_status index_entries(baseline_check *baseline)
{
    const nr_model *model = baseline->model;
    nr_arena *scratch = baseline->checking->scratch;
    size_t roles = model->roles.count;
    size_t mentions = 0;
    for (size_t i = 0; i < model->baseline.count; i++)
        mentions += model->baseline.items[i].roles.count;
    uint32_t *last = nr_arena_new_array(scratch, roles, uint32_t);
    baseline->first_of = nr_arena_new_array(scratch, roles + 2, uint32_t);
    baseline->entries = nr_arena_new_array(scratch, mentions, uint32_t);
    if (last == NULL || baseline->first_of == NULL || baseline->entries == NULL)
        return NRBAC_E_MEMORY;
    each_role(baseline, last, count_entry);
    for (size_t i = 2; i < roles + 2; i++)
        baseline->first_of[i] += baseline->first_of[i - 1];
    each_role(baseline, last, place_entry);
    return NRBAC_OK;
}

static uint64_t work_of(const nr_model *model, uint32_t words)
{
    uint64_t pairs = 0;
    for (size_t i = 0; i < model->baseline.count; i++) {
        const nr_entry *entry = &model->baseline.items[i];
        uint64_t areas = entry->areas.count == 0 ? 1 : entry->areas.count;
        pairs += entry->roles.count * areas;
    }
    return pairs * words;
}

static nrbac_status prepare(baseline_check *baseline)
{
    const nr_model *model = baseline->model;
    nr_arena *scratch = baseline->checking->scratch;
    size_t words = baseline->words;
    size_t slots = model->areas.count + 1;
    size_t mentions = 0;
    baseline->mention_of = nr_arena_new_array(scratch, model->baseline.count, size_t);
    if (baseline->mention_of == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < model->baseline.count; i++) {
        baseline->mention_of[i] = mentions;
        mentions += model->baseline.items[i].activities.count;
    }
    size_t rows = model->baseline.count * ROW_KINDS;
    baseline->entry_rows = nr_arena_new_array(scratch, rows * words, uint64_t);
    baseline->slot_rows = nr_arena_new_array(scratch, slots * ROW_KINDS * words,
                                             uint64_t);
    baseline->slot_of = nr_arena_new_array(scratch, slots, uint32_t);
    baseline->slot_area = nr_arena_new_array(scratch, slots, uint32_t);
    baseline->slot_entry = nr_arena_new_array(scratch, slots, uint32_t);
    baseline->national = nr_arena_new_array(scratch, words, uint64_t);
    baseline->row = nr_arena_new_array(scratch, words, uint64_t);
    baseline->told_mentions = nr_arena_new_array(scratch, mentions, bool);
    baseline->told_sets = nr_arena_new_array(
        scratch, nr_bits_words((uint32_t)model->exclusives.count), uint64_t);
    bool fine = baseline->entry_rows != NULL && baseline->slot_rows != NULL &&
                baseline->slot_of != NULL && baseline->slot_area != NULL &&
                baseline->slot_entry != NULL && baseline->national != NULL &&
                baseline->row != NULL && baseline->told_mentions != NULL &&
                baseline->told_sets != NULL;
    return fine ? index_entries(baseline) : NRBAC_E_MEMORY;
}

nrbac_status nr_check_baseline(nr_checking *checking)
{
    const nr_model *model = checking->model;
    baseline_check baseline = { .checking = checking,
                                .model = model,
                                .words = checking->words };
    if (model->baseline.count == 0)
        return NRBAC_OK;
    if (model->baseline.count * checking->words > ENTRY_WORDS_MAX ||
        work_of(model, checking->words) > work_max) {
        nr_diag_add(checking->diags, NR_DIAG_TOO_LARGE, model->baseline.items[0].at,
                    "the baseline has too many roles, areas of work and activities");
        return NRBAC_OK;
    }
    NR_TRY(prepare(&baseline));
    NR_TRY(check_lists(&baseline));
    for (uint32_t i = 0; i < model->activities.count; i++)
        if (model->activities.items[i].national)
            nr_bits_add(baseline.national, i);
    for (uint32_t i = 0; i < model->baseline.count; i++)
        make_entry_rows(&baseline, i);
    for (baseline.role = 0; baseline.role < model->roles.count; baseline.role++) {
        make_slots(&baseline);
        check_exclusives(&baseline);
        check_uplift(&baseline);
        forget_slots(&baseline);
    }
    return NRBAC_OK;
}
