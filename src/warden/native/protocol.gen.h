/* Generated from src/link/protocol.ts by scripts/generate-protocol.ts. Do not edit. */
#pragma once
#include "bytes.h"

#define PROTOCOL_VERSION 6u
#define HEADER_BYTES 12u
#define MAX_PAYLOAD_BYTES 1048576u
#define MAX_DATA_BYTES 65536u
#define INITIAL_CREDIT_BYTES 262144u
#define MAX_STREAMS 1024u
#define MAX_LIST_LENGTH 65536u
#define MAX_TREE_PATH_BYTES 4095u

enum {
    NAMESPACE_FLAG_ROOTFUL = 1,
};

enum {
    MOUNT_FLAG_READ_ONLY = 1,
    MOUNT_FLAG_NO_EXEC = 2,
    MOUNT_FLAG_WORKSPACE = 4,
    MOUNT_FLAG_OPTIONAL = 8,
    MOUNT_FLAG_DEVICE = 16,
    MOUNT_FLAG_OWNER = 32,
    MOUNT_FLAG_SHARED = 64,
};

enum {
    COPY_FLAG_CHOWN = 1,
    COPY_FLAG_SURVEY = 2,
};

enum {
    CONFIG_FLAG_UNIX_SOCKETS = 1,
};

enum {
    POLICY_FLAG_DECIDE_PROGRAMS = 1,
    POLICY_FLAG_ALLOW_LIST = 2,
    POLICY_FLAG_RECORD_ALLOWS = 4,
    POLICY_FLAG_RECORD_DENIALS = 8,
    POLICY_FLAG_UNMATCHED_PATH_ASK = 16,
    POLICY_FLAG_UNMATCHED_PROGRAM_ASK = 32,
    POLICY_FLAG_LIVE_MOUNTS = 64,
    POLICY_FLAG_TELL_AGENT = 128,
    POLICY_FLAG_DECIDE_NETWORK = 256,
    POLICY_FLAG_HASH_CONNECTORS = 512,
};

enum {
    PROGRAM_RULE_FLAG_ANY_ARGUMENTS = 1,
    PROGRAM_RULE_FLAG_NAME = 2,
};

enum {
    ANSWER_FLAG_SUBSTITUTE = 1,
};

enum {
    FLOW_FLAG_NON_BLOCKING = 1,
};

enum {
    RULE_FLAG_OPTIONAL = 1,
    RULE_FLAG_WORKSPACE = 2,
};

enum {
    EXEC_FLAG_PTY = 1,
    EXEC_FLAG_STDIN = 2,
};

enum {
    FILE_FLAG_APPEND = 1,
    FILE_FLAG_EXCLUSIVE = 2,
    FILE_FLAG_RECURSIVE = 4,
    FILE_FLAG_NO_FOLLOW = 8,
    FILE_FLAG_FORCE = 16,
    FILE_FLAG_REVIEW = 32,
};

enum {
    EXITED_FLAG_TIMED_OUT = 1,
    EXITED_FLAG_KILLED = 2,
};

enum {
    MOUNT_BIND = 1,
    MOUNT_TMPFS = 2,
    MOUNT_PROC = 3,
    MOUNT_DEVPTS = 4,
    MOUNT_SYMLINK = 5,
    MOUNT_FILE = 6,
    MOUNT_DIRECTORY = 7,
    MOUNT_MASK = 8,
    MOUNT_FREEZE = 9,
    MOUNT_OVERLAY = 10,
};

enum {
    OWNED_FOLDER = 1,
    OWNED_CGROUP = 2,
    OWNED_VOLUME = 3,
};

enum {
    ACCESS_READ = 1,
    ACCESS_WRITE = 2,
    ACCESS_DEVICE = 3,
};

enum {
    MODE_FLOOR = 1,
    MODE_TRAPPED = 2,
    MODE_EMULATED = 3,
};

enum {
    VERDICT_ALLOW = 1,
    VERDICT_ASK = 2,
    VERDICT_DENY = 3,
};

enum {
    DOMAIN_FILESYSTEM = 1,
    DOMAIN_PROCESS = 2,
    DOMAIN_NETWORK = 3,
};

enum {
    ACTION_READ = 1,
    ACTION_WRITE = 2,
    ACTION_CREATE = 3,
    ACTION_DELETE = 4,
    ACTION_RENAME = 5,
    ACTION_LINK = 6,
    ACTION_LIST = 7,
    ACTION_METADATA = 8,
    ACTION_CONNECT = 9,
    ACTION_START = 10,
};

enum {
    REASON_RULE = 1,
    REASON_UNMATCHED = 2,
    REASON_FLOOR = 3,
    REASON_ANSWER = 4,
    REASON_DEADLINE = 5,
    REASON_CROWDED = 6,
    REASON_HOST_FIFO = 7,
    REASON_HOST_SOCKET = 8,
    REASON_KERNEL_FILE = 9,
    REASON_AROUND_RULE = 10,
    REASON_LOADER = 11,
    REASON_MEMORY_FILE = 12,
    REASON_UNREADABLE = 13,
    REASON_LOADER_VARIABLE = 14,
    REASON_INTERPRETER = 15,
    REASON_CHANGED = 16,
    REASON_TOO_LONG = 17,
    REASON_NO_IPV6 = 18,
    REASON_NO_NAME = 19,
    REASON_SET_ID = 20,
};

enum {
    OPERATION_READ = 1,
    OPERATION_WRITE = 2,
    OPERATION_LIST = 3,
    OPERATION_STAT = 4,
    OPERATION_REMOVE = 5,
    OPERATION_RENAME = 6,
    OPERATION_MKDIR = 7,
    OPERATION_SCAN = 8,
    OPERATION_SYMLINK = 9,
    OPERATION_PACK = 10,
    OPERATION_UNPACK = 11,
    OPERATION_WATCH = 12,
};

enum {
    CHANGE_READY = 1,
    CHANGE_CREATED = 2,
    CHANGE_MODIFIED = 3,
    CHANGE_DELETED = 4,
    CHANGE_RENAMED = 5,
    CHANGE_OVERFLOW = 6,
};

enum {
    KIND_FILE = 1,
    KIND_DIRECTORY = 2,
    KIND_SYMLINK = 3,
    KIND_OTHER = 4,
};

enum {
    PROBLEM_NONE = 0,
    PROBLEM_UNREADABLE = 1,
    PROBLEM_TOO_LARGE = 2,
    PROBLEM_TOO_DEEP = 3,
};

enum {
    STAGE_PROTOCOL = 1,
    STAGE_NAMESPACE = 2,
    STAGE_MOUNT = 3,
    STAGE_ROOT = 4,
    STAGE_USER = 5,
    STAGE_CGROUP = 6,
    STAGE_SELF_TEST = 7,
    STAGE_LANDLOCK = 8,
    STAGE_RULE = 9,
    STAGE_FORK = 10,
    STAGE_TERMINAL = 11,
    STAGE_LIMITS = 12,
    STAGE_CAPABILITIES = 13,
    STAGE_SECCOMP = 14,
    STAGE_DIRECTORY = 15,
    STAGE_EXEC = 16,
    STAGE_FILE = 17,
    STAGE_CONNECT = 18,
    STAGE_VOLUME = 19,
};

enum {
    CHANNEL_STDIN = 0,
    CHANNEL_STDOUT = 1,
    CHANNEL_STDERR = 2,
};

enum {
    FRAME_NAMESPACE = 1,
    FRAME_OWNED = 4,
    FRAME_MOUNT = 2,
    FRAME_ENTER = 3,
    FRAME_COPY = 5,
    FRAME_HELLO = 16,
    FRAME_CONFIG = 17,
    FRAME_RULE = 18,
    FRAME_POLICY = 22,
    FRAME_PATH_RULE = 23,
    FRAME_PROGRAM_RULE = 24,
    FRAME_SUBSCRIPTION = 25,
    FRAME_START = 19,
    FRAME_READY = 20,
    FRAME_FATAL = 21,
    FRAME_EXEC = 32,
    FRAME_FILE = 33,
    FRAME_DIAL = 38,
    FRAME_FLOW = 45,
    FRAME_FLOW_ACCEPT = 46,
    FRAME_FLOW_REFUSE = 47,
    FRAME_FLOW_WAIT = 39,
    FRAME_SIGNAL = 34,
    FRAME_RESIZE = 35,
    FRAME_KILL = 36,
    FRAME_DISCARD = 37,
    FRAME_STARTED = 40,
    FRAME_EXITED = 41,
    FRAME_FAILED = 42,
    FRAME_CONNECTED = 44,
    FRAME_GONE = 43,
    FRAME_CREDIT = 50,
    FRAME_GRANTED = 51,
    FRAME_ACCESS = 80,
    FRAME_PROGRAM = 81,
    FRAME_ANSWER = 82,
    FRAME_CONTENT = 83,
    FRAME_HOLD = 84,
    FRAME_EXPIRED = 86,
    FRAME_DECIDED = 85,
    FRAME_PING = 64,
    FRAME_PONG = 65,
    FRAME_DATA = 48,
    FRAME_END = 49,
};

struct msg_namespace {
    uint32_t flags;
    uint32_t host_uid;
    uint32_t host_gid;
    uint32_t uid;
    uint32_t gid;
    struct slice hostname;
    struct slice workspace;
    struct list cgroups;
};

static inline bool decode_namespace(struct slice payload, struct msg_namespace *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->flags) &&
           cursor_u32(&c, &m->host_uid) &&
           cursor_u32(&c, &m->host_gid) &&
           cursor_u32(&c, &m->uid) &&
           cursor_u32(&c, &m->gid) &&
           cursor_bytes(&c, &m->hostname) &&
           cursor_bytes(&c, &m->workspace) &&
           cursor_list(&c, &m->cgroups) &&
           c.left == 0;
}

struct msg_owned {
    uint8_t kind;
    struct slice path;
};

static inline bool decode_owned(struct slice payload, struct msg_owned *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->kind) &&
           cursor_bytes(&c, &m->path) &&
           c.left == 0;
}

struct msg_mount {
    uint8_t kind;
    uint32_t flags;
    struct slice source;
    struct slice target;
    struct slice data;
};

static inline bool decode_mount(struct slice payload, struct msg_mount *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->kind) &&
           cursor_u32(&c, &m->flags) &&
           cursor_bytes(&c, &m->source) &&
           cursor_bytes(&c, &m->target) &&
           cursor_bytes(&c, &m->data) &&
           c.left == 0;
}

struct msg_copy {
    uint32_t flags;
    uint32_t uid;
    uint32_t gid;
    struct slice source;
    struct slice target;
    struct list reads;
    struct list writes;
};

static inline bool decode_copy(struct slice payload, struct msg_copy *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->flags) &&
           cursor_u32(&c, &m->uid) &&
           cursor_u32(&c, &m->gid) &&
           cursor_bytes(&c, &m->source) &&
           cursor_bytes(&c, &m->target) &&
           cursor_list(&c, &m->reads) &&
           cursor_list(&c, &m->writes) &&
           c.left == 0;
}

struct msg_hello {
    uint32_t protocol;
    uint32_t landlock_abi;
    uint32_t notify;
    uint32_t uid;
    uint32_t gid;
    struct slice kernel;
    struct slice machine;
};

static inline void encode_hello(struct buffer *b, const struct msg_hello *m) {
    buffer_u32(b, m->protocol);
    buffer_u32(b, m->landlock_abi);
    buffer_u32(b, m->notify);
    buffer_u32(b, m->uid);
    buffer_u32(b, m->gid);
    buffer_bytes(b, m->kernel);
    buffer_bytes(b, m->machine);
}

struct msg_config {
    uint32_t flags;
    uint32_t link_timeout_ms;
    uint64_t data_bytes;
    uint64_t processes;
    uint32_t cpus;
    struct slice workspace;
};

static inline bool decode_config(struct slice payload, struct msg_config *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->flags) &&
           cursor_u32(&c, &m->link_timeout_ms) &&
           cursor_u64(&c, &m->data_bytes) &&
           cursor_u64(&c, &m->processes) &&
           cursor_u32(&c, &m->cpus) &&
           cursor_bytes(&c, &m->workspace) &&
           c.left == 0;
}

struct msg_rule {
    uint8_t access;
    uint32_t flags;
    struct slice path;
};

static inline bool decode_rule(struct slice payload, struct msg_rule *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->access) &&
           cursor_u32(&c, &m->flags) &&
           cursor_bytes(&c, &m->path) &&
           c.left == 0;
}

struct msg_policy {
    uint32_t generation;
    uint8_t mode;
    uint32_t flags;
    uint32_t timeout_ms;
    struct list search;
    struct list untrusted;
    struct list volumes;
};

static inline bool decode_policy(struct slice payload, struct msg_policy *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->generation) &&
           cursor_u8(&c, &m->mode) &&
           cursor_u32(&c, &m->flags) &&
           cursor_u32(&c, &m->timeout_ms) &&
           cursor_list(&c, &m->search) &&
           cursor_list(&c, &m->untrusted) &&
           cursor_list(&c, &m->volumes) &&
           c.left == 0;
}

struct msg_path_rule {
    uint8_t verdict;
    uint8_t access;
    uint32_t rule;
    struct slice pattern;
};

static inline bool decode_path_rule(struct slice payload, struct msg_path_rule *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->verdict) &&
           cursor_u8(&c, &m->access) &&
           cursor_u32(&c, &m->rule) &&
           cursor_bytes(&c, &m->pattern) &&
           c.left == 0;
}

struct msg_program_rule {
    uint8_t verdict;
    uint32_t flags;
    uint32_t rule;
    struct slice pattern;
    struct slice sha256;
    struct list arguments;
};

static inline bool decode_program_rule(struct slice payload, struct msg_program_rule *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->verdict) &&
           cursor_u32(&c, &m->flags) &&
           cursor_u32(&c, &m->rule) &&
           cursor_bytes(&c, &m->pattern) &&
           cursor_bytes(&c, &m->sha256) &&
           cursor_list(&c, &m->arguments) &&
           c.left == 0;
}

struct msg_subscription {
    uint8_t domain;
    uint32_t actions;
    struct list paths;
    struct list binaries;
};

static inline bool decode_subscription(struct slice payload, struct msg_subscription *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->domain) &&
           cursor_u32(&c, &m->actions) &&
           cursor_list(&c, &m->paths) &&
           cursor_list(&c, &m->binaries) &&
           c.left == 0;
}

struct msg_ready {
    uint32_t rules;
    uint32_t skipped;
};

static inline void encode_ready(struct buffer *b, const struct msg_ready *m) {
    buffer_u32(b, m->rules);
    buffer_u32(b, m->skipped);
}

struct msg_fatal {
    uint32_t stage;
    uint32_t errno;
    struct slice subject;
};

static inline void encode_fatal(struct buffer *b, const struct msg_fatal *m) {
    buffer_u32(b, m->stage);
    buffer_u32(b, m->errno);
    buffer_bytes(b, m->subject);
}

struct msg_exec {
    uint32_t flags;
    uint32_t rows;
    uint32_t columns;
    uint64_t timeout_ms;
    struct slice cwd;
    struct list argv;
    struct list env;
};

static inline bool decode_exec(struct slice payload, struct msg_exec *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->flags) &&
           cursor_u32(&c, &m->rows) &&
           cursor_u32(&c, &m->columns) &&
           cursor_u64(&c, &m->timeout_ms) &&
           cursor_bytes(&c, &m->cwd) &&
           cursor_list(&c, &m->argv) &&
           cursor_list(&c, &m->env) &&
           c.left == 0;
}

struct msg_file {
    uint8_t operation;
    uint32_t flags;
    uint32_t mode;
    uint64_t offset;
    uint64_t length;
    struct slice path;
    struct slice target;
};

static inline bool decode_file(struct slice payload, struct msg_file *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->operation) &&
           cursor_u32(&c, &m->flags) &&
           cursor_u32(&c, &m->mode) &&
           cursor_u64(&c, &m->offset) &&
           cursor_u64(&c, &m->length) &&
           cursor_bytes(&c, &m->path) &&
           cursor_bytes(&c, &m->target) &&
           c.left == 0;
}

struct msg_dial {
    uint32_t port;
};

static inline bool decode_dial(struct slice payload, struct msg_dial *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->port) &&
           c.left == 0;
}

struct msg_flow {
    uint32_t port;
    uint32_t pid;
    uint32_t flags;
    struct slice host;
    struct slice binary;
    struct list ancestors;
    struct slice sha256;
};

static inline void encode_flow(struct buffer *b, const struct msg_flow *m) {
    buffer_u32(b, m->port);
    buffer_u32(b, m->pid);
    buffer_u32(b, m->flags);
    buffer_bytes(b, m->host);
    buffer_bytes(b, m->binary);
    buffer_list(b, m->ancestors);
    buffer_bytes(b, m->sha256);
}

struct msg_flow_refuse {
    uint32_t error;
};

static inline bool decode_flow_refuse(struct slice payload, struct msg_flow_refuse *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->error) &&
           c.left == 0;
}

struct msg_flow_wait {
    uint32_t timeout_ms;
};

static inline bool decode_flow_wait(struct slice payload, struct msg_flow_wait *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->timeout_ms) &&
           c.left == 0;
}

struct msg_signal {
    uint32_t signal;
};

static inline bool decode_signal(struct slice payload, struct msg_signal *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->signal) &&
           c.left == 0;
}

struct msg_resize {
    uint32_t rows;
    uint32_t columns;
};

static inline bool decode_resize(struct slice payload, struct msg_resize *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->rows) &&
           cursor_u32(&c, &m->columns) &&
           c.left == 0;
}

struct msg_started {
    uint32_t pid;
};

static inline void encode_started(struct buffer *b, const struct msg_started *m) {
    buffer_u32(b, m->pid);
}

struct msg_exited {
    uint32_t code;
    uint32_t signal;
    uint32_t flags;
};

static inline void encode_exited(struct buffer *b, const struct msg_exited *m) {
    buffer_u32(b, m->code);
    buffer_u32(b, m->signal);
    buffer_u32(b, m->flags);
}

struct msg_failed {
    uint32_t stage;
    uint32_t errno;
};

static inline void encode_failed(struct buffer *b, const struct msg_failed *m) {
    buffer_u32(b, m->stage);
    buffer_u32(b, m->errno);
}

struct msg_credit {
    uint32_t bytes;
};

static inline bool decode_credit(struct slice payload, struct msg_credit *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->bytes) &&
           c.left == 0;
}

struct msg_granted {
    uint32_t bytes;
};

static inline void encode_granted(struct buffer *b, const struct msg_granted *m) {
    buffer_u32(b, m->bytes);
}

struct msg_access {
    uint32_t question;
    uint32_t stream;
    uint32_t pid;
    uint8_t action;
    uint8_t verdict;
    uint32_t rule;
    struct slice path;
    struct slice target;
    struct slice binary;
};

static inline void encode_access(struct buffer *b, const struct msg_access *m) {
    buffer_u32(b, m->question);
    buffer_u32(b, m->stream);
    buffer_u32(b, m->pid);
    buffer_u8(b, m->action);
    buffer_u8(b, m->verdict);
    buffer_u32(b, m->rule);
    buffer_bytes(b, m->path);
    buffer_bytes(b, m->target);
    buffer_bytes(b, m->binary);
}

struct msg_program {
    uint32_t question;
    uint32_t stream;
    uint32_t pid;
    uint8_t verdict;
    uint32_t rule;
    struct slice path;
    struct slice script;
    struct slice sha256;
    struct slice cwd;
    struct list arguments;
    struct list parents;
};

static inline void encode_program(struct buffer *b, const struct msg_program *m) {
    buffer_u32(b, m->question);
    buffer_u32(b, m->stream);
    buffer_u32(b, m->pid);
    buffer_u8(b, m->verdict);
    buffer_u32(b, m->rule);
    buffer_bytes(b, m->path);
    buffer_bytes(b, m->script);
    buffer_bytes(b, m->sha256);
    buffer_bytes(b, m->cwd);
    buffer_list(b, m->arguments);
    buffer_list(b, m->parents);
}

struct msg_answer {
    uint32_t question;
    uint8_t verdict;
    uint32_t flags;
};

static inline bool decode_answer(struct slice payload, struct msg_answer *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->question) &&
           cursor_u8(&c, &m->verdict) &&
           cursor_u32(&c, &m->flags) &&
           c.left == 0;
}

struct msg_content {
    uint32_t question;
    struct slice bytes;
};

static inline bool decode_content(struct slice payload, struct msg_content *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->question) &&
           cursor_bytes(&c, &m->bytes) &&
           c.left == 0;
}

struct msg_hold {
    uint32_t question;
    uint32_t timeout_ms;
};

static inline bool decode_hold(struct slice payload, struct msg_hold *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->question) &&
           cursor_u32(&c, &m->timeout_ms) &&
           c.left == 0;
}

struct msg_expired {
    uint32_t question;
    uint32_t gone;
};

static inline void encode_expired(struct buffer *b, const struct msg_expired *m) {
    buffer_u32(b, m->question);
    buffer_u32(b, m->gone);
}

struct msg_decided {
    uint32_t stream;
    uint32_t pid;
    uint8_t domain;
    uint8_t action;
    uint8_t verdict;
    uint8_t reason;
    uint32_t rule;
    uint32_t count;
    uint32_t microseconds;
    struct slice path;
    struct slice target;
    struct slice binary;
    struct list arguments;
};

static inline void encode_decided(struct buffer *b, const struct msg_decided *m) {
    buffer_u32(b, m->stream);
    buffer_u32(b, m->pid);
    buffer_u8(b, m->domain);
    buffer_u8(b, m->action);
    buffer_u8(b, m->verdict);
    buffer_u8(b, m->reason);
    buffer_u32(b, m->rule);
    buffer_u32(b, m->count);
    buffer_u32(b, m->microseconds);
    buffer_bytes(b, m->path);
    buffer_bytes(b, m->target);
    buffer_bytes(b, m->binary);
    buffer_list(b, m->arguments);
}

struct msg_ping {
    uint32_t nonce;
};

static inline bool decode_ping(struct slice payload, struct msg_ping *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u32(&c, &m->nonce) &&
           c.left == 0;
}

struct msg_pong {
    uint32_t nonce;
};

static inline void encode_pong(struct buffer *b, const struct msg_pong *m) {
    buffer_u32(b, m->nonce);
}

struct msg_entry {
    uint8_t kind;
    uint32_t mode;
    uint32_t uid;
    uint64_t size;
    uint64_t mtime_seconds;
    uint32_t mtime_nanoseconds;
    struct slice name;
    struct slice target;
};

static inline void encode_entry(struct buffer *b, const struct msg_entry *m) {
    buffer_u8(b, m->kind);
    buffer_u32(b, m->mode);
    buffer_u32(b, m->uid);
    buffer_u64(b, m->size);
    buffer_u64(b, m->mtime_seconds);
    buffer_u32(b, m->mtime_nanoseconds);
    buffer_bytes(b, m->name);
    buffer_bytes(b, m->target);
}

static inline bool decode_entry(struct slice payload, struct msg_entry *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->kind) &&
           cursor_u32(&c, &m->mode) &&
           cursor_u32(&c, &m->uid) &&
           cursor_u64(&c, &m->size) &&
           cursor_u64(&c, &m->mtime_seconds) &&
           cursor_u32(&c, &m->mtime_nanoseconds) &&
           cursor_bytes(&c, &m->name) &&
           cursor_bytes(&c, &m->target) &&
           c.left == 0;
}

struct msg_scanned {
    uint8_t kind;
    uint8_t problem;
    uint32_t mode;
    uint64_t size;
    uint64_t inode;
    uint64_t ctime_seconds;
    uint32_t ctime_nanoseconds;
    struct slice path;
    struct slice target;
    struct slice sha256;
};

static inline void encode_scanned(struct buffer *b, const struct msg_scanned *m) {
    buffer_u8(b, m->kind);
    buffer_u8(b, m->problem);
    buffer_u32(b, m->mode);
    buffer_u64(b, m->size);
    buffer_u64(b, m->inode);
    buffer_u64(b, m->ctime_seconds);
    buffer_u32(b, m->ctime_nanoseconds);
    buffer_bytes(b, m->path);
    buffer_bytes(b, m->target);
    buffer_bytes(b, m->sha256);
}

static inline bool decode_scanned(struct slice payload, struct msg_scanned *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->kind) &&
           cursor_u8(&c, &m->problem) &&
           cursor_u32(&c, &m->mode) &&
           cursor_u64(&c, &m->size) &&
           cursor_u64(&c, &m->inode) &&
           cursor_u64(&c, &m->ctime_seconds) &&
           cursor_u32(&c, &m->ctime_nanoseconds) &&
           cursor_bytes(&c, &m->path) &&
           cursor_bytes(&c, &m->target) &&
           cursor_bytes(&c, &m->sha256) &&
           c.left == 0;
}

struct msg_tree_entry {
    uint8_t kind;
    uint32_t mode;
    uint32_t failure;
    uint64_t size;
    uint64_t mtime_seconds;
    uint32_t mtime_nanoseconds;
    struct slice path;
    struct slice target;
};

static inline void encode_tree_entry(struct buffer *b, const struct msg_tree_entry *m) {
    buffer_u8(b, m->kind);
    buffer_u32(b, m->mode);
    buffer_u32(b, m->failure);
    buffer_u64(b, m->size);
    buffer_u64(b, m->mtime_seconds);
    buffer_u32(b, m->mtime_nanoseconds);
    buffer_bytes(b, m->path);
    buffer_bytes(b, m->target);
}

static inline bool decode_tree_entry(struct slice payload, struct msg_tree_entry *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->kind) &&
           cursor_u32(&c, &m->mode) &&
           cursor_u32(&c, &m->failure) &&
           cursor_u64(&c, &m->size) &&
           cursor_u64(&c, &m->mtime_seconds) &&
           cursor_u32(&c, &m->mtime_nanoseconds) &&
           cursor_bytes(&c, &m->path) &&
           cursor_bytes(&c, &m->target) &&
           c.left == 0;
}

struct msg_copied {
    uint8_t kind;
    uint32_t mode;
    uint64_t size;
    uint64_t device;
    uint64_t inode;
    uint64_t mtime_seconds;
    uint32_t mtime_nanoseconds;
    uint64_t ctime_seconds;
    uint32_t ctime_nanoseconds;
    uint64_t copy_inode;
    uint64_t copy_ctime_ms;
    struct slice path;
    struct slice target;
};

static inline void encode_copied(struct buffer *b, const struct msg_copied *m) {
    buffer_u8(b, m->kind);
    buffer_u32(b, m->mode);
    buffer_u64(b, m->size);
    buffer_u64(b, m->device);
    buffer_u64(b, m->inode);
    buffer_u64(b, m->mtime_seconds);
    buffer_u32(b, m->mtime_nanoseconds);
    buffer_u64(b, m->ctime_seconds);
    buffer_u32(b, m->ctime_nanoseconds);
    buffer_u64(b, m->copy_inode);
    buffer_u64(b, m->copy_ctime_ms);
    buffer_bytes(b, m->path);
    buffer_bytes(b, m->target);
}

static inline bool decode_copied(struct slice payload, struct msg_copied *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->kind) &&
           cursor_u32(&c, &m->mode) &&
           cursor_u64(&c, &m->size) &&
           cursor_u64(&c, &m->device) &&
           cursor_u64(&c, &m->inode) &&
           cursor_u64(&c, &m->mtime_seconds) &&
           cursor_u32(&c, &m->mtime_nanoseconds) &&
           cursor_u64(&c, &m->ctime_seconds) &&
           cursor_u32(&c, &m->ctime_nanoseconds) &&
           cursor_u64(&c, &m->copy_inode) &&
           cursor_u64(&c, &m->copy_ctime_ms) &&
           cursor_bytes(&c, &m->path) &&
           cursor_bytes(&c, &m->target) &&
           c.left == 0;
}

struct msg_copy_end {
    uint8_t kind;
    uint32_t failure;
    uint64_t special;
    uint64_t unreadable;
    uint64_t changed;
    struct slice path;
};

static inline void encode_copy_end(struct buffer *b, const struct msg_copy_end *m) {
    buffer_u8(b, m->kind);
    buffer_u32(b, m->failure);
    buffer_u64(b, m->special);
    buffer_u64(b, m->unreadable);
    buffer_u64(b, m->changed);
    buffer_bytes(b, m->path);
}

static inline bool decode_copy_end(struct slice payload, struct msg_copy_end *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->kind) &&
           cursor_u32(&c, &m->failure) &&
           cursor_u64(&c, &m->special) &&
           cursor_u64(&c, &m->unreadable) &&
           cursor_u64(&c, &m->changed) &&
           cursor_bytes(&c, &m->path) &&
           c.left == 0;
}

struct msg_change {
    uint8_t kind;
    uint8_t directory;
    struct slice path;
    struct slice from;
};

static inline void encode_change(struct buffer *b, const struct msg_change *m) {
    buffer_u8(b, m->kind);
    buffer_u8(b, m->directory);
    buffer_bytes(b, m->path);
    buffer_bytes(b, m->from);
}

static inline bool decode_change(struct slice payload, struct msg_change *m) {
    struct cursor c = {payload.data, payload.size};
    return cursor_u8(&c, &m->kind) &&
           cursor_u8(&c, &m->directory) &&
           cursor_bytes(&c, &m->path) &&
           cursor_bytes(&c, &m->from) &&
           c.left == 0;
}

