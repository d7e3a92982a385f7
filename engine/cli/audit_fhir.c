/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decision as a FHIR R4 AuditEvent, by the rules of IHE's Basic Audit Log Patterns for
 * an authorisation decision (IHE.BasicAudit.AuthZconsent): a security alert (DCM 110113)
 * of subtype AuthZ-Role, with the authorization server, the application, the user and
 * the organisation as agents, and the patient. schema/audit.md says which rules are met
 * when. One never is: that profile wants the Consent that was decided by, and here roles
 * decide. So it is not claimed.
 *
 * What the record says beside that (sequence, reason, policy, hash) is an extension, and
 * no entity: the profile closes the list of entities, and a server that holds events to
 * it would refuse one that stands for none of its own.
 */
#include "base/base.h"
#include "cli/audit.h"

#include <inttypes.h>
#include <string.h>

#define TERMINOLOGY "http://terminology.hl7.org/CodeSystem/"
#define DICOM       "http://dicom.nema.org/resources/ontology/DCM"

typedef struct writer {
    nrbac_document *document;
    const nr_entry *entry;
    const nr_fhir_origin *origin;
} writer;

static nrbac_value *set(const writer *to, nrbac_value *map, const char *key,
                        nrbac_value *value)
{
    return nrbac_set(to->document, map, key, value);
}

static void set_text(const writer *to, nrbac_value *map, const char *key,
                     const char *text)
{
    if (text != NULL)
        set(to, map, key, nrbac_new_text(to->document, text));
}

static nrbac_value *new_map(const writer *to)
{
    return nrbac_new_map(to->document);
}

static nrbac_value *add(const writer *to, nrbac_value *list)
{
    return nrbac_append(to->document, list, new_map(to));
}

static nrbac_value *set_list(const writer *to, nrbac_value *map, const char *key)
{
    return set(to, map, key, nrbac_new_list(to->document));
}

/* ---- Data types ---------------------------------------------------------------------- */

typedef struct coding {
    const char *system, *code, *display;
} coding;

static void fill_coding(const writer *to, nrbac_value *map, const coding *of)
{
    set_text(to, map, "system", of->system);
    set_text(to, map, "code", of->code);
    set_text(to, map, "display", of->display);
}

static void set_coding(const writer *to, nrbac_value *map, const char *key,
                       const coding *of)
{
    fill_coding(to, set(to, map, key, new_map(to)), of);
}

static void set_concept(const writer *to, nrbac_value *map, const char *key,
                        const coding *of)
{
    nrbac_value *concept = set(to, map, key, new_map(to));
    fill_coding(to, add(to, set_list(to, concept, "coding")), of);
}

/* A reference by identifier or in words: resources there are none. */
typedef struct reference {
    const char *type; /* the resource that it would be */
    const char *kind, *system, *value;
    const char *display;
} reference;

static void set_reference(const writer *to, nrbac_value *map, const char *key,
                          const reference *of)
{
    nrbac_value *made = set(to, map, key, new_map(to));
    set_text(to, made, "type", of->type);
    set_text(to, made, "display", of->display);
    if (of->value == NULL)
        return;
    nrbac_value *identifier = set(to, made, "identifier", new_map(to));
    if (of->kind != NULL)
        set_text(to, set(to, identifier, "type", new_map(to)), "text", of->kind);
    set_text(to, identifier, "system", of->system);
    set_text(to, identifier, "value", of->value);
}

/* Who wrote the trail: the agent that decided, and the source of the event. */
static void set_server(const writer *to, nrbac_value *map, const char *key)
{
    const reference server = { .type = "Device", .value = to->origin->trail };
    set_reference(to, map, key, &server);
}

/* ---- Agents --------------------------------------------------------------------------- */

#define NHS_NUMBER "https://fhir.nhs.uk/Id/nhs-number"

static nrbac_value *add_agent(const writer *to, nrbac_value *agents, const coding *type,
                              bool requestor)
{
    nrbac_value *agent = add(to, agents);
    set_concept(to, agent, "type", type);
    set(to, agent, "requestor", nrbac_new_boolean(to->document, requestor));
    return agent;
}

/* A patient's number is theirs only by what the subject says: a login may look alike. */
static reference refer_to_user(const writer *to, const nr_circumstances *circumstances)
{
    const nrbac_value *subject = NULL;
    const char *who = circumstances->who, *user = circumstances->user;
    reference made = { .value = user };
    if (who == NULL ||
        nrbac_json_read(to->document, who, strlen(who), &subject, NULL) != NRBAC_OK)
        return made;
    const char *type = nrbac_value_text(nrbac_value_find(subject, "type"));
    const char *number = nrbac_value_text(nrbac_value_find(subject, "nhs_number"));
    if (type != NULL && strcmp(type, "healthcare-worker") == 0) {
        made.type = "Practitioner";
        made.system = "https://fhir.nhs.uk/Id/sds-user-id";
    } else if (type != NULL && strcmp(type, "patient") == 0) {
        made.type = "Patient";
        if (number != NULL && strcmp(number, user) == 0 && user[0] != '~')
            made.system = NHS_NUMBER;
    }
    if (strcmp(user, "=") == 0)
        made = (reference){ .type = made.type,
                            .display = "a patient whose number is not kept" };
    return made;
}

static void add_user(const writer *to, nrbac_value *agents,
                     const nr_circumstances *circumstances)
{
    static const coding user = { TERMINOLOGY "v3-ParticipationType", "IRCP",
                                 "information recipient" };
    if (circumstances->user == NULL)
        return;
    const reference who = refer_to_user(to, circumstances);
    nrbac_value *agent = add_agent(to, agents, &user, true);
    set_reference(to, agent, "who", &who);
    if (circumstances->role == NULL)
        return;
    bool national = circumstances->role[0] == 'R';
    coding role = { national
                        ? "https://fhir.hl7.org.uk/CodeSystem/UKCore-SDSJobRoleName"
                        : NULL,
                    circumstances->role, NULL };
    nrbac_value *concept = add(to, set_list(to, agent, "role"));
    fill_coding(to, add(to, set_list(to, concept, "coding")), &role);
}

/* The peers of a Unix socket are on the machine that it is on. */
static void set_network(const writer *to, nrbac_value *agent)
{
    if (to->origin->site == NULL)
        return;
    nrbac_value *network = set(to, agent, "network", new_map(to));
    set_text(to, network, "address", to->origin->site);
    set_text(to, network, "type", "1"); /* a machine's name */
}

/* The application, or else the user id that the kernel knows of whoever asked. */
static void add_client(const writer *to, nrbac_value *agents,
                       const nr_circumstances *circumstances)
{
    static const coding client = { DICOM, "110150", "Application" };
    char uid[16];
    reference who = { .type = "Device", .value = circumstances->application };
    if (who.value == NULL && !circumstances->peer.known)
        return;
    if (who.value == NULL) {
        (void)snprintf(uid, sizeof(uid), "%" PRIu32, circumstances->peer.uid);
        who.kind = "uid";
        who.value = uid;
    }
    nrbac_value *agent = add_agent(to, agents, &client, circumstances->user == NULL);
    set_reference(to, agent, "who", &who);
    if (circumstances->peer.known)
        set_network(to, agent);
}

static void add_organisation(const writer *to, nrbac_value *agents,
                             const nr_circumstances *circumstances)
{
    static const coding organisation = { TERMINOLOGY "v3-RoleClass", "PROV",
                                         "healthcare provider" };
    const reference who = { .type = "Organization",
                            .system = "https://fhir.nhs.uk/Id/ods-organization-code",
                            .value = circumstances->organisation };
    if (who.value != NULL)
        set_reference(to, add_agent(to, agents, &organisation, false), "who", &who);
}

static void add_agents(const writer *to, nrbac_value *event)
{
    static const coding authorizer = { TERMINOLOGY "extra-security-role-type",
                                       "authserver", "authorization server" };
    const nr_circumstances *circumstances = to->entry->record.circumstances;
    nrbac_value *agents = set_list(to, event, "agent");
    set_server(to, add_agent(to, agents, &authorizer, false), "who");
    if (circumstances == NULL)
        return;
    add_user(to, agents, circumstances);
    add_client(to, agents, circumstances);
    add_organisation(to, agents, circumstances);
}

/* ---- The patient ------------------------------------------------------------------------ */

/* A number as it is, a name that stands for one, or whether it is the user's own. */
static reference refer_to_patient(const char *patient)
{
    reference made = { .type = "Patient", .value = patient };
    if (strcmp(patient, "=") == 0)
        made = (reference){ .type = "Patient", .display = "the user" };
    else if (strcmp(patient, "#") == 0)
        made = (reference){ .type = "Patient",
                            .display = "somebody else than the user" };
    else if (strlen(patient) == 10 && strspn(patient, "0123456789") == 10)
        made.system = NHS_NUMBER;
    return made;
}

static void add_patient(const writer *to, nrbac_value *event)
{
    static const coding person = { TERMINOLOGY "audit-entity-type", "1", "Person" };
    static const coding patient = { TERMINOLOGY "object-role", "1", "Patient" };
    const char *named = to->entry->record.patient;
    if (named == NULL)
        return;
    const reference what = refer_to_patient(named);
    nrbac_value *entity = add(to, set_list(to, event, "entity"));
    set_reference(to, entity, "what", &what);
    set_coding(to, entity, "type", &person);
    set_coding(to, entity, "role", &patient);
}

/* ---- The record --------------------------------------------------------------------------- */

static void add_detail(const writer *to, nrbac_value *details, const char *url,
                       const char *text)
{
    if (text == NULL)
        return;
    nrbac_value *detail = add(to, details);
    set_text(to, detail, "url", url);
    set_text(to, detail, "valueString", text);
}

static void add_details(const writer *to, nrbac_value *event)
{
    const nr_record *record = &to->entry->record;
    const nr_circumstances *circumstances = record->circumstances;
    char number[24], hex[NR_DIGEST_HEX];
    nrbac_value *extension = add(to, set_list(to, event, "extension"));
    set_text(to, extension, "url", "urn:nrbac:audit-record");
    nrbac_value *details = set_list(to, extension, "extension");
    (void)snprintf(number, sizeof(number), "%" PRIu64, to->entry->seq);
    add_detail(to, details, "sequence", number);
    add_detail(to, details, "event", nr_event_slug(record->event));
    add_detail(to, details, "effect",
               nrbac_effect_slug(nrbac_reason_effect(record->reason)));
    add_detail(to, details, "reason", nrbac_reason_slug(record->reason));
    add_detail(to, details, "action", record->action);
    add_detail(to, details, "api", record->api);
    add_detail(to, details, "resource", record->resource);
    add_detail(to, details, "obligations", record->obligations);
    if (circumstances != NULL) {
        add_detail(to, details, "role-profile", circumstances->role_profile);
        add_detail(to, details, "asserted", circumstances->asserted ? "true" : NULL);
    }
    if (record->generation != 0) {
        nr_hex_write(record->policy, NR_DIGEST_SIZE, hex);
        add_detail(to, details, "policy", hex);
    }
    nr_hex_write(to->entry->hash, NR_DIGEST_SIZE, hex);
    add_detail(to, details, "hash", hex);
}

/* ---- The event ---------------------------------------------------------------------------- */

static const char *outcome_of(nrbac_effect effect)
{
    switch (effect) {
    case NRBAC_PERMIT:
        return "0"; /* success */
    case NRBAC_INDETERMINATE:
        return "4"; /* minor failure: it may be asked again, as with a role chosen */
    case NRBAC_DENY:
    case NRBAC_NOT_APPLICABLE:
        break;
    }
    return "8"; /* serious failure */
}

static void set_source(const writer *to, nrbac_value *event)
{
    static const coding server = { TERMINOLOGY "security-source-type", "6",
                                   "Security Server" };
    nrbac_value *source = set(to, event, "source", new_map(to));
    set_text(to, source, "site", to->origin->site);
    set_server(to, source, "observer");
    fill_coding(to, add(to, set_list(to, source, "type")), &server);
}

nrbac_value *nr_audit_fhir(nrbac_document *document, const nr_entry *entry,
                           const nr_fhir_origin *origin)
{
    static const coding alert = { DICOM, "110113", "Security Alert" };
    static const coding decision = {
        "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType", "AuthZ-Role",
        "Authorization Decision using only Roles"
    };
    const writer to = { document, entry, origin };
    const nr_record *record = &entry->record;
    char id[NR_TRAIL_ID_HEX + 24], stamp[NR_STAMP_SIZE];
    nrbac_value *event = nrbac_new_map(document);
    (void)snprintf(id, sizeof(id), "%s-%" PRIu64, origin->trail, entry->seq);
    nr_audit_stamp(record->at, stamp);
    set_text(&to, event, "resourceType", "AuditEvent");
    set_text(&to, event, "id", id);
    add_details(&to, event);
    set_coding(&to, event, "type", &alert);
    fill_coding(&to, add(&to, set_list(&to, event, "subtype")), &decision);
    set_text(&to, event, "action", "E");
    set_text(&to, event, "recorded", stamp);
    set_text(&to, event, "outcome", outcome_of(nrbac_reason_effect(record->reason)));
    set_text(&to, event, "outcomeDesc", nrbac_reason_doc(record->reason));
    add_agents(&to, event);
    set_source(&to, event);
    add_patient(&to, event);
    return nrbac_document_status(document) == NRBAC_OK ? event : NULL;
}
