/* What the parts of guest.c have in common: answers, and the jobs that start programs. */
#ifndef GUEST_H
#define GUEST_H

/* Prints a line at once. */
void say(const char *text);
/* Says why the last call failed. */
int fail(void);

int thread_exec(char **argv), vfork_exec(char **argv), spawn_exec(char **argv), start(char **argv), start_as(char **argv),
    start_many(char **argv), start_moved(char **argv), again(char **argv);

#endif
