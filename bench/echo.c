/* SPDX-License-Identifier: Apache-2.0 */
/* A server on a Unix socket that gives back what it is sent: what libuv and the
 * kernel cost when nothing is decided.
 *
 *   bench-echo SOCKET
 */
#include <uv.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { READ_SIZE = 64 << 10, BACKLOG = 128 };

typedef struct written {
    uv_write_t request;
    char bytes[];
} written;

static char read_buffer[READ_SIZE];

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle;
    (void)suggested;
    *buffer = uv_buf_init(read_buffer, READ_SIZE);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

static void on_written(uv_write_t *request, int status)
{
    (void)status;
    free(request);
}

/* What the socket does not take at once. */
static void write_rest(uv_stream_t *stream, const char *bytes, size_t size)
{
    written *rest = malloc(sizeof(*rest) + size);
    if (rest == NULL)
        exit(3);
    for (size_t i = 0; i < size; i++)
        rest->bytes[i] = bytes[i];
    uv_buf_t buffer = uv_buf_init(rest->bytes, (unsigned)size);
    (void)uv_write(&rest->request, stream, &buffer, 1, on_written);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    if (size < 0) {
        uv_close((uv_handle_t *)stream, on_closed);
        return;
    }
    uv_buf_t bytes = uv_buf_init(buffer->base, (unsigned)size);
    int taken = uv_try_write(stream, &bytes, 1);
    if (taken < 0)
        taken = 0;
    if (taken < size)
        write_rest(stream, buffer->base + taken, (size_t)(size - taken));
}

static void on_connection(uv_stream_t *listening, int status)
{
    uv_pipe_t *pipe = calloc(1, sizeof(*pipe));
    if (pipe == NULL || status < 0)
        exit(3);
    (void)uv_pipe_init(listening->loop, pipe, 0);
    if (uv_accept(listening, (uv_stream_t *)pipe) == 0)
        (void)uv_read_start((uv_stream_t *)pipe, on_alloc, on_read);
}

int main(int argc, char **argv)
{
    static uv_pipe_t listening;
    uv_loop_t *loop = uv_default_loop();
    if (argc != 2)
        return 2;
    (void)unlink(argv[1]);
    (void)uv_pipe_init(loop, &listening, 0);
    if (uv_pipe_bind(&listening, argv[1]) != 0 ||
        uv_listen((uv_stream_t *)&listening, BACKLOG, on_connection) != 0) {
        (void)fprintf(stderr, "bench-echo: cannot listen on %s\n", argv[1]);
        return 3;
    }
    return uv_run(loop, UV_RUN_DEFAULT);
}
