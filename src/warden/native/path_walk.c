#define _GNU_SOURCE
#include "path_walk.h"
#include "place_zone.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

/* Links as the kernel counts them. Steps bound what links can multiply. */
enum { LINKS_MAX = 40, STEPS_MAX = 2048, NO_LINKS_FOLLOWED = 0x2000 /* ST_NOSYMFOLLOW */ };

/* Something open on the way. */
struct spot {
    int fd;
    struct stat status;
    enum zone zone;
};

struct walk {
    const struct notice *notice;
    unsigned flags;
    uint64_t how;
    struct place *place;
    struct spot here;
    unsigned links, steps;
    bool arrived;
    const char *at; /* in `text`: what is left of the way */
    char text[2 * PATH_MAX];
};

/* One name of the way. */
struct step {
    char name[NAME_MAX + 1];
    bool last, slash;
};

static void move_to(struct walk *w, const struct spot *spot) {
    if (w->here.fd >= 0)
        close(w->here.fd);
    w->here = *spot;
}

/* `object` is taken over. */
static int arrive(struct walk *w, const struct spot *object, const struct step *step) {
    struct place *p = w->place;
    p->object = object->fd;
    p->status = object->status;
    p->kernel = object->zone != ZONE_ORDINARY;
    p->own = object->zone == ZONE_OWN;
    p->slash = step->slash;
    w->arrived = true;
    bool may_be_any = p->object < 0 || w->flags & PLACE_MAKE || S_ISDIR(object->status.st_mode);
    return step->slash && !may_be_any ? ENOTDIR : 0;
}

/* As `arrive`, with the directory and the name that it has there. */
static int arrive_at_entry(struct walk *w, const struct spot *object, const struct step *step) {
    if (w->flags & PLACE_PARENT) {
        w->place->parent = w->here.fd;
        w->here.fd = -1;
        strcpy(w->place->name, step->name);
    }
    return arrive(w, object, step);
}

static int arrive_at_nothing(struct walk *w, const struct step *step) {
    /* Nothing can be made in procfs: what appears there later was not judged. */
    if (!(w->flags & PLACE_PARENT) || !step->last || w->here.zone != ZONE_ORDINARY)
        return ENOENT;
    static const struct spot nothing = {.fd = -1};
    return arrive_at_entry(w, &nothing, step);
}

static int open_spot(const struct walk *w, int base, const char *path, int flags, struct spot *spot) {
    spot->fd = openat(base, path, O_PATH | O_CLOEXEC | flags);
    if (spot->fd < 0)
        return errno;
    int error = fstat(spot->fd, &spot->status) ? errno : zone_of(w->notice, spot->fd, &spot->status, &spot->zone);
    if (error)
        close(spot->fd);
    return error;
}

static int next_step(struct walk *w, struct step *step) {
    const char *name = w->at + strspn(w->at, "/");
    size_t size = strcspn(name, "/");
    if (size > NAME_MAX)
        return ENAMETOOLONG;
    if (++w->steps > STEPS_MAX)
        return ELOOP;
    memcpy(step->name, name, size);
    step->name[size] = 0;
    w->at = name + size;
    step->slash = *w->at == '/';
    step->last = w->at[strspn(w->at, "/")] == 0;
    return 0;
}

static int go_to_start(struct walk *w, int base, const char *path) {
    struct spot start;
    int error = path[0] == '/' ? open_spot(w, AT_FDCWD, "/", O_DIRECTORY, &start)
                               : open_spot(w, base, ".", O_DIRECTORY, &start);
    if (!error)
        move_to(w, &start);
    return error;
}

/* `.` and `..`. */
static int step_by_dots(struct walk *w, const struct step *step) {
    struct spot next;
    int error = open_spot(w, w->here.fd, step->name, O_DIRECTORY, &next);
    if (error)
        return error;
    if (step->last)
        return arrive(w, &next, step);
    move_to(w, &next);
    return 0;
}

/* The kernel alone knows where it leads; what is there is judged as anything else. */
static int follow_magic(struct walk *w, const struct step *step) {
    struct spot target;
    if (w->here.zone != ZONE_OWN)
        return EACCES;
    if (w->how & RESOLVE_NO_MAGICLINKS)
        return ELOOP;
    int error = open_spot(w, w->here.fd, step->name, 0, &target);
    if (error)
        return error;
    if (step->last)
        return arrive(w, &target, step);
    move_to(w, &target);
    return 0;
}

static int follow_text(struct walk *w, int link, const struct step *step) {
    char text[PATH_MAX];
    struct statfs filesystem;
    if (fstatfs(link, &filesystem) == 0 && filesystem.f_flags & NO_LINKS_FOLLOWED)
        return ELOOP;
    int error = zone_link_text(w->notice, w->here.zone, step->name, link, text);
    if (error)
        return error;
    size_t size = strlen(text), left = strlen(w->at);
    if (size + left >= sizeof w->text)
        return ENAMETOOLONG;
    memmove(w->text + size, w->at, left + 1);
    memcpy(w->text, text, size);
    w->at = w->text;
    return text[0] == '/' ? go_to_start(w, -1, "/") : 0;
}

/* Whether a link is the way on, and not what was asked for. */
static bool leads_on(const struct walk *w, const struct step *step) {
    return !step->last || w->flags & PLACE_FOLLOW || (step->slash && !(w->flags & PLACE_PARENT));
}

static int step_to(struct walk *w, const struct step *step) {
    struct spot next = {.fd = openat(w->here.fd, step->name, O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (next.fd < 0)
        return errno == ENOENT ? arrive_at_nothing(w, step) : errno;
    int error = fstat(next.fd, &next.status) ? errno
                                             : zone_below(w->notice, w->here.zone, step->name, next.fd, &next.status,
                                                          &next.zone);
    if (!error && S_ISLNK(next.status.st_mode) && leads_on(w, step)) {
        if (w->how & RESOLVE_NO_SYMLINKS || ++w->links > LINKS_MAX)
            error = ELOOP;
        else if (is_magic(w->here.zone))
            error = follow_magic(w, step);
        else
            error = follow_text(w, next.fd, step);
        close(next.fd);
        return error;
    }
    if (error)
        close(next.fd);
    else if (step->last)
        error = arrive_at_entry(w, &next, step);
    else
        move_to(w, &next);
    return error;
}

static int go(struct walk *w) {
    while (!w->arrived) {
        struct step step;
        int error = next_step(w, &step);
        if (error)
            return error;
        /* Words without a name are the root, or end in one. */
        if (step.name[0] == 0)
            strcpy(step.name, ".");
        bool dots = strcmp(step.name, ".") == 0 || strcmp(step.name, "..") == 0;
        if (step.last && step.slash && !dots && (w->flags & PLACE_PARENT) && (w->flags & PLACE_FOLLOW))
            return EISDIR;
        error = dots ? step_by_dots(w, &step) : step_to(w, &step);
        if (error)
            return error;
    }
    return 0;
}

int path_walk(const struct notice *notice, int base, const char *path, unsigned flags, uint64_t how,
              struct place *place) {
    struct walk w;
    w.notice = notice;
    w.flags = flags;
    w.how = how;
    w.place = place;
    w.here.fd = -1;
    w.links = w.steps = 0;
    w.arrived = false;
    size_t size = strlen(path);
    if (size >= PATH_MAX)
        return ENAMETOOLONG;
    w.at = memcpy(w.text, path, size + 1);
    int error = go_to_start(&w, base, path);
    if (!error)
        error = go(&w);
    if (w.here.fd >= 0)
        close(w.here.fd);
    return error;
}
