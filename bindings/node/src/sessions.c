/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sessions and what is asked of them. Checks and decisions by number take their
 * arguments from the words that both sides see; by text they take them as they come.
 */
#include "addon.h"

/* ---- Opening -------------------------------------------------------------------- */

/* openSession(engine, request as JSON, flags): the answer as JSON; the session's slot is
 * left in the cell, and is 0 if there is none. */
static napi_value open_session(napi_env env, napi_callback_info info)
{
    napi_value arguments[3];
    na_addon *self = na_arguments(env, info, 3, arguments);
    na_engine *engine = na_engine_at(self, na_number(env, arguments[0]));
    if (engine == NULL)
        return na_throw(env, NRBAC_E_ARGUMENT, "the engine is closed");
    const nrbac_value *request = na_request(env, self, arguments[1]);
    if (request == NULL)
        return NULL;
    nrbac_ask ask = { .flags = na_number(env, arguments[2]) };
    nrbac_session *session = NULL;
    nrbac_value *answer = NULL;
    (void)nrbac_session_open_document(engine->handle, request, &ask, self->document,
                                      &answer, &session);
    napi_value text = na_json(env, answer);
    self->cell->session = 0;
    if (session == NULL || text == NULL) {
        nrbac_session_close(session);
        return text;
    }
    self->cell->session = na_keep_session(self, engine, session);
    if (self->cell->session == 0) {
        nrbac_session_close(session);
        return na_throw(env, NRBAC_E_MEMORY, NULL);
    }
    return text;
}

static napi_value close_session(napi_env env, napi_callback_info info)
{
    napi_value argument;
    na_addon *self = na_arguments(env, info, 1, &argument);
    na_close_session(self, na_number(env, argument));
    return NULL;
}

/* validUntil(session): Unix seconds; 0: not stated, or closed. */
static napi_value valid_until(napi_env env, napi_callback_info info)
{
    napi_value argument, seconds = NULL;
    na_addon *self = na_arguments(env, info, 1, &argument);
    const na_session *its = na_session_at(self, na_number(env, argument));
    (void)napi_create_int64(
        env, its == NULL ? 0 : nrbac_session_valid_until(its->session), &seconds);
    return seconds;
}

/* ---- One name --------------------------------------------------------------------- */

/* Where decisions are recorded, none goes past that. */
static bool may(const na_session *its, nrbac_name name)
{
    return its->recorded ? nrbac_check_recorded(its->session, name)
                         : nrbac_check(its->session, name);
}

static bool may_text(const na_session *its, const char *name, size_t size)
{
    return its->recorded ? nrbac_check_text_recorded(its->session, name, size)
                         : nrbac_check_text(its->session, name, size);
}

/* check(): of the session and name in the cell. */
static napi_value check(napi_env env, napi_callback_info info)
{
    (void)info;
    na_addon *self = na_of(env);
    na_cell *cell = self->cell;
    uint32_t answer = ANSWER_CLOSED;
    const na_session *its = na_session_at(self, cell->session);
    if (its != NULL) {
        nrbac_name name = na_session_name(its, cell->name);
        answer = name == 0 ? (uint32_t)ANSWER_FOREIGN : may(its, name);
    }
    cell->effect = answer;
    return NULL;
}

/* checkText(session, name): an answer. */
static napi_value check_text(napi_env env, napi_callback_info info)
{
    napi_value arguments[2], number = NULL;
    na_addon *self = na_arguments(env, info, 2, arguments);
    const na_session *its = na_session_at(self, na_number(env, arguments[0]));
    uint32_t answer = ANSWER_CLOSED;
    if (its != NULL) {
        size_t size;
        const char *name = na_text(env, self, arguments[1], &size);
        if (name == NULL)
            return NULL;
        answer = may_text(its, name, size);
    }
    (void)napi_create_uint32(env, answer, &number);
    return number;
}

/* The obligations as a list of texts; undefined if there are none. */
static napi_value obligations_of(napi_env env, const nrbac_decision *decision)
{
    if (decision->obligation_count == 0)
        return NULL;
    napi_value list = NULL;
    (void)napi_create_array_with_length(env, decision->obligation_count, &list);
    for (uint32_t i = 0; i < decision->obligation_count; i++)
        (void)napi_set_element(env, list, i, na_string(env, decision->obligations[i]));
    return list;
}

static napi_value throw_closed(napi_env env)
{
    return na_throw(env, NRBAC_E_ARGUMENT, "the session is closed");
}

/* What is called by a prepared name, or by the text where there is none. False: an
 * exception is pending. The text is good until the next one is read. */
static bool called_name(napi_env env, na_addon *self, const na_session *its,
                        double name, napi_value text, nrbac_called *called)
{
    *called = (nrbac_called){ .number = na_session_name(its, name) };
    if (name != 0 && called->number == 0)
        (void)na_throw(env, NRBAC_E_UNSUPPORTED, "the name was prepared elsewhere");
    else if (name == 0)
        called->text = na_text(env, self, text, &called->size);
    return called->number != 0 || called->text != NULL;
}

/* decide(name as text?): of the session and name in the cell, where the effect, reason
 * and generation are left; returns the obligations. */
static napi_value decide(napi_env env, napi_callback_info info)
{
    napi_value text;
    na_addon *self = na_arguments(env, info, 1, &text);
    na_cell *cell = self->cell;
    const na_session *its = na_session_at(self, cell->session);
    nrbac_called called;
    nrbac_decision decision;
    if (its == NULL)
        return throw_closed(env);
    if (!called_name(env, self, its, cell->name, text, &called))
        return NULL;
    if (called.text != NULL)
        nrbac_decide_text_into(its->session, called.text, called.size, &decision);
    else
        nrbac_decide_into(its->session, called.number, &decision);
    cell->effect = (uint32_t)decision.effect;
    cell->reason = (uint32_t)decision.reason;
    cell->generation = decision.generation;
    return obligations_of(env, &decision);
}

/* ---- Many names --------------------------------------------------------------------- */

/* Whose the batch is; NULL, with an exception pending, if that is wrong. */
static const na_session *batch_session(napi_env env, const na_addon *self)
{
    const na_session *its = NULL;
    if (self->batch != NULL && self->batch[BATCH_COUNT] <= self->batch_names)
        its = na_session_at(self, (uint32_t)self->batch[BATCH_SESSION]);
    if (its == NULL)
        throw_closed(env);
    return its;
}

/* checkMany(texts?): of the batch. A name of 0 stands as text in the list. */
static napi_value check_many(napi_env env, napi_callback_info info)
{
    napi_value texts, text;
    na_addon *self = na_arguments(env, info, 1, &texts);
    const na_session *its = batch_session(env, self);
    if (its == NULL)
        return NULL;
    uint32_t count = (uint32_t)self->batch[BATCH_COUNT];
    const double *names = &self->batch[BATCH_NAMES];
    double *answers = &self->batch[BATCH_NAMES + count];
    for (uint32_t i = 0; i < count; i++) {
        if (names[i] != 0) {
            nrbac_name name = na_session_name(its, names[i]);
            answers[i] = name == 0 ? ANSWER_FOREIGN : may(its, name);
            continue;
        }
        size_t size;
        const char *name = NULL;
        if (napi_get_element(env, texts, i, &text) == napi_ok)
            name = na_text(env, self, text, &size);
        if (name == NULL)
            return NULL;
        answers[i] = may_text(its, name, size);
    }
    return NULL;
}

/* A batch that is being decided, name by name. */
typedef struct na_deciding {
    napi_env env;
    na_addon *self;
    const na_session *session;
    napi_value texts;
    uint32_t at, count;
    double *answer;         /* of the name at `at` */
    napi_value obligations; /* a list by place, with holes; NULL: none yet */
    bool failed;            /* an exception is pending */
} na_deciding;

static bool next_name(void *context, nrbac_called *called)
{
    na_deciding *its = context;
    if (its->at == its->count)
        return false;
    double name = its->self->batch[BATCH_NAMES + its->at];
    napi_value text = NULL;
    its->failed = (name == 0 &&
                   napi_get_element(its->env, its->texts, its->at, &text) != napi_ok) ||
                  !called_name(its->env, its->self, its->session, name, text, called);
    return !its->failed;
}

static void each_decision(void *context, const nrbac_decision *decision)
{
    na_deciding *its = context;
    its->answer[0] = decision->effect;
    its->answer[1] = decision->reason;
    its->answer[2] = decision->generation;
    if (decision->obligation_count > 0) {
        if (its->obligations == NULL)
            (void)napi_create_array(its->env, &its->obligations);
        (void)napi_set_element(its->env, its->obligations, its->at,
                               obligations_of(its->env, decision));
    }
    its->at++;
    its->answer += 3;
}

/* decideMany(texts?): of the batch, all under one policy; returns a list of obligations
 * by place, with holes where there are none, or undefined if there are none at all. */
static napi_value decide_many(napi_env env, napi_callback_info info)
{
    napi_value texts;
    na_addon *self = na_arguments(env, info, 1, &texts);
    const na_session *session = batch_session(env, self);
    if (session == NULL)
        return NULL;
    uint32_t count = (uint32_t)self->batch[BATCH_COUNT];
    na_deciding its = {
        .env = env,
        .self = self,
        .session = session,
        .texts = texts,
        .count = count,
        .answer = &self->batch[BATCH_NAMES + count],
    };
    nrbac_decide_each(session->session, next_name, each_decision, &its);
    return its.failed ? NULL : its.obligations;
}

static const na_function functions[] = {
    { "openSession", open_session }, { "closeSession", close_session },
    { "validUntil", valid_until },   { "check", check },
    { "checkText", check_text },     { "decide", decide },
    { "checkMany", check_many },     { "decideMany", decide_many },
};

napi_status na_sessions_export(napi_env env, napi_value exports)
{
    return na_export(env, exports, functions, sizeof(functions) / sizeof(*functions));
}
