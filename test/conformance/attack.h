/* One attack: what it is called, and what it tries. Negative: refused, and errno says how. */
#ifndef ATTACK_H
#define ATTACK_H

struct attack {
    const char *name;
    long (*run)(const char *path, const char *other);
};

extern const struct attack path_attacks[], socket_attacks[], process_attacks[], kernel_attacks[];

/* Runs an attack that changes its own process in a child, and takes over the child's errno. */
long in_child(long (*run)(void));

/* For calls that are made with nonsense: an answer that shows that the call was looked at counts as done. */
long reached(long result, int error);

#endif
