/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests as JSON lines in, a line of answer for each out, in order.
 *
 * Input is read in large pieces and output gathered; what is gathered goes out
 * before waiting for more input, so that somebody who types a line, or a program
 * that asks one question at a time, sees its answer at once. Documents are reset,
 * not made anew, so that after the first lines nothing is allocated here.
 */
#define _POSIX_C_SOURCE 200809L /* O_CLOEXEC */

#include "cli/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    PIECE_SIZE = 256 * 1024,
    LINE_SIZE_MAX = 16 * 1024 * 1024, /* of one request */
};

typedef struct line_buffer {
    int fd;
    char *text;
    size_t start, end, room; /* what is read and not yet answered */
    size_t looked;           /* no line end before this */
    bool over;               /* nothing more will come */
    bool skipping;           /* inside a line that is over the limit */
} line_buffer;

typedef struct request_line {
    const char *text;
    size_t size;
    bool too_long;
} request_line;

/* Whether reading would wait. */
static bool must_wait(int fd)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };
    return poll(&one, 1, 0) == 0;
}

/* Reads some more behind what is there. */
static nr_exit read_more(line_buffer *lines)
{
    if (lines->start > 0) {
        memmove(lines->text, lines->text + lines->start, lines->end - lines->start);
        lines->end -= lines->start;
        lines->looked -= lines->start;
        lines->start = 0;
    }
    if (lines->room - lines->end < PIECE_SIZE) {
        size_t room = lines->room * 2 + PIECE_SIZE;
        char *text = realloc(lines->text, room);
        if (text == NULL)
            return nr_say_memory();
        lines->text = text;
        lines->room = room;
    }
    if (must_wait(lines->fd))
        (void)fflush(stdout);
    ssize_t got;
    do {
        got = read(lines->fd, lines->text + lines->end, PIECE_SIZE);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return nr_say_system("cannot read requests: %s", strerror(errno));
    lines->over = got == 0;
    lines->end += (size_t)got;
    return NR_EXIT_OK;
}

/* The next line if it is there wholly. One that is over the limit is given once,
 * as such, and its bytes are dropped as they come. */
static bool take_line(line_buffer *lines, request_line *out)
{
    char *from = lines->text + lines->looked;
    char *end = lines->end == lines->looked
                    ? NULL
                    : memchr(from, '\n', lines->end - lines->looked);
    size_t size = (end == NULL ? lines->end : (size_t)(end - lines->text)) -
                  lines->start;
    bool whole = end != NULL || (lines->over && (size > 0 || lines->skipping));
    lines->looked = lines->end;
    if (!whole && size > LINE_SIZE_MAX) {
        lines->skipping = true;
        lines->start = lines->end;
    }
    if (!whole)
        return false;
    *out = (request_line){ lines->text + lines->start, size,
                           lines->skipping || size > LINE_SIZE_MAX };
    lines->skipping = false;
    lines->start += size + (end != NULL);
    lines->looked = lines->start;
    return true;
}

static nr_exit print_answer(const nr_stream *stream, nrbac_document *document,
                            const nrbac_value *answer)
{
    if (stream->quiet)
        return NR_EXIT_OK;
    if (!stream->text)
        return nr_print_json(answer, NRBAC_JSON_COMPACT);
    nr_answer_print_line(stdout, nr_shown(document, answer));
    return NR_EXIT_OK;
}

static nr_exit answer_line(const nr_stream *stream, request_line line,
                           nrbac_document *document)
{
    nrbac_error error = { "" };
    const nrbac_value *given = NULL;
    nr_asked asked = { .document = document, .flags = stream->flags };
    nrbac_value *answer = NULL;

    nrbac_document_reset(document);
    if (line.too_long) {
        asked.error = "the line is longer than 16 MiB";
    } else {
        nrbac_status status = nrbac_json_read(document, line.text, line.size, &given,
                                              &error);
        if (status == NRBAC_E_MEMORY)
            return nr_say_memory();
        if (status != NRBAC_OK)
            asked.error = error.text;
        else
            asked.request = nr_request_make(stream->overrides, document, given);
    }
    nr_exit end = stream->oracle.ask(stream->oracle.self, &asked, &answer);
    return end == NR_EXIT_OK ? print_answer(stream, document, answer) : end;
}

static nr_exit answer_lines(const nr_stream *stream, line_buffer *lines,
                            nrbac_document *document)
{
    request_line line;
    nr_exit end = NR_EXIT_OK;
    while (end == NR_EXIT_OK && !lines->over) {
        end = read_more(lines);
        while (end == NR_EXIT_OK && take_line(lines, &line))
            end = answer_line(stream, line, document);
        if (ferror(stdout))
            return NR_EXIT_OK; /* main says so */
    }
    return end;
}

nr_exit nr_stream_run(const nr_stream *stream, const char *path)
{
    bool standard = path == NULL || strcmp(path, "-") == 0;
    line_buffer lines = { .fd = standard
                                    ? STDIN_FILENO
                                    : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY) };
    if (lines.fd < 0)
        return nr_say_system("cannot read `%s`: %s", path, strerror(errno));

    (void)setvbuf(stdout, NULL, _IOFBF, PIECE_SIZE);
    nrbac_document *document = nrbac_document_create();
    nr_exit end = document == NULL ? nr_say_memory()
                                   : answer_lines(stream, &lines, document);
    nrbac_document_destroy(document);
    free(lines.text);
    if (!standard)
        (void)close(lines.fd);
    return end;
}
