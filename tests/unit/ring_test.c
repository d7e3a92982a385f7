/* SPDX-License-Identifier: Apache-2.0 */
/* The audit ring: what is put there is taken, in order and whole, whatever else lies in it. */
#define _GNU_SOURCE
#include "check.h"

#include "share/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static nr_ring *made(void)
{
    nr_ring *ring = calloc(1, sizeof(*ring));
    nr_ring_make(ring);
    nr_ring_begin(ring);
    return ring;
}

static uint8_t entry[NR_RING_ENTRY_MAX];
static uint8_t found[NR_RING_ENTRY_MAX];

/* Bytes that tell entry and position. */
static const uint8_t *bytes_of(uint64_t number, size_t size)
{
    for (size_t i = 0; i < size; i++)
        entry[i] = (uint8_t)(number * 7 + i * 13 + i / 251);
    return entry;
}

static nr_ring_put put(nr_ring *ring, uint64_t number, size_t size, uint64_t *place)
{
    return nr_ring_write(ring, bytes_of(number, size), size, 0, place);
}

/* Takes the entry at *place, which moves on. */
static bool is_entry(nr_ring *ring, uint64_t number, size_t size, uint64_t *place)
{
    size_t got = 0;
    uint64_t places = 0;
    bool good = nr_ring_read(ring, *place, found, &got, &places) == NR_RING_ENTRY &&
                got == size && memcmp(found, bytes_of(number, size), size) == 0;
    *place += places;
    return good;
}

static nr_ring_look look(const nr_ring *ring, uint64_t place)
{
    size_t size;
    uint64_t places;
    return nr_ring_read(ring, place, found, &size, &places);
}

static void what_is_put_is_taken(void)
{
    static const size_t sizes[] = { 1,
                                    7,
                                    8,
                                    239,
                                    240,
                                    241,
                                    487,
                                    488,
                                    489,
                                    4096,
                                    NR_RING_ENTRY_MAX - 1,
                                    NR_RING_ENTRY_MAX };
    nr_ring *ring = made();
    uint64_t places[NR_COUNT(sizes)];
    uint64_t at;
    CHECK(nr_ring_has_begun(ring, &at) && at == 0);
    for (size_t i = 0; i < NR_COUNT(sizes); i++)
        CHECK_INT(put(ring, i, sizes[i], &places[i]), NR_RING_PUT);
    for (size_t i = 0; i < NR_COUNT(sizes); i++) {
        CHECK_INT(at, places[i]);
        CHECK(is_entry(ring, i, sizes[i], &at));
    }
    CHECK_INT(nr_ring_reserved_from(ring, at), 0);
    CHECK_INT(look(ring, at), NR_RING_UNPUBLISHED);
    CHECK_INT(places[4] - places[3], 1); /* 239 and 240 bytes take one place, 241 two */
    CHECK_INT(places[5] - places[4], 1);
    CHECK_INT(places[6] - places[5], 2);
    uint64_t place;
    CHECK_INT(nr_ring_write(ring, entry, 0, 0, &place), NR_RING_TOO_LARGE);
    CHECK_INT(nr_ring_write(ring, entry, NR_RING_ENTRY_MAX + 1, 0, &place),
              NR_RING_TOO_LARGE);
    free(ring);
}

static void a_full_ring_takes_nothing_until_places_are_given_back(void)
{
    nr_ring *ring = made();
    uint64_t place;
    for (uint64_t i = 0; i < NR_RING_PENDING; i++)
        CHECK_INT(put(ring, i, 100, &place), NR_RING_PUT);
    CHECK_INT(put(ring, 0, 100, &place), NR_RING_FULL);
    CHECK_INT(put(ring, 0, 100, &place), NR_RING_FULL);
    CHECK_INT(nr_ring_reserved_from(ring, 0), NR_RING_PENDING);
    nr_ring_give_back(ring, 1);
    CHECK_INT(put(ring, 0, 241, &place), NR_RING_FULL); /* needs two */
    CHECK_INT(put(ring, 4096, 100, &place), NR_RING_PUT);
    CHECK_INT(place, NR_RING_PENDING);
    CHECK_INT(put(ring, 0, 100, &place), NR_RING_FULL);
    uint64_t at = 1;
    for (uint64_t i = 1; i <= NR_RING_PENDING; i++)
        CHECK(is_entry(ring, i, 100, &at));
    free(ring);
}

static void it_goes_round_and_round(void)
{
    nr_ring *ring = made();
    uint64_t at = 0;
    uint64_t place;
    bool good = true;
    for (uint64_t i = 0; i < 20000; i++) {
        size_t size = 1 + (size_t)(i * 2654435761u % 1500);
        good = good && put(ring, i, size, &place) == NR_RING_PUT && place == at &&
               is_entry(ring, i, size, &at);
        nr_ring_give_back(ring, at);
    }
    CHECK(good && at / NR_RING_PLACES > 5);
    free(ring);
}

/* Half a ring back, and no further; what is referred to is still there when whoever
 * refers to it is taken last of all. */
static void an_entry_refers_to_what_is_still_there(void)
{
    nr_ring *ring = made();
    uint64_t place, told;
    CHECK_INT(put(ring, 77, 300, &told), NR_RING_PUT);
    uint64_t at = told;
    for (uint64_t i = 2; i < NR_RING_PENDING; i++)
        CHECK_INT(put(ring, i, 9, &place), NR_RING_PUT);
    nr_ring_give_back(ring, NR_RING_PENDING);
    CHECK_INT(nr_ring_write(ring, entry, 9, told + 1, &place), NR_RING_PUT);
    CHECK_INT(place - told, NR_RING_PENDING);
    CHECK_INT(nr_ring_write(ring, entry, 9, told + 1, &place), NR_RING_FORGOTTEN);
    while (put(ring, 5, 9, &place) == NR_RING_PUT)
        continue;
    CHECK(is_entry(ring, 77, 300, &at));
    free(ring);
}

static void what_was_not_published_can_be_passed(void)
{
    nr_ring *ring = made();
    uint64_t place;
    CHECK_INT(put(ring, 1, 1000, &place), NR_RING_PUT);
    /* One that died between: five places of which some are written. */
    atomic_fetch_add(&ring->reserved, 5);
    CHECK_INT(put(ring, 2, 600, &place), NR_RING_PUT);
    uint64_t at = 0;
    CHECK(is_entry(ring, 1, 1000, &at));
    for (int i = 0; i < 5; i++)
        CHECK_INT(look(ring, at++), NR_RING_UNPUBLISHED);
    CHECK(is_entry(ring, 2, 600, &at));
    /* In the middle of an entry none begins. */
    CHECK_INT(look(ring, 1), NR_RING_UNPUBLISHED);
    CHECK_INT(look(ring, 2), NR_RING_UNPUBLISHED);
    free(ring);
}

static void what_no_program_writes_is_refused(void)
{
    nr_ring *ring = made();
    uint64_t place;
    CHECK_INT(put(ring, 1, 1000, &place), NR_RING_PUT);
    atomic_store(&ring->cells[0].words[0], 0);
    CHECK_INT(look(ring, 0), NR_RING_SPOILED);
    atomic_store(&ring->cells[0].words[0], NR_RING_ENTRY_MAX + 1);
    CHECK_INT(look(ring, 0), NR_RING_SPOILED);
    atomic_store(&ring->cells[0].words[0], UINT64_MAX);
    CHECK_INT(look(ring, 0), NR_RING_SPOILED);
    atomic_store(&ring->cells[0].words[0], 2000); /* more than it has places */
    CHECK_INT(look(ring, 0), NR_RING_SPOILED);
    atomic_store(&ring->cells[0].words[0], 1000);
    CHECK_INT(look(ring, 0), NR_RING_ENTRY);
    atomic_store(&ring->cells[2].turn, 3); /* as if one began there */
    CHECK_INT(look(ring, 0), NR_RING_SPOILED);
    atomic_store(&ring->reserved, 5000);
    CHECK(nr_ring_reserved_from(ring, 0) > NR_RING_PENDING);
    atomic_store(&ring->reserved, 3);
    CHECK(nr_ring_reserved_from(ring, 4) > NR_RING_PENDING);
    atomic_store(&ring->begun, UINT64_MAX);
    CHECK(!nr_ring_has_begun(ring, &place));
    atomic_store(&ring->begun, 0);
    CHECK(!nr_ring_has_begun(ring, &place));
    free(ring);
}

/* Whatever lies there, nothing outside is read or written: the sanitizers look. */
static void any_bytes_are_an_entry_or_none(void)
{
    nr_ring *ring = made();
    uint64_t chance = 12345;
    uint64_t places = 0;
    size_t size = 0;
    int seen[3] = { 0 };
    for (int round = 0; round < 20000; round++) {
        uint64_t place = 0;
        for (int i = 0; i < 40; i++) {
            chance = chance * 6364136223846793005u + 1442695040888963407u;
            uint64_t word = chance >> 20;
            nr_ring_cell *cell = &ring->cells[word % 12];
            uint64_t kind = chance >> 60;
            if (kind < 8)
                atomic_store(&cell->turn,
                             (word % 12 + 1) | (kind < 4 ? UINT64_C(1) << 63 : 0));
            else
                atomic_store(&cell->words[0], kind < 12 ? word % 4000 : chance);
        }
        place = chance % 12;
        seen[nr_ring_read(ring, place, found, &size, &places)]++;
    }
    CHECK(seen[0] > 100 && seen[1] > 100 && seen[2] > 100);
    free(ring);
}

static void a_copy_goes_on_where_the_other_was(void)
{
    nr_ring *ring = made();
    nr_ring *fresh = calloc(1, sizeof(*fresh));
    nr_ring_make(fresh);
    uint64_t place, at;
    CHECK_INT(put(ring, 1, 500, &place), NR_RING_PUT);
    CHECK_INT(put(ring, 2, 50, &place), NR_RING_PUT);
    CHECK_INT(put(ring, 3, 900, &place), NR_RING_PUT);
    nr_ring_give_back(ring, 3);
    atomic_fetch_add(&ring->reserved, 1);
    nr_ring_shut(ring);
    CHECK_INT(put(ring, 4, 8, &place), NR_RING_SHUT);
    CHECK(!nr_ring_is_settled(ring)); /* somebody is about to publish */
    uint64_t last = nr_ring_reserved_from(ring, 0) - 1;
    atomic_store(&ring->cells[last].words[0], 1);
    atomic_store(&ring->cells[last].turn, last + 1);
    CHECK(nr_ring_is_settled(ring));
    CHECK(!nr_ring_has_begun(fresh, &at));
    nr_ring_copy(fresh, ring);
    CHECK_INT(put(fresh, 5, 8, &place), NR_RING_SHUT);
    nr_ring_reopen(fresh);
    CHECK_INT(put(fresh, 5, 8, &place), NR_RING_PUT);
    CHECK_INT(place, last + 1);
    CHECK(nr_ring_has_begun(fresh, &at) && at == 3);
    CHECK(is_entry(fresh, 2, 50, &(uint64_t){ 3 }));
    CHECK(is_entry(fresh, 3, 900, &(uint64_t){ 4 }));
    CHECK(is_entry(fresh, 1, 500, &(uint64_t){ 0 })); /* it may be referred to */
    CHECK(is_entry(fresh, 5, 8, &place));
    free(fresh);
    free(ring);
}

/* ---- Memory ------------------------------------------------------------------------ */

static void memory_is_refused_unless_it_is_a_ring(void)
{
    nrbac_error error = { "" };
    nr_ring *mapped;
    int fd, page_fd;
    nr_ring *ring = nr_memory_make_ring(&fd);
    nr_status_page *page = nr_memory_make_page(&page_fd);
    CHECK(ring != NULL && page != NULL);
    CHECK(ftruncate(fd, 4096) != 0 && ftruncate(fd, 1 << 24) != 0);
    CHECK_INT(nr_memory_map_ring(fd, &mapped, &error), NRBAC_OK);
    nr_ring_begin(mapped);
    uint64_t place;
    CHECK_INT(put(mapped, 9, 300, &place), NR_RING_PUT);
    CHECK(is_entry(ring, 9, 300, &place));
    nr_memory_unmap_ring(mapped);
    CHECK(nr_memory_map_ring(page_fd, &mapped, &error) != NRBAC_OK);
    CHECK(mapped == NULL && error.text[0] != '\0');
    int loose = memfd_create("loose", MFD_ALLOW_SEALING);
    CHECK_INT(ftruncate(loose, sizeof(nr_ring)), 0);
    CHECK_INT(nr_memory_map_ring(loose, &mapped, &error), NRBAC_E_IMAGE);
    CHECK_INT(fcntl(loose, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW), 0);
    CHECK_INT(nr_memory_map_ring(loose, &mapped, &error), NRBAC_E_IMAGE);
    nr_memory_unmap_ring(NULL);
    nr_memory_unmap_ring(ring);
    nr_memory_drop_page(page, page_fd);
    (void)close(loose);
    (void)close(fd);
}

int main(void)
{
    what_is_put_is_taken();
    a_full_ring_takes_nothing_until_places_are_given_back();
    it_goes_round_and_round();
    an_entry_refers_to_what_is_still_there();
    what_was_not_published_can_be_passed();
    what_no_program_writes_is_refused();
    any_bytes_are_an_entry_or_none();
    a_copy_goes_on_where_the_other_was();
    memory_is_refused_unless_it_is_a_ring();
    return check_report();
}
