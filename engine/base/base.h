/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Small things that every folder needs.
 */
#ifndef NR_BASE_H
#define NR_BASE_H

#include <nrbac/types.h>

#define NR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Hand a failure to the caller. The one macro here that hides control flow: it
 * may be used wherever there is nothing to undo, which the arena makes the
 * common case. */
#define NR_TRY(call)                      \
    do {                                  \
        nrbac_status nr_status_ = (call); \
        if (nr_status_ != NRBAC_OK)       \
            return nr_status_;            \
    } while (0)

#if defined(__GNUC__)
#define NR_PRINTF(at, first) __attribute__((format(printf, at, first)))
#else
#define NR_PRINTF(at, first)
#endif

/* For a seldom way out of a function that is called very often: kept apart, so that
 * the usual way need not save registers for it. */
#if defined(__GNUC__)
#define NR_APART __attribute__((noinline, cold))
#else
#define NR_APART
#endif

/* "No such number", for indexes into tables and models. */
#define NR_NONE UINT32_MAX

#endif
