/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is looked at before the YAML parser sees a byte: it is UTF-8 that looks
 * like what it is.
 */
#ifndef NR_YAML_GUARD_H
#define NR_YAML_GUARD_H

#include "text/diag.h"

/* False after a diagnostic. */
bool nr_yaml_guard(const nr_source *source, nr_diags *diags);

/* The bytes of a byte order mark at the start: 3 or 0. */
size_t nr_yaml_mark_size(const nr_source *source);

#endif
