/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libnrbac-policy: what reads text. Policy folders are compiled, with a list of
 * everything that is wrong with them; JSON becomes documents and back.
 *
 * Nothing here prints; lists of diagnostics are rendered by their reader.
 */
#ifndef NRBAC_POLICY_H
#define NRBAC_POLICY_H

#include <nrbac/nrbac.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Compiling ------------------------------------------------------------- */

typedef enum nrbac_severity {
    NRBAC_SEVERITY_ERROR = 0, /* the policy does not compile */
    NRBAC_SEVERITY_WARNING,   /* it compiles; an error under NRBAC_COMPILE_STRICT */
} nrbac_severity;

/* One mistake and its place. Every pointer belongs to the build. */
typedef struct nrbac_diagnostic {
    const char *code; /* "P012", stable; nrbac help P012 explains it */
    const char *slug; /* "unknown-code", for people and SARIF */
    nrbac_severity severity;
    const char *file;        /* as reached from the folder given; never NULL */
    uint32_t line;           /* from 1; 0: the whole file or folder */
    uint32_t column;         /* from 1, in characters */
    uint32_t width;          /* characters to mark, at least 1 */
    const char *source_line; /* without its line end; NULL where there is none */
    const char *message;     /* one line */
    const char *help;        /* one line; NULL: none */
    /* A second place that belongs to it ("first defined here"); file NULL: none. */
    const char *related_file;
    uint32_t related_line;
    uint32_t related_column;
    const char *related_message;
} nrbac_diagnostic;

typedef enum nrbac_compile_flags {
    NRBAC_COMPILE_STRICT = 1 << 0,   /* lints are errors */
    NRBAC_COMPILE_VALIDATE = 1 << 1, /* diagnostics alone: no image, no comparison */
} nrbac_compile_flags;

typedef struct nrbac_compile_options {
    unsigned flags;
    const char *policy_root; /* `extends` may not leave it; NULL: no bound */
    /* Called now and then with what share of the comparison is done, in
     * thousandths; NULL: not called. */
    void (*progress)(void *context, unsigned permille);
    void *context;
} nrbac_compile_options;

typedef struct nrbac_build nrbac_build; /* opaque: image and diagnostics */

/* Compiles a policy folder. *out is set whenever memory allows, also on
 * failure: its diagnostics say why. NRBAC_OK: an image is there (unless only
 * validating); NRBAC_E_POLICY: at least one error; NRBAC_E_IO: the folder cannot
 * be read (a diagnostic says so too); NRBAC_E_TWIN: our own fault, nothing is
 * built. options may be NULL. The caller owns *out. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_compile(
    const char *folder, const nrbac_compile_options *options, nrbac_build **out);
NRBAC_API void nrbac_build_destroy(nrbac_build *build); /* NULL is fine */

/* Diagnostics in the order of their files and places. */
NRBAC_API size_t nrbac_build_diagnostic_count(const nrbac_build *build);
NRBAC_API const nrbac_diagnostic *nrbac_build_diagnostic(const nrbac_build *build,
                                                         size_t index);
/* The compiled policy, for a file or nrbac_engine_load_image(); belongs to the
 * build. NULL if there is none. */
NRBAC_API const void *nrbac_build_image(const nrbac_build *build, size_t *size);

/* What `nrbac help` says of a diagnostic's code or slug; NULL: no such code. */
typedef struct nrbac_diagnostic_help {
    const char *code;
    const char *slug;
    nrbac_severity severity;
    const char *summary;
    const char *page; /* a few lines: why it matters, an example, how to mend it */
} nrbac_diagnostic_help;
NRBAC_API const nrbac_diagnostic_help *nrbac_diagnostic_help_find(const char *code);
/* In order of code; NULL beyond the end. */
NRBAC_API const nrbac_diagnostic_help *nrbac_diagnostic_help_at(size_t index);

/* ---- JSON ------------------------------------------------------------------- */

/* Reads one JSON value; a member twice in one object, NUL in a text and depth
 * beyond 64 are refused. *error says where and why; it may be NULL. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_json_read(nrbac_document *document,
                                                      const char *text, size_t size,
                                                      const nrbac_value **value,
                                                      nrbac_error *error);

typedef enum nrbac_json_flags {
    NRBAC_JSON_COMPACT = 0,
    NRBAC_JSON_INDENT = 1 << 0, /* for people */
} nrbac_json_flags;

/* Writes a value as JSON. The caller frees *text with free(); *size (may be
 * NULL) is without the final NUL. */
NRBAC_API NRBAC_MUST_USE nrbac_status nrbac_json_write(const nrbac_value *value,
                                                       unsigned flags, char **text,
                                                       size_t *size);

#ifdef __cplusplus
}
#endif

#endif
