/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sections `apis` and `applications`: what may be called under which security
 * pattern, and who may call it.
 */
#include "compile/loader.h"

#include <string.h>

static bool out_of_memory(nr_loader *loader)
{
    loader->diags->failed = true;
    return false;
}

/* An id stands in requests and answers, and on lines of its own kind. */
static bool is_id(nr_loader *loader, const nr_node *node, const char *what)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
                                  "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t size = strlen(node->key);
    if (size > 0 && size <= 128 && strspn(node->key, letters) == size)
        return true;
    nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_BAD_VALUE, node->key_at,
                                "`%.100s` cannot be the id of %s", node->key, what);
    nr_diag_help(loader->diags, diag,
                 "an id is 1 to 128 letters, digits, dots, dashes and underscores");
    return false;
}

/* A word that may be left out; the first is then meant, also after a diagnostic. */
static unsigned take_word(nr_loader *loader, const nr_node *node,
                          const char *const *words, size_t count)
{
    if (node == NULL)
        return 0;
    const char *what = nr_arena_format(loader->arena, "`%s`", node->key);
    if (what == NULL) {
        out_of_memory(loader);
        return 0;
    }
    int word = nr_node_choice(node, what, words, count, loader->diags);
    return word < 0 ? 0 : (unsigned)word;
}

/* ---- Patterns ---------------------------------------------------------------------- */

static const char *const pattern_slugs[NR_PATTERN_COUNT] = {
#define NRBAC_PATTERN(number, NAME, slug, PROOF, USER, aal, doc) [number] = slug,
#include <nrbac/pattern.def>
#undef NRBAC_PATTERN
};

/* As bits; 0 if there are none, which the caller tells where `*told` is false. */
static uint32_t take_patterns(nr_loader *loader, const nr_node *node, bool *told)
{
    uint32_t patterns = 0;
    if (node == NULL)
        return 0;
    if (!nr_node_is_sequence(node, "`patterns`", loader->diags)) {
        *told = true;
        return 0;
    }
    for (const nr_node *item = node->first; item != NULL; item = item->next) {
        int word = nr_node_choice(item, "a pattern", pattern_slugs, NR_PATTERN_COUNT,
                                  loader->diags);
        *told |= word < 0;
        if (word >= 0)
            patterns |= UINT32_C(1) << word;
    }
    return patterns;
}

/* ---- Operations -------------------------------------------------------------------- */

enum {
    OPERATION_NAME,
    OPERATION_PATTERNS,
    REQUIRE,
    OBLIGATIONS,
    DELEGATION,
    OPERATION_FIELDS
};

static const nr_field operation_fields[OPERATION_FIELDS] = {
    [OPERATION_NAME] = { "name", false },
    [OPERATION_PATTERNS] = { "patterns", false },
    [REQUIRE] = { "require", false },
    [OBLIGATIONS] = { "obligations", false },
    [DELEGATION] = { "delegation", false },
};

static const char *const delegations[] = { "refused", "allowed" };

static void take_operation_fields(nr_loader *loader, const nr_node *node,
                                  nr_operation *operation, bool *told)
{
    const nr_node *values[OPERATION_FIELDS];
    if (nr_node_is_nothing(node) ||
        !nr_node_fields(node, "an operation", operation_fields, OPERATION_FIELDS,
                        values, loader->diags))
        return;
    operation->name = nr_loader_take_text(loader, values[OPERATION_NAME], "`name`");
    operation->own_patterns = values[OPERATION_PATTERNS] != NULL;
    if (operation->own_patterns) {
        *told = false;
        operation->patterns = take_patterns(loader, values[OPERATION_PATTERNS], told);
    }
    nr_loader_take_mentions(loader, values[OBLIGATIONS], "`obligations`",
                            &operation->obligations);
    operation->delegation = take_word(loader, values[DELEGATION], delegations,
                                      NR_COUNT(delegations)) == 1;
    if (values[REQUIRE] != NULL)
        operation->require = nr_loader_take_requirement(loader, values[REQUIRE]);
}

/* `told`: the API's patterns had a diagnostic already. */
static void take_operation(nr_loader *loader, const nr_node *node,
                           nr_operation *operation, bool told)
{
    take_operation_fields(loader, node, operation, &told);
    if (operation->patterns != 0 || told)
        return;
    nr_diag *diag = nr_diag_add(loader->diags, NR_DIAG_NO_PATTERN, node->key_at,
                                "operation `%s` has no security pattern", node->key);
    nr_diag_help(loader->diags, diag,
                 "say `patterns` at the operation or at its API; `open-access` is one");
}

static void take_operations(nr_loader *loader, const nr_node *section, nr_api *api,
                            bool told)
{
    if (section == NULL || !nr_node_is_mapping(section, "`operations`", loader->diags))
        return;
    if (section->first == NULL)
        nr_diag_add(loader->diags, NR_DIAG_BAD_VALUE, section->at,
                    "`operations` is empty");
    for (const nr_node *node = section->first; node != NULL; node = node->next) {
        if (!is_id(loader, node, "an operation"))
            continue;
        if (!nr_loader_has_room(loader, loader->operations, NR_OPERATION_MAX,
                                node->key_at, "operations"))
            return;
        nr_operation *operation = nr_list_add(loader->arena, &api->operations);
        if (operation == NULL) {
            out_of_memory(loader);
            return;
        }
        loader->operations++;
        *operation = (nr_operation){
            .id = node->key,
            .at = node->key_at,
            .patterns = api->patterns,
        };
        take_operation(loader, node, operation, told);
    }
}

/* ---- apis -------------------------------------------------------------------------- */

enum { API_NAME, API_PATTERNS, RBAC, LOCAL_USER, OPERATIONS, API_FIELDS };

static const nr_field api_fields[API_FIELDS] = {
    [API_NAME] = { "name", false },
    [API_PATTERNS] = { "patterns", false },
    [RBAC] = { "rbac", false },
    [LOCAL_USER] = { "local_user", false },
    [OPERATIONS] = { "operations", true },
};

static const char *const rbacs[] = {
    [NR_RBAC_OWN] = "own",
    [NR_RBAC_NATIONAL] = "national",
    [NR_RBAC_NONE] = "none",
};

static const char *const local_users[] = {
    [NR_LOCAL_USER_NONE] = "none",
    [NR_LOCAL_USER_AUTHENTICATED] = "authenticated",
    [NR_LOCAL_USER_AUTHORISED] = "authorised",
};

static void take_api(nr_loader *loader, const nr_node *node, nr_api *api)
{
    const nr_node *values[API_FIELDS];
    bool told = false;
    if (!nr_node_fields(node, "an API", api_fields, API_FIELDS, values, loader->diags))
        return;
    api->name = nr_loader_take_text(loader, values[API_NAME], "`name`");
    api->patterns = take_patterns(loader, values[API_PATTERNS], &told);
    api->rbac = (nr_rbac)take_word(loader, values[RBAC], rbacs, NR_COUNT(rbacs));
    api->local_user = (nr_local_user)take_word(loader, values[LOCAL_USER], local_users,
                                               NR_COUNT(local_users));
    take_operations(loader, values[OPERATIONS], api, told);
}

void nr_loader_take_apis(nr_loader *loader, const nr_node *section)
{
    nr_model *model = loader->model;
    if (!nr_node_is_mapping(section, "`apis`", loader->diags))
        return;
    for (const nr_node *node = section->first; node != NULL; node = node->next) {
        if (!is_id(loader, node, "an API") ||
            !nr_loader_declare(loader, &loader->apis, node->key, node->key_at))
            continue;
        if (!nr_loader_has_room(loader, model->apis.count, NR_API_MAX, node->key_at,
                                "APIs"))
            return;
        nr_api *api = nr_list_add(loader->arena, &model->apis);
        if (api == NULL) {
            out_of_memory(loader);
            return;
        }
        *api = (nr_api){ .id = node->key, .at = node->key_at };
        take_api(loader, node, api);
    }
}

/* ---- applications ------------------------------------------------------------------ */

enum {
    APPLICATION_NAME,
    AUTHENTICATED_BY,
    APIS,
    ORGANISATIONS,
    STATUS,
    APPLICATION_FIELDS
};

static const nr_field application_fields[APPLICATION_FIELDS] = {
    [APPLICATION_NAME] = { "name", false },
    [AUTHENTICATED_BY] = { "authenticated_by", false },
    [APIS] = { "apis", false },
    [ORGANISATIONS] = { "organisations", false },
    [STATUS] = { "status", false },
};

static const char *const statuses[] = { "active", "closed" };

static uint32_t take_proofs(nr_loader *loader, const nr_node *node)
{
    static const char *const words[] = { "api-key", "signed-jwt", "tls-ma" };
    static const nr_proof proofs[] = { NR_PROOF_API_KEY, NR_PROOF_SIGNED_JWT,
                                       NR_PROOF_TLS_MA };
    uint32_t bits = 0;
    if (node == NULL || !nr_node_is_sequence(node, "`authenticated_by`", loader->diags))
        return 0;
    for (const nr_node *item = node->first; item != NULL; item = item->next) {
        int word = nr_node_choice(item, "a way to authenticate", words, NR_COUNT(words),
                                  loader->diags);
        if (word >= 0)
            bits |= (uint32_t)proofs[word];
    }
    return bits;
}

static bool says_all(nr_loader *loader, const nr_node *node)
{
    static const char *const words[] = { "all" };
    return nr_node_choice(node, "what may be called", words, NR_COUNT(words),
                          loader->diags) == 0;
}

static bool take_allowance(nr_loader *loader, nr_application *application,
                           const nr_node *node)
{
    nr_allowance *allowance = nr_list_add(loader->arena, &application->allowances);
    if (allowance == NULL)
        return out_of_memory(loader);
    *allowance = (nr_allowance){
        .api = { .code = node->key, .at = node->key_at, .index = NR_NONE },
    };
    if (node->kind == NR_NODE_SCALAR) {
        allowance->all = says_all(loader, node);
        return true;
    }
    nr_loader_take_some(loader, node, "what may be called", &allowance->operations);
    return true;
}

static void take_allowances(nr_loader *loader, nr_application *application,
                            const nr_node *node)
{
    if (node == NULL)
        return;
    if (node->kind == NR_NODE_SCALAR && !nr_node_is_nothing(node)) {
        application->every_api = says_all(loader, node);
        return;
    }
    if (!nr_node_is_mapping(node, "`apis`", loader->diags))
        return;
    for (const nr_node *item = node->first; item != NULL; item = item->next)
        if (!take_allowance(loader, application, item))
            return;
}

static void take_application(nr_loader *loader, const nr_node *node,
                             nr_application *application)
{
    const nr_node *values[APPLICATION_FIELDS];
    if (!nr_node_fields(node, "an application", application_fields, APPLICATION_FIELDS,
                        values, loader->diags))
        return;
    application->name = nr_loader_take_text(loader, values[APPLICATION_NAME], "`name`");
    application->proofs = take_proofs(loader, values[AUTHENTICATED_BY]);
    application->any_organisation = values[ORGANISATIONS] == NULL;
    nr_loader_take_some(loader, values[ORGANISATIONS], "`organisations`",
                        &application->organisations);
    application->closed = take_word(loader, values[STATUS], statuses,
                                    NR_COUNT(statuses)) == 1;
    take_allowances(loader, application, values[APIS]);
}

void nr_loader_take_applications(nr_loader *loader, const nr_node *section)
{
    nr_model *model = loader->model;
    if (!nr_node_is_mapping(section, "`applications`", loader->diags))
        return;
    for (const nr_node *node = section->first; node != NULL; node = node->next) {
        if (!is_id(loader, node, "an application") ||
            !nr_loader_declare(loader, &loader->applications, node->key, node->key_at))
            continue;
        if (!nr_loader_has_room(loader, model->applications.count, NR_APPLICATION_MAX,
                                node->key_at, "applications"))
            return;
        nr_application *application = nr_list_add(loader->arena, &model->applications);
        if (application == NULL) {
            out_of_memory(loader);
            return;
        }
        *application = (nr_application){ .id = node->key, .at = node->key_at };
        take_application(loader, node, application);
    }
}
