/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing HTML in which text that others wrote can do no harm.
 *
 *   nr_html(out, "<td class=\"place\">%s</td>", name);
 *
 * What stands in the format is ours and is written as it is; what is filled in is
 * escaped, for text and for attributes in double quotes alike. Only %s and %zu are
 * known. There is no way to fill in markup.
 */
#ifndef NR_HTML_H
#define NR_HTML_H

#include "base/base.h"

#include <stdio.h>

void nr_html(FILE *out, const char *format, ...) NR_PRINTF(2, 3);

#endif
