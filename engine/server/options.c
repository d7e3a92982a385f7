/* SPDX-License-Identifier: Apache-2.0 */
/* Needs more than C11: getopt_long. */
#define _GNU_SOURCE
#include "server/options.h"

#include "server/log.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum option_code {
    OPT_HELP = 'h',
    OPT_POLICY = 256,
    OPT_SOCKET,
    OPT_CONFIG,
    OPT_AUDIT,
    OPT_AUDIT_DURABILITY,
    OPT_AUDIT_FLUSH_MS,
    OPT_AUDIT_KEY,
    OPT_AUDIT_CHECKPOINTS,
    OPT_AUDIT_PATIENTS,
    OPT_AUDIT_KEEP_DAYS,
    OPT_EVIDENCE,
    OPT_UNSAFE_NO_AUDIT,
    OPT_ALLOW_EXAMPLE,
    OPT_TAKEOVER,
    OPT_POLICY_ROOT,
    OPT_SOCKET_MODE,
    OPT_PUBLISH_TO,
    OPT_STALE_SECONDS,
    OPT_THREADS,
    OPT_VERSION,
    OPT_LIMIT, /* all of the limits */
} option_code;

static const struct option longs[] = {
    { "policy", required_argument, NULL, OPT_POLICY },
    { "socket", required_argument, NULL, OPT_SOCKET },
    { "config", required_argument, NULL, OPT_CONFIG },
    { "audit", required_argument, NULL, OPT_AUDIT },
    { "audit-durability", required_argument, NULL, OPT_AUDIT_DURABILITY },
    { "audit-flush-ms", required_argument, NULL, OPT_AUDIT_FLUSH_MS },
    { "audit-key", required_argument, NULL, OPT_AUDIT_KEY },
    { "audit-checkpoints", required_argument, NULL, OPT_AUDIT_CHECKPOINTS },
    { "audit-patients", required_argument, NULL, OPT_AUDIT_PATIENTS },
    { "audit-keep-days", required_argument, NULL, OPT_AUDIT_KEEP_DAYS },
    { "evidence", required_argument, NULL, OPT_EVIDENCE },
    { "unsafe-no-audit", no_argument, NULL, OPT_UNSAFE_NO_AUDIT },
    { "allow-example", no_argument, NULL, OPT_ALLOW_EXAMPLE },
    { "takeover", no_argument, NULL, OPT_TAKEOVER },
    { "policy-root", required_argument, NULL, OPT_POLICY_ROOT },
    { "socket-mode", required_argument, NULL, OPT_SOCKET_MODE },
    { "publish-to", required_argument, NULL, OPT_PUBLISH_TO },
    { "stale-seconds", required_argument, NULL, OPT_STALE_SECONDS },
    { "threads", required_argument, NULL, OPT_THREADS },
    { "max-message-bytes", required_argument, NULL, OPT_LIMIT },
    { "max-elements", required_argument, NULL, OPT_LIMIT },
    { "max-depth", required_argument, NULL, OPT_LIMIT },
    { "max-connections", required_argument, NULL, OPT_LIMIT },
    { "max-sessions", required_argument, NULL, OPT_LIMIT },
    { "max-in-flight", required_argument, NULL, OPT_LIMIT },
    { "max-batch", required_argument, NULL, OPT_LIMIT },
    { "idle-seconds", required_argument, NULL, OPT_LIMIT },
    { "help", no_argument, NULL, OPT_HELP },
    { "version", no_argument, NULL, OPT_VERSION },
    { NULL, 0, NULL, 0 },
};

/* An option and the configuration's key are the same but for `-` and `_`. */
static bool same_name(const char *option, const char *key)
{
    for (; *option != '\0'; option++, key++)
        if (*option != *key && !(*option == '-' && *key == '_'))
            return false;
    return *key == '\0';
}

static void print_limit(const char *option)
{
#define NR_LIMIT(name, key, standard, least, most, doc) \
    if (same_name(option, key))                         \
        (void)printf("  --%-19s N  %s (%d)\n", option, doc, standard);
    NR_LIMITS
#undef NR_LIMIT
}

static void print_help(void)
{
    (void)fputs(
        "usage: nrbacd --policy DIR|FILE --socket PATH --audit FILE [OPTIONS]\n"
        "\n"
        "Answers National RBAC questions on a Unix socket; nrbac-protocol(7)\n"
        "describes how to ask.\n"
        "\n"
        "  --policy DIR|FILE       the policy: a folder, or a file made by `nrbac compile`\n"
        "  --socket PATH           where to listen; not needed if systemd passes a socket\n"
        "  --config FILE           settings in YAML; options given here count more\n"
        "  --audit FILE            record every decision in this audit trail\n"
        "  --audit-durability HOW  sync: no answer leaves before its record is on disk;\n"
        "                          batched: records may wait (sync)\n"
        "  --audit-flush-ms N      how long they may wait then (100)\n"
        "  --audit-key FILE        the trail's key (beside the trail)\n"
        "  --audit-checkpoints FILE  add signed checkpoints to this file, too\n"
        "  --audit-patients HOW    patients' numbers in the trail: none, named (a name by\n"
        "                          the key stands for each) or plain (none)\n"
        "  --audit-keep-days N     drop records that are older; 0: none (0)\n"
        "  --unsafe-no-audit       keep no record of decisions\n"
        "  --evidence FILE         evidence settings: tokens, keys and certificates that\n"
        "                          requests present are checked by them\n"
        "  --takeover              succeed the daemon that serves the socket, without a\n"
        "                          refused connection\n"
        "  --allow-example         serve a policy of provenance `example`\n"
        "  --policy-root DIR       a policy's `extends` may not leave this folder\n"
        "  --socket-mode MODE      the socket's permissions, octal (0660)\n"
        "  --publish-to DIR        put the shared table into this folder, too\n"
        "  --stale-seconds N       how long the shared table counts when the daemon is\n"
        "                          not heard of; 0: for ever (30)\n"
        "  --threads N             threads that serve connections (1)\n",
        stdout);
    for (const struct option *row = longs; row->name != NULL; row++)
        if (row->val == OPT_LIMIT)
            print_limit(row->name);
    (void)fputs("  -h, --help              this text\n"
                "  --version               the release\n"
                "\n"
                "SIGHUP loads the policy again, SIGTERM ends the daemon after it has\n"
                "answered what it has read. Exit status: 0 ended by SIGTERM, 2 usage,\n"
                "3 the policy has mistakes, or a file or socket cannot be used.\n",
                stdout);
}

static bool usage(int *status)
{
    (void)fputs("try `nrbacd --help`\n", stderr);
    *status = NR_DAEMON_USAGE;
    return false;
}

bool nr_users_have(const nr_users *users, uid_t uid)
{
    for (size_t i = 0; i < users->count; i++)
        if (users->items[i] == uid)
            return true;
    return false;
}

bool nr_mode_read(const char *text, mode_t *out)
{
    char *end = NULL;
    errno = 0;
    unsigned long mode = strtoul(text, &end, 8);
    if (errno != 0 || end == text || *end != '\0' || mode > 0777 || text[0] < '0' ||
        text[0] > '7')
        return false;
    *out = (mode_t)mode;
    return true;
}

static bool take_mode(nr_options *options, const char *text)
{
    if (nr_mode_read(text, &options->socket_mode))
        return true;
    nr_log("the socket's mode is octal, such as 0660, not `%s`", text);
    return false;
}

static bool between(const char *option, int64_t number, int64_t least, int64_t most)
{
    if (number >= least && number <= most)
        return true;
    nr_log("`--%s` takes a number from %" PRId64 " to %" PRId64, option, least, most);
    return false;
}

static bool take_number(const char *option, const char *text, int64_t *out)
{
    char *end = NULL;
    errno = 0;
    *out = strtoll(text, &end, 10);
    if (errno == 0 && end != text && *end == '\0')
        return true;
    nr_log("`--%s` takes a number, not `%s`", option, text);
    return false;
}

static bool take_limit(nr_options *options, const char *option, const char *text)
{
    int64_t number = 0;
    if (!take_number(option, text, &number))
        return false;
#define NR_LIMIT(name, key, standard, least, most, doc) \
    if (same_name(option, key)) {                       \
        options->limits.name = (uint32_t)number;        \
        return between(option, number, least, most);    \
    }
    NR_LIMITS
#undef NR_LIMIT
    return false;
}

static bool take_count(uint32_t *place, const char *option, const char *text,
                       int64_t least, int64_t most)
{
    int64_t number = 0;
    if (!take_number(option, text, &number))
        return false;
    *place = (uint32_t)number;
    return between(option, number, least, most);
}

bool nr_durability_read(const char *text, bool *batched)
{
    *batched = strcmp(text, "batched") == 0;
    return *batched || strcmp(text, "sync") == 0;
}

bool nr_patients_read(const char *text, nr_patients *out)
{
    static const char *const words[] = { "none", "named", "plain" };
    for (size_t i = 0; i < NR_COUNT(words); i++) {
        if (strcmp(text, words[i]) != 0)
            continue;
        *out = (nr_patients)i;
        return true;
    }
    return false;
}

static bool take_durability(nr_options *options, const char *text)
{
    if (nr_durability_read(text, &options->audit_batched))
        return true;
    nr_log("`--audit-durability` is `sync` or `batched`, not `%s`", text);
    return false;
}

static bool take_patients(nr_options *options, const char *text)
{
    if (nr_patients_read(text, &options->audit_patients))
        return true;
    nr_log("`--audit-patients` is `none`, `named` or `plain`, not `%s`", text);
    return false;
}

static bool take_text(const char **place, const char *option)
{
    if (*optarg == '\0') {
        nr_log("`--%s` is empty", option);
        return false;
    }
    *place = optarg;
    return true;
}

/* One option of the command line; false after saying what is wrong with it. */
static bool take_option(nr_options *options, int code, const char *name)
{
    switch (code) {
    case OPT_POLICY:
        return take_text(&options->policy, name);
    case OPT_SOCKET:
        return take_text(&options->socket, name);
    case OPT_CONFIG:
        return take_text(&options->config, name);
    case OPT_AUDIT:
        return take_text(&options->audit, name);
    case OPT_AUDIT_DURABILITY:
        return take_durability(options, optarg);
    case OPT_AUDIT_FLUSH_MS:
        return take_count(&options->audit_flush_ms, name, optarg, 1, NR_FLUSH_MS_MAX);
    case OPT_AUDIT_KEY:
        return take_text(&options->audit_key, name);
    case OPT_AUDIT_CHECKPOINTS:
        return take_text(&options->audit_checkpoints, name);
    case OPT_AUDIT_PATIENTS:
        return take_patients(options, optarg);
    case OPT_AUDIT_KEEP_DAYS:
        return take_count(&options->audit_keep_days, name, optarg, 0, NR_KEEP_DAYS_MAX);
    case OPT_EVIDENCE:
        return take_text(&options->evidence, name);
    case OPT_POLICY_ROOT:
        return take_text(&options->policy_root, name);
    case OPT_UNSAFE_NO_AUDIT:
        return options->unsafe_no_audit = true;
    case OPT_ALLOW_EXAMPLE:
        return options->allow_example = true;
    case OPT_TAKEOVER:
        return options->takeover = true;
    case OPT_SOCKET_MODE:
        return take_mode(options, optarg);
    case OPT_PUBLISH_TO:
        return take_text(&options->publish_to, name);
    case OPT_STALE_SECONDS:
        return take_count(&options->stale_seconds, name, optarg, 0,
                          NR_STALE_SECONDS_MAX);
    case OPT_THREADS:
        return take_count(&options->threads, name, optarg, 1, NR_THREADS_MAX);
    case OPT_LIMIT:
        return take_limit(options, name, optarg);
    default:
        return false; /* getopt has said so */
    }
}

/* The file that --config names, --help and --version, before anything counts. */
static bool look_ahead(nr_options *options, int argc, char **argv, int *status)
{
    int code;
    int at = -1;
    opterr = 0;
    optind = 1;
    while ((code = getopt_long(argc, argv, "h", longs, &at)) != -1) {
        if (code == OPT_HELP || code == OPT_VERSION) {
            if (code == OPT_HELP)
                print_help();
            else
                (void)printf("nrbacd %s\n", nrbac_version());
            *status = NR_DAEMON_OK;
            return false;
        }
        if (code == OPT_CONFIG)
            options->config = optarg;
    }
    return options->config == NULL || nr_config_read(options, options->config, status);
}

/* What is needed, and what may not stand together. */
static bool is_complete(const nr_options *options)
{
    if (options->policy == NULL) {
        nr_log("no policy is given: `--policy DIR|FILE`");
        return false;
    }
    if (options->socket == NULL && getenv("LISTEN_FDS") == NULL) {
        nr_log("no socket is given: `--socket PATH`");
        return false;
    }
    if (options->audit == NULL && !options->unsafe_no_audit) {
        nr_log("no audit trail is given: `--audit FILE` records every decision, "
               "`--unsafe-no-audit` none");
        return false;
    }
    if (options->audit != NULL && options->unsafe_no_audit) {
        nr_log("`--audit` and `--unsafe-no-audit` cannot both be meant");
        return false;
    }
    return true;
}

bool nr_options_read(nr_options *options, int argc, char **argv, int *status)
{
    *options = (nr_options){
        .socket_mode = 0660,
        .stale_seconds = 30,
        .threads = 1,
        .audit_flush_ms = 100,
        .limits = {
#define NR_LIMIT(name, key, standard, least, most, doc) .name = (standard),
            NR_LIMITS
#undef NR_LIMIT
        },
    };
    if (!look_ahead(options, argc, argv, status))
        return false;
    int code;
    int at = -1;
    opterr = 1;
    optind = 1;
    while ((code = getopt_long(argc, argv, "h", longs, &at)) != -1)
        if (!take_option(options, code, at < 0 ? "" : longs[at].name))
            return usage(status);
    if (optind < argc) {
        nr_log("`%s` is not an option", argv[optind]);
        return usage(status);
    }
    return is_complete(options) || usage(status);
}

void nr_options_finish(nr_options *options)
{
    nr_arena_finish(&options->arena);
}
