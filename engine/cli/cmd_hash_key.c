/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hash-key: an API key, read from stdin so that it stands in no list of processes and
 * no shell's history, as evidence settings take it.
 */
#include "cli/ask.h"
#include "cli/commands.h"

#include <unistd.h>

enum { KEY_ROOM = 1024 };

static void forget(char *bytes, size_t size)
{
    volatile char *at = bytes;
    while (size-- > 0)
        *at++ = '\0';
}

/* A line longer than any key is not read to its end; it is refused all the same. So is
 * more than one line, which is no key but something else; a person at a terminal is
 * not waited for. stdio keeps no copy of the key in a buffer. */
static size_t read_line(char key[KEY_ROOM], bool terminal)
{
    size_t size = 0;
    int c = '\0';
    (void)setvbuf(stdin, NULL, _IONBF, 0);
    while (size < KEY_ROOM && (c = getchar()) != EOF && c != '\n')
        key[size++] = (char)c;
    return c == '\n' && !terminal && getchar() != EOF ? 0 : size;
}

static nr_exit tell(const char *hash)
{
    printf("%s\n", hash);
    return ferror(stdout) ? nr_say_system("cannot write: %s", "standard output")
                          : NR_EXIT_OK;
}

static nr_exit run(const nr_arguments *arguments)
{
    char key[KEY_ROOM];
    char hash[NRBAC_KEY_HASH_SIZE];
    (void)arguments;
    bool terminal = isatty(STDIN_FILENO) != 0;
    if (terminal)
        fputs("the API key, then Enter: ", stderr);
    size_t size = read_line(key, terminal);
    nrbac_status status = nrbac_hash_key(key, size, hash);
    forget(key, sizeof(key));
    if (status == NRBAC_OK)
        return tell(hash);
    if (status == NRBAC_E_ARGUMENT)
        return nr_say_no("an API key is one line of 16 to 512 bytes");
    return nr_say_system("cannot hash the key: %s", nrbac_status_text(status));
}

const nr_command nr_cmd_hash_key = {
    .name = "hash-key",
    .synopsis = "hash-key <KEY",
    .summary =
        "Turns an API key into the hash that evidence settings hold.\n\n"
        "The key is read from the standard input: one line of 16 to 512 bytes.\n"
        "Each run uses a new salt, so the same key gives another hash each time;\n"
        "all of them fit.",
    .options = (const nr_option[]){ { 0 } },
    .operands_min = 0,
    .operands_max = 0,
    .run = run,
};
