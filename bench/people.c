/* SPDX-License-Identifier: Apache-2.0 */
#include "people.h"

#include <stdarg.h>
#include <stdio.h>

nrbac_engine *bench_engine(const char *image)
{
    nrbac_engine *engine;
    nrbac_error error = { 0 };
    if (nrbac_engine_create(NRBAC_ENGINE_UNWATCHED, &engine) != NRBAC_OK)
        bench_fail("out of memory");
    if (nrbac_engine_load(engine, image, &error) != NRBAC_OK)
        bench_fail("%s", error.text);
    return engine;
}

void bench_person_of(const bench_workload *w, uint32_t user_number,
                     bench_person *person)
{
    const bench_user *user = &w->users[user_number];
    for (uint32_t g = 0; g < user->profiles[0].workgroup_count; g++)
        person->workgroups[g] = w->workgroups[user->profiles[0].workgroups[g]];
    for (uint32_t p = 0; p < user->profile_count; p++) {
        const bench_profile *profile = &user->profiles[p];
        for (uint32_t e = 0; e < profile->extra_count; e++)
            person->extras[p][e] = w->activities[profile->extras[e]].code;
        person->areas[p] = w->roles[profile->role].area;
        person->profiles[p] = (nrbac_profile){
            .id = profile->id,
            .role = w->roles[profile->role].code,
            .organisation = "RBA",
            .areas_of_work = &person->areas[p],
            .area_of_work_count = profile->in_area ? 1 : 0,
            .activities = person->extras[p],
            .activity_count = profile->extra_count,
            .workgroups = person->workgroups,
            .workgroup_count = profile->workgroup_count,
        };
    }
    person->request = (nrbac_request){
        .subject = { .type = NRBAC_HEALTHCARE_WORKER,
                     .id = user->id,
                     .profiles = person->profiles,
                     .profile_count = user->profile_count,
                     .caller_choice = user->profiles[user->in_force].id,
                     .aal = NRBAC_LEVEL(3) },
        .organisation = "RBA",
    };
}

/* ---- As CIS2 sends it --------------------------------------------------------------- */

typedef struct page {
    char *text;
    size_t size;
} page;

__attribute__((format(printf, 2, 3))) static void put(page *to, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(to->text + to->size, BENCH_DOCUMENT_SIZE - to->size, format,
                         arguments);
    va_end(arguments);
    if (size < 0 || to->size + (size_t)size >= BENCH_DOCUMENT_SIZE)
        bench_fail("a document has no room");
    to->size += (size_t)size;
}

static void put_profile(page *to, const bench_workload *w, const bench_profile *profile)
{
    put(to,
        "{\"person_orgid\": \"555057995106\", \"person_roleid\": \"%s\", "
        "\"org_code\": \"RBA\", "
        "\"role_name\": \"\\\"Clinical\\\":\\\"Clinical Provision\\\":\\\"Role\\\"\", "
        "\"role_code\": \"S8000:G8000:%s\", \"activities\": [",
        profile->id, w->roles[profile->role].code);
    for (uint32_t e = 0; e < profile->extra_count; e++)
        put(to, "%s\"Perform Activity %u\"", e == 0 ? "" : ", ", profile->extras[e]);
    put(to, "], \"activity_codes\": [");
    for (uint32_t e = 0; e < profile->extra_count; e++)
        put(to, "%s\"%s\"", e == 0 ? "" : ", ", w->activities[profile->extras[e]].code);
    if (profile->in_area)
        put(to, "], \"aow_codes\": [\"%s\"", w->roles[profile->role].area);
    for (uint32_t g = 0; g < profile->workgroup_count; g++)
        put(to, "%s\"%s\"", g == 0 ? "], \"workgroups_codes\": [" : ", ",
            w->workgroups[profile->workgroups[g]]);
    put(to, "]}");
}

size_t bench_document_of(const bench_workload *w, const bench_request *request,
                         char text[BENCH_DOCUMENT_SIZE])
{
    const bench_user *user = &w->users[request->user];
    page to = { .size = 0 };
    to.text = text;
    put(&to,
        "{\"subject\": {\"type\": \"healthcare-worker\", \"id\": \"%s\", "
        "\"properties\": {\"role_profile\": \"%s\", \"userinfo\": {"
        "\"nhsid_useruid\": \"%s\", \"name\": \"Flo Nurse\", \"nhsid_nrbac_roles\": [",
        user->id, user->profiles[user->in_force].id, user->id);
    for (uint32_t p = 0; p < user->profile_count; p++) {
        put(&to, p == 0 ? "" : ", ");
        put_profile(&to, w, &user->profiles[p]);
    }
    put(&to,
        "], \"given_name\": \"Nurse\", \"family_name\": \"Flo\", \"uid\": \"%s\", "
        "\"nhsid_user_orgs\": [{\"org_name\": \"ROYAL BENCH HOSPITAL\", "
        "\"org_code\": \"RBA\"}], \"email\": \"nurse.flo@example.nhs.uk\", "
        "\"sub\": \"%s\"}}}, \"action\": {\"name\": \"%s\"}, "
        "\"context\": {\"organisation\": \"RBA\"}}",
        user->id, user->id, w->activities[request->activity].code);
    return to.size;
}
