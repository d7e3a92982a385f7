/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files as text, and where a byte of one stands for a person.
 */
#include "text/source.h"

#include "text/character.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool nr_source_count_lines(nr_arena *arena, nr_source *source)
{
    const char *end = source->text + source->size;
    uint32_t count = 1;
    for (const char *at = source->text; at < end; at++)
        count += *at == '\n';
    uint32_t *lines = nr_arena_new_array(arena, count, uint32_t);
    if (lines == NULL)
        return false;
    uint32_t line = 1;
    for (const char *at = source->text; at < end; at++)
        if (*at == '\n')
            lines[line++] = (uint32_t)(at + 1 - source->text);
    source->lines = lines;
    source->line_count = count;
    return true;
}

/* The last line that starts at or before the offset. */
static uint32_t halve(const nr_source *source, uint32_t offset)
{
    uint32_t low = 0;
    uint32_t high = source->line_count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (source->lines[middle] <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* The line that the offset is on, from 0, and where it starts. */
static uint32_t find_line(const nr_source *source, uint32_t offset, uint32_t *start)
{
    if (source->lines != NULL) {
        uint32_t line = halve(source, offset);
        *start = source->lines[line];
        return line;
    }
    uint32_t line = 0;
    *start = 0;
    for (uint32_t i = 0; i < offset; i++) {
        if (source->text[i] != '\n')
            continue;
        line++;
        *start = i + 1;
    }
    return line;
}

static uint32_t clamp(uint32_t offset, size_t size)
{
    return offset < size ? offset : (uint32_t)size;
}

static uint32_t count_characters(const char *from, const char *to)
{
    uint32_t count = 0;
    for (; from < to; from += nr_character_size(from, to))
        count++;
    return count;
}

uint32_t nr_line_of(nr_span span)
{
    if (span.source == NULL || span.source->text == NULL)
        return 0;
    uint32_t start;
    return find_line(span.source, clamp(span.start, span.source->size), &start) + 1;
}

nr_place nr_place_of(nr_span span)
{
    const nr_source *source = span.source;
    if (source == NULL || source->text == NULL)
        return (nr_place){ .width = 1 };

    uint32_t at = clamp(span.start, source->size);
    uint32_t start;
    uint32_t line = find_line(source, at, &start);
    const char *text = source->text + start;
    const char *end = memchr(text, '\n', source->size - start);
    if (end == NULL)
        end = source->text + source->size;
    if (end > text && end[-1] == '\r')
        end--;

    const char *from = source->text + at < end ? source->text + at : end;
    const char *to = source->text + clamp(span.end, source->size);
    if (to > end)
        to = end;
    uint32_t width = to > from ? count_characters(from, to) : 0;
    return (nr_place){
        .line = line + 1,
        .column = count_characters(text, from) + 1,
        .width = width == 0 ? 1 : width,
        .line_text = text,
        .line_size = (size_t)(end - text),
    };
}

static const char *why_not_opened(int error)
{
    if (error == ELOOP)
        return "is a symbolic link";
    if (error == ENOENT)
        return "does not exist";
    if (error == EACCES)
        return "may not be read by this user";
    return "cannot be opened";
}

/* Opens without waiting for anybody: a pipe or a device is looked at, not read. */
static int open_regular(const char *path, unsigned flags, off_t *size, const char **why)
{
    int how = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    if ((flags & NR_READ_FOLLOW) == 0)
        how |= O_NOFOLLOW;
    int file = open(path, how);
    if (file < 0) {
        *why = why_not_opened(errno);
        return -1;
    }
    struct stat stat;
    if (fstat(file, &stat) != 0)
        *why = "cannot be opened";
    else if (!S_ISREG(stat.st_mode))
        *why = "is not a regular file";
    else if (stat.st_size > NR_SOURCE_SIZE_MAX)
        *why = "is larger than 8 MiB";
    else {
        *size = stat.st_size;
        return file;
    }
    (void)close(file);
    return -1;
}

/* Reads to the end, which may have moved since the size was asked for. */
static const char *read_all(int file, char *text, size_t room, size_t *size)
{
    *size = 0;
    for (;;) {
        ssize_t got = read(file, text + *size, room - *size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return "cannot be read";
        if (got == 0)
            return NULL;
        *size += (size_t)got;
        if (*size == room)
            return "grows while it is read";
    }
}

nr_source *nr_source_read(nr_arena *arena, const char *path, unsigned flags,
                          const char **why)
{
    off_t expected = 0;
    int file = open_regular(path, flags, &expected, why);
    if (file < 0)
        return NULL;
    size_t room = (size_t)expected + 1;
    nr_source *source = nr_arena_new(arena, nr_source);
    char *text = nr_arena_alloc(arena, room + 1);
    const char *copy = nr_arena_string(arena, path);
    *why = "does not fit into memory";
    if (source != NULL && text != NULL && copy != NULL) {
        *source = (nr_source){ .origin = copy, .path = copy, .text = text };
        *why = read_all(file, text, room, &source->size);
        if (*why == NULL && !nr_source_count_lines(arena, source))
            *why = "does not fit into memory";
    }
    (void)close(file);
    return *why == NULL ? source : NULL;
}
