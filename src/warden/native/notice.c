#define _GNU_SOURCE
#include "notice.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>

bool notice_is_live(const struct notice *notice) {
    uint64_t id = notice->id;
    int result;
    do
        result = ioctl(notice->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id);
    while (result && errno == EINTR);
    return result == 0;
}

static void answer(const struct notice *notice, int64_t value, int error, uint32_t flags) {
    struct seccomp_notif_resp response = {.id = notice->id, .val = value, .error = error, .flags = flags};
    /* Every other error says that nobody waits for it. */
    while (ioctl(notice->listener, SECCOMP_IOCTL_NOTIF_SEND, &response) && errno == EINTR)
        continue;
}

void notice_fail(const struct notice *notice, int error) {
    /* Without an error it would be a success. */
    answer(notice, 0, error > 0 ? -error : -EACCES, 0);
}

void notice_return(const struct notice *notice, int64_t value) { answer(notice, value, 0, 0); }

void notice_continue(const struct notice *notice) { answer(notice, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE); }

bool notice_give(const struct notice *notice, int fd, bool close_on_exec) {
    struct seccomp_notif_addfd given = {
        .id = notice->id,
        .flags = SECCOMP_ADDFD_FLAG_SEND,
        .srcfd = (uint32_t)fd,
        .newfd_flags = close_on_exec ? O_CLOEXEC : 0,
    };
    /* Interrupted, it would count as answered with 0 though nothing was given. The caller takes it at once: no signal has
     * to end the wait. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int result = ioctl(notice->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &given), error = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return result >= 0 || error == ENOENT;
}
