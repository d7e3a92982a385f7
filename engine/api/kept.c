/* SPDX-License-Identifier: Apache-2.0 */
#include "api/kept.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum { LISTS = 3 };

struct nr_kept {
    int64_t expires_at;       /* the user's evidence */
    int64_t application_ends; /* the application's */
    int64_t opens_at, closes_at;
    int64_t valid_until;
    int64_t behind; /* seconds from the request's time to the clock's; 0: the same */
    _Atomic uint64_t circumstances;
    int aal, ial, proofing;
    uint32_t counts[LISTS];
    uint16_t present; /* a bit a text, in their order: those that are not NULL */
    uint8_t type, evidence;
    uint8_t user_finding, application_finding;
    bool has_profile;
    char texts[]; /* single ones, then the lists, each with its NUL */
};

/* The single texts: where a request has them, then where a profile has them. */
static const size_t request_texts[] = {
    offsetof(nrbac_request, subject.id),
    offsetof(nrbac_request, subject.sid),
    offsetof(nrbac_request, subject.token_choice),
    offsetof(nrbac_request, subject.caller_choice),
    offsetof(nrbac_request, subject.nhs_number),
    offsetof(nrbac_request, subject.actor),
    offsetof(nrbac_request, organisation),
    offsetof(nrbac_request, nhs_number),
    offsetof(nrbac_request, application),
    offsetof(nrbac_request, acting_as),
    offsetof(nrbac_request, on_behalf_of),
};
static const size_t profile_texts[] = {
    offsetof(nrbac_profile, id),
    offsetof(nrbac_profile, role),
    offsetof(nrbac_profile, organisation),
};

enum {
    TEXT_SUB = 0,
    TEXT_SID = 1,
    TEXT_NHS_NUMBER = 7,
    TEXT_PROFILE = NR_COUNT(request_texts),
    TEXTS = NR_COUNT(request_texts) + NR_COUNT(profile_texts),
};

/* ---- Keeping --------------------------------------------------------------------- */

/* Texts one after the other; those for which there is no room are only measured. */
typedef struct writer {
    char *to;
    size_t room;
    size_t size;
} writer;

static void write_text(writer *out, const char *text)
{
    size_t size = strlen(text) + 1;
    if (out->size + size <= out->room)
        memcpy(out->to + out->size, text, size);
    out->size += size;
}

static const char *text_at(const void *record, size_t offset)
{
    const char *text;
    memcpy(&text, (const char *)record + offset, sizeof(text));
    return text;
}

/* A bit for each that is there. */
static unsigned write_texts(writer *out, const void *record, const size_t *offsets,
                            unsigned count)
{
    unsigned present = 0;
    for (unsigned i = 0; i < count; i++) {
        const char *text = text_at(record, offsets[i]);
        if (text == NULL)
            continue;
        write_text(out, text);
        present |= 1u << i;
    }
    return present;
}

/* Entries that are NULL name nothing, and are not kept. */
static uint32_t write_list(writer *out, const char *const *texts, size_t count)
{
    uint32_t written = 0;
    for (size_t i = 0; i < count && written < UINT32_MAX; i++) {
        if (texts[i] == NULL)
            continue;
        write_text(out, texts[i]);
        written++;
    }
    return written;
}

/* All of its texts; how many there are of each sort is kept beside them. */
static void write_all(writer *out, const nrbac_request *request, const nrbac_profile *p,
                      nr_kept *kept)
{
    unsigned present = write_texts(out, request, request_texts, TEXT_PROFILE);
    if (p != NULL)
        present |= write_texts(out, p, profile_texts, NR_COUNT(profile_texts))
                   << TEXT_PROFILE;
    kept->present = (uint16_t)present;
    if (p == NULL)
        return;
    kept->counts[0] = write_list(out, p->areas_of_work, p->area_of_work_count);
    kept->counts[1] = write_list(out, p->activities, p->activity_count);
    kept->counts[2] = write_list(out, p->workgroups, p->workgroup_count);
}

/* Everything but the texts. */
static nr_kept facts_of(const nrbac_request *request, const nr_standing *standing,
                        int64_t behind)
{
    const nrbac_profile *profile = standing->profile;
    const nrbac_subject *subject = &request->subject;
    return (nr_kept){
        .expires_at = subject->expires_at,
        .application_ends = request->findings == NULL ? 0
                                                      : request->findings->expires_at,
        .opens_at = profile == NULL ? 0 : profile->opens_at,
        .closes_at = profile == NULL ? 0 : profile->closes_at,
        .valid_until = standing->valid_until,
        .behind = behind,
        .aal = subject->aal,
        .ial = subject->ial,
        .proofing = subject->proofing,
        .type = (uint8_t)subject->type,
        .evidence = (uint8_t)subject->evidence,
        .user_finding = (uint8_t)nr_user_finding(request),
        .application_finding = (uint8_t)nr_application_finding(request),
        .has_profile = profile != NULL,
    };
}

/* Most users' texts fit into a little room, and so are looked at once. */
nr_kept *nr_kept_make(const nrbac_request *request, const nr_standing *standing,
                      int64_t behind)
{
    char room[512];
    writer out = { .to = room, .room = sizeof(room) };
    nr_kept facts = facts_of(request, standing, behind);
    write_all(&out, request, standing->profile, &facts);
    nr_kept *kept = malloc(sizeof(*kept) + out.size);
    if (kept == NULL)
        return NULL;
    *kept = facts;
    if (out.size <= sizeof(room)) {
        memcpy(kept->texts, room, out.size);
    } else {
        out = (writer){ .to = kept->texts, .room = out.size };
        write_all(&out, request, standing->profile, kept);
    }
    return kept;
}

/* ---- Recalling ------------------------------------------------------------------- */

static const char *take_text(const char **at)
{
    const char *text = *at;
    *at += strlen(text) + 1;
    return text;
}

/* One of the single texts; NULL: not kept. */
static const char *single_text(const nr_kept *kept, unsigned number)
{
    if ((kept->present >> number & 1) == 0)
        return NULL;
    const char *at = kept->texts;
    for (unsigned i = 0; i < number; i++)
        if ((kept->present >> i & 1) != 0)
            (void)take_text(&at);
    return at;
}

nrbac_revocation nr_kept_names(const nr_kept *kept)
{
    return (nrbac_revocation){ .sid = single_text(kept, TEXT_SID),
                               .sub = single_text(kept, TEXT_SUB),
                               .role_profile = single_text(kept, TEXT_PROFILE) };
}

const char *nr_kept_nhs_number(const nr_kept *kept)
{
    return single_text(kept, TEXT_NHS_NUMBER);
}

size_t nr_kept_workgroups(const nr_kept *kept)
{
    return kept->counts[2];
}

int64_t nr_kept_valid_until(const nr_kept *kept)
{
    return kept->valid_until;
}

int64_t nr_kept_expiry(const nr_kept *kept)
{
    if (kept->valid_until == 0 || kept->valid_until > NR_LAST_SECOND)
        return kept->valid_until;
    int64_t expiry = kept->valid_until + kept->behind;
    return expiry > 0 ? expiry : 1;
}

int64_t nr_kept_time(const nr_kept *kept, int64_t clock)
{
    return clock - kept->behind;
}

uint64_t nr_kept_circumstances(const nr_kept *kept)
{
    return atomic_load_explicit(&kept->circumstances, memory_order_relaxed);
}

void nr_kept_name_circumstances(nr_kept *kept, uint64_t number)
{
    atomic_store_explicit(&kept->circumstances, number, memory_order_relaxed);
}

static const char *const *take_list(nr_arena *arena, const char **at, uint32_t count,
                                    bool *failed)
{
    if (count == 0)
        return NULL;
    const char **list = nr_arena_new_array(arena, count, const char *);
    *failed |= list == NULL;
    for (uint32_t i = 0; list != NULL && i < count; i++)
        list[i] = take_text(at);
    return list;
}

static void recall_texts(const nr_kept *kept, const char **at, nr_recalled *recalled)
{
    for (unsigned rest = kept->present; rest != 0; rest &= rest - 1) {
        unsigned i = (unsigned)__builtin_ctz(rest);
        const char *text = take_text(at);
        char *record = i < TEXT_PROFILE ? (char *)&recalled->request + request_texts[i]
                                        : (char *)&recalled->profile +
                                              profile_texts[i - TEXT_PROFILE];
        memcpy(record, &text, sizeof(text));
    }
}

nrbac_status nr_kept_recall(const nr_kept *kept, nr_arena *arena, nr_recalled *recalled)
{
    *recalled = (nr_recalled){
        .findings = { .user = (nrbac_finding)kept->user_finding,
                      .application = (nrbac_finding)kept->application_finding,
                      .expires_at = kept->application_ends },
        .profile = { .opens_at = kept->opens_at, .closes_at = kept->closes_at },
    };
    nrbac_request *request = &recalled->request;
    if (kept->user_finding != NRBAC_ASSERTED ||
        kept->application_finding != NRBAC_ASSERTED || kept->application_ends != 0)
        request->findings = &recalled->findings; /* else nothing was checked */
    request->subject.type = (nrbac_subject_type)kept->type;
    request->subject.evidence = (nrbac_evidence)kept->evidence;
    request->subject.expires_at = kept->expires_at;
    request->subject.aal = kept->aal;
    request->subject.ial = kept->ial;
    request->subject.proofing = kept->proofing;
    request->subject.profiles = &recalled->profile;
    request->subject.profile_count = kept->has_profile ? 1 : 0;

    bool failed = false;
    const char *at = kept->texts;
    nrbac_profile *profile = &recalled->profile;
    recall_texts(kept, &at, recalled);
    profile->area_of_work_count = kept->counts[0];
    profile->areas_of_work = take_list(arena, &at, kept->counts[0], &failed);
    profile->activity_count = kept->counts[1];
    profile->activities = take_list(arena, &at, kept->counts[1], &failed);
    profile->workgroup_count = kept->counts[2];
    profile->workgroups = take_list(arena, &at, kept->counts[2], &failed);
    return failed ? NRBAC_E_MEMORY : NRBAC_OK;
}

nrbac_status nr_held_make(nr_arena *arena, nr_arena *scratch, const nr_policy *policy,
                          const nr_kept *kept, int64_t clock, nr_held *held)
{
    nr_recalled recalled;
    NR_TRY(nr_kept_recall(kept, scratch, &recalled));
    nr_standing standing = nr_stand(&recalled.request,
                                    policy->table.header->roleless_additional != 0,
                                    nr_kept_time(kept, clock));
    held->reason = standing.reason;
    if (standing.reason != NRBAC_REASON_OPENED)
        return NRBAC_OK;
    held->facts = nr_facts_of(&recalled.request, &standing);
    NR_TRY(nr_holding_make(arena, &policy->table, &held->facts, &held->holding));
    held->facts.areas_of_work = NULL; /* in scratch memory, and in the holding by now */
    held->facts.activities = NULL;
    held->facts.workgroups = NULL;
    held->facts.area_of_work_count = 0;
    held->facts.activity_count = 0;
    held->facts.workgroup_count = 0;
    return NRBAC_OK;
}
