/* One trapped call on its way: decoded, judged, perhaps asked about, carried out by a worker, answered. Whoever holds it
 * owns it; answering it ends it. */
#pragma once
#include "lanes.h"
#include "notice.h"
#include "place.h"
#include "start_judge.h"
#include "tables.h"
#include <stdatomic.h>
#include <time.h>

struct supervisor;

struct request {
    struct waiter waiter; /* before slow workers */
    struct notice notice;
    struct supervisor *supervisor;
    struct ruling ruling;
    struct ruling later; /* what is asked about once that is answered: the other end's rule; verdict 0: nothing */
    uint8_t action, other_action; /* ACTION_*; 0: nothing is judged by it */
    uint64_t began_us;
    uint32_t question;    /* 0: not asked */
    uint64_t deadline_ms; /* of the question */
    /* Held by the floor as every thread that runs it; answers. */
    void (*perform)(struct request *request);
    bool blocks;    /* may wait for others: for the slow workers */
    bool of_socket; /* ... of a socket, which have workers of their own */
    bool must_run;  /* even to end it may take long: never cancelled while it waits for a slow worker */
    bool network; /* it is about a connection: decided in every mode */
    bool waits;   /* ... of a socket that waits for it */
    int refusal;  /* ... and the errno that the host refused it with */
    uint32_t flow; /* ... which the main thread knows by this number, and is to hear the end of; 0: it does not */
    unsigned tries; /* to make what was made by somebody else each time */
    int flags;
    mode_t mode, umask;
    unsigned owner, group;
    uint64_t size;
    struct timespec times[2];
    int fd;        /* a descriptor of the caller's, or what it is to read instead of the file */
    void *bytes;   /* heap: a symlink's target, an attribute's value, an address */
    size_t bytes_size;
    struct start *start;
    /* Large, and never cleared: only what place_find filled is looked at. */
    char label[256]; /* an attribute's name */
    struct place place, other;
};

struct request *request_new(struct supervisor *supervisor, const struct notice *notice);
void request_free(struct request *request);
/* About how much memory it holds. */
size_t request_weight(const struct request *request);

/* Answers, and ends the request. */
void request_fail(struct request *request, int error);
/* As request_fail, after the record of a denial. */
void request_deny(struct request *request, uint8_t reason, int error);
/* Ends with the result of a call: -1 means errno, which is recorded where the floor said no. */
void request_end(struct request *request, int64_t result);

/* Judges `place` by `action`, and `other` by `other_action`, and goes on: denies, asks the host, or performs. */
void request_decide(struct request *request);
/* What was judged is done. */
void request_perform(struct request *request);
/* A start was allowed: the main thread verifies it. */
void request_started(struct request *request);
/* A start reads a file: asks the host about that. */
void request_ask_reading(struct request *request, const struct reading *reading);
/* What was asked about a start is allowed: asks what is left to ask, or starts. */
void request_start_answered(struct request *request);
/* In its supervisor: what a start needed to know was hashed. Takes the job. */
void request_hashed(struct hash_job *job);
/* The host has answered a question. */
void request_answered(struct request *request, bool allowed, int content);
/* Nobody answered in time; or who asked is gone, or has a signal to handle: then its call ends with `error`. */
void request_expired(struct request *request, bool gone, int error);

/* The mode that a file may be made with: as the kernel does where it does not like set-id bits, they are left out. */
mode_t request_mode(const struct request *request, mode_t mode);
/* Finds an object by the caller's own words: `directory` is a descriptor of the caller or AT_FDCWD. Answers and ends the
 * request where there is none; false then. */
bool request_find(struct request *request, int directory, uint64_t path, unsigned flags, uint64_t how,
                  struct place *place);
/* The object behind a descriptor of the caller; one that only names it (O_PATH) is none, as to the kernel. */
bool request_find_descriptor(struct request *request, int fd, struct place *place);
