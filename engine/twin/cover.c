/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Profiles that try a requirement from every side.
 *
 * A requirement is a function of its atoms. With few of them every combination
 * is tried; with many, all, none, each alone, each missing and pairs. Around the
 * profile for which all hold, levels, organisations, roles and the members of
 * exclusive sets are varied one by one. Which atoms really hold is then a matter
 * of the rules, not of what was tried for here.
 */
#include "twin/compare.h"

#include <string.h>

enum {
    EVERY_SUBSET = 10, /* atoms: 1,024 profiles */
    VARIANTS = 8,
    SET_PAIRS = 45, /* of one exclusive set */
};

/* How an atom that should hold is made to, and one that should not is not. */
enum {
    BY_INCLUSION = 1 << 0, /* activities: by a code that includes it */
    BELOW = 1 << 1,        /* levels: known, but too low; organisations: another */
    ELSEWHERE = 1 << 2,    /* the request names another organisation */
};

typedef struct covering {
    nr_comparison *comparison;
    const nr_guarded *guarded;
    const nr_requirement **atoms; /* each different one once */
    size_t atom_count;
    bool *chosen;
    size_t left; /* how many profiles may still be tried */
} covering;

static bool is_same_atom(const nr_requirement *a, const nr_requirement *b)
{
    return a->atom == b->atom && a->code.index == b->code.index &&
           a->level == b->level &&
           (a->text == b->text ||
            (a->text != NULL && b->text != NULL && strcmp(a->text, b->text) == 0));
}

static bool collect_atoms(covering *cover, const nr_requirement *root)
{
    nr_arena *arena = cover->comparison->arena;
    size_t count = 0;
    nr_walk counting = { .next = root };
    while (nr_walk_next(&counting) != NULL)
        count++;
    cover->atoms = nr_arena_new_array(arena, count, const nr_requirement *);
    cover->chosen = nr_arena_new_array(arena, count, bool);
    if (cover->atoms == NULL || cover->chosen == NULL)
        return false;
    nr_walk walk = { .next = root };
    for (const nr_requirement *at; (at = nr_walk_next(&walk)) != NULL;) {
        bool is_new = !nr_is_group(at);
        for (size_t i = 0; i < cover->atom_count && is_new; i++)
            is_new = !is_same_atom(cover->atoms[i], at);
        if (is_new)
            cover->atoms[cover->atom_count++] = at;
    }
    return true;
}

static int *level_of(nr_who *who, nr_atom atom)
{
    return atom == NR_ATOM_AAL   ? &who->aal
           : atom == NR_ATOM_IAL ? &who->ial
                                 : &who->proofing;
}

static void raise_level(int *level, int to)
{
    if (*level < to)
        *level = to;
}

static void make_hold(covering *cover, const nr_requirement *atom, unsigned variant)
{
    nr_comparison *comparison = cover->comparison;
    nr_who *who = &comparison->who;
    switch (atom->atom) {
    case NR_ATOM_ACTIVITY: {
        uint32_t includer = comparison->includer[atom->code.index];
        bool by_inclusion = (variant & BY_INCLUSION) != 0 && includer != NR_NONE;
        nr_who_add_activity(comparison, by_inclusion ? includer : atom->code.index);
        break;
    }
    case NR_ATOM_ROLE:
        if (who->role == NR_NONE)
            who->role = atom->code.index;
        break;
    case NR_ATOM_AREA:
        nr_who_add_area(comparison, atom->code.index);
        break;
    case NR_ATOM_WORKGROUP:
        nr_who_add_workgroup(comparison, atom->text);
        break;
    case NR_ATOM_ORGANISATION:
        if (who->acting == NULL)
            who->acting = atom->text;
        break;
    case NR_ATOM_AAL:
    case NR_ATOM_IAL:
    case NR_ATOM_PROOFING:
        raise_level(level_of(who, atom->atom), NRBAC_LEVEL(atom->level));
        break;
    case NR_ATOM_ACTING_AS:
        if (who->capacity == NULL)
            who->capacity = atom->text;
        break;
    case NR_ATOM_ON_BEHALF_OF:
        who->other = "somebody";
        break;
    case NR_ATOM_ORGANISATION_REQUEST: /* once the acting one is known */
    case NR_ALL:
    case NR_ANY:
        break;
    }
}

static void make_miss(covering *cover, const nr_requirement *atom, unsigned variant)
{
    nr_who *who = &cover->comparison->who;
    if (atom->atom == NR_ATOM_ACTING_AS && (variant & BELOW) != 0 &&
        who->capacity == NULL)
        who->capacity = "another-capacity";
    bool is_level = atom->atom == NR_ATOM_AAL || atom->atom == NR_ATOM_IAL ||
                    atom->atom == NR_ATOM_PROOFING;
    if (is_level && (variant & BELOW) != 0 && atom->level > 0)
        raise_level(level_of(who, atom->atom), NRBAC_LEVEL(atom->level - 1));
}

/* The acting organisation, and the one that the request names. */
static void place(nr_who *who, bool same, unsigned variant)
{
    if (who->acting == NULL && ((variant & BELOW) != 0 || same))
        who->acting = "an-organisation";
    if (same)
        who->request = who->acting;
    else if ((variant & ELSEWHERE) != 0)
        who->request = "another-organisation";
}

/* The profile for which the chosen atoms hold, as far as one profile can. */
static void choose(covering *cover, unsigned variant)
{
    nr_who *who = nr_comparison_who(cover->comparison);
    bool same = false;
    for (size_t i = 0; i < cover->atom_count; i++) {
        const nr_requirement *atom = cover->atoms[i];
        if (!cover->chosen[i]) {
            make_miss(cover, atom, variant);
            continue;
        }
        make_hold(cover, atom, variant);
        same = same || atom->atom == NR_ATOM_ORGANISATION_REQUEST;
    }
    place(who, same, variant);
}

static nrbac_status ask(covering *cover)
{
    if (cover->left == 0 || cover->comparison->report->differs)
        return NRBAC_OK;
    cover->left--;
    NR_TRY(nr_comparison_take(cover->comparison));
    nr_compare_guarded(cover->comparison, cover->guarded);
    return NRBAC_OK;
}

static void choose_all(covering *cover, bool chosen)
{
    for (size_t i = 0; i < cover->atom_count; i++)
        cover->chosen[i] = chosen;
}

static nrbac_status every_subset(covering *cover)
{
    for (unsigned subset = 0; subset < 1u << cover->atom_count; subset++) {
        for (size_t i = 0; i < cover->atom_count; i++)
            cover->chosen[i] = (subset >> i & 1) != 0;
        choose(cover, subset % VARIANTS);
        NR_TRY(ask(cover));
    }
    return NRBAC_OK;
}

/* All but one, or none but one. */
static nrbac_status each_one(covering *cover, bool others)
{
    for (size_t i = 0; i < cover->atom_count; i++) {
        choose_all(cover, others);
        cover->chosen[i] = !others;
        choose(cover, (unsigned)i % VARIANTS);
        NR_TRY(ask(cover));
    }
    return NRBAC_OK;
}

static nrbac_status each_pair(covering *cover)
{
    for (size_t i = 0; i < cover->atom_count && cover->left != 0; i++) {
        for (size_t n = i + 1; n < cover->atom_count && cover->left != 0; n++) {
            choose_all(cover, false);
            cover->chosen[i] = cover->chosen[n] = true;
            choose(cover, (unsigned)(i + n) % VARIANTS);
            NR_TRY(ask(cover));
        }
    }
    return NRBAC_OK;
}

/* All or none of the atoms, in every variant. */
static nrbac_status ends(covering *cover)
{
    for (unsigned variant = 0; variant < VARIANTS; variant++) {
        choose_all(cover, variant % 2 == 0);
        choose(cover, variant);
        NR_TRY(ask(cover));
        choose_all(cover, true);
        choose(cover, variant);
        NR_TRY(ask(cover));
    }
    return NRBAC_OK;
}

/* ---- Around the profile for which all hold ------------------------------------------- */

static nrbac_status each_level(covering *cover, nr_atom atom, const int *levels,
                               size_t count)
{
    for (size_t i = 0; i < count; i++) {
        choose(cover, 0);
        *level_of(&cover->comparison->who, atom) = levels[i];
        NR_TRY(ask(cover));
    }
    return NRBAC_OK;
}

static nrbac_status each_organisation(covering *cover, const char *named)
{
    const char *const acting[] = { named, NULL, "elsewhere" };
    const char *const request[] = { named, NULL, "elsewhere" };
    for (size_t a = 0; a < NR_COUNT(acting); a++) {
        for (size_t r = 0; r < NR_COUNT(request); r++) {
            choose(cover, 0);
            cover->comparison->who.acting = acting[a];
            cover->comparison->who.request = request[r];
            NR_TRY(ask(cover));
        }
    }
    return NRBAC_OK;
}

static nrbac_status each_capacity(covering *cover, const char *named)
{
    const char *const capacities[] = { named, NULL, "another-capacity" };
    for (size_t i = 0; i < NR_COUNT(capacities); i++) {
        choose(cover, 0);
        cover->comparison->who.capacity = capacities[i];
        NR_TRY(ask(cover));
    }
    return NRBAC_OK;
}

static nrbac_status vary(covering *cover, const nr_requirement *atom)
{
    static const int assurance[] = { NRBAC_LEVEL_UNKNOWN, NRBAC_LEVEL(0),
                                     NRBAC_LEVEL(1), NRBAC_LEVEL(2), NRBAC_LEVEL(3) };
    static const int proofing[] = { NRBAC_LEVEL_UNKNOWN, NRBAC_LEVEL(0), NRBAC_LEVEL(5),
                                    NRBAC_LEVEL(9) };
    switch (atom->atom) {
    case NR_ATOM_AAL:
    case NR_ATOM_IAL:
        return each_level(cover, atom->atom, assurance, NR_COUNT(assurance));
    case NR_ATOM_PROOFING:
        return each_level(cover, atom->atom, proofing, NR_COUNT(proofing));
    case NR_ATOM_ORGANISATION:
        return each_organisation(cover, atom->text);
    case NR_ATOM_ORGANISATION_REQUEST:
        return each_organisation(cover, "RBA");
    case NR_ATOM_ACTING_AS:
        return each_capacity(cover, atom->text);
    case NR_ATOM_ON_BEHALF_OF:
        choose(cover, 0);
        cover->comparison->who.other = NULL;
        return ask(cover);
    case NR_ATOM_ROLE:
        choose(cover, 0);
        cover->comparison->who.role = atom->code.index;
        return ask(cover);
    default:
        return NRBAC_OK;
    }
}

/* Whether the profile that was taken last holds any of the set. */
static bool touches(const nr_comparison *comparison, const nr_exclusive *set)
{
    const nr_rules *rules = &comparison->rules;
    for (size_t i = 0; i < set->activities.count; i++) {
        uint32_t member = rules->meant_activity[set->activities.items[i].index];
        if (rules->in_closure[member] == rules->now)
            return true;
    }
    return false;
}

static nrbac_status each_pair_of(covering *cover, const nr_exclusive *set)
{
    const nr_mentions *members = &set->activities;
    size_t tried = 0;
    for (size_t i = 0; i < members->count; i++) {
        for (size_t n = i + 1; n < members->count; n++) {
            if (tried++ == SET_PAIRS)
                return NRBAC_OK;
            choose(cover, 0);
            nr_who_add_activity(cover->comparison, members->items[i].index);
            nr_who_add_activity(cover->comparison, members->items[n].index);
            NR_TRY(ask(cover));
        }
    }
    return NRBAC_OK;
}

/* Only the sets that the profile touches can change the outcome; which these are
 * is asked of the rules once. */
static nrbac_status each_set(covering *cover)
{
    nr_comparison *comparison = cover->comparison;
    size_t count = comparison->model->exclusives.count;
    const nr_exclusive *sets = comparison->model->exclusives.items;
    choose(cover, 0);
    nr_rules_take(&comparison->rules, &comparison->who);
    for (size_t s = 0; s < count; s++)
        comparison->touched[s] = touches(comparison, &sets[s]);
    for (size_t s = 0; s < count; s++)
        if (comparison->touched[s])
            NR_TRY(each_pair_of(cover, &sets[s]));
    return NRBAC_OK;
}

nrbac_status nr_cover_guarded(nr_comparison *comparison, const nr_guarded *guarded,
                              size_t most)
{
    covering cover = { .comparison = comparison, .guarded = guarded, .left = SIZE_MAX };
    if (!collect_atoms(&cover, guarded->require))
        return NRBAC_E_MEMORY;
    NR_TRY(ends(&cover));
    choose_all(&cover, true);
    for (size_t i = 0; i < cover.atom_count; i++)
        NR_TRY(vary(&cover, cover.atoms[i]));
    NR_TRY(each_set(&cover));
    if (cover.atom_count <= EVERY_SUBSET && (size_t)1 << cover.atom_count <= most)
        return every_subset(&cover);
    NR_TRY(each_one(&cover, true));
    NR_TRY(each_one(&cover, false));
    cover.left = most;
    return each_pair(&cover);
}
