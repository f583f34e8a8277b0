/* Judging and verifying the start of a program (execve, execveat).
 *
 * The supervisor's thread judges: it finds the file, follows the shebang, refuses loaders and files in memory, and asks
 * the tables. What is approved is handed to the main thread, the one that traces: it stops the process before the first
 * instruction of the new program and compares what runs with what was approved.
 */
#pragma once
#include "notice.h"
#include "tables.h"
#include <limits.h>
#include <stddef.h>

/* Of bytes that are read again later: they need not be kept, and can be long. */
struct fingerprint {
    size_t size;
    uint8_t sha256[32];
};

struct hash_job;

/* What may run, as it was judged: free(). */
struct approval {
    struct approval *next; /* of the tracer's */
    struct notice notice;  /* its tables are not held: do not look at them */
    pid_t process;         /* that the calling thread is of */
    uint64_t device, inode; /* of the image that the kernel will map: the interpreter's for a script */
    bool check_name;        /* that the image still has a name */
    bool check_hash;        /* the file could change after it was judged */
    uint8_t sha256[32];
    struct fingerprint arguments; /* as /proc/PID/cmdline will show them */
    bool check_loader;            /* that no loader variable came in between */
    struct fingerprint loader;    /* the loader's variables, as /proc/PID/environ will show them */
    bool check_mappings;          /* that no other file was mapped; the sandbox could say another interpreter */
    struct fingerprint interpreter; /* its path; empty: there is none */
    bool check_directory;         /* that the working directory is still the one that was shown */
    uint64_t directory_device, directory_inode;
    struct hash_job *job;         /* under way at the stop */
};

/* A file that a start reads, where rules or hooks on files are to be asked about that. */
struct reading {
    struct ruling ruling;
    char path[PATH_MAX];
};

enum { READINGS_MAX = 2 /* the image, and the loader that it names */ };

struct start {
    char path[PATH_MAX];      /* the image */
    char requested[PATH_MAX]; /* absolute, as asked for */
    char script[PATH_MAX];    /* empty: it is no script */
    char cwd[PATH_MAX];       /* only where the ruling asks or is hooked */
    size_t text_bytes; /* of all strings that were read */
    char **argv; /* as the image gets them; heap; NULL: not read, for there is no file */
    bool hashed;
    uint8_t sha256[32];
    struct ruling ruling;
    struct reading readings[READINGS_MAX];
    unsigned reading_count, readings_asked;
    bool asked; /* about the start itself */
    int image; /* O_PATH */
    struct approval *approval; /* what to hand over if it is allowed */
    struct judging *judging;   /* on its way; NULL: it was judged */
};

enum { START_WAITS = -1 };

/* Judges the call of a notice, which outlives it. 0, or the errno to answer with and its reason in `ruling`: the verdict
 * is a denial if the policy says so, and 0 if the kernel itself would fail the call (no such file). START_WAITS: a file
 * has to be hashed first, which is for another thread to do. */
int start_judge(const struct notice *notice, struct start *start);
/* Of START_WAITS: the file, which stays open, and whether the sandbox cannot change it. */
int start_to_hash(const struct start *start, bool *stable);
/* Goes on, with the digest; NULL: there is none. As start_judge. */
int start_judge_on(struct start *start, const uint8_t *sha256);
/* About how much memory it holds. */
size_t start_weight(const struct start *start);
/* What it holds, the approval and what is on its way too unless that was taken out; not the struct itself. */
void start_free(struct start *start);
/* The paths of the programs of the caller's ancestors, the nearest first, up to the shepherd; at most `max`. */
size_t start_parents(const struct notice *notice, char (*parents)[PATH_MAX], size_t max);

/* For the main thread only. Takes the approval over: seizes, answers, and verifies at the stop. */
void start_approve(struct approval *approval);
/* Whether a wait status is of a process that is being verified; then it was dealt with. To be told every status. */
bool start_stopped(pid_t pid, int status);
/* For the main thread: a file was read for a process that waits at its stop. Takes the job. */
void start_hashed(struct hash_job *job);
/* Told of every process killed at its stop because it was not what was approved: `found` is the program that it ran. */
extern void (*start_on_mismatch)(const struct approval *approval, const char *found);
