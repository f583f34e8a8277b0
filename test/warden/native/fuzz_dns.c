/* libFuzzer target: whatever may come as a question to the name server. */
#include "dns_message.h"
#include <stdlib.h>

static void expect(bool holds) {
    if (!holds)
        abort();
}

/* Only sound host names are ever asked for. */
static bool give_address(const char *name, uint32_t *address) {
    size_t size = strlen(name);
    expect(size > 0 && size < DNS_NAME_BYTES);
    for (size_t i = 0; i < size; i++)
        expect(name[i] == '.' || name[i] == '-' || name[i] == '_' || (name[i] >= '0' && name[i] <= '9') ||
               (name[i] >= 'a' && name[i] <= 'z'));
    *address = 198U << 24 | 18U << 16 | (uint32_t)size;
    return name[0] != 'x';
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    enum { IS_RESPONSE = 0x80, HEADER = 12 };
    struct dns_zone zone = {.address = give_address, .own_name = "sandbox", .closed = size > 0 && data[0] == 0xff};
    size = size > DNS_QUERY_MAX ? DNS_QUERY_MAX : size;
    /* In a block of its own size, so that one byte past the end is found. */
    uint8_t *query = malloc(size ? size : 1), *reply = malloc(DNS_REPLY_MAX);
    memcpy(query, data, size);
    size_t answer = dns_answer((struct slice){query, size}, &zone, reply);
    expect(answer == 0 || (answer >= HEADER && answer <= DNS_REPLY_MAX));
    if (answer > 0) {
        expect(memcmp(reply, query, 2) == 0 && reply[2] & IS_RESPONSE);
        /* What is refused has no answer in it, and an answer never invites another. */
        expect((reply[3] & 0xf) == 0 || reply[7] == 0);
        expect(dns_answer((struct slice){reply, answer}, &zone, query) == 0);
    }
    free(query);
    free(reply);
    return 0;
}
