/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What loading makes of folders: which are read, in which order, and what the
 * model then holds. Folders are made here, in one that is removed at the end.
 */
#include "check.h"
#include "compile/compile.h"

#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char home[] = P_tmpdir "/nrbac-load-XXXXXX";

typedef struct attempt {
    nr_arena arena;
    nr_diags diags;
    nr_model model;
} attempt;

static void put(const char *path, const char *text)
{
    char folder[128];
    snprintf(folder, sizeof(folder), "%s", path);
    for (char *slash = strchr(folder, '/'); slash != NULL;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        (void)mkdir(folder, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void load(attempt *loaded, const char *folder, const char *root)
{
    memset(loaded, 0, sizeof(*loaded));
    loaded->diags.arena = &loaded->arena;
    loaded->model.arena = &loaded->arena;
    CHECK(nr_load(&loaded->model, folder, root, &loaded->diags) == NRBAC_OK);
    CHECK(nr_resolve(&loaded->model, &loaded->diags) == NRBAC_OK);
    CHECK(nr_check(&loaded->model, &loaded->diags) == NRBAC_OK);
    nr_diags_sort(&loaded->diags);
}

static void drop(attempt *loaded)
{
    nr_arena_finish(&loaded->arena);
}

static const char *first_message(const attempt *loaded)
{
    return loaded->diags.count == 0 ? "" : loaded->diags.items[0].message;
}

/* base is extended by both sides, and both by the top: it is taken once. */
static void a_diamond(void)
{
    put("base/p.yaml",
        "nrbac: 1\npolicy: { name: base, version: '1', nrd_version: '27.2', "
        "provenance: example }\nactivities: { B0001: { name: One } }\n");
    put("left/p.yaml",
        "nrbac: 1\npolicy: { name: left, version: '1', extends: [../base] }\n"
        "activities: { B0002: { includes: [B0001 one] } }\n");
    put("right/p.yaml",
        "nrbac: 1\npolicy: { name: right, version: '1', extends: [../base] }\n"
        "activities: { B0003: { includes: [B0001] } }\n");
    put("top/b/z.yaml", "nrbac: 1\nfunctions: { f: { require: B0003 } }\n");
    put("top/b.yaml",
        "nrbac: 1\nactivities: { local:x: { includes: [B0002, B0003] } }\n");
    put("top/a.yaml", "nrbac: 1\npolicy: { name: top, version: '2', extends: "
                      "[../left, ../right/] }\n");
    put("top/x_test.yaml", "not: read\n");
    put("top/.hidden.yaml", "not: read\n");
    put("top/subjects/one.json", "{}");
    attempt loaded;
    load(&loaded, "top", ".");
    CHECK_STR(first_message(&loaded), "");
    const nr_model *model = &loaded.model;
    CHECK_STR(model->name, "top");
    CHECK_STR(model->version, "2");
    CHECK_STR(model->nrd_version, "27.2");
    CHECK_INT(model->provenance, NR_PROVENANCE_EXAMPLE);
    CHECK_INT(model->sources.count, 6);
    CHECK_STR(model->sources.items[0]->origin, "a.yaml");
    CHECK_STR(model->sources.items[1]->origin, "b.yaml");
    CHECK_STR(model->sources.items[2]->origin, "b/z.yaml");
    CHECK_STR(model->sources.items[2]->path, "top/b/z.yaml");
    CHECK_STR(model->sources.items[3]->origin, "../left/p.yaml");
    CHECK_STR(model->sources.items[5]->origin, "../base/p.yaml");
    CHECK_STR(model->sources.items[5]->path, "base/p.yaml");
    for (uint32_t i = 0; i < model->sources.count; i++)
        CHECK_INT(model->sources.items[i]->index, i);
    CHECK_INT(model->activities.count, 4);
    CHECK_STR(model->activities.items[0].code, "B0001");
    CHECK(model->activities.items[0].national);
    CHECK_STR(model->activities.items[3].code, "local:x");
    CHECK(!model->activities.items[3].national);
    CHECK_INT(model->activities.items[3].includes.items[1].index, 2);
    drop(&loaded);
}

/* The root bounds what is extended, also when it does not exist. */
static void the_policy_root(void)
{
    put("fence/in/p.yaml",
        "nrbac: 1\npolicy: { name: in, version: '1', extends: [../../base] }\n");
    attempt loaded;
    load(&loaded, "fence/in", NULL);
    CHECK_STR(first_message(&loaded), "");
    drop(&loaded);
    load(&loaded, "fence/in", ".");
    CHECK_STR(first_message(&loaded), "");
    drop(&loaded);
    load(&loaded, "fence/in", "fence");
    CHECK_STR(first_message(&loaded), "`../../base` lies outside the policy root");
    drop(&loaded);
    load(&loaded, "fence/in", "fen");
    CHECK_STR(first_message(&loaded), "the policy root does not exist");
    drop(&loaded);
}

static void links_and_pipes(void)
{
    put("links/p.yaml",
        "nrbac: 1\npolicy: { name: links, version: '1', extends: [../way/base] }\n");
    CHECK(symlink(".", "way") == 0);
    CHECK(symlink("../base", "links/deeper") == 0);
    CHECK(symlink("nowhere", "links/README.md") == 0);
    CHECK(mkfifo("links/pipe.yaml", 0600) == 0);
    attempt loaded;
    load(&loaded, "links", NULL);
    CHECK_INT(loaded.diags.count, 3);
    CHECK_STR(loaded.diags.items[0].message, "a symbolic link is not followed");
    CHECK_STR(loaded.diags.items[1].message, "not a regular file");
    CHECK_STR(loaded.diags.items[2].message,
              "`../way/base` leads through a symbolic link");
    drop(&loaded);
}

/* An alternative of any is a mistake only if all are; a code counts as its
 * replacement; obligations of one permit are counted, not of all. */
static void requirements(void)
{
    put("req/p.yaml",
        "nrbac: 1\npolicy: { name: req, version: '1' }\n"
        "activities:\n  B0001:\n  B0002: { status: obsolete, replaced_by: B0001 }\n"
        "  B0003: { status: obsolete }\n"
        "job_roles: { R0001: , R0002: }\n"
        "exclusive: [{ name: s, activities: [B0001, B0002], on_conflict: warn }]\n"
        "functions:\n"
        "  some: { require: { any: [B0003, { all: [{ role: R0001 }, { any: [{ role: R0002 }, { role: R0001 }] }] }] } }\n"
        "  none: { require: { any: [B0003, { all: [{ role: R0001 }, { role: R0002 }] }] } }\n"
        "  here: { require: { all: [{ organisation: request }, { organisation: RBA }] } }\n"
        "  code: { require: B0002 }\n");
    attempt loaded;
    load(&loaded, "req", NULL);
    size_t never = 0;
    for (size_t i = 0; i < loaded.diags.count; i++)
        never += loaded.diags.items[i].code == NR_DIAG_NEVER_MET;
    CHECK_INT(never, 1);
    CHECK_INT(loaded.diags.error_count, 1);
    CHECK_INT(loaded.model.functions.items[3].require->code.index, 0);
    drop(&loaded);
}

/* Operations have the patterns of their API unless they name their own; what is
 * left out has its default; mentions are resolved within the API. */
static void apis_and_applications(void)
{
    put("api/a.yaml",
        "nrbac: 1\npolicy: { name: api, version: '1' }\n"
        "activities: { B0001: , B0002: }\nobligations: { tell: }\n"
        "apis:\n  plain: { patterns: [open-access], operations: { read: , list: } }\n"
        "  full:\n    name: Full\n"
        "    patterns: [user-restricted/cis2-separate, user-restricted/nhs-login-combined]\n"
        "    rbac: national\n    local_user: authorised\n    operations:\n"
        "      list: { patterns: [application-restricted/tls-ma], obligations: [tell] }\n"
        "      read: { name: Read it, require: { all: [B0002, B0001] }, delegation: allowed }\n");
    put("api/b.yaml",
        "nrbac: 1\napplications:\n"
        "  one: { authenticated_by: [tls-ma, api-key], apis: { full: [read, list], plain: all }, organisations: [RBA] }\n"
        "  two: { name: Two, authenticated_by: [signed-jwt], status: closed }\n"
        "suspend: [{ application: two }]\n");
    attempt loaded;
    load(&loaded, "api", NULL);
    CHECK_STR(first_message(&loaded), "");
    const nr_model *model = &loaded.model;
    CHECK_INT(model->apis.count, 2);
    const nr_api *plain = &model->apis.items[0];
    const nr_api *full = &model->apis.items[1];
    CHECK_STR(plain->id, "plain");
    CHECK_INT(plain->rbac, NR_RBAC_OWN);
    CHECK_INT(plain->local_user, NR_LOCAL_USER_NONE);
    CHECK_INT(plain->operations.items[1].patterns, 1 << NR_PATTERN_OPEN_ACCESS);
    CHECK(!plain->operations.items[1].own_patterns);
    CHECK(plain->operations.items[1].require == NULL);
    CHECK_STR(full->name, "Full");
    CHECK_INT(full->rbac, NR_RBAC_NATIONAL);
    CHECK_INT(full->local_user, NR_LOCAL_USER_AUTHORISED);
    CHECK_INT(full->operations.items[0].patterns, 1 << NR_PATTERN_TLS_MA);
    CHECK(full->operations.items[0].own_patterns);
    CHECK_INT(full->operations.items[0].obligations.items[0].index, 0);
    CHECK(!full->operations.items[0].delegation);
    const nr_operation *read = &full->operations.items[1];
    CHECK_INT(read->patterns,
              1 << NR_PATTERN_CIS2_SEPARATE | 1 << NR_PATTERN_NHS_LOGIN_COMBINED);
    CHECK(read->delegation);
    CHECK_INT(read->require->children->code.index, 1);
    const nr_application *one = &model->applications.items[0];
    CHECK_INT(one->proofs, NR_PROOF_TLS_MA | NR_PROOF_API_KEY);
    CHECK(!one->any_organisation && !one->closed);
    CHECK_STR(one->organisations.items[0].code, "RBA");
    CHECK_INT(one->allowances.items[0].api.index, 1);
    CHECK_INT(one->allowances.items[0].operations.items[0].index, 1);
    CHECK(!one->allowances.items[0].all && one->allowances.items[1].all);
    const nr_application *two = &model->applications.items[1];
    CHECK(two->closed && two->any_organisation);
    CHECK_INT(two->allowances.count, 0);
    CHECK_INT(model->suspensions.items[0].what.index, 1);
    drop(&loaded);
}

/* The limit is of operations of all APIs together. */
static void too_many_operations(void)
{
    static char text[1 << 19];
    size_t used = (size_t)snprintf(text, sizeof(text),
                                   "nrbac: 1\npolicy: { name: many, version: '1' }\n"
                                   "apis:\n");
    for (int api = 0; api < 2; api++) {
        used += (size_t)snprintf(text + used, sizeof(text) - used,
                                 "  a%d:\n    patterns: [open-access]\n"
                                 "    operations:\n",
                                 api);
        for (int i = 0; i < NR_OPERATION_MAX / 2 + api; i++)
            used += (size_t)snprintf(text + used, sizeof(text) - used, "      o%d:\n",
                                     i);
    }
    put("many/p.yaml", text);
    attempt loaded;
    load(&loaded, "many", NULL);
    CHECK_INT(loaded.diags.count, 1);
    CHECK_STR(first_message(&loaded), "more than 8192 operations");
    drop(&loaded);
}

static int remove_one(const char *path, const struct stat *stat, int kind,
                      struct FTW *at)
{
    (void)stat;
    (void)kind;
    (void)at;
    return remove(path);
}

int main(void)
{
    if (mkdtemp(home) == NULL || chdir(home) != 0) {
        perror(home);
        return 1;
    }
    a_diamond();
    the_policy_root();
    links_and_pipes();
    requirements();
    apis_and_applications();
    too_many_operations();
    CHECK(nftw(home, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
    return check_report();
}
