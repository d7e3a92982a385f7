/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/snapshot.h"

#include "base/time.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* A file written so recently may be written again without its times telling. */
enum { FRESH_SECONDS = 2 };

/* ---- Files ----------------------------------------------------------------------- */

/* A file that is not there has a stamp of zeros. */
static nr_stamp stamp_of(const char *path)
{
    struct stat at;
    if (stat(path, &at) != 0)
        return (nr_stamp){ 0 };
    return (nr_stamp){
        .device = (uint64_t)at.st_dev,
        .inode = (uint64_t)at.st_ino,
        .size = (uint64_t)at.st_size,
        .changed_s = at.st_ctim.tv_sec,
        .changed_ns = at.st_ctim.tv_nsec,
        .written_s = at.st_mtim.tv_sec,
        .written_ns = at.st_mtim.tv_nsec,
    };
}

static bool same_stamp(const nr_stamp *a, const nr_stamp *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->changed_s == b->changed_s && a->changed_ns == b->changed_ns &&
           a->written_s == b->written_s && a->written_ns == b->written_ns;
}

/* The stamp comes first: what changes while it is read is seen the next time. */
static void load(const nr_file *file, nr_loaded *out)
{
    *out = (nr_loaded){ .stamp = stamp_of(file->path) };
    out->fresh = out->stamp.changed_s >= (int64_t)time(NULL) - FRESH_SECONDS;
    out->credentials = nr_credentials_read(file->kind, file->path, file->name,
                                           &out->error);
}

/* ---- Opening ----------------------------------------------------------------------- */

static nr_snapshot *create(nr_settings *settings)
{
    nr_snapshot *snapshot = calloc(1, sizeof(*snapshot));
    nr_loaded *files = calloc(settings->files.count + 1, sizeof(*files));
    if (snapshot == NULL || files == NULL) {
        free(snapshot);
        free(files);
        return NULL;
    }
    atomic_init(&snapshot->refs, 1);
    snapshot->settings = settings;
    snapshot->files = files;
    return snapshot;
}

static void tell_unsound(nr_settings_reading *reading, size_t number,
                         const nr_loaded *loaded)
{
    nr_diag_add(&reading->diags, NR_DIAG_UNUSABLE_FILE, reading->places.items[number],
                "`%.200s` %s", reading->settings->files.items[number].name,
                loaded->error.text);
}

nr_snapshot *nr_snapshot_open(nr_settings_reading *reading)
{
    nr_settings *settings = reading->settings;
    reading->settings = NULL;
    if (settings == NULL)
        return NULL;
    nr_snapshot *snapshot = create(settings);
    if (snapshot == NULL) {
        reading->diags.failed = true;
        nr_settings_unref(settings);
        return NULL;
    }
    reading->settings = settings;
    for (size_t i = 0; i < settings->files.count; i++) {
        load(&settings->files.items[i], &snapshot->files[i]);
        if (snapshot->files[i].credentials == NULL)
            tell_unsound(reading, i, &snapshot->files[i]);
    }
    reading->settings = NULL;
    if (reading->diags.error_count == 0 && !reading->diags.failed)
        return snapshot;
    nr_snapshot_unref(snapshot);
    return NULL;
}

/* ---- Looking again ----------------------------------------------------------------- */

static bool is_due(const nr_file *file, const nr_loaded *loaded)
{
    nr_stamp stamp = stamp_of(file->path);
    return loaded->fresh || !same_stamp(&stamp, &loaded->stamp);
}

/* What was sound stays in force while what is there now is not. */
static void look_at(const nr_file *file, const nr_loaded *before, nr_loaded *out)
{
    *out = *before;
    if (is_due(file, before)) {
        load(file, out);
        if (out->credentials != NULL)
            return;
        out->credentials = before->credentials;
    }
    (void)nr_credentials_ref(out->credentials);
}

nr_snapshot *nr_snapshot_look(const nr_snapshot *snapshot)
{
    nr_settings *settings = snapshot->settings;
    bool due = false;
    for (size_t i = 0; i < settings->files.count && !due; i++)
        due = is_due(&settings->files.items[i], &snapshot->files[i]);
    nr_snapshot *next = due ? create(nr_settings_ref(settings)) : NULL;
    if (next == NULL) {
        if (due)
            nr_settings_unref(settings); /* no memory: another time */
        return NULL;
    }
    for (size_t i = 0; i < settings->files.count; i++)
        look_at(&settings->files.items[i], &snapshot->files[i], &next->files[i]);
    return next;
}

nr_snapshot *nr_snapshot_ref(nr_snapshot *snapshot)
{
    atomic_fetch_add_explicit(&snapshot->refs, 1, memory_order_relaxed);
    return snapshot;
}

void nr_snapshot_unref(nr_snapshot *snapshot)
{
    if (snapshot == NULL ||
        atomic_fetch_sub_explicit(&snapshot->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < snapshot->settings->files.count; i++)
        nr_credentials_unref(snapshot->files[i].credentials);
    nr_settings_unref(snapshot->settings);
    free(snapshot->files);
    free(snapshot);
}

/* ---- Telling ----------------------------------------------------------------------- */

static void tell_file(const nr_file *file, const nr_loaded *loaded,
                      nrbac_document *document, nrbac_value *list)
{
    char moment[NR_TIME_SIZE];
    nr_time_write(loaded->credentials->loaded_at, moment);
    size_t count = loaded->credentials->keys.count +
                   loaded->credentials->certificates.count;
    nrbac_value *map = nrbac_append(document, list, nrbac_new_map(document));
    nrbac_set(document, map, "file", nrbac_new_text(document, file->name));
    nrbac_set(document, map, "loaded_at", nrbac_new_text(document, moment));
    nrbac_set(document, map, "keys", nrbac_new_integer(document, (int64_t)count));
    nrbac_set(document, map, "error",
              loaded->error.text[0] == '\0'
                  ? nrbac_new_null(document)
                  : nrbac_new_text(document, loaded->error.text));
}

typedef struct expiring {
    nrbac_document *document;
    nrbac_value *list;
    int64_t until; /* what ends later is not told */
} expiring;

static void tell_end(expiring *to, const char *name, int64_t ends_at)
{
    char day[NR_DAY_SIZE];
    if (ends_at == 0 || ends_at > to->until)
        return;
    nr_day_write(ends_at, day);
    nrbac_value *map = nrbac_append(to->document, to->list,
                                    nrbac_new_map(to->document));
    nrbac_set(to->document, map, "credential", nrbac_new_text(to->document, name));
    nrbac_set(to->document, map, "ends", nrbac_new_text(to->document, day));
}

static void tell_ends_of_files(const nr_snapshot *snapshot, expiring *to)
{
    for (size_t i = 0; i < snapshot->settings->files.count; i++) {
        const nr_credentials *held = snapshot->files[i].credentials;
        for (size_t k = 0; k < held->keys.count; k++)
            tell_end(to, held->keys.items[k].name, held->keys.items[k].warn_at);
        for (size_t k = 0; k < held->certificates.count; k++)
            tell_end(to, held->certificates.items[k].name,
                     held->certificates.items[k].ends_at);
    }
}

static void tell_ends_of_application(const nr_application *application, expiring *to)
{
    for (size_t k = 0; k < application->api_keys.count; k++)
        tell_end(to, application->api_keys.items[k].name,
                 application->api_keys.items[k].ends_at);
    for (size_t k = 0; k < application->certificates.count; k++)
        tell_end(to, application->certificates.items[k].name,
                 application->certificates.items[k].ends_at);
}

void nr_snapshot_tell(const nr_snapshot *snapshot, int64_t now,
                      nrbac_document *document, nrbac_value *status)
{
    const nr_settings *settings = snapshot->settings;
    nrbac_value *files = nrbac_set(document, status, "files", nrbac_new_list(document));
    for (size_t i = 0; i < settings->files.count; i++)
        tell_file(&settings->files.items[i], &snapshot->files[i], document, files);
    expiring to = { document, NULL, now + settings->warn_seconds };
    to.list = nrbac_set(document, status, "expiring", nrbac_new_list(document));
    tell_ends_of_files(snapshot, &to);
    for (size_t i = 0; i < settings->applications.count; i++)
        tell_ends_of_application(&settings->applications.items[i], &to);
}
