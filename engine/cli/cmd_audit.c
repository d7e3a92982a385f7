/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: a group of commands on an audit trail.
 */
#include "cli/audit_commands.h"
#include "cli/commands.h"

static const nr_command *const group[] = {
    &nr_cmd_audit_list,    &nr_cmd_audit_show,
    &nr_cmd_audit_verify,  &nr_cmd_audit_replay,
    &nr_cmd_audit_stats,   &nr_cmd_audit_export,
    &nr_cmd_audit_receipt, &nr_cmd_audit_check_receipt,
    &nr_cmd_audit_prune,   NULL, /* the end */
};

const nr_command nr_cmd_audit = {
    .name = "audit",
    .synopsis = "audit COMMAND TRAIL ...",
    .summary =
        "Reads, verifies and replays an audit trail.\n\n"
        "TRAIL is the file that a daemon writes, or wrote. Only prune changes it; all\n"
        "others may be used while a daemon writes it.",
    .group = group,
};
