/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A decision as a FHIR R4 AuditEvent, after IHE's Basic Audit Log Patterns: a security
 * alert (DCM 110113) of subtype AuthZ-Role, with the authorization server, the
 * application, the user and the organisation as agents. Those patterns ask for a patient
 * and a consent where consents decide; here roles alone do, so a patient stands in it
 * only if the trail has one, and no profile is claimed.
 */
#include "base/base.h"
#include "cli/audit.h"

#include <inttypes.h>
#include <string.h>

#define TERMINOLOGY "http://terminology.hl7.org/CodeSystem/"

typedef struct writer {
    nrbac_document *document;
    const nr_entry *entry;
    const char *trail;
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

/* A reference by identifier alone. */
static void set_reference(const writer *to, nrbac_value *map, const char *key,
                          const char *system, const char *value)
{
    nrbac_value *identifier = set(to, set(to, map, key, new_map(to)), "identifier",
                                  new_map(to));
    set_text(to, identifier, "system", system);
    set_text(to, identifier, "value", value);
}

/* ---- Agents --------------------------------------------------------------------------- */

static nrbac_value *add_agent(const writer *to, nrbac_value *agents, const coding *type,
                              bool requestor)
{
    nrbac_value *agent = add(to, agents);
    set_concept(to, agent, "type", type);
    set(to, agent, "requestor", nrbac_new_boolean(to->document, requestor));
    return agent;
}

static bool is_worker(const writer *to, const char *who)
{
    const nrbac_value *subject = NULL;
    if (who == NULL ||
        nrbac_json_read(to->document, who, strlen(who), &subject, NULL) != NRBAC_OK)
        return false;
    const char *type = nrbac_value_text(nrbac_value_find(subject, "type"));
    return type != NULL && strcmp(type, "healthcare-worker") == 0;
}

static void add_user(const writer *to, nrbac_value *agents,
                     const nr_circumstances *circumstances)
{
    static const coding user = { TERMINOLOGY "v3-ParticipationType", "IRCP",
                                 "information recipient" };
    nrbac_value *agent = add_agent(to, agents, &user, true);
    set_reference(
        to, agent, "who",
        is_worker(to, circumstances->who) ? "https://fhir.nhs.uk/Id/sds-user-id" : NULL,
        circumstances->user);
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

static void add_agents(const writer *to, nrbac_value *event)
{
    static const coding authorizer = { TERMINOLOGY "extra-security-role-type",
                                       "authserver", "authorization server" };
    static const coding client = { "http://dicom.nema.org/resources/ontology/DCM",
                                   "110150", "Application" };
    static const coding organisation = { TERMINOLOGY "v3-RoleClass", "PROV",
                                         "healthcare provider" };
    const nr_circumstances *circumstances = to->entry->record.circumstances;
    nrbac_value *agents = set_list(to, event, "agent");
    nrbac_value *agent = add_agent(to, agents, &authorizer, false);
    set_reference(to, agent, "who", NULL, to->trail);
    if (circumstances == NULL)
        return;
    if (circumstances->user != NULL)
        add_user(to, agents, circumstances);
    if (circumstances->application != NULL) {
        agent = add_agent(to, agents, &client, circumstances->user == NULL);
        set_reference(to, agent, "who", NULL, circumstances->application);
    }
    if (circumstances->organisation != NULL) {
        agent = add_agent(to, agents, &organisation, false);
        set_reference(to, agent, "who", "https://fhir.nhs.uk/Id/ods-organization-code",
                      circumstances->organisation);
    }
}

/* ---- Entities --------------------------------------------------------------------------- */

static void add_detail(const writer *to, nrbac_value *details, const char *type,
                       const char *text)
{
    if (text == NULL)
        return;
    nrbac_value *detail = add(to, details);
    set_text(to, detail, "type", type);
    set_text(to, detail, "valueString", text);
}

static void add_details(const writer *to, nrbac_value *asked)
{
    const nr_record *record = &to->entry->record;
    const nr_circumstances *circumstances = record->circumstances;
    char number[24], hex[NR_DIGEST_HEX];
    nrbac_value *details = set_list(to, asked, "detail");
    (void)snprintf(number, sizeof(number), "%" PRIu64, to->entry->seq);
    add_detail(to, details, "sequence", number);
    add_detail(to, details, "event", nr_event_slug(record->event));
    add_detail(to, details, "effect",
               nrbac_effect_slug(nrbac_reason_effect(record->reason)));
    add_detail(to, details, "reason", nrbac_reason_slug(record->reason));
    add_detail(to, details, "api", record->api);
    add_detail(to, details, "resource", record->resource);
    add_detail(to, details, "obligations", record->obligations);
    if (circumstances != NULL)
        add_detail(to, details, "role-profile", circumstances->role_profile);
    if (record->generation != 0) {
        nr_hex_write(record->policy, NR_DIGEST_SIZE, hex);
        add_detail(to, details, "policy", hex);
    }
    nr_hex_write(to->entry->hash, NR_DIGEST_SIZE, hex);
    add_detail(to, details, "hash", hex);
}

/* A number as it is, a name that stands for one, or whether it is the user's own. */
static void set_patient(const writer *to, nrbac_value *entity, const char *patient)
{
    bool plain = strlen(patient) == 10 && strspn(patient, "0123456789") == 10;
    if (strcmp(patient, "=") == 0 || strcmp(patient, "#") == 0)
        set_text(to, set(to, entity, "what", new_map(to)), "display",
                 patient[0] == '=' ? "the user" : "somebody else than the user");
    else
        set_reference(to, entity, "what",
                      plain ? "https://fhir.nhs.uk/Id/nhs-number" : NULL, patient);
}

static void add_entities(const writer *to, nrbac_value *event)
{
    static const coding object = { TERMINOLOGY "audit-entity-type", "2",
                                   "System Object" };
    static const coding security = { TERMINOLOGY "object-role", "13",
                                     "Security Resource" };
    static const coding person = { TERMINOLOGY "audit-entity-type", "1", "Person" };
    static const coding patient = { TERMINOLOGY "object-role", "1", "Patient" };
    const nr_record *record = &to->entry->record;
    nrbac_value *entities = set_list(to, event, "entity");
    nrbac_value *asked = add(to, entities);
    set_coding(to, asked, "type", &object);
    set_coding(to, asked, "role", &security);
    set_text(to, asked, "name", record->action == NULL ? "session" : record->action);
    add_details(to, asked);
    if (record->patient == NULL)
        return;
    nrbac_value *about = add(to, entities);
    set_patient(to, about, record->patient);
    set_coding(to, about, "type", &person);
    set_coding(to, about, "role", &patient);
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
    set_reference(to, source, "observer", NULL, to->trail);
    fill_coding(to, add(to, set_list(to, source, "type")), &server);
}

nrbac_value *nr_audit_fhir(nrbac_document *document, const nr_entry *entry,
                           const char *trail)
{
    static const coding alert = { "http://dicom.nema.org/resources/ontology/DCM",
                                  "110113", "Security Alert" };
    static const coding decision = {
        "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType", "AuthZ-Role",
        "Authorization Decision using only Roles"
    };
    const writer to = { document, entry, trail };
    const nr_record *record = &entry->record;
    char id[NR_TRAIL_ID_HEX + 24], stamp[NR_STAMP_SIZE];
    nrbac_value *event = nrbac_new_map(document);
    (void)snprintf(id, sizeof(id), "%s-%" PRIu64, trail, entry->seq);
    nr_audit_stamp(record->at, stamp);
    set_text(&to, event, "resourceType", "AuditEvent");
    set_text(&to, event, "id", id);
    set_coding(&to, event, "type", &alert);
    fill_coding(&to, add(&to, set_list(&to, event, "subtype")), &decision);
    set_text(&to, event, "action", "E");
    set_text(&to, event, "recorded", stamp);
    set_text(&to, event, "outcome", outcome_of(nrbac_reason_effect(record->reason)));
    set_text(&to, event, "outcomeDesc", nrbac_reason_doc(record->reason));
    add_agents(&to, event);
    set_source(&to, event);
    add_entities(&to, event);
    return nrbac_document_status(document) == NRBAC_OK ? event : NULL;
}
