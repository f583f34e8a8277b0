#define _GNU_SOURCE
#include "names.h"
#include "die.h"
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
    NAMES_MAX = 16384,
    SLOTS = 2 * NAMES_MAX,
    IN_BLOCK = 254, /* of each 256 addresses: not the first and the last */
};

static const uint32_t base = 198U << 24 | 18U << 16, mask = 0xfffe0000U;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char *names[NAMES_MAX];
static uint32_t count;
static uint16_t slots[SLOTS]; /* index + 1; 0: empty */
static uint64_t seed;

bool names_own(uint32_t address) { return (address & mask) == base; }

/* Seeded: who chooses the names must not choose what they collide with. */
static uint32_t slot_of(const char *name) {
    uint64_t hash = seed;
    for (; *name; name++)
        hash = (hash ^ (uint8_t)*name) * 0x100000001b3;
    return (uint32_t)((hash ^ hash >> 32) % SLOTS);
}

static uint32_t address_of(uint32_t index) { return base + index / IN_BLOCK * 256 + index % IN_BLOCK + 1; }

/* Index of the name, which is added where it is new; -1: there is no room. */
static int64_t find_or_add(const char *name) {
    if (!seed && (getrandom(&seed, sizeof seed, 0) != sizeof seed || !seed))
        seed = 0xcbf29ce484222325;
    uint32_t slot = slot_of(name);
    for (; slots[slot]; slot = (slot + 1) % SLOTS)
        if (strcmp(names[slots[slot] - 1], name) == 0)
            return slots[slot] - 1;
    if (count == NAMES_MAX)
        return -1;
    names[count] = strdup(name);
    if (!names[count])
        die("out of memory");
    slots[slot] = (uint16_t)++count;
    return count - 1;
}

bool names_address(const char *name, uint32_t *address) {
    pthread_mutex_lock(&lock);
    int64_t index = find_or_add(name);
    pthread_mutex_unlock(&lock);
    if (index >= 0)
        *address = address_of((uint32_t)index);
    return index >= 0;
}

bool names_find(uint32_t address, char name[NAME_BYTES]) {
    uint32_t offset = address - base, in_block = offset % 256;
    if (!names_own(address) || in_block == 0 || in_block > IN_BLOCK)
        return false;
    uint32_t index = offset / 256 * IN_BLOCK + in_block - 1;
    pthread_mutex_lock(&lock);
    bool known = index < count;
    if (known)
        memcpy(name, names[index], strlen(names[index]) + 1);
    pthread_mutex_unlock(&lock);
    return known;
}
