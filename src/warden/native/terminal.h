/* Pseudo-terminals. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

/* Opens a pair, the outer end non-blocking. False: errno says why. */
bool terminal_open(int *outer, int *inner);
void terminal_resize(int outer, uint32_t rows, uint32_t columns);
/* Types the end-of-file character. */
void terminal_end_of_file(int outer);
