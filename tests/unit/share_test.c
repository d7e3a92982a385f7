/* SPDX-License-Identifier: Apache-2.0 */
/* The status page, sealed memory, and the folder: what is taken and what is refused. */
#define _GNU_SOURCE
#include "check.h"

#include "share/folder.h"
#include "share/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { EVERY_SEAL = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW };

static nr_status some_status(void)
{
    nr_status status = { .generation = 7,
                         .image_size = 4242,
                         .published_at = 1700000000,
                         .beaten_at = nr_boot_ns(),
                         .beaten_wall = (int64_t)time(NULL) };
    status.alive_until = status.beaten_at + 1000000000;
    memset(status.digest, 0xab, sizeof(status.digest));
    return status;
}

/* ---- The page ----------------------------------------------------------------- */

static void a_page_says_what_was_written(void)
{
    nr_status_page *page = calloc(1, sizeof(*page));
    CHECK(nr_status_begin(page));
    CHECK(nr_status_is_page(page, sizeof(*page)));
    nr_status in = some_status();
    nr_status out;
    in.stopped = true;
    nr_status_write(page, &in);
    CHECK(nr_status_read(page, &out, NULL));
    CHECK_INT(out.generation, 7);
    CHECK_INT(out.image_size, 4242);
    CHECK_INT(out.published_at, 1700000000);
    CHECK_INT(out.beaten_at, in.beaten_at);
    CHECK_INT(out.beaten_wall, in.beaten_wall);
    CHECK_INT(out.alive_until, in.alive_until);
    CHECK(out.stopped && memcmp(out.digest, in.digest, sizeof(in.digest)) == 0);
    CHECK_INT(out.revoked, 0);
    atomic_fetch_add(&page->turn, 1);
    CHECK(!nr_status_read(page, &out, NULL)); /* its writer died writing */
    free(page);
}

static void what_is_no_page_is_refused(void)
{
    nr_status_page *page = calloc(2, sizeof(*page));
    CHECK(nr_status_begin(page));
    CHECK(!nr_status_is_page(page, sizeof(*page) - 1));
    CHECK(!nr_status_is_page(page, sizeof(*page) + 1));
    memmove((char *)page + 4, page, 64);
    CHECK(!nr_status_is_page((char *)page + 4, sizeof(*page)));
    CHECK(nr_status_begin(page));
    page->version++;
    CHECK(!nr_status_is_page(page, sizeof(*page)));
    CHECK(nr_status_begin(page));
    page->size--;
    CHECK(!nr_status_is_page(page, sizeof(*page)));
    CHECK(nr_status_begin(page));
    page->magic[0] = 'N';
    CHECK(!nr_status_is_page(page, sizeof(*page)));
    free(page);
}

static bool means(const nr_status_page *page, const nr_revoked *revoked,
                  nrbac_revocation names)
{
    nr_tag tags[NR_STATUS_NAMES];
    uint64_t members = nr_status_tags(page, &names, tags);
    return nr_status_means(revoked, members, tags);
}

static void a_revocation_means_those_whom_it_names(void)
{
    nr_status_page *page = calloc(1, sizeof(*page));
    nr_revocations *since = calloc(1, sizeof(*since));
    nr_status status;
    char longer[1000];
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    CHECK(nr_status_begin(page));
    nr_status_revoke(page, &(nrbac_revocation){ .sub = "a", .role_profile = "1" });
    nr_status_revoke(page, &(nrbac_revocation){ .sid = longer });
    nr_status_revoke(page, &(nrbac_revocation){ 0 });
    CHECK(nr_status_read(page, &status, since));
    CHECK_INT(status.revoked, 3);
    CHECK_INT(since->count, 3);
    CHECK(!since->lost);
    const nr_revoked *both = &since->items[0];
    CHECK(means(page, both, (nrbac_revocation){ "login", "a", "1" }));
    CHECK(!means(page, both, (nrbac_revocation){ "login", "a", "2" }));
    CHECK(!means(page, both, (nrbac_revocation){ "login", "b", "1" }));
    CHECK(!means(page, both, (nrbac_revocation){ "a", "1", "1" }));
    CHECK(!means(page, both, (nrbac_revocation){ .sub = "a" }));
    CHECK(means(page, &since->items[1], (nrbac_revocation){ .sid = longer }));
    longer[500] = 'y';
    CHECK(!means(page, &since->items[1], (nrbac_revocation){ .sid = longer }));
    CHECK(!means(page, &since->items[2], (nrbac_revocation){ "a", "a", "a" }));
    CHECK(!means(page, &since->items[2], (nrbac_revocation){ 0 }));
    since->seen = 2;
    CHECK(nr_status_read(page, &status, since));
    CHECK_INT(since->count, 1);
    free(since);
    free(page);
}

/* Two pages have two keys: what one says of a person the other does not repeat. */
static void a_tag_is_of_its_page_alone(void)
{
    nr_status_page *pages = calloc(2, sizeof(*pages));
    nr_tag tags[2][NR_STATUS_NAMES];
    nrbac_revocation names = { "same", "same", NULL };
    CHECK(nr_status_begin(&pages[0]) && nr_status_begin(&pages[1]));
    CHECK_INT(nr_status_tags(&pages[0], &names, tags[0]), 3);
    CHECK_INT(nr_status_tags(&pages[1], &names, tags[1]), 3);
    CHECK(tags[0][0].high != tags[1][0].high);
    CHECK(tags[0][0].high != tags[0][1].high);
    free(pages);
}

static void too_many_revocations_are_lost_and_not_forgotten(void)
{
    nr_status_page *page = calloc(1, sizeof(*page));
    nr_revocations *since = calloc(1, sizeof(*since));
    nr_status status;
    CHECK(nr_status_begin(page));
    for (int i = 0; i < NR_STATUS_RING; i++)
        nr_status_revoke(page, &(nrbac_revocation){ .sub = "a" });
    CHECK(nr_status_read(page, &status, since));
    CHECK(!since->lost && since->count == NR_STATUS_RING);
    nr_status_revoke(page, &(nrbac_revocation){ .sub = "b" });
    CHECK(nr_status_read(page, &status, since));
    CHECK(since->lost);
    since->seen = 1;
    CHECK(nr_status_read(page, &status, since));
    CHECK(!since->lost && since->count == NR_STATUS_RING);
    CHECK(means(page, &since->items[NR_STATUS_RING - 1],
                (nrbac_revocation){ .sub = "b" }));
    since->seen = 1000000; /* of another page: nothing that it says can be relied on */
    CHECK(nr_status_read(page, &status, since));
    CHECK(since->lost);
    since->seen = NR_STATUS_RING;
    CHECK(nr_status_read(page, &status, since));
    CHECK(!since->lost);
    atomic_fetch_add(&page->ring[0].number, 1); /* what lies there is another one */
    CHECK(nr_status_read(page, &status, since));
    CHECK(since->lost);
    free(since);
    free(page);
}

static void a_deadline_passes(void)
{
    nr_status status = some_status();
    CHECK(!nr_status_is_stale(&status, false) && !nr_status_is_stale(&status, true));
    status.alive_until = status.beaten_at;
    CHECK(nr_status_is_stale(&status, false));
    status.alive_until = 0;
    status.beaten_wall = 0;
    CHECK(!nr_status_is_stale(&status, true)); /* it has none */
    /* A page of before the machine's restart: its clock is ahead of ours. */
    status = some_status();
    status.beaten_at += 3600 * INT64_C(1000000000);
    status.alive_until += 3600 * INT64_C(1000000000);
    CHECK(nr_status_is_stale(&status, false));
    /* Or by chance not, but the wall clock tells. */
    status = some_status();
    status.beaten_wall -= 3600;
    CHECK(!nr_status_is_stale(&status, false) && nr_status_is_stale(&status, true));
}

/* Whatever a page says is read without leaving it. */
static void any_bytes_may_be_read(void)
{
    nr_status_page *page = calloc(1, sizeof(*page));
    nr_revocations *since = calloc(1, sizeof(*since));
    unsigned read = 0;
    srand(20261123);
    for (int round = 0; round < 20000; round++) {
        uint64_t *words = (uint64_t *)(void *)page;
        for (int i = 0; i < 64; i++)
            words[(size_t)rand() % (sizeof(*page) / 8)] = (uint64_t)rand() *
                                                              (uint64_t)rand()
                                                          << (rand() % 40);
        for (size_t i = 8; i < 21; i++)
            words[i] = (uint64_t)rand() << (rand() % 34);
        if (round % 2 == 0)
            words[20] = (uint64_t)(rand() % 2000);
        nr_status status;
        since->seen = round % 4 == 0 ? words[20] - (uint64_t)(rand() % 600)
                                     : (uint64_t)rand();
        if (nr_status_read(page, &status, since)) {
            read++;
            (void)nr_status_is_stale(&status, true);
            CHECK(since->count <= NR_STATUS_RING);
        }
    }
    CHECK(read > 1000);
    free(since);
    free(page);
}

/* ---- Memory --------------------------------------------------------------------- */

static nrbac_status map_image(int fd)
{
    void *image = NULL;
    size_t size = 0;
    nrbac_error error = { "" };
    nrbac_status status = nr_memory_map_image(fd, &image, &size, &error);
    CHECK((status == NRBAC_OK) == (image != NULL));
    CHECK((status == NRBAC_OK) == (error.text[0] == '\0'));
    if (image != NULL)
        (void)munmap(image, size);
    return status;
}

static nrbac_status map_page(int fd)
{
    const nr_status_page *page = NULL;
    nrbac_status status = nr_memory_map_page(fd, &page, NULL);
    CHECK((status == NRBAC_OK) == (page != NULL));
    nr_memory_unmap_page(page);
    return status;
}

static int memory(size_t size, int seals)
{
    int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    CHECK_INT(ftruncate(fd, (off_t)size), 0);
    CHECK_INT(fcntl(fd, F_ADD_SEALS, seals), 0);
    return fd;
}

static void check_seals(int seals, nrbac_status image, nrbac_status page)
{
    int fd = memory(sizeof(nr_status_page), seals);
    CHECK_INT(map_image(fd), image);
    CHECK_INT(map_page(fd), page);
    (void)close(fd);
}

/* Memory that lacks one seal could change or go away under a decision. */
static void memory_that_lacks_a_seal_is_refused(void)
{
    nrbac_status no = NRBAC_E_IMAGE;
    check_seals(EVERY_SEAL | F_SEAL_WRITE, NRBAC_OK, no);
    check_seals(F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE, no, no);
    check_seals(F_SEAL_SEAL | F_SEAL_GROW | F_SEAL_WRITE, no, no);
    check_seals(F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_WRITE, no, no);
    check_seals(EVERY_SEAL, no, no);
    check_seals(EVERY_SEAL | F_SEAL_FUTURE_WRITE, no, no); /* zeros are no page */
    check_seals(0, no, no);
}

static void what_is_no_memory_is_refused(void)
{
    int pipes[2];
    int file = open("/proc/self/exe", O_RDONLY);
    int empty = memory(0, EVERY_SEAL | F_SEAL_WRITE);
    CHECK_INT(pipe(pipes), 0);
    int fds[] = { file, pipes[0], empty, -1 };
    for (size_t i = 0; i < NR_COUNT(fds); i++) {
        CHECK_INT(map_image(fds[i]), NRBAC_E_IMAGE);
        CHECK_INT(map_page(fds[i]), NRBAC_E_IMAGE);
    }
    for (size_t i = 0; i < 3; i++)
        (void)close(fds[i]);
    (void)close(pipes[1]);
}

static void a_page_of_another_size_is_refused(void)
{
    static const size_t sizes[] = { 64, 4096, sizeof(nr_status_page) - 8,
                                    sizeof(nr_status_page) + 4096 };
    nr_status_page *page = calloc(1, sizeof(*page));
    CHECK(nr_status_begin(page));
    for (size_t i = 0; i < NR_COUNT(sizes); i++) {
        int fd = memory(sizes[i], 0);
        size_t put = sizes[i] < sizeof(*page) ? sizes[i] : sizeof(*page);
        CHECK_INT(pwrite(fd, page, put, 0), put);
        CHECK_INT(fcntl(fd, F_ADD_SEALS, EVERY_SEAL | F_SEAL_FUTURE_WRITE), 0);
        CHECK_INT(map_page(fd), NRBAC_E_IMAGE);
        (void)close(fd);
    }
    free(page);
}

/* Its maker writes; whoever else has it cannot, by any door. */
static void a_page_is_written_by_its_maker_alone(void)
{
    int fd = -1;
    nr_status_page *page = nr_memory_make_page(&fd);
    const nr_status_page *seen = NULL;
    nr_status status = some_status();
    CHECK(page != NULL);
    CHECK_INT(nr_memory_map_page(fd, &seen, NULL), NRBAC_OK);
    nr_status_write(page, &status);
    CHECK_INT(atomic_load(&((nr_status_page *)(uintptr_t)seen)->generation), 7);
    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    CHECK_INT(pwrite(fd, "x", 1, 0), -1);
    CHECK_INT(ftruncate(fd, 0), -1);
    CHECK_INT(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
    CHECK_INT(mprotect((void *)(uintptr_t)seen, 4096, PROT_READ | PROT_WRITE), -1);
    nr_memory_unmap_page(seen);
    nr_memory_drop_page(page, fd);
}

static void an_image_is_written_by_nobody(void)
{
    int fd = nr_memory_seal("0123456789abcdef", 16);
    CHECK(fd >= 0);
    CHECK_INT(pwrite(fd, "x", 1, 0), -1);
    CHECK_INT(ftruncate(fd, 0), -1);
    CHECK(mmap(NULL, 16, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    CHECK_INT(map_image(fd), NRBAC_OK);
    (void)close(fd);
}

static int receive_descriptor(int socket)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    char byte;
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof(control) };
    int fd = -1;
    if (recvmsg(socket, &message, 0) == 1 && CMSG_FIRSTHDR(&message) != NULL)
        memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(fd));
    return fd;
}

/* Makes a page, hands it over and waits to be killed. */
static void publish_page(int socket)
{
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = { 0 };
    char byte = 0;
    struct iovec part = { &byte, 1 };
    struct msghdr message = { .msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control,
                              .msg_controllen = sizeof(control) };
    struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
    int fd = -1;
    if (nr_memory_make_page(&fd) == NULL)
        _exit(1);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(rights), &fd, sizeof(fd));
    (void)sendmsg(socket, &message, 0);
    for (;;)
        (void)pause();
}

/* The publisher's end shows on the page, however it ended; not the end of anybody
 * else's descriptor. */
static void a_publisher_is_missed_when_it_ends(void)
{
    int pair[2];
    CHECK_INT(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    pid_t publisher = fork();
    if (publisher == 0)
        publish_page(pair[1]);
    int fd = receive_descriptor(pair[0]);
    CHECK(fd >= 0 && nr_memory_has_publisher(fd));
    (void)close(dup(fd));
    CHECK(nr_memory_has_publisher(fd));
    CHECK_INT(kill(publisher, SIGKILL), 0);
    CHECK_INT(waitpid(publisher, NULL, 0), publisher);
    CHECK(!nr_memory_has_publisher(fd));
    CHECK_INT(map_page(fd), NRBAC_OK); /* and the page stays */
    (void)close(fd);
    (void)close(pair[0]);
    (void)close(pair[1]);
}

/* ---- The folder --------------------------------------------------------------------- */

static void a_folder_is_read_when_it_has_changed(void)
{
    char path[] = "/tmp/nrbac-folder-XXXXXX";
    nr_status_page *page = calloc(2, sizeof(*page));
    nr_file_mark mark = { 0 };
    nr_folder folder;
    nr_folder second;
    nrbac_error error = { "" };
    void *image = NULL;
    size_t size = 0;
    CHECK(mkdtemp(path) != NULL && nr_status_begin(page));
    CHECK_INT(nr_folder_read_status(path, &mark, &page[1], &error), NRBAC_E_IO);
    CHECK(strstr(error.text, "/status: No such file") != NULL);
    CHECK(nr_folder_open(&folder, path));
    CHECK(!nr_folder_open(&second, path) && errno == EWOULDBLOCK);
    CHECK(nr_folder_put_image(&folder, "image", 5));
    CHECK(nr_folder_put_status(&folder, page));
    CHECK_INT(nr_folder_read_status(path, &mark, &page[1], NULL), NRBAC_OK);
    CHECK(memcmp(&page[0], &page[1], sizeof(*page)) == 0);
    CHECK_INT(nr_folder_read_status(path, &mark, &page[1], NULL), NRBAC_E_TIMEOUT);
    CHECK(nr_folder_put_status(&folder, page));
    CHECK_INT(nr_folder_read_status(path, &mark, &page[1], NULL), NRBAC_OK);
    CHECK_INT(nr_folder_read_image(path, &image, &size, NULL), NRBAC_OK);
    CHECK(size == 5 && memcmp(image, "image", 5) == 0);
    CHECK(nr_folder_put_image(&folder, "", 0)); /* what was read is a copy */
    CHECK(memcmp(image, "image", 5) == 0);
    (void)munmap(image, size);
    CHECK_INT(nr_folder_read_image(path, &image, &size, &error), NRBAC_E_IMAGE);
    nr_folder_close(&folder);
    CHECK(!nr_folder_read_before(path, &page[1]));
    CHECK(nr_folder_open(&second, path)); /* the first one's end frees it */
    CHECK(nr_folder_read_before(path, &page[1]));
    CHECK(memcmp(&page[1], page, sizeof(*page)) == 0);
    nr_folder_close(&second);
    char command[64];
    (void)snprintf(command, sizeof(command), "rm -r %s", path);
    CHECK_INT(system(command), 0);
    free(page);
}

int main(void)
{
    a_page_says_what_was_written();
    what_is_no_page_is_refused();
    a_revocation_means_those_whom_it_names();
    a_tag_is_of_its_page_alone();
    too_many_revocations_are_lost_and_not_forgotten();
    a_deadline_passes();
    any_bytes_may_be_read();
    memory_that_lacks_a_seal_is_refused();
    what_is_no_memory_is_refused();
    a_page_of_another_size_is_refused();
    a_page_is_written_by_its_maker_alone();
    an_image_is_written_by_nobody();
    a_publisher_is_missed_when_it_ends();
    a_folder_is_read_when_it_has_changed();
    return check_report();
}
