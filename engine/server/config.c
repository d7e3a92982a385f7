/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The configuration: what the options say, in YAML, and what only it says. Every
 * mistake of the file is told at once, with its place.
 */
#include "server/log.h"
#include "server/options.h"
#include "text/render.h"
#include "text/yaml.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

typedef enum config_key {
    KEY_POLICY,
    KEY_SOCKET,
    KEY_AUDIT,
    KEY_AUDIT_DURABILITY,
    KEY_AUDIT_FLUSH_MS,
    KEY_AUDIT_KEY,
    KEY_AUDIT_CHECKPOINTS,
    KEY_AUDIT_PATIENTS,
    KEY_AUDIT_KEEP_DAYS,
    KEY_EVIDENCE,
    KEY_POLICY_ROOT,
    KEY_UNSAFE_NO_AUDIT,
    KEY_ALLOW_EXAMPLE,
    KEY_TAKEOVER,
    KEY_TRUST_REQUEST_TIME,
    KEY_TRUST_APPLICATIONS,
    KEY_SOCKET_MODE,
    KEY_RELOAD_USERS,
    KEY_GATEWAYS,
    KEY_ATTACH_USERS,
    KEY_PUBLISH_TO,
    KEY_STALE_SECONDS,
    KEY_THREADS,
    KEY_APPLICATIONS,
#define NR_LIMIT(name, key, standard, least, most, doc) KEY_LIMIT_##name,
    NR_LIMITS
#undef NR_LIMIT
        KEY_COUNT,
} config_key;

static const nr_field fields[KEY_COUNT] = {
    [KEY_POLICY] = { "policy", false },
    [KEY_SOCKET] = { "socket", false },
    [KEY_AUDIT] = { "audit", false },
    [KEY_AUDIT_DURABILITY] = { "audit_durability", false },
    [KEY_AUDIT_FLUSH_MS] = { "audit_flush_ms", false },
    [KEY_AUDIT_KEY] = { "audit_key", false },
    [KEY_AUDIT_CHECKPOINTS] = { "audit_checkpoints", false },
    [KEY_AUDIT_PATIENTS] = { "audit_patients", false },
    [KEY_AUDIT_KEEP_DAYS] = { "audit_keep_days", false },
    [KEY_EVIDENCE] = { "evidence", false },
    [KEY_POLICY_ROOT] = { "policy_root", false },
    [KEY_UNSAFE_NO_AUDIT] = { "unsafe_no_audit", false },
    [KEY_ALLOW_EXAMPLE] = { "allow_example", false },
    [KEY_TAKEOVER] = { "takeover", false },
    [KEY_TRUST_REQUEST_TIME] = { "trust_request_time", false },
    [KEY_TRUST_APPLICATIONS] = { "trust_applications", false },
    [KEY_SOCKET_MODE] = { "socket_mode", false },
    [KEY_RELOAD_USERS] = { "reload_users", false },
    [KEY_GATEWAYS] = { "gateways", false },
    [KEY_ATTACH_USERS] = { "attach_users", false },
    [KEY_PUBLISH_TO] = { "publish_to", false },
    [KEY_STALE_SECONDS] = { "stale_seconds", false },
    [KEY_THREADS] = { "threads", false },
    [KEY_APPLICATIONS] = { "applications", false },
#define NR_LIMIT(name, key, standard, least, most, doc) \
    [KEY_LIMIT_##name] = { key, false },
    NR_LIMITS
#undef NR_LIMIT
};

typedef struct config {
    nr_options *options;
    const nr_node *values[KEY_COUNT];
    nr_diags diags;
} config;

static const char *quoted(config *c, config_key key)
{
    const char *text = nr_arena_format(c->diags.arena, "`%s`", fields[key].key);
    return text == NULL ? fields[key].key : text;
}

static void read_text(config *c, config_key key, const char **out)
{
    const char *text = c->values[key] == NULL
                           ? NULL
                           : nr_node_text(c->values[key], quoted(c, key), &c->diags);
    if (text != NULL)
        *out = text;
}

static void read_boolean(config *c, config_key key, bool *out)
{
    if (c->values[key] != NULL)
        (void)nr_node_boolean(c->values[key], quoted(c, key), out, &c->diags);
}

static void read_limit(config *c, config_key key, int64_t least, int64_t most,
                       uint32_t *out)
{
    int64_t number = 0;
    if (c->values[key] != NULL && nr_node_integer(c->values[key], quoted(c, key), least,
                                                  most, &number, &c->diags))
        *out = (uint32_t)number;
}

static void read_mode(config *c)
{
    const char *text = NULL;
    read_text(c, KEY_SOCKET_MODE, &text);
    if (text != NULL && !nr_mode_read(text, &c->options->socket_mode))
        nr_diag_add(&c->diags, NR_DIAG_BAD_VALUE, c->values[KEY_SOCKET_MODE]->at,
                    "`socket_mode` must be octal, such as 0660, but is `%.20s`", text);
}

/* A user by name or by number. Unmapped users are bound to nothing. */
static bool find_user(const char *text, uid_t *out)
{
    char *end = NULL;
    unsigned long number = strtoul(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0') {
        *out = (uid_t)number;
        return number < UINT32_MAX && number != NR_ID_UNMAPPED;
    }
    const struct passwd *found = getpwnam(text);
    if (found != NULL)
        *out = found->pw_uid;
    return found != NULL && found->pw_uid != NR_ID_UNMAPPED;
}

static void read_listed_user(config *c, const nr_node *node, config_key key,
                             nr_users *users)
{
    const char *text = nr_node_text(node, "a user", &c->diags);
    uid_t uid = 0;
    if (text == NULL)
        return;
    if (!find_user(text, &uid))
        nr_diag_add(&c->diags, NR_DIAG_BAD_VALUE, node->at,
                    "`%.80s` is not a user that can be given rights", text);
    else if (users->count == NR_USER_MAX)
        nr_diag_add(&c->diags, NR_DIAG_TOO_LARGE, node->at,
                    "`%s` has more than %d users", fields[key].key, NR_USER_MAX);
    else
        users->items[users->count++] = uid;
}

static void read_users(config *c, config_key key, nr_users *users)
{
    const nr_node *list = c->values[key];
    if (list == NULL || !nr_node_is_sequence(list, quoted(c, key), &c->diags))
        return;
    for (const nr_node *node = list->first; node != NULL; node = node->next)
        read_listed_user(c, node, key, users);
}

/* What a binding must be, once it is read. */
static void check_binding(config *c, const nr_node *node, const nr_binding *binding)
{
    if (!binding->has_uid && !binding->has_gid)
        nr_diag_add(&c->diags, NR_DIAG_MISSING_KEY, node->at,
                    "`peer` says who: `user`, `uid` or `gid`");
    else if ((binding->has_uid && binding->uid == NR_ID_UNMAPPED) ||
             (binding->has_gid && binding->gid == NR_ID_UNMAPPED))
        nr_diag_add(&c->diags, NR_DIAG_BAD_VALUE, node->at,
                    "%d stands for whoever is not known, and is bound to nothing",
                    NR_ID_UNMAPPED);
}

static void read_peer_user(config *c, const nr_node *node, nr_binding *binding)
{
    const char *user = nr_node_text(node, "`user`", &c->diags);
    if (user != NULL && !find_user(user, &binding->uid))
        nr_diag_add(&c->diags, NR_DIAG_BAD_VALUE, node->at,
                    "`%.80s` is not a user that can be given rights", user);
}

/* The peer of an application: `{ user: gp }`, `{ uid: 123 }`, `{ gid: 456 }`. */
static void read_peer(config *c, const nr_node *node, nr_binding *binding)
{
    static const nr_field keys[] = { { "user", false },
                                     { "uid", false },
                                     { "gid", false } };
    const nr_node *values[NR_COUNT(keys)];
    int64_t number = 0;
    if (!nr_node_fields(node, "`peer`", keys, NR_COUNT(keys), values, &c->diags))
        return;
    size_t before = c->diags.count;
    if (values[0] != NULL)
        read_peer_user(c, values[0], binding);
    if (values[1] != NULL &&
        nr_node_integer(values[1], "`uid`", 0, NR_ID_MAX, &number, &c->diags))
        binding->uid = (uid_t)number;
    if (values[2] != NULL &&
        nr_node_integer(values[2], "`gid`", 0, NR_ID_MAX, &number, &c->diags))
        binding->gid = (gid_t)number;
    if (values[0] != NULL && values[1] != NULL)
        nr_diag_add(&c->diags, NR_DIAG_BAD_VALUE, values[1]->key_at,
                    "`user` and `uid` say the same: give one of them");
    binding->has_uid = values[0] != NULL || values[1] != NULL;
    binding->has_gid = values[2] != NULL;
    if (c->diags.count == before)
        check_binding(c, node, binding);
}

static void read_applications(config *c)
{
    static const nr_field keys[] = { { "peer", true } };
    const nr_node *map = c->values[KEY_APPLICATIONS];
    if (map == NULL || nr_node_is_nothing(map) ||
        !nr_node_is_mapping(map, "`applications`", &c->diags))
        return;
    for (const nr_node *node = map->first; node != NULL; node = node->next) {
        const nr_node *values[NR_COUNT(keys)];
        if (!nr_node_fields(node, "an application", keys, NR_COUNT(keys), values,
                            &c->diags))
            continue;
        nr_binding *binding = nr_list_add(c->diags.arena, &c->options->bindings);
        if (binding == NULL) {
            c->diags.failed = true;
            return;
        }
        binding->application = node->key;
        if (values[0] != NULL)
            read_peer(c, values[0], binding);
    }
}

static void read_audit(config *c)
{
    nr_options *options = c->options;
    const char *durability = NULL;
    const char *patients = NULL;
    read_text(c, KEY_AUDIT, &options->audit);
    read_text(c, KEY_AUDIT_KEY, &options->audit_key);
    read_text(c, KEY_AUDIT_CHECKPOINTS, &options->audit_checkpoints);
    read_text(c, KEY_AUDIT_DURABILITY, &durability);
    read_text(c, KEY_AUDIT_PATIENTS, &patients);
    read_limit(c, KEY_AUDIT_FLUSH_MS, 1, NR_FLUSH_MS_MAX, &options->audit_flush_ms);
    read_limit(c, KEY_AUDIT_KEEP_DAYS, 0, NR_KEEP_DAYS_MAX, &options->audit_keep_days);
    if (durability != NULL && !nr_durability_read(durability, &options->audit_batched))
        nr_diag_add(&c->diags, NR_DIAG_BAD_VALUE, c->values[KEY_AUDIT_DURABILITY]->at,
                    "`audit_durability` is `sync` or `batched`, not `%.20s`",
                    durability);
    if (patients != NULL && !nr_patients_read(patients, &options->audit_patients))
        nr_diag_add(&c->diags, NR_DIAG_BAD_VALUE, c->values[KEY_AUDIT_PATIENTS]->at,
                    "`audit_patients` is `none`, `named` or `plain`, not `%.20s`",
                    patients);
}

static void read_all(config *c, const nr_node *root)
{
    nr_options *options = c->options;
    if (!nr_node_fields(root, "the configuration", fields, KEY_COUNT, c->values,
                        &c->diags))
        return;
    read_text(c, KEY_POLICY, &options->policy);
    read_text(c, KEY_SOCKET, &options->socket);
    read_audit(c);
    read_text(c, KEY_EVIDENCE, &options->evidence);
    read_text(c, KEY_POLICY_ROOT, &options->policy_root);
    read_boolean(c, KEY_UNSAFE_NO_AUDIT, &options->unsafe_no_audit);
    read_boolean(c, KEY_ALLOW_EXAMPLE, &options->allow_example);
    read_boolean(c, KEY_TAKEOVER, &options->takeover);
    read_boolean(c, KEY_TRUST_REQUEST_TIME, &options->trust_request_time);
    read_boolean(c, KEY_TRUST_APPLICATIONS, &options->trust_applications);
    read_mode(c);
    read_users(c, KEY_RELOAD_USERS, &options->reload_users);
    read_users(c, KEY_GATEWAYS, &options->gateways);
    read_users(c, KEY_ATTACH_USERS, &options->attach_users);
    read_text(c, KEY_PUBLISH_TO, &options->publish_to);
    read_limit(c, KEY_STALE_SECONDS, 0, NR_STALE_SECONDS_MAX, &options->stale_seconds);
    read_limit(c, KEY_THREADS, 1, NR_THREADS_MAX, &options->threads);
    read_applications(c);
#define NR_LIMIT(name, key, standard, least, most, doc) \
    read_limit(c, KEY_LIMIT_##name, least, most, &options->limits.name);
    NR_LIMITS
#undef NR_LIMIT
}

/* What is wrong with the file, in its order; true: nothing. */
static bool report(config *c)
{
    nr_diags_sort(&c->diags);
    for (size_t i = 0; i < c->diags.count; i++) {
        nrbac_diagnostic told;
        if (nr_diag_tell(c->diags.arena, &c->diags.items[i], &told))
            nr_diag_render(&told, 0, stderr);
    }
    if (c->diags.failed)
        nr_log("%s", nrbac_status_text(NRBAC_E_MEMORY));
    return c->diags.count == 0 && !c->diags.failed;
}

bool nr_config_read(nr_options *options, const char *path, int *status)
{
    const char *why = NULL;
    const nr_source *source = nr_source_read(&options->arena, path, NR_READ_FOLLOW,
                                             &why);
    if (source == NULL) {
        nr_log("the configuration `%s` %s", path, why);
        *status = NR_DAEMON_FAILED;
        return false;
    }
    config c = { .options = options, .diags = { .arena = &options->arena } };
    const nr_node *root = nr_yaml_read(&options->arena, source, &c.diags);
    if (root != NULL && !nr_node_is_nothing(root))
        read_all(&c, root);
    *status = NR_DAEMON_USAGE;
    return report(&c);
}
