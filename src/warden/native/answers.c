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
static struct {
    uint32_t question;
    int fd;
} contents[CONTENTS_MAX];
static size_t count;

static int new_file(void) {
    unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
    int fd = memfd_create(SUBSTITUTE_NAME, flags | MFD_NOEXEC_SEAL);
    /* Kernels before 6.3 do not know that flag. */
    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(SUBSTITUTE_NAME, flags);
    if (fd < 0)
        die_errno("cannot hold what the host sends to be read");
    return fd;
}

static int take_file(uint32_t question, bool keep) {
    for (size_t i = 0; i < count; i++)
        if (contents[i].question == question) {
            int fd = contents[i].fd;
            if (!keep)
                contents[i] = contents[--count];
            return fd;
        }
    int fd = new_file();
    if (keep) {
        if (count == CONTENTS_MAX)
            die("the host sends content and no answers");
        contents[count].question = question;
        contents[count++].fd = fd;
    }
    return fd;
}

static bool take_content(const struct msg_content *content) {
    int fd = take_file(content->question, true);
    size_t written = 0;
    while (written < content->bytes.size) {
        ssize_t size = write(fd, content->bytes.data + written, content->bytes.size - written);
        if (size <= 0)
            die_errno("cannot hold what the host sends to be read");
        written += (size_t)size;
    }
    return true;
}

bool answers_take(uint8_t type, struct slice payload) {
    union {
        struct msg_answer answer;
        struct msg_content content;
        struct msg_hold hold;
    } m;
    if (!supervisors_run())
        return false;
    if (type == FRAME_CONTENT)
        return decode_content(payload, &m.content) && take_content(&m.content);
    if (type == FRAME_HOLD) {
        if (!decode_hold(payload, &m.hold))
            return false;
        supervisors_hold(m.hold.question, m.hold.timeout_ms);
        return true;
    }
    if (!decode_answer(payload, &m.answer))
        return false;
    bool substitute = m.answer.flags & ANSWER_FLAG_SUBSTITUTE;
    int content = substitute ? take_file(m.answer.question, false) : -1;
    supervisors_answer(m.answer.question, m.answer.verdict == VERDICT_ALLOW, content);
    return true;
}
