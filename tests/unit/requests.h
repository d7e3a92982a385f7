/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests for tests: JSON in C strings, with ' for ", read into `reading`.
 */
#ifndef REQUESTS_H
#define REQUESTS_H

#include "check.h"
#include "subject/evidence.h"

#include <nrbac/policy.h>

enum { NOW = 1795424400 }; /* 2026-11-23T09:00:00Z */

static nrbac_document *document;
static nr_arena arena;
static nr_reading reading; /* of the last request */

static inline void read_json(const char *text, size_t size, bool need_action)
{
    const nrbac_value *value = NULL;
    nrbac_error error;
    nr_arena_reset(&arena);
    nrbac_document_reset(document);
    if (nrbac_json_read(document, text, size, &value, &error) != NRBAC_OK)
        printf("%s\n", error.text);
    CHECK(value != NULL);
    CHECK_INT(nr_request_read(&arena, value, need_action, &reading), NRBAC_OK);
}

static inline void read_request(const char *text)
{
    char json[4096];
    size_t size = 0;
    for (; text[size] != '\0' && size < sizeof(json); size++)
        json[size] = text[size] == '\'' ? '"' : text[size];
    CHECK(size < sizeof(json));
    read_json(json, size, true);
}

/* The request of a subject with these properties. */
static inline void read_properties(const char *type, const char *properties)
{
    char text[3072];
    (void)snprintf(
        text, sizeof(text),
        "{'subject':{'type':'%s','properties':{%s}},'action':{'name':'B0820'}}", type,
        properties);
    read_request(text);
}

static inline void read_worker(const char *properties)
{
    read_properties("healthcare-worker", properties);
}

static inline const char *reason_at(int64_t now)
{
    if (reading.fault != NULL)
        return reading.fault;
    return nrbac_reason_slug(nr_stand(&reading.request, false, now).reason);
}

static inline int requests_report(void)
{
    nr_arena_finish(&arena);
    nrbac_document_destroy(document);
    return check_report();
}

#endif
