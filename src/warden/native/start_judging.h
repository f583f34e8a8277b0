/* A start that is being judged: for start_judge.c, which judges, and start_reading.c, which reads what there is to judge. */
#pragma once
#include "caller_strings.h"
#include "start_image.h"
#include "start_judge.h"

/* The call on its way through the scripts that lead to each other, to the program that the kernel will map. */
struct judging {
    const struct notice *notice;
    struct start *start;
    int directory; /* of the call */
    int flags;
    uint64_t path_address, argv_address, env_address;
    char path[PATH_MAX];
    int working; /* O_PATH: what interpreters' relative paths start from */
    struct image image;
    struct reading interpreter; /* the loader that the image names; an empty path: none */
    struct strings arguments; /* as the image gets them */
    struct buffer loader;     /* variables */
    struct ruling scripts; /* the strictest of theirs; verdict 0: no rule knows any */
    bool scripts_hooked;
    struct shebang shebang;
    int level;
    bool opened, is_script;   /* what is known of the image */
    bool hash_asked, hashed; /* whether its hash was looked for, and found */
    uint8_t sha256[32];
};

/* Reads the call: where its file is, its arguments, and the loader's variables. 0, or an errno. */
int judging_read(struct judging *judging);
/* Opens the caller's working directory, where it is not open yet. False: errno says why. */
bool judging_open_working(struct judging *judging);
/* Puts interpreter and script before the arguments, and the interpreter in the place of the script; `first`: the script
 * is what was called. 0, or an errno. */
int judging_enter_interpreter(struct judging *judging, bool first);
