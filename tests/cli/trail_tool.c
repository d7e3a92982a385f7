/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a trail for tests: decides what it is asked, and records it as a daemon would.
 *
 *   trail_tool TRAIL POLICY.nrb none|named|plain TIMES < LINES
 *
 * A line is {"request": ..., "checks": [NAME...], "recorded": [NAME...]}: without checks
 * the request is evaluated; else a session is opened for it, and asked. With "asserted":
 * true the records are as of a program's own recorder. All lines are done TIMES times;
 * "{n}" in a line stands for the number of the round.
 */
#define _POSIX_C_SOURCE 200809L /* getline */
#include "audit/trail.h"
#include "keep/keep.h"

#include <nrbac/policy.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 10000, LINES = 256 };

typedef struct book {
    nr_trail *trail;
    nr_keeping keeping;
    nrbac_document *document;
    nr_arena arena;
    size_t in_batch;
    bool failed;
} book;

static void demand(bool good, const char *what)
{
    if (good)
        return;
    fprintf(stderr, "trail_tool: %s\n", what);
    exit(1);
}

static void commit(book *into)
{
    if (into->in_batch != 0)
        demand(nr_trail_commit(into->trail, NULL) == NR_TRAIL_OK, "no commit");
    into->in_batch = 0;
}

static bool keep(void *context, nrbac_record *told)
{
    book *into = context;
    const nr_peer peer = { .known = true, .uid = 1000, .gid = 100, .pid = 4711 };
    nr_circumstances circumstances;
    nr_record record;
    if (into->in_batch == 0)
        demand(nr_trail_begin(into->trail, NR_BATCHED) == NR_TRAIL_OK, "no batch");
    nr_arena_reset(&into->arena);
    demand(nr_keep_circumstances(&into->keeping, told, &peer, into->document,
                                 &into->arena, &circumstances),
           "no circumstances");
    demand(nr_keep_record(&into->keeping, told, &circumstances, NULL, &into->arena,
                          &record),
           "no record");
    demand(nr_trail_append(into->trail, &record) == NR_TRAIL_OK, "not appended");
    if (++into->in_batch == BATCH)
        commit(into);
    return true;
}

/* The line with the round's number in it. */
static const char *line_of_round(const char *line, long round)
{
    static char text[65536];
    size_t size = 0;
    for (const char *at; (at = strstr(line, "{n}")) != NULL; line = at + 3)
        size += (size_t)snprintf(text + size, sizeof(text) - size, "%.*s%ld",
                                 (int)(at - line), line, round);
    (void)snprintf(text + size, sizeof(text) - size, "%s", line);
    return text;
}

static void ask(nrbac_engine *engine, const char *line, book *into,
                nrbac_document *document)
{
    const nrbac_value *asked = NULL;
    nrbac_value *answer = NULL;
    nrbac_session *session = NULL;
    const nrbac_ask how = { .flags = NRBAC_ASK_REQUEST_TIME };
    nrbac_document_reset(document);
    demand(nrbac_json_read(document, line, strlen(line), &asked, NULL) == NRBAC_OK,
           "no JSON");
    const nrbac_value *request = nrbac_value_find(asked, "request");
    const nrbac_value *checks = nrbac_value_find(asked, "checks");
    const nrbac_value *recorded = nrbac_value_find(asked, "recorded");
    into->keeping.asserted = nrbac_value_boolean(nrbac_value_find(asked, "asserted"));
    if (checks == NULL && recorded == NULL) {
        (void)nrbac_evaluate_document(engine, request, &how, document, &answer);
        return;
    }
    (void)nrbac_session_open_document(engine, request, &how, document, &answer,
                                      &session);
    for (size_t i = 0; session != NULL && i < nrbac_value_count(checks); i++)
        (void)nrbac_decide_text(session, nrbac_value_text(nrbac_value_at(checks, i)));
    for (size_t i = 0; session != NULL && i < nrbac_value_count(recorded); i++) {
        const char *name = nrbac_value_text(nrbac_value_at(recorded, i));
        (void)nrbac_check_recorded(session, nrbac_prepare(engine, name));
    }
    nrbac_session_close(session);
}

static size_t read_lines(char *lines[LINES])
{
    size_t count = 0, room = 0;
    while (count < LINES && getline(&lines[count], &room, stdin) > 0) {
        count++;
        room = 0;
    }
    free(lines[count < LINES ? count : 0]);
    return count;
}

int main(int argc, char **argv)
{
    char *lines[LINES] = { NULL };
    nrbac_engine *engine = NULL;
    nrbac_error error = { "" };
    book into = { .document = nrbac_document_create() };
    nrbac_document *document = nrbac_document_create();
    demand(argc == 5, "trail_tool TRAIL POLICY.nrb none|named|plain TIMES");
    into.keeping.patients = strcmp(argv[3], "plain") == 0   ? NR_PATIENTS_PLAIN
                            : strcmp(argv[3], "named") == 0 ? NR_PATIENTS_NAMED
                                                            : NR_PATIENTS_NONE;
    nr_trail_options options = { .path = argv[1], .reserve_bytes = 65536 };
    demand(nr_trail_open(&options, &into.trail, &error) == NR_TRAIL_OK, error.text);
    into.keeping.key = nr_trail_key(into.trail);
    demand(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine) == NRBAC_OK, "engine");
    demand(nrbac_engine_load(engine, argv[2], &error) == NRBAC_OK, error.text);

    FILE *file = fopen(argv[2], "rb");
    size_t size = 0;
    char *image = calloc(1, 1 << 26);
    demand(file != NULL && image != NULL, "no policy");
    size = fread(image, 1, 1 << 26, file);
    (void)fclose(file);
    uint8_t digest[NR_DIGEST_SIZE];
    const char *hex = nrbac_value_text(
        nrbac_value_find(nrbac_policy_info(engine, document), "digest"));
    demand(nr_hex_read(hex, NR_DIGEST_SIZE, digest), "no digest");
    demand(nr_trail_begin(into.trail, NR_SYNC) == NR_TRAIL_OK, "no batch");
    demand(nr_trail_keep_policy(into.trail, digest, image, size) == NR_TRAIL_OK,
           "the policy is not kept");
    demand(nr_trail_commit(into.trail, NULL) == NR_TRAIL_OK, "no commit");
    free(image);

    nrbac_engine_set_recorder(engine, keep, &into);
    size_t count = read_lines(lines);
    for (long round = 0; round < atol(argv[4]); round++)
        for (size_t i = 0; i < count; i++)
            ask(engine, line_of_round(lines[i], round), &into, document);
    commit(&into);
    nrbac_engine_destroy(engine);
    demand(nr_trail_close(into.trail) == NR_TRAIL_OK, "not closed");
    for (size_t i = 0; i < count; i++)
        free(lines[i]);
    nr_arena_finish(&into.arena);
    nrbac_document_destroy(into.document);
    nrbac_document_destroy(document);
    return 0;
}
