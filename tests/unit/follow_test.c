/* SPDX-License-Identifier: Apache-2.0 */
/* An engine that follows a daemon, step by step: each poll is the test's own. */
#define _GNU_SOURCE
#include "giver.h"
#include "share/folder.h"

#include <dirent.h>

static nrbac_build *odd, *even;
static char path[64];

static nrbac_request somebody(void)
{
    static const nrbac_profile profile = { .id = "1", .role = "R8000" };
    return (nrbac_request){ .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                         .id = "somebody",
                                         .profiles = &profile,
                                         .profile_count = 1 } };
}

static nrbac_session *open_session(nrbac_engine *engine)
{
    nrbac_request request = somebody();
    nrbac_session *session = NULL;
    CHECK_INT(nrbac_session_open(engine, &request, &session).reason,
              NRBAC_REASON_OPENED);
    return session;
}

static nrbac_status follow(nrbac_engine **engine, nrbac_error *error)
{
    char source[80];
    (void)snprintf(source, sizeof(source), "shm:%s", path);
    CHECK_INT(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, engine), NRBAC_OK);
    return nrbac_engine_open(*engine, source, error);
}

static void poll_now(nrbac_engine *engine)
{
    (void)nrbac_poll(engine, (int64_t)time(NULL));
}

/* As often as it takes for what was under way. */
static void poll_well(nrbac_engine *engine)
{
    for (int i = 0; i < 15; i++) {
        poll_now(engine);
        (void)poll(NULL, 0, 10);
    }
}

static int descriptors(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

/* ---- Well behaved -------------------------------------------------------------------- */

static void policies_are_followed(void)
{
    giver it = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_name three = nrbac_prepare(engine, "B0003");
    nrbac_session *session = open_session(engine);
    CHECK(nrbac_check(session, one) && !nrbac_check(session, three));
    int before = descriptors();
    for (uint32_t generation = 2; generation < 40; generation++) {
        giver_tell(&it, generation % 2 == 0 ? GIVE_EVEN : GIVE_ODD);
        CHECK(nrbac_check(session, generation % 2 == 0 ? one : three));
        poll_now(engine);
        CHECK_INT(nrbac_engine_generation(engine), generation);
        CHECK(nrbac_check(session, generation % 2 == 0 ? three : one));
        CHECK(!nrbac_check(session, generation % 2 == 0 ? one : three));
        CHECK_INT(nrbac_decide(session, one).generation, generation);
    }
    CHECK_INT(descriptors(), before);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    giver_end(&it);
}

static void a_stale_table_stops_everything_and_goes_on(void)
{
    giver it = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_session *session = open_session(engine);
    nrbac_request request = somebody();
    const giver_order stops[] = { GIVE_STALE, GIVE_STOP };
    for (size_t i = 0; i < 2; i++) {
        nrbac_session *none = NULL;
        giver_tell(&it, stops[i]);
        poll_now(engine);
        CHECK(!nrbac_check(session, one));
        CHECK_INT(nrbac_decide(session, one).reason, NRBAC_REASON_POLICY_STALE);
        CHECK_INT(nrbac_decide(session, one).effect, NRBAC_DENY);
        CHECK_INT(nrbac_decide_text(session, "B0001").reason,
                  NRBAC_REASON_POLICY_STALE);
        CHECK_INT(nrbac_session_open(engine, &request, &none).reason,
                  NRBAC_REASON_POLICY_STALE);
        CHECK(none == NULL);
        giver_tell(&it, GIVE_GO);
        poll_now(engine);
        CHECK(nrbac_check(session, one));
        CHECK_INT(nrbac_session_open(engine, &request, &none).reason,
                  NRBAC_REASON_OPENED);
        nrbac_session_close(none);
    }
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    giver_end(&it);
}

/* An operator stops everybody, mends the policy, and lets them go on: whoever cannot
 * have the new one yet does not go on under the old one. */
static void a_stop_is_lifted_by_the_policy_of_now_alone(void)
{
    giver it = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_name three = nrbac_prepare(engine, "B0003");
    nrbac_session *session = open_session(engine);
    giver_tell(&it, GIVE_STOP);
    poll_now(engine);
    giver_tell(&it, GIVE_NOT_ALLOWED);
    giver_tell(&it, GIVE_EVEN);
    giver_tell(&it, GIVE_GO);
    poll_well(engine);
    CHECK_INT(nrbac_engine_generation(engine), 1);
    CHECK(!nrbac_check(session, one));
    CHECK_INT(nrbac_decide(session, one).reason, NRBAC_REASON_POLICY_STALE);
    giver_tell(&it, GIVE_WELL);
    poll_well(engine);
    CHECK(!nrbac_check(session, one) && nrbac_check(session, three));
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    giver_end(&it);
}

/* What ends while everything stands still has ended when it goes on. */
static void an_end_outlasts_a_stale_table(void)
{
    giver it = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_session *revoked = open_session(engine);
    nrbac_request request = somebody();
    nrbac_session *expiring = NULL;
    request.subject.id = "another";
    request.subject.expires_at = (int64_t)time(NULL) + 100;
    CHECK_INT(nrbac_session_open(engine, &request, &expiring).effect, NRBAC_PERMIT);
    giver_tell(&it, GIVE_STALE);
    poll_now(engine);
    giver_tell(&it, GIVE_REVOKE);
    (void)nrbac_poll(engine, (int64_t)time(NULL) + 200);
    giver_tell(&it, GIVE_GO);
    poll_now(engine);
    CHECK_INT(nrbac_decide(revoked, one).reason, NRBAC_REASON_SESSION_REVOKED);
    CHECK_INT(nrbac_decide(expiring, one).reason, NRBAC_REASON_EVIDENCE_EXPIRED);
    nrbac_session *fresh = open_session(engine);
    poll_now(engine);
    CHECK(nrbac_check(fresh, one)); /* revoked before it was opened is not revoked */
    nrbac_session_close(fresh);
    nrbac_session_close(expiring);
    nrbac_session_close(revoked);
    nrbac_engine_destroy(engine);
    giver_end(&it);
}

/* The last revocation of a daemon that dies right after it still counts, and its
 * successor's page is another page. */
static void a_successor_is_found(void)
{
    giver first = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_name three = nrbac_prepare(engine, "B0003");
    nrbac_session *meant = open_session(engine);
    nrbac_request request = somebody();
    nrbac_session *other = NULL;
    request.subject.id = "another";
    CHECK_INT(nrbac_session_open(engine, &request, &other).effect, NRBAC_PERMIT);
    int before = descriptors();
    giver_tell(&first, GIVE_REVOKE);
    giver_end(&first);
    giver second = giver_start(path, even, odd);
    poll_now(engine);
    CHECK_INT(nrbac_engine_generation(engine), 1);
    CHECK_INT(nrbac_decide(meant, one).reason, NRBAC_REASON_SESSION_REVOKED);
    CHECK(!nrbac_check(other, one) && nrbac_check(other, three));
    CHECK_INT(descriptors() - 1, before - 1); /* the orders of one giver each */
    nrbac_session_close(meant);
    nrbac_session_close(other);
    nrbac_engine_destroy(engine);
    giver_end(&second);
}

/* It died halfway through writing: what was read last counts, deadline and all. */
static void a_page_left_half_written_is_outlived(void)
{
    giver first = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_session *session = open_session(engine);
    giver_tell(&first, GIVE_HALF_WRITTEN);
    poll_well(engine);
    CHECK(nrbac_check(session, one));
    giver_end(&first);
    giver second = giver_start(path, even, odd);
    poll_well(engine);
    CHECK(!nrbac_check(session, one));
    CHECK(nrbac_check(session, nrbac_prepare(engine, "B0003")));
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    giver_end(&second);
}

/* ---- Badly behaved ------------------------------------------------------------------- */

static const struct {
    giver_order order;
    nrbac_status status;
    const char *said;
} misbehaviours[] = {
    { GIVE_NOT_ALLOWED, NRBAC_E_REFUSED, "other users" },
    { GIVE_UNSEALED, NRBAC_E_IMAGE, "not sealed" },
    { GIVE_FILES, NRBAC_E_IMAGE, "no memory" },
    { GIVE_SWAPPED, NRBAC_E_IMAGE, "" },
    { GIVE_ONE, NRBAC_E_FORMAT, "no table" },
    { GIVE_GARBAGE, NRBAC_E_FORMAT, "no table" },
    { GIVE_NOTHING, NRBAC_E_IO, "" },
};

/* At first nothing is opened; later the last good policy stays. */
static void nothing_else_is_taken_for_a_table(void)
{
    giver it = giver_start(path, odd, even);
    for (size_t i = 0; i < NR_COUNT(misbehaviours); i++) {
        nrbac_engine *engine = NULL;
        nrbac_error error = { "" };
        int before = descriptors();
        giver_tell(&it, misbehaviours[i].order);
        CHECK_INT(follow(&engine, &error), misbehaviours[i].status);
        CHECK(error.text[0] != '\0' &&
              strstr(error.text, misbehaviours[i].said) != NULL);
        CHECK_INT(nrbac_engine_generation(engine), 0);
        nrbac_engine_destroy(engine);
        CHECK_INT(descriptors(), before);
    }
    giver_end(&it);
}

static void the_last_good_policy_stays(void)
{
    giver it = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_session *session = open_session(engine);
    int before = descriptors();
    for (size_t i = 0; i < NR_COUNT(misbehaviours); i++) {
        giver_tell(&it, misbehaviours[i].order);
        giver_tell(&it, GIVE_EVEN);
        poll_well(engine);
        CHECK_INT(nrbac_engine_generation(engine), 1);
        CHECK(nrbac_check(session, one));
        CHECK_INT(descriptors(), before);
    }
    giver_tell(&it, GIVE_WELL);
    poll_well(engine);
    CHECK_INT(nrbac_engine_generation(engine), 1 + NR_COUNT(misbehaviours));
    CHECK(!nrbac_check(session, one));
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    giver_end(&it);
}

/* The daemon lives and has a new policy, which for some reason is not to be had: the
 * old one is not decided on for longer than if the daemon were dead. */
static void nobody_stays_behind_for_ever(void)
{
    giver it = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_name three = nrbac_prepare(engine, "B0003");
    nrbac_session *session = open_session(engine);
    giver_tell(&it, GIVE_NOT_ALLOWED);
    giver_tell(&it, GIVE_EVEN);
    giver_tell(&it, GIVE_BEATS);
    (void)poll(NULL, 0, 20);
    poll_now(engine);
    CHECK_INT(nrbac_decide(session, three).reason, NRBAC_REASON_NOT_GRANTED);
    for (int i = 0; i < 3; i++)
        poll_well(engine);
    CHECK_INT(nrbac_decide(session, three).reason, NRBAC_REASON_POLICY_STALE);
    giver_tell(&it, GIVE_WELL);
    giver_tell(&it, GIVE_BEATS);
    poll_well(engine);
    CHECK(nrbac_check(session, three));
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    giver_end(&it);
}

/* ---- A folder ------------------------------------------------------------------------- */

static void put_status(nr_folder *folder, nr_status_page *page, nrbac_build *of,
                       uint64_t generation)
{
    size_t size = 0;
    const char *image = nrbac_build_image(of, &size);
    nr_status status = { .generation = generation, .image_size = size };
    memcpy(status.digest, image + 32, NR_SHA256_SIZE);
    nr_status_write(page, &status);
    CHECK(nr_folder_put_status(folder, page));
}

static void put_image(nr_folder *folder, nrbac_build *build)
{
    size_t size = 0;
    const void *image = nrbac_build_image(build, &size);
    CHECK(nr_folder_put_image(folder, image, size));
}

/* Between the two renames of a publication, and with a page of another daemon. */
static void an_image_counts_for_its_own_status_alone(void)
{
    char made[] = "/tmp/nrbac-table-XXXXXX";
    char source[64];
    nr_folder folder;
    nr_status_page *page = calloc(1, sizeof(*page));
    nrbac_engine *engine = NULL;
    CHECK(mkdtemp(made) != NULL && nr_status_begin(page));
    CHECK(nr_folder_open(&folder, made));
    put_image(&folder, odd);
    put_status(&folder, page, odd, 1);
    (void)snprintf(source, sizeof(source), "file:%s", made);
    CHECK_INT(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine), NRBAC_OK);
    CHECK_INT(nrbac_engine_open(engine, source, NULL), NRBAC_OK);
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_session *session = open_session(engine);
    put_status(&folder, page, even, 2);
    poll_well(engine);
    CHECK(nrbac_check(session, one) && nrbac_engine_generation(engine) == 1);
    put_image(&folder, even);
    poll_well(engine);
    CHECK(!nrbac_check(session, one) && nrbac_engine_generation(engine) == 2);
    nr_folder_close(&folder);
    CHECK(nr_folder_open(&folder, made) && nr_status_begin(page));
    put_image(&folder, odd); /* of another daemon that has come as far */
    put_status(&folder, page, odd, 2);
    poll_well(engine);
    CHECK(nrbac_check(session, one));
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    nr_folder_close(&folder);
    free(page);
    char command[64];
    (void)snprintf(command, sizeof(command), "rm -r %s", made);
    CHECK_INT(system(command), 0);
}

/* A daemon that does not answer costs a poll 20 ms, and is not asked twice. */
static void a_late_answer_holds_nobody_up(void)
{
    giver it = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_session *session = open_session(engine);
    giver_tell(&it, GIVE_LATE);
    giver_tell(&it, GIVE_EVEN);
    int64_t began = nr_boot_ns();
    poll_now(engine);
    int before = descriptors();
    for (int i = 0; i < 4; i++)
        poll_now(engine);
    CHECK(nr_boot_ns() - began < 500 * INT64_C(1000000));
    CHECK_INT(descriptors(), before);
    CHECK_INT(nrbac_engine_generation(engine), 1);
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    giver_end(&it);
}

static void an_engine_keeps_to_its_daemon(void)
{
    giver it = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    nrbac_error error = { "" };
    size_t size = 0;
    const void *image = nrbac_build_image(even, &size);
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    CHECK_INT(nrbac_engine_load_image(engine, image, size, &error), NRBAC_E_ARGUMENT);
    CHECK(strstr(error.text, "follows") != NULL);
    CHECK_INT(nrbac_engine_load(engine, "any.nrb", NULL), NRBAC_E_ARGUMENT);
    CHECK_INT(nrbac_engine_open(engine, "any.nrb", NULL), NRBAC_E_ARGUMENT);
    CHECK_INT(nrbac_engine_open(engine, "file:/tmp", NULL), NRBAC_E_ARGUMENT);
    CHECK_INT(nrbac_engine_generation(engine), 1);
    nrbac_engine_destroy(engine);
    CHECK_INT(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine), NRBAC_OK);
    CHECK_INT(nrbac_engine_open(engine, "/nonexistent/policy.nrb", NULL), NRBAC_E_IO);
    nrbac_engine_destroy(engine);
    giver_end(&it);
}

/* A path says by what lies there what it is of. */
static void a_source_is_a_file_or_a_folder(void)
{
    char folder[] = "/tmp/nrbac-source-XXXXXX";
    char place[64], source[80];
    nrbac_engine *engine = NULL;
    nrbac_error error;
    size_t size = 0;
    const void *image = nrbac_build_image(even, &size);
    CHECK(mkdtemp(folder) != NULL);

    (void)snprintf(place, sizeof(place), "%s/even.nrb", folder);
    FILE *file = fopen(place, "w");
    CHECK_INT(fwrite(image, 1, size, file), size);
    CHECK_INT(fclose(file), 0);
    (void)snprintf(source, sizeof(source), "file:%s", place);
    CHECK_INT(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine), NRBAC_OK);
    CHECK_INT(nrbac_engine_open(engine, source, &error), NRBAC_OK);
    CHECK_INT(nrbac_engine_open(engine, place, &error), NRBAC_OK);
    CHECK_INT(nrbac_engine_generation(engine), 2);
    (void)unlink(place);
    CHECK_INT(nrbac_engine_open(engine, source, &error), NRBAC_E_IO);
    CHECK(strstr(error.text, place) != NULL);
    (void)snprintf(source, sizeof(source), "file:%s", folder);
    CHECK_INT(nrbac_engine_open(engine, source, &error), NRBAC_E_IO);
    CHECK(strstr(error.text, "/status: ") != NULL);
    nrbac_engine_destroy(engine);

    (void)snprintf(place, sizeof(place), "%s/nrbacd.sock", folder);
    giver it = giver_start(place, odd, even);
    (void)snprintf(source, sizeof(source), "shm:%s", folder);
    CHECK_INT(nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine), NRBAC_OK);
    CHECK_INT(nrbac_engine_open(engine, source, &error), NRBAC_OK);
    CHECK_INT(nrbac_engine_generation(engine), 1);
    nrbac_engine_destroy(engine);
    giver_end(&it);
    (void)unlink(place);
    (void)rmdir(folder);
}

/* The switch of a program's own, beside what it follows. */
static void either_reason_stops_it(void)
{
    giver it = giver_start(path, odd, even);
    nrbac_engine *engine = NULL;
    CHECK_INT(follow(&engine, NULL), NRBAC_OK);
    nrbac_name one = nrbac_prepare(engine, "B0001");
    nrbac_session *session = open_session(engine);
    nrbac_engine_stop(engine, true);
    CHECK(!nrbac_check(session, one));
    giver_tell(&it, GIVE_STOP);
    poll_now(engine);
    nrbac_engine_stop(engine, false);
    CHECK(!nrbac_check(session, one));
    giver_tell(&it, GIVE_GO);
    poll_now(engine);
    CHECK(nrbac_check(session, one));
    nrbac_session_close(session);
    nrbac_engine_destroy(engine);
    giver_end(&it);
}

int main(void)
{
    (void)snprintf(path, sizeof(path), "/tmp/nrbac-follow-%d.sock", (int)getpid());
    odd = compiled(odd_policy);
    even = compiled(even_policy);
    policies_are_followed();
    a_stale_table_stops_everything_and_goes_on();
    a_stop_is_lifted_by_the_policy_of_now_alone();
    an_end_outlasts_a_stale_table();
    a_successor_is_found();
    a_page_left_half_written_is_outlived();
    nothing_else_is_taken_for_a_table();
    the_last_good_policy_stays();
    a_late_answer_holds_nobody_up();
    an_engine_keeps_to_its_daemon();
    nobody_stays_behind_for_ever();
    an_image_counts_for_its_own_status_alone();
    either_reason_stops_it();
    a_source_is_a_file_or_a_folder();
    (void)unlink(path);
    nrbac_build_destroy(odd);
    nrbac_build_destroy(even);
    return check_report();
}
