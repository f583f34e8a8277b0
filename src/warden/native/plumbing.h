/* The descriptors between the warden and the first process of a command. */
#pragma once
#include <stdbool.h>
#include <stdint.h>

struct plumbing {
    int child[3];  /* the ends that the first process gets */
    int warden[3]; /* the ends that stay; -1: none */
};

void plumbing_close(struct plumbing *plumbing);
/* False: errno says why; plumbing_close takes back what there is. */
bool plumb_pipes(struct plumbing *plumbing, bool with_input);
bool plumb_terminal(struct plumbing *plumbing, uint32_t rows, uint32_t columns);
