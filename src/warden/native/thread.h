/* A thread that never ends, with a stack of the given size. False: errno says why. */
#pragma once
#include <stdbool.h>
#include <stddef.h>

bool thread_start(void *(*run)(void *), void *argument, size_t stack_bytes);
/* Gives the calling thread a umask and working directory of its own: it makes files in others' names. */
void thread_keeps_umask(void);
