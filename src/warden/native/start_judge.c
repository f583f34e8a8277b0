#define _GNU_SOURCE
#include "start_judging.h"
#include "caller.h"
#include "hash_cache.h"
#include "loader_variables.h"
#include "sha256.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* START_WAITS: it has to be read. 0: `hashed` says whether it is known now. */
static int need_hash(struct judging *j) {
    if (j->hash_asked)
        return 0;
    bool stable = image_is_stable(j->notice, &j->image);
    j->hashed = stable && hash_recall(j->image.file, j->sha256);
    j->hash_asked = j->hashed || (!stable && hash_is_too_long(j->image.file));
    return j->hash_asked ? 0 : START_WAITS;
}

/* What the rules say to the file with the arguments so far. The hash is looked at where it matters: of a script only if
 * it stays what it is, for an interpreter will read it later. 0, START_WAITS, or an errno and a denial. */
static int ask_tables(struct judging *j, bool script, struct ruling *ruling) {
    const struct tables *tables = j->notice->tables;
    const struct image *image = &j->image;
    bool wanted = tables_need_hash(tables, image->place.path) && (!script || image_is_stable(j->notice, image));
    if (wanted && need_hash(j))
        return START_WAITS;
    if (wanted && !j->hashed)
        return image_refuse(ruling, REASON_UNREADABLE);
    char **argv = strings_vector(&j->arguments);
    if (!argv)
        return ENOMEM;
    struct candidate candidate = {.path = image->place.path,
                                  .requested = image->requested,
                                  .argv = argv,
                                  .sha256 = wanted ? j->sha256 : NULL};
    *ruling = tables_program(tables, &candidate);
    free(argv);
    return 0;
}

static int judge_script(struct judging *j) {
    struct ruling ruling = {0};
    int error = ask_tables(j, true, &ruling);
    if (error) {
        if (error != START_WAITS)
            j->start->ruling = ruling;
        return error;
    }
    /* What nothing matches is its interpreter's affair. */
    j->scripts_hooked |= ruling.hooked;
    if (ruling.reason != REASON_UNMATCHED && ruling.verdict > j->scripts.verdict)
        j->scripts = ruling;
    return 0;
}

static int look_at_file(struct judging *j) {
    struct start *s = j->start;
    snprintf(s->path, sizeof s->path, "%s", j->image.place.path);
    int error = image_open(j->notice, &j->image, &s->ruling);
    if (error)
        return error;
    j->opened = true;
    j->hash_asked = j->hashed = false;
    j->is_script = shebang_parse((const char *)j->image.head, j->image.head_size, &j->shebang);
    if (j->is_script && j->level == SHEBANG_LEVELS)
        return ELOOP;
    if (j->is_script && j->level == 0)
        snprintf(s->script, sizeof s->script, "%s", j->image.place.path);
    return 0;
}

/* Follows scripts to what the kernel will map. */
static int find_image(struct judging *j) {
    for (;; j->level++) {
        int error = j->opened ? 0 : look_at_file(j);
        if (error || !j->is_script)
            return error;
        error = judge_script(j);
        if (!error)
            error = judging_enter_interpreter(j, j->level == 0);
        if (error)
            return error;
        j->opened = false;
    }
}

/* Deny beats ask beats allow, and both the image and what it is run for count. */
static struct ruling combine(const struct judging *j, struct ruling image) {
    struct ruling worst = image;
    if (image.verdict == VERDICT_DENY && j->scripts.verdict == VERDICT_ALLOW)
        worst.reason = REASON_INTERPRETER;
    if (j->scripts.verdict > image.verdict)
        worst = j->scripts;
    worst.hooked = worst.verdict != VERDICT_DENY && (image.hooked || j->scripts_hooked);
    return worst;
}

static struct fingerprint fingerprint_of(struct slice bytes) {
    struct fingerprint f = {.size = bytes.size};
    struct sha256 hash;
    sha256_begin(&hash);
    sha256_add(&hash, bytes.data, bytes.size);
    sha256_end(&hash, f.sha256);
    return f;
}

static struct approval *approve(const struct judging *j, const struct place *cwd) {
    const struct start *s = j->start;
    const struct tables *tables = j->notice->tables;
    const struct buffer *arguments = &j->arguments.text, *loader = &j->loader;
    /* Whether it was the caller's is looked at when all has been judged. */
    pid_t process = caller_peek_process(j->notice);
    struct approval *a = process > 0 ? malloc(sizeof *a) : NULL;
    if (!a)
        return NULL;
    *a = (struct approval){
        .notice = *j->notice,
        .process = process,
        .device = j->image.place.status.st_dev,
        .inode = j->image.place.status.st_ino,
        .check_name = tables->flags & POLICY_FLAG_DECIDE_PROGRAMS,
        .check_hash = s->hashed && !image_is_stable(j->notice, &j->image),
        .arguments = fingerprint_of((struct slice){arguments->data, arguments->size}),
        .check_loader = tables->flags & POLICY_FLAG_ALLOW_LIST,
        .loader = fingerprint_of((struct slice){loader->data, loader->size}),
        /* Where the floor decides about files it does so about these. */
        .check_mappings = tables->mode == MODE_EMULATED && j->image.loader_changes,
        .interpreter = fingerprint_of(slice_of(j->interpreter.path)),
        .check_directory = cwd,
        .directory_device = cwd ? cwd->status.st_dev : 0,
        .directory_inode = cwd ? cwd->status.st_ino : 0,
    };
    memcpy(a->sha256, s->sha256, sizeof a->sha256);
    return a;
}

static void add_reading(struct start *s, const struct ruling *ruling, const char *path) {
    if (ruling->verdict != VERDICT_ASK && !ruling->hooked)
        return;
    struct reading *reading = &s->readings[s->reading_count++];
    reading->ruling = *ruling;
    snprintf(reading->path, sizeof reading->path, "%s", path);
}

/* To start a program is to read it. The loader of a program that the sandbox cannot change is what its owner chose. */
static void list_readings(struct judging *j) {
    j->start->reading_count = 0;
    add_reading(j->start, &j->image.reading, j->image.place.path);
    if (j->image.loader_changes)
        add_reading(j->start, &j->interpreter.ruling, j->interpreter.path);
}

static int judge_image(struct judging *j) {
    struct start *s = j->start;
    int error = image_check_loader(j->notice, &j->image, &j->interpreter, &s->ruling);
    if (!error)
        error = ask_tables(j, false, &s->ruling);
    if (error)
        return error;
    s->ruling = combine(j, s->ruling);
    bool asks = s->ruling.verdict == VERDICT_ASK || s->ruling.hooked;
    /* Whoever is asked sees the hash, unless the sandbox made the program so long that it is not read. */
    if (asks && need_hash(j))
        return START_WAITS;
    if (asks && !j->hashed &&
        (image_is_stable(j->notice, &j->image) || !hash_is_too_long(j->image.file)))
        return image_refuse(&s->ruling, REASON_UNREADABLE);
    s->hashed = j->hashed;
    memcpy(s->sha256, j->sha256, sizeof s->sha256);
    if (s->ruling.verdict == VERDICT_DENY)
        return EACCES;
    if (!loader_variables_are_safe(j->notice, (struct slice){j->loader.data, j->loader.size}))
        return image_refuse(&s->ruling, REASON_LOADER_VARIABLE);
    struct place cwd;
    bool shown = asks && judging_open_working(j) &&
                 place_find(j->notice, j->working, "", PLACE_EMPTY, 0, &cwd) == 0;
    if (shown) {
        snprintf(s->cwd, sizeof s->cwd, "%s", cwd.path);
        place_close(&cwd);
    }
    list_readings(j);
    s->approval = approve(j, shown ? &cwd : NULL);
    return s->approval ? 0 : ENOMEM;
}

/* Goes on from wherever it is: each step does once what it does, and waits before that. */
static int judge(struct judging *j) {
    struct start *s = j->start;
    int error = j->opened ? 0 : judging_read(j);
    s->text_bytes = j->arguments.text.size + j->loader.size;
    if (!error)
        error = find_image(j);
    if (!error)
        error = judge_image(j);
    if (error == START_WAITS)
        return error;
    s->argv = strings_vector(&j->arguments);
    if (!error && !s->argv)
        error = ENOMEM;
    if (!error) {
        /* Keeps the inode's number from being given to another. */
        s->image = j->image.place.object;
        j->image.place.object = -1;
    }
    return error;
}

static void judging_free(struct judging *j) {
    strings_free(&j->arguments);
    buffer_free(&j->loader);
    image_close(&j->image);
    if (j->working >= 0)
        close(j->working);
    free(j);
}

static int go_on(struct judging *j) {
    struct start *start = j->start;
    int error = judge(j);
    if (error == START_WAITS)
        return error;
    /* Nobody waits for the answer, and what was read may be another's who got the number. */
    if (!notice_is_live(j->notice)) {
        start->ruling = (struct ruling){0};
        error = ESRCH;
    }
    start->judging = NULL;
    judging_free(j);
    return error;
}

int start_to_hash(const struct start *start, bool *stable) {
    *stable = image_is_stable(start->judging->notice, &start->judging->image);
    return start->judging->image.file;
}

int start_judge_on(struct start *start, const uint8_t *sha256) {
    struct judging *j = start->judging;
    j->hash_asked = true;
    j->hashed = sha256;
    if (sha256)
        memcpy(j->sha256, sha256, sizeof j->sha256);
    return go_on(j);
}

size_t start_weight(const struct start *start) {
    return sizeof *start + sizeof *start->judging + start->text_bytes;
}

int start_judge(const struct notice *notice, struct start *start) {
    struct judging *j = malloc(sizeof *j);
    start->path[0] = start->requested[0] = start->script[0] = start->cwd[0] = 0;
    start->argv = NULL;
    start->hashed = start->asked = false;
    start->reading_count = start->readings_asked = 0;
    start->text_bytes = 0;
    start->ruling = (struct ruling){0};
    start->image = -1;
    start->approval = NULL;
    start->judging = j;
    if (!j)
        return ENOMEM;
    memset(j, 0, offsetof(struct judging, path));
    j->notice = notice;
    j->start = start;
    j->working = j->image.file = j->image.place.object = j->image.place.parent = -1;
    j->interpreter.path[0] = 0;
    j->arguments = (struct strings){0};
    j->loader = (struct buffer){0};
    j->scripts = (struct ruling){0};
    j->scripts_hooked = false;
    j->level = 0;
    j->opened = j->hash_asked = j->hashed = false;
    return go_on(j);
}

void start_free(struct start *start) {
    if (start->judging)
        judging_free(start->judging);
    start->judging = NULL;
    free(start->argv);
    free(start->approval);
    if (start->image >= 0)
        close(start->image);
    start->argv = NULL;
    start->approval = NULL;
    start->image = -1;
}
