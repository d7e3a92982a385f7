/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Models made by hand or by chance, as they would be after resolve: mentions
 * carry indexes, a replaced code has become its replacement.
 */
#ifndef MADE_H
#define MADE_H

#include "model/model.h"

typedef struct made_policy {
    nr_arena arena;
    nr_model model;
    nr_source source;
    uint32_t line; /* each thing said stands on a line of its own */
} made_policy;

void made_start(made_policy *made);
void made_finish(made_policy *made);

/* Codes; each returns its index. */
uint32_t made_activity(made_policy *made, const char *code);
uint32_t made_role(made_policy *made, const char *code);
uint32_t made_area(made_policy *made, const char *code);
uint32_t made_obligation(made_policy *made, const char *id);
/* Retires a code, for another (or NR_NONE). To be said before it is mentioned. */
void made_retire(nr_codes *codes, uint32_t index, uint32_t replacement);
void made_include(made_policy *made, uint32_t activity, uint32_t included);

/* APIs; patterns and proofs are bits. What is returned stays where it is only until
 * the next of its kind is made; an operation without a requirement has NULL. */
uint32_t made_api(made_policy *made, const char *id);
nr_operation *made_operation(made_policy *made, uint32_t api, const char *id,
                             uint32_t patterns, nr_requirement *require);
void made_operation_owes(made_policy *made, nr_operation *operation,
                         uint32_t obligation);
nr_application *made_application(made_policy *made, const char *id, uint32_t proofs);
/* One operation by its index in the API, or all of them (NR_NONE). */
void made_allow(made_policy *made, nr_application *application, uint32_t api,
                uint32_t operation);
void made_acts_for(made_policy *made, nr_application *application,
                   const char *organisation);

/* Lists of indexes end with NR_NONE. */
nr_entry *made_entry(made_policy *made);
void made_entry_roles(made_policy *made, nr_entry *entry, const uint32_t *roles);
void made_entry_areas(made_policy *made, nr_entry *entry, const uint32_t *areas);
void made_entry_activities(made_policy *made, nr_entry *entry,
                           const uint32_t *activities);

nr_requirement *made_group(made_policy *made, nr_atom atom);
nr_requirement *made_child(made_policy *made, nr_requirement *parent,
                           nr_requirement *child);
nr_requirement *made_code(made_policy *made, nr_atom atom, uint32_t index);
nr_requirement *made_text(made_policy *made, nr_atom atom, const char *text);
nr_requirement *made_level(made_policy *made, nr_atom atom, int level);
void made_owes(made_policy *made, nr_requirement *requirement, uint32_t obligation);
nr_function *made_function(made_policy *made, const char *id, nr_requirement *require);
void made_function_owes(made_policy *made, nr_function *function, uint32_t obligation);
void made_message(made_policy *made, nr_function *function, const char *text);

nr_exclusive *made_exclusive(made_policy *made, const char *name, nr_on_conflict rule,
                             const uint32_t *activities);
void made_suspend(made_policy *made, nr_suspended_kind kind, uint32_t index);

/* A policy that uses everything at least once. */
void made_small(made_policy *made);

/* Policies by chance: the same seed, the same policy. */
typedef struct made_sizes {
    uint32_t roles, areas, activities, entries, functions, exclusives, apis;
} made_sizes;
void made_random(made_policy *made, uint32_t seed, made_sizes sizes);
uint32_t made_chance(uint32_t *state, uint32_t below);

#endif
