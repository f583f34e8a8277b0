/* libFuzzer target: a line of /proc/PID/stat, which holds a name that the agent chose. */
#include "processes.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *line = malloc(size + 1);
    memcpy(line, data, size);
    line[size] = 0;
    struct process process;
    if (processes_parse("7", line, &process) && process.pid != 7)
        abort();
    free(line);
    return 0;
}
