/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast paths, a known number of times each, for callgrind to count:
 *
 *   valgrind --tool=callgrind --toggle-collect=nrbac_check_text build/tests/fast_counts_test
 *
 * collects instructions of FAST_CALLS calls (nrbac_session_open: of USERS). What open
 * users take is printed. Nothing here is a matter of time.
 */
#include "w1.h"

#include <malloc.h>

enum { FAST_CALLS = 1000, USERS = 10000 };

static nrbac_session *sessions[USERS];
static w1_user users[USERS];
static char codes[W1_ACTIVITIES][6];
static nrbac_name names[W1_ACTIVITIES];

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void open_all(nrbac_engine *engine)
{
    for (uint32_t i = 0; i < USERS; i++)
        CHECK_INT(nrbac_session_open(engine, &users[i].request, &sessions[i]).reason,
                  NRBAC_REASON_OPENED);
}

/* Ask in an order that no cache expects, as often as callgrind is told. */
static void by_number_and_by_text(void)
{
    uint32_t yes = 0;
    for (uint32_t i = 0; i < FAST_CALLS; i++) {
        uint32_t user = i * 7919 % USERS;
        uint32_t name = i * 31 % W1_ACTIVITIES;
        bool permitted = nrbac_check(sessions[user], names[name]);
        CHECK(nrbac_check_text(sessions[user], codes[name], 5) == permitted);
        yes += permitted;
    }
    CHECK(yes > FAST_CALLS / 10 && yes < FAST_CALLS * 9 / 10);
}

/* The answers of sessions before the directory has them. Returns what it takes. */
static size_t by_user_and_text(nrbac_engine *engine, size_t without_sessions)
{
    static bool wanted[FAST_CALLS];
    for (uint32_t i = 0; i < FAST_CALLS; i++)
        wanted[i] = nrbac_check(sessions[i * 7919 % USERS],
                                names[i * 31 % W1_ACTIVITIES]);
    nrbac_directory *directory = NULL;
    CHECK_INT(nrbac_directory_create(engine, USERS, &directory), NRBAC_OK);
    for (uint32_t i = 0; i < USERS; i++)
        CHECK_INT(nrbac_directory_put(directory, users[i].id, 12, sessions[i]),
                  NRBAC_OK);
    size_t size = in_use() - without_sessions;
    for (uint32_t i = 0; i < FAST_CALLS; i++)
        CHECK(nrbac_directory_check(directory, users[i * 7919 % USERS].id, 12,
                                    codes[i * 31 % W1_ACTIVITIES], 5) == wanted[i]);
    nrbac_directory_destroy(directory);
    return size;
}

int main(void)
{
    nrbac_engine *engine = NULL;
    CHECK_INT(nrbac_engine_create(0, &engine), NRBAC_OK);
    char *policy = w1_policy();
    publish_text(engine, policy);
    free(policy);
    for (uint32_t i = 0; i < USERS; i++)
        w1_make_user(&users[i], i);
    for (uint32_t a = 0; a < W1_ACTIVITIES; a++) {
        (void)snprintf(codes[a], sizeof(codes[a]), "B%04u", (unsigned)a);
        names[a] = nrbac_prepare(engine, codes[a]);
    }
    size_t before = in_use();
    open_all(engine);
    printf("%zu bytes a session\n", (in_use() - before) / USERS);
    by_number_and_by_text();
    printf("%zu bytes a user in a directory, evidence included\n",
           by_user_and_text(engine, before) / USERS);
    nrbac_engine_destroy(engine);
    return check_report();
}
