/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An entry as a map, and back: what is told is all that is hashed, and nothing twice.
 */
#include "audit/record.h"
#include "base/time.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    MICROSECONDS = 1000000,
    TIME_SIZE = NR_TIME_SIZE + 7,
    FRACTION_AT = 19, /* in 2026-11-23T09:00:00.000000Z */
    OBLIGATIONS_MAX = 4096,
};

/* ---- Telling ----------------------------------------------------------------------------- */

static void set_text(nrbac_document *document, nrbac_value *map, const char *key,
                     const char *text)
{
    if (text != NULL && *text != 0)
        (void)nrbac_set(document, map, key, nrbac_new_text(document, text));
}

static void set_number(nrbac_document *document, nrbac_value *map, const char *key,
                       int64_t number)
{
    (void)nrbac_set(document, map, key, nrbac_new_integer(document, number));
}

static void set_time(nrbac_document *document, nrbac_value *map, int64_t at)
{
    char text[TIME_SIZE];
    uint32_t fraction = at < 0 ? 0 : (uint32_t)(at % MICROSECONDS);
    nr_time_write(at / MICROSECONDS, text);
    text[FRACTION_AT] = '.';
    for (size_t i = TIME_SIZE - 3; i > FRACTION_AT; i--, fraction /= 10)
        text[i] = (char)('0' + fraction % 10);
    text[TIME_SIZE - 2] = 'Z';
    text[TIME_SIZE - 1] = 0;
    set_text(document, map, "time", text);
}

static void set_obligations(nrbac_document *document, nrbac_value *map,
                            const char *obligations)
{
    if (obligations == NULL || *obligations == 0)
        return;
    nrbac_value *list = nrbac_set(document, map, "obligations",
                                  nrbac_new_list(document));
    for (const char *at = obligations; at != NULL;) {
        const char *space = strchr(at, ' ');
        size_t size = space == NULL ? strlen(at) : (size_t)(space - at);
        (void)nrbac_append(document, list, nrbac_new_text_of(document, at, size));
        at = space == NULL ? NULL : space + 1;
    }
}

static void set_circumstances(nrbac_document *document, nrbac_value *map,
                              const nr_circumstances *of)
{
    if (of == NULL)
        return;
    set_text(document, map, "user", of->user);
    set_text(document, map, "role_profile", of->role_profile);
    set_text(document, map, "role", of->role);
    set_text(document, map, "organisation", of->organisation);
    set_text(document, map, "application", of->application);
    if (of->peer.known) {
        nrbac_value *peer = nrbac_set(document, map, "peer", nrbac_new_map(document));
        set_number(document, peer, "uid", of->peer.uid);
        set_number(document, peer, "gid", of->peer.gid);
        set_number(document, peer, "pid", of->peer.pid);
    }
    (void)nrbac_set(document, map, "asserted",
                    nrbac_new_boolean(document, of->asserted));
    set_text(document, map, "who", of->who);
    set_text(document, map, "inputs", of->inputs);
}

static void set_policy(nrbac_document *document, nrbac_value *map,
                       const nr_record *record)
{
    static const uint8_t none[NR_DIGEST_SIZE];
    char digest[NR_DIGEST_HEX];
    if (memcmp(record->policy, none, NR_DIGEST_SIZE) != 0) {
        nr_hex_write(record->policy, NR_DIGEST_SIZE, digest);
        set_text(document, map, "policy", digest);
    }
    if (record->generation != 0)
        set_number(document, map, "generation", record->generation);
}

nrbac_value *nr_entry_tell(nrbac_document *document, const nr_entry *entry)
{
    const nr_record *record = &entry->record;
    char hash[NR_DIGEST_HEX];
    nr_hex_write(entry->hash, NR_DIGEST_SIZE, hash);
    nrbac_value *map = nrbac_new_map(document);
    set_number(document, map, "seq", (int64_t)entry->seq);
    set_time(document, map, record->at);
    set_text(document, map, "event", nr_event_slug(record->event));
    if (nr_event_decides(record->event)) {
        nrbac_effect effect = nrbac_reason_effect(record->reason);
        set_text(document, map, "effect", nrbac_effect_slug(effect));
        set_text(document, map, "reason", nrbac_reason_slug(record->reason));
    }
    set_text(document, map, "action", record->action);
    set_text(document, map, "api", record->api);
    set_text(document, map, "resource", record->resource);
    set_text(document, map, "patient", record->patient);
    set_obligations(document, map, record->obligations);
    set_circumstances(document, map, record->circumstances);
    set_policy(document, map, record);
    if (record->session != 0)
        set_number(document, map, "session", (int64_t)record->session);
    if (record->message != 0)
        set_number(document, map, "message", (int64_t)record->message - 1);
    set_text(document, map, "detail", record->detail);
    set_text(document, map, "hash", hash);
    return nrbac_document_status(document) == NRBAC_OK ? map : NULL;
}

/* ---- Reading back ---------------------------------------------------------------------------- */

typedef struct members {
    const nrbac_value *map;
    const char *wrong; /* the first member that is not as it must be; NULL: none */
} members;

static void wrong(members *of, const char *key)
{
    if (of->wrong == NULL)
        of->wrong = key;
}

static const char *read_text(members *of, const char *key)
{
    const nrbac_value *value = nrbac_value_find(of->map, key);
    if (value == NULL)
        return NULL;
    if (nrbac_value_text(value) == NULL)
        wrong(of, key);
    return nrbac_value_text(value);
}

static int64_t read_number(members *of, const char *key, int64_t most)
{
    const nrbac_value *value = nrbac_value_find(of->map, key);
    if (value == NULL)
        return 0;
    int64_t number = nrbac_value_integer(value);
    if (nrbac_value_kind(value) != NRBAC_KIND_INTEGER || number < 0 || number > most)
        wrong(of, key);
    return number;
}

static void read_digest(members *of, const char *key, bool must,
                        uint8_t digest[NR_DIGEST_SIZE])
{
    const char *text = read_text(of, key);
    if (text == NULL ? must
                     : strlen(text) != NR_DIGEST_HEX - 1 ||
                           !nr_hex_read(text, NR_DIGEST_SIZE, digest))
        wrong(of, key);
}

/* Exactly as it is written above. */
static int64_t read_time(members *of)
{
    const char *text = read_text(of, "time");
    int64_t seconds = 0, fraction = 0;
    if (text == NULL || strlen(text) != TIME_SIZE - 1 || text[FRACTION_AT] != '.' ||
        text[TIME_SIZE - 2] != 'Z' || !nr_time_read(text, &seconds)) {
        wrong(of, "time");
        return 0;
    }
    for (const char *at = text + FRACTION_AT + 1; *at != 'Z'; at++) {
        if (isdigit((unsigned char)*at) == 0)
            wrong(of, "time");
        fraction = fraction * 10 + (*at - '0');
    }
    return seconds * MICROSECONDS + fraction;
}

/* A reason stands beside its effect, which must be its own. */
static nrbac_reason read_reason(members *of)
{
    static const nrbac_reason reasons[] = {
#define NRBAC_REASON(number, name, slug, effect, message, doc) NRBAC_REASON_##name,
#include <nrbac/reason.def>
#undef NRBAC_REASON
    };
    const char *slug = read_text(of, "reason"), *effect = read_text(of, "effect");
    for (size_t i = 0; slug != NULL && effect != NULL && i < NR_COUNT(reasons); i++) {
        if (strcmp(nrbac_reason_slug(reasons[i]), slug) != 0)
            continue;
        nrbac_effect its = nrbac_reason_effect(reasons[i]);
        if (strcmp(nrbac_effect_slug(its), effect) != 0)
            wrong(of, "effect");
        return reasons[i];
    }
    wrong(of, "reason");
    return NRBAC_REASON_NOT_EVALUATED;
}

/* The list as one text, which the document owns; NULL: there is none. */
static const char *read_obligations(members *of, nrbac_document *document)
{
    const nrbac_value *list = nrbac_value_find(of->map, "obligations");
    char room[OBLIGATIONS_MAX];
    size_t used = 0;
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const nrbac_value *id = nrbac_value_at(list, i);
        size_t size = nrbac_value_text_size(id);
        if (nrbac_value_text(id) == NULL || size + 1 >= sizeof(room) - used) {
            wrong(of, "obligations");
            return NULL;
        }
        (void)snprintf(room + used, sizeof(room) - used, "%s ", nrbac_value_text(id));
        used += size + 1;
    }
    if (used == 0)
        return NULL;
    return nrbac_value_text(nrbac_new_text_of(document, room, used - 1));
}

static bool read_circumstances(members *of, nr_circumstances *circumstances)
{
    const nrbac_value *asserted = nrbac_value_find(of->map, "asserted");
    const nrbac_value *peer = nrbac_value_find(of->map, "peer");
    *circumstances = (nr_circumstances){
        .who = read_text(of, "who"),
        .inputs = read_text(of, "inputs"),
        .user = read_text(of, "user"),
        .role_profile = read_text(of, "role_profile"),
        .role = read_text(of, "role"),
        .organisation = read_text(of, "organisation"),
        .application = read_text(of, "application"),
        .asserted = nrbac_value_boolean(asserted),
    };
    if (asserted != NULL && nrbac_value_kind(asserted) != NRBAC_KIND_BOOLEAN)
        wrong(of, "asserted");
    if (peer != NULL) {
        members within = { .map = peer };
        circumstances->peer = (nr_peer){
            .known = true,
            .uid = (uint32_t)read_number(&within, "uid", UINT32_MAX),
            .gid = (uint32_t)read_number(&within, "gid", UINT32_MAX),
            .pid = (int32_t)read_number(&within, "pid", INT32_MAX),
        };
        if (within.wrong != NULL)
            wrong(of, "peer");
    }
    nr_circumstances_seal(circumstances);
    return asserted != NULL; /* it stands wherever there are circumstances */
}

bool nr_entry_read(nrbac_document *document, const nrbac_value *map,
                   nr_circumstances *circumstances, nr_entry *entry, nrbac_error *error)
{
    members of = { .map = map };
    const char *event = read_text(&of, "event");
    *entry = (nr_entry){ .seq = (uint64_t)read_number(&of, "seq", INT64_MAX) };
    nr_record *record = &entry->record;
    record->event = event == NULL ? NR_EVENT_NONE : nr_event_of(event);
    if (record->event == NR_EVENT_NONE)
        wrong(&of, "event");
    record->at = read_time(&of);
    if (nr_event_decides(record->event))
        record->reason = read_reason(&of);
    record->action = read_text(&of, "action");
    record->api = read_text(&of, "api");
    record->resource = read_text(&of, "resource");
    record->patient = read_text(&of, "patient");
    record->detail = read_text(&of, "detail");
    record->obligations = read_obligations(&of, document);
    if (read_circumstances(&of, circumstances))
        record->circumstances = circumstances;
    read_digest(&of, "policy", false, record->policy);
    record->generation = (uint32_t)read_number(&of, "generation", UINT32_MAX);
    record->session = (uint64_t)read_number(&of, "session", INT64_MAX);
    if (nrbac_value_find(map, "message") != NULL)
        record->message = (uint64_t)read_number(&of, "message", INT64_MAX - 1) + 1;
    read_digest(&of, "hash", true, entry->hash);
    if (nrbac_document_status(document) != NRBAC_OK)
        wrong(&of, "obligations");
    if (of.wrong == NULL)
        return true;
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text),
                       "the record's `%s` is missing, or not what it must be",
                       of.wrong);
    return false;
}
