#define _GNU_SOURCE
#include "request.h"
#include "caller.h"
#include "closer.h"
#include "connection.h"
#include "denial_note.h"
#include "die.h"
#include "flows.h"
#include "hands.h"
#include "host_line.h"
#include "records.h"
#include "supervisor.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t now_us(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

struct request *request_new(struct supervisor *supervisor, const struct notice *notice) {
    struct request *r = supervisor->spare;
    supervisor->spare = NULL;
    if (!r && !(r = malloc(sizeof *r)))
        die("out of memory");
    memset(r, 0, offsetof(struct request, label));
    r->notice = *notice;
    r->supervisor = supervisor;
    r->began_us = now_us();
    r->fd = r->place.object = r->place.parent = r->other.object = r->other.parent = -1;
    tables_retain((struct tables *)notice->tables);
    return r;
}

void request_free(struct request *r) {
    if (r->flow)
        flow_ended(r->flow, r->refusal ? r->refusal : ECANCELED);
    place_close(&r->place);
    place_close(&r->other);
    if (r->fd >= 0)
        closer_close(r->fd);
    free(r->bytes);
    if (r->start) {
        start_free(r->start);
        free(r->start);
    }
    tables_release((struct tables *)r->notice.tables);
    struct supervisor *s = r->supervisor;
    /* One is kept, so that a call that is answered at once costs no allocation. */
    if (supervisor_here == s && !s->spare)
        s->spare = r;
    else
        free(r);
}

size_t request_weight(const struct request *r) {
    return sizeof *r + r->bytes_size + (r->start ? start_weight(r->start) : 0);
}

/* Where the floor decides, it also decides about what we could not make out. */
static bool only_watched(const struct request *r) {
    return r->notice.tables->mode != MODE_EMULATED && !r->start && !r->network;
}

void request_fail(struct request *r, int error) {
    if (only_watched(r))
        notice_continue(&r->notice);
    else
        notice_fail(&r->notice, error);
    request_free(r);
}

/* Of files, what audit.files says; of starts, everything that rules are about. What the host does it records itself. */
static bool is_recorded(const struct request *r, uint8_t verdict) {
    const struct tables *tables = r->notice.tables;
    if (r->notice.ours)
        return false;
    if (r->network)
        return true;
    if (r->start && (verdict == VERDICT_DENY || tables->program_rule_count > 0))
        return true;
    uint32_t enough = POLICY_FLAG_RECORD_ALLOWS | (verdict == VERDICT_DENY ? POLICY_FLAG_RECORD_DENIALS : 0u);
    return tables->flags & enough;
}

static uint8_t domain_of(const struct request *r) {
    return r->start ? DOMAIN_PROCESS : r->network ? DOMAIN_NETWORK : DOMAIN_FILESYSTEM;
}

static void record(const struct request *r, uint8_t verdict, uint8_t reason) {
    if (!is_recorded(r, verdict))
        return;
    const struct start *s = r->start;
    struct decision decision = {
        .notice = &r->notice,
        .pid = s && s->approval ? s->approval->process : 0,
        .domain = domain_of(r),
        .action = s ? ACTION_START : r->action,
        .verdict = verdict,
        .reason = reason,
        .rule = r->ruling.rule,
        .microseconds = (uint32_t)(now_us() - r->began_us),
        .path = s ? (s->path[0] ? s->path : s->requested) : r->place.path,
        .target = s ? s->script : r->other_action && r->other_action != ACTION_READ ? r->other.path : "",
        .argv = s ? s->argv : NULL,
    };
    record_decision(&decision);
    if (verdict == VERDICT_DENY && r->notice.tables->flags & POLICY_FLAG_TELL_AGENT && !only_watched(r))
        denial_note(&decision);
}

void request_deny(struct request *r, uint8_t reason, int error) {
    record(r, VERDICT_DENY, reason);
    request_fail(r, error);
}

void request_end(struct request *r, int64_t result) {
    int error = errno, cancelled;
    if (result >= 0) {
        notice_return(&r->notice, result);
        request_free(r);
    } else if (error == EINTR && hand_cancelled(&cancelled)) {
        request_fail(r, cancelled ? cancelled : EINTR);
    } else {
        if (error == EACCES && r->action)
            record(r, VERDICT_DENY, REASON_FLOOR);
        request_fail(r, error);
    }
}

mode_t request_mode(const struct request *r, mode_t mode) {
    bool live = r->notice.tables->flags & POLICY_FLAG_LIVE_MOUNTS;
    return live ? mode & ~(mode_t)(S_ISUID | S_ISGID) : mode;
}

void request_perform(struct request *r) {
    if (r->blocks)
        slow_hands_take(r);
    else
        r->perform(r);
}

/* `binary`: NULL if it was not looked at. */
static void send_access(const struct request *r, uint8_t action, const char *path, const char *target,
                        const char *binary) {
    char found[PATH_MAX];
    if (!binary) {
        caller_binary(&r->notice, found);
        binary = found;
    }
    struct msg_access question = {
        .question = r->question,
        .stream = r->notice.stream,
        .pid = (uint32_t)caller_process(&r->notice),
        .action = action,
        .verdict = r->ruling.verdict,
        .rule = r->ruling.rule,
        .path = slice_of(path),
        .target = slice_of(target),
        .binary = slice_of(binary),
    };
    struct buffer b = {0};
    encode_access(&b, &question);
    host_line_send(FRAME_ACCESS, &b);
}

/* Asks the host about what both ends are, or, where that is over, about the other one by itself: its making, or of an
 * exchange its renaming. */
static void ask_about_access(struct request *r, const char *binary, bool other) {
    const char *target = "";
    if (r->other_action && r->other_action != ACTION_READ && !other)
        target = r->other.path;
    else if (r->other_action == ACTION_RENAME)
        target = r->place.path;
    send_access(r, other ? r->other_action : r->action, other ? r->other.path : r->place.path, target, binary);
}

static void ask(struct request *r, const char *binary, bool other) {
    r->question = supervisor_ask(r->supervisor, r, r->notice.tables->timeout_ms);
    if (r->question)
        ask_about_access(r, binary, other);
    else
        request_deny(r, REASON_CROWDED, EACCES);
}

void request_ask_reading(struct request *r, const struct reading *reading) {
    r->ruling = reading->ruling;
    r->question = supervisor_ask(r->supervisor, r, r->notice.tables->timeout_ms);
    if (r->question)
        send_access(r, ACTION_READ, reading->path, "", NULL);
    else
        request_deny(r, REASON_CROWDED, EACCES);
}

/* Whether it is the caller's own already: a pipe, or a file in memory that it made. */
static bool has_no_name(const struct place *p) {
    return p->anonymous || (p->unlinked && strncmp(p->path, "/memfd:", 7) == 0);
}

static struct ruling judge(const struct request *r, const struct place *p, uint8_t action, const char *binary) {
    if (has_no_name(p))
        return (struct ruling){.verdict = VERDICT_ALLOW};
    return tables_path(r->notice.tables, p->path, action, binary);
}

/* Each of two rules that ask is to be answered: whoever speaks for one does not for the other. */
static bool both_ask(struct ruling a, struct ruling b) {
    return a.verdict == VERDICT_ASK && b.verdict == VERDICT_ASK && a.rule != b.rule;
}

static struct ruling stricter(struct ruling a, struct ruling b) {
    struct ruling worst = b.verdict > a.verdict ? b : a;
    worst.hooked = worst.verdict != VERDICT_DENY && (a.hooked || b.hooked);
    return worst;
}

static bool is_asked(struct ruling ruling) {
    return ruling.verdict == VERDICT_ASK || (ruling.verdict != VERDICT_DENY && ruling.hooked);
}

/* An open for writing and reading is both: whoever is asked about the one has said nothing of the other. True: of the two it is
 * reading alone that somebody is asked about. */
static bool judge_reading_too(struct request *r, struct ruling reading) {
    struct ruling writing = r->ruling;
    bool one_question = writing.verdict == VERDICT_ASK && reading.verdict == VERDICT_ASK &&
                        !both_ask(writing, reading) && !reading.hooked;
    bool asked = is_asked(reading) && !one_question && writing.verdict != VERDICT_DENY;
    if (!asked) {
        r->ruling = stricter(writing, reading);
        return false;
    }
    if (is_asked(writing))
        r->later = reading;
    else
        r->ruling = reading;
    return !is_asked(writing);
}

void request_decide(struct request *r) {
    const struct tables *tables = r->notice.tables;
    char found[PATH_MAX];
    const char *binary = NULL;
    if (tables->binaries_matter) {
        caller_binary(&r->notice, found);
        binary = found;
    }
    r->ruling = judge(r, &r->place, r->action, binary);
    bool reading_only = false;
    if (r->other_action == ACTION_READ) {
        reading_only = judge_reading_too(r, judge(r, &r->other, ACTION_READ, binary));
    } else if (r->other_action) {
        struct ruling other = judge(r, &r->other, r->other_action, binary);
        /* A hook on renaming may name the new name alone. */
        other.hooked |= other.verdict != VERDICT_DENY && tables_hooked(tables, r->other.path, r->action, binary);
        if (both_ask(r->ruling, other))
            r->later = other;
        r->ruling = stricter(r->ruling, other);
    }
    if (only_watched(r)) {
        /* The floor decides; this only tells what it will say. */
        record(r, r->ruling.verdict, r->ruling.reason);
        notice_continue(&r->notice);
        request_free(r);
        return;
    }
    if (r->ruling.verdict == VERDICT_DENY) {
        request_deny(r, r->ruling.reason, EACCES);
        return;
    }
    if (r->ruling.verdict == VERDICT_ASK || r->ruling.hooked) {
        ask(r, binary, reading_only);
        return;
    }
    record(r, VERDICT_ALLOW, r->ruling.reason);
    request_perform(r);
}

void request_started(struct request *r) {
    record(r, VERDICT_ALLOW, r->ruling.reason);
    host_line_approve(r->start->approval);
    r->start->approval = NULL;
    request_free(r);
}

/* While somebody thought about it, another thread may have moved the folder that was meant. */
static bool is_as_judged(const struct request *r) {
    return place_is_unmoved(&r->place) && (!r->other_action || place_is_unmoved(&r->other));
}

void request_answered(struct request *r, bool allowed, int content) {
    bool replaced = content >= 0;
    if (content >= 0 && r->action == ACTION_READ && r->fd < 0)
        r->fd = content;
    else if (content >= 0)
        close(content);
    /* The host has its own record of what it said. */
    if (!allowed) {
        if (r->notice.tables->flags & POLICY_FLAG_TELL_AGENT) {
            struct decision decision = {
                .notice = &r->notice,
                .domain = domain_of(r),
                .reason = REASON_ANSWER,
                .path = r->start ? r->start->path : r->place.path,
            };
            denial_note(&decision);
        }
        if (r->network)
            connection_fail(r, r->refusal ? r->refusal : EACCES);
        else
            request_fail(r, EACCES);
    } else if (replaced && (r->start || r->other_action == ACTION_READ)) {
        /* The kernel reads a program itself, and what is written goes to the file: nothing else can be given to either. */
        request_deny(r, REASON_ANSWER, EACCES);
    } else if (r->start) {
        request_start_answered(r);
    } else if (!notice_is_live(&r->notice)) {
        request_free(r);
    } else if (!is_as_judged(r)) {
        request_deny(r, REASON_CHANGED, EACCES);
    } else if (r->later.verdict) {
        r->ruling = r->later;
        r->later.verdict = 0;
        ask(r, NULL, true);
    } else {
        request_perform(r);
    }
}

void request_expired(struct request *r, bool gone, int error) {
    if (r->network) {
        connection_expired(r, gone, error);
        return;
    }
    struct msg_expired expired = {r->question, gone};
    struct buffer b = {0};
    encode_expired(&b, &expired);
    host_line_send(FRAME_EXPIRED, &b);
    if (gone)
        request_fail(r, error);
    else
        request_deny(r, REASON_DEADLINE, EACCES);
}
