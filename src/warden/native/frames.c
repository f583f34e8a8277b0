#include "link.h"
#include "protocol.gen.h"

static uint32_t u32_at(const uint8_t *at) {
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

ptrdiff_t frames_parse(struct slice bytes, void (*on_frame)(const struct frame *frame)) {
    size_t at = 0;
    while (bytes.size - at >= HEADER_BYTES) {
        const uint8_t *header = bytes.data + at;
        uint32_t size = u32_at(header);
        if (size > MAX_PAYLOAD_BYTES || header[6] != 0 || header[7] != 0)
            return -1;
        if (bytes.size - at - HEADER_BYTES < size)
            break;
        struct frame frame = {header[4], header[5], u32_at(header + 8), {header + HEADER_BYTES, size}};
        on_frame(&frame);
        at += HEADER_BYTES + size;
    }
    return (ptrdiff_t)at;
}
