/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A diagnostic as text for people, the way compilers print it, so that editors
 * can jump to it:
 *
 *   policy/roles.yaml:3:5: error[P012]: job role `local:clerck` is not declared
 *       3 |   - local:clerck
 *         |     ^^^^^^^^^^^^
 *         = help: did you mean `local:clerk`?
 */
#ifndef NR_RENDER_H
#define NR_RENDER_H

#include <nrbac/policy.h>
#include <stdio.h>

typedef enum nr_render_flags {
    NR_RENDER_STRICT = 1 << 0, /* lints are errors */
} nr_render_flags;

void nr_diag_render(const nrbac_diagnostic *diagnostic, unsigned flags, FILE *out);

#endif
