#define _GNU_SOURCE
#include "start_image.h"
#include "caller.h"
#include "elf_image.h"
#include "own_descriptors.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int image_refuse(struct ruling *ruling, uint8_t reason) {
    *ruling = (struct ruling){.verdict = VERDICT_DENY, .reason = reason};
    return EACCES;
}

static bool has_dots(const char *path) {
    for (const char *at = path; (at = strstr(at, "..")); at += 2)
        if ((at == path || at[-1] == '/') && (at[2] == '/' || at[2] == 0))
            return true;
    return false;
}

/* The path as it was asked for, absolute. With `..` in it, words do not tell where it leads, and a rule on names must not
 * be met by such words: then it is the place itself. */
static void tell_requested(int base, const char *path, struct image *image) {
    char from[PATH_MAX];
    char *to = image->requested;
    snprintf(to, PATH_MAX, "%s", image->place.path);
    if (path[0] == 0 || has_dots(path))
        return;
    if (path[0] == '/') {
        snprintf(to, PATH_MAX, "%s", path);
        return;
    }
    while (path[0] == '.' && path[1] == '/')
        path += 1 + strspn(path + 1, "/");
    if (path_of(base, from) || from[0] != '/')
        return;
    const char *root = strcmp(from, "/") == 0 ? "" : from;
    if (snprintf(to, PATH_MAX, "%s/%s", root, path) >= PATH_MAX)
        snprintf(to, PATH_MAX, "%s", image->place.path);
}

int image_find(const struct notice *notice, int base, const char *path, unsigned flags, struct image *image) {
    image->file = -1;
    image->head_size = 0;
    int error = place_find(notice, base, path, flags, 0, &image->place);
    if (error) {
        image->place.object = image->place.parent = -1;
        return error;
    }
    tell_requested(base, path, image);
    return 0;
}

void image_close(struct image *image) {
    if (image->file >= 0)
        close(image->file);
    image->file = -1;
    place_close(&image->place);
    image->place.object = image->place.parent = -1;
}

static bool is_in_memory(const struct place *place) {
    return place->anonymous || place->unlinked || place->status.st_nlink == 0 || place->path[0] != '/' ||
           strncmp(place->path, "/memfd:", 7) == 0;
}

/* What the floor alone decides is not told to the tables, unless the rules came with them. */
static bool knows_paths(const struct tables *tables) {
    return tables->mode == MODE_EMULATED || tables->path_rule_count > 0;
}

int image_open(const struct notice *notice, struct image *image, struct ruling *ruling) {
    const struct tables *tables = notice->tables;
    const struct place *place = &image->place;
    if (S_ISLNK(place->status.st_mode))
        return ELOOP;
    if (!S_ISREG(place->status.st_mode))
        return EACCES;
    if (syscall(SYS_faccessat2, place->object, "", X_OK, AT_EMPTY_PATH | AT_EACCESS))
        return errno;
    bool in_memory = is_in_memory(place);
    image->reading = (struct ruling){0};
    if (in_memory && tables->flags & POLICY_FLAG_DECIDE_PROGRAMS)
        return image_refuse(ruling, REASON_MEMORY_FILE);
    if (!in_memory && knows_paths(tables)) {
        image->reading = tables_path(tables, place->path, ACTION_READ, NULL);
        if (image->reading.verdict == VERDICT_DENY) {
            *ruling = image->reading;
            return EACCES;
        }
    }
    /* At the stop, nobody could tell what an unreadable program is. */
    image->file = reopen(place->object, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (image->file < 0)
        return errno == EACCES ? image_refuse(ruling, REASON_UNREADABLE) : EACCES;
    ssize_t size = pread(image->file, image->head, sizeof image->head, 0);
    if (size < 0)
        return image_refuse(ruling, REASON_UNREADABLE);
    image->head_size = (size_t)size;
    return 0;
}

/* By the program's own content, or by what lies where it says. */
static bool can_change_loader(const struct notice *notice, const struct image *image, const char *said,
                              const char *found) {
    return !image_is_stable(notice, image) ||
           (said[0] && (said[0] != '/' || tables_writable(notice->tables, said))) ||
           (found[0] && tables_writable(notice->tables, found));
}

/* The loader that the program itself names is read and mapped as well. */
static int check_interpreter(const struct notice *notice, const char *path, struct reading *interpreter,
                             struct ruling *ruling) {
    struct place place;
    if (!path[0] || !knows_paths(notice->tables))
        return 0;
    int base = path[0] == '/' ? AT_FDCWD : caller_open(notice, AT_FDCWD);
    int error = base == -1 ? errno : place_find(notice, base, path, PLACE_FOLLOW, 0, &place);
    if (base >= 0)
        close(base);
    if (error)
        return error;
    interpreter->ruling = tables_path(notice->tables, place.path, ACTION_READ, NULL);
    strcpy(interpreter->path, place.path);
    place_close(&place);
    if (interpreter->ruling.verdict != VERDICT_DENY)
        return 0;
    *ruling = interpreter->ruling;
    return EACCES;
}

int image_check_loader(const struct notice *notice, struct image *image, struct reading *interpreter,
                       struct ruling *ruling) {
    char path[PATH_MAX];
    interpreter->path[0] = 0;
    interpreter->ruling = (struct ruling){0};
    image->loader_changes = true;
    enum elf_kind kind = elf_look(image->file, image->head, image->head_size, path);
    if (kind == ELF_NOT)
        return 0;
    if (kind == ELF_BROKEN)
        return ENOEXEC;
    bool named = !path[0] && (elf_is_loader_name(image->place.path) || elf_is_loader_name(image->requested));
    if ((kind == ELF_LOADER || named) && notice->tables->flags & POLICY_FLAG_DECIDE_PROGRAMS)
        return image_refuse(ruling, REASON_LOADER);
    int error = check_interpreter(notice, path, interpreter, ruling);
    image->loader_changes = can_change_loader(notice, image, path, interpreter->path);
    return error;
}

bool image_is_stable(const struct notice *notice, const struct image *image) {
    /* A second name may lie where the sandbox can write. */
    return image->place.status.st_nlink == 1 && !is_in_memory(&image->place) &&
           !tables_writable(notice->tables, image->place.path);
}
