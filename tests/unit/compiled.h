/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Policies compiled from their text, for tests.
 */
#ifndef COMPILED_H
#define COMPILED_H

#include "check.h"

#include <nrbac/policy.h>

#include <stdlib.h>
#include <unistd.h>

static inline nrbac_build *compiled(const char *text)
{
    char folder[] = "/tmp/nrbac-compiled-XXXXXX";
    char path[64];
    nrbac_build *made = NULL;
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/policy.yaml", folder);
    FILE *file = fopen(path, "w");
    (void)fputs(text, file);
    (void)fclose(file);
    CHECK_INT(nrbac_compile(folder, NULL, &made), NRBAC_OK);
    for (size_t i = 0; i < nrbac_build_diagnostic_count(made); i++)
        printf("%s\n", nrbac_build_diagnostic(made, i)->message);
    (void)unlink(path);
    (void)rmdir(folder);
    return made;
}

/* Two policies in turn: odd generations grant B0001, even ones B0003. Codes shift
 * between them, so a bit that moved would show. */
static const char odd_policy[] =
    "nrbac: 1\n"
    "policy: { name: odd, version: \"1\" }\n"
    "activities:\n"
    "  B0001: { name: One }\n"
    "  B0003: { name: Three }\n"
    "job_roles: { R8000: { name: Role } }\n"
    "baseline: [{ roles: [R8000], activities: [B0001] }]\n";
static const char even_policy[] =
    "nrbac: 1\n"
    "policy: { name: even, version: \"1\" }\n"
    "activities:\n"
    "  B0000: { name: Nought }\n"
    "  B0001: { name: One }\n"
    "  B0003: { name: Three }\n"
    "job_roles: { R8000: { name: Role } }\n"
    "baseline: [{ roles: [R8000], activities: [B0003] }]\n";

#endif
