/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A build's diagnostics, for people, programs and code review tools.
 */
#ifndef NR_REPORTS_H
#define NR_REPORTS_H

#include "cli/cli.h"

typedef struct nr_report {
    const nrbac_build *build;
    bool strict; /* warnings count as mistakes */
} nr_report;

/* As compilers print them. */
void nr_report_print(const nr_report *report, FILE *out);
/* "no mistakes", or "2 mistakes, 1 warning". */
void nr_report_summary(const nr_report *report, FILE *out);
nr_exit nr_report_json(const nr_report *report);
/* SARIF 2.1.0. */
nr_exit nr_report_sarif(const nr_report *report);

#endif
