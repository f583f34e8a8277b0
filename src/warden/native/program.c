#define _GNU_SOURCE
#include "program.h"
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

bool program_decode(struct program *program, const struct msg_exec *request) {
    *program = (struct program){slice_string(request->cwd), list_strings(request->argv), list_strings(request->env)};
    if (program->cwd && program->argv && program->env && program->argv[0] && program->argv[0][0])
        return true;
    program_free(program);
    return false;
}

void program_free(struct program *program) {
    free(program->cwd);
    free(program->argv);
    free(program->env);
    *program = (struct program){0};
}

static const char *search_path(char *const *env) {
    for (; *env; env++)
        if (strncmp(*env, "PATH=", 5) == 0)
            return *env + 5;
    return "";
}

/* execvpe() of libc falls back to a shell for files without a header, and reads the PATH of the warden. */
static void search_and_execute(const struct program *program) {
    const char *name = program->argv[0];
    if (strchr(name, '/')) {
        execve(name, program->argv, program->env);
        return;
    }
    int worst = ENOENT;
    for (const char *at = search_path(program->env); *at;) {
        size_t size = strcspn(at, ":");
        char path[PATH_MAX];
        if (size > 0 && size + 1 + strlen(name) < sizeof path) {
            memcpy(path, at, size);
            path[size] = '/';
            strcpy(path + size + 1, name);
            execve(path, program->argv, program->env);
            if (errno != ENOENT && errno != ENOTDIR)
                worst = errno;
        }
        at += size + (at[size] == ':');
    }
    errno = worst;
}

stage program_run(const struct task *task) {
    const struct program *program = task->request;
    if (chdir(program->cwd))
        return STAGE_DIRECTORY;
    search_and_execute(program);
    return STAGE_EXEC;
}
