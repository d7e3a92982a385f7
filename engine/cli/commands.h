/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands, each defined at the end of its own file.
 */
#ifndef NR_COMMANDS_H
#define NR_COMMANDS_H

#include "cli/cli.h"

extern const nr_command nr_cmd_validate, nr_cmd_compile, nr_cmd_check, nr_cmd_explain,
    nr_cmd_what_can, nr_cmd_who_can, nr_cmd_test, nr_cmd_assure, nr_cmd_dump,
    nr_cmd_import_nrd, nr_cmd_query, nr_cmd_audit, nr_cmd_hash_key, nr_cmd_help,
    nr_cmd_version;

#endif
