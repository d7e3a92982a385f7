/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions and what is asked of them. Checks and decisions by number take their
 * arguments from the words that both sides see; by text they take them as they come.
 */
#include "addon.h"

#include <nrbac/policy.h>

/* ---- Opening -------------------------------------------------------------------- */

/* open(engine, request as JSON, flags): the session's slot, or, if there is none, the
 * answer as JSON. */
static napi_value open_session(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    addon *self = addon_arguments(env, info, 3, arguments);
    engine *engine = addon_engine(self, addon_number(env, arguments[0]));
    if (engine == NULL)
        return addon_throw(env, NRBAC_E_ARGUMENT, "the engine is closed");
    size_t size;
    const char *text = addon_text(env, self, arguments[1], &size);
    if (text == NULL)
        return NULL;

    const nrbac_value *request = NULL;
    nrbac_error error;
    nrbac_document_reset(self->document);
    nrbac_status status = nrbac_json_read(self->document, text, size, &request, &error);
    if (status != NRBAC_OK)
        return addon_throw(env, status, error.text);
    nrbac_ask ask = { .flags = addon_number(env, arguments[2]) };
    nrbac_session *session = NULL;
    nrbac_value *answer = NULL;
    (void)nrbac_session_open_document(engine->handle, request, &ask, self->document,
                                      &answer, &session);
    if (session == NULL)
        return addon_json(env, answer);

    napi_value number = NULL;
    uint32_t slot = addon_keep_session(self, engine, session);
    if (slot == 0) {
        nrbac_session_close(session);
        return addon_throw(env, NRBAC_E_MEMORY, NULL);
    }
    (void)napi_create_uint32(env, slot, &number);
    return number;
}

static napi_value close_session(napi_env env, napi_callback_info info)
{
    napi_value argument;
    addon *self = addon_arguments(env, info, 1, &argument);
    addon_close_session(self, addon_number(env, argument));
    return NULL;
}

/* validUntil(session): Unix seconds; 0: not stated, or closed. */
static napi_value valid_until(napi_env env, napi_callback_info info)
{
    napi_value argument, seconds = NULL;
    addon *self = addon_arguments(env, info, 1, &argument);
    nrbac_session *session = addon_session(self, addon_number(env, argument));
    (void)napi_create_int64(
        env, session == NULL ? 0 : nrbac_session_valid_until(session), &seconds);
    return seconds;
}

/* ---- One name --------------------------------------------------------------------- */

/* check(): of the session and name in the cell. */
static napi_value check(napi_env env, napi_callback_info info)
{
    (void)info;
    addon *self = addon_of(env);
    nrbac_session *session = addon_session(self, self->cell[CELL_SESSION]);
    self->cell[CELL_EFFECT] = session == NULL
                                  ? (uint32_t)ANSWER_CLOSED
                                  : nrbac_check(session, self->cell[CELL_NAME]);
    return NULL;
}

/* checkText(session, name): one of the answers. */
static napi_value check_text(napi_env env, napi_callback_info info)
{
    napi_value arguments[2], answer = NULL;
    addon *self = addon_arguments(env, info, 2, arguments);
    nrbac_session *session = addon_session(self, addon_number(env, arguments[0]));
    size_t size;
    const char *name = addon_text(env, self, arguments[1], &size);
    if (name == NULL)
        return NULL;
    (void)napi_create_uint32(env,
                             session == NULL ? (uint32_t)ANSWER_CLOSED
                                             : nrbac_check_text(session, name, size),
                             &answer);
    return answer;
}

/* The obligations as a list of texts; undefined if there are none. */
static napi_value obligations_of(napi_env env, const nrbac_decision *decision)
{
    if (decision->obligation_count == 0)
        return NULL;
    napi_value list = NULL;
    (void)napi_create_array_with_length(env, decision->obligation_count, &list);
    for (uint32_t i = 0; i < decision->obligation_count; i++)
        (void)napi_set_element(env, list, i,
                               addon_string(env, decision->obligations[i]));
    return list;
}

static void put_decision(uint32_t *words, const nrbac_decision *decision)
{
    words[0] = (uint32_t)decision->effect;
    words[1] = (uint32_t)decision->reason;
    words[2] = decision->generation;
}

/* decide(name as text?): of the session and name in the cell, where the effect, reason
 * and generation are left; returns the obligations. Throws if the session is closed. */
static napi_value decide(napi_env env, napi_callback_info info)
{
    napi_value argument;
    addon *self = addon_arguments(env, info, 1, &argument);
    nrbac_session *session = addon_session(self, self->cell[CELL_SESSION]);
    if (session == NULL)
        return addon_throw(env, NRBAC_E_ARGUMENT, "the session is closed");

    nrbac_decision decision;
    if (self->cell[CELL_NAME] != 0) {
        nrbac_decide_into(session, self->cell[CELL_NAME], &decision);
    } else {
        size_t size;
        const char *name = addon_text(env, self, argument, &size);
        if (name == NULL)
            return NULL;
        nrbac_decide_text_into(session, name, size, &decision);
    }
    put_decision(&self->cell[CELL_EFFECT], &decision);
    return obligations_of(env, &decision);
}

/* ---- Many names --------------------------------------------------------------------- */

/* What a batch is about; NULL, with an exception pending, if that is wrong. */
static nrbac_session *batch_session(napi_env env, const addon *self)
{
    nrbac_session *session = NULL;
    if (self->batch != NULL && self->batch[BATCH_COUNT] <= self->batch_names)
        session = addon_session(self, self->batch[BATCH_SESSION]);
    if (session == NULL)
        addon_throw(env, NRBAC_E_ARGUMENT, "the session is closed");
    return session;
}

/* The text at a place of the list given; NULL with an exception pending. */
static const char *text_at(napi_env env, addon *self, napi_value list, uint32_t i,
                           size_t *size)
{
    napi_value element;
    if (napi_get_element(env, list, i, &element) != napi_ok)
        return NULL;
    return addon_text(env, self, element, size);
}

/* checkMany(texts?): of the batch. A name of number 0 stands as text in the list. */
static napi_value check_many(napi_env env, napi_callback_info info)
{
    napi_value texts;
    addon *self = addon_arguments(env, info, 1, &texts);
    nrbac_session *session = batch_session(env, self);
    if (session == NULL)
        return NULL;
    uint32_t count = self->batch[BATCH_COUNT];
    const uint32_t *names = &self->batch[BATCH_NAMES];
    uint32_t *answers = &self->batch[BATCH_NAMES + count];
    for (uint32_t i = 0; i < count; i++) {
        if (names[i] != 0) {
            answers[i] = nrbac_check(session, names[i]);
            continue;
        }
        size_t size;
        const char *name = text_at(env, self, texts, i, &size);
        if (name == NULL)
            return NULL;
        answers[i] = nrbac_check_text(session, name, size);
    }
    return NULL;
}

/* decideMany(texts?): of the batch; returns a list of obligations by place, with holes
 * where there are none, or undefined if there are none at all. */
static napi_value decide_many(napi_env env, napi_callback_info info)
{
    napi_value texts, all = NULL;
    addon *self = addon_arguments(env, info, 1, &texts);
    nrbac_session *session = batch_session(env, self);
    if (session == NULL)
        return NULL;
    uint32_t count = self->batch[BATCH_COUNT];
    const uint32_t *names = &self->batch[BATCH_NAMES];
    uint32_t *answers = &self->batch[BATCH_NAMES + count];
    for (uint32_t i = 0; i < count; i++) {
        nrbac_decision decision;
        if (names[i] != 0) {
            nrbac_decide_into(session, names[i], &decision);
        } else {
            size_t size;
            const char *name = text_at(env, self, texts, i, &size);
            if (name == NULL)
                return NULL;
            nrbac_decide_text_into(session, name, size, &decision);
        }
        put_decision(&answers[3 * (size_t)i], &decision);
        if (decision.obligation_count == 0)
            continue;
        if (all == NULL && napi_create_array(env, &all) != napi_ok)
            return NULL;
        (void)napi_set_element(env, all, i, obligations_of(env, &decision));
    }
    return all;
}

static const addon_function functions[] = {
    { "openSession", open_session }, { "closeSession", close_session },
    { "validUntil", valid_until },   { "check", check },
    { "checkText", check_text },     { "decide", decide },
    { "checkMany", check_many },     { "decideMany", decide_many },
};

napi_status sessions_export(napi_env env, napi_value exports)
{
    return addon_export(env, exports, functions,
                        sizeof(functions) / sizeof(*functions));
}
