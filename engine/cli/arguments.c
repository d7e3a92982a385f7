/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words on the command line become options and operands, by the command's table.
 *
 * Options may stand anywhere, as `--name value`, `--name=value`, `-nvalue` or
 * `-n value`; `--` ends them; a lone `-` is an operand.
 */
#include "cli/cli.h"
#include "text/diag.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where reading stands. */
typedef struct word_reader {
    nr_arguments *into;
    char *const *words; /* the rest */
} word_reader;

static const nr_option *option_named(const nr_command *command, const char *name,
                                     size_t size)
{
    for (const nr_option *option = command->options; option->name != NULL; option++)
        if (strlen(option->name) == size && memcmp(option->name, name, size) == 0)
            return option;
    return NULL;
}

static const nr_option *option_lettered(const nr_command *command, char letter)
{
    for (const nr_option *option = command->options; option->name != NULL; option++)
        if (option->letter == letter)
            return option;
    return NULL;
}

static nr_exit refuse_option(const nr_command *command, const char *name, size_t size)
{
    enum { NAMES_MAX = 32 };
    const char *names[NAMES_MAX];
    char meant[64];
    size_t count = 0;
    for (const nr_option *option = command->options; option->name != NULL; option++)
        if (count < NAMES_MAX)
            names[count++] = option->name;

    (void)snprintf(meant, sizeof meant, "%.*s", (int)size, name);
    const char *nearest = nr_nearest_name(meant, names, count);
    nr_exit end = nr_say_usage(command, "`%s` has no option `--%s`", command->name,
                               meant);
    if (nearest != NULL)
        nr_say_help("did you mean `--%s`?", nearest);
    return end;
}

/* Whether `value` is among the words of "text|json"; anything is among "FILE". */
static bool is_choice(const char *choices, const char *value)
{
    if (strchr(choices, '|') == NULL)
        return true;
    size_t size = strlen(value);
    for (const char *at = choices; *at != '\0';) {
        size_t word = strcspn(at, "|");
        if (word == size && memcmp(at, value, size) == 0)
            return true;
        at += word + (at[word] == '|');
    }
    return false;
}

static nr_exit add_option(word_reader *reader, const nr_option *option,
                          const char *value)
{
    nr_arguments *into = reader->into;
    if (option->value == NULL && value != NULL)
        return nr_say_usage(into->command, "`--%s` takes no value", option->name);
    if (option->value != NULL && value == NULL) {
        if (*reader->words == NULL)
            return nr_say_usage(into->command, "`--%s` needs its %s", option->name,
                                option->value);
        value = *reader->words++;
    }
    if (option->value != NULL && !is_choice(option->value, value))
        return nr_say_usage(into->command, "`--%s` is one of %s, not `%s`",
                            option->name, option->value, value);
    into->given[into->given_count++] = (nr_given){ option, value };
    return NR_EXIT_OK;
}

static nr_exit read_long(word_reader *reader, const char *word)
{
    size_t size = strcspn(word, "=");
    const char *value = word[size] == '=' ? word + size + 1 : NULL;
    if (strcmp(word, "help") == 0) {
        reader->into->help = true;
        return NR_EXIT_OK;
    }
    const nr_option *option = option_named(reader->into->command, word, size);
    if (option == NULL)
        return refuse_option(reader->into->command, word, size);
    return add_option(reader, option, value);
}

static nr_exit read_short(word_reader *reader, const char *word)
{
    const nr_command *command = reader->into->command;
    for (; *word != '\0'; word++) {
        if (*word == 'h') {
            reader->into->help = true;
            continue;
        }
        const nr_option *option = option_lettered(command, *word);
        if (option == NULL)
            return nr_say_usage(command, "`%s` has no option `-%c`", command->name,
                                *word);
        bool joined = option->value != NULL && word[1] != '\0';
        nr_exit end = add_option(reader, option, joined ? word + 1 : NULL);
        if (end != NR_EXIT_OK || joined)
            return end;
    }
    return NR_EXIT_OK;
}

static nr_exit read_words(word_reader *reader)
{
    nr_arguments *into = reader->into;
    bool options_end = false;
    while (*reader->words != NULL) {
        const char *word = *reader->words++;
        nr_exit end = NR_EXIT_OK;
        if (options_end || word[0] != '-' || word[1] == '\0')
            into->operands[into->operand_count++] = word;
        else if (strcmp(word, "--") == 0)
            options_end = true;
        else if (word[1] == '-')
            end = read_long(reader, word + 2);
        else
            end = read_short(reader, word + 1);
        if (end != NR_EXIT_OK)
            return end;
    }
    return NR_EXIT_OK;
}

nr_exit nr_arguments_read(nr_arguments *arguments, const nr_command *command,
                          char *const *words)
{
    size_t count = 0;
    while (words[count] != NULL)
        count++;
    /* A word of joined short options gives at most as many as it has letters. */
    size_t letters = 0;
    for (size_t i = 0; i < count; i++)
        letters += strlen(words[i]);

    *arguments = (nr_arguments){ .command = command };
    arguments->operands = calloc(count + 1, sizeof *arguments->operands);
    arguments->given = calloc(letters + 1, sizeof *arguments->given);
    if (arguments->operands == NULL || arguments->given == NULL)
        return nr_say_memory();

    nr_exit end = read_words(&(word_reader){ arguments, words });
    if (end != NR_EXIT_OK || arguments->help)
        return end;
    if (arguments->operand_count < command->operands_min)
        return nr_say_usage(command, "`%s` needs more words than that", command->name);
    if (arguments->operand_count > command->operands_max)
        return nr_say_usage(command, "`%s` is one too many for `%s`",
                            arguments->operands[command->operands_max], command->name);
    return NR_EXIT_OK;
}

void nr_arguments_finish(nr_arguments *arguments)
{
    free(arguments->operands);
    free(arguments->given);
}

bool nr_option_known(const nr_arguments *arguments, const char *name)
{
    return option_named(arguments->command, name, strlen(name)) != NULL;
}

const char *nr_option_each(const nr_arguments *arguments, const char *name,
                           size_t *cursor)
{
    assert(nr_option_known(arguments, name));
    while (*cursor < arguments->given_count) {
        const nr_given *given = &arguments->given[(*cursor)++];
        if (strcmp(given->option->name, name) == 0)
            return given->value == NULL ? "" : given->value;
    }
    return NULL;
}

const char *nr_option_value(const nr_arguments *arguments, const char *name)
{
    const char *last = NULL;
    size_t cursor = 0;
    for (;;) {
        const char *value = nr_option_each(arguments, name, &cursor);
        if (value == NULL)
            return last;
        last = value;
    }
}

bool nr_option_given(const nr_arguments *arguments, const char *name)
{
    return nr_option_value(arguments, name) != NULL;
}

bool nr_format_is(const nr_arguments *arguments, const char *format)
{
    const char *given = nr_option_value(arguments, "format");
    return given != NULL && strcmp(given, format) == 0;
}

const char *nr_operand(const nr_arguments *arguments, size_t index)
{
    return index < arguments->operand_count ? arguments->operands[index] : NULL;
}
