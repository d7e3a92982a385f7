/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's quick way against its general way: thousands of questions, in any
 * width that MessagePack has, whole, broken and cut.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "check.h"
#include "quick_kit.h"

#include "base/base.h"

enum { ROUNDS = 40000, FRAME_ROOM = 8192 };

static uint32_t state = 7;

static uint32_t choose(uint32_t below)
{
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % below;
}

typedef struct frame {
    uint8_t bytes[FRAME_ROOM];
    size_t size;
} frame;

static void put_number(frame *to, uint8_t head, uint64_t number, unsigned size)
{
    to->bytes[to->size++] = head;
    for (unsigned i = size; i-- > 0;)
        to->bytes[to->size++] = (uint8_t)(number >> (8 * i));
}

/* In one of the widths that it fits into. */
static void put_integer(frame *to, uint64_t number)
{
    static const struct {
        uint8_t head;
        unsigned size;
        uint64_t most;
    } widths[] = { { 0xcc, 1, 0xff },       { 0xcd, 2, 0xffff },
                   { 0xce, 4, 0xffffffff }, { 0xcf, 8, UINT64_MAX },
                   { 0xd0, 1, 0x7f },       { 0xd1, 2, 0x7fff },
                   { 0xd2, 4, 0x7fffffff }, { 0xd3, 8, INT64_MAX } };
    uint32_t which = choose(16);
    if (which < NR_COUNT(widths) && number <= widths[which].most)
        put_number(to, widths[which].head, number, widths[which].size);
    else if (number < 0x80)
        to->bytes[to->size++] = (uint8_t)number;
    else
        put_number(to, 0xcf, number, 8);
}

static void put_list(frame *to, uint32_t count)
{
    uint32_t which = choose(4);
    if (which == 0 || (which > 1 && count > 15))
        put_number(to, 0xdd, count, 4);
    else if (which == 1)
        put_number(to, 0xdc, count, 2);
    else
        to->bytes[to->size++] = (uint8_t)(0x90 | count);
}

static void put_text(frame *to, const char *text)
{
    size_t size = strlen(text);
    uint32_t which = choose(8);
    if (which < 3)
        put_number(to, (uint8_t)(0xd9 + which), size, 1u << which);
    else if (size < 32)
        to->bytes[to->size++] = (uint8_t)(0xa0 | size);
    else
        put_number(to, 0xd9, size, 1);
    memcpy(to->bytes + to->size, text, size);
    to->size += size;
}

static void put_name(frame *to, uint32_t numbers)
{
    if (choose(3) == 0)
        put_integer(to, 1 + choose(numbers));
    else
        put_text(to, quick_names[choose(NR_COUNT(quick_names))]);
}

static frame make_frame(uint32_t numbers)
{
    frame to = { .size = 0 };
    bool many = choose(3) == 0;
    put_list(&to, 4);
    put_integer(&to, 0);
    put_integer(&to, choose(2) == 0 ? choose(300) : UINT32_MAX - choose(300));
    put_text(&to, many ? "check_many" : "check");
    put_list(&to, 2);
    put_integer(&to, 1 + choose(QUICK_SESSIONS));
    uint32_t count = many ? choose(QUICK_BATCH + 1) : 1;
    if (many)
        put_list(&to, count);
    for (uint32_t i = 0; i < count; i++)
        put_name(&to, numbers);
    return to;
}

/* Held flush against a block's end, so that reading on is seen by a sanitizer. */
static const char *compare(quick_kit *kit, const frame *f, size_t size, size_t *taken)
{
    uint8_t *bytes = malloc(size == 0 ? 1 : size);
    if (bytes == NULL)
        abort();
    memcpy(bytes, f->bytes, size);
    const char *wrong = quick_compare(kit, bytes, size, taken);
    free(bytes);
    return wrong;
}

static void plain_questions_are_answered_the_same(void)
{
    quick_kit *kit = quick_kit_make();
    size_t taken;
    size_t different = 0;
    size_t passed_over = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        frame f = make_frame(kit->connections[0].numbers);
        different += compare(kit, &f, f.size, &taken) != NULL;
        passed_over += taken != f.size;
    }
    CHECK_INT(different, 0);
    CHECK_INT(passed_over, 0);
    for (size_t r = 1; r < 4; r++) /* every effect but indeterminate was met */
        CHECK(kit->workers[0].metrics.effects[r - (r > 1)] != 0);
    CHECK(kit->workers[0].metrics.reasons[NRBAC_REASON_SESSION_REVOKED] != 0);
    CHECK(kit->workers[0].metrics.reasons[NRBAC_REASON_REQUIREMENT_MET] != 0);
    quick_kit_destroy(kit);
}

/* What is broken is passed over, or still means the same. */
static void broken_questions_are_answered_the_same(void)
{
    quick_kit *kit = quick_kit_make();
    size_t taken;
    size_t different = 0;
    size_t passed_over = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        frame f = make_frame(kit->connections[0].numbers);
        for (uint32_t n = 1 + choose(2); n > 0; n--)
            f.bytes[choose((uint32_t)f.size)] = (uint8_t)choose(256);
        different += compare(kit, &f, f.size, &taken) != NULL;
        passed_over += taken == 0;
    }
    CHECK_INT(different, 0);
    CHECK(passed_over > ROUNDS / 10 && passed_over < ROUNDS);
    quick_kit_destroy(kit);
}

static void a_cut_message_is_not_taken(void)
{
    quick_kit *kit = quick_kit_make();
    size_t taken;
    size_t wrong = 0;
    for (uint32_t i = 0; i < 200; i++) {
        frame f = make_frame(kit->connections[0].numbers);
        for (size_t size = 0; size < f.size; size++)
            wrong += compare(kit, &f, size, &taken) != NULL || taken != 0;
        f.bytes[f.size] = 0xc1; /* what follows is another message's */
        wrong += compare(kit, &f, f.size + 1, &taken) != NULL || taken != f.size;
    }
    CHECK_INT(wrong, 0);
    quick_kit_destroy(kit);
}

static size_t taken_of(quick_kit *kit, const char *bytes, size_t size)
{
    size_t taken = 0;
    const char *wrong = quick_compare(kit, (const uint8_t *)bytes, size, &taken);
    CHECK_STR(wrong, NULL);
    return taken;
}
#define TAKEN(kit, bytes) taken_of((kit), (bytes), sizeof(bytes) - 1)

/* Each of these is an error, whose wording is the general way's. */
static void errors_are_for_the_general_way(void)
{
    quick_kit *kit = quick_kit_make();
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\1\xa5"
                         "B0820"),
              17);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\4\xa5"
                         "B0820"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\xff\xa5"
                         "B0820"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\1\0"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\1\x7f"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\1\xce\xff\xff\xff\xff"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\1\xcf\0\0\0\1\0\0\0\1"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\1\xa5"
                         "B08\0000"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\1\xa3"
                         "\xe2\x82\xac"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xa5"
                         "check\x92\1\xc4\5"
                         "B0820"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\1\1\xa5"
                         "check\x92\1\xa5"
                         "B0820"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\xcf\0\0\0\1\0\0\0\0\xa5"
                         "check\x92\1\1"),
              0);
    CHECK_INT(TAKEN(kit, "\x93\2\xa5"
                         "check\x92\1\xa5"
                         "B0820"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xaa"
                         "check_many\x92\1\x92\xa5"
                         "B0820\xc0"),
              0);
    CHECK_INT(TAKEN(kit, "\x94\0\1\xaa"
                         "check_many\x92\1\x90"),
              17);
    quick_kit_destroy(kit);
}

/* In its shortest form, as programs write it. */
static void put_short(frame *to, uint32_t value)
{
    if (value < 0x80)
        to->bytes[to->size++] = (uint8_t)value;
    else if (value <= UINT8_MAX)
        put_number(to, 0xcc, value, 1);
    else if (value <= UINT16_MAX)
        put_number(to, 0xcd, value, 2);
    else
        put_number(to, 0xce, value, 4);
}

static void put_usual(frame *to, uint32_t id)
{
    static const char start[] = { '\x94', 0 };
    static const char call[] = "\xa5"
                               "check"
                               "\x92";
    const char *name = quick_names[choose(NR_COUNT(quick_names))];
    memcpy(to->bytes + to->size, start, sizeof(start));
    to->size += sizeof(start);
    put_short(to, id);
    memcpy(to->bytes + to->size, call, sizeof(call) - 1);
    to->size += sizeof(call) - 1;
    put_short(to, 1 + choose(QUICK_SESSIONS));
    to->bytes[to->size++] = (uint8_t)(0xa0 | strlen(name));
    memcpy(to->bytes + to->size, name, strlen(name));
    to->size += strlen(name);
}

/* As programs write them, in a row, cut anywhere; and no more than may be in flight. */
static void questions_in_a_row_are_answered_in_a_row(void)
{
    enum { IN_A_ROW = 5, IN_FLIGHT = 4 };
    static const uint32_t ids[] = { 0, 0x7f, 0x80, 0xff, 0x100, 0xffff, 0x10000 };
    quick_kit *kit = quick_kit_make();
    kit->options.limits.in_flight = IN_FLIGHT;
    size_t wrong = 0;
    for (uint32_t i = 0; i < ROUNDS / 100; i++) {
        frame f = { .size = 0 };
        size_t starts[IN_A_ROW + 1] = { 0 };
        for (size_t n = 0; n < IN_A_ROW; n++) {
            put_usual(&f, ids[choose(NR_COUNT(ids))] + choose(2));
            starts[n + 1] = f.size;
        }
        for (size_t size = 0; size <= f.size; size++) {
            size_t taken;
            size_t whole = 0;
            while (whole < IN_FLIGHT && starts[whole + 1] <= size)
                whole++;
            wrong += compare(kit, &f, size, &taken) != NULL || taken != starts[whole];
        }
    }
    CHECK_INT(wrong, 0);
    quick_kit_destroy(kit);
}

static void limits_are_the_same(void)
{
    quick_kit *kit = quick_kit_make();
    static const char three[] = "\x94\0\1\xaa"
                                "check_many\x92\1\x93\1\2\3";
    CHECK_INT(TAKEN(kit, three), 20);
    kit->options.limits.batch = 2;
    CHECK_INT(TAKEN(kit, three), 0);
    kit->options.limits.batch = 3;
    kit->options.limits.elements = 8;
    CHECK_INT(TAKEN(kit, three), 0);
    kit->options.limits.elements = 9;
    kit->options.limits.message_bytes = 19;
    CHECK_INT(TAKEN(kit, three), 0);
    kit->options.limits.message_bytes = 20;
    CHECK_INT(TAKEN(kit, three), 20);
    kit->options.limits.depth = 2;
    CHECK_INT(TAKEN(kit, three), 0);
    quick_kit_destroy(kit);
}

/* Both ways decide by the same function; a whole question decides by another one. */
static void no_answer_differs_from_a_whole_question(void)
{
    quick_kit *kit = quick_kit_make();
    nrbac_document *document = nrbac_document_create();
    for (size_t s = 0; s < 2; s++) {
        for (size_t n = 0; n < NR_COUNT(quick_names); n++) {
            const char *name = quick_names[n];
            if (*name == '\0')
                continue; /* of a whole question, malformed */
            nrbac_request request = quick_person(&quick_profiles[s], NULL);
            request.action = name;
            nrbac_value *answer = NULL;
            nrbac_document_reset(document);
            nrbac_decision whole = nrbac_evaluate(kit->engine, &request, document,
                                                  &answer);
            nrbac_decision quick;
            memset(&quick, 0xff, sizeof(quick));
            nrbac_decide_text_into(kit->sessions[s], name, strlen(name), &quick);
            CHECK_INT(quick.effect, whole.effect);
            CHECK_INT(quick.reason, whole.reason);
            CHECK_INT(quick.generation, whole.generation);
            CHECK_INT(quick.obligation_count, whole.obligation_count);
            for (uint32_t i = 0; i < quick.obligation_count; i++)
                CHECK_STR(quick.obligations[i], whole.obligations[i]);
        }
    }
    nrbac_document_destroy(document);
    quick_kit_destroy(kit);
}

/* A number stays its name's when the policy changes, also when the name has gone. */
static void a_number_never_changes_its_meaning(void)
{
    quick_kit *kit = quick_kit_make();
    nrbac_name view = nrbac_name_find(kit->engine, "B0820", 5);
    nrbac_name plain = nrbac_name_find(kit->engine, "plain", 5);
    nrbac_name count = nrbac_name_count(kit->engine);
    CHECK(view >= 1 && view <= count && plain >= 1 && plain <= count && view != plain);
    CHECK_INT(nrbac_name_find(kit->engine, "B7777", 5), 0);
    quick_reload(kit, "nrbac: 1\n"
                      "policy: { name: quick, version: \"2\" }\n"
                      "activities: { B7777: { name: New }, B0820: { name: View } }\n"
                      "job_roles: { R8000: { name: Practitioner } }\n"
                      "baseline: [{ roles: [R8000], activities: [B0820] }]\n");
    CHECK_INT(nrbac_name_find(kit->engine, "B0820", 5), view);
    CHECK_INT(nrbac_name_find(kit->engine, "plain", 5), plain);
    CHECK(nrbac_name_find(kit->engine, "B7777", 5) > count);
    nrbac_decision decision = { 0 };
    nrbac_decide_into(kit->sessions[0], view, &decision);
    CHECK_INT(decision.reason, NRBAC_REASON_GRANTED_BY_BASELINE);
    nrbac_decide_into(kit->sessions[0], plain, &decision);
    CHECK_INT(decision.reason, NRBAC_REASON_UNKNOWN_FUNCTION);
    nrbac_decide_into(kit->sessions[0], nrbac_name_find(kit->engine, "B0572", 5),
                      &decision);
    CHECK_INT(decision.reason, NRBAC_REASON_UNKNOWN_ACTIVITY);
    size_t taken;
    size_t different = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        frame f = make_frame(kit->connections[0].numbers);
        different += compare(kit, &f, f.size, &taken) != NULL || taken != f.size;
    }
    CHECK_INT(different, 0);
    quick_kit_destroy(kit);
}

int main(void)
{
    plain_questions_are_answered_the_same();
    broken_questions_are_answered_the_same();
    a_cut_message_is_not_taken();
    errors_are_for_the_general_way();
    questions_in_a_row_are_answered_in_a_row();
    limits_are_the_same();
    no_answer_differs_from_a_whole_question();
    a_number_never_changes_its_meaning();
    return check_report();
}
