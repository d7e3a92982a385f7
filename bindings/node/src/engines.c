/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines: opening and reloading, which may read files, compile or wait for a daemon
 * and therefore run on another thread; and whole questions, which are quick.
 *
 * Another thread sees of an `opening` everything but `self` and `deferred`, and of an
 * engine its handle alone, which is thread-safe and kept until the work has ended.
 */
#define _DEFAULT_SOURCE /* strdup, getrandom */

#include "addon.h"

#include <nrbac/policy.h>

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* How a policy is got. lib/source.js has the same numbers. */
typedef enum na_manner {
    MANNER_LOAD,    /* a compiled file */
    MANNER_COMPILE, /* a policy folder */
    MANNER_FOLLOW,  /* a daemon's table */
    MANNER_RECORD,  /* the same, and what is decided is in its trail */
} na_manner;

typedef struct na_opening {
    na_addon *self;
    napi_async_work work;
    napi_deferred deferred;
    na_engine *engine;
    bool fresh; /* opened, not reloaded */
    na_manner manner;
    nrbac_status status;
    nrbac_error error;
    nrbac_build *build;
    char source[]; /* a path, or what nrbac_engine_open takes */
} na_opening;

/* ---- On the other thread ------------------------------------------------------------ */

static nrbac_status compile(na_opening *opening)
{
    nrbac_status status = nrbac_compile(opening->source, NULL, &opening->build);
    if (status != NRBAC_OK)
        return status;
    size_t size;
    const void *image = nrbac_build_image(opening->build, &size);
    return nrbac_engine_load_image(opening->engine->handle, image, size,
                                   &opening->error);
}

static nrbac_status get_policy(na_opening *opening)
{
    nrbac_engine *handle = opening->engine->handle;
    switch (opening->manner) {
    case MANNER_LOAD:
        return nrbac_engine_load(handle, opening->source, &opening->error);
    case MANNER_COMPILE:
        return compile(opening);
    case MANNER_FOLLOW:
    case MANNER_RECORD:
        return nrbac_engine_open(handle, opening->source, &opening->error);
    }
    return NRBAC_E_ARGUMENT;
}

static void run(napi_env env, void *data)
{
    (void)env;
    na_opening *opening = data;
    unsigned flags = opening->manner == MANNER_RECORD ? NRBAC_ENGINE_RECORDED : 0;
    if (opening->fresh)
        opening->status = nrbac_engine_create(flags, &opening->engine->handle);
    if (opening->status == NRBAC_OK)
        opening->status = get_policy(opening);
}

/* ---- What came of it ------------------------------------------------------------------ */

static void set(napi_env env, napi_value object, const char *name, napi_value value)
{
    (void)napi_set_named_property(env, object, name, value);
}

static napi_value number(napi_env env, uint32_t value)
{
    napi_value made = NULL;
    (void)napi_create_uint32(env, value, &made);
    return made;
}

static napi_value diagnostic(napi_env env, const nrbac_diagnostic *its)
{
    bool error = its->severity == NRBAC_SEVERITY_ERROR;
    napi_value object, related;
    (void)napi_create_object(env, &object);
    set(env, object, "code", na_string(env, its->code));
    set(env, object, "slug", na_string(env, its->slug));
    set(env, object, "severity", na_string(env, error ? "error" : "warning"));
    set(env, object, "file", na_string(env, its->file));
    set(env, object, "line", number(env, its->line));
    set(env, object, "column", number(env, its->column));
    set(env, object, "width", number(env, its->width));
    set(env, object, "sourceLine", na_string(env, its->source_line));
    set(env, object, "message", na_string(env, its->message));
    set(env, object, "help", na_string(env, its->help));
    if (its->related_file == NULL)
        return object;
    (void)napi_create_object(env, &related);
    set(env, related, "file", na_string(env, its->related_file));
    set(env, related, "line", number(env, its->related_line));
    set(env, related, "column", number(env, its->related_column));
    set(env, related, "message", na_string(env, its->related_message));
    set(env, object, "related", related);
    return object;
}

/* What lib/engine.js makes an error of. */
static napi_value failure(napi_env env, const na_opening *opening)
{
    const char *text = opening->error.text[0] != '\0'
                           ? opening->error.text
                           : nrbac_status_text(opening->status);
    napi_value object, list;
    (void)napi_create_object(env, &object);
    set(env, object, "status", number(env, (uint32_t)opening->status));
    set(env, object, "text", na_string(env, text));
    (void)napi_create_array(env, &list);
    size_t count = opening->build == NULL
                       ? 0
                       : nrbac_build_diagnostic_count(opening->build);
    for (size_t i = 0; i < count; i++)
        (void)napi_set_element(
            env, list, (uint32_t)i,
            diagnostic(env, nrbac_build_diagnostic(opening->build, i)));
    set(env, object, "diagnostics", list);
    return object;
}

/* Keeps what was opened; 0 if nothing was. */
static uint32_t keep(na_opening *opening)
{
    na_engine *engine = opening->engine;
    uint32_t slot = 0;
    if (opening->status == NRBAC_OK)
        slot = na_keep_engine(opening->self, engine);
    if (opening->status == NRBAC_OK && slot == 0)
        opening->status = NRBAC_E_MEMORY;
    if (slot == 0)
        engine->closed = true; /* goes below, when its work is done */
    return slot;
}

/* On the environment's thread again; also when that ends, and then the values that are
 * made here come to nothing. */
static void finish(napi_env env, napi_status status, void *data)
{
    na_opening *opening = data;
    uint32_t slot = 0;
    if (status != napi_ok && opening->status == NRBAC_OK)
        opening->status = NRBAC_E_MEMORY;
    if (opening->fresh)
        slot = keep(opening);
    napi_value result = opening->status == NRBAC_OK ? number(env, slot)
                                                    : failure(env, opening);
    (void)napi_resolve_deferred(env, opening->deferred, result);

    opening->engine->works--;
    na_engine_idle(opening->engine);
    nrbac_build_destroy(opening->build);
    (void)napi_delete_async_work(env, opening->work);
    free(opening);
}

static napi_value start(napi_env env, na_addon *self, na_engine *engine, bool fresh,
                        na_manner manner, napi_value source)
{
    size_t size;
    const char *text = na_text(env, self, source, &size);
    if (text == NULL)
        return NULL;
    na_opening *opening = calloc(1, sizeof(*opening) + size + 1);
    if (opening == NULL) {
        na_throw(env, NRBAC_E_MEMORY, NULL);
        return NULL;
    }
    opening->self = self;
    opening->engine = engine;
    opening->fresh = fresh;
    opening->manner = manner;
    memcpy(opening->source, text, size + 1);

    napi_value promise = NULL;
    if (napi_create_async_work(env, NULL, na_string(env, "nrbac"), run, finish, opening,
                               &opening->work) != napi_ok ||
        napi_create_promise(env, &opening->deferred, &promise) != napi_ok ||
        napi_queue_async_work(env, opening->work) != napi_ok) {
        if (opening->work != NULL)
            (void)napi_delete_async_work(env, opening->work);
        free(opening);
        na_throw(env, NRBAC_E_MEMORY, NULL);
        return NULL;
    }
    engine->works++;
    return promise;
}

/* openEngine(manner, source): a promise of the engine's slot, or of a failure. */
static napi_value open_engine(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    na_addon *self = na_arguments(env, info, 2, arguments);
    na_engine *engine = calloc(1, sizeof(*engine));
    uint32_t random;
    if (engine == NULL || getrandom(&random, sizeof(random), 0) != sizeof(random)) {
        free(engine);
        return na_throw(env, NRBAC_E_MEMORY, NULL);
    }
    uint64_t exponent = UINT64_C(0x433) << (52 - NAME_BITS); /* of 2^52 */
    na_manner manner = (na_manner)na_number(env, arguments[0]);
    engine->tag = exponent | (random >> (32 - TAG_BITS));
    engine->recorded = manner == MANNER_RECORD;
    napi_value promise = start(env, self, engine, true, manner, arguments[1]);
    if (promise == NULL)
        free(engine);
    return promise;
}

/* reload(engine, manner, source): the same, of an engine that stays as it was if it
 * fails. */
static napi_value reload(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    na_addon *self = na_arguments(env, info, 3, arguments);
    na_engine *engine = na_engine_at(self, na_number(env, arguments[0]));
    if (engine == NULL)
        return na_throw(env, NRBAC_E_ARGUMENT, "the engine is closed");
    return start(env, self, engine, false, (na_manner)na_number(env, arguments[1]),
                 arguments[2]);
}

static napi_value close_engine(napi_env env, napi_callback_info info)
{
    napi_value argument;
    na_addon *self = na_arguments(env, info, 1, &argument);
    na_close_engine(self, na_number(env, argument));
    return NULL;
}

/* ---- Questions ------------------------------------------------------------------------- */

/* The engine that a call is about, as its first argument; NULL with an exception. */
static na_engine *engine_of(napi_env env, napi_callback_info info, size_t count,
                            napi_value *arguments, na_addon **self)
{
    *self = na_arguments(env, info, count, arguments);
    na_engine *engine = na_engine_at(*self, na_number(env, arguments[0]));
    if (engine == NULL)
        na_throw(env, NRBAC_E_ARGUMENT, "the engine is closed");
    return engine;
}

/* evaluate(engine, request as JSON, flags): the answer as JSON. */
static napi_value evaluate(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    na_addon *self;
    na_engine *engine = engine_of(env, info, 3, arguments, &self);
    if (engine == NULL)
        return NULL;
    const nrbac_value *request = na_request(env, self, arguments[1]);
    if (request == NULL)
        return NULL;
    nrbac_value *answer = NULL;
    nrbac_ask ask = { .flags = na_number(env, arguments[2]) };
    (void)nrbac_evaluate_document(engine->handle, request, &ask, self->document,
                                  &answer);
    return na_json(env, answer);
}

/* prepare(engine, name): what stands for the name at this engine. */
static napi_value prepare(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    na_addon *self;
    na_engine *engine = engine_of(env, info, 2, arguments, &self);
    if (engine == NULL)
        return NULL;
    size_t size;
    const char *text = na_text(env, self, arguments[1], &size);
    if (text == NULL)
        return NULL;
    nrbac_name its = nrbac_prepare(engine->handle, text);
    if (its == 0)
        return na_throw(env, NRBAC_E_LIMIT, "more than 1,048,576 names are prepared");
    napi_value prepared = NULL;
    uint64_t bits = engine->tag << NAME_BITS | its;
    double name;
    memcpy(&name, &bits, sizeof(name));
    (void)napi_create_double(env, name, &prepared);
    return prepared;
}

static napi_value generation(napi_env env, napi_callback_info info)
{
    napi_value argument;
    na_addon *self;
    na_engine *engine = engine_of(env, info, 1, &argument, &self);
    return engine == NULL ? NULL : number(env, nrbac_engine_generation(engine->handle));
}

static napi_value policy(napi_env env, napi_callback_info info)
{
    napi_value argument;
    na_addon *self;
    na_engine *engine = engine_of(env, info, 1, &argument, &self);
    if (engine == NULL)
        return NULL;
    nrbac_document_reset(self->document);
    return na_json(env, nrbac_policy_info(engine->handle, self->document));
}

/* A text of its own; NULL for undefined. False: an exception is pending. */
static bool copy_text(napi_env env, na_addon *self, napi_value value, char **out)
{
    napi_valuetype type = napi_undefined;
    (void)napi_typeof(env, value, &type);
    if (type == napi_undefined)
        return true;
    size_t size;
    const char *text = na_text(env, self, value, &size);
    if (text == NULL)
        return false;
    *out = strdup(text);
    if (*out == NULL)
        na_throw(env, NRBAC_E_MEMORY, NULL);
    return *out != NULL;
}

/* revoke(engine, sid?, sub?, role_profile?): how many sessions ended. */
static napi_value revoke(napi_env env, napi_callback_info info)
{
    napi_value arguments[4], ended = NULL;
    na_addon *self;
    na_engine *engine = engine_of(env, info, 4, arguments, &self);
    if (engine == NULL)
        return NULL;
    char *texts[3] = { NULL, NULL, NULL };
    bool read = true;
    for (int i = 0; read && i < 3; i++)
        read = copy_text(env, self, arguments[i + 1], &texts[i]);
    if (read) {
        nrbac_revocation which = { texts[0], texts[1], texts[2] };
        ended = number(env, (uint32_t)nrbac_revoke(engine->handle, &which));
    }
    for (int i = 0; i < 3; i++)
        free(texts[i]);
    return ended;
}

/* stop(engine, stopped) */
static napi_value stop(napi_env env, napi_callback_info info)
{
    napi_value arguments[2];
    na_addon *self;
    na_engine *engine = engine_of(env, info, 2, arguments, &self);
    bool stopped = true;
    if (engine == NULL)
        return NULL;
    (void)napi_get_value_bool(env, arguments[1], &stopped);
    nrbac_engine_stop(engine->handle, stopped);
    return NULL;
}

static const na_function functions[] = {
    { "openEngine", open_engine },
    { "reload", reload },
    { "closeEngine", close_engine },
    { "evaluate", evaluate },
    { "prepare", prepare },
    { "generation", generation },
    { "policy", policy },
    { "revoke", revoke },
    { "stop", stop },
};

napi_status na_engines_export(napi_env env, napi_value exports)
{
    return na_export(env, exports, functions, sizeof(functions) / sizeof(*functions));
}
