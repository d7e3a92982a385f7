/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An answer as a story: who asked for what, what came of it and by which steps,
 * and where each step was said.
 *
 *   PERMIT granted-by-baseline B0820
 *   Clinical Practitioner Access Role at RBA may View Patient Demographics.
 *
 *     who          R8000 Clinical Practitioner Access Role, at RBA
 *     because      B0825 Amend Patient Demographics (baseline.yaml:12)
 *                  includes B0820 View Patient Demographics (activities.yaml:9)
 */
#include "cli/ask.h"

#include <string.h>

/* Where the story stands: the label is printed once, before its first line. */
typedef struct story_teller {
    FILE *out;
    const char *indent;
    const nrbac_value *context;
} story_teller;

static void begin(const story_teller *teller, const char *label)
{
    fprintf(teller->out, "%s  %-12s ", teller->indent, label);
}

/* A code, with its name where the answer tells it. */
static void print_code(const story_teller *teller, const char *code, const char *name)
{
    if (name == NULL || name[0] == '\0')
        name = nrbac_value_text(
            nrbac_value_find(nrbac_value_find(teller->context, "names"), code));
    fprintf(teller->out, "%s%s%s", code, name == NULL ? "" : " ",
            name == NULL ? "" : name);
}

static void print_place(const story_teller *teller, const nrbac_value *from)
{
    const char *file = nr_text_at(from, "file");
    if (file[0] != '\0')
        fprintf(teller->out, " (%s:%lld)", file,
                (long long)nrbac_value_integer(nrbac_value_find(from, "line")));
}

static void tell_who(const story_teller *teller)
{
    const nrbac_value *profile = nrbac_value_find(teller->context, "profile");
    if (nrbac_value_kind(profile) != NRBAC_KIND_MAP)
        return;
    const char *role = nr_text_at(profile, "role");
    const char *organisation = nr_text_at(profile, "organisation");
    const char *acting = nr_text_at(profile, "acting_organisation");
    const char *id = nr_text_at(profile, "id");
    begin(teller, "who");
    if (role[0] == '\0')
        fputs("no job role", teller->out);
    else
        print_code(teller, role, nr_text_at(profile, "role_name"));
    if (organisation[0] != '\0')
        fprintf(teller->out, ", of %s", organisation);
    if (acting[0] != '\0')
        fprintf(teller->out, ", acting at %s", acting);
    if (id[0] != '\0')
        fprintf(teller->out, ", role profile %s", id);
    fputc('\n', teller->out);
}

static void tell_text(const story_teller *teller, const char *path, const char *label)
{
    const char *text = nr_text_at(teller->context, path);
    if (text[0] == '\0')
        return;
    begin(teller, label);
    fprintf(teller->out, "%s\n", text);
}

/* Of a request to an API: under which pattern it came, and who decided what. Of
 * others it goes without saying. */
static void tell_pattern(const story_teller *teller)
{
    if (nrbac_value_find(teller->context, "pattern") == NULL)
        return;
    const nrbac_value *deciders = nrbac_value_find(teller->context, "decided_by");
    tell_text(teller, "pattern", "pattern");
    for (size_t i = 0; i < nrbac_value_count(deciders); i++) {
        const char *who = nrbac_value_text(nrbac_value_at(deciders, i));
        begin(teller, i == 0 ? "decided by" : "");
        fprintf(teller->out, "%-12s %s\n", nrbac_value_key(deciders, i),
                who == NULL ? "" : who);
    }
}

/* Whether evidence was checked; that of a function's user goes without saying if not. */
static void tell_evidence(const story_teller *teller)
{
    const nrbac_value *evidence = nrbac_value_find(teller->context, "evidence");
    const nrbac_value *verified = nrbac_value_find(evidence, "verified");
    if (verified == NULL && nrbac_value_find(teller->context, "pattern") == NULL)
        return;
    begin(teller, "evidence");
    fprintf(teller->out, "of the user: %s, of the application: %s\n",
            nr_text_at(evidence, "user"), nr_text_at(evidence, "application"));
    for (size_t i = 0; i < nrbac_value_count(verified); i++) {
        begin(teller, i == 0 ? "verified" : "");
        fprintf(teller->out, "%s\n", nrbac_value_text(nrbac_value_at(verified, i)));
    }
}

/* The grant, or an inclusion that follows from it. */
static void print_step(const story_teller *teller, const nrbac_value *step,
                       const char *grant)
{
    if (grant == NULL)
        fputs("includes ", teller->out);
    print_code(teller, nr_text_at(step, "code"), nr_text_at(step, "name"));
    fputs(grant == NULL                      ? ""
          : strcmp(grant, "additional") == 0 ? ", added by the Registration Authority"
                                             : ", by the baseline",
          teller->out);
    print_place(teller, step);
    fputc('\n', teller->out);
}

/* The grant, then each inclusion that follows from it. */
static void tell_steps(const story_teller *teller)
{
    const nrbac_value *steps = nrbac_value_find(teller->context, "steps");
    const char *grant = nr_text_at(teller->context, "granted_by.source");
    for (size_t i = 0; i < nrbac_value_count(steps); i++) {
        begin(teller, i == 0 ? "because" : "");
        print_step(teller, nrbac_value_at(steps, i), i == 0 ? grant : NULL);
    }
}

/* The same below an activity that a requirement asks for. */
static void tell_steps_below(const story_teller *teller, const nrbac_value *one,
                             int depth)
{
    const nrbac_value *steps = nrbac_value_find(one, "steps");
    for (size_t i = 0; i < nrbac_value_count(steps); i++) {
        begin(teller, "");
        fprintf(teller->out, "%*s%s", 6 + 2 * depth, "", i == 0 ? "from " : "");
        print_step(teller, nrbac_value_at(steps, i),
                   i == 0 ? nr_text_at(one, "source") : NULL);
    }
}

static bool holds(const nrbac_value *requirement)
{
    return nrbac_value_boolean(nrbac_value_find(requirement, "holds"));
}

/* "all of", "activity B0825 Amend Patient Demographics", "aal 2". */
static void print_requirement(const story_teller *teller, const nrbac_value *one)
{
    const char *key = nrbac_value_key(one, 0);
    const nrbac_value *operand = nrbac_value_at(one, 0);
    if (key == NULL)
        return;
    fputs(key, teller->out);
    switch (nrbac_value_kind(operand)) {
    case NRBAC_KIND_LIST:
        fputs(" of", teller->out);
        break;
    case NRBAC_KIND_INTEGER:
        fprintf(teller->out, " %lld", (long long)nrbac_value_integer(operand));
        break;
    default:
        if (nrbac_value_text(operand) != NULL) {
            fputc(' ', teller->out);
            print_code(teller, nrbac_value_text(operand), NULL);
        }
        break;
    }
}

/* Each part of a requirement, with whether it holds, the parts below it to its
 * right. Requirements are as deep as policies may be written: 64. */
static void tell_requirement(const story_teller *teller, const nrbac_value *one,
                             int depth)
{
    begin(teller, depth == 0 ? "requires" : "");
    fprintf(teller->out, "%-4s%*s", holds(one) ? "yes" : "no", 2 * depth, "");
    print_requirement(teller, one);
    fputc('\n', teller->out);
    tell_steps_below(teller, one, depth);
    const nrbac_value *parts = nrbac_value_at(one, 0);
    if (nrbac_value_kind(parts) != NRBAC_KIND_LIST)
        return;
    for (size_t i = 0; i < nrbac_value_count(parts); i++)
        tell_requirement(teller, nrbac_value_at(parts, i), depth + 1);
}

/* What permits a function or an operation: its requirement, or that it has none, and
 * where that was said. */
static void tell_grant(const story_teller *teller)
{
    const nrbac_value *grant = nrbac_value_find(teller->context, "granted_by");
    const char *source = nr_text_at(grant, "source");
    bool requirement = strcmp(source, "requirement") == 0;
    if (!requirement && strcmp(source, "operation") != 0)
        return;
    begin(teller, "because");
    fputs(requirement ? "what it requires holds" : "the API asks for nothing more",
          teller->out);
    print_place(teller, grant);
    fputc('\n', teller->out);
}

static void tell_nearest(const story_teller *teller)
{
    const nrbac_value *sets = nrbac_value_find(teller->context, "nearest");
    if (nrbac_value_kind(sets) != NRBAC_KIND_LIST)
        return;
    begin(teller, "nearest");
    if (nrbac_value_count(sets) == 0) {
        fputs("no activity that a Registration Authority could add is enough\n",
              teller->out);
        return;
    }
    fputs("the Registration Authority could add:\n", teller->out);
    for (size_t i = 0; i < nrbac_value_count(sets); i++) {
        const nrbac_value *codes = nrbac_value_at(sets, i);
        begin(teller, "");
        fputs(i == 0 ? "   " : "or ", teller->out);
        for (size_t k = 0; k < nrbac_value_count(codes); k++) {
            if (k > 0)
                fputs(" and ", teller->out);
            const char *code = nrbac_value_text(nrbac_value_at(codes, k));
            print_code(teller, code == NULL ? "" : code, NULL);
        }
        fputc('\n', teller->out);
    }
    const nrbac_value *complete = nrbac_value_find(teller->context, "nearest_complete");
    if (complete != NULL && !nrbac_value_boolean(complete)) {
        begin(teller, "");
        fputs("   (there may be more; the search was cut)\n", teller->out);
    }
}

static void tell_candidates(const story_teller *teller)
{
    const nrbac_value *list = nrbac_value_find(teller->context, "candidates");
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const nrbac_value *one = nrbac_value_at(list, i);
        begin(teller, i == 0 ? "choose among" : "");
        fprintf(teller->out, "%s: ", nr_text_at(one, "id"));
        print_code(teller, nr_text_at(one, "role"), NULL);
        fprintf(teller->out, " of %s, would be %s %s\n",
                nr_text_at(one, "organisation"), nr_text_at(one, "effect"),
                nr_text_at(one, "reason"));
    }
}

static void tell_texts(const story_teller *teller, const char *member,
                       const char *label)
{
    const nrbac_value *list = nrbac_value_find(teller->context, member);
    for (size_t i = 0; i < nrbac_value_count(list); i++) {
        const nrbac_value *item = nrbac_value_at(list, i);
        begin(teller, i == 0 ? label : "");
        if (nrbac_value_text(item) != NULL)
            fprintf(teller->out, "%s\n", nrbac_value_text(item));
        else
            fprintf(teller->out, "%s %s\n", nr_text_at(item, "code"),
                    nr_text_at(item, "value"));
    }
}

static void tell_policy(const story_teller *teller)
{
    const nrbac_value *policy = nrbac_value_find(teller->context, "policy");
    if (nrbac_value_kind(policy) != NRBAC_KIND_MAP)
        return;
    begin(teller, "policy");
    fprintf(teller->out, "%s %s, digest %.12s\n", nr_text_at(policy, "name"),
            nr_text_at(policy, "version"), nr_text_at(policy, "digest"));
}

void nr_answer_print_story(FILE *out, const nrbac_value *answer, const char *indent)
{
    story_teller teller = { out, indent, nrbac_value_find(answer, "context") };
    const char *asked = nr_text_at(teller.context, "asked");
    fprintf(out, "%s%s %s%s%s\n", indent, nr_answer_words(answer),
            nr_text_at(teller.context, "reason"), asked[0] == '\0' ? "" : " ", asked);
    fprintf(out, "%s%s\n\n", indent, nr_text_at(teller.context, "message"));
    tell_who(&teller);
    tell_pattern(&teller);
    tell_evidence(&teller);
    tell_steps(&teller);
    tell_grant(&teller);
    if (nrbac_value_kind(nrbac_value_find(teller.context, "requirement")) ==
        NRBAC_KIND_MAP)
        tell_requirement(&teller, nrbac_value_find(teller.context, "requirement"), 0);
    tell_text(&teller, "fault", "fault");
    tell_candidates(&teller);
    tell_nearest(&teller);
    tell_texts(&teller, "obligations", "obliged to");
    tell_texts(&teller, "warnings", "warning");
    tell_text(&teller, "valid_until", "valid until");
    tell_policy(&teller);
}
