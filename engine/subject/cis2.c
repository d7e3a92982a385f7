/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NHS CIS2: userinfo, an ID token, or both. The member of the ID token counts
 * where both have one, for it is the one that is signed.
 *
 * `acr` is not looked at: a sign-in whose assurance level is not stated in its own
 * claim has none that we know of (S4).
 */
#include "subject/evidence.h"

typedef struct tokens {
    nr_place userinfo;
    nr_place id_token;
} tokens;

static nr_place claim(const tokens *from, const char *name)
{
    nr_place place = nr_place_member(&from->id_token, name);
    return place.value != NULL ? place : nr_place_member(&from->userinfo, name);
}

/* S5: both tokens are of one person, who is the one that the caller stated. */
static void read_person(nr_reader *reader, const tokens *from, const char *stated,
                        nrbac_subject *subject)
{
    nr_place one = nr_place_member(&from->id_token, "sub");
    nr_place other = nr_place_member(&from->userinfo, "sub");
    const char *signed_sub = nr_read_text(reader, &one);
    const char *sub = nr_read_text(reader, &other);
    if (signed_sub != NULL && sub != NULL)
        subject->mismatched = nr_person_differs(reader, signed_sub, sub);
    subject->id = nr_person_of(reader, signed_sub != NULL ? signed_sub : sub);
    if (nr_person_differs(reader, stated, subject->id))
        subject->mismatched = true;
}

static void read_levels(nr_reader *reader, const tokens *from, nrbac_subject *subject)
{
    nr_place aal = claim(from, "authentication_assurance_level");
    subject->aal = nr_read_level(reader, &aal, 1, 3);
    nr_place ial = claim(from, "id_assurance_level");
    if (ial.value == NULL)
        ial = claim(from, "idassurancelevel");
    subject->ial = nr_read_level(reader, &ial, 0, 3);
}

/* One of nhsid_nrbac_roles. */
static nrbac_profile read_profile(nr_reader *reader, const nr_place *role)
{
    nr_place id = nr_place_member(role, "person_roleid");
    nr_place code = nr_place_member(role, "role_code");
    nr_place organisation = nr_place_member(role, "org_code");
    nr_texts areas = { 0 }, activities = { 0 }, workgroups = { 0 };
    nr_read_map(reader, role);
    nr_read_texts_of(reader, role, "aow_codes", &areas);
    nr_read_texts_of(reader, role, "activity_codes", &activities);
    nr_read_texts_of(reader, role, "workgroups_codes", &workgroups);
    return (nrbac_profile){
        .id = nr_read_text(reader, &id),
        .role = nr_read_code(reader, &code),
        .organisation = nr_read_code(reader, &organisation),
        .areas_of_work = areas.items,
        .area_of_work_count = areas.count,
        .activities = activities.items,
        .activity_count = activities.count,
        .workgroups = workgroups.items,
        .workgroup_count = workgroups.count,
    };
}

static void read_profiles(nr_reader *reader, const nr_place *roles,
                          nrbac_subject *subject)
{
    size_t count = nrbac_value_count(roles->value);
    if (!nr_read_list(reader, roles) || count == 0)
        return;
    nrbac_profile *profiles = nr_arena_new_array(reader->arena, count, nrbac_profile);
    if (profiles == NULL) {
        reader->no_memory = true;
        return;
    }
    for (size_t i = 0; i < count && reader->fault == NULL; i++) {
        nr_place role = nr_place_item(roles, i);
        profiles[i] = read_profile(reader, &role);
    }
    subject->profiles = profiles;
    subject->profile_count = count;
}

/* Workgroups of 2018 are maps of name and code. */
static void read_old_workgroups(nr_reader *reader, const nr_place *list,
                                nr_texts *workgroups)
{
    if (!nr_read_list(reader, list))
        return;
    for (size_t i = 0; i < nrbac_value_count(list->value); i++) {
        nr_place item = nr_place_item(list, i);
        nr_read_map(reader, &item);
        nr_place code = nr_place_member(&item, "code");
        const char *text = nr_read_text(reader, &code);
        if (text != NULL)
            nr_texts_add(reader, workgroups, text);
        else
            nr_reader_fault(reader, &code, "is missing");
    }
}

/* The shape of 2018: the selected role, and no other, inside the ID token. */
static void read_old_profile(nr_reader *reader, const nr_place *token,
                             nrbac_subject *subject)
{
    nr_place role = nr_place_member(token, "role");
    nr_place org = nr_place_member(token, "org");
    nr_place groups = nr_place_member(token, "workgroups");
    nr_texts activities = { 0 }, workgroups = { 0 };
    nr_read_map(reader, &role);
    nr_read_map(reader, &org);
    nr_read_texts_of(reader, token, "activities", &activities);
    read_old_workgroups(reader, &groups, &workgroups);

    nrbac_profile *profile = nr_arena_new(reader->arena, nrbac_profile);
    if (profile == NULL) {
        reader->no_memory = true;
        return;
    }
    nr_place id = nr_place_member(&role, "role_id");
    nr_place code = nr_place_member(&role, "code");
    nr_place organisation = nr_place_member(&org, "code");
    profile->id = nr_read_text(reader, &id);
    profile->role = nr_read_code(reader, &code);
    profile->organisation = nr_read_code(reader, &organisation);
    profile->activities = activities.items;
    profile->activity_count = activities.count;
    profile->workgroups = workgroups.items;
    profile->workgroup_count = workgroups.count;
    subject->profiles = profile;
    subject->profile_count = 1;
}

/* The token that holds the shape of 2018, which like all members of an ID token may
 * stand in userinfo; NULL: neither does. */
static const nr_place *token_of_2018(const tokens *from)
{
    if (nr_place_member(&from->id_token, "role").value != NULL)
        return &from->id_token;
    nr_place role = nr_place_member(&from->userinfo, "role");
    return nrbac_value_kind(role.value) == NRBAC_KIND_MAP ? &from->userinfo : NULL;
}

void nr_cis2_read(nr_reader *reader, const nr_evidence *evidence,
                  nrbac_subject *subject)
{
    const tokens from = {
        .userinfo = nr_place_member(&evidence->properties, "userinfo"),
        .id_token = nr_place_member(&evidence->properties, "id_token"),
    };
    nr_read_map(reader, &from.userinfo);
    nr_read_map(reader, &from.id_token);
    read_person(reader, &from, evidence->stated_id, subject);
    read_levels(reader, &from, subject);
    nr_place sid = claim(&from, "sid");
    subject->sid = nr_read_text(reader, &sid);
    nr_place choice = claim(&from, "selected_roleid");
    subject->token_choice = nr_read_text(reader, &choice);
    nr_place expiry = claim(&from, "exp");
    subject->expires_at = nr_read_seconds(reader, &expiry);

    nr_place roles = claim(&from, "nhsid_nrbac_roles");
    const nr_place *old_token = token_of_2018(&from);
    if (roles.value == NULL && old_token != NULL)
        read_old_profile(reader, old_token, subject);
    else
        read_profiles(reader, &roles, subject);
}
