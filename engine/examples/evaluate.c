/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A whole question as JSON, and the whole answer. Needs libnrbac-policy, which
 * reads JSON; the deciding is libnrbac's.
 *
 *   nrbac compile policy/national -o national.nrb
 *   example-evaluate national.nrb request.json
 */
#include <nrbac/policy.h>

#include <stdio.h>
#include <stdlib.h>

/* The answer on stdout; whether it is a permit. */
static bool answer(nrbac_engine *engine, nrbac_document *document, FILE *file)
{
    static char text[64 * 1024];
    const nrbac_value *request;
    nrbac_value *whole;
    nrbac_error error;
    char *json;

    size_t size = fread(text, 1, sizeof text, file);
    if (nrbac_json_read(document, text, size, &request, &error) != NRBAC_OK) {
        fprintf(stderr, "%s\n", error.text);
        return false;
    }
    nrbac_decision decision = nrbac_evaluate_document(engine, request, NULL, document,
                                                      &whole);
    if (whole == NULL || nrbac_json_write(whole, NRBAC_JSON_INDENT, &json, NULL)) {
        fputs("out of memory\n", stderr);
        return false;
    }
    puts(json);
    free(json);
    return decision.effect == NRBAC_PERMIT;
}

int main(int argc, char **argv)
{
    nrbac_engine *engine = NULL;
    nrbac_error error = { "out of memory" };
    if (argc != 3) {
        fputs("usage: example-evaluate POLICY.nrb REQUEST.json\n", stderr);
        return 2;
    }
    FILE *file = fopen(argv[2], "rb");
    nrbac_document *document = nrbac_document_create();
    int end = 3;
    if (file == NULL)
        perror(argv[2]);
    else if (document == NULL || nrbac_engine_create(0, &engine) != NRBAC_OK ||
             nrbac_engine_load(engine, argv[1], &error) != NRBAC_OK)
        fprintf(stderr, "%s\n", error.text);
    else
        end = answer(engine, document, file) ? 0 : 1;

    if (file != NULL)
        (void)fclose(file);
    nrbac_document_destroy(document);
    nrbac_engine_destroy(engine);
    return end;
}
