/* SPDX-License-Identifier: Apache-2.0 */
#include "server/callers.h"

#include "server/options.h"

#include <nrbac/nrbac.h>
#include <string.h>

static bool is_peer(const nr_binding *binding, const nr_peer *peer)
{
    if (!peer->known || peer->uid == NR_ID_UNMAPPED || peer->gid == NR_ID_UNMAPPED)
        return false;
    return (!binding->has_uid || binding->uid == peer->uid) &&
           (!binding->has_gid || binding->gid == peer->gid);
}

unsigned nr_caller_flags(const nr_bindings *bindings, bool trust_unbound,
                         const nr_peer *peer, const nrbac_value *request)
{
    const nrbac_value *context = nrbac_value_find(request, "context");
    const nrbac_value *application = nrbac_value_find(context, "application");
    const char *named = nrbac_value_text(nrbac_value_find(application, "id"));
    bool bound = false;      /* the application, to whomever */
    bool bound_here = false; /* the peer, to whichever */
    if (named == NULL)
        return 0;
    for (size_t i = 0; i < bindings->count; i++) {
        const nr_binding *binding = &bindings->items[i];
        bool same = strcmp(binding->application, named) == 0;
        if (same && is_peer(binding, peer))
            return 0;
        bound |= same;
        bound_here |= is_peer(binding, peer);
    }
    if (bound || bound_here)
        return NRBAC_ASK_STRANGER;
    return trust_unbound ? 0 : NRBAC_ASK_UNPROVEN;
}

bool nr_caller_ended_tls(const nr_options *options, const nr_peer *peer)
{
    if (!peer->known || peer->uid == NR_ID_UNMAPPED)
        return false;
    for (size_t i = 0; i < options->bindings.count; i++)
        if (is_peer(&options->bindings.items[i], peer))
            return true;
    return nr_users_have(&options->gateways, peer->uid);
}
