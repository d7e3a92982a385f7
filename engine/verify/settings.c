/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings as they are asked. How they are read is in settings_read.c.
 */
#include "verify/settings.h"

#include <stdlib.h>
#include <string.h>

nr_settings *nr_settings_ref(nr_settings *settings)
{
    atomic_fetch_add_explicit(&settings->refs, 1, memory_order_relaxed);
    return settings;
}

void nr_settings_unref(nr_settings *settings)
{
    if (settings == NULL ||
        atomic_fetch_sub_explicit(&settings->refs, 1, memory_order_acq_rel) != 1)
        return;
    nr_arena_finish(&settings->arena);
    free(settings);
}

uint32_t nr_owner_of(const nr_owners *owners, const char *text)
{
    uint32_t number = nr_names_find(&owners->names, text, strlen(text));
    return number == NR_NONE ? NR_NONE : owners->applications.items[number];
}

const char *nr_settings_api_name(const nr_settings *settings, const char *api)
{
    uint32_t number = nr_names_find(&settings->apis, api, strlen(api));
    return number == NR_NONE ? api : settings->api_names.items[number];
}
