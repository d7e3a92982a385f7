/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Client certificates: reading them, spelling their names, judging one against what
 * the settings say of an application.
 */
#ifndef NR_CERTIFICATE_H
#define NR_CERTIFICATE_H

#include "verify/keys.h"

enum { NR_CERTIFICATE_SIZE_MAX = 16 << 10, NR_SUBJECT_SIZE_MAX = 1024 };

/* The first second at which a certificate is over. False: it states no sound time. */
bool nr_certificate_end(const struct x509_st *certificate, int64_t *end);
/* The first second from which it holds; the same. */
bool nr_certificate_start(const struct x509_st *certificate, int64_t *start);

/* The one certificate that a PEM text holds; NULL if it is anything else. The caller
 * frees it. */
struct x509_st *nr_certificate_of(const char *pem, size_t size);

/* A name as RFC 4514 writes it ("CN=gp-system,O=Example Surgery,C=GB"), respelled the
 * way nr_certificate_subject() spells those of certificates. NULL after *error. */
const char *nr_subject_read(nr_arena *arena, const char *text, nrbac_error *error);
/* NULL: too long to be compared, or out of memory. */
const char *nr_certificate_subject(nr_arena *arena, const struct x509_st *certificate);

#endif
