/* The system calls that the supervisor sees. The filter traps them by this table, and the supervisor handles them by it. */
#pragma once
#include <stddef.h>
#include <stdint.h>

/* Groups: which are trapped depends on the mode of the policy. */
enum { TRAP_OPENS = 1, TRAP_CHANGES = 2, TRAP_METADATA = 4, TRAP_SOCKETS = 8, TRAP_STARTS = 16, TRAP_CONNECTIONS = 32 };

struct request;

struct call {
    int number;
    uint8_t group;
    /* The argument with open flags, where O_PATH makes the call harmless; 0: none. */
    uint8_t flags_argument;
    /* Decodes, finds the objects, and hands on to request_decide, or answers. Owns the request. */
    void (*handle)(struct request *request);
};

extern const struct call calls[];
extern const size_t call_count;
const struct call *call_find(int number);

void handle_open(struct request *request);
void handle_truncate(struct request *request);
void handle_remove(struct request *request);
void handle_make(struct request *request);
void handle_link(struct request *request);
void handle_rename(struct request *request);
void handle_mode(struct request *request);
void handle_owner(struct request *request);
void handle_times(struct request *request);
void handle_attribute(struct request *request);
void handle_connect(struct request *request);
void handle_bind(struct request *request);
void handle_start(struct request *request);
