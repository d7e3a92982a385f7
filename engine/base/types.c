/* SPDX-License-Identifier: Apache-2.0 */
#include <nrbac/types.h>

const char *nrbac_status_text(nrbac_status status)
{
    switch (status) {
#define NRBAC_STATUS(number, name, text) \
    case NRBAC_##name:                   \
        return text;
#include <nrbac/status.def>
#undef NRBAC_STATUS
    }
    return "unknown status";
}

const char *nrbac_effect_slug(nrbac_effect effect)
{
    switch (effect) {
#define NRBAC_EFFECT(number, name, slug) \
    case NRBAC_##name:                   \
        return slug;
#include <nrbac/effect.def>
#undef NRBAC_EFFECT
    }
    return "deny";
}

const char *nrbac_reason_slug(nrbac_reason reason)
{
    switch (reason) {
#define NRBAC_REASON(number, name, slug, effect, message, doc) \
    case NRBAC_REASON_##name:                                  \
        return slug;
#include <nrbac/reason.def>
#undef NRBAC_REASON
    }
    return "unknown-reason";
}

const char *nrbac_reason_doc(nrbac_reason reason)
{
    switch (reason) {
#define NRBAC_REASON(number, name, slug, effect, message, doc) \
    case NRBAC_REASON_##name:                                  \
        return doc;
#include <nrbac/reason.def>
#undef NRBAC_REASON
    }
    return "A reason that this release does not know.";
}

nrbac_effect nrbac_reason_effect(nrbac_reason reason)
{
    switch (reason) {
#define NRBAC_REASON(number, name, slug, effect, message, doc) \
    case NRBAC_REASON_##name:                                  \
        return NRBAC_##effect;
#include <nrbac/reason.def>
#undef NRBAC_REASON
    }
    return NRBAC_DENY;
}

const char *nrbac_version(void)
{
    return NRBAC_VERSION;
}
