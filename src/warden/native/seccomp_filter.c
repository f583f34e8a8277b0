#define _GNU_SOURCE
#include "seccomp_filter.h"
#include "calls.h"
#include "die.h"
#include "refused_calls.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define NATIVE_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE_ARCH AUDIT_ARCH_AARCH64
#else
#error "the warden knows the system calls of x86-64 and arm64 only"
#endif

/* Of the kernel's headers since 5.19. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

enum { PROGRAM_MAX = 768, SEALED_EXEC = 8 /* MFD_NOEXEC_SEAL */ };
static struct sock_filter program[PROGRAM_MAX];
static unsigned short length;

static void emit(struct sock_filter instruction) {
    if (length == PROGRAM_MAX)
        die("the system call filter is too long");
    program[length++] = instruction;
}

static void load(uint32_t offset) { emit((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset)); }
static void load_number(void) { load(offsetof(struct seccomp_data, nr)); }
static void load_argument(int index) { load((uint32_t)(offsetof(struct seccomp_data, args) + 8 * (size_t)index)); }
static void answer(uint32_t action) { emit((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action)); }
static void refuse(int error) { answer(SECCOMP_RET_ERRNO | (uint32_t)error); }
static void allow(void) { answer(SECCOMP_RET_ALLOW); }

/* Jumps over the next `skip` instructions unless the loaded value fits. */
static void unless_equal(uint32_t value, uint8_t skip) {
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, skip));
}
static void unless_above(uint32_t value, uint8_t skip) {
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, value, 0, skip));
}
static void unless_any_bit(uint32_t mask, uint8_t skip) {
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 0, skip));
}

/* Opens a block for one call; close_call fills in how far to jump past it. The block ends by answering. */
static unsigned short open_call(int number) {
    unless_equal((uint32_t)number, 0);
    return (unsigned short)(length - 1);
}
static void close_call(unsigned short opened) {
    allow();
    program[opened].jf = (uint8_t)(length - opened - 1);
}

static void refuse_foreign_machines(void) {
    load(offsetof(struct seccomp_data, arch));
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE_ARCH, 1, 0));
    answer(SECCOMP_RET_KILL_PROCESS);
    load_number();
#if defined(__x86_64__)
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1));
    answer(SECCOMP_RET_KILL_PROCESS);
#endif
    unless_above(NR_LAST_KNOWN, 1);
    refuse(ENOSYS);
    for (int number = NR_STATMOUNT; number <= NR_LSM_LIST_MODULES; number++) {
        unless_equal((uint32_t)number, 1);
        refuse(ENOSYS);
    }
}

static void refuse_calls(void) {
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        unless_equal((uint32_t)refused[i].number, 1);
        refuse(refused[i].error);
    }
    for (size_t i = 0; i < sizeof self_only / sizeof *self_only; i++) {
        unsigned short call = open_call(self_only[i].number);
        load_argument(self_only[i].argument);
        emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
        refuse(EPERM);
        close_call(call);
    }
}

/* Allows a socket whose type is `type` and whose protocol is 0 or `protocol`; falls through otherwise. */
static void allow_socket_type(int type, int protocol) {
    load_argument(1);
    emit((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SOCKET_TYPE_MASK));
    unless_equal((uint32_t)type, 5);
    load_argument(2);
    unless_equal(0, 1);
    allow();
    unless_equal((uint32_t)protocol, 1);
    allow();
}

static void guard_socket_pairs(const struct seccomp_options *options) {
    unsigned short call = open_call(SYS_socketpair);
    load_argument(0);
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 1, 0));
    refuse(EAFNOSUPPORT);
    /* A datagram socket of a pair can still send to a path, and the kernel makes one of SOCK_RAW too. */
    if (!options->unix_sockets) {
        load_argument(1);
        emit((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SOCKET_TYPE_MASK));
        emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 2, 0));
        emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_SEQPACKET, 1, 0));
        refuse(EACCES);
    }
    close_call(call);
}

/* Where connect is decided, what can send without it is not made. Where it is not, and others are in reach, nothing is. */
static void guard_unix_sockets(const struct seccomp_options *options) {
    if (options->unix_sockets) {
        unless_equal(AF_UNIX, 1);
        allow();
    } else if (!(options->traps & TRAP_SOCKETS)) {
        unless_equal(AF_UNIX, 1);
        refuse(EACCES);
    } else {
        unless_equal(AF_UNIX, 6);
        load_argument(1);
        emit((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SOCKET_TYPE_MASK));
        emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SOCK_STREAM, 1, 0));
        unless_equal(SOCK_SEQPACKET, 1);
        allow();
        refuse(EACCES);
    }
}

static void guard_sockets(const struct seccomp_options *options) {
    unsigned short call = open_call(SYS_socket);
    load_argument(0);
    guard_unix_sockets(options);
    unless_equal(AF_NETLINK, 4);
    load_argument(2);
    unless_equal(0 /* NETLINK_ROUTE: what getifaddrs needs */, 1);
    allow();
    refuse(EPROTONOSUPPORT);
    /* MPTCP, SCTP and raw protocols would pass rules that are written for TCP. */
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET, 2, 0));
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 1, 0));
    refuse(EAFNOSUPPORT);
    allow_socket_type(SOCK_STREAM, PROTOCOL_TCP);
    allow_socket_type(SOCK_DGRAM, PROTOCOL_UDP);
    load_argument(1);
    emit((struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, SOCKET_TYPE_MASK));
    unless_equal(SOCK_RAW, 1);
    refuse(EPERM);
    refuse(EPROTONOSUPPORT);
    close_call(call);
    guard_socket_pairs(options);
    /* Fast open connects without connect(). */
    static const struct {
        int number, argument;
    } senders[] = {{SYS_sendto, 3}, {SYS_sendmsg, 2}, {SYS_sendmmsg, 3}};
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
        call = open_call(senders[i].number);
        load_argument(senders[i].argument);
        unless_any_bit(FASTOPEN_FLAG, 1);
        refuse(EOPNOTSUPP);
        close_call(call);
    }
}

/* A socket that connects with its first byte has connected to nothing when connect() says so. */
static void guard_fast_open(void) {
    unsigned short call = open_call(SYS_setsockopt);
    load_argument(1);
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PROTOCOL_TCP, 1, 0));
    allow();
    load_argument(2);
    unless_equal(FASTOPEN_CONNECT, 1);
    refuse(EOPNOTSUPP);
    close_call(call);
}

/* All processes of the user: the warden is one. */
static void refuse_whole_user(int number, uint32_t whole_user) {
    unsigned short call = open_call(number);
    load_argument(0);
    unless_equal(whole_user, 1);
    refuse(EPERM);
    load_argument(1);
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0));
    refuse(EPERM);
    close_call(call);
}

static void guard_file_control(void) {
    unsigned short call = open_call(SYS_fcntl);
    load_argument(1);
    /* A lease stops whoever opens the file on the host for up to 45 s. */
    unless_equal(SET_LEASE, 1);
    refuse(EINVAL);
    unless_equal(SET_IO_SIGNAL, 4);
    load_argument(2);
    unless_equal(SIGSTOP, 1);
    refuse(EINVAL);
    allow();
    close_call(call);
}

/* SIGSTOP cannot be blocked: sent to a shepherd or a file operation, which have the agent's uid, it would make the host
 * wait for ever. The stop of a terminal's job control is SIGTSTP. */
static void guard_signals(void) {
    static const struct {
        int number, argument;
    } senders[] = {
        {SYS_kill, 1},           {SYS_tkill, 1},
        {SYS_tgkill, 2},         {SYS_rt_sigqueueinfo, 1},
        {SYS_rt_tgsigqueueinfo, 2}, {SYS_pidfd_send_signal, 1},
    };
    for (size_t i = 0; i < sizeof senders / sizeof *senders; i++) {
        unsigned short call = open_call(senders[i].number);
        load_argument(senders[i].argument);
        unless_equal(SIGSTOP, 1);
        refuse(EPERM);
        close_call(call);
    }
}

/* A process that shares its working directory with another one, and not only with its own threads, is moved by it after
 * its program was verified. */
static void guard_clone(void) {
    unsigned short call = open_call(SYS_clone);
    load_argument(0);
    unless_any_bit(NAMESPACE_FLAGS, 1);
    refuse(EPERM);
    unless_any_bit(CLONE_FS, 2);
    emit((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 1, 0));
    refuse(EPERM);
    close_call(call);
}

static void guard_arguments(void) {
    guard_fast_open();
    refuse_whole_user(SYS_setpriority, WHOLE_USER);
    refuse_whole_user(SYS_ioprio_set, WHOLE_USER_IO);
    guard_clone();
    guard_file_control();
    guard_signals();
    unsigned short call = open_call(SYS_ioctl);
    load_argument(1);
    static const uint32_t controls[] = {TTY_INSERT_INPUT, TTY_SET_DISCIPLINE, CONSOLE_CONTROL,
                                        SET_FILE_FLAGS,   SET_FILE_FLAGS_32, SET_FILE_ATTRIBUTES,
                                        ENABLE_VERITY,    SNAPSHOT,          SNAPSHOT_2,
                                        SUBVOLUME,        SUBVOLUME_2,       REMOVE_SUBVOLUME,
                                        REMOVE_SUBVOLUME_2, SET_SUBVOLUME_FLAGS, SET_GENERATION,
                                        SET_GENERATION_32, SET_GENERATION_EXT4, SET_GENERATION_EXT4_32,
                                        SET_ENCRYPTION};
    for (size_t i = 0; i < sizeof controls / sizeof *controls; i++) {
        unless_equal(controls[i], 1);
        refuse(EPERM);
    }
    close_call(call);
    /* A listener of its own would let a command answer for its children what the warden must answer. */
    call = open_call(SYS_seccomp);
    load_argument(1);
    unless_any_bit(SECCOMP_FILTER_FLAG_NEW_LISTENER, 1);
    refuse(EBUSY);
    close_call(call);
}

/* What the supervisor decides. A descriptor that only names a file opens nothing: reopening it is trapped again. */
static void trap_calls(unsigned groups) {
    for (size_t i = 0; i < call_count; i++) {
        if (!(calls[i].group & groups))
            continue;
        if (calls[i].flags_argument == 0) {
            unless_equal((uint32_t)calls[i].number, 1);
            answer(SECCOMP_RET_USER_NOTIF);
            continue;
        }
        unsigned short call = open_call(calls[i].number);
        load_argument(calls[i].flags_argument);
        unless_any_bit(O_PATH, 1);
        allow();
        answer(SECCOMP_RET_USER_NOTIF);
        close_call(call);
    }
}

/* The supervisor reads the caller's memory, which the kernel lets it only while the caller is dumpable: to the program it
 * looks as if it had its will, and no other command may read it anyway. */
static void pretend_undumpable(void) {
    unsigned short call = open_call(SYS_prctl);
    load_argument(0);
    unless_equal(PR_SET_DUMPABLE, 3);
    load_argument(1);
    unless_equal(0, 1);
    refuse(0);
    close_call(call);
}

static void guard_memory_files(void) {
    unsigned short call = open_call(SYS_memfd_create);
    load_argument(1);
    unless_any_bit(SEALED_EXEC, 1);
    allow();
    refuse(EACCES);
    close_call(call);
}

bool seccomp_enter(const struct seccomp_options *options, int *listener) {
    length = 0;
    refuse_foreign_machines();
    refuse_calls();
    trap_calls(options->traps);
    guard_sockets(options);
    guard_arguments();
    if (options->sealed_memory_only)
        guard_memory_files();
    if (options->traps)
        pretend_undumpable();
    allow();
    struct sock_fprog filter = {length, program};
    unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, options->traps ? flags : 0, &filter);
    *listener = options->traps ? (int)result : -1;
    return result >= 0;
}
