#define _GNU_SOURCE
#include "command.h"
#include "die.h"
#include "link.h"
#include "channels.h"
#include "file_operation.h"
#include "floor.h"
#include "host_line.h"
#include "plumbing.h"
#include "policy_frames.h"
#include "program.h"
#include "reaper.h"
#include "shepherd.h"
#include "spawner.h"
#include "supervisor.h"
#include "terminal.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct confinement *confinement;
static struct command *commands;
static uint32_t command_count;

void commands_init(const struct confinement *c) { confinement = c; }
struct command *command_first(void) { return commands; }

struct command *command_find(uint32_t stream) {
    for (struct command *c = commands; c; c = c->next)
        if (c->stream == stream)
            return c;
    return NULL;
}

static void send_empty(const struct command *c, uint8_t type, uint8_t channel) {
    link_send(type, channel, c->stream, (struct slice){0});
}

static void send_failed(const struct command *c, uint32_t failed_stage, uint32_t error) {
    struct msg_failed failed = {failed_stage, error};
    struct buffer b = {0};
    encode_failed(&b, &failed);
    link_send(FRAME_FAILED, 0, c->stream, (struct slice){b.data, b.size});
    buffer_free(&b);
}

static void send_exited(struct command *c, int status) {
    /* Whoever hears that it ended can look at what was decided for it. */
    host_line_flush(true);
    struct msg_exited exited = {
        .code = WIFEXITED(status) ? (uint32_t)WEXITSTATUS(status) : 0,
        .signal = WIFSIGNALED(status) ? (uint32_t)WTERMSIG(status) : 0,
        .flags = (c->timed_out ? EXITED_FLAG_TIMED_OUT : 0u) | (c->killed ? EXITED_FLAG_KILLED : 0u),
    };
    struct buffer b = {0};
    encode_exited(&b, &exited);
    link_send(FRAME_EXITED, 0, c->stream, (struct slice){b.data, b.size});
    buffer_free(&b);
    c->reported = true;
}

static void unlink_command(struct command *c) {
    for (struct command **at = &commands; *at; at = &(*at)->next)
        if (*at == c) {
            *at = c->next;
            break;
        }
    command_count--;
    watch_close(&c->status);
    watch_close(&c->input.watch);
    watch_close(&c->outputs[0].watch);
    watch_close(&c->outputs[1].watch);
    buffer_free(&c->input.pending);
    tables_release(c->tables);
    loop_free_later(c);
}

void end_if_over(struct command *c) {
    if (c->shepherd || c->sweeping || !c->reported || !c->outputs[0].ended || !c->outputs[1].ended)
        return;
    send_empty(c, FRAME_GONE, 0);
    unlink_command(c);
}

static void finish_unstarted(struct command *c, uint32_t failed_stage, uint32_t error) {
    send_failed(c, failed_stage, error);
    c->reported = true;
    for (int i = 0; i < 2; i++) {
        watch_close(&c->outputs[i].watch);
        c->outputs[i].ended = true;
    }
    watch_close(&c->input.watch);
}

static void first_exited(struct command *c, int status) {
    if (c->reported)
        return;
    c->first_exited = true;
    c->deadline_ms = 0;
    output_measure(c);
    send_exited(c, status);
    outputs_pace(c);
}

static void on_report(struct command *c, const struct report *report) {
    if (report->kind == REPORT_STARTED) {
        c->first = (pid_t)report->first;
        struct msg_started started = {report->first};
        struct buffer b = {0};
        encode_started(&b, &started);
        link_send(FRAME_STARTED, 0, c->stream, (struct slice){b.data, b.size});
        buffer_free(&b);
    } else if (report->kind == REPORT_FAILED) {
        if (!c->reported)
            finish_unstarted(c, report->first, report->second);
    } else {
        first_exited(c, (int)report->first);
    }
}

/* False: there is none now, or will never be (errno is 0 then). */
static bool read_report(struct command *c) {
    struct report report;
    int listener;
    errno = 0;
    ssize_t count = shepherd_read(c->status.fd, &report, &listener);
    if (count == (ssize_t)sizeof report) {
        if (report.kind != REPORT_LISTENER)
            on_report(c, &report);
        else if (listener >= 0)
            supervisors_take((struct supervised){listener, c->stream, c->ours, tables_retain(c->tables)});
        return true;
    }
    return count < 0 && errno == EINTR;
}

static void status_ready(struct watch *watch, uint32_t events) {
    (void)events;
    struct command *c = watch->owner;
    uint32_t stream = c->stream;
    if (!read_report(c) && errno != EAGAIN && command_find(stream) == c)
        watch_close(&c->status);
}

void commands_reaped(pid_t pid, int status) {
    for (struct command *c = commands; c; c = c->next) {
        if (c->shepherd == pid) {
            /* Its last reports may still be in the pipe. */
            while (c->status.fd >= 0 && read_report(c))
                ;
            watch_close(&c->status);
            c->shepherd = 0;
            c->deadline_ms = 0;
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
                c->killed = true;
                c->sweeping = true;
                reaper_sweep();
            }
            end_if_over(c);
            return;
        }
        if (c->first == pid && !c->shepherd && !c->reported) {
            first_exited(c, status);
            return;
        }
    }
}

void commands_swept(void) {
    struct command *next;
    for (struct command *c = commands; c; c = next) {
        next = c->next;
        if (!c->sweeping)
            continue;
        c->sweeping = false;
        /* Its shepherd died before it could say how it ended. */
        first_exited(c, SIGKILL);
        if (command_find(c->stream) == c)
            end_if_over(c);
    }
}

void command_kill(struct command *c) {
    if (!c->shepherd)
        return;
    c->killed = true;
    kill(c->shepherd, SIGKILL);
}

int commands_expire(void) {
    uint64_t now = now_ms(), soonest = UINT64_MAX;
    for (struct command *c = commands; c; c = c->next) {
        if (!c->deadline_ms)
            continue;
        if (c->deadline_ms <= now) {
            c->deadline_ms = 0;
            c->timed_out = true;
            command_kill(c);
        } else if (c->deadline_ms < soonest) {
            soonest = c->deadline_ms;
        }
    }
    if (soonest == UINT64_MAX)
        return -1;
    return soonest - now > 60000 ? 60000 : (int)(soonest - now) + 1;
}

void commands_resume(void) {
    struct command *next;
    for (struct command *c = commands; c; c = next) {
        next = c->next;
        outputs_pace(c);
    }
}

/* ---- what the host may say to a running command ---- */

void command_signal(struct command *c, uint32_t number) {
    if (number < 1 || number > 64)
        die("the host named signal %u", number);
    /* Its own process group; none other has that number while the first process is not reaped. */
    if (c->first && !c->first_exited)
        kill(-c->first, (int)number);
}

void command_resize(struct command *c, uint32_t rows, uint32_t columns) {
    if (c->terminal && c->outputs[0].watch.fd >= 0)
        terminal_resize(c->outputs[0].watch.fd, rows, columns);
}

/* ---- starting ---- */

static struct command *command_new(uint32_t stream) {
    struct command *c = calloc(1, sizeof *c);
    if (!c)
        die("out of memory");
    c->stream = stream;
    c->tables = tables_retain(policy_in_force());
    c->status.fd = c->input.watch.fd = c->outputs[0].watch.fd = c->outputs[1].watch.fd = -1;
    c->outputs[0].channel = CHANNEL_STDOUT;
    c->outputs[1].channel = CHANNEL_STDERR;
    c->outputs[0].credit = c->outputs[1].credit = c->input.credit = INITIAL_CREDIT_BYTES;
    c->next = commands;
    commands = c;
    command_count++;
    return c;
}

static void watch_channels(struct command *c, const struct plumbing *p) {
    if (p->warden[CHANNEL_STDIN] >= 0)
        watch_open(&c->input.watch, p->warden[CHANNEL_STDIN], 0, input_ready, c);
    for (int i = 0; i < 2; i++) {
        int fd = p->warden[CHANNEL_STDOUT + i];
        if (fd < 0) {
            output_end(c, &c->outputs[i]);
            continue;
        }
        watch_open(&c->outputs[i].watch, fd, 0, output_ready, c);
        output_pace(&c->outputs[i]);
    }
}

/* What holds a command: the same for all, and what its policy adds. */
static struct confinement confinement_of(const struct tables *tables) {
    struct confinement own = *confinement;
    own.ruleset = tables->ruleset;
    own.traps = supervisor_traps(tables);
    own.sealed_memory_only = tables->flags & POLICY_FLAG_ALLOW_LIST;
    own.unix_sockets &= tables->mode != MODE_EMULATED;
    return own;
}

/* The host's review: the workspace and nothing else, and no rule of the policy is asked. */
static struct confinement confinement_of_review(void) {
    struct confinement own = *confinement;
    own.ruleset = floor_of_workspace();
    own.unix_sockets = false;
    return own;
}

static void command_start(struct command *c, struct task *task, bool with_input, uint32_t rows, uint32_t columns) {
    struct plumbing p = {{-1, -1, -1}, {-1, -1, -1}};
    bool plumbed = c->terminal ? plumb_terminal(&p, rows, columns) : plumb_pipes(&p, with_input);
    int reports = -1;
    pid_t shepherd = -1;
    if (plumbed && command_count <= MAX_STREAMS) {
        struct confinement own = task->review ? confinement_of_review() : confinement_of(c->tables);
        task->confinement = &own;
        task->terminal = c->terminal;
        memcpy(task->stdio, p.child, sizeof p.child);
        /* What the host looks at itself is under a floor of its own, and asks no supervisor. */
        if (own.ruleset >= 0)
            shepherd = task->review ? shepherd_start(task, &reports) : spawner_fork(task, &reports);
        if (task->review && own.ruleset >= 0)
            close(own.ruleset);
    } else if (plumbed) {
        errno = EAGAIN;
    }
    if (shepherd < 0) {
        finish_unstarted(c, plumbed ? STAGE_FORK : c->terminal ? STAGE_TERMINAL : STAGE_FORK, (uint32_t)errno);
        plumbing_close(&p);
        end_if_over(c);
        return;
    }
    for (int i = 0; i < 3; i++)
        close(p.child[i]);
    c->shepherd = shepherd;
    watch_open(&c->status, reports, EPOLLIN, status_ready, c);
    watch_channels(c, &p);
}

void command_exec(uint32_t stream, const struct msg_exec *request) {
    struct command *c = command_new(stream);
    c->terminal = request->flags & EXEC_FLAG_PTY;
    if (request->timeout_ms)
        c->deadline_ms = now_ms() + request->timeout_ms;
    struct program program;
    if (!program_decode(&program, request)) {
        finish_unstarted(c, STAGE_PROTOCOL, EINVAL);
        end_if_over(c);
        return;
    }
    struct task task = {.run = program_run, .request = &program};
    command_start(c, &task, request->flags & EXEC_FLAG_STDIN, request->rows, request->columns);
    program_free(&program);
}

void command_file(uint32_t stream, const struct msg_file *request) {
    struct command *c = command_new(stream);
    c->ours = true;
    struct file_operation operation;
    if (!file_operation_decode(&operation, request)) {
        finish_unstarted(c, STAGE_PROTOCOL, EINVAL);
        end_if_over(c);
        return;
    }
    struct task task = {.run = file_operation_run, .request = &operation, .ours = true};
    task.review = operation.flags & FILE_FLAG_REVIEW;
    command_start(c, &task, file_operation_reads(request), 0, 0);
    file_operation_free(&operation);
}
