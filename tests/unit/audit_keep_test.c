/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is kept of a decision, written to a trail and read back, is decided again the
 * same, bit for bit; and no patient's number stands in it that was not asked for.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "audit/reader.h"
#include "audit/trail.h"
#include "chance.h"
#include "keep/keep.h"

#include <stdlib.h>
#include <unistd.h>

enum { ROUNDS = 3000 };

/* What was decided, in the order of the records. */
typedef struct book {
    nr_trail *trail;
    nr_keeping keeping;
    nrbac_document *document;
    nr_arena arena;
    nrbac_decision decided[8 * ROUNDS];
    size_t count;
} book;

static const char *number_or_nothing(const char *number)
{
    return number == NULL ? "" : number;
}

static bool keep(void *context, nrbac_record *told)
{
    book *into = context;
    const nr_peer peer = { .known = false };
    nr_circumstances circumstances;
    nr_record record;
    CHECK(into->count < sizeof(into->decided) / sizeof(into->decided[0]));
    CHECK(nr_keep_circumstances(&into->keeping, told, &peer, into->document,
                                &into->arena, &circumstances));
    CHECK(nr_keep_record(&into->keeping, told, &circumstances, NULL, &into->arena,
                         &record));
    CHECK_INT(nr_trail_append(into->trail, &record), NR_TRAIL_OK);
    into->decided[into->count] = *told->decision;
    into->count++;
    return true;
}

static void decide_by_chance(nrbac_engine *engine)
{
    static const char *const names[] = { "B0820", "B0107", "noted",   "plain", "sure",
                                         "here",  "B0000", "nothing", "" };
    nrbac_document *document = nrbac_document_create();
    for (int i = 0; i < ROUNDS; i++) {
        nrbac_profile profiles[3];
        nrbac_findings findings;
        nrbac_value *answer = NULL;
        nrbac_session *session = NULL;
        nrbac_request request = make_request(profiles, &findings);
        if (roll(4) == 0) /* known by the number alone */
            request.subject.id = request.subject.nhs_number;
        if (roll(8) == 0) /* as soon as it counts, but not the clock's */
            request.nhs_number = PICK("-", "--", "=", "#", "~");
        if (roll(4) == 0)
            request.subject.actor = "911";
        nrbac_document_reset(document);
        (void)nrbac_evaluate(engine, &request, document, &answer);
        (void)nrbac_session_open(engine, &request, &session);
        for (int k = 0; session != NULL && k < 3; k++) {
            const char *name = names[roll(sizeof(names) / sizeof(names[0]))];
            (void)nrbac_decide_text(session, name);
            (void)nrbac_check_recorded(session, nrbac_prepare(engine, name));
        }
        nrbac_session_close(session);
    }
    nrbac_document_destroy(document);
}

/* Each entry, decided again under the image that the trail keeps. */
static void check_trail(const char *path, const book *in, nrbac_engine *engine)
{
    nr_reader *reader = NULL;
    nr_entry entry;
    nrbac_document *document = nrbac_document_create();
    size_t permits = 0;
    CHECK_INT(nr_reader_open(path, &reader, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_reader_find(reader, &(nr_filter){ .decisions = true }), NR_TRAIL_OK);
    for (size_t i = 0; i < in->count; i++) {
        nr_recalled_inputs inputs;
        nr_recalled recalled;
        nrbac_document_reset(document);
        if (nr_reader_next(reader, &entry) != NR_TRAIL_OK ||
            !nr_recall_inputs(entry.record.circumstances, document, &inputs) ||
            !nr_recall(&entry, &inputs, &recalled)) {
            CHECK(false);
            break;
        }
        CHECK(nr_record_is(&entry.record, &in->decided[i]));
        if (nr_reason_is_of_moment(entry.record.reason))
            continue;
        nrbac_decision again = nrbac_decide_again(engine, &recalled.told, document,
                                                  NULL);
        CHECK(same(&again, &in->decided[i]));
        CHECK(nr_record_is(&entry.record, &again));
        if (!same(&again, &in->decided[i]))
            printf("record %zu: %s, again %s: %s %s %s\n", i,
                   nrbac_reason_slug(in->decided[i].reason),
                   nrbac_reason_slug(again.reason), entry.record.circumstances->who,
                   entry.record.circumstances->inputs,
                   number_or_nothing(entry.record.patient));
        permits += again.effect == NRBAC_PERMIT;
    }
    CHECK_INT(nr_reader_next(reader, &entry), NR_TRAIL_MISSING);
    CHECK(permits > 500);
    nr_reader_close(reader);
    nrbac_document_destroy(document);
}

/* Whether a text stands in the trail's file at all. */
static bool stands_in(const char *path, const char *text)
{
    FILE *file = fopen(path, "rb");
    size_t size = 0, room = 64 * 1024 * 1024, length = strlen(text);
    char *bytes = calloc(1, room);
    bool found = false;
    CHECK(file != NULL && bytes != NULL);
    if (file != NULL && bytes != NULL) {
        size = fread(bytes, 1, room, file);
        for (size_t i = 0; i + length <= size && !found; i++)
            found = memcmp(bytes + i, text, length) == 0;
    }
    if (file != NULL)
        (void)fclose(file);
    free(bytes);
    return found;
}

static void keep_and_decide_again(nr_patients patients, bool plain)
{
    char folder[] = "/tmp/nrbac-keep-XXXXXX";
    char path[64], command[96];
    nrbac_build *made = NULL;
    size_t size = 0;
    uint8_t digest[NR_DIGEST_SIZE];
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/trail", folder);
    nrbac_engine *engine = chance_engine(&made);
    book *into = calloc(1, sizeof(*into));
    const nr_trail_options how = { .path = path, .reserve_bytes = 65536 };
    CHECK_INT(nr_trail_open(&how, &into->trail, NULL), NR_TRAIL_OK);
    into->keeping = (nr_keeping){ .key = nr_trail_key(into->trail),
                                  .patients = patients };
    into->document = nrbac_document_create();
    const void *image = nrbac_build_image(made, &size);
    nrbac_value *info = nrbac_policy_info(engine, into->document);
    CHECK(nr_hex_read(nrbac_value_text(nrbac_value_find(info, "digest")),
                      NR_DIGEST_SIZE, digest));
    CHECK_INT(nr_trail_begin(into->trail, NR_BATCHED), NR_TRAIL_OK);
    CHECK_INT(nr_trail_keep_policy(into->trail, digest, image, size), NR_TRAIL_OK);
    nrbac_engine_set_recorder(engine, keep, into);
    decide_by_chance(engine);
    nrbac_engine_set_recorder(engine, NULL, NULL);
    CHECK_INT(nr_trail_commit(into->trail, NULL), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(into->trail), NR_TRAIL_OK);
    check_trail(path, into, engine);
    CHECK_INT(stands_in(path, "9000000009"), plain);
    CHECK_INT(stands_in(path, "9000000017"), plain);
    nr_arena_finish(&into->arena);
    nrbac_document_destroy(into->document);
    free(into);
    nrbac_engine_destroy(engine);
    nrbac_build_destroy(made);
    (void)snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK_INT(system(command), 0);
}

/* What nobody of this release wrote is not guessed at. */
static void what_was_not_kept_is_not_recalled(void)
{
    static const nr_circumstances bad[] = {
        { .who = "[]" },
        { .who = "{" },
        { .inputs = "{\"unheard\":1}" },
        { .inputs = "{\"malformed\":7}" },
        { .who = "{\"type\":\"robot\"}" },
    };
    nrbac_document *document = nrbac_document_create();
    nr_recalled_inputs inputs;
    nr_recalled recalled;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK(!nr_recall_inputs(&bad[i], document, &inputs));
    const nr_circumstances empty = { .who = NULL };
    CHECK(nr_recall_inputs(&empty, document, &inputs));
    nr_entry entry = { .record = { .event = NR_EVENT_CHECK, .at = 5000000 } };
    CHECK(nr_recall(&entry, &inputs, &recalled));
    CHECK_INT(recalled.told.time, 5);
    static const char *const details[] = { "{}", "{\"time\":}", "{\"time\":1", "x" };
    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++) {
        entry.record.detail = details[i];
        CHECK(!nr_recall(&entry, &inputs, &recalled));
    }
    entry.record.detail = "{\"time\":-7}";
    CHECK(nr_recall(&entry, &inputs, &recalled));
    CHECK_INT(recalled.told.time, -7);
    entry.record.event = NR_EVENT_START;
    CHECK(!nr_recall(&entry, &inputs, &recalled));
    nrbac_document_destroy(document);
}

int main(void)
{
    keep_and_decide_again(NR_PATIENTS_NONE, false);
    keep_and_decide_again(NR_PATIENTS_NAMED, false);
    keep_and_decide_again(NR_PATIENTS_PLAIN, true);
    what_was_not_kept_is_not_recalled();
    return check_report();
}
