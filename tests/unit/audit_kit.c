/* SPDX-License-Identifier: Apache-2.0 */
#define _DEFAULT_SOURCE /* mkdtemp */
#include "audit_kit.h"

#include "base/hash.h"
#include "check.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t kit_now(void *context)
{
    const kit *of = context;
    return of->now;
}

void kit_begin(kit *of)
{
    *of = (kit){ .now = KIT_NOW };
    /* In memory where that can be: these tests sync very often. */
    (void)snprintf(of->folder, sizeof(of->folder), "/dev/shm/nrbac-audit-XXXXXX");
    if (mkdtemp(of->folder) == NULL) {
        (void)snprintf(of->folder, sizeof(of->folder), "/tmp/nrbac-audit-XXXXXX");
        CHECK(mkdtemp(of->folder) != NULL);
    }
    (void)snprintf(of->path, sizeof(of->path), "%s/trail", of->folder);
    (void)snprintf(of->image, sizeof(of->image),
                   "a policy, of which the digest is "
                   "that of all but its first bytes, "
                   "as that of a compiled one");
    nr_sha256(of->image + 64, sizeof(of->image) - 64, of->policy);
    of->nurse = (nr_circumstances){
        .who = "{\"id\":\"910000000001\",\"profile\":{\"role\":\"R8001\"}}",
        .inputs = "{\"organisation\":\"RBA\"}",
        .user = "910000000001",
        .role_profile = "555254240100",
        .role = "R8001",
        .organisation = "RBA",
        .application = "gp-system",
        .peer = { .known = true, .uid = 1000, .gid = 1001, .pid = 4242 },
    };
    of->clerk = (nr_circumstances){ .user = "910000000002",
                                    .role = "R8008",
                                    .asserted = true };
    nr_circumstances_seal(&of->nurse);
    nr_circumstances_seal(&of->clerk);
}

void kit_end(kit *of)
{
    DIR *folder = opendir(of->folder);
    char name[512];
    for (struct dirent *file; folder != NULL && (file = readdir(folder)) != NULL;) {
        (void)snprintf(name, sizeof(name), "%s/%s", of->folder, file->d_name);
        (void)unlink(name);
    }
    if (folder != NULL)
        (void)closedir(folder);
    CHECK(rmdir(of->folder) == 0);
}

nr_trail_options kit_options(kit *of)
{
    return (nr_trail_options){ .path = of->path,
                               .checkpoint_records = 16,
                               .reserve_bytes = 65536,
                               .clock = { kit_now, of } };
}

nr_trail *kit_open(kit *of, const nr_trail_options *options)
{
    nr_trail_options usual = kit_options(of);
    nr_trail *trail = NULL;
    nrbac_error error;
    nr_trail_status status = nr_trail_open(options == NULL ? &usual : options, &trail,
                                           &error);
    if (status != NR_TRAIL_OK)
        printf("%s: %s\n", nr_trail_status_slug(status), error.text);
    CHECK_INT(status, NR_TRAIL_OK);
    return trail;
}

nr_record kit_record(kit *of, uint64_t number)
{
    static const char *const names[] = { "B0820", "B0825", "pds.amend", "cpis.view" };
    nr_record record = {
        .event = NR_EVENT_CHECK,
        .at = KIT_NOW + (int64_t)number * 1000,
        .generation = 1,
        .circumstances = number % 3 == 0 ? &of->clerk : &of->nurse,
        .action = names[number % NR_COUNT(names)],
        .reason = number % 5 == 0 ? NRBAC_REASON_NOT_GRANTED
                                  : NRBAC_REASON_GRANTED_BY_BASELINE,
        .session = 1 + number % 7,
        .message = 1 + number,
    };
    memcpy(record.policy, of->policy, NR_DIGEST_SIZE);
    if (number % 4 == 3)
        record.obligations = "notify-access tell-patient";
    if (number % 11 == 0) {
        record.event = NR_EVENT_EVALUATE;
        record.api = "pds-fhir";
        record.resource = "application:gp-system";
        record.patient = "~00112233445566778899aabbccddeeff";
    }
    return record;
}

static nr_trail_status write_once(kit *of, nr_trail *trail, uint64_t from,
                                  uint64_t count, nr_durability durability)
{
    NR_TRAIL_TRY(nr_trail_begin(trail, durability));
    NR_TRAIL_TRY(nr_trail_keep_policy(trail, of->policy, of->image, sizeof(of->image)));
    for (uint64_t i = 0; i < count; i++) {
        nr_record record = kit_record(of, from + i);
        NR_TRAIL_TRY(nr_trail_append(trail, &record));
    }
    uint64_t first = 0;
    NR_TRAIL_TRY(nr_trail_commit(trail, &first));
    CHECK_INT(first, from);
    return NR_TRAIL_OK;
}

nr_trail_status kit_write(kit *of, nr_trail *trail, uint64_t from, uint64_t count,
                          nr_durability durability)
{
    nr_trail_status status = write_once(of, trail, from, count, durability);
    return status == NR_TRAIL_AGAIN ? write_once(of, trail, from, count, durability)
                                    : status;
}

void kit_fill(kit *of, uint64_t count)
{
    nr_trail *trail = kit_open(of, NULL);
    for (uint64_t from = 1; from <= count; from += 10) {
        uint64_t left = count - from + 1;
        CHECK_INT(kit_write(of, trail, from, left < 10 ? left : 10, NR_SYNC),
                  NR_TRAIL_OK);
    }
    CHECK_INT(nr_trail_close(trail), NR_TRAIL_OK);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_as_made(kit *of, const nr_entry *entry)
{
    nr_record made = kit_record(of, entry->seq);
    const nr_record *read = &entry->record;
    return read->event == made.event && read->at == made.at &&
           memcmp(read->policy, made.policy, NR_DIGEST_SIZE) == 0 &&
           read->generation == made.generation && read->circumstances != NULL &&
           memcmp(read->circumstances->digest, made.circumstances->digest,
                  NR_DIGEST_SIZE) == 0 &&
           same_text(read->circumstances->who, made.circumstances->who) &&
           same_text(read->circumstances->user, made.circumstances->user) &&
           read->circumstances->peer.pid == made.circumstances->peer.pid &&
           same_text(read->action, made.action) && same_text(read->api, made.api) &&
           same_text(read->resource, made.resource) &&
           same_text(read->patient, made.patient) && read->reason == made.reason &&
           same_text(read->obligations, made.obligations) &&
           read->session == made.session && read->message == made.message &&
           same_text(read->detail, made.detail);
}

long long kit_count(kit *of)
{
    nr_reader *reader = NULL;
    nr_filter all = { 0 };
    nr_entry entry;
    nrbac_error error;
    long long count = 0;
    if (nr_reader_open(of->path, &reader, &error) != NR_TRAIL_OK) {
        printf("%s\n", error.text);
        return -1;
    }
    nr_trail_status status = nr_reader_find(reader, &all);
    while (status == NR_TRAIL_OK && count >= 0) {
        status = nr_reader_next(reader, &entry);
        if (status == NR_TRAIL_OK)
            count = entry.seq == (uint64_t)count + 1 && is_as_made(of, &entry)
                        ? count + 1
                        : -1;
    }
    nr_reader_close(reader);
    return status == NR_TRAIL_MISSING ? count : -1;
}

void kit_sql(kit *of, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    CHECK_INT(sqlite3_open(of->path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) {
        printf("%s: %s\n", sql, why);
        CHECK(false);
    }
    sqlite3_free(why);
    CHECK_INT(sqlite3_close(db), SQLITE_OK);
}

nr_trail_proof kit_prove(kit *of, const nr_trail_given *given)
{
    nr_trail_proof proof = { .fault = NR_TRAIL_IS_DAMAGED };
    nr_reader *reader = NULL;
    nrbac_error error;
    nr_trail_status status = nr_reader_open(of->path, &reader, &error);
    CHECK_INT(status, NR_TRAIL_OK);
    if (status == NR_TRAIL_OK) {
        status = nr_trail_prove(reader, given, &proof);
        if (status != NR_TRAIL_OK)
            printf("%s\n", nr_reader_error(reader));
        CHECK_INT(status, NR_TRAIL_OK);
    }
    nr_reader_close(reader);
    return proof;
}

int kit_report(void)
{
    return check_failed == 0 ? 0 : 1;
}
