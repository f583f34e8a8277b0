/* Calls what bounds one command's share of the warden, for bounds.test.ts: words on stdin, an answer for each line. */
#define _GNU_SOURCE
#include "answers.h"
#include "lanes.h"
#include "protocol.gen.h"
#include "supervisor.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct numbered {
    struct waiter waiter;
    unsigned number;
};

static struct lanes lanes;
static uint32_t over;

static bool is_over(struct waiter *waiter) { return waiter->stream == over; }

static void put(unsigned number, uint32_t stream, size_t weight) {
    struct numbered *n = calloc(1, sizeof *n);
    n->waiter.stream = stream;
    n->waiter.weight = weight;
    n->number = number;
    bool taken = lanes_put(&lanes, &n->waiter);
    if (!taken)
        free(n);
    puts(taken ? "put" : "full");
}

static void take(void) {
    struct numbered *n = (struct numbered *)lanes_take(&lanes);
    if (n)
        printf("%u\n", n->number);
    else
        puts("none");
    free(n);
}

static void sift(size_t look) {
    struct waiter *list = lanes_sift(&lanes, look, is_over);
    unsigned count = 0;
    for (struct waiter *next; list; list = next, count++) {
        next = list->next;
        free(list);
    }
    printf("%u\n", count);
}

/* ---- answers, with as few descriptors, or as little room in a file, as the test leaves ---- */

bool supervisors_run(void) { return true; }
void supervisors_hold(uint32_t question, uint32_t timeout_ms) { printf("hold %u %u\n", question, timeout_ms); }

void supervisors_answer(uint32_t question, bool allowed, int content) {
    char text[64] = "";
    ssize_t size = content < 0 ? 0 : pread(content, text, sizeof text - 1, 0);
    printf("%u %s %s[%.*s]\n", question, allowed ? "allowed" : "denied", content < 0 ? "nothing " : "", (int)size, text);
    if (content >= 0)
        close(content);
}

static void answer(const char *way) {
    struct rlimit limit;
    int resource = strcmp(way, "descriptors") == 0 ? RLIMIT_NOFILE : RLIMIT_FSIZE;
    getrlimit(resource, &limit);
    struct rlimit none = {resource == RLIMIT_NOFILE ? 3 : 4, limit.rlim_max};
    struct buffer first = {0}, second = {0};
    buffer_u32(&first, 7);
    buffer_bytes(&first, (struct slice){(const uint8_t *)"secret", 6});
    buffer_u32(&second, 7);
    buffer_u8(&second, VERDICT_ALLOW);
    buffer_u32(&second, ANSWER_FLAG_SUBSTITUTE);
    if (strcmp(way, "enough"))
        setrlimit(resource, &none);
    bool taken = answers_take(FRAME_CONTENT, (struct slice){first.data, first.size});
    taken = taken && answers_take(FRAME_ANSWER, (struct slice){second.data, second.size});
    setrlimit(resource, &limit);
    if (!taken)
        puts("refused");
    buffer_free(&first);
    buffer_free(&second);
}

int main(void) {
    char line[256], word[32], way[32];
    signal(SIGXFSZ, SIG_IGN);
    while (fgets(line, sizeof line, stdin)) {
        unsigned a = 0, b = 0, c = 0;
        if (sscanf(line, "answer %31s", way) == 1)
            answer(way);
        else if (sscanf(line, "%31s %u %u %u", word, &a, &b, &c) < 1)
            continue;
        else if (strcmp(word, "lanes") == 0)
            lanes = (struct lanes){.busy_max = a, .weight_max = b};
        else if (strcmp(word, "put") == 0)
            put(a, b, c);
        else if (strcmp(word, "take") == 0)
            take();
        else if (strcmp(word, "done") == 0)
            lanes_done(&lanes, a);
        else if (strcmp(word, "over") == 0)
            over = a;
        else if (strcmp(word, "sift") == 0)
            sift(a);
        else if (strcmp(word, "empty") == 0)
            puts(lanes.first ? "no" : "yes");
        else
            return 2;
    }
    return 0;
}
