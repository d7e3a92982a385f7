/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which issuer of the settings a token claims to be from.
 */
#ifndef NR_ISSUER_H
#define NR_ISSUER_H

#include "verify/token.h"

/* By kind and `iss`; NULL after saying that there is none. */
const nr_trust *nr_issuer_find(nr_check *check, nr_issuer_kind kind,
                               const nrbac_value *claims);

#endif
