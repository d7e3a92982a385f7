/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a policy file: diagnostics, or a policy that compiles. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <nrbac/policy.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One folder for the whole run; its one file is written anew each time. */
static const char *policy_folder(void)
{
    static char folder[] = "/tmp/nrbac-fuzz-XXXXXX";
    static bool made;
    if (!made)
        made = mkdtemp(folder) != NULL;
    return folder;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/policy.yaml", policy_folder());
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return 0;
    (void)fwrite(data, 1, size, file);
    (void)fclose(file);

    nrbac_build *build = NULL;
    nrbac_status status = nrbac_compile(policy_folder(), NULL, &build);
    size_t errors = 0;
    for (size_t i = 0; i < nrbac_build_diagnostic_count(build); i++) {
        const nrbac_diagnostic *diagnostic = nrbac_build_diagnostic(build, i);
        errors += diagnostic->severity == NRBAC_SEVERITY_ERROR;
        if (diagnostic->message == NULL || diagnostic->file == NULL)
            abort(); /* a mistake without a place or a word */
    }
    if ((status == NRBAC_OK) != (errors == 0) || status == NRBAC_E_TWIN)
        abort(); /* refused without a reason, or the twin disagrees */
    nrbac_build_destroy(build);
    return 0;
}
