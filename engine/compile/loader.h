/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of load share: the folders of a policy, and what has been
 * declared so far.
 *
 * Loading has two halves. First every folder is read, beginning with the one
 * given and following `extends`; then the folders are taken into the model, an
 * extended one before those that extend it, each once.
 */
#ifndef NR_LOADER_H
#define NR_LOADER_H

#include "base/names.h"
#include "compile/compile.h"
#include "text/yaml.h"

enum {
    NR_FOLDER_MAX = 64,       /* a policy and what it extends */
    NR_FILE_MAX = 4096,       /* of all folders */
    NR_FOLDER_DEPTH_MAX = 32, /* folders within folders */
    NR_POLICY_SIZE_MAX = 64 << 20,
};

typedef struct nr_file {
    nr_source *source;
    const nr_node *root; /* NULL: there was a diagnostic */
} nr_file;

/* An entry of `extends`. */
typedef struct nr_extend {
    size_t folder; /* the extended one's index */
    nr_span at;
    const char *text;
} nr_extend;

typedef enum nr_folder_state {
    NR_FOLDER_READ = 0,
    NR_FOLDER_OPEN, /* its extended folders are being taken */
    NR_FOLDER_TAKEN,
} nr_folder_state;

typedef struct nr_folder {
    const char *path;      /* how it is reached from here */
    const char *origin;    /* from the root folder; "" is the root folder itself */
    const char *real;      /* without links and dots */
    nr_source *source;     /* stands for the folder in diagnostics */
    const nr_node *policy; /* the section; NULL: none was found */
    nr_folder_state state;
    bool unread; /* something in it could not be read; there was a diagnostic */
    struct {
        nr_file *items;
        size_t count, room;
    } files;
    struct {
        nr_extend *items;
        size_t count, room;
    } extends;
} nr_folder;

/* Names of one kind, and where each was declared. */
typedef struct nr_declared {
    const char *what; /* "activity", ... */
    nr_names names;
    struct {
        nr_span *items;
        size_t count, room;
    } places;
} nr_declared;

typedef struct nr_loader {
    nr_model *model;
    nr_diags *diags;
    nr_arena *arena;
    const char *policy_root; /* real; NULL: no bound */
    struct {
        nr_folder **items;
        size_t count, room;
    } folders;
    struct {
        size_t *items; /* by a source's index: the folder that it belongs to */
        size_t count, room;
    } owners;
    size_t size;   /* of all files read */
    size_t folder; /* being taken */
    bool national; /* so it is an extended one */
    nr_declared activities, roles, areas, functions, obligations, exclusives, settings;
    nr_declared apis, applications;
    size_t operations; /* of all APIs */
} nr_loader;

/* load_files.c: finds and reads the files of a folder. */
nrbac_status nr_loader_read_folder(nr_loader *loader, nr_folder *folder);
/* A source that stands for something that is not read. NULL: out of memory. */
nr_source *nr_loader_stand_in(nr_loader *loader, const char *path, const char *origin);

/* load_extends.c: adds a folder, or finds it; false after a diagnostic at the
 * entry, or out of memory. */
bool nr_loader_add_root(nr_loader *loader, const char *path);
bool nr_loader_extend(nr_loader *loader, nr_folder *folder, const nr_node *entry);

/* load_mentions.c */
/* Declares a name; false after a diagnostic: it is there already. */
bool nr_loader_declare(nr_loader *loader, nr_declared *declared, const char *name,
                       nr_span at);
/* Whether one more fits; a diagnostic when it is the first that does not. */
bool nr_loader_has_room(nr_loader *loader, size_t count, size_t limit, nr_span at,
                        const char *what);
/* "CODE Name of it" in a scalar; false after a diagnostic. */
bool nr_loader_take_mention(nr_loader *loader, const nr_node *node, const char *what,
                            nr_mention *out);
/* A list of them. Absent (NULL) is fine. */
void nr_loader_take_mentions(nr_loader *loader, const nr_node *node, const char *what,
                             nr_mentions *out);
/* The same where an empty list would mean something else than it seems to. */
void nr_loader_take_some(nr_loader *loader, const nr_node *node, const char *what,
                         nr_mentions *out);
/* An optional text; NULL if absent, or after a diagnostic. */
const char *nr_loader_take_text(nr_loader *loader, const nr_node *node,
                                const char *what);

/* load_codes.c, load_rules.c, load_functions.c, load_apis.c: the sections. */
void nr_loader_take_activities(nr_loader *loader, const nr_node *section);
void nr_loader_take_roles(nr_loader *loader, const nr_node *section);
void nr_loader_take_areas(nr_loader *loader, const nr_node *section);
void nr_loader_take_baseline(nr_loader *loader, const nr_node *section);
void nr_loader_take_obligations(nr_loader *loader, const nr_node *section);
void nr_loader_take_exclusive(nr_loader *loader, const nr_node *section);
void nr_loader_take_suspend(nr_loader *loader, const nr_node *section);
void nr_loader_take_settings(nr_loader *loader, const nr_node *section);
void nr_loader_take_functions(nr_loader *loader, const nr_node *section);
void nr_loader_take_apis(nr_loader *loader, const nr_node *section);
void nr_loader_take_applications(nr_loader *loader, const nr_node *section);
/* load_requirement.c: NULL after a diagnostic. */
nr_requirement *nr_loader_take_requirement(nr_loader *loader, const nr_node *node);

#endif
