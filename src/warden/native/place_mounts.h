/* Where procfs is mounted. Nobody in the sandbox can mount anything: what was found stays true. */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>

/* Whether what is open is on a procfs. */
bool is_procfs(int fd, const struct stat *status);
/* Whether the words of a path, symlinks aside, may lead into a procfs. */
bool words_enter_procfs(const char *path);
