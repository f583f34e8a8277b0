/* Our own descriptors by way of procfs: how an O_PATH descriptor is opened again, and how its path is asked for. */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

enum { DESCRIPTOR_NAME = 16 };

/* A directory whose entries are our descriptors: to find it anew takes as long as what is done in it. -1: errno. */
int own_descriptors(void);
/* The entry of a descriptor in it. */
const char *descriptor_name(int fd, char name[DESCRIPTOR_NAME]);
/* Opens again what is open. */
int reopen(int fd, int flags, mode_t mode);
/* What a path is really called, links followed; false: it is not there, or has no path. */
bool real_name(const char *path, char real[PATH_MAX]);
/* The path of what is open, by the kernel; for some objects it is no path. 0, or an errno. */
int path_of(int fd, char path[PATH_MAX]);
