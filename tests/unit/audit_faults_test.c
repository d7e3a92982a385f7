/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A trail on a disk that fails: at its first write, at its second, and so on until no
 * more are made, in each way in which a disk fails. It fails until the trail has said
 * so. Whatever happens, no record is lost, none is there twice, and what was committed
 * with SYNC is on the disk, also if the power had been cut at that moment.
 *
 * The disk is a file system of SQLite's between the trail and the real one. Beside each
 * file it keeps what would be left of it by a power cut: what was synced. A sync that
 * fails loses what it was to write, and the next one knows nothing of it: so do systems.
 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "audit_kit.h"
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- The disk ---------------------------------------------------------------------------- */

typedef enum doing {
    READING,
    WRITING,
    SYNCING,
    CUTTING, /* files shorter */
    SHARING, /* memory with readers */
    LOCKING,
    DOINGS
} doing;

typedef struct fault {
    const char *what;
    doing doing;
    int code;
    int number; /* errno */
    nr_trail_status status;
} fault;

static const fault faults[] = {
    { "no space", WRITING, SQLITE_FULL, ENOSPC, NR_TRAIL_FULL },
    { "no quota", WRITING, SQLITE_IOERR_WRITE, EDQUOT, NR_TRAIL_FULL },
    { "read-only", WRITING, SQLITE_IOERR_WRITE, EROFS, NR_TRAIL_READ_ONLY },
    { "no write", WRITING, SQLITE_IOERR_WRITE, EIO, NR_TRAIL_IO },
    { "no sync", SYNCING, SQLITE_IOERR_FSYNC, EIO, NR_TRAIL_IO },
    { "no space at sync", SYNCING, SQLITE_IOERR_FSYNC, ENOSPC, NR_TRAIL_FULL },
    { "no read", READING, SQLITE_IOERR_READ, EIO, NR_TRAIL_IO },
    { "no cut", CUTTING, SQLITE_IOERR_TRUNCATE, EIO, NR_TRAIL_IO },
    { "no shared memory", SHARING, SQLITE_IOERR_SHMSIZE, ENOSPC, NR_TRAIL_FULL },
    { "locked", LOCKING, SQLITE_BUSY, 0, NR_TRAIL_LOCKED },
};

static struct disk {
    sqlite3_vfs *real;
    const fault *fault; /* NULL: it is well */
    long left;          /* operations until it fails */
    bool failed;        /* it did */
    const kit *kit;
} disk;

typedef struct piece {
    sqlite3_int64 at;
    int size;
} piece;

enum { PIECES_MAX = 4096 };

typedef struct file {
    sqlite3_file base;
    char name[128];            /* last part; "" for files without one */
    piece written[PIECES_MAX]; /* since the last sync */
    size_t written_count;
    sqlite3_file real;
} file;

/* Real files are larger than their type says, and follow. */
static sqlite3_file *real_of(sqlite3_file *of)
{
    return &((file *)of)->real;
}

static bool fails(doing what)
{
    if (disk.fault == NULL || disk.fault->doing != what || disk.left-- > 0)
        return false;
    errno = disk.fault->number;
    disk.left = 0; /* and it goes on failing */
    disk.failed = true;
    return true;
}

static void synced_name(const char *name, char *out, size_t size)
{
    (void)snprintf(out, size, "%s/synced-%s", disk.kit->folder, name);
}

/* What was written since the last sync reaches the disk now. */
static void remember(file *of)
{
    char name[256], bytes[4096];
    sqlite3_int64 size = 0;
    if (of->name[0] == 0)
        return;
    synced_name(of->name, name, sizeof(name));
    int copy = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    CHECK(copy >= 0 && of->real.pMethods->xFileSize(&of->real, &size) == SQLITE_OK);
    for (size_t i = 0; i < of->written_count; i++) {
        const piece *one = &of->written[i];
        for (sqlite3_int64 at = one->at, end = at + one->size; at < end && at < size;) {
            sqlite3_int64 left = (end < size ? end : size) - at;
            int part = left > (int)sizeof(bytes) ? (int)sizeof(bytes) : (int)left;
            CHECK_INT(of->real.pMethods->xRead(&of->real, bytes, part, at), SQLITE_OK);
            CHECK_INT(pwrite(copy, bytes, (size_t)part, at), part);
            at += part;
        }
    }
    CHECK(ftruncate(copy, size) == 0 && close(copy) == 0);
    of->written_count = 0;
}

static int disk_close(sqlite3_file *of)
{
    return real_of(of)->pMethods->xClose(real_of(of));
}

static int disk_read(sqlite3_file *of, void *bytes, int size, sqlite3_int64 at)
{
    return fails(READING) ? disk.fault->code
                          : real_of(of)->pMethods->xRead(real_of(of), bytes, size, at);
}

/* Half of it is written all the same. */
static int disk_write(sqlite3_file *of, const void *bytes, int size, sqlite3_int64 at)
{
    file *into = (file *)of;
    bool failed = fails(WRITING);
    CHECK(into->written_count < PIECES_MAX);
    if (into->written_count < PIECES_MAX)
        into->written[into->written_count++] = (piece){ at, failed ? size / 2 : size };
    int code = real_of(of)->pMethods->xWrite(real_of(of), bytes,
                                             failed ? size / 2 : size, at);
    return failed ? disk.fault->code : code;
}

static int disk_truncate(sqlite3_file *of, sqlite3_int64 size)
{
    return fails(CUTTING) ? disk.fault->code
                          : real_of(of)->pMethods->xTruncate(real_of(of), size);
}

static int disk_sync(sqlite3_file *of, int flags)
{
    (void)flags; /* nothing here survives a real power cut */
    if (!fails(SYNCING)) {
        remember((file *)of);
        return SQLITE_OK;
    }
    ((file *)of)->written_count = 0;
    return disk.fault->code;
}

static int disk_size(sqlite3_file *of, sqlite3_int64 *size)
{
    return real_of(of)->pMethods->xFileSize(real_of(of), size);
}

static int disk_lock(sqlite3_file *of, int level)
{
    return real_of(of)->pMethods->xLock(real_of(of), level);
}

static int disk_unlock(sqlite3_file *of, int level)
{
    return real_of(of)->pMethods->xUnlock(real_of(of), level);
}

static int disk_reserved(sqlite3_file *of, int *out)
{
    return real_of(of)->pMethods->xCheckReservedLock(real_of(of), out);
}

static int disk_control(sqlite3_file *of, int what, void *argument)
{
    return real_of(of)->pMethods->xFileControl(real_of(of), what, argument);
}

static int disk_sector(sqlite3_file *of)
{
    return real_of(of)->pMethods->xSectorSize(real_of(of));
}

/* It promises nothing beyond a sync. */
static int disk_promises(sqlite3_file *of)
{
    (void)of;
    return 0;
}

static int disk_map(sqlite3_file *of, int page, int size, int extend,
                    void volatile **out)
{
    return fails(SHARING)
               ? disk.fault->code
               : real_of(of)->pMethods->xShmMap(real_of(of), page, size, extend, out);
}

static int disk_shared_lock(sqlite3_file *of, int offset, int count, int flags)
{
    bool taking = (flags & SQLITE_SHM_LOCK) != 0 && (flags & SQLITE_SHM_EXCLUSIVE) != 0;
    return taking && fails(LOCKING)
               ? disk.fault->code
               : real_of(of)->pMethods->xShmLock(real_of(of), offset, count, flags);
}

static void disk_barrier(sqlite3_file *of)
{
    real_of(of)->pMethods->xShmBarrier(real_of(of));
}

static int disk_unmap(sqlite3_file *of, int remove)
{
    return real_of(of)->pMethods->xShmUnmap(real_of(of), remove);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = disk_close,
    .xRead = disk_read,
    .xWrite = disk_write,
    .xTruncate = disk_truncate,
    .xSync = disk_sync,
    .xFileSize = disk_size,
    .xLock = disk_lock,
    .xUnlock = disk_unlock,
    .xCheckReservedLock = disk_reserved,
    .xFileControl = disk_control,
    .xSectorSize = disk_sector,
    .xDeviceCharacteristics = disk_promises,
    .xShmMap = disk_map,
    .xShmLock = disk_shared_lock,
    .xShmBarrier = disk_barrier,
    .xShmUnmap = disk_unmap,
};

static int disk_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *of, int flags,
                     int *out)
{
    (void)vfs;
    file *made = (file *)of;
    const char *slash = path == NULL ? NULL : strrchr(path, '/');
    memset(made, 0, sizeof(*made));
    (void)snprintf(made->name, sizeof(made->name), "%s",
                   slash == NULL ? "" : slash + 1);
    int code = disk.real->xOpen(disk.real, path, &made->real, flags, out);
    made->base.pMethods = made->real.pMethods == NULL ? NULL : &methods;
    return code;
}

static int disk_errno(sqlite3_vfs *vfs, int size, char *text)
{
    (void)vfs;
    if (size > 0)
        *text = 0;
    return disk.fault == NULL ? 0 : disk.fault->number;
}

/* Nobody needs to wait for a lock here. */
static int disk_sleep(sqlite3_vfs *vfs, int us)
{
    (void)vfs;
    return us;
}

static void make_disk(void)
{
    static sqlite3_vfs made;
    disk.real = sqlite3_vfs_find(NULL);
    made = *disk.real;
    made.zName = "failing";
    made.szOsFile = (int)sizeof(file) + disk.real->szOsFile;
    made.xOpen = disk_open;
    made.xGetLastError = disk_errno;
    made.xSleep = disk_sleep;
    CHECK_INT(sqlite3_vfs_register(&made, 0), SQLITE_OK);
}

static void mend(void)
{
    disk.fault = NULL;
}

/* ---- The work ------------------------------------------------------------------------------ */

enum { BATCHES = 9, EACH = 5, RECORDS = BATCHES * EACH };

static void copy_file(const char *from, const char *to)
{
    FILE *source = fopen(from, "rb"), *copy = fopen(to, "wb");
    for (int byte; source != NULL && (byte = fgetc(source)) != EOF;)
        (void)fputc(byte, copy);
    if (source != NULL)
        (void)fclose(source);
    CHECK(copy != NULL && fclose(copy) == 0);
}

/* As after a power cut now: how many of the trail's records are there. */
static long long count_after_cut(const kit *k)
{
    static const char *const suffixes[] = { "", "-wal" };
    kit cut = *k;
    for (size_t i = 0; i < NR_COUNT(suffixes); i++) {
        char name[32], from[256];
        (void)snprintf(name, sizeof(name), "trail%s", suffixes[i]);
        synced_name(name, from, sizeof(from));
        (void)snprintf(cut.path, sizeof(cut.path), "%s/cut%s", k->folder, suffixes[i]);
        copy_file(from, cut.path);
    }
    (void)snprintf(cut.path, sizeof(cut.path), "%s/cut", k->folder);
    return kit_count(&cut);
}

static void must_be(nr_trail_status status, const fault *one, const char *where)
{
    if (status == NR_TRAIL_OK)
        return;
    mend();
    if (status == one->status)
        return;
    printf("%s, %s: %s\n", one->what, where, nr_trail_status_slug(status));
    CHECK(false);
}

static nr_trail *open_at_last(kit *k, const fault *one)
{
    nr_trail_options options = kit_options(k);
    options.vfs = "failing";
    for (int tries = 0; tries < 3; tries++) {
        nr_trail *trail = NULL;
        nr_trail_status status = nr_trail_open(&options, &trail, NULL);
        must_be(status, one, "opening");
        if (status == NR_TRAIL_OK)
            return trail;
    }
    CHECK(false);
    return NULL;
}

/* Writes a batch until it is written. Between tries the disk is mended, and a while
 * passes. */
static void write_at_last(kit *k, nr_trail *trail, const fault *one, uint64_t from,
                          nr_durability durability)
{
    for (int tries = 0; tries < 4; tries++) {
        nr_trail_state state;
        nr_trail_status status = kit_write(k, trail, from, EACH, durability);
        nr_trail_look(trail, &state);
        must_be(status, one, "writing");
        if (status == NR_TRAIL_OK) {
            CHECK_INT(state.head.seq, from + EACH - 1);
            CHECK_INT(state.trouble, NR_TRAIL_OK);
            return;
        }
        CHECK_INT(state.head.seq, from - 1);
        CHECK_INT(state.trouble, status);
        CHECK_INT(kit_count(k), (long long)from - 1);
        k->now += 2000000;
    }
    CHECK(false);
}

/* Returns whether the fault came at all. */
static bool run(const fault *one, long at)
{
    kit k;
    kit_begin(&k);
    disk.kit = &k;
    disk.fault = one;
    disk.left = at;
    disk.failed = false;
    nr_trail *trail = open_at_last(&k, one);
    int looked = 0; /* at what a cut would leave, once the fault has come */
    for (uint64_t i = 0; trail != NULL && i < BATCHES; i++) {
        nr_durability durability = i % 3 == 2 ? NR_BATCHED : NR_SYNC;
        write_at_last(&k, trail, one, 1 + i * EACH, durability);
        if (i == 2 || i == 8) /* what was batched, once with more to follow */
            must_be(nr_trail_sync(trail), one, "syncing");
        nr_trail_state state;
        nr_trail_look(trail, &state);
        CHECK(durability == NR_BATCHED || state.synced == state.head.seq);
        if (disk.failed && looked++ < 2)
            CHECK(count_after_cut(&k) >= (long long)state.synced);
        k.now += 20000000; /* a checkpoint every third time */
        must_be(nr_trail_tend(trail), one, "tending");
    }
    must_be(nr_trail_close(trail), one, "closing");
    mend();
    CHECK_INT(kit_count(&k), RECORDS);
    trail = open_at_last(&k, one);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_prove(&k, NULL).fault, NR_TRAIL_IS_SOUND);
    CHECK_INT(count_after_cut(&k), RECORDS);
    kit_end(&k);
    return disk.failed;
}

static void test_faults(void)
{
    for (size_t i = 0; i < NR_COUNT(faults); i++) {
        long at = 0;
        while (run(&faults[i], at) && check_failed + kit_report() == 0)
            at++;
        printf("%s: in %ld places\n", faults[i].what, at);
        CHECK(at > 0);
    }
}

/* ---- The reserve ------------------------------------------------------------------------------ */

/* Files may not become larger than this: then there is room for a small trail, and none
 * to lay in a reserve. */
static void limit_files(rlim_t size)
{
    struct rlimit limit = { .rlim_cur = size, .rlim_max = RLIM_INFINITY };
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
}

/* Without space the reserve is given back, once; then only what is urgent is taken,
 * until it can be laid in again. */
static void test_reserve(void)
{
    enum { RESERVE = 4 * 1024 * 1024 };
    kit k;
    nr_trail_state state;
    char name[128];
    struct stat about;
    kit_begin(&k);
    disk.kit = &k;
    (void)signal(SIGXFSZ, SIG_IGN);
    (void)snprintf(name, sizeof(name), "%s.reserve", k.path);
    nr_trail_options options = kit_options(&k);
    options.vfs = "failing";
    options.reserve_bytes = RESERVE;
    nr_trail *trail = kit_open(&k, &options);
    CHECK(stat(name, &about) == 0 && about.st_blocks * 512 >= RESERVE);
    CHECK_INT(kit_write(&k, trail, 1, EACH, NR_SYNC), NR_TRAIL_OK);
    limit_files(RESERVE / 2);

    disk.fault = &faults[0];
    disk.left = 0;
    nr_record record = kit_record(&k, EACH + 1);
    CHECK_INT(nr_trail_begin(trail, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_append(trail, &record), NR_TRAIL_OK);
    CHECK_INT(nr_trail_commit(trail, NULL), NR_TRAIL_AGAIN);
    CHECK(stat(name, &about) == 0 && about.st_blocks == 0);
    nr_trail_look(trail, &state);
    CHECK(state.reserve_spent);
    CHECK_INT(state.trouble, NR_TRAIL_FULL);
    mend();
    CHECK_INT(kit_write(&k, trail, EACH + 1, 1, NR_SYNC), NR_TRAIL_OK);
    for (int i = 0; i < 3; i++) {
        k.now += 2000000;
        CHECK_INT(kit_write(&k, trail, EACH + 2, 1, NR_SYNC), NR_TRAIL_FULL);
        CHECK_INT(kit_write(&k, trail, EACH + 2, 1, NR_BATCHED), NR_TRAIL_FULL);
    }
    CHECK_INT(kit_write(&k, trail, EACH + 2, 1, NR_URGENT), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    trail = kit_open(&k, &options); /* also when it is opened so */
    CHECK_INT(kit_write(&k, trail, EACH + 3, 1, NR_SYNC), NR_TRAIL_FULL);

    limit_files(RLIM_INFINITY);
    CHECK_INT(kit_write(&k, trail, EACH + 3, 1, NR_SYNC), NR_TRAIL_FULL);
    k.now += 2000000; /* it is tried once a second */
    CHECK_INT(kit_write(&k, trail, EACH + 3, 1, NR_SYNC), NR_TRAIL_OK);
    nr_trail_look(trail, &state);
    CHECK(!state.reserve_spent);
    CHECK_INT(state.trouble, NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    CHECK_INT(kit_count(&k), EACH + 3);
    kit_end(&k);
}

/* Little space is an alarm long before that. */
static void test_low(void)
{
    kit k;
    nr_trail_state state;
    kit_begin(&k);
    nr_trail_options options = kit_options(&k);
    options.low_bytes = UINT64_MAX;
    nr_trail *trail = kit_open(&k, &options);
    nr_trail_look(trail, &state);
    CHECK(state.low);
    CHECK_INT(kit_write(&k, trail, 1, 1, NR_SYNC), NR_TRAIL_OK);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    options.low_bytes = 1;
    trail = kit_open(&k, &options);
    nr_trail_look(trail, &state);
    CHECK(!state.low);
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
    kit_end(&k);
}

int main(void)
{
    make_disk();
    test_faults();
    test_reserve();
    test_low();
    return check_report() | kit_report();
}
