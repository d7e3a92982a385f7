/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks servers over their Unix sockets, in turn, round after round, and holds every
 * answer against the oracle's.
 *
 *   bench-socket WORKLOAD ROOT WHERE ROUNDS MILLISECONDS SHAPES KIND SOCKET PID...
 *
 * SHAPES is a list like `1x1,8x128`: connections, and requests in flight on each. A
 * connection sends that many in one write and reads until all are answered. WHERE
 * says in the results where client and server ran. For each server and shape it
 * tells `WHERE SHAPE /s`, the server's and the client's processor time as `ns`, and
 * with one request in flight the round trip's percentiles in microseconds.
 * MILLISECONDS `=N` asks N requests instead, however long that takes.
 *
 * So that it is the server that is measured, answers are read one by one only once,
 * before time runs: after that their bytes are compared with those, and what differs
 * is read again.
 */
#include "measure.h"
#include "protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONNECTIONS_MAX = 64,
    SERVERS_MAX = 8,
    INPUT_SIZE = 256 << 10,
    SAMPLES_MAX = 1 << 20,
    LEARNT_AT_ONCE = 8 << 10, /* bytes of requests */
};

typedef struct connection {
    bench_talk talk;
    bench_request requests[BENCH_ASKED];
    uint8_t expected[BENCH_ASKED];
    bench_bytes encoded;
    size_t offsets[BENCH_ASKED + 1];
    uint32_t next;    /* request to send */
    uint32_t serial;  /* how many were sent */
    uint32_t awaited; /* request whose answer comes next */
    uint32_t left;    /* answers */
    /* Answers that were read and judged, in the order of the requests; none where each
     * answer is another one. */
    bench_bytes known;
    size_t known_at[BENCH_ASKED + 1];
    bool learning;
    bool differs; /* what is being answered, from what is known */
    size_t size;  /* of the input */
    uint8_t input[INPUT_SIZE];
} connection;

typedef struct server {
    const bench_protocol *protocol;
    const char *path;
    pid_t process;
    connection *connections[CONNECTIONS_MAX];
    unsigned count;
    bool loaded; /* with what it needs to know beforehand */
    uint64_t asked, wrong;
} server;

typedef struct client {
    const bench_workload *workload;
    const char *where;
    unsigned rounds;
    uint64_t budget;
    uint64_t most; /* requests of a round; 0: what the budget allows */
    uint64_t *samples;
    size_t sample_count;
    server servers[SERVERS_MAX];
    unsigned count;
} client;

/* ---- Connecting ------------------------------------------------------------------------ */

/* Each connection has its share of the users asked about here, as an application has
 * its own, and asks the first requests that are about them, again if there are few. */
static void choose_requests(const bench_workload *w, connection *one, unsigned number,
                            unsigned connections)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < w->request_count && count < BENCH_ASKED; i++) {
        uint32_t user = w->requests[i].user;
        if (user >= BENCH_ASKED_USERS || user % connections != number)
            continue;
        one->requests[count] = w->requests[i];
        one->expected[count++] = w->expected[i];
    }
    if (count == 0)
        bench_fail("no requests for the socket");
    for (uint32_t from = 0; count < BENCH_ASKED; from++, count++) {
        one->requests[count] = one->requests[from];
        one->expected[count] = one->expected[from];
    }
}

static int connect_to(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    if (strlen(path) >= sizeof(address.sun_path))
        bench_fail("%s is too long for a socket", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0)
        bench_fail("nobody serves %s", path);
    return fd;
}

/* ---- Talking ----------------------------------------------------------------------------- */

static void send_some(const server *s, connection *one, uint32_t depth)
{
    if (one->next + depth > BENCH_ASKED)
        one->next = 0;
    for (uint32_t n = one->next; s->protocol->stamp != NULL && n < one->next + depth;
         n++)
        s->protocol->stamp(one->encoded.at + one->offsets[n],
                           one->offsets[n + 1] - one->offsets[n], one->serial++);
    const uint8_t *bytes = one->encoded.at + one->offsets[one->next];
    size_t size = one->offsets[one->next + depth] - one->offsets[one->next];
    one->awaited = one->next;
    one->left = depth;
    one->differs = false;
    one->next += depth;
    for (ssize_t sent; size > 0; bytes += sent, size -= (size_t)sent)
        if ((sent = write(one->talk.fd, bytes, size)) <= 0)
            bench_fail("a server takes nothing");
}

/* Answers that are wholly there; what is left moves to the front. */
static void take_answers(server *s, connection *one)
{
    size_t at = 0;
    uint8_t may = 0;
    while (one->left > 0) {
        size_t size = s->protocol->take(one->input + at, one->size - at, &may);
        if (size == 0)
            break;
        if (one->learning) {
            bench_put(&one->known, one->input + at, size);
            one->known_at[one->awaited + 1] = one->known.size;
        }
        s->wrong += may != one->expected[one->awaited++] ? 1 : 0;
        at += size;
        one->left--;
    }
    one->size -= at;
    if (one->size > 0)
        memmove(one->input, one->input + at, one->size);
}

/* Whether the last bytes are those that are known; if they are the last of all, this
 * was that. */
static bool is_known(connection *one, size_t last)
{
    const uint8_t *known = one->known.at + one->known_at[one->awaited];
    size_t all = one->known_at[one->awaited + one->left] - one->known_at[one->awaited];
    size_t before = one->size - last;
    if (one->size > all || memcmp(one->input + before, known + before, last) != 0)
        return false;
    if (one->size == all) {
        one->left = 0;
        one->size = 0;
    }
    return true;
}

static void read_answers(server *s, connection *one)
{
    while (one->left > 0) {
        ssize_t got = read(one->talk.fd, one->input + one->size,
                           INPUT_SIZE - one->size);
        if (got <= 0)
            bench_fail("%s answers nothing", s->protocol->told_as);
        one->size += (size_t)got;
        one->differs = one->differs || !is_known(one, (size_t)got);
        if (one->differs && s->protocol->take == NULL)
            bench_fail("the echo gives back something else");
        if (one->differs)
            take_answers(s, one);
    }
}

/* Asks everything once. */
static void learn(server *s, connection *one)
{
    uint32_t at_once = LEARNT_AT_ONCE / (uint32_t)(one->encoded.size / BENCH_ASKED);
    if (at_once == 0)
        at_once = 1;
    one->learning = true;
    for (uint32_t n = 0; n < BENCH_ASKED; n = one->next) {
        send_some(s, one, at_once < BENCH_ASKED - n ? at_once : BENCH_ASKED - n);
        one->differs = true; /* from nothing */
        read_answers(s, one);
    }
    one->learning = false;
}

static void open_connection(const client *c, server *s, unsigned connections)
{
    /* An echo is sent our own bytes; which session they name does not matter to it. */
    const bench_protocol *p = s->protocol;
    const bench_protocol *bytes = p->put == NULL ? &bench_check : p;
    connection *made = bench_new(1, sizeof(*made));
    made->talk = (bench_talk){ .workload = c->workload,
                               .requests = made->requests,
                               .fd = connect_to(s->path),
                               .first = !s->loaded };
    choose_requests(c->workload, made, s->count, connections);
    for (uint32_t u = 0; p->put == NULL && u < BENCH_ASKED_USERS; u++)
        made->talk.sessions[u] = u + 1;
    p->prepare(&made->talk);
    s->loaded = true;
    for (uint32_t n = 0; n < BENCH_ASKED; n++) {
        bytes->put(&made->talk, n, &made->encoded);
        made->offsets[n + 1] = made->encoded.size;
    }
    s->connections[s->count++] = made;
    if (p->take == NULL) {
        bench_put(&made->known, made->encoded.at, made->encoded.size);
        memcpy(made->known_at, made->offsets, sizeof(made->offsets));
    } else if (p->stamp == NULL) {
        learn(s, made);
    }
}

static void close_connections(server *s)
{
    while (s->count > 0) {
        connection *one = s->connections[--s->count];
        (void)close(one->talk.fd);
        free(one->encoded.at);
        free(one->known.at);
        free(one);
    }
}

static void tell(const client *c, const server *s, const char *measure, double value,
                 unsigned round)
{
    char text[192];
    (void)snprintf(text, sizeof(text), "%s %s", c->where, measure);
    bench_figure figure = { c->workload->name, text, s->protocol->told_as };
    bench_tell(&figure, value, round);
}

static void sample(client *c, uint64_t took)
{
    if (c->sample_count < SAMPLES_MAX)
        c->samples[c->sample_count++] = took;
}

static void play(client *c, server *s, unsigned connections, uint32_t depth,
                 unsigned round)
{
    char name[96];
    uint64_t asked = 0;
    uint64_t busy = bench_processor_time(s->process);
    uint64_t own = bench_processor_time(getpid());
    uint64_t started = bench_now();
    uint64_t now = started;
    c->sample_count = 0;
    do {
        uint64_t before = now;
        for (unsigned i = 0; i < connections; i++)
            send_some(s, s->connections[i], depth);
        for (unsigned i = 0; i < connections; i++)
            read_answers(s, s->connections[i]);
        asked += (uint64_t)connections * depth;
        now = bench_now();
        sample(c, now - before);
    } while (c->most != 0 ? asked < c->most : now - started < c->budget);
    busy = bench_processor_time(s->process) - busy;
    own = bench_processor_time(getpid()) - own;
    s->asked += asked;

    (void)snprintf(name, sizeof(name), "%ux%u /s", connections, depth);
    tell(c, s, name, (double)asked * 1e9 / (double)(now - started), round);
    (void)snprintf(name, sizeof(name), "%ux%u server ns", connections, depth);
    tell(c, s, name, (double)busy / (double)asked, round);
    (void)snprintf(name, sizeof(name), "%ux%u client ns", connections, depth);
    tell(c, s, name, (double)own / (double)asked, round);
    if (connections == 1 && depth == 1) {
        (void)snprintf(name, sizeof(name), "%s 1x1 us", c->where);
        bench_figure figure = { c->workload->name, name, s->protocol->told_as };
        bench_tell_percentiles(&figure, c->samples, c->sample_count, round);
    }
}

/* ---- The contest --------------------------------------------------------------------------- */

static const bench_protocol *protocol_of(const char *name)
{
    static const bench_protocol *const known[] = { &bench_check, &bench_evaluate,
                                                   &bench_echo, &bench_redis,
                                                   &bench_cerbos };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(known[i]->name, name) == 0)
            return known[i];
    bench_fail("`%s` is no kind of server", name);
}

static void play_shape(client *c, unsigned connections, uint32_t depth)
{
    if (connections < 1 || connections > CONNECTIONS_MAX || depth < 1 ||
        depth > BENCH_ASKED)
        bench_fail("no such shape: %ux%u", connections, depth);
    for (unsigned s = 0; s < c->count; s++) {
        if (c->servers[s].count != connections)
            close_connections(&c->servers[s]);
        while (c->servers[s].count < connections)
            open_connection(c, &c->servers[s], connections);
    }
    for (unsigned round = 0; round < c->rounds; round++)
        for (unsigned s = 0; s < c->count; s++)
            play(c, &c->servers[s], connections, depth, round);
}

static void play_all(client *c, char *shapes)
{
    for (char *rest = NULL, *one = strtok_r(shapes, ",", &rest); one != NULL;
         one = strtok_r(NULL, ",", &rest)) {
        char *cross = one;
        unsigned connections = (unsigned)strtoul(one, &cross, 10);
        if (*cross != 'x')
            bench_fail("`%s` is no shape", one);
        play_shape(c, connections, (uint32_t)strtoul(cross + 1, NULL, 10));
    }
}

int main(int argc, char **argv)
{
    if (argc < 10 || (argc - 7) % 3 != 0 || (argc - 7) / 3 > SERVERS_MAX) {
        (void)fputs("usage: bench-socket WORKLOAD ROOT WHERE ROUNDS MS SHAPES "
                    "KIND SOCKET PID...\n",
                    stderr);
        return 2;
    }
    client c = { .workload = bench_workload_make(argv[1], argv[2]),
                 .where = argv[3],
                 .rounds = (unsigned)strtoul(argv[4], NULL, 10),
                 .samples = bench_new(SAMPLES_MAX, sizeof(uint64_t)) };
    if (argv[5][0] == '=')
        c.most = strtoul(argv[5] + 1, NULL, 10);
    else
        c.budget = strtoul(argv[5], NULL, 10) * 1000000u;
    for (int i = 7; i < argc; i += 3) {
        c.servers[c.count++] = (server){
            .protocol = protocol_of(argv[i]),
            .path = argv[i + 1],
            .process = (pid_t)strtol(argv[i + 2], NULL, 10),
        };
    }
    play_all(&c, argv[6]);
    uint64_t wrong = 0;
    for (unsigned s = 0; s < c.count; s++) {
        const server *one = &c.servers[s];
        tell(&c, one, "asked", (double)one->asked, 0);
        tell(&c, one, "wrong", (double)one->wrong, 0);
        tell(&c, one, "server MB", (double)bench_resident(one->process) / 1e6, 0);
        wrong += one->wrong;
    }
    return wrong == 0 ? 0 : 1;
}
