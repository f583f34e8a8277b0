#define _GNU_SOURCE
#include "answers.h"
#include "die.h"
#include "protocol.gen.h"
#include "supervisor.h"
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

enum { CONTENTS_MAX = QUESTIONS_MAX };

/* Content that has begun to come. */
static struct content {
    uint32_t question;
    int fd; /* -1: there was no room for it */
} contents[CONTENTS_MAX];
static size_t count;

/* -1: there is no room for it. */
static int new_file(void) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = memfd_create(SUBSTITUTE_NAME, flags | MFD_NOEXEC_SEAL);
    /* Kernels before 6.3 do not know that flag. */
    return fd < 0 && errno == EINVAL ? memfd_create(SUBSTITUTE_NAME, flags) : fd;
}

static struct content *find(uint32_t question) {
    for (size_t i = 0; i < count; i++)
        if (contents[i].question == question)
            return &contents[i];
    return NULL;
}

static struct content *begin(uint32_t question) {
    if (count == CONTENTS_MAX)
        die("the host sends content and no answers");
    contents[count] = (struct content){question, new_file()};
    return &contents[count++];
}

static bool append(int fd, struct slice bytes) {
    for (size_t written = 0; written < bytes.size;) {
        ssize_t size = write(fd, bytes.data + written, bytes.size - written);
        if (size <= 0)
            return false;
        written += (size_t)size;
    }
    return true;
}

static void take_content(const struct msg_content *m) {
    struct content *content = find(m->question);
    if (!content)
        content = begin(m->question);
    if (content->fd >= 0 && !append(content->fd, m->bytes)) {
        close(content->fd);
        content->fd = -1;
    }
}

/* What was to be read: -1 where it could not be kept. */
static int end_content(uint32_t question) {
    struct content *content = find(question);
    if (!content)
        return new_file(); /* Nothing at all. */
    int fd = content->fd;
    *content = contents[--count];
    return fd;
}

bool answers_take(uint8_t type, struct slice payload) {
    union {
        struct msg_answer answer;
        struct msg_content content;
        struct msg_hold hold;
    } m;
    if (!supervisors_run())
        return false;
    if (type == FRAME_CONTENT) {
        if (!decode_content(payload, &m.content))
            return false;
        take_content(&m.content);
        return true;
    }
    if (type == FRAME_HOLD) {
        if (!decode_hold(payload, &m.hold))
            return false;
        supervisors_hold(m.hold.question, m.hold.timeout_ms);
        return true;
    }
    if (!decode_answer(payload, &m.answer))
        return false;
    bool substitute = m.answer.flags & ANSWER_FLAG_SUBSTITUTE;
    int content = substitute ? end_content(m.answer.question) : -1;
    /* Without what was to be read in its place, the file is not read either. */
    bool allowed = m.answer.verdict == VERDICT_ALLOW && (!substitute || content >= 0);
    supervisors_answer(m.answer.question, allowed, content);
    return true;
}
