/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small parts by themselves: base64url, days, and maps with other members.
 */
#include "check.h"
#include "verify/base64url.h"
#include "verify/calendar.h"
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

static void test_days(void)
{
    int64_t seconds = 0;
    char moment[NR_MOMENT_SIZE];
    CHECK(nr_day_read("1970-01-01", &seconds));
    CHECK_INT(seconds, 0);
    CHECK(nr_day_read("2026-11-24", &seconds));
    CHECK_INT(seconds, 1795478400);
    CHECK(nr_day_read("2000-02-29", &seconds));
    CHECK(nr_day_read("2028-02-29", &seconds));
    CHECK(nr_day_read("9999-12-31", &seconds));
    CHECK_INT(seconds, NR_MOMENT_LAST - 86399);
    static const char *const wrong[] = { "2026-02-29",
                                         "2100-02-29",
                                         "2026-04-31",
                                         "2026-13-01",
                                         "2026-00-10",
                                         "2026-01-00",
                                         "2026-01-32",
                                         "1969-12-31",
                                         "2026-1-1",
                                         "20260101",
                                         "2026-01-01 ",
                                         "2026-01-01T",
                                         "" };
    for (size_t i = 0; i < NR_COUNT(wrong); i++)
        CHECK(!nr_day_read(wrong[i], &seconds));
    nr_moment_write(1795424400, moment);
    CHECK_STR(moment, "2026-11-23T09:00:00Z");
    nr_moment_write(-1, moment);
    CHECK_STR(moment, "1969-12-31T23:59:59Z");
    nr_moment_write(INT64_MAX, moment);
    CHECK_STR(moment, "9999-12-31T23:59:59Z");
    nr_moment_write(INT64_MIN, moment);
    CHECK_STR(moment, "0001-01-01T00:00:00Z");
}

/* Every day of four hundred years and more, one after the other. */
static void test_all_days(void)
{
    char day[NR_DAY_SIZE], before[NR_DAY_SIZE] = "1969-12-31";
    long wrong = 0;
    for (int64_t number = 0; number < 150000; number++) {
        int64_t again = -1;
        nr_day_write(number * NR_DAY_SECONDS + 86399, day);
        wrong += strcmp(before, day) >= 0;
        wrong += !nr_day_read(day, &again) || again != number * NR_DAY_SECONDS;
        memcpy(before, day, sizeof(day));
    }
    CHECK_INT(wrong, 0);
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
    test_days();
    test_all_days();
    test_rewrite();
    return check_report();
}
