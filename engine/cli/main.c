/* SPDX-License-Identifier: Apache-2.0 */
/*
 * nrbac: finds the command, hands it its arguments, and sees that what it wrote
 * arrived.
 */
#include "cli/commands.h"

#include <errno.h>
#include <string.h>

static nr_exit refuse_command(const nr_command *group, const char *name)
{
    const nr_command *const *among = group == NULL ? nr_commands : group->group;
    const char *nearest = nr_command_nearest(among, name);
    nr_exit end = nr_say_usage(group, "there is no command `%s%s%s`",
                               group == NULL ? "" : group->name,
                               group == NULL ? "" : " ", name);
    if (nearest != NULL)
        nr_say_help("did you mean `%s`?", nearest);
    return end;
}

static nr_exit run_command(const nr_command *command, char *const *words)
{
    nr_arguments arguments;
    nr_exit end = nr_arguments_read(&arguments, command, words);
    if (end == NR_EXIT_OK && arguments.help)
        nr_help_command(stdout, command);
    else if (end == NR_EXIT_OK)
        end = command->run(&arguments);
    nr_arguments_finish(&arguments);
    return end;
}

static nr_exit run_group(const nr_command *group, char *const *words)
{
    if (words[0] == NULL)
        return nr_say_usage(group, "`%s` needs one of its commands", group->name);
    if (strcmp(words[0], "-h") == 0 || strcmp(words[0], "--help") == 0) {
        nr_help_command(stdout, group);
        return NR_EXIT_OK;
    }
    const nr_command *command = nr_command_find(group->group, words[0]);
    return command == NULL ? refuse_command(group, words[0])
                           : run_command(command, words + 1);
}

static nr_exit run(char *const *words)
{
    if (words[0] == NULL) {
        nr_help_overview(stderr);
        return NR_EXIT_USAGE;
    }
    if (strcmp(words[0], "-h") == 0 || strcmp(words[0], "--help") == 0) {
        nr_help_overview(stdout);
        return NR_EXIT_OK;
    }
    if (strcmp(words[0], "-V") == 0 || strcmp(words[0], "--version") == 0)
        return run_command(&nr_cmd_version, words + 1);
    const nr_command *command = nr_command_find(nr_commands, words[0]);
    if (command == NULL)
        return refuse_command(NULL, words[0]);
    return command->group == NULL ? run_command(command, words + 1)
                                  : run_group(command, words + 1);
}

int main(int argc, char **argv)
{
    nr_exit end = run(argc > 0 ? argv + 1 : argv);
    /* A full disk must not look like a finished answer. */
    bool failed = ferror(stdout) != 0;
    if ((fflush(stdout) != 0 || failed) && end != NR_EXIT_SYSTEM)
        end = nr_say_system("cannot write the output: %s", strerror(errno));
    return (int)end;
}
