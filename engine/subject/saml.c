/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CIS1: the attributes of a SAML assertion, in two spellings.
 *
 *   grouped   { uid, ssbSessionRoleUid, ssbMode, roles: [{ nhsIdCode, ... }] }
 *   flat      [[name, value], ...] in the assertion's order, where each nhsIdCode
 *             begins the next role; alone, or as `attributes` of a map
 *
 * Both are walked attribute by attribute, by one table of names. A value is a
 * text, or a list of them as in XML, where one value and several look alike.
 * An assertion states no assurance level: `aal` and `ial` may stand beside it.
 */
#include "subject/evidence.h"

#include <string.h>

typedef enum attribute {
    UNKNOWN = 0,
    /* of a role; the first begins one in the flat spelling */
    ORGANISATION,
    ROLE,
    IDENTIFIER,
    AREAS,
    ACTIVITIES,
    WORKGROUPS,
    OPENS,
    CLOSES,
    /* of the person or the session */
    PERSON,
    SELECTED,
    MODE,
    STATUS,
    EXPIRES,
    CONDITIONS,
} attribute;

static const struct {
    const char *name;
    attribute attribute;
} known_attributes[] = {
    { "nhsIdCode", ORGANISATION },        { "nhsIDCode", ORGANISATION },
    { "nhsJobRoleCode", ROLE },           { "uniqueIdentifier", IDENTIFIER },
    { "nhsAreaOfWorkCodes", AREAS },      { "nhsBusinessFunctionsCodes", ACTIVITIES },
    { "nhsWorkGroupsCodes", WORKGROUPS }, { "nhsOrgOpenDate", OPENS },
    { "nhsOrgCloseDate", CLOSES },        { "uid", PERSON },
    { "ssbSessionRoleUid", SELECTED },    { "ssbMode", MODE },
    { "nhsPersonStatus", STATUS },        { "status", STATUS },
    { "NotOnOrAfter", EXPIRES },          { "Conditions", CONDITIONS },
};

static attribute attribute_of(const char *name)
{
    for (size_t i = 0; name != NULL && i < NR_COUNT(known_attributes); i++)
        if (strcmp(known_attributes[i].name, name) == 0)
            return known_attributes[i].attribute;
    return UNKNOWN;
}

/* A role while its attributes are still coming. */
typedef struct draft {
    nrbac_profile profile;
    nr_texts areas, activities, workgroups;
} draft;

typedef struct assertion {
    nr_reader *reader;
    nrbac_subject *subject;
    draft *items; /* with count and room: a list of nr_list_add() */
    size_t count, room;
} assertion;

/* The value itself: of a list of one, its item. */
static nr_place only(nr_reader *reader, const nr_place *value)
{
    nr_place none = { .within = value->within,
                      .key = value->key,
                      .index = value->index };
    if (nrbac_value_kind(value->value) != NRBAC_KIND_LIST)
        return *value;
    size_t count = nrbac_value_count(value->value);
    if (count == 1)
        return nr_place_item(value, 0);
    if (count > 1)
        nr_reader_fault(reader, value, "has more than one value");
    return none;
}

/* A text that may come again, if it says the same. */
static void read_once(nr_reader *reader, const nr_place *value, const char **text)
{
    nr_place place = only(reader, value);
    const char *given = nr_read_text(reader, &place);
    if (given == NULL)
        return;
    if (*text != NULL && strcmp(*text, given) != 0)
        nr_reader_fault(reader, value, "contradicts an earlier one");
    *text = given;
}

static void read_all(nr_reader *reader, const nr_place *value, nr_texts *texts)
{
    if (nrbac_value_kind(value->value) != NRBAC_KIND_TEXT) {
        nr_read_texts(reader, value, texts);
        return;
    }
    const char *text = nr_read_text(reader, value);
    if (text != NULL)
        nr_texts_add(reader, texts, text);
}

static int64_t read_day(nr_reader *reader, const nr_place *value)
{
    nr_place place = only(reader, value);
    return nr_read_date(reader, &place);
}

static bool is_of_role(attribute which)
{
    return which >= ORGANISATION && which <= CLOSES;
}

/* Of several days, the profile opens on the last and closes on the first. */
static int64_t latest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void take_of_role(nr_reader *reader, attribute which, const nr_place *value,
                         draft *role)
{
    nrbac_profile *profile = &role->profile;
    if (which == ORGANISATION)
        read_once(reader, value, &profile->organisation);
    else if (which == ROLE)
        read_once(reader, value, &profile->role);
    else if (which == IDENTIFIER)
        read_once(reader, value, &profile->id);
    else if (which == AREAS)
        read_all(reader, value, &role->areas);
    else if (which == ACTIVITIES)
        read_all(reader, value, &role->activities);
    else if (which == WORKGROUPS)
        read_all(reader, value, &role->workgroups);
    else if (which == OPENS)
        profile->opens_at = latest(profile->opens_at, read_day(reader, value));
    else
        profile->closes_at = nr_earliest(profile->closes_at, read_day(reader, value));
}

/* S8: the directory's status of a person is 1, or the person is not active. */
static bool read_inactive(nr_reader *reader, const nr_place *value)
{
    nr_place place = only(reader, value);
    if (place.value == NULL)
        return false;
    if (nrbac_value_kind(place.value) == NRBAC_KIND_INTEGER)
        return nrbac_value_integer(place.value) != 1;
    const char *text = nr_read_text(reader, &place);
    return text == NULL || strcmp(text, "1") != 0;
}

static void read_expiry(nr_reader *reader, const nr_place *value,
                        nrbac_subject *subject)
{
    nr_place place = only(reader, value);
    int64_t moment = nr_read_time(reader, &place);
    subject->expires_at = nr_earliest(subject->expires_at, moment);
}

static void take_of_person(nr_reader *reader, attribute which, const nr_place *value,
                           nrbac_subject *subject)
{
    nr_place place;
    if (which == PERSON) {
        const char *first = subject->id;
        place = only(reader, value);
        subject->id = nr_read_text(reader, &place);
        if (nr_person_differs(reader, first, subject->id))
            subject->mismatched = true;
    } else if (which == SELECTED) {
        read_once(reader, value, &subject->token_choice);
    } else if (which == MODE) {
        place = only(reader, value);
        if (nr_read_level(reader, &place, 0, 1) == NRBAC_LEVEL(1))
            subject->training = true;
    } else if (which == STATUS) {
        if (read_inactive(reader, value))
            subject->inactive = true;
    } else if (which == EXPIRES) {
        read_expiry(reader, value, subject);
    } else if (which == CONDITIONS) {
        nr_read_map(reader, value);
        place = nr_place_member(value, "NotOnOrAfter");
        read_expiry(reader, &place, subject);
    }
}

static draft *begin_role(assertion *from)
{
    draft *role = nr_list_add(from->reader->arena, from);
    if (role == NULL)
        from->reader->no_memory = true;
    return role;
}

/* One of `roles`, grouped. */
static void take_role(assertion *from, const nr_place *map)
{
    draft *role = begin_role(from);
    if (role == NULL || !nr_read_map(from->reader, map))
        return;
    for (size_t i = 0; i < nrbac_value_count(map->value); i++) {
        const char *name = nrbac_value_key(map->value, i);
        attribute which = attribute_of(name);
        if (!is_of_role(which))
            continue; /* before any look-up: a map of many strange names is cheap */
        nr_place value = nr_place_member(map, name);
        if (value.value != NULL)
            take_of_role(from->reader, which, &value, role);
    }
}

static void take_roles(assertion *from, const nr_place *roles)
{
    if (!nr_read_list(from->reader, roles))
        return;
    size_t count = nrbac_value_count(roles->value);
    for (size_t i = 0; i < count && from->reader->fault == NULL; i++) {
        nr_place role = nr_place_item(roles, i);
        take_role(from, &role);
        if (nrbac_value_kind(role.value) != NRBAC_KIND_MAP)
            nr_reader_fault(from->reader, &role, "is not a map");
    }
}

/* [name, value], flat. */
static void take_pair(assertion *from, const nr_place *pair)
{
    nr_reader *reader = from->reader;
    if (nrbac_value_kind(pair->value) != NRBAC_KIND_LIST ||
        nrbac_value_count(pair->value) != 2) {
        nr_reader_fault(reader, pair, "is not a list of a name and its value");
        return;
    }
    nr_place name = nr_place_item(pair, 0);
    nr_place value = nr_place_item(pair, 1);
    attribute which = attribute_of(nr_read_text(reader, &name));
    if (which == ORGANISATION && begin_role(from) == NULL)
        return;
    if (is_of_role(which) && from->count == 0) {
        nr_reader_fault(reader, pair, "is of a role, but no `nhsIdCode` begins one");
        return;
    }
    if (nrbac_value_kind(value.value) == NRBAC_KIND_NULL)
        return;
    if (is_of_role(which))
        take_of_role(reader, which, &value, &from->items[from->count - 1]);
    else
        take_of_person(reader, which, &value, from->subject);
}

static void take_pairs(assertion *from, const nr_place *list)
{
    if (!nr_read_list(from->reader, list))
        return;
    size_t count = nrbac_value_count(list->value);
    for (size_t i = 0; i < count && from->reader->fault == NULL; i++) {
        nr_place pair = nr_place_item(list, i);
        take_pair(from, &pair);
    }
}

static void take_map(assertion *from, const nr_place *map)
{
    nr_place roles = nr_place_member(map, "roles");
    nr_place attributes = nr_place_member(map, "attributes");
    if (!nr_read_map(from->reader, map))
        return;
    if (roles.value != NULL && attributes.value != NULL)
        nr_reader_fault(from->reader, map, "holds both `roles` and `attributes`");
    for (size_t i = 0; i < nrbac_value_count(map->value); i++) {
        const char *name = nrbac_value_key(map->value, i);
        attribute which = attribute_of(name);
        if (which == UNKNOWN)
            continue;
        nr_place value = nr_place_member(map, name);
        if (value.value != NULL)
            take_of_person(from->reader, which, &value, from->subject);
    }
    take_roles(from, &roles);
    take_pairs(from, &attributes);
}

static void finish(assertion *from)
{
    if (from->count == 0)
        return;
    nrbac_profile *profiles = nr_arena_new_array(from->reader->arena, from->count,
                                                 nrbac_profile);
    if (profiles == NULL) {
        from->reader->no_memory = true;
        return;
    }
    for (size_t i = 0; i < from->count; i++) {
        const draft *role = &from->items[i];
        profiles[i] = role->profile;
        profiles[i].areas_of_work = role->areas.items;
        profiles[i].area_of_work_count = role->areas.count;
        profiles[i].activities = role->activities.items;
        profiles[i].activity_count = role->activities.count;
        profiles[i].workgroups = role->workgroups.items;
        profiles[i].workgroup_count = role->workgroups.count;
    }
    from->subject->profiles = profiles;
    from->subject->profile_count = from->count;
}

void nr_saml_read(nr_reader *reader, const nr_evidence *evidence,
                  nrbac_subject *subject)
{
    assertion from = { .reader = reader, .subject = subject };
    nr_place saml = nr_place_member(&evidence->properties, "saml");
    if (nrbac_value_kind(saml.value) == NRBAC_KIND_LIST)
        take_pairs(&from, &saml);
    else
        take_map(&from, &saml);
    finish(&from);
    if (nr_person_differs(reader, evidence->stated_id, subject->id))
        subject->mismatched = true;

    nr_place aal = nr_place_member(&evidence->properties, "aal");
    nr_place ial = nr_place_member(&evidence->properties, "ial");
    subject->aal = nr_read_level(reader, &aal, 1, 3);
    subject->ial = nr_read_level(reader, &ial, 0, 3);
}
