#define _GNU_SOURCE
#include "calls.h"
#include <sys/syscall.h>

enum { NR_FCHMODAT2 = 452 };

const struct call calls[] = {
    {SYS_openat, TRAP_OPENS, 2, handle_open},
    {SYS_openat2, TRAP_OPENS, 0, handle_open},
    {SYS_execve, TRAP_STARTS, 0, handle_start},
    {SYS_execveat, TRAP_STARTS, 0, handle_start},
    {SYS_truncate, TRAP_CHANGES, 0, handle_truncate},
    {SYS_unlinkat, TRAP_CHANGES, 0, handle_remove},
    {SYS_renameat2, TRAP_CHANGES, 0, handle_rename},
    {SYS_linkat, TRAP_CHANGES, 0, handle_link},
    {SYS_symlinkat, TRAP_CHANGES, 0, handle_make},
    {SYS_mkdirat, TRAP_CHANGES, 0, handle_make},
    {SYS_mknodat, TRAP_CHANGES, 0, handle_make},
    {SYS_fchmod, TRAP_METADATA, 0, handle_mode},
    {SYS_fchmodat, TRAP_METADATA, 0, handle_mode},
    {NR_FCHMODAT2, TRAP_METADATA, 0, handle_mode},
    {SYS_fchown, TRAP_METADATA, 0, handle_owner},
    {SYS_fchownat, TRAP_METADATA, 0, handle_owner},
    {SYS_utimensat, TRAP_METADATA, 0, handle_times},
    {SYS_setxattr, TRAP_METADATA, 0, handle_attribute},
    {SYS_lsetxattr, TRAP_METADATA, 0, handle_attribute},
    {SYS_fsetxattr, TRAP_METADATA, 0, handle_attribute},
    {SYS_removexattr, TRAP_METADATA, 0, handle_attribute},
    {SYS_lremovexattr, TRAP_METADATA, 0, handle_attribute},
    {SYS_fremovexattr, TRAP_METADATA, 0, handle_attribute},
    {SYS_connect, TRAP_SOCKETS | TRAP_CONNECTIONS, 0, handle_connect},
    {SYS_bind, TRAP_SOCKETS, 0, handle_bind},
#if defined(__x86_64__)
    {SYS_open, TRAP_OPENS, 1, handle_open},
    {SYS_creat, TRAP_OPENS, 0, handle_open},
    {SYS_unlink, TRAP_CHANGES, 0, handle_remove},
    {SYS_rmdir, TRAP_CHANGES, 0, handle_remove},
    {SYS_rename, TRAP_CHANGES, 0, handle_rename},
    {SYS_renameat, TRAP_CHANGES, 0, handle_rename},
    {SYS_link, TRAP_CHANGES, 0, handle_link},
    {SYS_symlink, TRAP_CHANGES, 0, handle_make},
    {SYS_mkdir, TRAP_CHANGES, 0, handle_make},
    {SYS_mknod, TRAP_CHANGES, 0, handle_make},
    {SYS_chmod, TRAP_METADATA, 0, handle_mode},
    {SYS_chown, TRAP_METADATA, 0, handle_owner},
    {SYS_lchown, TRAP_METADATA, 0, handle_owner},
    {SYS_utime, TRAP_METADATA, 0, handle_times},
    {SYS_utimes, TRAP_METADATA, 0, handle_times},
    {SYS_futimesat, TRAP_METADATA, 0, handle_times},
#endif
};

const size_t call_count = sizeof calls / sizeof *calls;

const struct call *call_find(int number) {
    for (size_t i = 0; i < call_count; i++)
        if (calls[i].number == number)
            return &calls[i];
    return NULL;
}
