/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The fast paths, a known number of times each, for callgrind to count:
 *
 *   valgrind --tool=callgrind --toggle-collect=nrbac_check_text build/tests/fast_counts_test
 *
 * divides by FAST_CALLS to instructions a call. What 10,000 open users take is
 * printed. Nothing here is a matter of time.
 */
#include "w1.h"

#include <malloc.h>

enum { FAST_CALLS = 1000, USERS = 10000 };

static nrbac_session *sessions[USERS];
static w1_user users[USERS];

static size_t in_use(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
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

    size_t before = in_use();
    for (uint32_t i = 0; i < USERS; i++)
        CHECK_INT(nrbac_session_open(engine, &users[i].request, &sessions[i]).effect,
                  NRBAC_PERMIT);
    printf("%zu bytes a session\n", (in_use() - before) / USERS);
    uint32_t yes = 0;
    nrbac_name names[W1_ACTIVITIES];
    static char codes[W1_ACTIVITIES][6];
    for (uint32_t a = 0; a < W1_ACTIVITIES; a++) {
        (void)snprintf(codes[a], sizeof(codes[a]), "B%04u", (unsigned)a);
        names[a] = nrbac_prepare(engine, codes[a]);
    }
    for (uint32_t i = 0; i < FAST_CALLS; i++)
        yes += nrbac_check(sessions[i], names[i % W1_ACTIVITIES]);
    for (uint32_t i = 0; i < FAST_CALLS; i++) {
        const char *code = codes[i % W1_ACTIVITIES];
        CHECK(nrbac_check_text(sessions[i], code, 5) ==
              nrbac_check(sessions[i], names[i % W1_ACTIVITIES]));
    }
    CHECK(yes != 0);
    for (uint32_t i = 0; i < USERS; i++)
        nrbac_session_close(sessions[i]);
    nrbac_engine_destroy(engine);
    return check_report();
}
