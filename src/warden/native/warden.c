#define _GNU_SOURCE
#include "warden.h"
#include "answers.h"
#include "bound_sockets.h"
#include "can_trace.h"
#include "command.h"
#include "dial.h"
#include "die.h"
#include "dns_stub.h"
#include "flows.h"
#include "hashing.h"
#include "host_line.h"
#include "landlock.h"
#include "link.h"
#include "policy_frames.h"
#include "reaper.h"
#include "records.h"
#include "relay.h"
#include "shepherd.h"
#include "supervisor.h"
#include <errno.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

enum { LANDLOCK_ABI_MIN = 3, DESCRIPTORS = 65536 };

static struct confinement confinement;
static uint32_t link_timeout_ms;
static enum { AWAITS_CONFIG, AWAITS_START, RUNS } state;

static void send_message(uint8_t type, struct buffer *b) {
    link_send(type, 0, 0, (struct slice){b->data, b->size});
    buffer_free(b);
}

__attribute__((noreturn)) static void fail(stage failed, const char *subject) {
    struct msg_fatal fatal = {failed, (uint32_t)errno, slice_of(subject)};
    struct buffer b = {0};
    encode_fatal(&b, &fatal);
    send_message(FRAME_FATAL, &b);
    link_drain();
    die_errno("cannot go on at stage %u (%s)", failed, subject);
}

static void require_or_fail(bool condition, int error, stage at, const char *subject) {
    if (condition)
        return;
    errno = error;
    fail(at, subject);
}

static bool kernel_can_notify(void) {
    uint32_t action = SECCOMP_RET_USER_NOTIF;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

static void say_hello(void) {
    struct utsname system;
    uname(&system);
    struct msg_hello hello = {
        .protocol = PROTOCOL_VERSION,
        .landlock_abi = (uint32_t)landlock_abi(),
        .notify = kernel_can_notify(),
        .uid = getuid(),
        .gid = getgid(),
        .kernel = slice_of(system.release),
        .machine = slice_of(system.machine),
    };
    struct buffer b = {0};
    encode_hello(&b, &hello);
    send_message(FRAME_HELLO, &b);
}

/* What the warden relies on. Anything that is missing ends it: it never runs with less than it says. */
static void self_test(void) {
    require_or_fail(getpid() == 1, EPERM, STAGE_SELF_TEST, "PID 1");
    require_or_fail(prctl(PR_GET_DUMPABLE) == 0, EPERM, STAGE_SELF_TEST, "undumpable");
    require_or_fail(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1, EPERM, STAGE_SELF_TEST, "no_new_privs");
    stage failed = check_unprivileged();
    if (failed)
        fail(failed, "no privileges");
    require_or_fail(landlock_abi() >= LANDLOCK_ABI_MIN, ENOSYS, STAGE_LANDLOCK, "Landlock ABI 3");
}

static void raise_descriptor_limit(void) {
    if (getrlimit(RLIMIT_NOFILE, &confinement.descriptors))
        die_errno("cannot read the descriptor limit");
    struct rlimit raised = confinement.descriptors;
    raised.rlim_cur = raised.rlim_max < DESCRIPTORS ? raised.rlim_max : DESCRIPTORS;
    setrlimit(RLIMIT_NOFILE, &raised);
}

static void on_config(struct slice payload) {
    struct msg_config config;
    if (state != AWAITS_CONFIG || !decode_config(payload, &config))
        die("the host sent an unexpected or malformed config");
    confinement.unix_sockets = config.flags & CONFIG_FLAG_UNIX_SOCKETS;
    confinement.data_bytes = config.data_bytes;
    confinement.processes = config.processes;
    confinement.cpus = config.cpus;
    link_timeout_ms = config.link_timeout_ms;
    policy_set_workspace(config.workspace);
    state = AWAITS_START;
}

/* False: it is no frame of a policy. */
static bool on_policy_frame(const struct frame *frame) {
    char *path = NULL;
    switch (policy_take(frame->type, frame->payload, &path)) {
    case POLICY_NOT_MINE: return false;
    case POLICY_TAKEN: break;
    case POLICY_NO_RULESET: fail(STAGE_LANDLOCK, "ruleset");
    case POLICY_RULE_FAILED: fail(STAGE_RULE, path);
    case POLICY_MALFORMED: die("the host sent a malformed policy");
    }
    if (state == AWAITS_CONFIG)
        die("the host sent a policy before its config");
    return true;
}

/* What this policy needs of the kernel, beside what every one does. */
static void require_means(const struct tables *tables) {
    if (tables->flags & POLICY_FLAG_DECIDE_PROGRAMS && !can_trace())
        fail(STAGE_SELF_TEST, "ptrace of a child");
    if (tables->flags & POLICY_FLAG_LIVE_MOUNTS)
        require_or_fail(bound_sockets_work(), ENOSYS, STAGE_SELF_TEST, "sock_diag of unix sockets");
    if (!dns_stub_open(!(tables->flags & POLICY_FLAG_DECIDE_NETWORK)))
        fail(STAGE_SELF_TEST, "port 53 of the loopback");
}

static void on_start(void) {
    struct msg_ready ready;
    if (state == AWAITS_CONFIG || !policy_commit(&ready))
        die("the host sent start without a policy");
    commands_init(&confinement);
    const struct tables *tables = policy_in_force();
    if (supervisor_traps(tables) && !supervisors_run()) {
        require_or_fail(kernel_can_notify(), ENOSYS, STAGE_SELF_TEST, "user notification");
        if (!hashing_start() || !supervisors_start(tables))
            fail(STAGE_FORK, "supervisor threads");
    }
    require_means(tables);
    struct buffer b = {0};
    encode_ready(&b, &ready);
    send_message(FRAME_READY, &b);
    state = RUNS;
}

static void on_ping(struct slice payload) {
    struct msg_ping ping;
    if (!decode_ping(payload, &ping))
        die("the host sent a malformed ping");
    struct msg_pong pong = {ping.nonce};
    struct buffer b = {0};
    encode_pong(&b, &pong);
    send_message(FRAME_PONG, &b);
}

/* Frames that talk to an open stream. False: malformed, or none that may come. */
static bool on_open_stream_frame(const struct frame *frame) {
    union {
        struct msg_signal signal;
        struct msg_resize resize;
        struct msg_credit credit;
    } m;
    bool valid = true;
    struct command *c = command_find(frame->stream);
    /* The stream may have gone while the frame was under way. */
    if (!c)
        return true;
    switch (frame->type) {
    case FRAME_DATA: command_data(c, frame->payload); break;
    case FRAME_END: command_input_end(c); break;
    case FRAME_KILL: command_kill(c); break;
    case FRAME_DISCARD: command_discard(c, frame->channel); break;
    case FRAME_SIGNAL:
        if ((valid = decode_signal(frame->payload, &m.signal)))
            command_signal(c, m.signal.signal);
        break;
    case FRAME_RESIZE:
        if ((valid = decode_resize(frame->payload, &m.resize)))
            command_resize(c, m.resize.rows, m.resize.columns);
        break;
    case FRAME_CREDIT:
        if ((valid = decode_credit(frame->payload, &m.credit)))
            command_credit(c, frame->channel, m.credit.bytes);
        break;
    default: valid = false;
    }
    return valid;
}

static void require_new(uint32_t stream) {
    if (stream % 2 == 0 || command_find(stream) || relay_has(stream) || dial_has(stream))
        die("the host opened stream %u, which it may not", stream);
}

/* Frames that open a stream, or talk to one. */
static void on_stream_frame(const struct frame *frame) {
    union {
        struct msg_exec exec;
        struct msg_file file;
        struct msg_dial dial;
    } m;
    bool valid;
    if (frame->type == FRAME_EXEC || frame->type == FRAME_FILE || frame->type == FRAME_DIAL)
        require_new(frame->stream);
    if (frame->stream == 0) {
        valid = false;
    } else if (frame->stream % 2 == 0) {
        valid = relay_has(frame->stream) ? relay_take(frame) : flows_take(frame);
    } else if (frame->type == FRAME_EXEC) {
        if ((valid = decode_exec(frame->payload, &m.exec)))
            command_exec(frame->stream, &m.exec);
    } else if (frame->type == FRAME_FILE) {
        if ((valid = decode_file(frame->payload, &m.file)))
            command_file(frame->stream, &m.file);
    } else if (frame->type == FRAME_DIAL) {
        if ((valid = decode_dial(frame->payload, &m.dial)))
            dial(frame->stream, &m.dial);
    } else if (relay_has(frame->stream)) {
        valid = relay_take(frame);
    } else if (dial_has(frame->stream)) {
        if ((valid = frame->type == FRAME_KILL))
            dial_cancel(frame->stream);
    } else {
        valid = on_open_stream_frame(frame);
    }
    if (!valid)
        die("the host sent a malformed or unknown frame of type %u", frame->type);
}

static void on_frame(const struct frame *frame) {
    switch (frame->type) {
    case FRAME_CONFIG: on_config(frame->payload); break;
    case FRAME_START: on_start(); break;
    case FRAME_PING: on_ping(frame->payload); break;
    case FRAME_ANSWER:
    case FRAME_CONTENT:
    case FRAME_HOLD:
        if (!answers_take(frame->type, frame->payload))
            die("the host sent a malformed answer");
        break;
    default:
        if (on_policy_frame(frame))
            break;
        if (state != RUNS)
            die("the host sent a frame of type %u before start", frame->type);
        on_stream_frame(frame);
    }
}

static void on_writable(void) {
    host_line_flush(false);
    commands_resume();
    relays_resume();
    flows_resume();
}

static int sooner(int a, int b) { return a < 0 ? b : b < 0 || a < b ? a : b; }

/* A host that has been silent for too long is gone, even if nobody said so. */
static int check_link(void) {
    if (link_timeout_ms == 0)
        return -1;
    uint64_t silent = now_ms() - link_last_heard_ms();
    if (silent >= link_timeout_ms)
        die("the host was silent for %u ms", link_timeout_ms);
    return (int)(link_timeout_ms - silent);
}

/* Allows are told a moment later, equal ones together. */
static int flush_records(void) {
    static uint64_t flushed;
    int wait = records_wait_ms();
    uint64_t since = now_ms() - flushed;
    if (wait < 0)
        return -1;
    if (since < (uint64_t)wait)
        return wait - (int)since;
    flushed = now_ms();
    host_line_flush(false);
    return -1;
}

void warden_run(void) {
    prctl(PR_SET_DUMPABLE, 0);
    shepherd_init();
    loop_init();
    host_line_init();
    reaper_init();
    link_init(on_frame, on_writable);
    dns_stub_init();
    raise_descriptor_limit();
    say_hello();
    self_test();
    for (;;) {
        int timeout = sooner(check_link(), sooner(commands_expire(), reaper_run()));
        timeout = sooner(timeout, flush_records());
        link_flush();
        loop_turn(timeout);
    }
}
