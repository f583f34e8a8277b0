/* What a trapped call's caller is and what it passed. Everything here is hostile input, bounded. */
#pragma once
#include "notice.h"
#include <limits.h>
#include <stddef.h>

/* Each returns false, or -1, with the errno that the caller is to see. */
bool caller_bytes(const struct notice *notice, uint64_t address, void *bytes, size_t size);
/* The same, where it does no harm that they may be of another thread that got the caller's number. */
bool caller_peek(const struct notice *notice, uint64_t address, void *bytes, size_t size);
/* A NUL-terminated string of at most `capacity - 1` bytes; ENAMETOOLONG. */
bool caller_string(const struct notice *notice, uint64_t address, char *text, size_t capacity);
/* The same, where it does no harm that it may be of another thread that got the caller's number. */
bool caller_text(const struct notice *notice, uint64_t address, char *text, size_t capacity);
/* A new O_PATH descriptor of the working directory (AT_FDCWD), or of what `fd` is in the caller. */
int caller_open(const struct notice *notice, int fd);
/* Whether a descriptor of the caller's only names a file (O_PATH); false where that cannot be told. */
bool caller_only_names(const struct notice *notice, int fd);
/* The path of the working directory, without an end. 0: it has none any more, or a longer one. */
size_t caller_working_path(const struct notice *notice, char *path, size_t capacity);
/* A descriptor that paths start from: as caller_open, and sooner. ENOTDIR: `other` is a copy of what is no directory. To
 * close that may wait for others. */
int caller_directory(const struct notice *notice, int fd, int *other);
/* A copy of the caller's own descriptor: the same open file. */
int caller_descriptor(const struct notice *notice, int fd);
/* The same, where it does no harm that it may be of another thread that got the caller's number. */
int caller_peek_descriptor(const struct notice *notice, int fd);
/* The process (thread group) of the calling thread; 0: it is gone. */
pid_t caller_process(const struct notice *notice);
/* The same, for whoever looks later whether the call still waits. */
pid_t caller_peek_process(const struct notice *notice);
mode_t caller_umask(const struct notice *notice);
/* The path of its program; empty if that cannot be told. */
void caller_binary(const struct notice *notice, char path[PATH_MAX]);
enum kinship {
    KINSHIP_KIN,      /* of the caller's command */
    KINSHIP_STRANGER, /* of another one */
    KINSHIP_KEEPER,   /* the warden, a shepherd, or what cannot be told from them */
    KINSHIP_GONE,
};
/* What a process or thread is to the caller. For a process that was opened before it is asked about: a number alone may
 * be given to another. */
enum kinship caller_kinship(const struct notice *notice, pid_t pid);
/* Whether `pid` is a process or thread of the caller's command. */
bool caller_is_kin(const struct notice *notice, pid_t pid);
