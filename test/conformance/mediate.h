/* One system call of the table: what it is called, and how it is made. */
#ifndef MEDIATE_H
#define MEDIATE_H

/* A name in the three ways that a call can be given one. */
struct name {
    const char *plain; /* for calls that take no directory */
    int directory;     /* for calls that take one, with `path` */
    const char *path;
};

struct call {
    const char *name;
    /* Negative: errno says why not. */
    long (*run)(const struct name *one, const struct name *other);
};

extern const struct call open_calls[], name_calls[], metadata_calls[], start_calls[];

/* What the answer says beside OK. */
extern char answer[256];
/* Reads the answer from a descriptor; passes a failed open on. */
long read_answer(long fd);
/* Writes a little; passes a failed open on. */
long write_some(long fd);
/* A descriptor for calls that change what is open: as any reader gets it. */
int open_for_reading(const struct name *one);

#define CALL(function) static long function(const struct name *one, const struct name *other)
#define ONE (void)other

#endif
