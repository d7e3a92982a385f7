/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The public face. The lock is held to take or swap a pointer, never while anything is
 * read or verified.
 */
#include "verify/verifier.h"

#include "base/time.h"
#include "verify/present.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- What is in force ------------------------------------------------------------- */

static int64_t milliseconds(void)
{
    struct timespec now = { 0 };
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* One thread looks at a time; the others work on with what there is. */
static nr_snapshot *begin_look(nrbac_verifier *verifier, bool look_now, bool *looks)
{
    int64_t now = milliseconds();
    (void)pthread_mutex_lock(&verifier->lock);
    nr_snapshot *snapshot = verifier->snapshot == NULL
                                ? NULL
                                : nr_snapshot_ref(verifier->snapshot);
    *looks = snapshot != NULL && !verifier->looking &&
             (look_now || now - verifier->looked_at >= verifier->look_every);
    if (*looks) {
        verifier->looking = true;
        verifier->looked_at = now;
    }
    (void)pthread_mutex_unlock(&verifier->lock);
    return snapshot;
}

/* Takes `next` over, and gives up the snapshot that was looked at. What was reopened
 * meanwhile is newer than both. */
static nr_snapshot *end_look(nrbac_verifier *verifier, nr_snapshot *looked_at,
                             nr_snapshot *next)
{
    nr_snapshot *old = NULL;
    (void)pthread_mutex_lock(&verifier->lock);
    verifier->looking = false;
    if (next != NULL && verifier->snapshot == looked_at) {
        old = verifier->snapshot;
        verifier->snapshot = nr_snapshot_ref(next);
    }
    nr_snapshot *current = nr_snapshot_ref(verifier->snapshot);
    (void)pthread_mutex_unlock(&verifier->lock);
    nr_snapshot_unref(old);
    nr_snapshot_unref(next);
    nr_snapshot_unref(looked_at);
    return current;
}

nr_snapshot *nr_verifier_take(nrbac_verifier *verifier, bool look_now)
{
    bool looks = false;
    nr_snapshot *snapshot = begin_look(verifier, look_now, &looks);
    return looks ? end_look(verifier, snapshot, nr_snapshot_look(snapshot)) : snapshot;
}

/* ---- Reading ------------------------------------------------------------------------ */

/* Neither a key nor its hash is shorter. */
enum { SECRET_SIZE_MIN = 16, SHOWN_SIZE = 4 };

static bool is_our_word(const char *text, size_t size)
{
    static const char *const words[] = { "client_assertion" };
    for (size_t i = 0; i < NR_COUNT(words); i++)
        if (strlen(words[i]) == size && memcmp(words[i], text, size) == 0)
            return true;
    return false;
}

/* Whether the mistake that is marked begins with this text; a file's name and the
 * address of an issuer may. */
static bool is_marked(const nr_diag *diag, const char *text)
{
    nr_span at = diag->at;
    const char *source = at.source == NULL ? NULL : at.source->text;
    if (source == NULL || at.end - at.start < SECRET_SIZE_MIN ||
        diag->code == NR_DIAG_UNUSABLE_FILE || strncmp(text, "https://", 8) == 0)
        return false;
    bool quoted = source[at.start] == '"' || source[at.start] == '\'';
    return at.end - at.start >= (size_t)SECRET_SIZE_MIN + quoted &&
           memcmp(text, source + at.start + quoted, SECRET_SIZE_MIN) == 0;
}

/* A secret may stand in any wrong place: as a key of YAML, as a name, escaped. So every
 * long text that is quoted counts as one, unless it looks like a sentence, a file or an
 * address. What is marked as the mistake counts, whatever it looks like. */
static bool may_be_secret(const nr_diag *diag, const char *text, size_t size)
{
    if (size < SECRET_SIZE_MIN || is_our_word(text, size))
        return false;
    bool plain = true;
    for (size_t i = 0; i < size; i++)
        plain &= text[i] != '/' && text[i] != '.' && text[i] != ' ';
    return plain || is_marked(diag, text);
}

/* The same with the first letters alone of each text in back-quotes that may be a
 * secret. NULL when out of memory. */
static const char *without_secrets(nr_arena *arena, const nr_diag *diag,
                                   const char *message)
{
    const char *quote = strchr(message, '`');
    while (quote != NULL) {
        const char *text = quote + 1;
        size_t size = strcspn(text, "`");
        size_t before = (size_t)(text - message);
        size_t after = before + size;
        if (may_be_secret(diag, text, size)) {
            message = nr_arena_format(arena, "%.*s%.*s...%s", (int)before, message,
                                      SHOWN_SIZE, text, text + size);
            if (message == NULL)
                return NULL;
            after = before + SHOWN_SIZE + strlen("...");
        }
        quote = message[after] == '\0' ? NULL : strchr(message + after + 1, '`');
    }
    return message;
}

static nrbac_status keep_diagnostics(nrbac_verifier *verifier, nr_diags *diags)
{
    nr_diags_sort(diags);
    verifier->diagnostics = nr_arena_new_array(&verifier->told, diags->count + 1,
                                               nrbac_diagnostic);
    verifier->diagnostic_count = 0;
    if (verifier->diagnostics == NULL)
        return NRBAC_E_MEMORY;
    for (size_t i = 0; i < diags->count; i++) {
        nrbac_diagnostic *told = &verifier->diagnostics[i];
        if (!nr_diag_tell(&verifier->told, &diags->items[i], told))
            return NRBAC_E_MEMORY;
        told->source_line = NULL; /* it may hold a hash or, by mistake, a secret */
        told->message = without_secrets(&verifier->told, &diags->items[i],
                                        told->message);
        if (told->message == NULL)
            return NRBAC_E_MEMORY;
        verifier->diagnostic_count++;
    }
    return diags->failed ? NRBAC_E_MEMORY : NRBAC_OK;
}

static nr_snapshot *read_settings(nrbac_verifier *verifier, nr_diags *diags,
                                  nrbac_status *status)
{
    const char *why = NULL;
    const nr_source *source = nr_source_read(&verifier->told, verifier->path,
                                             NR_READ_FOLLOW, &why);
    nr_settings_reading reading = { .diags = { .arena = &verifier->told } };
    nr_snapshot *snapshot = NULL;
    if (source != NULL) {
        nr_settings_read(&reading, source);
        snapshot = nr_snapshot_open(&reading);
        *status = snapshot == NULL ? NRBAC_E_POLICY : NRBAC_OK;
    } else {
        nr_source *absent = nr_arena_new(&verifier->told, nr_source);
        if (absent != NULL)
            *absent = (nr_source){ .origin = verifier->path, .path = verifier->path };
        nr_diag_add(&reading.diags, NR_DIAG_UNUSABLE_FILE, (nr_span){ absent, 0, 0 },
                    "the evidence settings: the file %s", why);
        *status = NRBAC_E_IO;
    }
    *diags = reading.diags;
    return snapshot;
}

nrbac_status nrbac_verifier_reopen(nrbac_verifier *verifier)
{
    nr_diags diags = { 0 };
    nrbac_status status = NRBAC_OK;
    verifier->diagnostics = NULL;
    verifier->diagnostic_count = 0;
    nr_arena_finish(&verifier->told);
    nr_snapshot *next = read_settings(verifier, &diags, &status);
    nrbac_status kept = keep_diagnostics(verifier, &diags);
    if (kept != NRBAC_OK)
        status = kept;
    if (status != NRBAC_OK) {
        nr_snapshot_unref(next);
        return status;
    }
    (void)pthread_mutex_lock(&verifier->lock);
    nr_snapshot *old = verifier->snapshot;
    verifier->snapshot = next;
    verifier->looked_at = milliseconds();
    (void)pthread_mutex_unlock(&verifier->lock);
    nr_snapshot_unref(old);
    return NRBAC_OK;
}

nrbac_status nrbac_verifier_open(const char *path, nrbac_verifier **out)
{
    *out = NULL;
    nrbac_verifier *verifier = calloc(1, sizeof(*verifier));
    char *copy = strdup(path);
    bool locked = verifier != NULL && pthread_mutex_init(&verifier->lock, NULL) == 0;
    if (copy == NULL || !locked || !nr_replay_init(&verifier->replay, NR_REPLAY_MAX)) {
        if (locked)
            (void)pthread_mutex_destroy(&verifier->lock);
        free(copy);
        free(verifier);
        return NRBAC_E_MEMORY;
    }
    verifier->path = copy;
    verifier->look_every = NR_LOOK_EVERY_MS;
    *out = verifier;
    return nrbac_verifier_reopen(verifier);
}

void nrbac_verifier_close(nrbac_verifier *verifier)
{
    if (verifier == NULL)
        return;
    nr_snapshot_unref(verifier->snapshot);
    nr_replay_finish(&verifier->replay);
    nr_arena_finish(&verifier->told);
    (void)pthread_mutex_destroy(&verifier->lock);
    free(verifier->path);
    free(verifier);
}

size_t nrbac_verifier_diagnostic_count(const nrbac_verifier *verifier)
{
    return verifier == NULL ? 0 : verifier->diagnostic_count;
}

const nrbac_diagnostic *nrbac_verifier_diagnostic(const nrbac_verifier *verifier,
                                                  size_t index)
{
    return index < nrbac_verifier_diagnostic_count(verifier)
               ? &verifier->diagnostics[index]
               : NULL;
}

/* ---- Verifying ------------------------------------------------------------------------ */

/* The members that were found sound; none of a user or an application that is refused. */
static bool list_verified(nr_present *present, nrbac_findings *findings)
{
    enum { MOST = NR_USER_TOKEN_COUNT + NR_PROOF_MEMBER_COUNT };
    const char **list = nr_arena_new_array(&present->check.document->arena, MOST,
                                           const char *);
    size_t count = 0;
    if (list == NULL)
        return false;
    for (size_t i = 0; i < NR_USER_TOKEN_COUNT; i++)
        if (present->token_sound[i] && present->user_finding != NRBAC_REFUSED)
            list[count++] = nr_user_token_keys[i];
    for (size_t i = 0; i < NR_PROOF_MEMBER_COUNT; i++)
        if (present->proof_sound[i] && present->application_finding != NRBAC_REFUSED)
            list[count++] = nr_proof_keys[i];
    findings->verified = count == 0 ? NULL : list;
    findings->verified_count = count;
    return true;
}

static bool find_all(nr_present *present, const nrbac_value *request,
                     const nrbac_value **checked, nrbac_findings *findings)
{
    nr_present_read(present, request);
    nr_present_application(present);
    nr_present_user(present);
    nr_present_agree(present);
    nr_present_require_user(present);
    *checked = nr_present_rewrite(present);
    bool listed = list_verified(present, findings);
    findings->user = present->user_finding;
    findings->application = present->application_finding;
    findings->fault = present->check.fault;
    if (present->application_finding == NRBAC_VERIFIED) {
        findings->expires_at = present->check.ends_at;
        findings->grant = present->grant.kind;
    }
    findings->expiring = present->check.expiring.items;
    findings->expiring_count = present->check.expiring.count;
    return listed && !present->check.no_memory;
}

/* Nothing is in force, so nothing can be said of anybody. */
static void refuse_all(const nrbac_value *request, const nrbac_value **checked,
                       nrbac_findings *findings)
{
    *checked = request;
    findings->user = NRBAC_REFUSED;
    findings->application = NRBAC_REFUSED;
    findings
        ->fault = "the evidence settings are not sound, so that nothing is verified";
}

/* By which clock the request is judged. A time that is none is malformed, which the
 * engine says. */
static int64_t now_of(const nrbac_value *request, const nrbac_verify_options *options)
{
    const nrbac_value *context = nrbac_value_find(request, "context");
    const char *time_of = nrbac_value_text(nrbac_value_find(context, "time"));
    int64_t now = options->now == 0 ? (int64_t)time(NULL) : options->now;
    if ((options->flags & NRBAC_VERIFY_REQUEST_TIME) != 0 && time_of != NULL)
        (void)nr_time_read(time_of, &now);
    return now;
}

nrbac_status nrbac_verify(nrbac_verifier *verifier, const nrbac_value *request,
                          const nrbac_verify_options *options, nrbac_document *document,
                          const nrbac_value **checked, nrbac_findings *findings)
{
    static const nrbac_verify_options none = { 0 };
    *checked = NULL;
    *findings = (nrbac_findings){ 0 };
    if (options == NULL)
        options = &none;
    nr_snapshot *snapshot = nr_verifier_take(verifier, false);
    if (snapshot == NULL) {
        refuse_all(request, checked, findings);
        return NRBAC_OK;
    }
    nr_present present = {
        .check = { .snapshot = snapshot,
                   .replay = &verifier->replay,
                   .document = document,
                   .scratch = nrbac_document_create(),
                   .now = now_of(request, options),
                   .flags = options->flags,
                   .occasion = options->occasion },
    };
    bool fine = present.check.scratch != NULL &&
                find_all(&present, request, checked, findings) &&
                nrbac_document_status(document) == NRBAC_OK &&
                nrbac_document_status(present.check.scratch) == NRBAC_OK;
    nrbac_document_destroy(present.check.scratch);
    nr_snapshot_unref(snapshot);
    if (fine)
        return NRBAC_OK;
    *checked = NULL;
    *findings = (nrbac_findings){ .user = NRBAC_REFUSED, .application = NRBAC_REFUSED };
    return NRBAC_E_MEMORY;
}

/* ---- Status ----------------------------------------------------------------------------- */

nrbac_value *nrbac_verifier_status(nrbac_verifier *verifier, nrbac_document *document)
{
    char moment[NR_TIME_SIZE];
    nr_snapshot *snapshot = nr_verifier_take(verifier, true);
    nrbac_value *status = nrbac_new_map(document);
    nrbac_set(document, status, "settings", nrbac_new_text(document, verifier->path));
    if (snapshot != NULL) {
        nr_time_write(snapshot->settings->opened_at, moment);
        nrbac_set(document, status, "opened_at", nrbac_new_text(document, moment));
        nr_snapshot_tell(snapshot, (int64_t)time(NULL), document, status);
    } else {
        nrbac_set(document, status, "opened_at", nrbac_new_null(document));
        nrbac_set(document, status, "files", nrbac_new_list(document));
        nrbac_set(document, status, "expiring", nrbac_new_list(document));
    }
    nr_snapshot_unref(snapshot);
    nrbac_set(document, status, "used_assertions",
              nrbac_new_integer(document, (int64_t)nr_replay_count(&verifier->replay)));
    nrbac_set(document, status, "used_assertions_limit",
              nrbac_new_integer(document, (int64_t)verifier->replay.limit));
    return nrbac_document_status(document) == NRBAC_OK ? status : NULL;
}
