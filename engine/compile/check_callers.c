/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lints of APIs and applications: what can never be called, and what is called
 * without anybody looking at the user.
 */
#include "compile/checks.h"

enum { HEALTHCARE_WORKER = 1, PATIENT = 2 };

typedef struct pattern_row {
    const char *slug;
    nr_proof proof;
    nr_pattern_user user;
} pattern_row;

static const pattern_row patterns[NR_PATTERN_COUNT] = {
#define NRBAC_PATTERN(number, NAME, slug, PROOF, USER, aal, doc) \
    [number] = { slug, NR_PROOF_##PROOF, NR_USER_##USER },
#include <nrbac/pattern.def>
#undef NRBAC_PATTERN
};

/* Operations are numbered through, API after API. */
typedef struct caller_check {
    nr_checking *checking;
    size_t *first;     /* by API: its first operation's number */
    uint32_t *proofs;  /* by operation: how its callers may authenticate */
    bool *called;      /* by operation: some application may call it */
    size_t operations; /* of all APIs */
} caller_check;

static bool offers(uint32_t set, uint32_t pattern)
{
    return (set >> pattern & 1) != 0;
}

/* ---- Who may call what ------------------------------------------------------------- */

static void let_call(caller_check *check, const nr_application *application,
                     size_t operation)
{
    check->called[operation] = true;
    check->proofs[operation] |= application->proofs;
}

static void go_through(caller_check *check, const nr_application *application)
{
    const nr_model *model = check->checking->model;
    for (size_t i = 0; i < application->allowances.count; i++) {
        const nr_allowance *allowance = &application->allowances.items[i];
        uint32_t api = allowance->api.index;
        size_t count = model->apis.items[api].operations.count;
        for (size_t k = 0; allowance->all && k < count; k++)
            let_call(check, application, check->first[api] + k);
        for (size_t k = 0; k < allowance->operations.count; k++)
            let_call(check, application,
                     check->first[api] + allowance->operations.items[k].index);
    }
}

static nrbac_status find_callers(caller_check *check)
{
    const nr_model *model = check->checking->model;
    nr_arena *scratch = check->checking->scratch;
    check->first = nr_arena_new_array(scratch, model->apis.count, size_t);
    if (check->first == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < model->apis.count; i++) {
        check->first[i] = check->operations;
        check->operations += model->apis.items[i].operations.count;
    }
    check->proofs = nr_arena_new_array(scratch, check->operations, uint32_t);
    check->called = nr_arena_new_array(scratch, check->operations, bool);
    if (check->proofs == NULL || check->called == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < model->applications.count; i++)
        if (!model->applications.items[i].closed)
            go_through(check, &model->applications.items[i]);
    return NRBAC_OK;
}

/* Nobody needs an application under `open-access`. */
static bool is_callable(const caller_check *check, const nr_operation *operation,
                        size_t number)
{
    return check->called[number] || offers(operation->patterns, NR_PATTERN_OPEN_ACCESS);
}

/* Once for an API that nobody may call at all. */
static void check_called(const caller_check *check, const nr_api *api, size_t first)
{
    nr_diags *diags = check->checking->diags;
    size_t uncalled = 0;
    for (size_t i = 0; i < api->operations.count; i++)
        uncalled += !is_callable(check, &api->operations.items[i], first + i);
    if (uncalled == api->operations.count && uncalled > 1) {
        nr_diag_add(diags, NR_DIAG_UNCALLED_OPERATION, api->at,
                    "no application may call any operation of `%s`", api->id);
        return;
    }
    for (size_t i = 0; uncalled > 0 && i < api->operations.count; i++) {
        if (!is_callable(check, &api->operations.items[i], first + i))
            nr_diag_add(diags, NR_DIAG_UNCALLED_OPERATION, api->operations.items[i].at,
                        "no application may call `%s` of `%s`",
                        api->operations.items[i].id, api->id);
    }
}

/* ---- Patterns that nobody can meet ------------------------------------------------- */

static bool is_met_by(uint32_t pattern, uint32_t proofs)
{
    return patterns[pattern].proof == NR_PROOF_NOTHING ||
           ((uint32_t)patterns[pattern].proof & proofs) != 0;
}

static void tell_unmeetable(nr_diags *diags, nr_span at, const char *id,
                            uint32_t pattern)
{
    nr_diag_add(diags, NR_DIAG_UNMEETABLE_PATTERN, at,
                "no application that may call `%s` can authenticate as `%s` wants", id,
                patterns[pattern].slug);
}

/* An inherited pattern is looked at for all operations together: it was written
 * once, and need not be of use to each. */
static void check_inherited(const caller_check *check, const nr_api *api, size_t first)
{
    uint32_t proofs = 0;
    bool called = false;
    for (size_t i = 0; i < api->operations.count; i++) {
        if (api->operations.items[i].own_patterns)
            continue;
        proofs |= check->proofs[first + i];
        called |= check->called[first + i];
    }
    for (uint32_t pattern = 0; called && pattern < NR_PATTERN_COUNT; pattern++)
        if (offers(api->patterns, pattern) && !is_met_by(pattern, proofs))
            tell_unmeetable(check->checking->diags, api->at, api->id, pattern);
}

static void check_own(const caller_check *check, const nr_operation *operation,
                      size_t number)
{
    if (!operation->own_patterns || !check->called[number])
        return;
    for (uint32_t pattern = 0; pattern < NR_PATTERN_COUNT; pattern++) {
        if (offers(operation->patterns, pattern) &&
            !is_met_by(pattern, check->proofs[number]))
            tell_unmeetable(check->checking->diags, operation->at, operation->id,
                            pattern);
    }
}

/* ---- Users and their levels -------------------------------------------------------- */

/* Whose levels of assurance may come with a pattern. */
static unsigned users_of(const nr_api *api, uint32_t pattern)
{
    switch (patterns[pattern].user) {
    case NR_USER_LOCAL:
        return api->local_user == NR_LOCAL_USER_NONE ? 0 : HEALTHCARE_WORKER | PATIENT;
    case NR_USER_CIS2:
    case NR_USER_PLATFORM_CIS2:
        return HEALTHCARE_WORKER;
    case NR_USER_NHS_LOGIN:
    case NR_USER_PLATFORM_NHS_LOGIN:
        return PATIENT;
    case NR_USER_NOBODY:
    case NR_USER_CIS1: /* says no level */
        break;
    }
    return 0;
}

static unsigned users_of_all(const nr_api *api, uint32_t set)
{
    unsigned users = 0;
    for (uint32_t pattern = 0; pattern < NR_PATTERN_COUNT; pattern++)
        if (offers(set, pattern))
            users |= users_of(api, pattern);
    return users;
}

/* Whose levels the atom asks for; 0: none. */
static unsigned asks_level_of(const nr_requirement *node)
{
    if (node->atom == NR_ATOM_AAL || node->atom == NR_ATOM_IAL)
        return HEALTHCARE_WORKER;
    return node->atom == NR_ATOM_PROOFING ? PATIENT : 0;
}

static const char *level_name(const nr_requirement *node)
{
    if (node->atom == NR_ATOM_PROOFING)
        return "proofing";
    return node->atom == NR_ATOM_AAL ? "aal" : "ial";
}

static void check_levels(nr_diags *diags, const nr_api *api,
                         const nr_operation *operation)
{
    const nr_requirement *waiting[NR_REQUIREMENT_DEPTH_MAX + 1];
    unsigned users = users_of_all(api, operation->patterns);
    size_t depth = 0;
    if (operation->require != NULL)
        waiting[depth++] = operation->require;
    while (depth > 0) {
        const nr_requirement *node = waiting[--depth];
        if ((asks_level_of(node) & ~users) != 0)
            nr_diag_add(diags, NR_DIAG_LEVEL_UNAVAILABLE, node->at,
                        "`%s` asks for `%s`, which no pattern that it offers can give",
                        operation->id, level_name(node));
        if (node != operation->require && node->next != NULL)
            waiting[depth++] = node->next;
        if (node->children != NULL)
            waiting[depth++] = node->children;
    }
}

/* A patient is held to their own record, so that the requirement may be absent. */
static void check_user(nr_diags *diags, const nr_api *api,
                       const nr_operation *operation)
{
    if (operation->require != NULL || api->rbac == NR_RBAC_NONE)
        return;
    for (uint32_t pattern = 0; pattern < NR_PATTERN_COUNT; pattern++) {
        nr_pattern_user user = patterns[pattern].user;
        bool worker = user == NR_USER_CIS2 || user == NR_USER_PLATFORM_CIS2 ||
                      user == NR_USER_CIS1;
        if (!worker || !offers(operation->patterns, pattern))
            continue;
        nr_diag *diag = nr_diag_add(diags, NR_DIAG_UNAUTHORISED_USER, operation->at,
                                    "nobody authorises the user of `%s` under `%s`",
                                    operation->id, patterns[pattern].slug);
        nr_diag_help(diags, diag,
                     "say what it takes with `require`, or `rbac: none` at the API");
        return;
    }
}

/* ---- All of them ------------------------------------------------------------------- */

static void check_api(const caller_check *check, const nr_api *api, size_t first)
{
    nr_diags *diags = check->checking->diags;
    check_called(check, api, first);
    check_inherited(check, api, first);
    for (size_t i = 0; i < api->operations.count; i++) {
        const nr_operation *operation = &api->operations.items[i];
        check_own(check, operation, first + i);
        check_user(diags, api, operation);
        check_levels(diags, api, operation);
    }
}

nrbac_status nr_check_callers(nr_checking *checking)
{
    const nr_model *model = checking->model;
    caller_check check = { .checking = checking };
    NR_TRY(find_callers(&check));
    for (size_t i = 0; i < model->apis.count; i++)
        if (nr_check_is_own(model->apis.items[i].at))
            check_api(&check, &model->apis.items[i], check.first[i]);
    for (size_t i = 0; i < model->applications.count; i++) {
        const nr_application *application = &model->applications.items[i];
        if (application->proofs != 0 || !nr_check_is_own(application->at))
            continue;
        nr_diag *diag = nr_diag_add(
            checking->diags, NR_DIAG_UNAUTHENTICATED_APPLICATION, application->at,
            "application `%s` has no way to authenticate", application->id);
        nr_diag_help(checking->diags, diag,
                     "say `authenticated_by` with `api-key`, `signed-jwt` or `tls-ma`");
    }
    return NRBAC_OK;
}
