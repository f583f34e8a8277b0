#include "sha256.h"
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

enum { BLOCK = 64 };

static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t turn(uint32_t x, unsigned by) { return x >> by | x << (32 - by); }

static void blocks_plain(uint32_t state[8], const uint8_t *data, size_t count) {
    for (; count > 0; count--, data += BLOCK) {
        uint32_t w[64];
        for (int i = 0; i < 16; i++)
            w[i] = (uint32_t)data[4 * i] << 24 | (uint32_t)data[4 * i + 1] << 16 | (uint32_t)data[4 * i + 2] << 8 |
                   data[4 * i + 3];
        for (int i = 16; i < 64; i++) {
            uint32_t a = w[i - 15], b = w[i - 2];
            w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
        }
        uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
        uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
        for (int i = 0; i < 64; i++) {
            uint32_t first = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + constants[i] + w[i];
            uint32_t second = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
            h = g, g = f, f = e, e = d + first;
            d = c, c = b, b = a, a = first + second;
        }
        const uint32_t done[8] = {a, b, c, d, e, f, g, h};
        for (int i = 0; i < 8; i++)
            state[i] += done[i];
    }
}

#if defined(__x86_64__)
static bool has_instructions(void) {
    unsigned a, b, c, d;
    bool shuffles = __get_cpuid(1, &a, &b, &c, &d) && c & bit_SSSE3 && c & bit_SSE4_1;
    return shuffles && __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}

/* With the oldest four of the sixteen words that are at hand, in whose place come the next four. */
__attribute__((target("sha,sse4.1"), always_inline)) static inline void
four_rounds(__m128i *abef, __m128i *cdgh, __m128i *w0, __m128i w1, __m128i w2, __m128i w3, const uint32_t *four) {
    __m128i sum = _mm_add_epi32(*w0, _mm_loadu_si128((const void *)four));
    *cdgh = _mm_sha256rnds2_epu32(*cdgh, *abef, sum);
    *abef = _mm_sha256rnds2_epu32(*abef, *cdgh, _mm_shuffle_epi32(sum, 0x0e));
    __m128i next = _mm_add_epi32(_mm_sha256msg1_epu32(*w0, w1), _mm_alignr_epi8(w3, w2, 4));
    *w0 = _mm_sha256msg2_epu32(next, w3);
}

__attribute__((target("sha,sse4.1"))) static void blocks_fast(uint32_t state[8], const uint8_t *data, size_t count) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    /* The instructions want the state as ABEF and CDGH. */
    __m128i low = _mm_shuffle_epi32(_mm_loadu_si128((const void *)state), 0xb1);
    __m128i high = _mm_shuffle_epi32(_mm_loadu_si128((const void *)(state + 4)), 0x1b);
    __m128i abef = _mm_alignr_epi8(low, high, 8), cdgh = _mm_blend_epi16(high, low, 0xf0);
    for (; count > 0; count--, data += BLOCK) {
        __m128i abef_before = abef, cdgh_before = cdgh;
        __m128i w0 = _mm_shuffle_epi8(_mm_loadu_si128((const void *)data), swap);
        __m128i w1 = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(data + 16)), swap);
        __m128i w2 = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(data + 32)), swap);
        __m128i w3 = _mm_shuffle_epi8(_mm_loadu_si128((const void *)(data + 48)), swap);
        for (int i = 0; i < 16; i += 4) {
            four_rounds(&abef, &cdgh, &w0, w1, w2, w3, constants + 4 * i);
            four_rounds(&abef, &cdgh, &w1, w2, w3, w0, constants + 4 * i + 4);
            four_rounds(&abef, &cdgh, &w2, w3, w0, w1, constants + 4 * i + 8);
            four_rounds(&abef, &cdgh, &w3, w0, w1, w2, constants + 4 * i + 12);
        }
        abef = _mm_add_epi32(abef, abef_before);
        cdgh = _mm_add_epi32(cdgh, cdgh_before);
    }
    low = _mm_shuffle_epi32(abef, 0x1b);
    high = _mm_shuffle_epi32(cdgh, 0xb1);
    _mm_storeu_si128((void *)state, _mm_blend_epi16(low, high, 0xf0));
    _mm_storeu_si128((void *)(state + 4), _mm_alignr_epi8(high, low, 8));
}
#else
static bool has_instructions(void) { return false; }
static void blocks_fast(uint32_t state[8], const uint8_t *data, size_t count) { blocks_plain(state, data, count); }
#endif

static _Thread_local enum { UNKNOWN, PLAIN, FAST } way;

void sha256_use_plain(void) { way = PLAIN; }

static void blocks(uint32_t state[8], const uint8_t *data, size_t count) {
    if (way == UNKNOWN)
        way = has_instructions() ? FAST : PLAIN;
    if (way == FAST)
        blocks_fast(state, data, count);
    else
        blocks_plain(state, data, count);
}

void sha256_begin(struct sha256 *h) {
    static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(h->state, first, sizeof first);
    h->size = 0;
}

void sha256_add(struct sha256 *h, const void *data, size_t size) {
    const uint8_t *at = data;
    size_t held = h->size % BLOCK;
    if (size == 0)
        return;
    h->size += size;
    if (held > 0) {
        size_t more = BLOCK - held < size ? BLOCK - held : size;
        memcpy(h->block + held, at, more);
        at += more;
        size -= more;
        if (held + more < BLOCK)
            return;
        blocks(h->state, h->block, 1);
    }
    blocks(h->state, at, size / BLOCK);
    if (size % BLOCK)
        memcpy(h->block, at + size - size % BLOCK, size % BLOCK);
}

void sha256_end(struct sha256 *h, uint8_t digest[32]) {
    uint64_t bits = h->size * 8;
    uint8_t tail[BLOCK + 8] = {0x80};
    size_t zeros = (h->size % BLOCK < 56 ? 55 : 119) - h->size % BLOCK;
    for (int i = 0; i < 8; i++)
        tail[1 + zeros + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
    sha256_add(h, tail, 1 + zeros + 8);
    for (int i = 0; i < 32; i++)
        digest[i] = (uint8_t)(h->state[i / 4] >> (24 - 8 * (i % 4)));
}
