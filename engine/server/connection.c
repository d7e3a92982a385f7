/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of a connection. Every event (bytes came, an answer was taken, a
 * reload is done) ends in settle(), which alone decides whether to read on, to
 * wait or to close.
 */
#include "server/connection.h"

#include "server/attach.h"
#include "server/log.h"
#include "server/methods.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    ENDING_SECONDS = 5, /* for the peer to take the last answers */
    TURN_NS = 2000000,  /* the longest that the others wait for one of them */
};

static void work(nr_connection *connection, const uint8_t *bytes, size_t size);
static void settle(nr_connection *connection);

/* ---- Closing ------------------------------------------------------------------ */

static void on_closed(uv_handle_t *handle)
{
    nr_connection *connection = handle->data;
    nr_worker *worker = connection->worker;
    nr_buffer_finish(&connection->input);
    nr_buffer_finish(&connection->output);
    nr_buffer_finish(&connection->sending);
    nr_buffer_finish(&connection->frames);
    free(connection);
    nr_worker_settle(worker);
}

void nr_connection_close(nr_connection *connection)
{
    nr_worker *worker = connection->worker;
    if (connection->closed)
        return;
    connection->closed = true;
    *connection->link = connection->next;
    if (connection->next != NULL)
        connection->next->link = connection->link;
    nr_recording_forget(connection);
    nr_rings_leave(connection);
    (void)atomic_fetch_sub(&worker->connection_count, 1);
    nr_count(&worker->metrics.sessions_closed, connection->sessions.count);
    nr_sessions_finish(&connection->sessions);
    uv_close((uv_handle_t *)&connection->pipe, on_closed);
}

/* ---- Writing ------------------------------------------------------------------ */

static void on_written(uv_write_t *request, int status)
{
    nr_connection *connection = request->data;
    connection->writing = false;
    if (connection->closed)
        return;
    if (status < 0) {
        nr_connection_close(connection);
        return;
    }
    nr_count(&connection->worker->metrics.bytes_sent, connection->sending.size);
    connection->active_at = uv_now(&connection->worker->loop);
    nr_buffer_finish(&connection->sending);
    work(connection, connection->input.bytes, connection->input.size);
}

/* The rest of the output is the loop's until it is written; new answers begin a
 * buffer of their own. */
static void write_rest(nr_connection *connection)
{
    connection->sending = connection->output;
    connection->output = (nr_buffer){ 0 };
    uv_buf_t bytes = uv_buf_init((char *)connection->sending.bytes,
                                 (unsigned)connection->sending.size);
    connection->write.data = connection;
    connection->writing = true;
    if (uv_write(&connection->write, (uv_stream_t *)&connection->pipe, &bytes, 1,
                 on_written) != 0) {
        connection->writing = false;
        nr_connection_close(connection);
    }
}

/* All answers that there are, in one write; what the peer's socket does not take
 * at once waits. */
static void write_output(nr_connection *connection)
{
    nr_buffer *output = &connection->output;
    connection->in_flight = 0;
    connection->frames.size = 0;
    connection->unsent_in = NULL;
    uv_buf_t bytes = uv_buf_init((char *)output->bytes, (unsigned)output->size);
    int written = uv_try_write((uv_stream_t *)&connection->pipe, &bytes, 1);
    if (written < 0 && written != UV_EAGAIN) {
        nr_connection_close(connection);
        return;
    }
    size_t taken = written < 0 ? 0 : (size_t)written;
    nr_count(&connection->worker->metrics.bytes_sent, taken);
    if (taken < output->size) {
        nr_buffer_drop(output, taken);
        write_rest(connection);
    } else if (output->room > NR_OUTPUT_HIGH) {
        nr_buffer_finish(output);
    } else {
        output->size = 0;
    }
}

static bool may_write(const nr_connection *connection)
{
    return !connection->closed && !connection->writing && !connection->recording;
}

/* Whatever waits for its records is not written before they are. */
static void flush(nr_connection *connection)
{
    connection->recording = connection->held_link != NULL;
    if (may_write(connection) && connection->output.failed) {
        if (!connection->ending) /* else why is counted already */
            nr_count(&connection->worker->metrics.faults[NR_FAULT_OVER_LIMIT], 1);
        nr_connection_close(connection);
    }
    if (may_write(connection) && connection->output.size != 0)
        write_output(connection);
    if (!may_write(connection) || connection->handing == NR_HAND_NOTHING)
        return;
    nr_attach_hand_over(connection);
    if (may_write(connection) && connection->output.size != 0)
        write_output(connection);
}

/* ---- Answering ---------------------------------------------------------------- */

static void refuse_connection(nr_connection *connection, nr_fault fault,
                              const char *text)
{
    nr_count(&connection->worker->metrics.faults[fault], 1);
    nr_connection_frame(connection, NR_METHOD_COUNT);
    nr_rpc_write_fault(&connection->output, NULL, fault, text);
    connection->ending = true;
}

/* There is no memory to keep what has come. */
static void refuse_input(nr_connection *connection)
{
    nr_buffer_finish(&connection->input);
    connection->waiting = false;
    if (!connection->ending)
        refuse_connection(connection, NR_FAULT_OVER_LIMIT, "out of memory");
    flush(connection);
}

static void refuse_scan(nr_connection *connection, nr_scan_result result)
{
    nr_fault fault = NR_FAULT_OVER_LIMIT;
    const char *text = "the message is larger than `message_bytes` or has more "
                       "than `elements`";
    if (result == NR_SCAN_TOO_DEEP)
        text = "the message is nested deeper than `depth`";
    if (result == NR_SCAN_BAD) {
        fault = NR_FAULT_BAD_MESSAGE;
        text = "not MessagePack";
    }
    refuse_connection(connection, fault, text);
}

static bool may_answer(const nr_connection *connection)
{
    return !connection->closed && !connection->ending && !connection->writing &&
           !connection->recording && connection->reload == 0 &&
           connection->handing == NR_HAND_NOTHING && !connection->waiting &&
           nr_connection_has_room(connection);
}

/* Signatures take their time, and one message may hold many: the clock is looked at
 * after each that was not answered quickly. The first one begins the turn. */
static bool had_turn(uint64_t *began)
{
    uint64_t now = uv_hrtime();
    if (*began == 0)
        *began = now;
    return now - *began > TURN_NS;
}

/* Answers whole messages from the front; how many bytes they were. */
static size_t answer(nr_connection *connection, const uint8_t *bytes, size_t size,
                     uint64_t *began)
{
    const nr_limits *limits = &connection->worker->server->options->limits;
    const nr_scan_limits bounds = { limits->message_bytes, limits->elements,
                                    limits->depth };
    size_t at = 0;
    while (at < size && may_answer(connection)) {
        size_t quick = nr_methods_answer_quick(connection, bytes + at, size - at);
        if (quick != 0) {
            at += quick;
            continue;
        }
        nr_scan_result result = nr_scan_next(&connection->scan, bytes + at, size - at,
                                             &bounds);
        if (result == NR_SCAN_PARTIAL)
            break;
        if (result != NR_SCAN_READY) {
            refuse_scan(connection, result);
            break;
        }
        connection->active_at = uv_now(&connection->worker->loop);
        (void)had_turn(began);
        if (!nr_methods_answer(connection, bytes + at, connection->scan.at))
            connection->ending = true;
        at += connection->scan.at;
        connection->scan = (nr_scan){ 0 };
        connection->waiting = had_turn(began);
    }
    return at;
}

/* Keeps what is not answered yet: never more than one message and one reading. */
static void keep_rest(nr_connection *connection, const uint8_t *bytes, size_t size,
                      size_t answered)
{
    nr_buffer *input = &connection->input;
    if (bytes == input->bytes)
        nr_buffer_drop(input, answered);
    else
        nr_buffer_append(input, bytes + answered, size - answered);
    if (input->size == 0)
        nr_buffer_finish(input);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    nr_connection *connection = handle->data;
    (void)suggested;
    *buffer = uv_buf_init(connection->worker->read_buffer, NR_READ_SIZE);
}

/* All that came is answered, but for what waits for its records: whoever has only said
 * that nothing more comes still has that. */
static void end_reading(nr_connection *connection, bool orderly)
{
    connection->gone = true;
    if (orderly && connection->recording) {
        connection->ending = true;
        settle(connection);
    } else {
        nr_connection_close(connection);
    }
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    nr_connection *connection = stream->data;
    if (size < 0) {
        end_reading(connection, size == UV_EOF);
        return;
    }
    if (size == 0)
        return;
    nr_count(&connection->worker->metrics.bytes_received, (uint64_t)size);
    const uint8_t *bytes = (const uint8_t *)buffer->base;
    if (connection->input.size != 0) {
        nr_buffer_append(&connection->input, bytes, (size_t)size);
        work(connection, connection->input.bytes, connection->input.size);
    } else {
        work(connection, bytes, (size_t)size);
    }
    if (size < NR_READ_SIZE)
        return;
    connection->waiting = true; /* there is more, and libuv would go on reading it */
    settle(connection);
}

/* Whoever waits has its turn after all others whose bytes have come. */
static void on_turns(uv_idle_t *turns)
{
    if (!nr_connections_take_turns(turns->data))
        (void)uv_idle_stop(turns);
}

static void settle(nr_connection *connection)
{
    if (!connection->closed && connection->input.failed)
        refuse_input(connection);
    if (connection->closed)
        return;
    bool owes = connection->writing || connection->handing != NR_HAND_NOTHING ||
                connection->waiting || connection->reload != 0;
    if (!owes && !connection->recording && connection->ending) {
        nr_connection_close(connection);
        return;
    }
    /* Who waits for records alone mostly sends nothing meanwhile, so that it is not worth
     * two calls of the system to stop reading before something has come. */
    bool full = connection->recording && connection->input.size != 0;
    bool read = !owes && !full && !connection->ending;
    if (read && !connection->reading)
        (void)uv_read_start((uv_stream_t *)&connection->pipe, on_alloc, on_read);
    else if (!read && connection->reading)
        (void)uv_read_stop((uv_stream_t *)&connection->pipe);
    connection->reading = read;
    if (connection->waiting)
        (void)uv_idle_start(&connection->worker->turns, on_turns);
}

/* Answers and writes, batch after batch, until a message is cut, the peer does not
 * take its answers, or nothing is left. */
static void work(nr_connection *connection, const uint8_t *bytes, size_t size)
{
    size_t at = 0;
    size_t step;
    uint64_t began = 0;
    do {
        step = answer(connection, bytes + at, size - at, &began);
        at += step;
        flush(connection);
    } while (step > 0 && at < size);
    if (!connection->closed)
        keep_rest(connection, bytes, size, at);
    settle(connection);
}

void nr_connection_resume(nr_connection *connection)
{
    connection->recording = false;
    flush(connection);
    work(connection, connection->input.bytes, connection->input.size);
}

/* Only who may have to withdraw them needs to know. */
void nr_connection_frame(nr_connection *connection, nr_method method)
{
    const nr_recorder *recorder = connection->worker->recording.recorder;
    const nr_frame frame = { connection->output.size, method };
    if (recorder != NULL)
        nr_buffer_append(&connection->frames, &frame, sizeof(frame));
    connection->output.failed |= connection->frames.failed;
}

/* ---- Beginning ---------------------------------------------------------------- */

static void tell_shed(nr_worker *worker)
{
    if (!nr_worker_shed(worker))
        return;
    nr_metrics all;
    nr_server_metrics(worker->server, &all);
    nr_log("more connections than %" PRIu32 ": %" PRIu64 " refused so far",
           worker->server->options->limits.connections,
           nr_counted(&all.connections_refused));
}

static void enlist(nr_worker *worker, nr_connection *connection)
{
    connection->next = worker->connections;
    connection->link = &worker->connections;
    if (connection->next != NULL)
        connection->next->link = &connection->next;
    worker->connections = connection;
}

static void greet(nr_connection *connection, bool over)
{
    nr_worker *worker = connection->worker;
    connection->active_at = uv_now(&worker->loop);
    if (over) {
        tell_shed(worker);
        refuse_connection(connection, NR_FAULT_OVER_LIMIT,
                          "more connections than `connections`");
        flush(connection);
    } else {
        nr_count(&worker->metrics.connections_accepted, 1);
    }
    if (worker->ending == NR_SERVING)
        settle(connection);
    else
        nr_connection_drain(connection);
}

void nr_connection_begin(nr_worker *worker, nr_arrival arrival)
{
    nr_connection *connection = calloc(1, sizeof(*connection));
    if (connection == NULL) {
        if (nr_worker_shed(worker))
            nr_log("a connection was not taken: %s", nrbac_status_text(NRBAC_E_MEMORY));
        (void)atomic_fetch_sub(&worker->connection_count, 1);
        (void)close(arrival.socket);
        return;
    }
    connection->worker = worker;
    connection->number = atomic_fetch_add(&worker->server->connections_begun, 1) + 1;
    connection->peer = nr_peer_of(arrival.socket);
    enlist(worker, connection);
    (void)uv_pipe_init(&worker->loop, &connection->pipe, 0);
    connection->pipe.data = connection;
    if (uv_pipe_open(&connection->pipe, arrival.socket) == 0) {
        greet(connection, arrival.over);
    } else {
        (void)close(arrival.socket);
        nr_connection_close(connection);
    }
}

/* ---- Ending -------------------------------------------------------------------- */

/* What the peer sent before this is still read, up to the end, which closes the
 * connection; what it sends from here on fails there at once, so it knows. */
void nr_connection_drain(nr_connection *connection)
{
    uv_os_fd_t socket = -1;
    if (uv_fileno((uv_handle_t *)&connection->pipe, &socket) != 0 ||
        shutdown(socket, SHUT_RD) != 0)
        connection->ending = true;
    settle(connection);
}

/* Its program says nothing on it, for as long as it runs. */
static bool uses_ring(const nr_connection *connection)
{
    return connection->ring != NULL && connection->handing == NR_HAND_NOTHING &&
           !connection->ending;
}

void nr_connections_sweep(nr_worker *worker)
{
    uint64_t now = uv_now(&worker->loop);
    uint64_t idle = worker->server->options->limits.idle_seconds;
    for (nr_connection *c = worker->connections, *next; c != NULL; c = next) {
        next = c->next;
        bool taking = (c->ending && !c->recording) || c->handing != NR_HAND_NOTHING;
        uint64_t seconds = taking ? ENDING_SECONDS : idle;
        if (c->reload != 0 || uses_ring(c) || seconds == 0 ||
            now - c->active_at < seconds * 1000)
            continue;
        nr_count(&worker->metrics.connections_idle, 1);
        nr_connection_close(c);
    }
}

static void answer_reload(nr_connection *connection)
{
    nr_server *server = connection->worker->server;
    nrbac_document *document = connection->worker->document;
    bool ok;
    nrbac_document_reset(document);
    nrbac_value *result = nr_server_last_reload(server, document, &ok);
    nrbac_set(document, result, "generation",
              nrbac_new_integer(document, nrbac_engine_generation(server->engine)));
    nr_connection_frame(connection, NR_METHOD_RELOAD);
    if (nrbac_document_status(document) == NRBAC_OK)
        nr_rpc_write_result(&connection->output, connection->reload_id, result);
    else
        nr_rpc_write_fault(&connection->output, &connection->reload_id,
                           NR_FAULT_OVER_LIMIT, "out of memory");
}

void nr_connections_reloaded(nr_worker *worker, uint64_t reload)
{
    for (nr_connection *c = worker->connections, *next; c != NULL; c = next) {
        next = c->next;
        if (c->reload == 0 || c->reload > reload)
            continue;
        answer_reload(c);
        c->reload = 0;
        flush(c);
        work(c, c->input.bytes, c->input.size);
    }
}

bool nr_connections_take_turns(nr_worker *worker)
{
    bool waiting = false;
    for (nr_connection *c = worker->connections, *next; c != NULL; c = next) {
        next = c->next;
        if (!c->waiting)
            continue;
        c->waiting = false;
        work(c, c->input.bytes, c->input.size);
        waiting |= c->waiting && !c->closed;
    }
    return waiting;
}

bool nr_connections_hand_over(nr_worker *worker)
{
    bool waiting = false;
    for (nr_connection *c = worker->connections, *next; c != NULL; c = next) {
        next = c->next;
        if (c->handing == NR_HAND_NOTHING || c->writing)
            continue;
        flush(c);
        if (c->handing == NR_HAND_NOTHING && !c->closed)
            work(c, c->input.bytes, c->input.size);
        waiting |= c->handing != NR_HAND_NOTHING &&
                   !c->closed; /* for the next one, perhaps */
    }
    return waiting;
}
