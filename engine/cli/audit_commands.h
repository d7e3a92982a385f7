/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands of `nrbac audit`, each defined at the end of its own file.
 */
#ifndef NR_AUDIT_COMMANDS_H
#define NR_AUDIT_COMMANDS_H

#include "cli/cli.h"

extern const nr_command nr_cmd_audit_list, nr_cmd_audit_show, nr_cmd_audit_verify,
    nr_cmd_audit_export, nr_cmd_audit_replay, nr_cmd_audit_stats, nr_cmd_audit_receipt,
    nr_cmd_audit_check_receipt, nr_cmd_audit_prune;

#endif
