/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Talking to the person at the terminal: one line for what is wrong, one for
 * what would help, both on stderr.
 */
#define _POSIX_C_SOURCE 200809L /* fileno, O_CLOEXEC */

#include "base/base.h"
#include "cli/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void say(const char *before, const char *format, va_list arguments)
    NR_PRINTF(2, 0);
static void say(const char *before, const char *format, va_list arguments)
{
    char text[2048];
    /* What was printed already stands before its error, also in a log. */
    (void)fflush(stdout);
    fputs(before, stderr);
    (void)vsnprintf(text, sizeof text, format, arguments);
    nr_show_text(stderr, text);
    fputc('\n', stderr);
}

nr_exit nr_say_usage(const nr_command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("nrbac: ", format, arguments);
    va_end(arguments);
    if (command == NULL)
        fputs("usage: nrbac COMMAND ..., see nrbac help\n", stderr);
    else
        fprintf(stderr, "usage: nrbac %s\n", command->synopsis);
    return NR_EXIT_USAGE;
}

nr_exit nr_say_system(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("nrbac: ", format, arguments);
    va_end(arguments);
    return NR_EXIT_SYSTEM;
}

nr_exit nr_say_no(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("nrbac: ", format, arguments);
    va_end(arguments);
    return NR_EXIT_NO;
}

void nr_say_help(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("  = help: ", format, arguments);
    va_end(arguments);
}

nr_exit nr_say_memory(void)
{
    return nr_say_system("out of memory");
}

bool nr_may_colour(FILE *stream)
{
    const char *refused = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    if (refused != NULL && refused[0] != '\0')
        return false;
    if (terminal == NULL || strcmp(terminal, "dumb") == 0)
        return false;
    return isatty(fileno(stream)) == 1;
}

nr_exit nr_print_json(const nrbac_value *value, unsigned flags)
{
    char *text;
    size_t size;
    nrbac_status status = nrbac_json_write(value, flags, &text, &size);
    if (status != NRBAC_OK)
        return nr_say_system("cannot write JSON: %s", nrbac_status_text(status));
    (void)fwrite(text, 1, size, stdout);
    if (size == 0 || text[size - 1] != '\n')
        fputc('\n', stdout);
    free(text);
    return NR_EXIT_OK;
}

nr_exit nr_print_document(nrbac_document *document, const nrbac_value *value)
{
    nr_exit end = nrbac_document_status(document) == NRBAC_OK
                      ? nr_print_json(value, NRBAC_JSON_INDENT)
                      : nr_say_memory();
    nrbac_document_destroy(document);
    return end;
}

void nr_set_number(nrbac_document *document, nrbac_value *map, const char *key,
                   uint64_t number)
{
    (void)nrbac_set(document, map, key, nrbac_new_integer(document, (int64_t)number));
}

nr_exit nr_need_folder(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0)
        return nr_say_system("cannot open `%s`: %s", path, strerror(errno));
    if (!S_ISDIR(info.st_mode))
        return nr_say_system("cannot open `%s`: it is not a folder", path);
    return NR_EXIT_OK;
}

/* The most that is read of one file: a request, a subject. */
enum { FILE_SIZE_MAX = 64 * 1024 * 1024 };

/* Reads to the end, with room for a NUL. NULL: memory, the limit, or the file;
 * errno says which. */
static char *read_all(int fd, size_t *size)
{
    size_t room = 1 << 16, used = 0;
    char *text = malloc(room);
    while (text != NULL) {
        ssize_t got = read(fd, text + used, room - used - 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            if (got == 0) {
                text[used] = '\0';
                *size = used;
                return text;
            }
            break;
        }
        used += (size_t)got;
        if (room - used > 1)
            continue;
        char *more = room >= FILE_SIZE_MAX ? NULL : realloc(text, room *= 2);
        if (more == NULL) {
            errno = room >= FILE_SIZE_MAX ? EFBIG : ENOMEM;
            break;
        }
        text = more;
    }
    int reason = errno;
    free(text);
    errno = reason;
    return NULL;
}

nr_exit nr_read_file(const char *path, char **text, size_t *size)
{
    bool standard = strcmp(path, "-") == 0;
    int fd = standard ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    *text = fd < 0 ? NULL : read_all(fd, size);
    int reason = errno;
    if (fd >= 0 && !standard)
        (void)close(fd);
    if (*text != NULL)
        return NR_EXIT_OK;
    return nr_say_system("cannot read `%s`: %s", path, strerror(reason));
}
