#define _GNU_SOURCE
#include "interrupt.h"
#include <sys/syscall.h>
#include <unistd.h>

void interrupt_thread(pid_t tid) { syscall(SYS_tgkill, getpid(), tid, INTERRUPT_SIGNAL); }
