/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a request, from inside: places in it, typed reads, and one reader for
 * each shape of evidence.
 *
 * A reader remembers its first fault and goes on with nothing in hand, so that
 * the code below it reads as a list of members. Nothing it returns after a fault
 * is used.
 */
#ifndef NR_EVIDENCE_H
#define NR_EVIDENCE_H

#include "subject/subject.h"

typedef struct nr_reader {
    nr_arena *arena;
    const char *fault; /* the first; arena */
    bool no_memory;
} nr_reader;

/* A value and the way to it. Places live on the stack, each as long as those
 * within it; the way is spelled only when a fault needs it. */
typedef struct nr_place {
    const struct nr_place *within; /* NULL: the request itself */
    const char *key;               /* NULL: an item of a list */
    size_t index;
    const nrbac_value *value; /* NULL: not there; a null member is not there */
} nr_place;

nr_place nr_place_member(const nr_place *map, const char *key);
/* An item is there also when it is null: no list here may hold nulls. */
nr_place nr_place_item(const nr_place *list, size_t index);

/* "`subject.type` WHAT", unless there was a fault before. */
void nr_reader_fault(nr_reader *reader, const nr_place *place, const char *what);
/* That sentence alone; NULL when out of memory, which the reader remembers. */
const char *nr_reader_sentence(nr_reader *reader, const nr_place *place,
                               const char *what);
/* The same with a sentence of one's own; NULL says that memory ran out. */
void nr_reader_fault_text(nr_reader *reader, const char *sentence);

/* Typed reads. What is not there reads as NULL, 0 or nothing, without a fault. */
bool nr_read_map(nr_reader *reader, const nr_place *place);
bool nr_read_list(nr_reader *reader, const nr_place *place);
const char *nr_read_text(nr_reader *reader, const nr_place *place);
/* A code: an empty one is none (S3). */
const char *nr_read_code(nr_reader *reader, const nr_place *place);
/* An integer or a numeric text within the bounds, as NRBAC_LEVEL() (S4). */
int nr_read_level(nr_reader *reader, const nr_place *place, int lowest, int highest);
/* Moments are Unix seconds. 0 stands for "not stated" everywhere, so a moment at
 * or before the epoch reads as 1: long ago, but stated. */
int64_t nr_read_seconds(nr_reader *reader, const nr_place *place); /* a number */
int64_t nr_read_time(nr_reader *reader, const nr_place *place);    /* RFC 3339 */
/* YYYYMMDD or YYYY-MM-DD, at midnight UTC, or a time. */
int64_t nr_read_date(nr_reader *reader, const nr_place *place);

/* Texts that are collected; arena. */
typedef struct nr_texts {
    const char **items;
    size_t count, room;
} nr_texts;

void nr_texts_add(nr_reader *reader, nr_texts *texts, const char *text);
/* Adds the items of a list of texts. */
void nr_read_texts(nr_reader *reader, const nr_place *place, nr_texts *texts);
/* The same for a member of a map. */
void nr_read_texts_of(nr_reader *reader, const nr_place *map, const char *key,
                      nr_texts *texts);

/* What is asked about: the properties of the subject, and its id as the caller
 * stated it (NULL: not stated). */
typedef struct nr_evidence {
    nr_place properties;
    const char *stated_id;
} nr_evidence;

/* The readers of each shape. They find id, mismatched and whatever else the shape
 * shows; the type and the caller's choice are the request's. */
typedef void nr_evidence_read(nr_reader *reader, const nr_evidence *evidence,
                              nrbac_subject *subject);
nr_evidence_read nr_cis2_read;
nr_evidence_read nr_saml_read;
nr_evidence_read nr_nhs_login_read;
nr_evidence_read nr_neutral_read;

/* The person in "uid=240000109896,ou=People,o=nhs", the way directories name
 * one; any other text is the person's id as it stands. */
const char *nr_person_of(nr_reader *reader, const char *text);
/* Whether the caller stated another person than the evidence shows. Evidence
 * that shows none cannot confirm anybody. */
bool nr_person_differs(nr_reader *reader, const char *stated, const char *shown);

#endif
