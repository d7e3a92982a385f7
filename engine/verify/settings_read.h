/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading settings, from inside: what the readers of their parts share. Each tells
 * its mistakes and goes on, so that all of them are told at once.
 */
#ifndef NR_SETTINGS_READ_H
#define NR_SETTINGS_READ_H

#include "verify/settings.h"

/* Copies into the settings' memory; "" after the reading has failed. */
const char *nr_settings_keep(nr_settings_reading *reading, const char *text);

/* A text, kept; NULL after a diagnostic, and for NULL. */
const char *nr_settings_text(nr_settings_reading *reading, const nr_node *node,
                             const char *what);
/* A list of at least one text. */
void nr_settings_words(nr_settings_reading *reading, const nr_node *node,
                       const char *what, nr_words *words);
/* A day's midnight; 0 after a diagnostic, and for NULL. */
int64_t nr_settings_day(nr_settings_reading *reading, const nr_node *node,
                        const char *what);
/* The number of a file that the node names; NR_NONE after a diagnostic. */
uint32_t nr_settings_file(nr_settings_reading *reading, const nr_node *node,
                          const char *what, nr_file_kind kind);
/* Algorithms; NULL: all. */
unsigned nr_settings_algorithms(nr_settings_reading *reading, const nr_node *node);

/* Gives the text to an application, unless it is another's (or already its own), which
 * is told as a mistake at the node. */
typedef struct nr_owned {
    nr_owners *owners;
    uint32_t application;
    const char *what; /* "the client id" */
} nr_owned;
void nr_settings_own(nr_settings_reading *reading, nr_owned owned, const char *text,
                     nr_span at);

/* The part `applications`. */
void nr_settings_applications(nr_settings_reading *reading, const nr_node *node);

#endif
