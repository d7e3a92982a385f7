/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "api/follow.h"

#include "api/scribe.h"
#include "share/fetch.h"
#include "share/folder.h"
#include "share/memory.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NS_PER_MS INT64_C(1000000)

enum {
    OPEN_MS = 5000, /* the longest that opening takes */
    POLL_MS = 20,   /* the longest that a poll waits for the daemon */
    RETRY_MS = 100, /* after a failure */
    SETTLE_MS = 10, /* until what is being replaced is in its place */
};

struct nr_follow {
    pthread_mutex_t lock;       /* one thread polls at a time; guards all of this */
    bool folder;                /* files of a folder, else memory by a socket */
    nr_fetch fetch;             /* of a socket */
    const nr_status_page *page; /* of a socket: mapped; of a folder: `copy` */
    int page_fd;                /* of a socket */
    nr_status_page copy;
    nr_status_page next;  /* of a folder: what was found there now */
    nr_file_mark mark;    /* of the file that `copy` is of */
    nr_status status;     /* as read last */
    nr_revocations since; /* those that came since */
    uint64_t generation;  /* of the page, in force here; 0: of another page */
    int64_t behind_since; /* when the page went ahead of it, ns; 0: it has not */
    int64_t retry_at;     /* ns; not before then */
    bool stale;           /* what the engine was told last */
    char path[];
};

static nr_follow *follow_make(const char *path, bool folder)
{
    nr_follow *follow = calloc(1, sizeof(*follow) + strlen(path) + 1);
    if (follow == NULL)
        return NULL;
    memcpy(follow->path, path, strlen(path) + 1);
    pthread_mutex_init(&follow->lock, NULL);
    follow->folder = folder;
    follow->fetch = NR_FETCH_NONE;
    follow->page_fd = -1;
    return follow;
}

void nr_follow_destroy(nr_follow *follow)
{
    if (follow == NULL)
        return;
    nr_fetch_drop(&follow->fetch);
    if (!follow->folder)
        nr_memory_unmap_page(follow->page);
    if (follow->page_fd >= 0)
        (void)close(follow->page_fd);
    pthread_mutex_destroy(&follow->lock);
    free(follow);
}

/* ---- What the page says -------------------------------------------------------- */

static bool is_meant(const void *context, const nrbac_revocation *names)
{
    const nr_follow *follow = context;
    nr_tag tags[NR_STATUS_NAMES];
    if (follow->since.lost)
        return true;
    uint64_t members = nr_status_tags(follow->page, names, tags);
    for (size_t i = 0; i < follow->since.count; i++)
        if (nr_status_means(&follow->since.items[i], members, tags))
            return true;
    return false;
}

static void end_revoked(nrbac_engine *engine, nr_follow *follow)
{
    if (follow->since.count != 0 || follow->since.lost) {
        pthread_mutex_lock(&engine->lock);
        (void)nr_engine_end(engine, is_meant, follow);
        pthread_mutex_unlock(&engine->lock);
    }
    follow->since.seen = follow->status.revoked;
}

static bool is_same_page(const nr_status_page *a, const nr_status_page *b)
{
    return memcmp(a->key, b->key, sizeof(a->key)) == 0;
}

/* What the daemon of this page said at last of sessions; its successor keeps that. Who
 * has missed more than one daemon cannot know whom they revoked, and ends all. */
static void end_with_last_words(nrbac_engine *engine, nr_follow *follow)
{
    uint8_t key[NR_STATUS_KEY_SIZE];
    memcpy(key, follow->copy.key, sizeof(key));
    if (!nr_folder_read_before(follow->path, &follow->copy) ||
        memcmp(key, follow->copy.key, sizeof(key)) != 0 ||
        !nr_status_read(&follow->copy, &follow->status, &follow->since))
        follow->since.lost = true;
    end_revoked(engine, follow);
}

/* A folder's page is read again when its file is another one. That of another
 * daemon counts its generations and revocations anew. */
static nrbac_status read_folder(nrbac_engine *engine, nr_follow *follow,
                                nrbac_error *error)
{
    NR_TRY(nr_folder_read_status(follow->path, &follow->mark, &follow->next, error));
    if (follow->page != NULL && !is_same_page(&follow->copy, &follow->next)) {
        end_with_last_words(engine, follow);
        follow->since.seen = 0;
        follow->generation = 0;
    }
    memcpy(&follow->copy, &follow->next, sizeof(follow->copy));
    follow->page = &follow->copy;
    return NRBAC_OK;
}

/* Reads the page; what cannot be read now stays as it was, deadline and all. Of a
 * folder, what is wrong with it; NRBAC_E_TIMEOUT: nothing has changed. */
static nrbac_status look(nrbac_engine *engine, nr_follow *follow, nrbac_error *error)
{
    nr_status status;
    if (follow->folder)
        NR_TRY(read_folder(engine, follow, error));
    if (follow->page == NULL || !nr_status_read(follow->page, &status, &follow->since))
        return NRBAC_E_TIMEOUT;
    follow->status = status;
    end_revoked(engine, follow);
    return NRBAC_OK;
}

/* Nobody can be kept on an old policy for longer than on one that nobody vouches
 * for, whatever prevents the new one from being taken. */
static bool is_too_far_behind(nr_follow *follow)
{
    const nr_status *status = &follow->status;
    int64_t now = nr_boot_ns();
    if (follow->generation == status->generation)
        follow->behind_since = 0;
    else if (follow->behind_since == 0)
        follow->behind_since = now;
    uint64_t life = (uint64_t)status->alive_until - (uint64_t)status->beaten_at;
    return follow->behind_since != 0 && status->alive_until != 0 &&
           (uint64_t)(now - follow->behind_since) > life;
}

/* Stops everything, or lets it go on, as the page says by now. What was stopped may
 * have been so for the sake of its policy: it goes on under the one that the page names. */
static void judge(nrbac_engine *engine, nr_follow *follow)
{
    bool behind = follow->generation != follow->status.generation;
    bool stale = follow->status.stopped || is_too_far_behind(follow) ||
                 nr_status_is_stale(&follow->status, follow->folder) ||
                 (behind && follow->stale);
    if (stale != follow->stale)
        nr_engine_set_stale(engine, stale);
    follow->stale = stale;
}

/* ---- Taking an image --------------------------------------------------------------- */

typedef struct mapped {
    void *bytes;
    size_t size;
} mapped;

static bool is_of(const nr_status *status, mapped image)
{
    const nr_image_header *header = image.bytes;
    return image.size >= sizeof(*header) && image.size == status->image_size &&
           memcmp(header->digest, status->digest, NR_SHA256_SIZE) == 0;
}

/* Takes the image over, which is the one that the status speaks of. */
static nrbac_status publish(nrbac_engine *engine, nr_follow *follow, mapped image,
                            const nr_status *status, nrbac_error *error)
{
    nr_policy *policy = calloc(1, sizeof(*policy));
    if (policy == NULL) {
        (void)munmap(image.bytes, image.size);
        return NRBAC_E_MEMORY;
    }
    policy->image = image.bytes;
    policy->size = image.size;
    policy->mapped = true;
    policy->generation = (uint32_t)status->generation;
    NR_TRY(nr_engine_publish(engine, policy, error));
    follow->generation = status->generation;
    return NRBAC_OK;
}

/* The image, and the status of the page if it speaks of this image.
 * NRBAC_E_TIMEOUT: another one has just been published. */
static nrbac_status map_image(int fd, const nr_status_page *page, nr_status *status,
                              mapped *image, nrbac_error *error)
{
    NR_TRY(nr_memory_map_image(fd, &image->bytes, &image->size, error));
    if (nr_status_read(page, status, NULL) && is_of(status, *image))
        return NRBAC_OK;
    (void)munmap(image->bytes, image->size);
    return NRBAC_E_TIMEOUT;
}

/* From here on the page that came is looked at. What the last one said until now
 * about sessions still counts. */
static void change_page(nrbac_engine *engine, nr_follow *follow,
                        const nr_status_page *page, nr_status status)
{
    if (follow->page != NULL && is_same_page(follow->page, page)) {
        nr_memory_unmap_page(page);
    } else {
        (void)look(engine, follow, NULL);
        nr_memory_unmap_page(follow->page);
        if (follow->page_fd >= 0)
            (void)close(follow->page_fd);
        follow->page = page;
        follow->page_fd = follow->fetch.page;
        follow->fetch.page = -1;
        follow->since.seen = 0;
        if (engine->scribe != NULL)
            nr_scribe_retry(engine->scribe);
    }
    follow->status = status;
    (void)look(engine, follow, NULL);
}

static nrbac_status take_fetched(nrbac_engine *engine, nr_follow *follow,
                                 nrbac_error *error)
{
    const nr_status_page *page = NULL;
    nr_status status;
    mapped image = { 0 };
    NR_TRY(nr_memory_map_page(follow->fetch.page, &page, error));
    nrbac_status taken = map_image(follow->fetch.image, page, &status, &image, error);
    if (taken == NRBAC_OK)
        taken = publish(engine, follow, image, &status, error);
    if (taken == NRBAC_OK)
        change_page(engine, follow, page, status);
    else
        nr_memory_unmap_page(page);
    return taken;
}

static nrbac_status take_from_folder(nrbac_engine *engine, nr_follow *follow,
                                     nrbac_error *error)
{
    mapped image = { 0 };
    NR_TRY(nr_folder_read_image(follow->path, &image.bytes, &image.size, error));
    if (is_of(&follow->status, image))
        return publish(engine, follow, image, &follow->status, error);
    (void)munmap(image.bytes, image.size);
    return NRBAC_E_TIMEOUT;
}

/* NRBAC_E_TIMEOUT: not yet. */
static nrbac_status take(nrbac_engine *engine, nr_follow *follow, int wait_ms,
                         nrbac_error *error)
{
    if (follow->folder)
        return take_from_folder(engine, follow, error);
    NR_TRY(nr_fetch_step(&follow->fetch, follow->path, wait_ms, error));
    nrbac_status status = take_fetched(engine, follow, error);
    nr_fetch_drop(&follow->fetch);
    return status;
}

/* ---- Following ------------------------------------------------------------------------ */

/* There is a new policy, or the daemon of this page has ended and may have a
 * successor. */
static bool wants_image(const nr_follow *follow)
{
    if (follow->generation != follow->status.generation)
        return true;
    return !follow->folder && !nr_memory_has_publisher(follow->page_fd);
}

static void follow_once(nrbac_engine *engine, nr_follow *follow)
{
    if (engine->scribe != NULL)
        nr_scribe_poll(engine->scribe, follow->path);
    (void)look(engine, follow, NULL);
    judge(engine, follow);
    if (!wants_image(follow) || nr_boot_ns() < follow->retry_at)
        return;
    nrbac_status status = take(engine, follow, POLL_MS, NULL);
    if (status != NRBAC_OK && status != NRBAC_E_TIMEOUT)
        follow->retry_at = nr_boot_ns() + RETRY_MS * NS_PER_MS;
    judge(engine, follow);
}

void nr_follow_poll(nrbac_engine *engine)
{
    nr_follow *follow = atomic_load_explicit(&engine->follow, memory_order_acquire);
    if (follow == NULL || pthread_mutex_trylock(&follow->lock) != 0)
        return;
    follow_once(engine, follow);
    pthread_mutex_unlock(&follow->lock);
}

/* ---- Opening --------------------------------------------------------------------------- */

/* A folder is read until both of its files speak of one policy, a socket is asked
 * until it answers. */
static nrbac_status take_first(nrbac_engine *engine, nr_follow *follow,
                               nrbac_error *error)
{
    int64_t deadline = nr_boot_ns() + OPEN_MS * NS_PER_MS;
    nrbac_status status = NRBAC_E_TIMEOUT;
    while (status == NRBAC_E_TIMEOUT && nr_boot_ns() < deadline) {
        if (follow->folder)
            status = look(engine, follow, error);
        if (status == NRBAC_OK || status == NRBAC_E_TIMEOUT)
            status = take(engine, follow, POLL_MS, error);
        if (status == NRBAC_E_TIMEOUT)
            (void)poll(NULL, 0, SETTLE_MS);
    }
    return status;
}

/* Without a thread to watch nothing would ever be stale. */
static bool is_watched(nrbac_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    bool watched = nr_engine_start_watcher(engine);
    pthread_mutex_unlock(&engine->lock);
    return watched;
}

static nrbac_status fail(nrbac_error *error, nrbac_status status, const char *why)
{
    if (error != NULL && error->text[0] == '\0')
        (void)snprintf(error->text, sizeof(error->text), "%s", why);
    return status;
}

/* The watcher may be in the middle of a longer sleep than it takes from now on. */
static void wake_watcher(nrbac_engine *engine)
{
    pthread_mutex_lock(&engine->lock);
    pthread_cond_signal(&engine->wake);
    pthread_mutex_unlock(&engine->lock);
}

static nrbac_status begin(nrbac_engine *engine, nr_follow *follow, nrbac_error *error)
{
    nrbac_status status = NRBAC_OK;
    if (engine->scribe != NULL)
        status = nr_scribe_open(engine->scribe, follow->path, error);
    if (status == NRBAC_OK)
        status = take_first(engine, follow, error);
    if (status != NRBAC_OK && engine->scribe != NULL)
        nr_scribe_close(engine->scribe);
    if (status != NRBAC_OK)
        return fail(error, status, nrbac_status_text(status));
    judge(engine, follow);
    nr_follow *none = NULL;
    if (!atomic_compare_exchange_strong(&engine->follow, &none, follow))
        return fail(error, NRBAC_E_ARGUMENT, "this engine follows a daemon already");
    wake_watcher(engine);
    return NRBAC_OK;
}

static nrbac_status follow_from(nrbac_engine *engine, const char *path, bool folder,
                                nrbac_error *error)
{
    if (error != NULL)
        error->text[0] = '\0';
    if (atomic_load_explicit(&engine->follow, memory_order_acquire) != NULL)
        return fail(error, NRBAC_E_ARGUMENT, "this engine follows a daemon already");
    if (folder && engine->scribe != NULL)
        return fail(error, NRBAC_E_ARGUMENT,
                    "a folder takes no records: open the daemon's table with shm:");
    nr_follow *follow = follow_make(path, folder);
    if (follow == NULL || !is_watched(engine)) {
        nr_follow_destroy(follow);
        return fail(error, NRBAC_E_MEMORY, nrbac_status_text(NRBAC_E_MEMORY));
    }
    nrbac_status status = begin(engine, follow, error);
    if (status != NRBAC_OK)
        nr_follow_destroy(follow);
    return status;
}

static bool is_folder(const char *path)
{
    struct stat about;
    return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

nrbac_status nrbac_engine_open(nrbac_engine *engine, const char *source,
                               nrbac_error *error)
{
    if (strncmp(source, "shm:", 4) == 0)
        return follow_from(engine, source + 4, false, error);
    const char *path = strncmp(source, "file:", 5) == 0 ? source + 5 : source;
    if (path != source && is_folder(path))
        return follow_from(engine, path, true, error);
    return nrbac_engine_load(engine, path, error);
}
