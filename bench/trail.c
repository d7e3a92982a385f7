/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast records are written, by one thread, and read and proved again:
 *
 *   bench-trail TRAIL RECORDS BATCH sync|batched
 *
 * 1,000 sessions in turns check the codes of a small policy, as a daemon would hand them
 * over. TRAIL must not be there yet.
 */
#include "audit/trail.h"
#include "audit/proof.h"
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SESSIONS = 1000, NAMES = 100, TEXT = 700, SYNC_EVERY_NS = 20000000 };

typedef struct people {
    nr_circumstances of[SESSIONS];
    char who[SESSIONS][TEXT];
    char user[SESSIONS][16];
    char names[NAMES][8];
} people;

static _Noreturn void stop(const char *what)
{
    (void)fprintf(stderr, "bench-trail: %s\n", what);
    exit(1);
}

static people *make_people(void)
{
    people *all = calloc(1, sizeof(*all));
    if (all == NULL)
        stop("out of memory");
    for (unsigned i = 0; i < SESSIONS; i++) {
        (void)snprintf(all->user[i], sizeof(all->user[i]), "9100%08u", i);
        (void)snprintf(
            all->who[i], TEXT,
            "{\"type\":\"healthcare-worker\",\"id\":\"%s\",\"evidence\":"
            "\"cis2\",\"profile\":{\"id\":\"5552542%05u\",\"role\":\"R8001\","
            "\"organisation\":\"RBA\",\"areas_of_work\":[\"P0020:Q0300:"
            "T0640\"],\"activities\":[\"B0380\",\"B0420\",\"B0825\"]},"
            "\"aal\":3,\"ial\":3}",
            all->user[i], i);
        all->of[i] = (nr_circumstances){ .who = all->who[i],
                                         .inputs = "{\"application\":\"gp-system\"}",
                                         .user = all->user[i],
                                         .role = "R8001",
                                         .organisation = "RBA",
                                         .application = "gp-system",
                                         .peer = { .known = true, .uid = 1000 } };
        nr_circumstances_seal(&all->of[i]);
    }
    for (unsigned i = 0; i < NAMES; i++)
        (void)snprintf(all->names[i], sizeof(all->names[i]), "B%04u", i);
    return all;
}

static void write_batch(nr_trail *trail, const people *all, uint64_t from,
                        uint64_t count, nr_durability durability)
{
    if (nr_trail_begin(trail, durability) != NR_TRAIL_OK)
        stop("cannot begin");
    for (uint64_t i = from; i < from + count; i++) {
        nr_record record = { .event = NR_EVENT_CHECK,
                             .at = 1795564800000000 + (int64_t)i,
                             .generation = 1,
                             .circumstances = &all->of[i * 7919 % SESSIONS],
                             .action = all->names[i * 31 % NAMES],
                             .reason = NRBAC_REASON_GRANTED_BY_BASELINE,
                             .session = 1 + i * 7919 % SESSIONS,
                             .message = 1 + i };
        if (nr_trail_append(trail, &record) != NR_TRAIL_OK)
            stop("cannot append");
    }
    if (nr_trail_commit(trail, NULL) != NR_TRAIL_OK)
        stop("cannot commit");
}

static void write_all(const char *path, const people *all, uint64_t records,
                      uint64_t batch, nr_durability durability)
{
    nr_trail_options options = { .path = path };
    nr_trail *trail = NULL;
    nrbac_error error;
    if (nr_trail_open(&options, &trail, &error) != NR_TRAIL_OK)
        stop(error.text);
    uint64_t *waits = calloc(records / batch + 1, sizeof(*waits));
    size_t count = 0;
    uint64_t began = bench_now(), synced = began;
    uint64_t worked = bench_processor_time(getpid());
    for (uint64_t at = 0; at < records; at += batch) {
        uint64_t start = bench_now();
        write_batch(trail, all, at, batch, durability);
        uint64_t now = bench_now();
        if (durability == NR_BATCHED && now - synced >= SYNC_EVERY_NS) {
            if (nr_trail_sync(trail) != NR_TRAIL_OK)
                stop("cannot sync");
            synced = now = bench_now();
        }
        if (waits != NULL)
            waits[count++] = now - start;
    }
    const char *mode = durability == NR_SYNC ? "sync" : "batched";
    double seconds = (double)(bench_now() - began) / 1e9;
    bench_figure rate = { "trail", "records_per_second", mode };
    bench_tell(&rate, (double)records / seconds, 0);
    bench_figure work = { "trail", "records_per_processor_second", mode };
    worked = bench_processor_time(getpid()) - worked;
    bench_tell(&work, (double)records * 1e9 / (double)worked, 0);
    bench_figure wait = { "trail", "batch_us", mode };
    if (waits != NULL)
        bench_tell_percentiles(&wait, waits, count, 0);
    free(waits);
    if (nr_trail_close(trail) != NR_TRAIL_OK)
        stop("cannot close");
    struct stat about;
    bench_figure size = { "trail", "bytes_per_record", mode };
    if (stat(path, &about) == 0)
        bench_tell(&size, (double)about.st_size / (double)records, 0);
}

static void read_all(const char *path)
{
    nr_reader *reader = NULL;
    nr_filter all = { 0 };
    nr_entry entry;
    nr_trail_proof proof;
    nrbac_error error;
    uint64_t count = 0, began = bench_now();
    if (nr_reader_open(path, &reader, &error) != NR_TRAIL_OK ||
        nr_reader_find(reader, &all) != NR_TRAIL_OK)
        stop("cannot read");
    while (nr_reader_next(reader, &entry) == NR_TRAIL_OK)
        count++;
    bench_figure read = { "trail", "records_per_second", "read" };
    bench_tell(&read, (double)count * 1e9 / (double)(bench_now() - began), 0);
    began = bench_now();
    if (nr_trail_prove(reader, NULL, &proof) != NR_TRAIL_OK ||
        proof.fault != NR_TRAIL_IS_SOUND)
        stop("it is not sound");
    bench_figure proved = { "trail", "records_per_second", "proved" };
    bench_tell(&proved, (double)count * 1e9 / (double)(bench_now() - began), 0);
    nr_reader_close(reader);
}

int main(int count, char **arguments)
{
    if (count != 5)
        stop("bench-trail TRAIL RECORDS BATCH sync|batched");
    uint64_t records = strtoull(arguments[2], NULL, 10);
    uint64_t batch = strtoull(arguments[3], NULL, 10);
    if (records == 0 || batch == 0)
        stop("RECORDS and BATCH are numbers");
    people *all = make_people();
    write_all(arguments[1], all, records, batch,
              strcmp(arguments[4], "sync") == 0 ? NR_SYNC : NR_BATCHED);
    read_all(arguments[1]);
    free(all);
    return 0;
}
