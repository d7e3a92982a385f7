/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that uses a shared table, for tests: it does what the lines of its
 * input say, and answers each with a line.
 *
 *   open SOURCE | open-unwatched SOURCE | open-recorded SOURCE |
 *   open-recorded-unwatched SOURCE
 *                              ok GENERATION | failed STATUS TEXT
 *   session SUB SID PROFILE ROLE [VALID_UNTIL]  NUMBER REASON (`-`: not stated)
 *   check NUMBER NAME          BIT EFFECT REASON GENERATION OBLIGATIONS
 *   recorded NUMBER NAME       BIT of nrbac_check_recorded
 *   garbage NUMBER             REASON of a name that is not UTF-8
 *   evaluate ROLE NAME         EFFECT REASON GENERATION
 *   record NUMBER NAME COUNT   so many recorded checks of NAME.0, NAME.1, ..., each
 *                              answered by a line: BIT NAME.N
 *   record-threads NUMBER NAME COUNT THREADS
 *                              so many threads, each as above with NAME.T; then: done
 *   fork                       ok, and there is a child
 *   forked NUMBER NAME         BIT of nrbac_check_recorded in that child, which has
 *                              polled before
 *   record-fast NUMBER NAME COUNT
 *                              the same without lines; how many were yes
 *   until NUMBER NAME REASON   the time (ns of CLOCK_MONOTONIC) at which it is so
 *   generation-is NUMBER       the same for the policy's generation
 *   poll                       ok, after nrbac_poll
 *   hammer NUMBER NAME COUNT CHANGES
 *                              checks so many times, and until so many policies have
 *                              come: how many checks, how many of them yes
 *   close NUMBER               ok
 */
#include <nrbac/nrbac.h>
#include <nrbac/recorder.h>

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    SESSIONS = 4096,
    WORDS = 8,
    THREADS = 16,
    POLLS = 5,
    WAIT_NS = 200000,
    WAITS = 100000
};

static nrbac_engine *engine;
static nrbac_session *sessions[SESSIONS];
static int session_count;
static struct {
    pid_t process;
    int order; /* a pipe to it */
} child;

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static nrbac_session *session_of(const char *word)
{
    long number = word == NULL ? -1 : strtol(word, NULL, 10);
    if (number < 0 || number >= session_count || sessions[number] == NULL) {
        puts("no such session");
        exit(2);
    }
    return sessions[number];
}

static const char *stated(const char *word)
{
    return word == NULL || strcmp(word, "-") == 0 ? NULL : word;
}

static void open_source(unsigned flags, const char *source)
{
    nrbac_error error = { "" };
    nrbac_status status = NRBAC_OK;
    if (engine == NULL)
        status = nrbac_engine_create(flags, &engine);
    if (status == NRBAC_OK)
        status = nrbac_engine_open(engine, source, &error);
    if (status == NRBAC_OK)
        printf("ok %" PRIu32 "\n", nrbac_engine_generation(engine));
    else
        printf("failed %d %s\n", (int)status, error.text);
}

static void open_session(char **words)
{
    nrbac_profile profile = { .id = stated(words[3]),
                              .role = stated(words[4]),
                              .organisation = "RBA" };
    nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                           .id = stated(words[1]),
                                           .sid = stated(words[2]),
                                           .profiles = &profile,
                                           .profile_count = 1 } };
    if (words[5] != NULL)
        request.subject.expires_at = strtoll(words[5], NULL, 10);
    nrbac_decision opened = nrbac_session_open(engine, &request,
                                               &sessions[session_count]);
    printf("%d %s\n", opened.effect == NRBAC_PERMIT ? session_count : -1,
           nrbac_reason_slug(opened.reason));
    if (opened.effect == NRBAC_PERMIT && session_count < SESSIONS - 1)
        session_count++;
}

static void check(char **words)
{
    nrbac_session *session = session_of(words[1]);
    nrbac_name name = nrbac_prepare(engine, words[2]);
    nrbac_decision decision = nrbac_decide(session, name);
    printf("%d %s %s %" PRIu32 " ", nrbac_check(session, name),
           nrbac_effect_slug(decision.effect), nrbac_reason_slug(decision.reason),
           decision.generation);
    for (uint32_t i = 0; i < decision.obligation_count; i++)
        printf("%s%s", i == 0 ? "" : ",", decision.obligations[i]);
    puts("");
}

static void check_recorded(char **words)
{
    nrbac_session *session = session_of(words[1]);
    printf("%d\n", nrbac_check_recorded(session, nrbac_prepare(engine, words[2])));
}

static void decide_garbage(char **words)
{
    nrbac_decision decision = nrbac_decide_text(session_of(words[1]), "\xff\xc3(\x80");
    puts(nrbac_reason_slug(decision.reason));
}

/* A child has the engine as it was, and no thread that polls. */
static void make_child(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        exit(2);
    child.process = fork();
    child.order = ends[1];
    char line[256];
    if (child.process == 0) {
        (void)close(ends[1]);
        ssize_t size = read(ends[0], line, sizeof(line) - 1);
        line[size > 0 ? size : 0] = '\0';
        char *name = strchr(line, ' ');
        for (int i = 0; i < POLLS; i++)
            (void)nrbac_poll(engine, (int64_t)time(NULL));
        _exit(name == NULL ||
              nrbac_check_recorded(session_of(line), nrbac_prepare(engine, name + 1)));
    }
    (void)close(ends[0]);
    puts("ok");
}

static void ask_child(char **words)
{
    int status = 0;
    (void)dprintf(child.order, "%s %s", words[1], words[2]);
    (void)close(child.order);
    (void)waitpid(child.process, &status, 0);
    printf("%d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

typedef struct recording {
    pthread_t thread;
    nrbac_session *session;
    char name[64];
    long count;
} recording;

/* What is told is told at once: whoever kills this program knows what it had been told. */
static void *record_many(void *context)
{
    const recording *of = context;
    for (long i = 0; i < of->count; i++) {
        char line[256];
        (void)snprintf(line, sizeof(line), "%s.%ld", of->name, i);
        nrbac_decision decision = nrbac_decide_text(of->session, line);
        int size = snprintf(line, sizeof(line), "%s %s.%ld\n",
                            nrbac_reason_slug(decision.reason), of->name, i);
        (void)!write(STDOUT_FILENO, line, (size_t)size);
    }
    return NULL;
}

static recording recording_of(char **words)
{
    recording of = { .session = session_of(words[1]),
                     .count = strtol(words[3], NULL, 10) };
    (void)snprintf(of.name, sizeof(of.name), "%s", words[2]);
    return of;
}

static void record(char **words)
{
    recording of = recording_of(words);
    (void)record_many(&of);
}

static void record_in_threads(char **words)
{
    recording all[THREADS];
    int count = (int)strtol(words[4], NULL, 10);
    for (int t = 0; t < count && t < THREADS; t++) {
        all[t] = recording_of(words);
        (void)snprintf(all[t].name, sizeof(all[t].name), "%.50s.%d", words[2], t);
        if (pthread_create(&all[t].thread, NULL, record_many, &all[t]) != 0)
            exit(2);
    }
    for (int t = 0; t < count && t < THREADS; t++)
        (void)pthread_join(all[t].thread, NULL);
    puts("done");
}

/* Between the two lines that are written, no system call may be made. */
static void record_fast(char **words)
{
    nrbac_session *session = session_of(words[1]);
    nrbac_name name = nrbac_prepare(engine, words[2]);
    long count = strtol(words[3], NULL, 10);
    long permitted = nrbac_check_recorded(session, name); /* tells who the user is */
    (void)!write(STDERR_FILENO, "hammer begins\n", 14);
    for (long i = 1; i < count; i++)
        permitted += nrbac_check_recorded(session, name);
    (void)!write(STDERR_FILENO, "hammer ends\n", 12);
    printf("%ld\n", permitted);
}

static void evaluate(char **words)
{
    nrbac_profile profile = { .role = words[1], .organisation = "RBA" };
    nrbac_request request = { .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                                           .profiles = &profile,
                                           .profile_count = 1 },
                              .action = words[2] };
    nrbac_document *document = nrbac_document_create();
    nrbac_value *answer = NULL;
    nrbac_decision decision = nrbac_evaluate(engine, &request, document, &answer);
    printf("%s %s %" PRIu32 "\n", nrbac_effect_slug(decision.effect),
           nrbac_reason_slug(decision.reason), decision.generation);
    nrbac_document_destroy(document);
}

static void wait_a_little(void)
{
    (void)nanosleep(&(struct timespec){ .tv_nsec = WAIT_NS }, NULL);
}

/* The fast check must say no as soon as there is a reason for it. */
static void until(char **words)
{
    nrbac_session *session = session_of(words[1]);
    nrbac_name name = nrbac_prepare(engine, words[2]);
    for (int i = 0; i < WAITS; i++) {
        nrbac_reason reason = nrbac_check_reason(session, name);
        bool permits = nrbac_reason_effect(reason) == NRBAC_PERMIT;
        if (strcmp(nrbac_reason_slug(reason), words[3]) == 0 &&
            nrbac_check(session, name) == permits) {
            printf("%" PRId64 "\n", now_ns());
            return;
        }
        wait_a_little();
    }
    puts("never");
}

static void generation_is(const char *number)
{
    for (int i = 0; i < WAITS; i++) {
        if (nrbac_engine_generation(engine) == strtoul(number, NULL, 10)) {
            printf("%" PRId64 "\n", now_ns());
            return;
        }
        wait_a_little();
    }
    puts("never");
}

/* Between the two lines that are written, no system call may be made. */
static void hammer(char **words)
{
    nrbac_session *session = session_of(words[1]);
    nrbac_name name = nrbac_prepare(engine, words[2]);
    long least = strtol(words[3], NULL, 10);
    long changes = strtol(words[4], NULL, 10);
    long done = 0;
    long permitted = 0;
    uint32_t last = nrbac_engine_generation(engine);
    (void)!write(STDERR_FILENO, "hammer begins\n", 14);
    while (done < least || changes > 0) {
        permitted += nrbac_check(session, name);
        done++;
        uint32_t generation = nrbac_engine_generation(engine);
        changes -= generation != last;
        last = generation;
    }
    (void)!write(STDERR_FILENO, "hammer ends\n", 12);
    printf("%ld %ld\n", done, permitted);
}

static void close_session(const char *number)
{
    nrbac_session_close(session_of(number));
    sessions[strtol(number, NULL, 10)] = NULL;
    puts("ok");
}

static bool obey_recording(char **words)
{
    const char *order = words[0];
    if (strcmp(order, "open-recorded") == 0)
        open_source(NRBAC_ENGINE_RECORDED, words[1]);
    else if (strcmp(order, "open-recorded-unwatched") == 0)
        open_source(NRBAC_ENGINE_RECORDED | NRBAC_ENGINE_UNWATCHED, words[1]);
    else if (strcmp(order, "recorded") == 0)
        check_recorded(words);
    else if (strcmp(order, "fork") == 0)
        make_child();
    else if (strcmp(order, "forked") == 0)
        ask_child(words);
    else if (strcmp(order, "record-threads") == 0)
        record_in_threads(words);
    else if (strcmp(order, "garbage") == 0)
        decide_garbage(words);
    else if (strcmp(order, "record") == 0)
        record(words);
    else if (strcmp(order, "record-fast") == 0)
        record_fast(words);
    else
        return false;
    return true;
}

static bool obey(char **words)
{
    const char *order = words[0];
    if (strcmp(order, "open") == 0)
        open_source(0, words[1]);
    else if (strcmp(order, "open-unwatched") == 0)
        open_source(NRBAC_ENGINE_UNWATCHED, words[1]);
    else if (strcmp(order, "session") == 0)
        open_session(words);
    else if (strcmp(order, "check") == 0)
        check(words);
    else if (strcmp(order, "evaluate") == 0)
        evaluate(words);
    else if (strcmp(order, "until") == 0)
        until(words);
    else if (strcmp(order, "generation-is") == 0)
        generation_is(words[1]);
    else if (strcmp(order, "hammer") == 0)
        hammer(words);
    else if (strcmp(order, "poll") == 0)
        printf("ok %" PRId64 "\n", nrbac_poll(engine, (int64_t)time(NULL)));
    else if (strcmp(order, "close") == 0)
        close_session(words[1]);
    else
        return false;
    return true;
}

int main(void)
{
    char line[1024];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        char *words[WORDS + 1] = { NULL };
        char *rest = NULL;
        int count = 0;
        for (char *word = strtok_r(line, " \n", &rest); word != NULL && count < WORDS;
             word = strtok_r(NULL, " \n", &rest))
            words[count++] = word;
        if (count == 0 || !(obey(words) || obey_recording(words)))
            return 2;
        (void)fflush(stdout);
    }
    for (int i = 0; i < session_count; i++)
        nrbac_session_close(sessions[i]);
    nrbac_engine_destroy(engine);
    return 0;
}
