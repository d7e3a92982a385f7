/* SPDX-License-Identifier: Apache-2.0 */
#include "subject/evidence.h"

#include <string.h>

enum { ACTION_MAX = 256 };

/* The shapes of evidence, by the member that brings them. */
typedef struct shape {
    const char *name;
    nrbac_subject_type type; /* whose evidence it is */
    nrbac_evidence evidence;
    nr_evidence_read *read;
} shape;

static const shape shapes[] = {
    { "userinfo", NRBAC_HEALTHCARE_WORKER, NRBAC_EVIDENCE_CIS2, nr_cis2_read },
    { "id_token", NRBAC_HEALTHCARE_WORKER, NRBAC_EVIDENCE_CIS2, nr_cis2_read },
    { "saml", NRBAC_HEALTHCARE_WORKER, NRBAC_EVIDENCE_CIS1, nr_saml_read },
    { "nhs_login", NRBAC_PATIENT, NRBAC_EVIDENCE_NHS_LOGIN, nr_nhs_login_read },
    { "profile", NRBAC_HEALTHCARE_WORKER, NRBAC_EVIDENCE_PROFILE, nr_neutral_read },
};

/* An ID token beside userinfo is the same shape: both come from one sign-in. */
static bool belong_together(const shape *first, const shape *second)
{
    return strcmp(first->name, "userinfo") == 0 &&
           strcmp(second->name, "id_token") == 0;
}

/* The one shape that is there; NULL, with a fault, if it is not one. */
static const shape *find_shape(nr_reader *reader, const nr_place *properties)
{
    const shape *found = NULL;
    for (size_t i = 0; i < NR_COUNT(shapes); i++) {
        nr_place place = nr_place_member(properties, shapes[i].name);
        if (place.value == NULL ||
            (found != NULL && belong_together(found, &shapes[i])))
            continue;
        if (found != NULL) {
            nr_reader_fault_text(
                reader,
                nr_arena_format(reader->arena,
                                "`subject.properties` holds both `%s` and `%s`: "
                                "only one shape of evidence may be given",
                                found->name, shapes[i].name));
            return NULL;
        }
        found = &shapes[i];
    }
    if (found == NULL)
        nr_reader_fault(reader, properties,
                        "holds no evidence: it takes `userinfo`, `id_token`, `saml`, "
                        "`nhs_login` or `profile`");
    return found;
}

static nrbac_subject_type read_type(nr_reader *reader, const nr_place *place)
{
    const char *text = nr_read_text(reader, place);
    if (text == NULL)
        nr_reader_fault(reader, place, "is missing");
    else if (strcmp(text, "healthcare-worker") == 0)
        return NRBAC_HEALTHCARE_WORKER;
    else if (strcmp(text, "patient") == 0)
        return NRBAC_PATIENT;
    else
        nr_reader_fault(reader, place, "is neither `healthcare-worker` nor `patient`");
    return NRBAC_SUBJECT_NONE;
}

/* Evidence of the right person's kind, or a fault that says whose it is. */
static bool fits(nr_reader *reader, const shape *given, const nrbac_subject *subject)
{
    if (given->type == subject->type)
        return true;
    bool patient = subject->type == NRBAC_PATIENT;
    nr_reader_fault_text(
        reader, nr_arena_format(reader->arena,
                                "`subject.properties.%s` is the evidence of a %s, but "
                                "`subject.type` is `%s`",
                                given->name, patient ? "healthcare worker" : "patient",
                                patient ? "patient" : "healthcare-worker"));
    return false;
}

/* An empty proof is none. */
static bool is_there(const nr_place *place)
{
    const char *text = nrbac_value_text(place->value);
    return place->value != NULL && (text == NULL || *text != '\0');
}

/* What was to be checked and was not. The first of the user's is told, or, since it
 * is judged before and read after, the first of the application's. */
static void refuse(nr_reader *reader, const nr_place *place, nrbac_finding *finding,
                   nrbac_findings *unchecked)
{
    if (*finding == NRBAC_REFUSED)
        return;
    *finding = NRBAC_REFUSED;
    unchecked->fault = nr_reader_sentence(
        reader, place,
        "is evidence that nothing here checks: there are no evidence settings");
}

/* A text where claims are expected is a signed token. */
static bool holds_token(nr_reader *reader, const nr_place *properties,
                        nrbac_findings *unchecked)
{
    static const char *const members[] = { "id_token", "userinfo", "nhs_login" };
    for (size_t i = 0; i < NR_COUNT(members); i++) {
        nr_place place = nr_place_member(properties, members[i]);
        if (nrbac_value_kind(place.value) == NRBAC_KIND_TEXT)
            refuse(reader, &place, &unchecked->user, unchecked);
    }
    return unchecked->user == NRBAC_REFUSED;
}

static void read_subject(nr_reader *reader, const nr_place *place,
                         nrbac_subject *subject, nrbac_findings *unchecked)
{
    if (!nr_read_map(reader, place))
        return; /* no user: an unattended system */
    nr_place type = nr_place_member(place, "type");
    subject->type = read_type(reader, &type);

    nr_place id = nr_place_member(place, "id");
    nr_evidence evidence = { nr_place_member(place, "properties"),
                             nr_read_text(reader, &id) };
    if (evidence.properties.value == NULL)
        nr_reader_fault(reader, &evidence.properties, "is missing");
    if (!nr_read_map(reader, &evidence.properties))
        return;
    nr_place choice = nr_place_member(&evidence.properties, "role_profile");
    subject->caller_choice = nr_read_text(reader, &choice);
    const shape *given = find_shape(reader, &evidence.properties);
    if (given == NULL || !fits(reader, given, subject))
        return;
    subject->evidence = given->evidence;
    if (!holds_token(reader, &evidence.properties, unchecked))
        given->read(reader, &evidence, subject);
}

static void read_action(nr_reader *reader, const nr_place *place, bool needed,
                        nrbac_request *request)
{
    nr_read_map(reader, place);
    nr_place name = nr_place_member(place, "name");
    request->action = nr_read_text(reader, &name);
    if (request->action == NULL) {
        if (needed)
            nr_reader_fault(reader, &name, "is missing");
    } else if (request->action[0] == '\0') {
        nr_reader_fault(reader, &name, "is empty");
    } else if (strlen(request->action) > ACTION_MAX) {
        nr_reader_fault(reader, &name, "is longer than 256 bytes");
    }
}

static void read_resource(nr_reader *reader, const nr_place *place,
                          nrbac_request *request)
{
    nr_read_map(reader, place);
    nr_place type = nr_place_member(place, "type");
    const char *kind = nr_read_text(reader, &type);
    nr_place id = nr_place_member(place, "id");
    if (kind != NULL && strcmp(kind, "api") == 0) {
        request->api = nr_read_text(reader, &id);
        if (request->api == NULL)
            nr_reader_fault(reader, &id, "is missing");
    }
    nr_place properties = nr_place_member(place, "properties");
    nr_read_map(reader, &properties);
    nr_place nhs_number = nr_place_member(&properties, "nhs_number");
    request->nhs_number = nr_read_text(reader, &nhs_number);
}

/* The pattern is a word of ours, so another one is a fault. */
static const char *read_pattern(nr_reader *reader, const nr_place *place)
{
    static const char *const slugs[] = {
#define NRBAC_PATTERN(number, NAME, slug, PROOF, USER, aal, doc) slug,
#include <nrbac/pattern.def>
#undef NRBAC_PATTERN
    };
    const char *text = nr_read_text(reader, place);
    for (size_t i = 0; text != NULL && i < NR_COUNT(slugs); i++)
        if (strcmp(text, slugs[i]) == 0)
            return text;
    if (text != NULL)
        nr_reader_fault(reader, place, "is not a security pattern");
    return NULL;
}

static void read_application(nr_reader *reader, const nr_place *place,
                             nr_reading *reading)
{
    static const char *const proofs[] = { "client_assertion", "api_key",
                                          "certificate" };
    nrbac_request *request = &reading->request;
    nr_read_map(reader, place);
    for (size_t i = 0; i < NR_COUNT(proofs); i++) {
        nr_place proof = nr_place_member(place, proofs[i]);
        if (is_there(&proof))
            refuse(reader, &proof, &reading->unchecked.application,
                   &reading->unchecked);
    }
    nr_place id = nr_place_member(place, "id");
    request->application = nr_read_text(reader, &id);
    nr_place way = nr_place_member(place, "authenticated_by");
    request->authenticated_by = nr_read_text(reader, &way);
}

static void read_context(nr_reader *reader, const nr_place *place, nr_reading *reading)
{
    nrbac_request *request = &reading->request;
    nr_read_map(reader, place);
    nr_place token = nr_place_member(place, "access_token");
    if (is_there(&token))
        refuse(reader, &token, &reading->unchecked.application, &reading->unchecked);
    nr_place organisation = nr_place_member(place, "organisation");
    request->organisation = nr_read_text(reader, &organisation);
    nr_place acting_as = nr_place_member(place, "acting_as");
    request->acting_as = nr_read_code(reader, &acting_as);
    nr_place on_behalf_of = nr_place_member(place, "on_behalf_of");
    request->on_behalf_of = nr_read_code(reader, &on_behalf_of);
    nr_place application = nr_place_member(place, "application");
    read_application(reader, &application, reading);
    nr_place authentication = nr_place_member(place, "authentication");
    nr_read_map(reader, &authentication);
    nr_place pattern = nr_place_member(&authentication, "pattern");
    request->pattern = read_pattern(reader, &pattern);
    nr_place time = nr_place_member(place, "time");
    request->time = nr_read_time(reader, &time);
}

nrbac_status nr_request_read(nr_arena *arena, const nrbac_value *document,
                             bool need_action, nr_reading *reading)
{
    nr_reader reader = { .arena = arena };
    nr_place root = { .value = document };
    nrbac_request *request = &reading->request;
    *reading = (nr_reading){ 0 };

    if (nrbac_value_kind(document) != NRBAC_KIND_MAP)
        nr_reader_fault(&reader, &root, "is not a map");
    nr_place subject = nr_place_member(&root, "subject");
    read_subject(&reader, &subject, &request->subject, &reading->unchecked);
    nr_place action = nr_place_member(&root, "action");
    read_action(&reader, &action, need_action, request);
    nr_place resource = nr_place_member(&root, "resource");
    read_resource(&reader, &resource, request);
    nr_place context = nr_place_member(&root, "context");
    read_context(&reader, &context, reading);

    reading->fault = reader.fault;
    return reader.no_memory ? NRBAC_E_MEMORY : NRBAC_OK;
}
