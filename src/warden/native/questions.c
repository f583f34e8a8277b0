#define _GNU_SOURCE
#include "questions.h"
#include "loop.h"
#include "pending_signal.h"
#include <errno.h>

/* A number tells the supervisor, the turn of the slot, and the slot. */
enum { SLOT_BITS = 10, TURN_BITS = 16 };

unsigned question_supervisor(uint32_t question) { return question >> (SLOT_BITS + TURN_BITS); }

uint32_t supervisor_number(const struct supervisor *s) { return s->index << (SLOT_BITS + TURN_BITS); }

/* One command must not keep the others from asking: it may have as many as it leaves free, and so may the next. Nor may
 * it fill the memory, by starts with long arguments. */
static bool may_ask(const struct supervisor *s, const struct request *asking) {
    size_t count = 0, weight = request_weight(asking);
    for (size_t slot = 0; slot < QUESTIONS_MAX; slot++) {
        const struct request *r = s->questions[slot];
        if (!r || r->notice.stream != asking->notice.stream)
            continue;
        count++;
        weight += request_weight(r);
    }
    return count < QUESTIONS_MAX - s->question_count && weight <= QUESTION_BYTES_FOR_ONE;
}

uint32_t supervisor_ask(struct supervisor *s, struct request *r, uint32_t timeout_ms) {
    if (!may_ask(s, r))
        return 0;
    for (uint32_t slot = 0; slot < QUESTIONS_MAX; slot++) {
        if (s->questions[slot])
            continue;
        if (++s->turns[slot] == 0)
            s->turns[slot] = 1;
        s->questions[slot] = r;
        s->question_count++;
        r->deadline_ms = now_ms() + timeout_ms;
        return s->index << (SLOT_BITS + TURN_BITS) | (uint32_t)s->turns[slot] << SLOT_BITS | slot;
    }
    return 0;
}

struct request *question_find(struct supervisor *s, uint32_t question) {
    struct request *r = s->questions[question & (QUESTIONS_MAX - 1)];
    return r && r->question == question ? r : NULL;
}

void supervisor_forget(struct supervisor *s, const struct request *r) {
    s->questions[r->question & (QUESTIONS_MAX - 1)] = NULL;
    s->question_count--;
}

void questions_look(struct supervisor *s) {
    uint64_t now = now_ms();
    for (size_t slot = 0; slot < QUESTIONS_MAX; slot++) {
        struct request *r = s->questions[slot];
        if (!r)
            continue;
        int error = EINTR;
        bool gone = !notice_is_live(&r->notice) || signal_is_pending(&r->notice, &error);
        if (!gone && r->deadline_ms > now)
            continue;
        supervisor_forget(s, r);
        request_expired(r, gone, error);
    }
}
