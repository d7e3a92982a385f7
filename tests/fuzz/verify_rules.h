/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What holds of every request that was checked, whatever it presented.
 */
#ifndef VERIFY_RULES_H
#define VERIFY_RULES_H

#include "verify_kit.h"

#include <stdlib.h>
#include <string.h>

static inline void rule(bool holds)
{
    if (!holds)
        abort();
}

static inline bool is_text(const nrbac_value *map, const char *key)
{
    return nrbac_value_kind(nrbac_value_find(map, key)) == NRBAC_KIND_TEXT;
}

/* Nothing that was presented is left in the request. */
static inline void check_gone(const nrbac_value *request)
{
    const nrbac_value *context = nrbac_value_find(request, "context");
    const nrbac_value *application = nrbac_value_find(context, "application");
    const nrbac_value *subject = nrbac_value_find(request, "subject");
    const nrbac_value *properties = nrbac_value_find(subject, "properties");
    rule(nrbac_value_find(context, "access_token") == NULL);
    rule(nrbac_value_find(application, "client_assertion") == NULL);
    rule(nrbac_value_find(application, "api_key") == NULL);
    rule(nrbac_value_find(application, "certificate") == NULL);
    rule(!is_text(properties, "id_token") && !is_text(properties, "userinfo") &&
         !is_text(properties, "nhs_login"));
}

static inline void check_rules(const kit_result *got)
{
    const nrbac_findings *found = &got->findings;
    bool refused = found->user == NRBAC_REFUSED || found->application == NRBAC_REFUSED;
    rule(refused == (found->fault != NULL));
    check_gone(got->checked);
    for (const char *at = found->fault; at != NULL && *at != '\0'; at++)
        rule(*at >= ' ' && *at < 127);
    const nrbac_value *context = nrbac_value_find(got->checked, "context");
    const nrbac_value *application = nrbac_value_find(context, "application");
    if (found->application != NRBAC_VERIFIED)
        return;
    rule(found->verified_count > 0);
    if (nrbac_value_kind(application) == NRBAC_KIND_MAP)
        rule(is_text(application, "id") && is_text(application, "authenticated_by"));
}

#endif
