/* SPDX-License-Identifier: Apache-2.0 */
/*
 * query: as check, asked of a running daemon.
 */
#include "cli/asking.h"
#include "cli/commands.h"

#include <nrbac/client.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What a failed call means here: the daemon's no is a no, all else is no answer. */
static nr_exit say_failure(nrbac_status status, const char *what,
                           const nrbac_error *error)
{
    if (status == NRBAC_E_MEMORY)
        return nr_say_memory();
    if (status == NRBAC_E_REFUSED)
        return nr_say_no("%s: %s", what, error->text);
    return nr_say_system("%s: %s", what, error->text);
}

/* Calls evaluate or explain. Malformed JSON is sent as no request, which the
 * daemon answers as malformed. */
static nr_exit ask_daemon(void *self, const nr_asked *asked, nrbac_value **answer)
{
    nrbac_document *document = asked->document;
    nrbac_error error = { "" };
    const nrbac_value *result = NULL;
    bool explain = (asked->flags & NRBAC_ASK_EXPLAIN) != 0;
    nrbac_value *params = nrbac_new_list(document);
    nrbac_append(document, params,
                 asked->request == NULL ? nrbac_new_map(document)
                                        : nrbac_value_copy(document, asked->request));
    if (nrbac_document_status(document) != NRBAC_OK)
        return nr_say_memory();
    nrbac_status status = nrbac_client_call(self, explain ? "explain" : "evaluate",
                                            params, document, &result, &error);
    if (status != NRBAC_OK)
        return say_failure(status, "the daemon gave no answer", &error);
    *answer = asked->error == NULL
                  ? nrbac_value_copy(document, result)
                  : nr_answer_malformed(document, result, asked->error);
    return *answer == NULL ? nr_say_memory() : NR_EXIT_OK;
}

/* A map as lines, for people; nested ones indented. */
static void print_map(const nrbac_value *map, int indent)
{
    for (size_t i = 0; i < nrbac_value_count(map); i++) {
        const nrbac_value *value = nrbac_value_at(map, i);
        bool nested = nrbac_value_kind(value) == NRBAC_KIND_MAP;
        printf("%*s%-*s%s", indent, "", nested ? 0 : 24 - indent,
               nrbac_value_key(map, i), nested ? "" : " ");
        switch (nrbac_value_kind(value)) {
        case NRBAC_KIND_NULL:
            puts("-");
            break;
        case NRBAC_KIND_BOOLEAN:
            puts(nrbac_value_boolean(value) ? "yes" : "no");
            break;
        case NRBAC_KIND_INTEGER:
            printf("%lld\n", (long long)nrbac_value_integer(value));
            break;
        case NRBAC_KIND_REAL:
            printf("%g\n", nrbac_value_real(value));
            break;
        case NRBAC_KIND_TEXT:
            puts(nrbac_value_text(value));
            break;
        case NRBAC_KIND_LIST:
            printf("%zu\n", nrbac_value_count(value));
            break;
        case NRBAC_KIND_MAP:
            putchar('\n');
            print_map(value, indent + 2);
            break;
        }
    }
}

/* What is asked may have come to nothing: `ok` says so, `error` why. */
static nr_exit tell_result(const nr_arguments *arguments, const char *method,
                           nrbac_document *document, const nrbac_value *result)
{
    const nrbac_value *ok = nrbac_value_find(result, "ok");
    nr_exit end = NR_EXIT_OK;
    if (nr_format_is(arguments, "json"))
        end = nr_print_json(result, NRBAC_JSON_INDENT);
    else if (nrbac_value_kind(result) == NRBAC_KIND_BOOLEAN)
        puts(nrbac_value_boolean(result) ? "all deciding is stopped"
                                         : "deciding goes on");
    else
        print_map(nr_shown(document, result), 0);
    if (strcmp(nr_text_at(result, "status"), "degraded") == 0)
        return nr_say_no("the daemon serves an earlier policy: the last reload failed");
    if (strcmp(nr_text_at(result, "status"), "stopped") == 0)
        return nr_say_no("all deciding is stopped: `--go-on` lets it go on");
    if (end != NR_EXIT_OK || ok == NULL || nrbac_value_boolean(ok))
        return end;
    return nr_say_no("%s: %s", method, nr_text_at(result, "error"));
}

static nr_exit call_method(const nr_arguments *arguments, nrbac_client *client,
                           const char *method)
{
    nrbac_document *document = nrbac_document_create();
    nrbac_error error = { "" };
    const nrbac_value *result = NULL;
    nr_exit end = NR_EXIT_OK;
    if (document == NULL)
        return nr_say_memory();
    nrbac_value *params = nrbac_new_list(document);
    if (strcmp(method, "stop") == 0)
        nrbac_append(document, params,
                     nrbac_new_boolean(document, nr_option_given(arguments, "stop")));
    nrbac_status status = nrbac_client_call(client, method, params, document, &result,
                                            &error);
    if (status != NRBAC_OK)
        end = say_failure(status, method, &error);
    else
        end = tell_result(arguments, method, document, result);
    nrbac_document_destroy(document);
    return end;
}

/* Options that name a method instead of a question. */
static const struct {
    const char *option, *method;
} methods[] = { { "info", "policy" },
                { "health", "health" },
                { "reload", "reload" },
                { "stop", "stop" },
                { "go-on", "stop" } };

/* How many are given, and the method of the last of them; NULL: none is. */
static int method_of(const nr_arguments *arguments, const char **method)
{
    int given = 0;
    *method = NULL;
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (!nr_option_given(arguments, methods[i].option))
            continue;
        *method = methods[i].method;
        given++;
    }
    return given;
}

static bool read_timeout(const char *text, int *timeout_ms)
{
    char *end;
    errno = 0;
    long seconds = text == NULL ? 5 : strtol(text, &end, 10);
    if (text != NULL && (errno != 0 || *end != '\0' || end == text))
        return false;
    if (seconds < 1 || seconds > 3600)
        return false;
    *timeout_ms = (int)seconds * 1000;
    return true;
}

static nr_exit run(const nr_arguments *arguments)
{
    const char *path = nr_option_value(arguments, "socket");
    const char *method = NULL;
    int methods_given = method_of(arguments, &method);
    const char *timeout = nr_option_value(arguments, "timeout");
    nrbac_client *client = NULL;
    nrbac_error error = { "" };
    int timeout_ms;
    if (path == NULL)
        return nr_say_usage(arguments->command, "`query` needs --socket");
    if (!read_timeout(timeout, &timeout_ms))
        return nr_say_usage(arguments->command,
                            "`--timeout` is 1 to 3600 seconds, not `%s`", timeout);
    if (methods_given > 1)
        return nr_say_usage(arguments->command,
                            "ask for one of --info, --health, --reload, --stop and "
                            "--go-on");
    if (method == NULL && nr_operand(arguments, 0) == NULL &&
        !nr_option_given(arguments, "action") && !nr_option_given(arguments, "stream"))
        return nr_say_usage(arguments->command,
                            "what is asked? give a request, or --action");
    if (nrbac_client_connect(path, timeout_ms, &client, &error) != NRBAC_OK)
        return nr_say_system("no daemon: %s", error.text);

    nr_manner manner = { 0, nr_answer_line };
    if (nr_option_given(arguments, "explain"))
        manner = (nr_manner){ NRBAC_ASK_EXPLAIN, nr_answer_story };
    nr_exit end = method != NULL ? call_method(arguments, client, method)
                                 : nr_ask(arguments, 0,
                                          (nr_oracle){ ask_daemon, client }, &manner);
    nrbac_client_disconnect(client);
    return end;
}

static const nr_option options[] = {
    { "socket", 0, "PATH", "where the daemon listens" },
    NR_REQUEST_OPTIONS,
    { "explain", 0, NULL, "tell everything that led to the answer" },
    { "stream", 0, NULL, "a line of answer for each line of request (JSON lines)" },
    { "info", 0, NULL, "ask which policy is in force" },
    { "health", 0, NULL, "ask whether the daemon is well" },
    { "reload", 0, NULL, "make the daemon load its policy again" },
    { "stop", 0, NULL, "stop all deciding, here and on every attached table" },
    { "go-on", 0, NULL, "let deciding go on" },
    { "timeout", 0, "SECONDS", "how long to wait for each answer (5)" },
    { "quiet", 'q', NULL, "print nothing; the exit status answers" },
    { "format", 0, "text|json", "text for people, json for programs" },
    { 0 },
};

const nr_command nr_cmd_query = {
    .name = "query",
    .synopsis = "query --socket PATH [REQUEST.json|-] [OPTIONS]",
    .summary = "Decides as check does, asked of a running daemon.\n\n"
               "The daemon's own clock counts, unless its settings trust a request's.",
    .options = options,
    .operands_max = 1,
    .run = run,
};
