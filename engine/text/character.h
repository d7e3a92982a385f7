/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Characters of UTF-8 text, and which of them may be shown to a person as they
 * are: control characters could command a terminal, and those that change the
 * direction of writing show another text than the one that is read.
 */
#ifndef NR_CHARACTER_H
#define NR_CHARACTER_H

#include "base/arena.h"

/* The bytes of the character that seems to start here: 1 to 4, never beyond the
 * end. Columns count these. */
size_t nr_character_size(const char *text, const char *end);

/* Decodes one character; its size, or 0 where the bytes are not UTF-8. */
size_t nr_character_decode(const char *text, const char *end, uint32_t *code);

/* Neither a control character (line ends and tabs are some) nor misleading. */
bool nr_character_is_plain(uint32_t code);

/* Whether all of a text is UTF-8 and plain. */
bool nr_text_is_plain(const char *text, size_t size);

/* The text itself if it is plain, else a copy with U+FFFD for each character that
 * is not; tabs stay. NULL: out of memory. */
const char *nr_text_clean(nr_arena *arena, const char *text);

#endif
