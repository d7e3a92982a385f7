/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request from a file, from options, or from both: the options win.
 */
#include "cli/ask.h"

#include <stdlib.h>
#include <string.h>

/* The options that are members of a request, and where. */
static const struct {
    const char *option;
    const char *path;
} places[NR_OVERRIDE_COUNT] = {
    [NR_OVERRIDE_ACTION] = { "action", "action.name" },
    [NR_OVERRIDE_ROLE_PROFILE] = { "role-profile", "subject.properties.role_profile" },
    [NR_OVERRIDE_ORGANISATION] = { "organisation", "context.organisation" },
    [NR_OVERRIDE_APPLICATION] = { "application", "context.application.id" },
    [NR_OVERRIDE_AUTHENTICATED_BY] = { "authenticated-by",
                                       "context.application.authenticated_by" },
    [NR_OVERRIDE_PATTERN] = { "pattern", "context.authentication.pattern" },
    [NR_OVERRIDE_API] = { "api", "resource.id" },
    [NR_OVERRIDE_RECORD] = { "record", "resource.properties.nhs_number" },
    [NR_OVERRIDE_ACTING_AS] = { "acting-as", "context.acting_as" },
    [NR_OVERRIDE_ON_BEHALF_OF] = { "on-behalf-of", "context.on_behalf_of" },
};

/* A value in a second place of what holds it. Values are read only from here on,
 * so it need not be copied. */
static nrbac_value *shared(const nrbac_value *value)
{
    union {
        const nrbac_value *read;
        nrbac_value *placed;
    } both = { .read = value };
    return both.placed;
}

/* The map (or an empty one) in which the member at the end of the dotted path is
 * `item`; what is on the way and is no map makes room for one. */
static nrbac_value *with_member(nrbac_document *document, const nrbac_value *map,
                                const char *path, nrbac_value *item)
{
    size_t size = strcspn(path, ".");
    const char *rest = path[size] == '\0' ? NULL : path + size + 1;
    const nrbac_value *below = NULL;
    nrbac_value *made = nrbac_new_map(document);
    bool is_map = nrbac_value_kind(map) == NRBAC_KIND_MAP;
    for (size_t i = 0; is_map && i < nrbac_value_count(map); i++) {
        const char *key = nrbac_value_key(map, i);
        if (strlen(key) == size && memcmp(key, path, size) == 0)
            below = nrbac_value_at(map, i);
        else
            nrbac_set(document, made, key, shared(nrbac_value_at(map, i)));
    }
    if (rest != NULL)
        item = with_member(document, below, rest, item);
    nrbac_set_of(document, made, path, size, item);
    return made;
}

static bool overrides_nothing(const nr_overrides *overrides)
{
    for (size_t i = 0; i < NR_OVERRIDE_COUNT; i++)
        if (overrides->texts[i] != NULL)
            return false;
    return overrides->subject == NULL;
}

/* A choice of profile makes no user where the request has none. */
static bool applies(nr_override which, const nrbac_value *request)
{
    return which != NR_OVERRIDE_ROLE_PROFILE ||
           nrbac_value_kind(nrbac_value_find(request, "subject")) == NRBAC_KIND_MAP;
}

const nrbac_value *nr_request_make(const nr_overrides *overrides,
                                   nrbac_document *document, const nrbac_value *given)
{
    bool is_map = nrbac_value_kind(given) == NRBAC_KIND_MAP;
    if (overrides_nothing(overrides) || (given != NULL && !is_map))
        return given;

    const nrbac_value *request = given;
    if (overrides->subject != NULL)
        request = with_member(document, request, "subject", overrides->subject);
    if (overrides->texts[NR_OVERRIDE_API] != NULL)
        request = with_member(document, request, "resource.type",
                              nrbac_new_text(document, "api"));
    for (size_t i = 0; i < NR_OVERRIDE_COUNT; i++)
        if (overrides->texts[i] != NULL && applies((nr_override)i, request))
            request = with_member(document, request, places[i].path,
                                  nrbac_new_text(document, overrides->texts[i]));
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
        char *near = strstr(error.text, " near ");
        if (near != NULL)
            *near = '\0'; /* what stands there may be a secret that is presented */
        *value = NULL;
        (void)snprintf(why, why_size, "%s: %s", strcmp(path, "-") == 0 ? "stdin" : path,
                       error.text);
    }
    return NR_EXIT_OK;
}

nr_exit nr_overrides_read(nr_overrides *overrides, const nr_arguments *arguments)
{
    *overrides = (nr_overrides){ .document = nrbac_document_create() };
    for (size_t i = 0; i < NR_OVERRIDE_COUNT; i++)
        if (nr_option_known(arguments, places[i].option))
            overrides->texts[i] = nr_option_value(arguments, places[i].option);
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
    overrides->subject = nrbac_value_copy(overrides->document, subject);
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
    if (path == NULL && overrides->texts[NR_OVERRIDE_ACTION] == NULL)
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
