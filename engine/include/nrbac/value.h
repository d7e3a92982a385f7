/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Documents: the tree of values that requests, claims and answers are made of,
 * wherever they come from (JSON text, MessagePack bytes, a caller's own code).
 *
 * A document owns all of its values; they live until it is reset or destroyed.
 * A document is used by one thread at a time; reading it from several is fine.
 * Readers take NULL and values of another kind and answer with nothing, so that
 * a path through a foreign document needs no checks on its way.
 */
#ifndef NRBAC_VALUE_H
#define NRBAC_VALUE_H

#include <nrbac/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct nrbac_document nrbac_document; /* opaque */
typedef struct nrbac_value nrbac_value;       /* opaque; belongs to a document */

typedef enum nrbac_kind {
    NRBAC_KIND_NULL = 0,
    NRBAC_KIND_BOOLEAN,
    NRBAC_KIND_INTEGER,
    NRBAC_KIND_REAL,
    NRBAC_KIND_TEXT, /* UTF-8, may not contain NUL */
    NRBAC_KIND_LIST,
    NRBAC_KIND_MAP, /* keys are texts, each once, in the order of insertion */
} nrbac_kind;

/* The caller owns the document. NULL when out of memory. */
NRBAC_API NRBAC_MUST_USE nrbac_document *nrbac_document_create(void);
NRBAC_API void nrbac_document_destroy(nrbac_document *document); /* NULL is fine */
/* Forgets all values and keeps the memory for the next ones. */
NRBAC_API void nrbac_document_reset(nrbac_document *document);
/* NRBAC_E_MEMORY once anything could not be built; builders then return NULL,
 * and take NULL without harm, so that one look at the end is enough. */
NRBAC_API nrbac_status nrbac_document_status(const nrbac_document *document);

/* Builders. Texts are copied. */
NRBAC_API nrbac_value *nrbac_new_null(nrbac_document *document);
NRBAC_API nrbac_value *nrbac_new_boolean(nrbac_document *document, bool boolean);
NRBAC_API nrbac_value *nrbac_new_integer(nrbac_document *document, int64_t integer);
NRBAC_API nrbac_value *nrbac_new_real(nrbac_document *document, double real);
NRBAC_API nrbac_value *nrbac_new_text(nrbac_document *document, const char *text);
NRBAC_API nrbac_value *nrbac_new_text_of(nrbac_document *document, const char *text,
                                         size_t size);
NRBAC_API nrbac_value *nrbac_new_list(nrbac_document *document);
NRBAC_API nrbac_value *nrbac_new_map(nrbac_document *document);
/* Appends; returns the item. */
NRBAC_API nrbac_value *nrbac_append(nrbac_document *document, nrbac_value *list,
                                    nrbac_value *item);
/* Adds a member; the key is copied and must not be there yet; returns the item. */
NRBAC_API nrbac_value *nrbac_set(nrbac_document *document, nrbac_value *map,
                                 const char *key, nrbac_value *item);
NRBAC_API nrbac_value *nrbac_set_of(nrbac_document *document, nrbac_value *map,
                                    const char *key, size_t key_size,
                                    nrbac_value *item);

/* Readers. */
NRBAC_API nrbac_kind
nrbac_value_kind(const nrbac_value *value); /* NULL reads as null */
NRBAC_API bool nrbac_value_boolean(const nrbac_value *value);
NRBAC_API int64_t nrbac_value_integer(const nrbac_value *value);
NRBAC_API double nrbac_value_real(const nrbac_value *value); /* integers count too */
/* NUL-terminated; NULL for another kind. */
NRBAC_API const char *nrbac_value_text(const nrbac_value *value);
NRBAC_API size_t nrbac_value_text_size(const nrbac_value *value);
/* Items of a list or members of a map; 0 for another kind. */
NRBAC_API size_t nrbac_value_count(const nrbac_value *value);
/* The item of a list or the value of a map's member; NULL beyond the end. */
NRBAC_API const nrbac_value *nrbac_value_at(const nrbac_value *value, size_t index);
/* The key of a map's member; NULL beyond the end. */
NRBAC_API const char *nrbac_value_key(const nrbac_value *value, size_t index);
/* A member by its key; NULL if it is not there. */
NRBAC_API const nrbac_value *nrbac_value_find(const nrbac_value *value,
                                              const char *key);
/* A deep copy into another document; NULL when out of memory. */
NRBAC_API nrbac_value *nrbac_value_copy(nrbac_document *document,
                                        const nrbac_value *value);

#ifdef __cplusplus
}
#endif

#endif
