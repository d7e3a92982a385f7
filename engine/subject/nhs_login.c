/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NHS login: the claims of a patient's ID token.
 */
#include "subject/evidence.h"

#include <string.h>

/* "P9", of `size` bytes, as a level; unknown if it is not one of NHS login's. */
static int proofing_of(const char *text, size_t size)
{
    if (size != 2 || text[0] != 'P' || strchr("059", text[1]) == NULL)
        return NRBAC_LEVEL_UNKNOWN;
    return NRBAC_LEVEL(text[1] - '0');
}

static int read_level(nr_reader *reader, const nr_place *place)
{
    const char *text = nr_read_text(reader, place);
    if (text == NULL)
        return NRBAC_LEVEL_UNKNOWN;
    int level = proofing_of(text, strlen(text));
    if (level == NRBAC_LEVEL_UNKNOWN)
        nr_reader_fault(reader, place, "is not P0, P5 or P9");
    return level;
}

/* A vector of trust, such as "P9.Cp.Cd": the component P is the proofing level,
 * and a vector may lack it. */
static int read_vector(nr_reader *reader, const nr_place *place)
{
    const char *text = nr_read_text(reader, place);
    for (const char *at = text; at != NULL && *at != '\0';) {
        size_t size = strcspn(at, ".");
        if (*at == 'P') {
            int level = proofing_of(at, size);
            if (level == NRBAC_LEVEL_UNKNOWN)
                nr_reader_fault(reader, place, "does not name P0, P5 or P9");
            return level;
        }
        at += size + (at[size] == '.');
    }
    return NRBAC_LEVEL_UNKNOWN;
}

void nr_nhs_login_read(nr_reader *reader, const nr_evidence *evidence,
                       nrbac_subject *subject)
{
    nr_place token = nr_place_member(&evidence->properties, "nhs_login");
    nr_read_map(reader, &token);
    nr_place number = nr_place_member(&token, "nhs_number");
    nr_place sub = nr_place_member(&token, "sub");
    const char *nhs_number = nr_read_code(reader, &number);
    const char *login = nr_read_code(reader, &sub);
    subject->id = login != NULL ? login : nhs_number;
    subject->nhs_number = nhs_number;
    subject->mismatched = nr_person_differs(reader, evidence->stated_id, nhs_number) &&
                          nr_person_differs(reader, evidence->stated_id, login);

    nr_place level = nr_place_member(&token, "identity_proofing_level");
    nr_place vector = nr_place_member(&token, "vot");
    subject->proofing = level.value != NULL ? read_level(reader, &level)
                                            : read_vector(reader, &vector);
    nr_place act = nr_place_member(&token, "act");
    nr_read_map(reader, &act);
    nr_place actor = nr_place_member(&act, "sub");
    subject->actor = nr_read_code(reader, &actor);
    nr_place sid = nr_place_member(&token, "sid");
    subject->sid = nr_read_text(reader, &sid);
    nr_place expiry = nr_place_member(&token, "exp");
    subject->expires_at = nr_read_seconds(reader, &expiry);
}
