/* SPDX-License-Identifier: Apache-2.0 */
/* A policy that was stopped is decided on by nobody, whenever they asked. */
#include "compiled.h"

#include <nrbac/nrbac.h>
#include <pthread.h>

static nrbac_engine *engine;
static nrbac_build *odd, *even;
static bool armed;

static void publish(const nrbac_build *build)
{
    size_t size = 0;
    const void *image = nrbac_build_image(build, &size);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, NULL), NRBAC_OK);
}

/* The linker sends what unlocks here: -Wl,--wrap=pthread_mutex_unlock. Whoever has just
 * looked at what is in force is held up until the operator is done. */
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __real_pthread_mutex_unlock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int result = __real_pthread_mutex_unlock(mutex);
    if (armed) {
        armed = false;
        publish(even);
        nrbac_engine_stop(engine, false);
    }
    return result;
}

static nrbac_decision ask(const char *action)
{
    static const nrbac_profile profile = { .role = "R8000" };
    const nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                                 .profiles = &profile,
                                                 .profile_count = 1 },
                                    .action = action };
    nrbac_document *document = nrbac_document_create();
    nrbac_value *answer = NULL;
    nrbac_decision decision = nrbac_evaluate(engine, &request, document, &answer);
    nrbac_document_destroy(document);
    return decision;
}

/* An operator stops everybody, mends the policy, and lets them go on. */
static void a_question_asked_meanwhile_is_not_answered_by_the_old_policy(void)
{
    publish(odd);
    CHECK_INT(ask("B0001").effect, NRBAC_PERMIT);
    nrbac_engine_stop(engine, true);
    CHECK_INT(ask("B0001").reason, NRBAC_REASON_POLICY_STALE);
    armed = true;
    CHECK_INT(ask("B0001").reason, NRBAC_REASON_POLICY_STALE);
    CHECK(!armed);
    CHECK_INT(ask("B0001").reason, NRBAC_REASON_NOT_GRANTED);
    CHECK_INT(ask("B0003").effect, NRBAC_PERMIT);
}

int main(void)
{
    odd = compiled(odd_policy);
    even = compiled(even_policy);
    CHECK_INT(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine), NRBAC_OK);
    a_question_asked_meanwhile_is_not_answered_by_the_old_policy();
    nrbac_engine_destroy(engine);
    nrbac_build_destroy(odd);
    nrbac_build_destroy(even);
    return check_report();
}
