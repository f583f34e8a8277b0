#include "lanes.h"
#include <stdlib.h>

static struct lane **find(struct lanes *lanes, uint32_t stream) {
    struct lane **at = &lanes->first;
    while (*at && (*at)->stream != stream)
        at = &(*at)->next;
    return at;
}

static void append(struct lanes *lanes, struct lane *lane) {
    struct lane **at = &lanes->first;
    while (*at)
        at = &(*at)->next;
    lane->next = NULL;
    *at = lane;
}

static void free_if_empty(struct lane **at) {
    struct lane *lane = *at;
    if (lane->first || lane->busy)
        return;
    *at = lane->next;
    free(lane);
}

bool lanes_put(struct lanes *lanes, struct waiter *waiter) {
    struct lane *lane = *find(lanes, waiter->stream);
    if (!lane) {
        lane = calloc(1, sizeof *lane);
        if (!lane)
            return false;
        lane->stream = waiter->stream;
        lane->last = &lane->first;
        append(lanes, lane);
    } else if (lane->first && lane->weight + waiter->weight > lanes->weight_max) {
        return false;
    }
    waiter->next = NULL;
    *lane->last = waiter;
    lane->last = &waiter->next;
    lane->weight += waiter->weight;
    return true;
}

static struct waiter *take_first(struct lane *lane) {
    struct waiter *waiter = lane->first;
    lane->first = waiter->next;
    if (!lane->first)
        lane->last = &lane->first;
    lane->weight -= waiter->weight;
    return waiter;
}

struct waiter *lanes_take(struct lanes *lanes) {
    struct lane **at = &lanes->first;
    while (*at && (!(*at)->first || (*at)->busy >= lanes->busy_max))
        at = &(*at)->next;
    struct lane *lane = *at;
    if (!lane)
        return NULL;
    lane->busy++;
    struct waiter *waiter = take_first(lane);
    /* The others' turn is first now. */
    *at = lane->next;
    append(lanes, lane);
    return waiter;
}

void lanes_done(struct lanes *lanes, uint32_t stream) {
    struct lane **at = find(lanes, stream);
    (*at)->busy--;
    free_if_empty(at);
}

struct waiter *lanes_sift(struct lanes *lanes, size_t look, bool (*is_over)(struct waiter *waiter)) {
    struct lane *lane = lanes->first;
    struct waiter *over = NULL;
    if (!lane)
        return NULL;
    lanes->first = lane->next;
    append(lanes, lane);
    struct waiter **at = &lane->first;
    for (size_t i = 0; i < lane->passed && *at; i++)
        at = &(*at)->next;
    if (!*at) {
        lane->passed = 0;
        at = &lane->first;
    }
    for (; look > 0 && *at; look--) {
        struct waiter *waiter = *at;
        if (!is_over(waiter)) {
            lane->passed++;
            at = &waiter->next;
            continue;
        }
        *at = waiter->next;
        if (!waiter->next)
            lane->last = at;
        lane->weight -= waiter->weight;
        waiter->next = over;
        over = waiter;
    }
    free_if_empty(find(lanes, lane->stream));
    return over;
}
