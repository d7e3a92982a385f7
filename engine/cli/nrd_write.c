/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A national RBAC database as policy files: one line a code, one line a role and
 * its areas of work, so that a change of the database is a change of few lines.
 */
#define _POSIX_C_SOURCE 200809L /* strcasecmp */

#include "cli/nrd.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- YAML ---- */

/* Whether a text can stand without quotes, also between braces, and reads as a
 * text everywhere. */
static bool is_plain(const char *text)
{
    static const char *const others[] = { "yes", "no",  "true", "false", "null",
                                          "on",  "off", "y",    "n" };
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    static const char inner[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789 ()/.'&-";
    if (text[0] == '\0' || strchr(letters, text[0]) == NULL)
        return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (strcasecmp(text, others[i]) == 0)
            return false;
    return text[strspn(text, inner)] == '\0';
}

static void put(FILE *out, const char *text)
{
    if (is_plain(text)) {
        fputs(text, out);
        return;
    }
    fputc('"', out);
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else if (byte < 0x20 || byte == 0x7f)
            fprintf(out, "\\x%02X", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}

/* A member of a mapping between braces, if it says anything. */
static void put_member(FILE *out, const char *key, const char *text, bool *first)
{
    if (text[0] == '\0')
        return;
    fprintf(out, "%s%s: ", *first ? " " : ", ", key);
    put(out, text);
    *first = false;
}

static void put_end(FILE *out, bool first)
{
    fputs(first ? "}\n" : " }\n", out);
}

/* ---- Sections ---- */

static void write_includes(FILE *out, const nr_nrd_pairs *includes, const char *code,
                           bool *first)
{
    size_t count = 0;
    for (size_t i = 0; i < includes->count; i++) {
        if (strcmp(includes->items[i].from, code) != 0)
            continue;
        if (count == 0)
            fprintf(out, "%sincludes: [", *first ? " " : ", ");
        else
            fputs(", ", out);
        put(out, includes->items[i].to);
        count++;
    }
    if (count == 0)
        return;
    fputc(']', out);
    *first = false;
}

static void write_codes(FILE *out, const char *section, const nr_nrd_codes *codes,
                        const nr_nrd_pairs *includes)
{
    fprintf(out, "%s:%s\n", section, codes->count == 0 ? " {}" : "");
    for (size_t i = 0; i < codes->count; i++) {
        const nr_nrd_code *code = &codes->items[i];
        bool first = true;
        fputs("  ", out);
        put(out, code->code);
        fputs(": {", out);
        put_member(out, "name", code->name, &first);
        put_member(out, "staff_group", code->staff_group, &first);
        put_member(out, "sub_group", code->sub_group, &first);
        if (strcmp(code->status, "active") != 0)
            put_member(out, "status", code->status, &first);
        put_member(out, "replaced_by", code->replaced_by, &first);
        if (includes != NULL)
            write_includes(out, includes, code->code, &first);
        put_end(out, first);
    }
}

/* "[a, b]" of "a|b". */
static void write_areas(FILE *out, const char *areas)
{
    if (areas[0] == '\0')
        return;
    fputs("areas_of_work: [", out);
    while (*areas != '\0') {
        size_t size = strcspn(areas, "|");
        fprintf(out, "\"%.*s\"", (int)size, areas);
        areas += size;
        if (*areas == '|') {
            fputs(", ", out);
            areas++;
        }
    }
    fputs("], ", out);
}

/* The role and its name, so that a reader need not look it up, and a wrong code
 * is seen. */
static void write_role(FILE *out, const nr_nrd *nrd, const char *code)
{
    char both[1024];
    const nr_nrd_code *role = nr_nrd_find(&nrd->roles, code);
    const char *name = role == NULL ? "" : role->name;
    int length = snprintf(both, sizeof both, "%s%s%s", code, name[0] == '\0' ? "" : " ",
                          name);
    put(out, length < (int)sizeof both ? both : code);
}

static void write_baseline(FILE *out, const nr_nrd *nrd)
{
    const nr_nrd_pairs *baseline = &nrd->baseline;
    fprintf(out, "baseline:%s\n", baseline->count == 0 ? " []" : "");
    for (size_t i = 0; i < baseline->count;) {
        const nr_nrd_pair *first = &baseline->items[i];
        fputs("  - { roles: [", out);
        write_role(out, nrd, first->from);
        fputs("], ", out);
        write_areas(out, first->areas);
        fputs("activities: [", out);
        put(out, first->to);
        for (i++; i < baseline->count; i++) {
            const nr_nrd_pair *next = &baseline->items[i];
            if (strcmp(next->from, first->from) != 0 ||
                strcmp(next->areas, first->areas) != 0)
                break;
            fputs(", ", out);
            put(out, next->to);
        }
        fputs("] }\n", out);
    }
}

static void write_roles(FILE *out, const nr_nrd *nrd)
{
    write_codes(out, "job_roles", &nrd->roles, NULL);
}

static void write_activities(FILE *out, const nr_nrd *nrd)
{
    write_codes(out, "activities", &nrd->activities, &nrd->includes);
}

static void write_areas_of_work(FILE *out, const nr_nrd *nrd)
{
    write_codes(out, "areas_of_work", &nrd->areas, NULL);
}

/* Who the policy is, which no CSV says. */
static void write_policy(FILE *out, const nr_nrd *nrd)
{
    (void)nrd;
    fputs("# Made once by nrbac import-nrd; yours to change.\n"
          "nrbac: 1\n\n"
          "policy:\n"
          "  name: national\n"
          "  version: \"1\"\n"
          "  provenance: local\n",
          out);
}

/* ---- Files ---- */

/* The last part of the source's path: "source" of "policy/national/source/". */
static const char *folder_name(const nr_nrd *nrd)
{
    char *copy = nr_arena_string(nrd->arena, nrd->folder);
    if (copy == NULL)
        return "source";
    size_t size = strlen(copy);
    while (size > 1 && copy[size - 1] == '/')
        copy[--size] = '\0';
    const char *slash = strrchr(copy, '/');
    const char *name = slash == NULL ? copy : slash + 1;
    bool tells = name[0] != '\0' && name[0] != '.' && strpbrk(name, "\r\n") == NULL;
    return tells ? name : "source";
}

typedef struct policy_file {
    const char *name;
    void (*write)(FILE *out, const nr_nrd *nrd);
    bool by_hand; /* written by us only where a folder has none */
} policy_file;

/* Whether a folder holds policy files already, whose author says who it is. */
static bool has_policy(const char *folder)
{
    bool found = false;
    const struct dirent *entry;
    DIR *directory = opendir(folder);
    while (directory != NULL && !found && (entry = readdir(directory)) != NULL) {
        size_t size = strlen(entry->d_name);
        found = size > 5 && strcmp(entry->d_name + size - 5, ".yaml") == 0;
    }
    if (directory != NULL)
        (void)closedir(directory);
    return found;
}

static nr_exit write_file(const nr_nrd *nrd, const char *folder,
                          const policy_file *file)
{
    const char *path = nr_arena_format(nrd->arena, "%s/%s", folder, file->name);
    const char *temporary = nr_arena_format(nrd->arena, "%s/.%s.new", folder,
                                            file->name);
    if (path == NULL || temporary == NULL)
        return nr_say_memory();
    FILE *out = fopen(temporary, "wxe");
    if (out == NULL && errno == EEXIST && unlink(temporary) == 0)
        out = fopen(temporary, "wxe");
    if (out == NULL)
        return nr_say_system("cannot write `%s`: %s", path, strerror(errno));
    if (!file->by_hand) {
        fprintf(out,
                "# Generated by nrbac import-nrd from %s/; change the CSV, not this "
                "file.\nnrbac: 1\n\n",
                folder_name(nrd));
    }
    file->write(out, nrd);
    bool failed = ferror(out) != 0;
    failed |= fclose(out) != 0;
    if (failed || rename(temporary, path) != 0) {
        nr_exit end = nr_say_system("cannot write `%s`: %s", path, strerror(errno));
        (void)unlink(temporary);
        return end;
    }
    printf("%s\n", path);
    return NR_EXIT_OK;
}

nr_exit nr_nrd_write(const nr_nrd *nrd, const char *folder)
{
    static const policy_file roles = { "job_roles.yaml", write_roles, false };
    static const policy_file activities = { "activities.yaml", write_activities,
                                            false };
    static const policy_file areas = { "areas_of_work.yaml", write_areas_of_work,
                                       false };
    static const policy_file baseline = { "baseline.yaml", write_baseline, false };
    static const policy_file policy = { "policy.yaml", write_policy, true };
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return nr_say_system("cannot make `%s`: %s", folder, strerror(errno));
    nr_exit end = NR_EXIT_OK;
    if (!has_policy(folder))
        end = write_file(nrd, folder, &policy);
    if (end == NR_EXIT_OK)
        end = write_file(nrd, folder, &roles);
    if (end == NR_EXIT_OK)
        end = write_file(nrd, folder, &activities);
    if (end == NR_EXIT_OK && nrd->areas.given)
        end = write_file(nrd, folder, &areas);
    if (end == NR_EXIT_OK && nrd->baseline.given)
        end = write_file(nrd, folder, &baseline);
    return end;
}
