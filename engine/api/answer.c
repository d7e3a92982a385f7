/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one writer of answers: a decided question as a document of the shape that
 * schema/protocol.md and the manual show. JSON and MessagePack are made from it.
 */
#include "api/patterns.h"
#include "api/question.h"
#include "base/bits.h"
#include "base/value.h"
#include "table/nearest.h"
#include "table/path.h"

#include <string.h>

static nrbac_value *text(const nr_question *question, const char *string)
{
    return nrbac_new_text(question->document, string);
}

/* Keys are texts of this file. */
static void set(const nr_question *question, nrbac_value *map, const char *key,
                nrbac_value *value)
{
    nr_set_lasting(question->document, map, key, value);
}

static void set_text(const nr_question *question, nrbac_value *map, const char *key,
                     const char *string)
{
    set(question, map, key, text(question, string));
}

static const char *code_of(const nr_table *table, uint32_t activity)
{
    return nr_table_text(table, table->activities[activity].code);
}

static const char *activity_name(const nr_table *table, uint32_t activity)
{
    const char *name = nr_table_text(table, table->activities[activity].name);
    return *name == '\0' ? NULL : name;
}

static void set_origin(const nr_question *question, nrbac_value *map, nr_origin origin)
{
    set_text(question, map, "file",
             nr_table_text(&question->policy->table, origin.file));
    set(question, map, "line", nrbac_new_integer(question->document, origin.line));
}

/* ---- Who ------------------------------------------------------------------------ */

nrbac_value *nr_answer_profile(const nr_question *question)
{
    const nr_standing *standing = &question->standing;
    if (standing->profile == NULL)
        return nrbac_new_null(question->document);
    nrbac_value *map = nrbac_new_map(question->document);
    set_text(question, map, "id", standing->profile->id);
    set_text(question, map, "role", standing->role);
    set_text(question, map, "organisation", standing->profile->organisation);
    const char *acting = standing->acting_organisation;
    const char *own = standing->profile->organisation;
    if (acting != NULL && (own == NULL || strcmp(acting, own) != 0))
        set_text(question, map, "acting_organisation", acting);
    if (question->explain && question->holding.table != NULL &&
        question->holding.role != NR_NONE) {
        const nr_table *table = question->holding.table;
        set_text(question, map, "role_name",
                 nr_table_text(table, table->roles[question->holding.role].name));
    }
    return map;
}

static nrbac_value *candidates(const nr_question *question)
{
    const nrbac_subject *subject = &question->request->subject;
    nrbac_value *list = nrbac_new_list(question->document);
    nr_arena scratch = { 0 };
    for (size_t i = 0; i < subject->profile_count; i++) {
        const nrbac_profile *profile = &subject->profiles[i];
        nr_verdict verdict = nr_question_decide_as(question, &scratch, profile);
        nrbac_value *map = nrbac_new_map(question->document);
        set_text(question, map, "id", profile->id);
        set_text(question, map, "role", profile->role);
        set_text(question, map, "organisation", profile->organisation);
        set_text(question, map, "effect",
                 nrbac_effect_slug(nrbac_reason_effect(verdict.reason)));
        set_text(question, map, "reason", nrbac_reason_slug(verdict.reason));
        nrbac_append(question->document, list, map);
    }
    nr_arena_finish(&scratch);
    return list;
}

/* ---- Warnings --------------------------------------------------------------------- */

typedef struct warning_list {
    const nr_question *question;
    nrbac_value *list;
} warning_list;

static const char *warning_slug(int number)
{
    switch (number) {
#define NRBAC_WARNING(number, NAME, slug, doc) \
    case number:                               \
        return slug;
#include <nrbac/warning.def>
#undef NRBAC_WARNING
    default:
        return "unknown-warning";
    }
}

enum {
#define NRBAC_WARNING(number, NAME, slug, doc) WARNING_##NAME = (number),
#include <nrbac/warning.def>
#undef NRBAC_WARNING
};

static void warn(const warning_list *to, int number, const char *value)
{
    nrbac_value *map = nrbac_new_map(to->question->document);
    set_text(to->question, map, "code", warning_slug(number));
    set_text(to->question, map, "value", value);
    nrbac_append(to->question->document, to->list, map);
}

static void warn_of_status(const warning_list *to, uint32_t status, const char *code)
{
    if (status == NR_LEGACY)
        warn(to, WARNING_LEGACY_CODE, code);
    else if (status == NR_OBSOLETE)
        warn(to, WARNING_OBSOLETE_CODE, code);
}

static void warn_of_role(const warning_list *to)
{
    const nr_holding *holding = &to->question->holding;
    const char *code = holding->facts->role;
    if (code == NULL)
        return;
    if (holding->role == NR_NONE)
        warn(to, WARNING_UNKNOWN_ROLE, code);
    else
        warn_of_status(to, holding->table->roles[holding->role].status, code);
}

/* Additional activities that the policy does not know (S17), or that are retired. */
static void warn_of_additional(const warning_list *to)
{
    const nr_facts *facts = to->question->holding.facts;
    const nr_table *table = to->question->holding.table;
    for (size_t i = 0; i < facts->activity_count; i++) {
        uint32_t activity = nr_table_activity_of(table, facts->activities[i]);
        if (activity == NR_NONE)
            warn(to, WARNING_UNKNOWN_ADDITIONAL, facts->activities[i]);
        else
            warn_of_status(to, table->activities[activity].status,
                           facts->activities[i]);
    }
}

static void warn_of_sets(const warning_list *to)
{
    const nr_holding *holding = &to->question->holding;
    const nr_table *table = holding->table;
    for (uint32_t i = 0; i < table->exclusives_count; i++) {
        const nr_table_exclusive *set_of = &table->exclusives[i];
        uint32_t held = 0;
        for (uint32_t m = 0; m < set_of->activities.count; m++)
            held += nr_bits_has(holding->closed,
                                table->numbers[set_of->activities.first + m]);
        if (set_of->on_conflict == NR_CONFLICT_WARN && held > 1)
            warn(to, WARNING_EXCLUSIVE_SET, nr_table_text(table, set_of->name));
    }
}

static void warn_of_credentials(const warning_list *to)
{
    const nrbac_findings *findings = to->question->request->findings;
    for (size_t i = 0; findings != NULL && i < findings->expiring_count; i++)
        warn(to, WARNING_CREDENTIAL_EXPIRING, findings->expiring[i]);
}

nrbac_value *nr_answer_warnings(const nr_question *question)
{
    warning_list to = { question, nrbac_new_list(question->document) };
    if (question->standing.choice_overridden)
        warn(&to, WARNING_ROLE_CHOICE_OVERRIDDEN,
             question->request->subject.caller_choice);
    if (question->holding.table != NULL) {
        warn_of_role(&to);
        warn_of_additional(&to);
        warn_of_sets(&to);
    }
    warn_of_credentials(&to);
    if (question->policy != NULL) {
        const nr_table *table = &question->policy->table;
        if (table->header->provenance == NR_PROVENANCE_EXAMPLE)
            warn(&to, WARNING_EXAMPLE_POLICY,
                 nr_table_text(table, table->header->policy_name));
    }
    return to.list;
}

/* ---- Why -------------------------------------------------------------------------- */

/* Codes alone, as in the contract; explained, a map for each step. */
static nrbac_value *write_steps(const nr_question *question, const nr_path *path,
                                bool explained)
{
    const nr_table *table = &question->policy->table;
    nrbac_value *list = nrbac_new_list(question->document);
    for (uint32_t i = 0; i < path->count; i++) {
        const nr_step *step = &path->steps[i];
        const char *code = code_of(table, step->activity);
        if (!explained) {
            nrbac_append(question->document, list, text(question, code));
            continue;
        }
        nrbac_value *map = nrbac_new_map(question->document);
        set_text(question, map, "code", code);
        set_text(question, map, "name", activity_name(table, step->activity));
        if (step->origin.file != 0)
            set_origin(question, map, step->origin);
        nrbac_append(question->document, list, map);
    }
    return list;
}

nrbac_value *nr_answer_path(const nr_question *question, uint32_t activity)
{
    nr_path path;
    if (nr_path_find(&question->document->arena, &question->holding, activity, &path) !=
        NRBAC_OK)
        question->document->failed = true;
    return write_steps(question, &path, false);
}

void nr_answer_add_steps(const nr_question *question, uint32_t activity,
                         nrbac_value *map)
{
    nr_path path;
    if (nr_path_find(&question->document->arena, &question->holding, activity, &path) !=
        NRBAC_OK) {
        question->document->failed = true;
        return;
    }
    set_text(question, map, "source", path.baseline ? "baseline" : "additional");
    set(question, map, "steps", write_steps(question, &path, true));
}

static nrbac_value *granted_by(const nr_question *question, const nr_path *path)
{
    nrbac_value *map = nrbac_new_map(question->document);
    set_text(question, map, "source", path->baseline ? "baseline" : "additional");
    if (path->baseline)
        set_origin(question, map, path->steps[0].origin);
    return map;
}

static void set_grant_of_activity(const nr_question *question, nrbac_value *context)
{
    nr_path path;
    if (nr_path_find(&question->document->arena, &question->holding,
                     question->target.number, &path) != NRBAC_OK) {
        question->document->failed = true;
        return;
    }
    set(question, context, "path", write_steps(question, &path, false));
    set(question, context, "granted_by", granted_by(question, &path));
    if (question->explain)
        set(question, context, "steps", write_steps(question, &path, true));
}

static nr_origin origin_of_target(const nr_question *question)
{
    const nr_table *table = &question->policy->table;
    return question->target.kind == NR_TARGET_OPERATION
               ? table->operations[question->target.number].origin
               : table->functions[question->target.number].origin;
}

static nr_range requirement_of(const nr_question *question)
{
    const nr_table *table = &question->policy->table;
    if (question->target.kind == NR_TARGET_OPERATION)
        return table->operations[question->target.number].nodes;
    if (question->target.kind == NR_TARGET_FUNCTION)
        return table->functions[question->target.number].nodes;
    return (nr_range){ 0 };
}

/* A function or an operation: the place that says what it takes. */
static void set_grant_of_requirement(const nr_question *question, nrbac_value *context)
{
    nrbac_value *map = nrbac_new_map(question->document);
    set_text(question, map, "source",
             requirement_of(question).count == 0 ? "operation" : "requirement");
    set_origin(question, map, origin_of_target(question));
    set(question, context, "path", nrbac_new_list(question->document));
    set(question, context, "granted_by", map);
}

static void set_grant(const nr_question *question, nrbac_value *context)
{
    if (nrbac_reason_effect(question->verdict.reason) != NRBAC_PERMIT) {
        set(question, context, "path", nrbac_new_list(question->document));
        set(question, context, "granted_by", nrbac_new_null(question->document));
    } else if (question->target.kind == NR_TARGET_ACTIVITY) {
        set_grant_of_activity(question, context);
    } else {
        set_grant_of_requirement(question, context);
    }
}

/* Who decided what, and, of a request to an API, under which pattern. */
static void set_deciders(const nr_question *question, nrbac_value *context)
{
    nrbac_value *map = nrbac_new_map(question->document);
    set_text(question, map, "application", nr_pattern_application_decider(question));
    set_text(question, map, "user", nr_pattern_user_decider(question));
    set(question, context, "decided_by", map);
    if (question->request->api != NULL)
        set_text(question, context, "pattern", nr_pattern_slug(question->pattern));
}

static nrbac_status find_nearest(const nr_question *question, nr_nearest *nearest)
{
    nr_arena *arena = &question->document->arena;
    uint32_t number = question->target.number;
    if (question->target.kind == NR_TARGET_ACTIVITY)
        return nr_nearest_for_activity(arena, &question->holding, number, nearest);
    if (question->target.kind == NR_TARGET_FUNCTION)
        return nr_nearest_for_function(arena, &question->holding, number, nearest);
    return nr_nearest_for_operation(arena, &question->holding, number, nearest);
}

static void set_nearest(const nr_question *question, nrbac_value *context)
{
    nr_nearest nearest;
    if (find_nearest(question, &nearest) != NRBAC_OK) {
        question->document->failed = true;
        return;
    }
    nrbac_value *sets = nrbac_new_list(question->document);
    for (uint32_t i = 0; i < nearest.count; i++) {
        nrbac_value *codes = nrbac_new_list(question->document);
        for (uint32_t k = 0; k < nearest.sets[i].count; k++)
            nrbac_append(question->document, codes,
                         text(question, code_of(&question->policy->table,
                                                nearest.sets[i].activities[k])));
        nrbac_append(question->document, sets, codes);
    }
    set(question, context, "nearest", sets);
    set(question, context, "nearest_complete",
        nrbac_new_boolean(question->document, nearest.complete));
}

nrbac_value *nr_answer_obligations(const nr_question *question,
                                   const nr_verdict *verdict)
{
    nrbac_value *list = nrbac_new_list(question->document);
    for (uint32_t i = 0; i < verdict->obligation_count; i++)
        nrbac_append(
            question->document, list,
            text(question, question->policy->obligations[verdict->obligations[i]]));
    return list;
}

/* ---- The whole ---------------------------------------------------------------------- */

static nrbac_value *policy_of(const nr_question *question)
{
    if (question->policy == NULL)
        return nrbac_new_null(question->document);
    const nr_table *table = &question->policy->table;
    nrbac_value *map = nrbac_new_map(question->document);
    set_text(question, map, "name", nr_table_text(table, table->header->policy_name));
    set_text(question, map, "version",
             nr_table_text(table, table->header->policy_version));
    set_text(question, map, "nrd_version",
             nr_table_text(table, table->header->nrd_version));
    set_text(question, map, "digest", question->policy->digest);
    set(question, map, "generation",
        nrbac_new_integer(question->document, question->policy->generation));
    return map;
}

/* A stranger's proofs are another's: what they prove is nobody's business here. */
static nrbac_finding finding_of_application(const nr_question *question)
{
    return question->stranger ? NRBAC_REFUSED
                              : nr_application_finding(question->request);
}

static const char *finding_slug(bool present, nrbac_finding finding)
{
    if (!present || finding == NRBAC_REFUSED)
        return "none"; /* that counts */
    return finding == NRBAC_VERIFIED ? "verified" : "asserted";
}

static nrbac_value *evidence_of(const nr_question *question)
{
    const nrbac_request *request = question->request;
    const nrbac_findings *findings = request->findings;
    nrbac_value *map = nrbac_new_map(question->document);
    set_text(question, map, "user",
             finding_slug(request->subject.type != NRBAC_SUBJECT_NONE,
                          nr_user_finding(request)));
    set_text(
        question, map, "application",
        finding_slug(request->application != NULL, finding_of_application(question)));
    if (findings == NULL || findings->verified_count == 0 || question->stranger)
        return map;
    nrbac_value *verified = nrbac_new_list(question->document);
    for (size_t i = 0; i < findings->verified_count; i++)
        nrbac_append(question->document, verified,
                     text(question, findings->verified[i]));
    set(question, map, "verified", verified);
    return map;
}

static nrbac_value *valid_until(const nr_question *question)
{
    /* The profile in force may end sooner; where no user was judged, there is none. */
    int64_t ends = nr_earliest(question->standing.valid_until,
                               nr_evidence_ends(question->request));
    if (ends == 0)
        return nrbac_new_null(question->document);
    char written[NR_TIME_SIZE];
    nr_time_write(ends, written);
    return text(question, written);
}

/* Why evidence was refused, where that is what decided; NULL: it is not. */
static const char *refusal_of(const nr_question *question)
{
    const nrbac_request *request = question->request;
    nrbac_reason reason = question->verdict.reason;
    bool of_application = reason == NRBAC_REASON_APPLICATION_NOT_AUTHENTICATED &&
                          nr_application_finding(request) == NRBAC_REFUSED;
    bool of_user = reason == NRBAC_REASON_USER_NOT_AUTHENTICATED;
    if (reason == NRBAC_REASON_APPLICATION_NOT_AUTHENTICATED && question->stranger)
        return "`context.application` is not one that the caller speaks for";
    return of_application || of_user ? request->findings->fault : NULL;
}

static void set_outcome(const nr_question *question, nrbac_value *map)
{
    nrbac_reason reason = question->verdict.reason;
    set_text(question, map, "effect", nrbac_effect_slug(nrbac_reason_effect(reason)));
    set_text(question, map, "reason", nrbac_reason_slug(reason));
}

static void set_help(const nr_question *question, nrbac_value *map)
{
    nrbac_reason reason = question->verdict.reason;
    const char *fault = question->fault != NULL ? question->fault
                                                : refusal_of(question);
    if (fault != NULL)
        set_text(question, map, "fault", fault);
    if (reason == NRBAC_REASON_ROLE_SELECTION_REQUIRED)
        set(question, map, "candidates", candidates(question));
    if (reason == NRBAC_REASON_NOT_GRANTED ||
        reason == NRBAC_REASON_REQUIREMENT_NOT_MET)
        set_nearest(question, map);
}

nrbac_value *nr_answer_write(const nr_question *question)
{
    nrbac_document *document = question->document;
    nrbac_effect effect = nrbac_reason_effect(question->verdict.reason);
    nrbac_value *answer = nrbac_new_map(document);
    set(question, answer, "decision",
        nrbac_new_boolean(document, effect == NRBAC_PERMIT));

    nrbac_value *context = nrbac_new_map(document);
    set_outcome(question, context);
    set_text(question, context, "asked", question->request->action);
    set_grant(question, context);
    set_deciders(question, context);
    set(question, context, "profile", nr_answer_profile(question));
    set_text(question, context, "message", nr_message_write(question));
    set(question, context, "evidence", evidence_of(question));
    set(question, context, "obligations",
        nr_answer_obligations(question, &question->verdict));
    set_help(question, context);
    if (question->explain && question->holding.table != NULL &&
        requirement_of(question).count != 0)
        set(question, context, "requirement",
            nr_explain_requirement(question, requirement_of(question)));
    if (question->explain)
        set(question, context, "names", nr_explain_names(question, context));
    set(question, context, "warnings", nr_answer_warnings(question));
    set(question, context, "valid_until", valid_until(question));
    set(question, context, "policy", policy_of(question));
    set(question, answer, "context", context);
    return document->failed ? NULL : answer;
}

static nrbac_value *effective_activities(const nr_question *question)
{
    const nr_table *table = &question->policy->table;
    const nr_holding *holding = &question->holding;
    nrbac_document *document = question->document;
    if (holding->table == NULL)
        return nrbac_new_list(document);
    const char **codes = nr_arena_new_array(
        &document->arena, nr_bits_count(holding->closed, table->words), const char *);
    if (codes == NULL) {
        document->failed = true;
        return NULL;
    }
    size_t count = 0;
    for (uint32_t a = nr_bits_next(holding->closed, table->words, 0); a != NR_NONE;
         a = nr_bits_next(holding->closed, table->words, a + 1)) {
        nrbac_reason reason = nr_activity_reason(holding, a);
        if (nrbac_reason_effect(reason) == NRBAC_PERMIT)
            codes[count++] = code_of(table, a);
    }
    return nr_new_texts(document, codes, count);
}

static nrbac_value *permitted_functions(const nr_question *question)
{
    const nr_table *table = &question->policy->table;
    nrbac_value *list = nrbac_new_list(question->document);
    if (question->holding.table == NULL)
        return list;
    for (uint32_t f = 0; f < table->functions_count; f++) {
        if (nr_decide_function(&question->holding, f).reason ==
            NRBAC_REASON_REQUIREMENT_MET)
            nrbac_append(question->document, list,
                         text(question, nr_table_text(table, table->functions[f].id)));
    }
    return list;
}

nrbac_value *nr_answer_write_opened(const nr_question *question)
{
    nrbac_document *document = question->document;
    nrbac_value *answer = nrbac_new_map(document);
    set_outcome(question, answer);
    set(question, answer, "profile", nr_answer_profile(question));
    set_text(question, answer, "message", nr_message_write(question));
    if (question->policy != NULL) {
        set(question, answer, "activities", effective_activities(question));
        set(question, answer, "functions", permitted_functions(question));
    }
    set_deciders(question, answer);
    set(question, answer, "evidence", evidence_of(question));
    set(question, answer, "obligations", nrbac_new_list(document));
    set_help(question, answer);
    set(question, answer, "warnings", nr_answer_warnings(question));
    set(question, answer, "valid_until", valid_until(question));
    set(question, answer, "policy", policy_of(question));
    return document->failed ? NULL : answer;
}
