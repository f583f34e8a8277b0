/* Asks globs and tables what a line of the input asks, and answers with a line. Each line is words; a word that carries
 * bytes is `=` and their hexadecimal digits, and `-` is nothing at all. */
#define _GNU_SOURCE
#include "tables.h"
#include <stdio.h>
#include <stdlib.h>

enum { WORDS_MAX = 1024 };

static char *words[WORDS_MAX];
static size_t count;
static struct tables *tables;

static uint8_t digit(char c) { return (uint8_t)(c >= 'a' ? c - 'a' + 10 : c - '0'); }

/* In a block of its own size, so that one byte past the end is found. */
static struct slice bytes(size_t i) {
    const char *text = words[i] + 1;
    size_t size = i < count ? strlen(text) / 2 : 0;
    uint8_t *data = malloc(size ? size : 1);
    for (size_t k = 0; k < size; k++)
        data[k] = (uint8_t)(digit(text[2 * k]) << 4 | digit(text[2 * k + 1]));
    return (struct slice){data, size};
}

static char *string(size_t i) {
    if (i >= count || words[i][0] == '-')
        return NULL;
    struct slice s = bytes(i);
    char *text = slice_string(s);
    free((void *)s.data);
    return text;
}

static bool is(const char *command) { return strcmp(words[0], command) == 0; }

static const char *yes(bool value) { return value ? "yes" : "no"; }

static void ask_glob(void) {
    struct slice pattern = bytes(1);
    struct slice text = count > 2 ? bytes(2) : (struct slice){0};
    struct glob *glob = glob_compile(pattern);
    free((void *)pattern.data);
    if (!glob)
        puts("refused");
    else if (is("compile"))
        puts("taken");
    else if (is("matches"))
        puts(yes(glob_matches(glob, (const char *)text.data, text.size)));
    else if (is("covers"))
        puts(yes(glob_covers(glob, (const char *)text.data, text.size)));
    else if (is("reaches"))
        puts(yes(glob_reaches_below(glob, (const char *)text.data, text.size)));
    else {
        char *from = string(2), *to = string(3);
        puts(yes(glob_survives_rename(glob, from, to)));
        free(from);
        free(to);
    }
    free((void *)text.data);
    glob_free(glob);
}

static void take_message(void) {
    union {
        struct msg_policy policy;
        struct msg_path_rule path;
        struct msg_program_rule program;
        struct msg_subscription subscription;
    } m;
    struct slice payload = bytes(1);
    bool taken;
    if (is("policy")) {
        if (tables)
            tables_release(tables);
        tables = NULL;
        taken = decode_policy(payload, &m.policy) && (tables = tables_new(&m.policy));
    } else if (is("pathRule"))
        taken = decode_path_rule(payload, &m.path) && tables_add_path_rule(tables, &m.path);
    else if (is("programRule"))
        taken = decode_program_rule(payload, &m.program) && tables_add_program_rule(tables, &m.program);
    else
        taken = decode_subscription(payload, &m.subscription) && tables_add_subscription(tables, &m.subscription);
    puts(taken ? "taken" : "refused");
    free((void *)payload.data);
}

static void tell(struct ruling r) { printf("%u %u %u %s\n", r.verdict, r.reason, r.rule, yes(r.hooked)); }

static void ask_program(void) {
    char *argv[WORDS_MAX] = {0};
    char *path = string(1), *requested = string(2);
    struct slice hash = bytes(3);
    struct candidate candidate = {path, requested, argv, hash.size == 32 ? hash.data : NULL};
    for (size_t i = 4; i < count; i++)
        argv[i - 4] = string(i);
    tell(tables_program(tables, &candidate));
    for (size_t i = 4; i < count; i++)
        free(argv[i - 4]);
    free((void *)hash.data);
    free(requested);
    free(path);
}

static void ask_tables(void) {
    char *first = string(1), *second = string(2);
    if (is("path"))
        tell(tables_path(tables, first, (uint8_t)atoi(words[3]), second));
    else if (is("rename"))
        puts(yes(tables_allow_rename(tables, first, second)));
    else if (is("other"))
        puts(yes(tables_allow_other_name(tables, first, second, (uint8_t)atoi(words[3]))));
    else if (is("below"))
        puts(yes(tables_writable_below(tables, first)));
    else if (is("writable"))
        puts(yes(tables_writable(tables, first)));
    else
        puts(yes(tables_need_hash(tables, first)));
    free(first);
    free(second);
}

static void answer(void) {
    if (is("compile") || is("matches") || is("covers") || is("reaches") || is("survives"))
        ask_glob();
    else if (is("policy") || is("pathRule") || is("programRule") || is("subscription"))
        take_message();
    else if (is("program"))
        ask_program();
    else
        ask_tables();
}

int main(void) {
    char *line = NULL;
    size_t capacity = 0;
    while (getline(&line, &capacity, stdin) > 0) {
        count = 0;
        for (char *word = strtok(line, " \n"); word && count < WORDS_MAX; word = strtok(NULL, " \n"))
            words[count++] = word;
        if (count)
            answer();
        fflush(stdout);
    }
    if (tables)
        tables_release(tables);
    free(line);
    return 0;
}
