/* SPDX-License-Identifier: Apache-2.0 */
#include "contender.h"

const bench_contender *const bench_lists[] = {
    bench_limits, bench_ours, bench_documents,
#ifdef BENCH_GLIB
    bench_glib,
#endif
#ifdef BENCH_SQLITE
    bench_sqlite,
#endif
#ifdef BENCH_SEPOL
    bench_sepol,
#endif
    NULL,
};
