/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ourselves, from the text of a whole request document as NHS CIS2 sends it; and
 * the limit, which is reading that text with the JSON library and no more.
 */
#include "contender.h"
#include "people.h"

#include <nrbac/policy.h>

#include <jansson.h>

#include <stdlib.h>
#include <string.h>

enum { DOCUMENTS = 4096 }; /* or as many as there are requests */

typedef struct text {
    char *bytes;
    size_t size;
} text;

typedef struct reader {
    const bench_workload *workload;
    nrbac_engine *engine;
    nrbac_name *names;
    uint32_t count;
    text *texts;              /* of the first requests */
    nrbac_document *document; /* for what is read and answered, again and again */
    nrbac_document *kept;     /* requests read beforehand */
    const nrbac_value **requests;
} reader;

static void *start(const bench_workload *w, const char *image)
{
    reader *r = bench_new(1, sizeof(*r));
    char bytes[BENCH_DOCUMENT_SIZE];
    r->workload = w;
    r->engine = bench_engine(image);
    r->document = nrbac_document_create();
    r->kept = nrbac_document_create();
    r->names = bench_new(w->activity_count, sizeof(*r->names));
    for (uint32_t a = 0; a < w->activity_count; a++)
        r->names[a] = nrbac_prepare(r->engine, w->activities[a].code);
    r->count = w->request_count < DOCUMENTS ? w->request_count : DOCUMENTS;
    r->texts = bench_new(r->count, sizeof(*r->texts));
    for (uint32_t i = 0; i < r->count; i++) {
        r->texts[i].size = bench_document_of(w, &w->requests[i], bytes);
        r->texts[i].bytes = bench_new(r->texts[i].size, 1);
        memcpy(r->texts[i].bytes, bytes, r->texts[i].size);
    }
    return r;
}

static const nrbac_value *read_text(nrbac_document *document, const text *from)
{
    const nrbac_value *value;
    nrbac_error error = { 0 };
    if (nrbac_json_read(document, from->bytes, from->size, &value, &error) != NRBAC_OK)
        bench_fail("%s", error.text);
    return value;
}

static void *start_values(const bench_workload *w, const char *image)
{
    reader *r = start(w, image);
    r->requests = bench_new(r->count, sizeof(*r->requests));
    for (uint32_t i = 0; i < r->count; i++)
        r->requests[i] = read_text(r->kept, &r->texts[i]);
    return r;
}

/* ---- Asking -------------------------------------------------------------------------- */

static void ask_jansson(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const reader *r = state;
    for (uint32_t i = 0; i < count; i++) {
        json_error_t error;
        const text *page = &r->texts[from + i];
        json_t *value = json_loadb(page->bytes, page->size, JSON_REJECT_DUPLICATES,
                                   &error);
        answers[i] = value != NULL;
        json_decref(value);
    }
}

static void ask_read(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const reader *r = state;
    for (uint32_t i = 0; i < count; i++) {
        nrbac_document_reset(r->document);
        answers[i] = read_text(r->document, &r->texts[from + i]) != NULL;
    }
}

/* From text to a session, one check, and the session is closed. */
static void ask_opening(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const reader *r = state;
    for (uint32_t i = 0; i < count; i++) {
        nrbac_value *answer;
        nrbac_session *session;
        nrbac_document_reset(r->document);
        const nrbac_value *request = read_text(r->document, &r->texts[from + i]);
        (void)nrbac_session_open_document(r->engine, request, NULL, r->document,
                                          &answer, &session);
        nrbac_name name = r->names[r->workload->requests[from + i].activity];
        answers[i] = session != NULL && nrbac_check(session, name);
        nrbac_session_close(session);
    }
}

/* A whole question that was read beforehand, to its whole answer. */
static void ask_evaluating(void *state, uint32_t from, uint32_t count, uint8_t *answers)
{
    const reader *r = state;
    for (uint32_t i = 0; i < count; i++) {
        nrbac_value *answer;
        nrbac_document_reset(r->document);
        nrbac_decision decision = nrbac_evaluate_document(
            r->engine, r->requests[from + i], NULL, r->document, &answer);
        answers[i] = decision.effect == NRBAC_PERMIT && answer != NULL;
    }
}

static void finish(void *state)
{
    reader *r = state;
    for (uint32_t i = 0; i < r->count; i++)
        free(r->texts[i].bytes);
    nrbac_document_destroy(r->document);
    nrbac_document_destroy(r->kept);
    nrbac_engine_destroy(r->engine);
    free(r->names);
    free(r->texts);
    free(r->requests);
    free(r);
}

const bench_contender bench_documents[] = {
    { "open from text", "limit: jansson reads it", start, ask_jansson, finish,
      DOCUMENTS, true },
    { "open from text", "nrbac: reads it alone", start, ask_read, finish, DOCUMENTS,
      true },
    { "open from text", "nrbac: text, open, check, close", start, ask_opening, finish,
      DOCUMENTS, false },
    { "evaluate", "nrbac: a document", start_values, ask_evaluating, finish, DOCUMENTS,
      false },
    { 0 },
};
