/* libFuzzer target: whatever the host's half of the link may carry, cut at any place, into frames and messages. */
#include "link.h"
#include "protocol.gen.h"
#include <stdlib.h>

static size_t payload_bytes;

static void walk(struct list list) {
    struct slice element;
    while (list_next(&list, &element))
        for (size_t i = 0; i < element.size; i++)
            payload_bytes += element.data[i];
}

/* Decodes the payload as every message: a decoder must hold for what was never meant for it. */
static void decode_as_everything(struct slice payload) {
    struct msg_namespace names;
    struct msg_mount mount;
    struct msg_config config;
    struct msg_rule rule;
    struct msg_exec exec;
    struct msg_file file;
    struct msg_signal number;
    struct msg_resize resize;
    struct msg_credit credit;
    struct msg_ping ping;
    if (decode_namespace(payload, &names)) {
        walk(names.cgroups);
        free(slice_string(names.workspace));
        free(list_strings(names.cgroups));
    }
    if (decode_mount(payload, &mount))
        free(slice_string(mount.target));
    if (decode_config(payload, &config))
        free(slice_string(config.workspace));
    if (decode_rule(payload, &rule))
        free(slice_string(rule.path));
    if (decode_exec(payload, &exec)) {
        walk(exec.argv);
        walk(exec.env);
        free(list_strings(exec.argv));
        free(list_strings(exec.env));
    }
    if (decode_file(payload, &file))
        free(slice_string(file.path));
    payload_bytes += decode_signal(payload, &number) + decode_resize(payload, &resize) +
                     decode_credit(payload, &credit) + decode_ping(payload, &ping);
}

static void on_frame(const struct frame *frame) { decode_as_everything(frame->payload); }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    /* In a block of its own size, so that one byte past the end is found. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    ptrdiff_t used = frames_parse((struct slice){copy, size}, on_frame);
    if (used > (ptrdiff_t)size)
        abort();
    decode_as_everything((struct slice){copy, size});
    free(copy);
    return 0;
}
