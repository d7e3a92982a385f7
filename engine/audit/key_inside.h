/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What only statements do with a key.
 */
#ifndef NR_KEY_INSIDE_H
#define NR_KEY_INSIDE_H

#include "audit/key.h"

void nr_key_sign(const nr_key *key, const char *text, size_t size,
                 uint8_t signature[NR_SIGNATURE_SIZE]);

#endif
