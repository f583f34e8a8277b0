/* A fair line before workers: each command has a lane of its own, and the lanes take turns. One command fills its own
 * lane and no other's, and can never have all workers. Whoever uses it holds a lock. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct waiter {
    struct waiter *next;
    uint32_t stream; /* of its command */
    size_t weight;   /* in bytes of memory */
};

struct lane {
    struct lane *next;
    uint32_t stream;
    struct waiter *first, **last;
    size_t weight, busy;
    size_t passed; /* waiters that the last look had seen */
};

struct lanes {
    struct lane *first;
    size_t busy_max;   /* workers of one command at a time */
    size_t weight_max; /* what may wait of one command */
};

/* False: too much of its command waits already, or there is no memory. */
bool lanes_put(struct lanes *lanes, struct waiter *waiter);
/* The next that may begin; its command has a worker more until lanes_done. NULL: nobody may. */
struct waiter *lanes_take(struct lanes *lanes);
void lanes_done(struct lanes *lanes, uint32_t stream);
/* Looks at some of those that wait in one lane, in turn, and takes out what `is_over`: a list. */
struct waiter *lanes_sift(struct lanes *lanes, size_t look, bool (*is_over)(struct waiter *waiter));
