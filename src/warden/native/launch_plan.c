#define _GNU_SOURCE
#include "launch_plan.h"
#include "copy_tree.h"
#include "die.h"
#include "scratch.h"
#include "volume.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STEPS_MAX = 4096 };

static bool read_exactly(void *out, size_t size) {
    uint8_t *at = out;
    while (size > 0) {
        ssize_t count = read(0, at, size);
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0)
            return false;
        at += count;
        size -= (size_t)count;
    }
    return true;
}

/* One frame; its payload is kept for good, for the plan points into it. */
static bool read_frame(uint8_t *type, struct slice *payload) {
    uint8_t header[HEADER_BYTES];
    uint32_t size;
    if (!read_exactly(header, sizeof header))
        return false;
    memcpy(&size, header, sizeof size);
    if (size > MAX_PAYLOAD_BYTES)
        return false;
    uint8_t *data = malloc(size ? size : 1);
    if (!data)
        die("out of memory");
    *type = header[4];
    *payload = (struct slice){data, size};
    return read_exactly(data, size);
}

static bool on_owned(struct launch_plan *plan, struct slice payload) {
    struct msg_owned owned;
    if (plan->owned_count == OWNED_MAX || !decode_owned(payload, &owned))
        return false;
    char *path = slice_string(owned.path);
    if (!path || path[0] != '/')
        return false;
    plan->owned[plan->owned_count++] = (struct owned_path){owned.kind, path};
    return true;
}

static bool on_namespace(struct launch_plan *plan, struct slice payload) {
    if (plan->hostname || !decode_namespace(payload, &plan->names))
        return false;
    plan->hostname = slice_string(plan->names.hostname);
    plan->workspace = slice_string(plan->names.workspace);
    plan->cgroups = list_strings(plan->names.cgroups);
    return plan->hostname && plan->workspace && plan->cgroups;
}

static bool on_mount(struct launch_plan *plan, struct slice payload) {
    struct msg_mount mount;
    if (!decode_mount(payload, &mount) || plan->count == STEPS_MAX)
        return false;
    plan->steps = realloc(plan->steps, (plan->count + 1) * sizeof *plan->steps);
    if (!plan->steps)
        die("out of memory");
    struct mount_step *step = &plan->steps[plan->count++];
    *step = (struct mount_step){
        .kind = mount.kind,
        .flags = mount.flags,
        .source = slice_string(mount.source),
        .target = slice_string(mount.target),
        .data = mount.data,
        .source_fd = -1,
        .identity = -1,
    };
    return step->source && step->target;
}

static bool is_complete(struct launch_plan *plan) {
    for (size_t i = 0; i < plan->count; i++)
        if (plan->steps[i].kind == MOUNT_OVERLAY)
            plan->overlay = &plan->steps[i];
    return plan->hostname != NULL;
}

bool launch_plan_read(struct launch_plan *plan) {
    for (;;) {
        struct slice payload;
        uint8_t type;
        bool good = read_frame(&type, &payload);
        if (good && type == FRAME_ENTER)
            return is_complete(plan);
        if (good && type == FRAME_OWNED)
            good = on_owned(plan, payload);
        else if (good && type == FRAME_NAMESPACE)
            good = on_namespace(plan, payload);
        else if (good && type == FRAME_MOUNT)
            good = on_mount(plan, payload);
        else if (good && type == FRAME_COPY)
            good = copy_tree(payload);
        else
            good = false;
        if (!good)
            return false;
    }
}

static void remove_cgroup(const char *path) {
    /* The kernel takes a moment to empty a group whose last process has just died. */
    for (int tries = 0; rmdir(path) && errno == EBUSY && tries < 200; tries++)
        usleep(1000);
}

void launch_plan_release(const struct launch_plan *plan) {
    for (size_t i = plan->owned_count; i-- > 0;) {
        if (plan->owned[i].kind == OWNED_CGROUP)
            remove_cgroup(plan->owned[i].path);
        else if (plan->owned[i].kind == OWNED_VOLUME)
            volume_remove(plan->owned[i].path);
        else
            scratch_remove(plan->owned[i].path);
    }
}

static const struct launch_plan *owner;

void launch_plan_own(const struct launch_plan *plan) { owner = plan; }

void launch_fail(uint32_t stage, const char *subject) {
    int error = errno;
    struct msg_fatal fatal = {stage, (uint32_t)error, slice_of(subject)};
    struct buffer payload = {0}, frame = {0};
    encode_fatal(&payload, &fatal);
    buffer_u32(&frame, (uint32_t)payload.size);
    buffer_u8(&frame, FRAME_FATAL);
    buffer_append(&frame, "\0\0\0\0\0\0", 3);
    buffer_u32(&frame, 0);
    buffer_append(&frame, payload.data, payload.size);
    (void)!write(1, frame.data, frame.size);
    if (owner) {
        /* The inner half waits for a word on a socket, and ends when it is closed. */
        syscall(SYS_close_range, 3, ~0U, 0);
        launch_plan_release(owner);
    }
    errno = error;
    die_errno("cannot launch at stage %u (%s)", stage, subject);
}
