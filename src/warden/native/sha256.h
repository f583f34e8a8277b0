/* SHA-256 (FIPS 180-4), by the processor's own instructions where it has them. */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct sha256 {
    uint32_t state[8];
    uint64_t size;
    uint8_t block[64]; /* what does not fill a block yet */
};

void sha256_begin(struct sha256 *hash);
void sha256_add(struct sha256 *hash, const void *data, size_t size);
void sha256_end(struct sha256 *hash, uint8_t digest[32]);
/* For tests: do without the processor's instructions from now on. */
void sha256_use_plain(void);
