/* execve and execveat. */
#define _GNU_SOURCE
#include "calls.h"
#include "caller.h"
#include "die.h"
#include "hashing.h"
#include "host_line.h"
#include "supervisor.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>

enum { PARENTS_SHOWN = 8, QUESTION_BYTES_MAX = 512 * 1024 };

/* The floor decides; this only tells what it will say. */
static void watch_start(struct request *r) {
    const uint64_t *a = r->notice.arguments;
    bool at = r->notice.number == SYS_execveat;
    if (!request_find(r, at ? (int)a[0] : AT_FDCWD, a[at ? 1 : 0], PLACE_FOLLOW | PLACE_EMPTY, 0, &r->place))
        return;
    r->action = ACTION_START;
    request_decide(r);
}

static size_t count_words(char *const *words) {
    size_t count = 0;
    while (words[count])
        count++;
    return count;
}

static struct list encode_words(struct buffer *b, char *const *words, size_t count) {
    struct list list = {0};
    for (; list.count < count; list.count++)
        buffer_bytes(b, slice_of(words[list.count]));
    list.raw = (struct slice){b->data, b->size};
    return list;
}

/* False: it is longer than what can be asked about. */
static bool ask(struct request *r) {
    const struct start *s = r->start;
    /* An interpreter gets a few more than the caller gave: nobody may be asked about a part of them. */
    size_t argument_count = count_words(s->argv);
    if (argument_count > MAX_LIST_LENGTH)
        return false;
    char parents[PARENTS_SHOWN][PATH_MAX];
    char *shown[PARENTS_SHOWN];
    size_t parent_count = start_parents(&r->notice, parents, PARENTS_SHOWN);
    for (size_t i = 0; i < parent_count; i++)
        shown[i] = parents[i];
    struct buffer arguments = {0}, above = {0}, frame = {0};
    struct msg_program question = {
        .question = r->question,
        .stream = r->notice.stream,
        .pid = (uint32_t)caller_process(&r->notice),
        .verdict = s->ruling.verdict,
        .rule = s->ruling.rule,
        .path = slice_of(s->path),
        .script = slice_of(s->script),
        .sha256 = {s->sha256, s->hashed ? sizeof s->sha256 : 0},
        .cwd = slice_of(s->cwd),
        .arguments = encode_words(&arguments, s->argv, argument_count),
        .parents = encode_words(&above, shown, parent_count),
    };
    encode_program(&frame, &question);
    buffer_free(&arguments);
    buffer_free(&above);
    bool fits = frame.size <= QUESTION_BYTES_MAX;
    if (fits)
        host_line_send(FRAME_PROGRAM, &frame);
    buffer_free(&frame);
    return fits;
}

static void decide(struct request *r) {
    struct start *s = r->start;
    if (s->readings_asked < s->reading_count) {
        request_ask_reading(r, &s->readings[s->readings_asked++]);
        return;
    }
    r->ruling = s->ruling;
    if (s->ruling.verdict == VERDICT_ALLOW && !s->ruling.hooked) {
        request_started(r);
        return;
    }
    s->asked = true;
    r->question = supervisor_ask(r->supervisor, r, r->notice.tables->timeout_ms);
    if (!r->question) {
        request_deny(r, REASON_CROWDED, EACCES);
    } else if (!ask(r)) {
        supervisor_forget(r->supervisor, r);
        request_deny(r, REASON_TOO_LONG, E2BIG);
    }
}

void request_start_answered(struct request *r) {
    if (!r->start->asked) {
        decide(r);
        return;
    }
    host_line_approve(r->start->approval);
    r->start->approval = NULL;
    request_free(r);
}

/* ---- what has to be hashed first ---- */

static bool is_wanted(const struct hash_job *job) {
    return notice_is_live(&((const struct request *)job->of)->notice);
}

static void tell_supervisor(struct hash_job *job) {
    supervisor_hashed(((const struct request *)job->of)->supervisor, job);
}

/* Lets another thread read the file; until that is done the request is the job's. */
static bool begin_hash(struct request *r) {
    struct hash_job *job = calloc(1, sizeof *job);
    if (!job)
        return false;
    job->waiter.stream = r->notice.stream;
    job->waiter.weight = sizeof *job + request_weight(r);
    job->file = start_to_hash(r->start, &job->stable);
    job->is_wanted = is_wanted;
    job->done = tell_supervisor;
    job->of = r;
    bool taken = hashing_take(job);
    if (!taken)
        free(job);
    return taken;
}

static void go_on(struct request *r, int error) {
    if (error == START_WAITS) {
        if (!begin_hash(r))
            request_deny(r, REASON_CROWDED, EACCES);
    } else if (error && r->start->ruling.verdict == VERDICT_DENY) {
        r->ruling = r->start->ruling;
        request_deny(r, r->ruling.reason, error);
    } else if (error) {
        request_fail(r, error);
    } else {
        decide(r);
    }
}

void request_hashed(struct hash_job *job) {
    struct request *r = job->of;
    go_on(r, start_judge_on(r->start, job->known ? job->digest : NULL));
    free(job);
}

void handle_start(struct request *r) {
    if (!(r->notice.tables->flags & POLICY_FLAG_DECIDE_PROGRAMS)) {
        watch_start(r);
        return;
    }
    r->start = calloc(1, sizeof *r->start);
    /* Without one it would look like a call that is only watched. */
    if (!r->start)
        die("out of memory");
    r->start->image = -1;
    go_on(r, start_judge(&r->notice, r->start));
}
