/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/rewrite.h"

#include <assert.h>
#include <string.h>

static bool is_changed(const nr_change *changes, size_t count, const char *key)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(changes[i].key, key) == 0)
            return true;
    return false;
}

nrbac_value *nr_rewrite(nrbac_document *document, const nrbac_value *map,
                        const nr_change *changes, size_t count)
{
    nrbac_value *made = nrbac_new_map(document);
    size_t kept = nrbac_value_kind(map) == NRBAC_KIND_MAP ? map->map.count : 0;
    for (size_t i = 0; i < kept; i++) {
        const nr_member *member = &map->map.items[i];
        if (!is_changed(changes, count, member->key))
            nrbac_set(document, made, member->key, member->value);
    }
    for (size_t i = 0; i < count; i++)
        if (changes[i].value != NULL)
            nrbac_set(document, made, changes[i].key, changes[i].value);
    return made;
}

void nr_change_to(nr_changes *changes, const char *key, nrbac_value *value)
{
    for (size_t i = 0; i < changes->count; i++) {
        if (strcmp(changes->items[i].key, key) == 0) {
            changes->items[i].value = value;
            return;
        }
    }
    assert(changes->count < NR_CHANGES_MAX);
    changes->items[changes->count++] = (nr_change){ key, value };
}
