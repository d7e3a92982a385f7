/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/keys.h"

#include "text/source.h"

#include <cjose/cjose.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

bool nr_unsound(nrbac_error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return false;
}

static void destroy(nr_credentials *credentials)
{
    for (size_t i = 0; i < credentials->keys.count; i++)
        (void)cjose_jwk_release(credentials->keys.items[i].jwk);
    for (size_t i = 0; i < credentials->certificates.count; i++)
        X509_free(credentials->certificates.items[i].x509);
    X509_STORE_free(credentials->store);
    nr_arena_finish(&credentials->arena);
    free(credentials);
}

static bool read_text(nr_credentials *into, nr_file_kind kind, const char *name,
                      const nr_source *source, nrbac_error *error)
{
    switch (kind) {
    case NR_FILE_KEYS:
        return nr_keys_read(into, name, source->text, source->size, error);
    case NR_FILE_CERTIFICATE:
        return nr_certificate_read(into, name, source->text, source->size, error);
    case NR_FILE_AUTHORITIES:
        return nr_authorities_read(into, name, source->text, source->size, error);
    }
    return nr_unsound(error, "is of no kind that is known");
}

nr_credentials *nr_credentials_read(nr_file_kind kind, const char *path,
                                    const char *name, nrbac_error *error)
{
    nr_arena scratch = { 0 };
    const char *why = NULL;
    nr_credentials *credentials = calloc(1, sizeof(*credentials));
    const nr_source *source = nr_source_read(&scratch, path, NR_READ_FOLLOW, &why);
    bool sound = false;
    if (credentials == NULL)
        sound = nr_unsound(error, "does not fit into memory");
    else if (source == NULL)
        sound = nr_unsound(error, "%s", why);
    else
        sound = read_text(credentials, kind, name, source, error);
    nr_arena_finish(&scratch);
    if (credentials == NULL)
        return NULL;
    atomic_init(&credentials->refs, 1);
    credentials->loaded_at = (int64_t)time(NULL);
    if (sound)
        return credentials;
    destroy(credentials);
    return NULL;
}

nr_credentials *nr_credentials_ref(nr_credentials *credentials)
{
    atomic_fetch_add_explicit(&credentials->refs, 1, memory_order_relaxed);
    return credentials;
}

void nr_credentials_unref(nr_credentials *credentials)
{
    if (credentials != NULL &&
        atomic_fetch_sub_explicit(&credentials->refs, 1, memory_order_acq_rel) == 1)
        destroy(credentials);
}
