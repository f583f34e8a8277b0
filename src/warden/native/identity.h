/* Whose files they are: what an idmapped mount (mount_setattr(2)) is made with. Only for root. */
#pragma once
#include <stdint.h>

/* A user namespace in which the owner of `path` is the user `uid` of the host, and everybody else who they are. */
int identity_of_owner(const char *path, uint32_t uid, uint32_t gid);
