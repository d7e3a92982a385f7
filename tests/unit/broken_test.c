/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each folder of tests/broken holds a policy with a mistake and, in expect.txt,
 * exactly what is said about it. NRBAC_REWRITE=1 writes what is said now; the
 * difference is to be reviewed like code. A folder's `subject` names the policy
 * to look at, if it is not `policy`.
 *
 * At the end, every diagnostic that there is must have been seen.
 */
#include "check.h"
#include "compile/compile.h"
#include "text/render.h"

#include <dirent.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool seen[NR_DIAG_COUNT];

static char *read_text(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return NULL;
    char *text = calloc(1, 1 << 20);
    if (text != NULL)
        text[fread(text, 1, (1 << 20) - 1, file)] = '\0';
    fclose(file);
    return text;
}

/* What validate says of the policy, from within its folder. */
static char *say(const char *policy)
{
    nr_arena arena = { 0 };
    nr_diags diags = { .arena = &arena };
    nr_model model = { .arena = &arena };
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    CHECK(nr_load(&model, policy, NULL, &diags) == NRBAC_OK);
    CHECK(nr_resolve(&model, &diags) == NRBAC_OK);
    CHECK(nr_check(&model, &diags) == NRBAC_OK);
    nr_diags_sort(&diags);
    for (size_t i = 0; i < diags.count; i++) {
        nrbac_diagnostic diagnostic;
        seen[diags.items[i].code] = true;
        CHECK(nr_diag_tell(&arena, &diags.items[i], &diagnostic));
        nr_diag_render(&diagnostic, 0, out);
    }
    fclose(out);
    nr_arena_finish(&arena);
    return text;
}

/* Links cannot be kept in every archive, so a file `links` says what to make:
 * lines of `NAME TARGET`. */
static void make_links(void)
{
    FILE *file = fopen("links", "r");
    char name[256];
    char target[256];
    if (file == NULL)
        return;
    while (fscanf(file, "%255s %255s", name, target) == 2) {
        unlink(name);
        CHECK(symlink(target, name) == 0);
    }
    fclose(file);
}

static void drop_links(void)
{
    FILE *file = fopen("links", "r");
    char name[256];
    char target[256];
    if (file == NULL)
        return;
    while (fscanf(file, "%255s %255s", name, target) == 2)
        unlink(name);
    fclose(file);
}

static void compare(const char *name, const char *said)
{
    char *expected = read_text("expect.txt");
    const char *rewrite = getenv("NRBAC_REWRITE");
    if (rewrite != NULL && strcmp(rewrite, "1") == 0) {
        FILE *file = fopen("expect.txt", "w");
        CHECK(file != NULL && fputs(said, file) >= 0 && fclose(file) == 0);
    } else {
        printf("%s", expected != NULL && strcmp(said, expected) == 0 ? "" : name);
        CHECK_STR(said, expected);
        CHECK(*said != '\0');
    }
    free(expected);
}

static void try_folder(const char *root, const char *name)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    if (chdir(path) != 0) {
        CHECK_STR(path, "a folder that can be entered");
        return;
    }
    make_links();
    char *said = say("policy");
    drop_links();
    compare(name, said);
    free(said);
}

static int is_case(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && strchr(entry->d_name, '.') == NULL;
}

int main(void)
{
    const char *root = NRBAC_TESTS_DIR "/broken";
    struct dirent **entries;
    int count = scandir(root, &entries, is_case, alphasort);
    CHECK(count > 0);
    for (int i = 0; i < count; i++) {
        try_folder(root, entries[i]->d_name);
        free(entries[i]);
    }
    if (count > 0)
        free(entries);
    seen[NR_DIAG_TWIN_DIFFERS] = true; /* our own fault: no policy can show it */
    for (int i = 0; i < NR_DIAG_COUNT; i++) {
        if (!seen[i])
            printf("no broken policy shows %s %s\n",
                   nr_diag_help_of((nr_diag_code)i)->code,
                   nr_diag_help_of((nr_diag_code)i)->slug);
        CHECK(seen[i]);
    }
    return check_report();
}
