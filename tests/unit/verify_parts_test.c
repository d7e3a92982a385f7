/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small parts by themselves: base64url, days, and maps with other members.
 */
#include "base/time.h"
#include "check.h"
#include "verify/base64url.h"
#include "verify/rewrite.h"

#include <nrbac/policy.h>
#include <stdlib.h>

static void decodes(const char *text, const char *wanted)
{
    uint8_t bytes[64];
    size_t size = 0;
    bool good = nr_base64url_decode(text, strlen(text), bytes, &size);
    CHECK_INT(good, wanted != NULL);
    if (good && wanted != NULL)
        CHECK(size == strlen(wanted) && memcmp(bytes, wanted, size) == 0);
}

static void test_base64url(void)
{
    decodes("", "");
    decodes("Zg", "f");
    decodes("Zm8", "fo");
    decodes("Zm9v", "foo");
    decodes("Zm9vYg", "foob");
    decodes("_-_-", "\xff\xef\xfe");
    decodes("Zh", NULL); /* bits that stand for nothing */
    decodes("Zm9", NULL);
    decodes("A", NULL);
    decodes("Zm9vA", NULL);
    decodes("Zg==", NULL);
    decodes("+/+/", NULL);
    decodes("Zm 9", NULL);
    decodes("Zm9v\n", NULL);
    decodes("Zm\xc3\xa9", NULL);
}

static void test_rewrite(void)
{
    static const char text[] = "{\"a\":1,\"b\":2,\"c\":{\"d\":3}}";
    nrbac_document *document = nrbac_document_create();
    const nrbac_value *map = NULL;
    char *written = NULL;
    CHECK_INT(nrbac_json_read(document, text, strlen(text), &map, NULL), NRBAC_OK);
    nr_change changes[] = { { "a", NULL },
                            { "b", nrbac_new_text(document, "x") },
                            { "e", nrbac_new_null(document) } };
    nrbac_value *made = nr_rewrite(document, map, changes, NR_COUNT(changes));
    CHECK_INT(nrbac_json_write(made, 0, &written, NULL), NRBAC_OK);
    CHECK_STR(written, "{\"c\":{\"d\":3},\"b\":\"x\",\"e\":null}");
    free(written);
    CHECK(nrbac_value_find(made, "c") == nrbac_value_find(map, "c")); /* shared */
    CHECK_INT(nrbac_json_write(map, 0, &written, NULL), NRBAC_OK);
    CHECK_STR(written, text);
    free(written);
    made = nr_rewrite(document, NULL, changes + 1, 1);
    CHECK_INT(nrbac_value_count(made), 1);
    nrbac_document_destroy(document);
}

int main(void)
{
    test_base64url();
    test_rewrite();
    return check_report();
}
