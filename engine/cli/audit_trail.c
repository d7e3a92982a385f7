/* SPDX-License-Identifier: Apache-2.0 */
#include "base/codes.h"
#include "base/time.h"
#include "cli/audit.h"
#include "text/diag.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

nr_exit nr_audit_open(const nr_arguments *arguments, nr_reader **out)
{
    const char *path = nr_operand(arguments, 0);
    nrbac_error error = { "" };
    *out = NULL;
    nr_trail_status status = nr_reader_open(path, out, &error);
    if (status == NR_TRAIL_OK)
        return NR_EXIT_OK;
    if (status == NR_TRAIL_MEMORY)
        return nr_say_memory();
    return nr_say_system("cannot read the trail `%s`: %s", path,
                         error.text[0] != '\0' ? error.text
                                               : nr_trail_status_text(status));
}

nr_exit nr_audit_failed(const nr_arguments *arguments, const nr_reader *reader,
                        nr_trail_status status)
{
    const char *why = nr_reader_error(reader);
    if (status == NR_TRAIL_MEMORY)
        return nr_say_memory();
    return nr_say_system("cannot read the trail `%s`: %s", nr_operand(arguments, 0),
                         *why != '\0' ? why : nr_trail_status_text(status));
}

static bool read_number(const char *text, uint64_t *number)
{
    char *end;
    errno = 0;
    unsigned long long read = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0)
        return false;
    *number = read;
    return true;
}

nr_exit nr_audit_seq(const nr_arguments *arguments, size_t index, uint64_t *seq)
{
    const char *text = nr_operand(arguments, index);
    if (read_number(text, seq) && *seq != 0)
        return NR_EXIT_OK;
    return nr_say_usage(arguments->command,
                        "a record is named by its number, from 1, not `%s`", text);
}

nr_exit nr_audit_number(const nr_arguments *arguments, const char *option,
                        uint64_t *number)
{
    const char *text = nr_option_value(arguments, option);
    if (text == NULL || read_number(text, number))
        return NR_EXIT_OK;
    return nr_say_usage(arguments->command, "`--%s` is a number, not `%s`", option,
                        text);
}

nr_exit nr_audit_moment(const nr_arguments *arguments, const char *option,
                        int64_t *given)
{
    const char *text = nr_option_value(arguments, option);
    int64_t seconds = 0;
    *given = 0;
    if (text == NULL)
        return NR_EXIT_OK;
    if (!nr_time_read(text, &seconds) && !nr_date_read(text, &seconds)) {
        return nr_say_usage(arguments->command,
                            "`--%s` is a time in UTC, as 2026-11-23T09:00:00Z, or a "
                            "day, as 2026-11-23, not `%s`",
                            option, text);
    }
    /* 0 would be no bound at all. */
    *given = seconds > 0 ? seconds * NR_SECOND : 1;
    return NR_EXIT_OK;
}

nr_exit nr_audit_key(const nr_arguments *arguments, uint8_t key[NR_PUBLIC_KEY_SIZE],
                     const uint8_t **expected)
{
    const char *hex = nr_option_value(arguments, "key");
    *expected = NULL;
    if (hex == NULL)
        return NR_EXIT_OK;
    *expected = key;
    if (nr_hex_read(hex, NR_PUBLIC_KEY_SIZE, key))
        return NR_EXIT_OK;
    return nr_say_usage(arguments->command, "`--key` is 64 hex digits, not `%s`", hex);
}

/* ---- Filters ------------------------------------------------------------------------- */

static const nrbac_effect effects[] = {
#define NRBAC_EFFECT(number, name, slug) NRBAC_##name,
#include <nrbac/effect.def>
#undef NRBAC_EFFECT
};
static const nrbac_reason reasons[] = {
#define NRBAC_REASON(number, name, slug, effect, message, doc) NRBAC_REASON_##name,
#include <nrbac/reason.def>
#undef NRBAC_REASON
};

static void read_effect(const nr_arguments *arguments, nr_filter *filter)
{
    const char *slug = nr_option_value(arguments, "effect");
    for (size_t i = 0; slug != NULL && i < NR_COUNT(effects); i++) {
        if (strcmp(nrbac_effect_slug(effects[i]), slug) != 0)
            continue;
        filter->by_effect = true;
        filter->effect = effects[i];
    }
}

static nr_exit read_reason(const nr_arguments *arguments, nr_filter *filter)
{
    const char *slug = nr_option_value(arguments, "reason");
    const char *slugs[NR_COUNT(reasons)];
    if (slug == NULL)
        return NR_EXIT_OK;
    filter->by_reason = true;
    for (size_t i = 0; i < NR_COUNT(reasons); i++) {
        filter->reason = reasons[i];
        slugs[i] = nrbac_reason_slug(reasons[i]);
        if (strcmp(slugs[i], slug) == 0)
            return NR_EXIT_OK;
    }
    const char *nearest = nr_nearest_name(slug, slugs, NR_COUNT(reasons));
    nr_exit end = nr_say_usage(arguments->command, "there is no reason `%s`", slug);
    if (nearest != NULL)
        nr_say_help("did you mean `%s`?", nearest);
    return end;
}

static nr_exit read_event(const nr_arguments *arguments, nr_filter *filter)
{
    const char *slug = nr_option_value(arguments, "event");
    if (slug == NULL)
        return NR_EXIT_OK;
    filter->event = nr_event_of(slug);
    if (filter->event != NR_EVENT_NONE)
        return NR_EXIT_OK;
    return nr_say_usage(arguments->command,
                        "there is no event `%s`; `nrbac audit stats` tells which there "
                        "are",
                        slug);
}

/* Both mean the name that was asked for; so that a slip is no empty answer, an
 * activity is a code. */
static nr_exit read_action(const nr_arguments *arguments, nr_filter *filter)
{
    const char *activity = nr_option_value(arguments, "activity");
    const char *function = nr_option_value(arguments, "function");
    if (activity != NULL && function != NULL)
        return nr_say_usage(arguments->command,
                            "a record asks for one name: give --activity or "
                            "--function");
    if (activity != NULL && !nr_code_names_activity(activity, strlen(activity)))
        return nr_say_usage(arguments->command,
                            "`%s` is no activity code; a function is --function",
                            activity);
    filter->action = activity != NULL ? activity : function;
    return NR_EXIT_OK;
}

nr_exit nr_audit_filter(const nr_arguments *arguments, nr_filter *filter)
{
    *filter = (nr_filter){
        .user = nr_option_value(arguments, "user"),
        .role = nr_option_value(arguments, "role"),
        .role_profile = nr_option_value(arguments, "role-profile"),
        .organisation = nr_option_value(arguments, "organisation"),
        .application = nr_option_value(arguments, "application"),
        .api = nr_option_value(arguments, "api"),
        .patient = nr_option_value(arguments, "patient"),
    };
    read_effect(arguments, filter);
    nr_exit end = read_reason(arguments, filter);
    if (end == NR_EXIT_OK)
        end = read_event(arguments, filter);
    if (end == NR_EXIT_OK)
        end = read_action(arguments, filter);
    if (end == NR_EXIT_OK)
        end = nr_audit_moment(arguments, "from", &filter->from);
    if (end == NR_EXIT_OK)
        end = nr_audit_moment(arguments, "to", &filter->to);
    if (end == NR_EXIT_OK)
        end = nr_audit_number(arguments, "after", &filter->after);
    if (end == NR_EXIT_OK)
        end = nr_audit_number(arguments, "limit", &filter->limit);
    return end;
}
