/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* POSIX.1-2008 */
#include "audit/key_inside.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATIENT_HASH_SIZE = 16, PATIENT_KEY_SIZE = 32, FILE_MAX = 512 };

_Static_assert(NR_PATIENT_SIZE == 1 + 2 * PATIENT_HASH_SIZE + 1, "~, hex, NUL");
_Static_assert(NR_PUBLIC_KEY_SIZE == crypto_sign_PUBLICKEYBYTES, "Ed25519");
_Static_assert(NR_SIGNATURE_SIZE == crypto_sign_BYTES, "Ed25519");

struct nr_key {
    uint8_t open[NR_PUBLIC_KEY_SIZE];
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    uint8_t patients[PATIENT_KEY_SIZE];
};

static nr_trail_status refuse(nrbac_error *error, nr_trail_status status,
                              const char *path, const char *what)
{
    if (error != NULL)
        (void)snprintf(error->text, sizeof(error->text), "the key file `%s` %s", path,
                       what);
    return status;
}

static nr_trail_status refuse_errno(nrbac_error *error, const char *path, int number)
{
    char what[160] = "cannot be used: ";
    size_t said = strlen(what);
    (void)strerror_r(number, what + said, sizeof(what) - said);
    return refuse(error, nr_trail_status_of(number, NR_TRAIL_IO), path, what);
}

/* ---- Making ----------------------------------------------------------------------- */

static bool write_whole(int fd, const char *text, size_t size)
{
    while (size > 0) {
        ssize_t wrote = write(fd, text, size);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote <= 0)
            return false;
        text += wrote;
        size -= (size_t)wrote;
    }
    return true;
}

/* The name of a new file is safe on disk only when its folder is. */
static bool sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    char folder[4096];
    int size = slash == NULL ? snprintf(folder, sizeof(folder), ".")
                             : snprintf(folder, sizeof(folder), "%.*s",
                                        (int)(slash - path) + 1, path);
    if (size < 0 || (size_t)size >= sizeof(folder))
        return false;
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        (void)close(fd);
    return synced;
}

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool written = write_whole(fd, text, strlen(text)) && fsync(fd) == 0;
    int number = errno;
    (void)close(fd);
    errno = number;
    return written;
}

/* Written aside, so that there is either a whole key or none. */
static nr_trail_status make_file(const char *path, nrbac_error *error)
{
    uint8_t secrets[crypto_sign_SEEDBYTES + PATIENT_KEY_SIZE];
    char seed[2 * crypto_sign_SEEDBYTES + 1], patients[2 * PATIENT_KEY_SIZE + 1];
    char text[FILE_MAX], aside[4096];
    int size = snprintf(aside, sizeof(aside), "%s.new", path);
    if (size < 0 || (size_t)size >= sizeof(aside))
        return refuse(error, NR_TRAIL_IO, path, "has too long a name");
    randombytes_buf(secrets, sizeof(secrets));
    nr_hex_write(secrets, crypto_sign_SEEDBYTES, seed);
    nr_hex_write(secrets + crypto_sign_SEEDBYTES, PATIENT_KEY_SIZE, patients);
    (void)snprintf(text, sizeof(text), "nrbac-key 1\nsign %s\npatients %s\n", seed,
                   patients);
    (void)unlink(aside); /* of somebody who was killed here */
    bool made = write_file(aside, text) && link(aside, path) == 0 && sync_folder(path);
    int number = errno;
    (void)unlink(aside);
    sodium_memzero(secrets, sizeof(secrets));
    sodium_memzero(text, sizeof(text));
    sodium_memzero(seed, sizeof(seed));
    sodium_memzero(patients, sizeof(patients));
    return made ? NR_TRAIL_OK : refuse_errno(error, path, number);
}

/* ---- Opening ----------------------------------------------------------------------- */

/* Takes `prefix`, then so many bytes in hex, then a line end. */
static bool take(char **text, const char *prefix, uint8_t *bytes, size_t size)
{
    size_t skip = strlen(prefix), digits = 2 * size;
    char *hex = *text + skip;
    if (strncmp(*text, prefix, skip) != 0 || strlen(hex) <= digits ||
        hex[digits] != '\n')
        return false;
    hex[digits] = 0;
    *text = hex + digits + 1;
    return nr_hex_read(hex, size, bytes);
}

static bool parse(char *text, nr_key *key)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    bool read = take(&text, "nrbac-key 1\nsign ", seed, sizeof(seed)) &&
                take(&text, "patients ", key->patients, sizeof(key->patients)) &&
                *text == 0;
    if (read)
        (void)crypto_sign_seed_keypair(key->open, key->secret, seed);
    sodium_memzero(seed, sizeof(seed));
    return read;
}

static nr_trail_status read_key(int fd, const char *path, nr_key *key,
                                nrbac_error *error)
{
    struct stat about;
    if (fstat(fd, &about) != 0)
        return refuse_errno(error, path, errno);
    if (!S_ISREG(about.st_mode))
        return refuse(error, NR_TRAIL_CORRUPT, path, "is not a file");
    if ((about.st_mode & 077) != 0)
        return refuse(error, NR_TRAIL_CORRUPT, path,
                      "may be read by others than its owner: chmod 600 it, and think "
                      "about who has read it");
    char text[FILE_MAX + 1] = { 0 };
    ssize_t size = read(fd, text, FILE_MAX);
    if (size < 0)
        return refuse_errno(error, path, errno);
    bool parsed = parse(text, key);
    sodium_memzero(text, sizeof(text));
    return parsed ? NR_TRAIL_OK
                  : refuse(error, NR_TRAIL_CORRUPT, path,
                           "does not hold a key; restore it from a copy");
}

nr_trail_status nr_key_open(const char *path, bool make, nr_key **out,
                            nrbac_error *error)
{
    *out = NULL;
    if (sodium_init() < 0)
        return refuse(error, NR_TRAIL_IO, path, "needs random numbers; there are none");
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT && make) {
        nr_trail_status made = make_file(path, error);
        if (made != NR_TRAIL_OK)
            return made;
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd < 0)
        return refuse_errno(error, path, errno);
    nr_key *key = sodium_malloc(sizeof(*key)); /* out of core dumps and swap */
    nr_trail_status status = key == NULL
                                 ? refuse(error, NR_TRAIL_MEMORY, path, "needs memory")
                                 : read_key(fd, path, key, error);
    (void)close(fd);
    if (status != NR_TRAIL_OK) {
        nr_key_close(key);
        return status;
    }
    (void)sodium_mprotect_readonly(key);
    *out = key;
    return NR_TRAIL_OK;
}

void nr_key_close(nr_key *key)
{
    sodium_free(key);
}

/* ---- Using --------------------------------------------------------------------------- */

const uint8_t *nr_key_public(const nr_key *key)
{
    return key->open;
}

void nr_key_sign(const nr_key *key, const char *text, size_t size,
                 uint8_t signature[NR_SIGNATURE_SIZE])
{
    (void)crypto_sign_detached(signature, NULL, (const unsigned char *)text, size,
                               key->secret);
}

void nr_key_patient(const nr_key *key, const char *number, char name[NR_PATIENT_SIZE])
{
    uint8_t hash[PATIENT_HASH_SIZE];
    (void)crypto_generichash(hash, sizeof(hash), (const unsigned char *)number,
                             strlen(number), key->patients, sizeof(key->patients));
    name[0] = '~';
    nr_hex_write(hash, sizeof(hash), name + 1);
}
