#define _GNU_SOURCE
#include "launch_plan.h"
#include "die.h"
#include <errno.h>
#include <stdlib.h>
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
static uint8_t read_frame(struct slice *payload) {
    uint8_t header[HEADER_BYTES];
    uint32_t size;
    if (!read_exactly(header, sizeof header))
        _exit(0);
    memcpy(&size, header, sizeof size);
    if (size > MAX_PAYLOAD_BYTES)
        die("the host sent a frame that is too long");
    uint8_t *data = malloc(size ? size : 1);
    if (!data)
        die("out of memory");
    if (!read_exactly(data, size))
        _exit(0);
    *payload = (struct slice){data, size};
    return header[4];
}

static char *string_or_die(struct slice s) {
    char *text = slice_string(s);
    if (!text)
        die("the host sent a string with a NUL in it");
    return text;
}

static void on_namespace(struct launch_plan *plan, struct slice payload) {
    if (plan->hostname || !decode_namespace(payload, &plan->names))
        die("the host sent an unexpected or malformed namespace");
    plan->hostname = string_or_die(plan->names.hostname);
    plan->workspace = string_or_die(plan->names.workspace);
    plan->scratch = string_or_die(plan->names.scratch);
    plan->cgroups = list_strings(plan->names.cgroups);
    if (!plan->cgroups)
        die("the host sent a cgroup with a NUL in its name");
}

static void on_mount(struct launch_plan *plan, struct slice payload) {
    struct msg_mount mount;
    if (!decode_mount(payload, &mount) || plan->count == STEPS_MAX)
        die("the host sent a malformed mount, or too many");
    plan->steps = realloc(plan->steps, (plan->count + 1) * sizeof *plan->steps);
    if (!plan->steps)
        die("out of memory");
    plan->steps[plan->count++] = (struct mount_step){
        .kind = mount.kind,
        .flags = mount.flags,
        .source = string_or_die(mount.source),
        .target = string_or_die(mount.target),
        .data = mount.data,
        .source_fd = -1,
    };
}

void launch_plan_read(struct launch_plan *plan) {
    for (;;) {
        struct slice payload;
        uint8_t type = read_frame(&payload);
        if (type == FRAME_NAMESPACE)
            on_namespace(plan, payload);
        else if (type == FRAME_MOUNT)
            on_mount(plan, payload);
        else if (type == FRAME_ENTER && plan->hostname)
            return;
        else
            die("the host sent a frame of type %u to the launcher", type);
    }
}

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
    errno = error;
    die_errno("cannot launch at stage %u (%s)", stage, subject);
}
