/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command as a table: what a command is, what it was given, how it ends.
 *
 * Each cmd_*.c ends in its nr_command, commands.c lists them, and --help, `nrbac
 * help` and nrbac(1) say what these tables say.
 */
#ifndef NR_CLI_H
#define NR_CLI_H

#include <nrbac/policy.h>

#include <stdio.h>

/* What a script may rely on; documented in nrbac(1). */
typedef enum nr_exit {
    NR_EXIT_OK = 0,
    NR_EXIT_NO = 1, /* denied, mistakes found, a test failed */
    NR_EXIT_USAGE = 2,
    NR_EXIT_SYSTEM = 3, /* no such file, no memory, no daemon: not an answer */
} nr_exit;

/* An option. A value written as "text|json" is one of those words. */
typedef struct nr_option {
    const char *name;  /* without its dashes */
    char letter;       /* the short form; 0: none */
    const char *value; /* what --help calls the value; NULL: it takes none */
    const char *help;
} nr_option;

typedef struct nr_arguments nr_arguments;

/* A command. Operands are named in the synopsis. A group has commands of its own, one
 * of which comes next, and neither options nor a run. */
typedef struct nr_command nr_command;
struct nr_command {
    const char *name;
    const char *synopsis;
    const char *summary;
    const nr_option *options; /* ends with one without name */
    size_t operands_min, operands_max;
    nr_exit (*run)(const nr_arguments *arguments);
    const nr_command *const *group; /* ends with NULL; NULL: it is none */
};

/* What stood on the command line; every text is borrowed from argv. */
typedef struct nr_given {
    const nr_option *option;
    const char *value; /* NULL for an option that takes none */
} nr_given;

struct nr_arguments {
    const nr_command *command;
    const char **operands;
    size_t operand_count;
    nr_given *given;
    size_t given_count;
    bool help; /* -h or --help was among them */
};

/* All commands, in the order of `nrbac help`; ends with NULL. */
extern const nr_command *const nr_commands[];
/* One of them, or of a group; NULL: no such command. */
const nr_command *nr_command_find(const nr_command *const *among, const char *name);
/* The command whose name is near enough to be what was meant, or NULL. */
const char *nr_command_nearest(const nr_command *const *among, const char *name);

/* arguments.c: reads the words after the command's name. NR_EXIT_OK, or
 * NR_EXIT_USAGE after saying what is wrong with them. */
nr_exit nr_arguments_read(nr_arguments *arguments, const nr_command *command,
                          char *const *words);
void nr_arguments_finish(nr_arguments *arguments);

/* Whether the command has such an option at all. */
bool nr_option_known(const nr_arguments *arguments, const char *name);
/* Options by name; asking for one that the command's table lacks is our mistake. */
bool nr_option_given(const nr_arguments *arguments, const char *name);
/* The last value given; NULL: none. */
const char *nr_option_value(const nr_arguments *arguments, const char *name);
/* One after another, with *cursor 0 at first; NULL: no more. */
const char *nr_option_each(const nr_arguments *arguments, const char *name,
                           size_t *cursor);
/* Whether --format is `format`. */
bool nr_format_is(const nr_arguments *arguments, const char *format);
/* The operand, or NULL if there are not so many. */
const char *nr_operand(const nr_arguments *arguments, size_t index);

/* help.c: what `--help` and `nrbac help COMMAND` print. */
void nr_help_command(FILE *out, const nr_command *command);
void nr_help_overview(FILE *out);

/* say.c: one line on stderr, and the status to return. `format` without "nrbac:"
 * and without line end. */
#if defined(__GNUC__)
#define NR_SAYS(at) __attribute__((format(printf, at, (at) + 1)))
#else
#define NR_SAYS(at)
#endif
nr_exit nr_say_usage(const nr_command *command, const char *format, ...) NR_SAYS(2);
nr_exit nr_say_system(const char *format, ...) NR_SAYS(1);
nr_exit nr_say_no(const char *format, ...) NR_SAYS(1);
void nr_say_help(const char *format, ...) NR_SAYS(1);
nr_exit nr_say_memory(void);

/* Whether text on this stream may be coloured: a terminal, and no NO_COLOR. */
bool nr_may_colour(FILE *stream);

/* JSON on stdout, with a line end; INDENT for one document, COMPACT for lines. */
nr_exit nr_print_json(const nrbac_value *value, unsigned flags);
/* A value of this document, if there was memory for all of it; then that is destroyed. */
nr_exit nr_print_document(nrbac_document *document, const nrbac_value *value);
/* A number as a member of a map. */
void nr_set_number(nrbac_document *document, nrbac_value *map, const char *key,
                   uint64_t number);

/* shown.c: text that others wrote, without its control characters. */
void nr_show_text(FILE *out, const char *text);

/* NR_EXIT_OK if the path is a folder; else says that it is not. */
nr_exit nr_need_folder(const char *path);

/* A whole file, or stdin for "-", NUL-terminated; the caller frees *text. */
nr_exit nr_read_file(const char *path, char **text, size_t *size);

#endif
