#define _GNU_SOURCE
#include "start_judge.h"
#include "caller.h"
#include "caller_strings.h"
#include "hash_cache.h"
#include "loader_variables.h"
#include "start_image.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The call on its way through the scripts that lead to each other, to the program that the kernel will map. */
struct judging {
    const struct notice *notice;
    struct start *start;
    int directory; /* of the call */
    int flags;
    uint64_t path_address, argv_address, env_address;
    char path[PATH_MAX];
    int working; /* O_PATH: what interpreters' relative paths start from */
    struct image image;
    struct strings arguments; /* as the image gets them */
    struct buffer loader;     /* variables */
    struct ruling scripts; /* the strictest of theirs; verdict 0: no rule knows any */
    bool scripts_hooked;
    struct shebang shebang;
};

static bool read_call(struct judging *j) {
    const uint64_t *a = j->notice->arguments;
    bool at = j->notice->number == SYS_execveat;
    j->directory = at ? (int)a[0] : AT_FDCWD;
    j->path_address = a[at ? 1 : 0];
    j->argv_address = a[at ? 2 : 1];
    j->env_address = a[at ? 3 : 2];
    j->flags = at ? (int)a[4] : 0;
    if (j->flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) {
        errno = EINVAL;
        return false;
    }
    return caller_string(j->notice, j->path_address, j->path, sizeof j->path);
}

static int find_called(struct judging *j) {
    if (!read_call(j))
        return errno;
    unsigned flags = j->flags & AT_SYMLINK_NOFOLLOW ? 0 : PLACE_FOLLOW;
    if (j->flags & AT_EMPTY_PATH)
        flags |= PLACE_EMPTY;
    int base = AT_FDCWD;
    if (j->path[0] != '/' && (base = caller_open(j->notice, j->directory)) < 0)
        return errno;
    int error = image_find(j->notice, base, j->path, flags, &j->image);
    if (base >= 0)
        close(base);
    return error;
}

/* How the kernel names a script to its interpreter. */
static void name_script(const struct judging *j, char name[PATH_MAX + 32]) {
    if (j->directory == AT_FDCWD || j->path[0] == '/')
        snprintf(name, PATH_MAX + 32, "%s", j->path);
    else if (j->path[0] == 0)
        snprintf(name, PATH_MAX + 32, "/dev/fd/%d", j->directory);
    else
        snprintf(name, PATH_MAX + 32, "/dev/fd/%d/%s", j->directory, j->path);
}

static int read_vectors(struct judging *j) {
    int error = caller_strings(j->notice, j->argv_address, &j->arguments);
    /* The kernel gives a program without arguments an empty one. */
    if (!error && j->arguments.count == 0)
        strings_add(&j->arguments, "");
    if (error || !(j->notice->tables->flags & POLICY_FLAG_ALLOW_LIST))
        return error;
    struct strings environment = {0};
    error = caller_strings(j->notice, j->env_address, &environment);
    if (!error && environment.text.size + j->arguments.text.size > STRINGS_BYTES_MAX)
        error = E2BIG;
    if (!error)
        loader_variables_pick((struct slice){environment.text.data, environment.text.size}, &j->loader);
    strings_free(&environment);
    return error;
}

static bool hash_image(const struct judging *j, uint8_t sha256[32]) {
    bool stable = image_is_stable(j->notice, &j->image);
    return stable ? hash_file_cached(j->image.file, sha256) : hash_file(j->image.file, sha256);
}

/* What the rules say to the file with the arguments so far. The hash is looked at where it matters: of a script only if
 * it stays what it is, for an interpreter will read it later. 0, or an errno and a denial. */
static int ask_tables(struct judging *j, bool script, struct ruling *ruling) {
    const struct tables *tables = j->notice->tables;
    const struct image *image = &j->image;
    uint8_t sha256[32];
    char **argv = strings_vector(&j->arguments);
    if (!argv)
        return ENOMEM;
    struct candidate candidate = {.path = image->place.path, .requested = image->requested, .argv = argv};
    bool wanted = tables_need_hash(tables, candidate.path) && (!script || image_is_stable(j->notice, image));
    int error = wanted && !hash_image(j, sha256) ? image_refuse(ruling, REASON_UNREADABLE) : 0;
    if (!error) {
        candidate.sha256 = wanted ? sha256 : NULL;
        *ruling = tables_program(tables, &candidate);
    }
    free(argv);
    if (!error && wanted && !script) {
        memcpy(j->start->sha256, sha256, sizeof sha256);
        j->start->hashed = true;
    }
    return error;
}

static int judge_script(struct judging *j) {
    struct ruling ruling = {0};
    int error = ask_tables(j, true, &ruling);
    if (error) {
        j->start->ruling = ruling;
        return error;
    }
    /* What nothing matches is its interpreter's affair. */
    j->scripts_hooked |= ruling.hooked;
    if (ruling.reason != REASON_UNMATCHED && ruling.verdict > j->scripts.verdict)
        j->scripts = ruling;
    return 0;
}

/* Puts interpreter and script before the arguments, and the interpreter in the place of the script. */
static int enter_interpreter(struct judging *j, bool first) {
    char name[PATH_MAX + 32];
    struct strings longer = {0};
    strings_add(&longer, j->shebang.interpreter);
    if (j->shebang.has_argument)
        strings_add(&longer, j->shebang.argument);
    name_script(j, name);
    struct slice rest = strings_rest(&j->arguments);
    if (first)
        strings_add(&longer, name);
    else
        rest = (struct slice){j->arguments.text.data, j->arguments.text.size};
    buffer_append(&longer.text, rest.data, rest.size);
    longer.count += j->arguments.count - first;
    strings_free(&j->arguments);
    j->arguments = longer;
    image_close(&j->image);
    /* The kernel takes no name for the working directory itself. */
    if (!j->shebang.interpreter[0])
        return EACCES;
    if (j->working < 0 && (j->working = caller_open(j->notice, AT_FDCWD)) < 0)
        return errno;
    return image_find(j->notice, j->working, j->shebang.interpreter, PLACE_FOLLOW, &j->image);
}

/* Follows scripts to what the kernel will map. */
static int find_image(struct judging *j) {
    struct start *s = j->start;
    for (int level = 0;; level++) {
        snprintf(s->path, sizeof s->path, "%s", j->image.place.path);
        int error = image_open(j->notice, &j->image, &s->ruling);
        if (error)
            return error;
        if (!shebang_parse((const char *)j->image.head, j->image.head_size, &j->shebang))
            return 0;
        if (level == SHEBANG_LEVELS)
            return ELOOP;
        if (level == 0)
            snprintf(s->script, sizeof s->script, "%s", j->image.place.path);
        error = judge_script(j);
        if (!error)
            error = enter_interpreter(j, level == 0);
        if (error)
            return error;
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

static struct approval *approve(const struct judging *j) {
    const struct start *s = j->start;
    const struct buffer *arguments = &j->arguments.text;
    pid_t process = caller_process(j->notice);
    struct approval *a = process > 0 ? malloc(sizeof *a + arguments->size + j->loader.size) : NULL;
    if (!a)
        return NULL;
    char *text = (char *)(a + 1), *loader = text + arguments->size;
    *a = (struct approval){
        .notice = *j->notice,
        .process = process,
        .device = j->image.place.status.st_dev,
        .inode = j->image.place.status.st_ino,
        .check_name = j->notice->tables->flags & POLICY_FLAG_DECIDE_PROGRAMS,
        .check_hash = s->hashed && !image_is_stable(j->notice, &j->image),
        .arguments = text,
        .argument_bytes = arguments->size,
        .check_loader = j->notice->tables->flags & POLICY_FLAG_ALLOW_LIST,
        .loader = loader,
        .loader_bytes = j->loader.size,
    };
    memcpy(a->sha256, s->sha256, sizeof a->sha256);
    memcpy(text, arguments->data, arguments->size);
    if (j->loader.size)
        memcpy(loader, j->loader.data, j->loader.size);
    return a;
}

static int judge_image(struct judging *j) {
    struct start *s = j->start;
    if (j->working < 0 && (j->working = caller_open(j->notice, AT_FDCWD)) < 0)
        return errno;
    int error = image_check_loader(j->notice, j->working, &j->image, &s->ruling);
    if (!error)
        error = ask_tables(j, false, &s->ruling);
    if (error)
        return error;
    s->ruling = combine(j, s->ruling);
    /* Hooks see the hash, unless the sandbox made the program so long that others would wait. */
    if (s->ruling.hooked && !s->hashed && !(s->hashed = hash_image(j, s->sha256)) &&
        (image_is_stable(j->notice, &j->image) || !hash_is_too_long(j->image.file)))
        return image_refuse(&s->ruling, REASON_UNREADABLE);
    if (s->ruling.verdict == VERDICT_DENY)
        return EACCES;
    if (!loader_variables_are_safe(j->notice, (struct slice){j->loader.data, j->loader.size}))
        return image_refuse(&s->ruling, REASON_LOADER_VARIABLE);
    struct place cwd;
    if ((s->ruling.verdict == VERDICT_ASK || s->ruling.hooked) &&
        place_find(j->notice, j->working, "", PLACE_EMPTY, 0, &cwd) == 0) {
        snprintf(s->cwd, sizeof s->cwd, "%s", cwd.path);
        place_close(&cwd);
    }
    s->approval = approve(j);
    return s->approval ? 0 : ENOMEM;
}

static int judge(struct judging *j) {
    struct start *s = j->start;
    int error = find_called(j);
    if (error)
        return error;
    snprintf(s->requested, sizeof s->requested, "%s", j->image.requested);
    snprintf(s->path, sizeof s->path, "%s", j->image.place.path);
    error = read_vectors(j);
    if (!error)
        error = find_image(j);
    if (!error)
        error = judge_image(j);
    s->argv = strings_vector(&j->arguments);
    if (!error && !s->argv)
        error = ENOMEM;
    if (!error && (s->image = fcntl(j->image.place.object, F_DUPFD_CLOEXEC, 0)) < 0)
        error = errno;
    return error;
}

int start_judge(const struct notice *notice, struct start *start) {
    struct judging *j = malloc(sizeof *j);
    start->path[0] = start->requested[0] = start->script[0] = start->cwd[0] = 0;
    start->argv = NULL;
    start->hashed = false;
    start->ruling = (struct ruling){0};
    start->image = -1;
    start->approval = NULL;
    if (!j)
        return ENOMEM;
    memset(j, 0, offsetof(struct judging, path));
    j->notice = notice;
    j->start = start;
    j->working = j->image.file = j->image.place.object = j->image.place.parent = -1;
    j->arguments = (struct strings){0};
    j->loader = (struct buffer){0};
    j->scripts = (struct ruling){0};
    j->scripts_hooked = false;
    int error = judge(j);
    /* Nobody waits for the answer, and what was read may be another's who got the number. */
    if (!notice_is_live(notice)) {
        start->ruling = (struct ruling){0};
        error = ESRCH;
    }
    strings_free(&j->arguments);
    buffer_free(&j->loader);
    image_close(&j->image);
    if (j->working >= 0)
        close(j->working);
    free(j);
    return error;
}

void start_free(struct start *start) {
    free(start->argv);
    free(start->approval);
    if (start->image >= 0)
        close(start->image);
    start->argv = NULL;
    start->approval = NULL;
    start->image = -1;
}
