/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Our own shape, for callers that hold a role profile from anywhere:
 *
 *   "profile": { "id", "role", "organisation",
 *                "areas_of_work": [], "activities": [], "workgroups": [],
 *                "opens_at", "closes_at",      dates, or times
 *                "expires_at" },               a time: when what is said here ends
 *   "aal", "ial"                               beside it
 *
 * All of it is optional. The person is whoever the caller says.
 */
#include "subject/evidence.h"

static const char *read_code(nr_reader *reader, const nr_place *map, const char *name)
{
    nr_place place = nr_place_member(map, name);
    return nr_read_code(reader, &place);
}

static int64_t read_date(nr_reader *reader, const nr_place *map, const char *name)
{
    nr_place place = nr_place_member(map, name);
    return nr_read_date(reader, &place);
}

static void read_profile(nr_reader *reader, const nr_place *map, nrbac_profile *profile)
{
    nr_texts areas = { 0 }, activities = { 0 }, workgroups = { 0 };
    nr_read_texts_of(reader, map, "areas_of_work", &areas);
    nr_read_texts_of(reader, map, "activities", &activities);
    nr_read_texts_of(reader, map, "workgroups", &workgroups);
    *profile = (nrbac_profile){
        .id = read_code(reader, map, "id"),
        .role = read_code(reader, map, "role"),
        .organisation = read_code(reader, map, "organisation"),
        .areas_of_work = areas.items,
        .area_of_work_count = areas.count,
        .activities = activities.items,
        .activity_count = activities.count,
        .workgroups = workgroups.items,
        .workgroup_count = workgroups.count,
        .opens_at = read_date(reader, map, "opens_at"),
        .closes_at = read_date(reader, map, "closes_at"),
    };
}

void nr_neutral_read(nr_reader *reader, const nr_evidence *evidence,
                     nrbac_subject *subject)
{
    nr_place map = nr_place_member(&evidence->properties, "profile");
    nrbac_profile *profile = nr_arena_new(reader->arena, nrbac_profile);
    if (profile == NULL) {
        reader->no_memory = true;
        return;
    }
    nr_read_map(reader, &map);
    read_profile(reader, &map, profile);
    subject->profiles = profile;
    subject->profile_count = 1;
    subject->id = evidence->stated_id;

    nr_place aal = nr_place_member(&evidence->properties, "aal");
    nr_place ial = nr_place_member(&evidence->properties, "ial");
    nr_place expiry = nr_place_member(&map, "expires_at");
    subject->aal = nr_read_level(reader, &aal, 1, 3);
    subject->ial = nr_read_level(reader, &ial, 0, 3);
    subject->expires_at = nr_read_time(reader, &expiry);
}
