/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The module: its data, its slots, and reading and making JavaScript values.
 */
#include "addon.h"

#include <nrbac/policy.h>

#include <stdlib.h>
#include <string.h>

enum { TEXT_KEPT_MAX = 1 << 20 };

/* ---- Slots ------------------------------------------------------------------- */

na_engine *na_engine_at(const na_addon *self, uint32_t slot)
{
    return slot < self->engine_count ? self->engines[slot] : NULL;
}

uint32_t na_keep_engine(na_addon *self, na_engine *engine)
{
    uint32_t slot = 1;
    while (slot < self->engine_count && self->engines[slot] != NULL)
        slot++;
    if (slot >= self->engine_count) {
        na_engine **grown = realloc(self->engines, (slot + 1) * sizeof(*grown));
        if (grown == NULL)
            return 0;
        grown[0] = NULL;
        self->engines = grown;
        self->engine_count = slot + 1;
    }
    self->engines[slot] = engine;
    return slot;
}

void na_engine_idle(na_engine *engine)
{
    if (!engine->closed || engine->works > 0)
        return;
    nrbac_engine_destroy(engine->handle);
    free(engine);
}

void na_close_engine(na_addon *self, uint32_t slot)
{
    na_engine *engine = na_engine_at(self, slot);
    if (engine == NULL)
        return;
    for (uint32_t i = 1; i < self->session_count; i++) {
        na_session *its = &self->sessions[i];
        if (its->engine != engine)
            continue;
        nrbac_session_close(its->session);
        its->session = NULL;
        its->engine = NULL;
    }
    self->engines[slot] = NULL;
    engine->closed = true;
    na_engine_idle(engine);
}

uint32_t na_keep_session(na_addon *self, na_engine *engine, nrbac_session *session)
{
    uint32_t slot = self->free_session;
    if (slot != 0) {
        self->free_session = self->sessions[slot].next_free;
    } else {
        if (self->session_count >= self->session_room) {
            uint32_t room = self->session_room == 0 ? 64 : self->session_room * 2;
            na_session *grown = realloc(self->sessions, room * sizeof(*grown));
            if (grown == NULL)
                return 0;
            self->sessions = grown;
            self->session_room = room;
        }
        if (self->session_count == 0) /* slot 0 is nobody's */
            self->sessions[self->session_count++] = (na_session){ 0 };
        slot = self->session_count++;
    }
    self->sessions[slot] = (na_session){
        .session = session,
        .tag = engine->tag,
        .engine = engine,
        .recorded = engine->recorded,
    };
    return slot;
}

void na_close_session(na_addon *self, uint32_t slot)
{
    if (slot == 0 || slot >= self->session_count)
        return;
    na_session *its = &self->sessions[slot];
    nrbac_session_close(its->session);
    *its = (na_session){ .next_free = self->free_session };
    self->free_session = slot;
}

/* ---- Values -------------------------------------------------------------------- */

na_addon *na_arguments(napi_env env, napi_callback_info info, size_t count,
                       napi_value *arguments)
{
    (void)napi_get_cb_info(env, info, &count, arguments, NULL, NULL);
    return na_of(env);
}

uint32_t na_number(napi_env env, napi_value value)
{
    uint32_t number = 0;
    return napi_get_value_uint32(env, value, &number) == napi_ok ? number : 0;
}

static bool make_room(na_addon *self, size_t room)
{
    if (room <= self->text_room)
        return true;
    char *grown = realloc(self->text, room);
    if (grown == NULL)
        return false;
    self->text = grown;
    self->text_room = room;
    return true;
}

const char *na_text(napi_env env, na_addon *self, napi_value value, size_t *size)
{
    if (self->text_room > TEXT_KEPT_MAX) { /* one huge request is not kept for ever */
        free(self->text);
        self->text = NULL;
        self->text_room = 0;
    }
    size_t room = self->text_room;
    if (napi_get_value_string_utf8(env, value, self->text, room, size) != napi_ok) {
        (void)napi_throw_type_error(env, NULL, "a text is meant");
        return NULL;
    }
    /* What just fits may have been cut, and a name that is cut is another name. */
    if (self->text == NULL || *size + 4 >= room) {
        if (napi_get_value_string_utf8(env, value, NULL, 0, size) != napi_ok ||
            !make_room(self, *size < 4096 ? 4096 + 8 : *size + 8) ||
            napi_get_value_string_utf8(env, value, self->text, self->text_room, size) !=
                napi_ok) {
            na_throw(env, NRBAC_E_MEMORY, NULL);
            return NULL;
        }
    }
    return self->text;
}

const nrbac_value *na_request(napi_env env, na_addon *self, napi_value value)
{
    size_t size;
    const char *text = na_text(env, self, value, &size);
    if (text == NULL)
        return NULL;
    const nrbac_value *request = NULL;
    nrbac_error error;
    nrbac_document_reset(self->document);
    nrbac_status status = nrbac_json_read(self->document, text, size, &request, &error);
    if (status == NRBAC_OK)
        return request;
    na_throw(env, status, error.text);
    return NULL;
}

napi_value na_string(napi_env env, const char *text)
{
    napi_value string = NULL;
    if (text != NULL)
        (void)napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &string);
    else
        (void)napi_get_null(env, &string);
    return string;
}

napi_value na_json(napi_env env, const nrbac_value *value)
{
    char *text = NULL;
    size_t size = 0;
    napi_value string = NULL;
    nrbac_status status = value == NULL ? NRBAC_E_MEMORY
                                        : nrbac_json_write(value, NRBAC_JSON_COMPACT,
                                                           &text, &size);
    if (status != NRBAC_OK)
        return na_throw(env, status, NULL);
    (void)napi_create_string_utf8(env, text, size, &string);
    free(text);
    return string;
}

/* The status' number as `code`: lib/engine.js makes an error of the binding of it. */
napi_value na_throw(napi_env env, nrbac_status status, const char *text)
{
    napi_value message, error, number;
    (void)napi_create_string_utf8(env, text != NULL ? text : nrbac_status_text(status),
                                  NAPI_AUTO_LENGTH, &message);
    (void)napi_create_uint32(env, (uint32_t)status, &number);
    if (napi_create_error(env, NULL, message, &error) == napi_ok) {
        (void)napi_set_named_property(env, error, "status", number);
        (void)napi_throw(env, error);
    }
    return NULL;
}

napi_status na_export(napi_env env, napi_value exports, const na_function *functions,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        napi_value value;
        napi_status status = napi_create_function(
            env, functions[i].name, NAPI_AUTO_LENGTH, functions[i].call, NULL, &value);
        if (status == napi_ok)
            status = napi_set_named_property(env, exports, functions[i].name, value);
        if (status != napi_ok)
            return status;
    }
    return napi_ok;
}

/* ---- The module ------------------------------------------------------------------ */

/* Memory that JavaScript sees too; it lives as long as the reference. */
static napi_status share(napi_env env, size_t size, void **out, napi_ref *reference,
                         napi_value *buffer)
{
    napi_ref fresh = NULL;
    napi_status status = napi_create_arraybuffer(env, size, out, buffer);
    if (status == napi_ok)
        status = napi_create_reference(env, *buffer, 1, &fresh);
    if (status != napi_ok)
        return status;
    if (*reference != NULL)
        (void)napi_delete_reference(env, *reference);
    *reference = fresh;
    return napi_ok;
}

/* batch(names): the places for that many names, from now on. */
static napi_value batch(napi_env env, napi_callback_info info)
{
    napi_value argument, buffer = NULL;
    na_addon *self = na_arguments(env, info, 1, &argument);
    uint32_t names = na_number(env, argument);
    if (names > BATCH_NAMES_MAX)
        return na_throw(env, NRBAC_E_LIMIT, "more than 1,048,576 names at once");
    size_t places = BATCH_NAMES + (size_t)names * BATCH_PLACES_PER_NAME;
    void *memory;
    if (share(env, places * sizeof(double), &memory, &self->batch_ref, &buffer) !=
        napi_ok)
        return na_throw(env, NRBAC_E_MEMORY, NULL);
    self->batch = memory;
    self->batch_names = names;
    return buffer;
}

/* What a native call costs, for bench: the same `this`, the same arguments. */
static napi_value nothing(napi_env env, napi_callback_info info)
{
    (void)env;
    (void)info;
    return NULL;
}

/* Runs when the environment ends, after the last JavaScript and the last work. */
static void end(napi_env env, void *data, void *hint)
{
    (void)env;
    (void)hint;
    na_addon *self = data;
    for (uint32_t slot = 1; slot < self->engine_count; slot++)
        na_close_engine(self, slot);
    free(self->engines);
    free(self->sessions);
    free(self->text);
    nrbac_document_destroy(self->document);
    free(self);
}

static const na_function functions[] = {
    { "batch", batch },
    { "nothing", nothing },
};

/* The cell and the version, beside the functions. */
static napi_status export_values(napi_env env, na_addon *self, napi_value exports)
{
    void *memory;
    napi_value buffer, version;
    napi_status status = share(env, sizeof(na_cell), &memory, &self->cell_ref, &buffer);
    self->cell = memory;
    if (status == napi_ok)
        status = napi_set_named_property(env, exports, "cell", buffer);
    if (status == napi_ok)
        status = napi_create_string_utf8(env, nrbac_version(), NAPI_AUTO_LENGTH,
                                         &version);
    if (status == napi_ok)
        status = napi_set_named_property(env, exports, "version", version);
    return status;
}

NAPI_MODULE_INIT(/* env, exports */)
{
    na_addon *self = calloc(1, sizeof(*self));
    if (self == NULL || (self->document = nrbac_document_create()) == NULL ||
        napi_set_instance_data(env, self, end, NULL) != napi_ok) {
        if (self != NULL)
            end(env, self, NULL);
        return na_throw(env, NRBAC_E_MEMORY, NULL);
    }
    if (export_values(env, self, exports) != napi_ok ||
        na_export(env, exports, functions, sizeof(functions) / sizeof(*functions)) !=
            napi_ok ||
        na_engines_export(env, exports) != napi_ok ||
        na_sessions_export(env, exports) != napi_ok)
        return NULL; /* the exception is pending */
    return exports;
}
