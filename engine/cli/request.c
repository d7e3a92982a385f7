/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request from a file, from options, or from both: the options win.
 */
#include "cli/ask.h"

#include <stdlib.h>
#include <string.h>

/* Puts members of a map into another, but one. Values are shared where they are
 * not const, copied where they are. */
static void copy_members(nrbac_document *document, nrbac_value *into,
                         const nrbac_value *from, const char *but)
{
    if (nrbac_value_kind(from) != NRBAC_KIND_MAP)
        return;
    for (size_t i = 0; i < nrbac_value_count(from); i++) {
        const char *key = nrbac_value_key(from, i);
        if (strcmp(key, but) != 0)
            nrbac_set(document, into, key,
                      nrbac_value_copy(document, nrbac_value_at(from, i)));
    }
}

/* A copy of a map (or an empty one) in which `key` is `item`. */
static nrbac_value *with_member(nrbac_document *document, const nrbac_value *map,
                                const char *key, nrbac_value *item)
{
    nrbac_value *copy = nrbac_new_map(document);
    copy_members(document, copy, map, key);
    nrbac_set(document, copy, key, item);
    return copy;
}

static nrbac_value *with_role_profile(nrbac_document *document,
                                      const nrbac_value *subject,
                                      const char *role_profile)
{
    const nrbac_value *properties = nrbac_value_find(subject, "properties");
    return with_member(document, subject, "properties",
                       with_member(document, properties, "role_profile",
                                   nrbac_new_text(document, role_profile)));
}

static nrbac_value *with_context(const nr_overrides *overrides,
                                 nrbac_document *document, const nrbac_value *context)
{
    nrbac_value *made = nrbac_new_map(document);
    for (size_t i = 0; i < nrbac_value_count(context); i++) {
        const char *key = nrbac_value_key(context, i);
        bool replaced = key == NULL ||
                        (overrides->organisation != NULL &&
                         strcmp(key, "organisation") == 0) ||
                        (overrides->application != NULL &&
                         strcmp(key, "application") == 0);
        if (!replaced)
            nrbac_set(document, made, key,
                      nrbac_value_copy(document, nrbac_value_at(context, i)));
    }
    if (overrides->organisation != NULL)
        nrbac_set(document, made, "organisation",
                  nrbac_new_text(document, overrides->organisation));
    if (overrides->application != NULL)
        nrbac_set(document, made, "application",
                  with_member(document, NULL, "id",
                              nrbac_new_text(document, overrides->application)));
    return made;
}

static nrbac_value *made_subject(const nr_overrides *overrides,
                                 nrbac_document *document, const nrbac_value *given)
{
    const nrbac_value *subject = nrbac_value_find(given, "subject");
    if (overrides->subject != NULL)
        return overrides->subject;
    /* A choice of profile makes no user where the request has none. */
    if (overrides->role_profile != NULL && nrbac_value_kind(subject) == NRBAC_KIND_MAP)
        return with_role_profile(document, subject, overrides->role_profile);
    return subject == NULL ? NULL : nrbac_value_copy(document, subject);
}

static bool overrides_nothing(const nr_overrides *overrides)
{
    return overrides->subject == NULL && overrides->action == NULL &&
           overrides->role_profile == NULL && overrides->organisation == NULL &&
           overrides->application == NULL;
}

/* Whether the options put this member together themselves. */
static bool is_made(const nr_overrides *overrides, const char *key)
{
    if (strcmp(key, "subject") == 0)
        return true;
    if (strcmp(key, "action") == 0)
        return overrides->action != NULL;
    return strcmp(key, "context") == 0 &&
           (overrides->organisation != NULL || overrides->application != NULL);
}

const nrbac_value *nr_request_make(const nr_overrides *overrides,
                                   nrbac_document *document, const nrbac_value *given)
{
    bool is_map = nrbac_value_kind(given) == NRBAC_KIND_MAP;
    if (overrides_nothing(overrides) || (given != NULL && !is_map))
        return given;

    nrbac_value *request = nrbac_new_map(document);
    for (size_t i = 0; i < nrbac_value_count(given); i++) {
        const char *key = nrbac_value_key(given, i);
        if (!is_made(overrides, key))
            nrbac_set(document, request, key,
                      nrbac_value_copy(document, nrbac_value_at(given, i)));
    }
    nrbac_set(document, request, "subject", made_subject(overrides, document, given));
    if (overrides->action != NULL)
        nrbac_set(document, request, "action",
                  with_member(document, nrbac_value_find(given, "action"), "name",
                              nrbac_new_text(document, overrides->action)));
    if (overrides->organisation != NULL || overrides->application != NULL)
        nrbac_set(
            document, request, "context",
            with_context(overrides, document, nrbac_value_find(given, "context")));
    return request;
}

/* Reads a file of JSON; *value is NULL if it is not well formed, and *why says so. */
static nr_exit read_json(nrbac_document *document, const char *path,
                         const nrbac_value **value, char *why, size_t why_size)
{
    char *text;
    size_t size;
    nrbac_error error = { "" };
    *value = NULL;
    nr_exit end = nr_read_file(path, &text, &size);
    if (end != NR_EXIT_OK)
        return end;
    nrbac_status status = nrbac_json_read(document, text, size, value, &error);
    free(text);
    if (status == NRBAC_E_MEMORY)
        return nr_say_memory();
    if (status != NRBAC_OK) {
        *value = NULL;
        (void)snprintf(why, why_size, "%s: %s", strcmp(path, "-") == 0 ? "stdin" : path,
                       error.text);
    }
    return NR_EXIT_OK;
}

nr_exit nr_overrides_read(nr_overrides *overrides, const nr_arguments *arguments)
{
    *overrides = (nr_overrides){
        .document = nrbac_document_create(),
        .action = nr_option_known(arguments, "action")
                      ? nr_option_value(arguments, "action")
                      : NULL,
        .role_profile = nr_option_value(arguments, "role-profile"),
        .organisation = nr_option_value(arguments, "organisation"),
        .application = nr_option_value(arguments, "application"),
    };
    if (overrides->document == NULL)
        return nr_say_memory();
    const char *path = nr_option_value(arguments, "subject");
    if (path == NULL)
        return NR_EXIT_OK;

    const nrbac_value *subject;
    nr_exit end = read_json(overrides->document, path, &subject, overrides->error,
                            sizeof overrides->error);
    if (end != NR_EXIT_OK)
        return end;
    overrides->subject = overrides->role_profile == NULL
                             ? nrbac_value_copy(overrides->document, subject)
                             : with_role_profile(overrides->document, subject,
                                                 overrides->role_profile);
    if (nrbac_document_status(overrides->document) != NRBAC_OK)
        return nr_say_memory();
    return NR_EXIT_OK;
}

void nr_overrides_finish(nr_overrides *overrides)
{
    nrbac_document_destroy(overrides->document);
}

nr_exit nr_request_read_given(nr_overrides *overrides, const nr_arguments *arguments,
                              size_t index, nrbac_document *document,
                              const nrbac_value **out)
{
    const char *path = nr_operand(arguments, index);
    const nrbac_value *given = NULL;
    *out = NULL;
    if (path == NULL && overrides->action == NULL)
        return nr_say_usage(arguments->command,
                            "what is asked? give a request, or --action");
    if (path != NULL) {
        nr_exit end = read_json(document, path, &given, overrides->error,
                                sizeof overrides->error);
        if (end != NR_EXIT_OK)
            return end;
    }
    if (overrides->error[0] == '\0')
        *out = nr_request_make(overrides, document, given);
    if (nrbac_document_status(document) != NRBAC_OK)
        return nr_say_memory();
    return NR_EXIT_OK;
}
