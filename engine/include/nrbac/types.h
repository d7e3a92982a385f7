/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that everything else is said in: statuses, effects, reasons, decisions.
 */
#ifndef NRBAC_TYPES_H
#define NRBAC_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define NRBAC_API      __attribute__((visibility("default")))
#define NRBAC_MUST_USE __attribute__((warn_unused_result))
#else
#define NRBAC_API
#define NRBAC_MUST_USE
#endif

/* What the world did to a call: memory, files, sockets. A denial is not a status. */
typedef enum nrbac_status {
#define NRBAC_STATUS(number, name, text) NRBAC_##name = (number),
#include <nrbac/status.def>
#undef NRBAC_STATUS
} nrbac_status;

/* The four outcomes (S24). Callers treat all but PERMIT as no access. */
typedef enum nrbac_effect {
#define NRBAC_EFFECT(number, name, slug) NRBAC_##name = (number),
#include <nrbac/effect.def>
#undef NRBAC_EFFECT
} nrbac_effect;

/* Why (S25). Each reason belongs to one effect: nrbac_reason_effect(). */
typedef enum nrbac_reason {
#define NRBAC_REASON(number, name, slug, effect, message, doc) \
    NRBAC_REASON_##name = (number),
#include <nrbac/reason.def>
#undef NRBAC_REASON
} nrbac_reason;

/* A level as evidence states it. 0 is "not stated" (S4): a forgotten level must
 * never read as one, so levels are shifted by one. */
#define NRBAC_LEVEL(n) ((n) + 1)
enum { NRBAC_LEVEL_UNKNOWN = 0 };

/* The most obligations that one permit can carry; a policy that could give more
 * does not compile. */
enum { NRBAC_OBLIGATION_MAX = 16 };

/* What is decided; plain data, nothing to free. Zeroed, it denies. */
typedef struct nrbac_decision {
    nrbac_effect effect;
    nrbac_reason reason;
    uint32_t generation; /* the publication that answered; 0 before the first */
    uint32_t obligation_count;
    /* Ids of the obligations, in byte order; borrowed, valid as long as
     * the engine lives. */
    const char *obligations[NRBAC_OBLIGATION_MAX];
} nrbac_decision;

/* A line that says what went wrong, for a person; always ends with a NUL. */
typedef struct nrbac_error {
    char text[256];
} nrbac_error;

/* Takes a piece of a text; false stops the writer. */
typedef bool nrbac_sink(void *context, const char *text, size_t size);

/* Slugs and texts; never NULL, also for numbers that a newer release added. */
NRBAC_API const char *nrbac_status_text(nrbac_status status);
NRBAC_API const char *nrbac_effect_slug(nrbac_effect effect);
NRBAC_API const char *nrbac_reason_slug(nrbac_reason reason);
NRBAC_API const char *nrbac_reason_doc(nrbac_reason reason);
NRBAC_API nrbac_effect nrbac_reason_effect(nrbac_reason reason);

/* The release, such as "0.1.0". */
NRBAC_API const char *nrbac_version(void);

#ifdef __cplusplus
}
#endif

#endif
