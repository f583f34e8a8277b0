/* The FIFOs that were made inside: in a folder that the host shares, only those may be opened. */
#pragma once
#include <stdbool.h>
#include <sys/stat.h>

/* Pins the FIFO behind an O_PATH descriptor, which is taken over. */
void fifo_remember(int fd);
bool fifo_was_made_here(const struct stat *fifo);
