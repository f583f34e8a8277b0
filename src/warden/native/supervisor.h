/* The threads that answer trapped calls.
 *
 *   commands ── listeners ── supervisor threads ── slow workers, shared
 *                                  │
 *                                  └── main thread: the link to the host, starts of programs
 *
 * Threads are made before the first command: an agent that uses up the processes of its user must not stop them. All but
 * the main one are held by the floor of the agent (spawner.h), so that the kernel rechecks what they do in its name.
 */
#pragma once
#include "bytes.h"
#include "request.h"
#include <pthread.h>

enum { SUPERVISORS_MAX = 4, LISTENERS_MAX = 1024, QUESTIONS_MAX = 1024, QUESTION_BYTES_FOR_ONE = 32 << 20 };

struct supervised {
    int listener;
    uint32_t stream;
    bool ours; /* a file operation of the host */
    struct tables *tables;
};

struct supervisor {
    pid_t tid;
    unsigned index;
    int wake; /* eventfd */
    /* Written by other threads, under the lock. */
    pthread_mutex_t lock;
    struct supervised *arrivals;
    size_t arrival_count;
    struct answer *answers;
    atomic_bool mail; /* there are some of either */
    /* Its own. */
    struct supervised *listeners;
    struct pollfd *polled;
    size_t listener_count;
    struct request *questions[QUESTIONS_MAX];
    uint16_t turns[QUESTIONS_MAX]; /* so that a late answer finds no other question */
    size_t question_count;
    struct request *spare;
    /* For the ticker: since when it is in the call that takes a notice; see supervisor.c. */
    atomic_ulong receiving;
};

/* The one whose thread this is; NULL: none. */
extern _Thread_local struct supervisor *supervisor_here;

/* Makes the threads, under the floor of these tables. False: errno says why. */
bool supervisors_start(const struct tables *tables);
bool supervisors_run(void);
/* The groups of calls to trap under these tables. */
unsigned supervisor_traps(const struct tables *tables);
/* Takes over a listener, and a use of the tables. */
void supervisors_take(struct supervised command);
/* What the host said about a question. `content` is taken over; -1: none. */
void supervisors_answer(uint32_t question, bool allowed, int content);
/* The same of a connection: 0, or the errno that it fails with. */
void supervisors_settle(uint32_t question, int error);
void supervisors_hold(uint32_t question, uint32_t timeout_ms);
/* Any thread: takes a job back to the request that it was for. */
void supervisor_hashed(struct supervisor *supervisor, struct hash_job *job);

/* For requests, in the supervisor's own thread: gives the question a number; 0: there are too
 * many, or too many of its command. */
uint32_t supervisor_ask(struct supervisor *supervisor, struct request *request, uint32_t timeout_ms);
/* Takes the question back. */
void supervisor_forget(struct supervisor *supervisor, const struct request *request);
