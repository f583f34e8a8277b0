/* What the agents of race_agents.c start, by how it is compiled: `allowed` ends with 70 (with 90, if its first argument is
 * `evil`, it finds LD_PRELOAD set, or its mark was overwritten), `denied` (DENIED) with 90, `print` (PRINT) shows its
 * arguments, `sleeper` (SLEEPER) waits to be killed. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile const char mark[] = "MARK OF THE PROGRAM:A";

int main(int count, char **arguments) {
#if defined(PRINT)
    for (int i = 0; i < count; i++)
        printf("[%s]", arguments[i]);
    printf("\n");
    return 0;
#elif defined(SLEEPER)
    (void)count, (void)arguments;
    for (;;)
        pause();
#elif defined(DENIED)
    (void)count, (void)arguments;
    return 90;
#else
    bool evil = count > 1 && strcmp(arguments[1], "evil") == 0;
    return evil || getenv("LD_PRELOAD") || mark[sizeof mark - 2] != 'A' ? 90 : 70;
#endif
}
