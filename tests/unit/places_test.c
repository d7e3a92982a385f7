/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where sessions stand: side by side, in places that are taken again, and what a check
 * in line finds there, whatever becomes of names, policies and neighbours.
 */
#include "w1.h"

#include "api/slab.h"

#include <pthread.h>
#include <stdatomic.h>

enum { MANY = 1500, COMING = 100000, SLABS_MAX = 512 };

/* The linker sends allocations of slabs here: -Wl,--wrap=posix_memalign,--wrap=free. */
static void *live[SLABS_MAX];
static size_t live_count, asked_for;
static bool memory_is_out;
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

int __real_posix_memalign(void **out, size_t alignment, size_t size);
int __wrap_posix_memalign(void **out, size_t alignment, size_t size);
void __real_free(void *memory);
void __wrap_free(void *memory);

int __wrap_posix_memalign(void **out, size_t alignment, size_t size)
{
    if (memory_is_out || __real_posix_memalign(out, alignment, size) != 0)
        return 12;
    pthread_mutex_lock(&counting);
    asked_for++;
    if (live_count < SLABS_MAX)
        live[live_count++] = *out;
    pthread_mutex_unlock(&counting);
    return 0;
}

void __wrap_free(void *memory)
{
    pthread_mutex_lock(&counting);
    for (size_t i = 0; i < live_count; i++) {
        if (live[i] == memory) {
            live[i] = live[--live_count];
            break;
        }
    }
    pthread_mutex_unlock(&counting);
    __real_free(memory);
}

/* ---- Slabs ----------------------------------------------------------------------- */

static void fronts_stand_side_by_side(void)
{
    nr_slabs slabs = { .owner = &slabs, .back_size = sizeof(uint64_t) };
    char *fronts[MANY];
    for (uint64_t i = 0; i < MANY; i++) {
        fronts[i] = nr_slabs_take(&slabs, 60);
        CHECK(fronts[i] != NULL && (uintptr_t)fronts[i] % NR_LINE_SIZE == 0);
        CHECK(nr_slab_of(fronts[i])->owner == &slabs);
        memset(fronts[i], (int)(i % 251), NR_LINE_SIZE);
        *(uint64_t *)nr_slab_back(fronts[i]) = i;
        if (i > 0 && nr_slab_of(fronts[i]) == nr_slab_of(fronts[i - 1]))
            CHECK(fronts[i] == fronts[i - 1] + NR_LINE_SIZE);
    }
    for (uint64_t i = 0; i < MANY; i++) {
        CHECK_INT(fronts[i][NR_LINE_SIZE - 1], (char)(i % 251));
        CHECK_INT(*(uint64_t *)nr_slab_back(fronts[i]), i);
    }
    for (size_t i = 0; i < MANY; i++)
        nr_slabs_give(&slabs, fronts[i]);
    CHECK_INT(live_count, 2); /* one slab and its backs wait for the next */
    nr_slabs_finish(&slabs);
    CHECK_INT(live_count, 0);
}

static void a_place_given_back_is_taken_again(void)
{
    nr_slabs slabs = { .back_size = sizeof(void *) };
    void *one = nr_slabs_take(&slabs, 64);
    void *other = nr_slabs_take(&slabs, 64);
    nr_slabs_give(&slabs, one);
    nr_slabs_give(&slabs, other);
    CHECK(nr_slabs_take(&slabs, 64) == other);
    CHECK(nr_slabs_take(&slabs, 64) == one);
    CHECK(nr_slabs_take(&slabs, 64) == (char *)other + 64);
    nr_slabs_give(&slabs, one);
    nr_slabs_give(&slabs, other);
    nr_slabs_give(&slabs, (char *)other + 64);
    nr_slabs_finish(&slabs);
    CHECK_INT(live_count, 0);
}

/* A slab of the last size goes with the last who stands there. */
static void larger_fronts_follow_smaller_ones(void)
{
    nr_slabs slabs = { .back_size = sizeof(void *) };
    void *small = nr_slabs_take(&slabs, 64);
    void *larger = nr_slabs_take(&slabs, 65);
    void *huge = nr_slabs_take(&slabs, (size_t)3 * NR_SLAB_SIZE);
    CHECK_INT(nr_slab_of(larger)->front_size, 192); /* an odd number of lines */
    CHECK_INT(nr_slab_of(huge)->count, 1);
    memset(huge, 1, (size_t)3 * NR_SLAB_SIZE);
    CHECK_INT(live_count, 6);
    nr_slabs_give(&slabs, small);
    CHECK_INT(live_count, 4);
    nr_slabs_give(&slabs, larger);
    CHECK_INT(live_count, 2);
    nr_slabs_give(&slabs, huge);
    CHECK(nr_slabs_take(&slabs, 64) == huge);
    CHECK(nr_slabs_take(&slabs, SIZE_MAX / 2) == NULL);
    nr_slabs_give(&slabs, huge);
    nr_slabs_finish(&slabs);
    CHECK_INT(live_count, 0);
}

static void without_memory_there_is_no_place(void)
{
    nr_slabs slabs = { .back_size = sizeof(void *) };
    memory_is_out = true;
    CHECK(nr_slabs_take(&slabs, 64) == NULL);
    memory_is_out = false;
    void *front = nr_slabs_take(&slabs, 64);
    CHECK(front != NULL);
    nr_slabs_give(&slabs, front);
    nr_slabs_finish(&slabs);
}

/* ---- Sessions -------------------------------------------------------------------- */

static const char policy[] =
    "nrbac: 1\n"
    "policy: { name: p, version: \"1\" }\n"
    "activities: { B0001: { name: One }, B0002: { name: Two } }\n"
    "job_roles: { R8000: { name: First } }\n"
    "baseline: [{ roles: [R8000], activities: [B0001] }]\n";

static const char functions[] = "functions: { %s: { require: B0001 }, "
                                "%s.not: { require: B0002 } }\n";

static nrbac_engine *engine;

/* NULL: not permitted, or no memory. */
static nrbac_session *open_one(void)
{
    const nrbac_profile profile = { .role = "R8000", .organisation = "RBA" };
    const nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                                 .profiles = &profile,
                                                 .profile_count = 1 } };
    nrbac_session *session;
    (void)nrbac_session_open(engine, &request, &session);
    return session;
}

static void begin(void)
{
    CHECK_INT(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine), NRBAC_OK);
    publish_text(engine, policy);
}

static void end(void)
{
    nrbac_engine_destroy(engine);
    CHECK_INT(live_count, 0);
}

/* The check in line and the one that the library exports, which must agree. */
static bool checks(const nrbac_session *session, nrbac_name name)
{
    static bool (*volatile const exported)(const nrbac_session *,
                                           nrbac_name) = nrbac_check;
    bool may = nrbac_check(session, name);
    CHECK_INT(exported(session, name), may);
    return may;
}

/* Publishes a policy with a function of this name, which gets a number beyond so many
 * others; returns it. Its neighbour is not permitted. */
static nrbac_name add_name(const char *name, unsigned others)
{
    char text[sizeof(policy) + sizeof(functions) + 64];
    for (unsigned i = 0; i < others; i++) {
        (void)snprintf(text, sizeof(text), "before.%s.%u", name, i);
        CHECK(nrbac_prepare(engine, text) != 0);
    }
    int size = snprintf(text, sizeof(text), "%s", policy);
    (void)snprintf(text + size, sizeof(text) - (size_t)size, functions, name, name);
    publish_text(engine, text);
    return nrbac_name_find(engine, name, strlen(name));
}

static void names_that_come_later_have_bits_too(void)
{
    begin();
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_session *early = open_one();
    nrbac_name near = add_name("near", 0);
    CHECK(checks(early, near) && !checks(early, near + 1));
    nrbac_name late = add_name("late", 500); /* beyond the session's own room */
    CHECK(late > 500 && checks(early, one) && checks(early, late));
    CHECK(!checks(early, late + 1) && !checks(early, near));
    nrbac_name later = add_name("later", MANY); /* beyond the first block's, too */
    CHECK(checks(early, later) && !checks(early, later + 1) && !checks(early, late));
    CHECK(!checks(early, 0) && !checks(early, later + MANY) &&
          !checks(early, UINT32_MAX));
    nrbac_session *now = open_one();
    for (nrbac_name name = 0; name <= later + 64; name++)
        CHECK_INT(checks(early, name), checks(now, name));
    CHECK(checks(now, later) && nrbac_check_text(early, "later", 5));
    nrbac_engine_stop(engine, true);
    for (nrbac_name name = 0; name <= later + 64; name++)
        CHECK(!checks(early, name) && !checks(now, name));
    nrbac_engine_stop(engine, false);
    CHECK(checks(early, one) && checks(early, later) && checks(now, later));
    nrbac_session_close(early);
    CHECK(checks(now, one) && checks(now, later));
    nrbac_session_close(now);
    end();
}

/* Whoever comes and goes leaves nothing behind, one after the other or all at once. */
static void places_do_not_add_up(void)
{
    begin();
    nrbac_session *sessions[MANY];
    nrbac_session_close(open_one());
    size_t before = asked_for;
    for (int i = 0; i < COMING; i++)
        nrbac_session_close(open_one());
    CHECK_INT(asked_for, before);
    for (int i = 0; i < MANY; i++)
        sessions[i] = open_one();
    CHECK(live_count > 4);
    for (int i = 0; i < MANY; i++)
        nrbac_session_close(sessions[i]);
    CHECK_INT(live_count, 2);
    memory_is_out = true;
    for (int i = 0; i < 100; i++)
        sessions[i] = open_one(); /* there is still a slab */
    for (int i = 0; i < 100; i++)
        nrbac_session_close(sessions[i]);
    memory_is_out = false;
    end();
}

static void who_has_gone_may_do_nothing(void)
{
    begin();
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_session *stays = open_one();
    nrbac_session *goes = open_one();
    CHECK(checks(goes, one));
    nrbac_session_close(goes);
    CHECK(!checks(goes, one) && checks(stays, one));
    nrbac_session *comes = open_one();
    CHECK(comes == goes && checks(comes, one));
    nrbac_session_close(comes);
    nrbac_session_close(stays);
    end();
}

static atomic_bool done;
static atomic_uint wrong;

static void *come_and_go(void *context)
{
    enum { AT_ONCE = 5 };
    nrbac_name one = *(const nrbac_name *)context;
    while (!atomic_load(&done)) {
        nrbac_session *sessions[AT_ONCE];
        for (int i = 0; i < AT_ONCE; i++)
            sessions[i] = open_one();
        for (int i = 0; i < AT_ONCE; i++) {
            wrong += !nrbac_check(sessions[i], one) ||
                     nrbac_check(sessions[i], one + 1);
            nrbac_session_close(sessions[i]);
        }
    }
    return NULL;
}

/* Those who stay are not touched by neighbours who come and go, nor by names. */
static void neighbours_do_not_matter(void)
{
    begin();
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_session *session = open_one();
    pthread_t other;
    CHECK_INT(pthread_create(&other, NULL, come_and_go, &one), 0);
    for (int round = 0; round < 20; round++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "round.%d", round);
        nrbac_name late = add_name(name, 100);
        for (int i = 0; i < 1000; i++)
            wrong += !nrbac_check(session, one) || nrbac_check(session, one + 1) ||
                     !nrbac_check(session, late) || nrbac_check(session, late + 1);
    }
    atomic_store(&done, true);
    CHECK_INT(pthread_join(other, NULL), 0);
    CHECK_INT(wrong, 0);
    nrbac_session_close(session);
    end();
}

int main(void)
{
    fronts_stand_side_by_side();
    a_place_given_back_is_taken_again();
    larger_fronts_follow_smaller_ones();
    without_memory_there_is_no_place();
    names_that_come_later_have_bits_too();
    places_do_not_add_up();
    who_has_gone_may_do_nothing();
    neighbours_do_not_matter();
    return check_report();
}
