#define _GNU_SOURCE
#include "caller.h"
#include "loader_variables.h"
#include "start_judging.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool read_call(struct judging *j, struct caller_pages *pages) {
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
    return caller_pages_text(pages, j->path_address, j->path, sizeof j->path);
}

static int find_called(struct judging *j, struct caller_pages *pages) {
    if (!read_call(j, pages))
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

static int read_vectors(struct judging *j, struct caller_pages *pages) {
    int error = caller_strings(pages, j->argv_address, &j->arguments);
    /* The kernel gives a program without arguments an empty one. */
    if (!error && j->arguments.count == 0)
        strings_add(&j->arguments, "");
    if (error || !(j->notice->tables->flags & POLICY_FLAG_ALLOW_LIST))
        return error;
    struct strings environment = {0};
    error = caller_strings(pages, j->env_address, &environment);
    if (!error && environment.text.size + j->arguments.text.size > STRINGS_BYTES_MAX)
        error = E2BIG;
    if (!error)
        loader_variables_pick((struct slice){environment.text.data, environment.text.size}, &j->loader);
    strings_free(&environment);
    return error;
}

int judging_read(struct judging *j) {
    struct start *s = j->start;
    /* Whether all this was the caller's is looked at once, when it has been judged. */
    struct caller_pages pages;
    caller_pages_begin(&pages, j->notice);
    int error = find_called(j, &pages);
    if (error)
        return error;
    snprintf(s->requested, sizeof s->requested, "%s", j->image.requested);
    snprintf(s->path, sizeof s->path, "%s", j->image.place.path);
    return read_vectors(j, &pages);
}

bool judging_open_working(struct judging *j) {
    if (j->working < 0)
        j->working = caller_open(j->notice, AT_FDCWD);
    return j->working >= 0;
}

int judging_enter_interpreter(struct judging *j, bool first) {
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
    if (!judging_open_working(j))
        return errno;
    return image_find(j->notice, j->working, j->shebang.interpreter, PLACE_FOLLOW, &j->image);
}
