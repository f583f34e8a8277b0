/* Calls the parts that judge starts, for start.test.ts: one question per run, the answer on stdout. */
#define _GNU_SOURCE
#include "elf_image.h"
#include "hash_cache.h"
#include "loader_variables.h"
#include "sha256.h"
#include "shebang.h"
#include "stub_supervisor.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static size_t take(uint8_t *bytes, size_t size) {
    size_t done = 0;
    ssize_t count;
    while (done < size && (count = read(0, bytes + done, size - done)) > 0)
        done += (size_t)count;
    return done;
}

static void show_digest(const uint8_t digest[32]) {
    for (int i = 0; i < 32; i++)
        printf("%02x", digest[i]);
    printf("\n");
}

/* In pieces of every size, so that all ways through a block are gone. */
static void hash_input(void) {
    static uint8_t bytes[1 << 21];
    size_t size = take(bytes, sizeof bytes);
    for (int plain = 0; plain < 2; plain++) {
        struct sha256 hash;
        uint8_t digest[32];
        if (plain)
            sha256_use_plain();
        sha256_begin(&hash);
        for (size_t done = 0, piece = 1; done < size; piece = piece * 2 % 1021) {
            size_t count = piece < size - done ? piece : size - done;
            sha256_add(&hash, bytes + done, count);
            done += count;
        }
        sha256_end(&hash, digest);
        show_digest(digest);
    }
}

static void hash_files(const char *path) {
    uint8_t digest[32];
    for (int i = 0; i < 3; i++) {
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (i < 2 ? hash_file_cached(file, digest, NULL) : hash_file(file, digest, NULL))
            show_digest(digest);
        close(file);
    }
}

static void parse_shebang(void) {
    /* In a block of its own size, so that one byte past the end is found. */
    static uint8_t input[SHEBANG_BYTES];
    size_t size = take(input, sizeof input);
    char *exact = malloc(size ? size : 1);
    memcpy(exact, input, size);
    struct shebang s;
    if (!shebang_parse(exact, size, &s))
        printf("none\n");
    else if (s.has_argument)
        printf("[%s] [%s]\n", s.interpreter, s.argument);
    else
        printf("[%s]\n", s.interpreter);
    free(exact);
}

static void look_at_elf(const char *path) {
    static const char *const kinds[] = {"not", "foreign", "broken", "program", "loader"};
    char interpreter[PATH_MAX];
    uint8_t head[SHEBANG_BYTES];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = pread(file, head, sizeof head, 0);
    uint8_t *exact = malloc(size > 0 ? (size_t)size : 1);
    memcpy(exact, head, (size_t)size);
    enum elf_kind kind = elf_look(file, exact, (size_t)size, interpreter);
    free(exact);
    close(file);
    printf("%s %s\n", kinds[kind], interpreter);
}

/* Changes bytes of the headers, cuts the file, and looks again, many times. */
static void look_at_broken_elfs(const char *path, unsigned rounds) {
    static uint8_t original[1 << 16], bytes[1 << 16];
    unsigned seen[5] = {0}, seed = 1;
    int file = open(path, O_RDONLY | O_CLOEXEC), broken = memfd_create("broken", MFD_CLOEXEC);
    ssize_t size = read(file, original, sizeof original);
    close(file);
    for (unsigned i = 0; size > 0 && i < rounds; i++) {
        size_t left = (size_t)size;
        memcpy(bytes, original, left);
        for (int k = rand_r(&seed) % 8; k > 0; k--)
            bytes[(unsigned)rand_r(&seed) % 1024] = rand_r(&seed) % 3 ? (uint8_t)rand_r(&seed) : 0xff;
        if (rand_r(&seed) % 4 == 0)
            left = (unsigned)rand_r(&seed) % 2048;
        if (ftruncate(broken, 0) || pwrite(broken, bytes, left, 0) != (ssize_t)left)
            exit(3);
        char interpreter[PATH_MAX];
        size_t shown = left < SHEBANG_BYTES ? left : SHEBANG_BYTES;
        uint8_t *exact = malloc(shown ? shown : 1);
        memcpy(exact, bytes, shown);
        seen[elf_look(broken, exact, shown, interpreter)]++;
        free(exact);
    }
    printf("not %u foreign %u broken %u program %u loader %u\n", seen[0], seen[1], seen[2], seen[3], seen[4]);
}

static void check_variables(void) {
    struct notice notice = {.listener = -1, .tables = &stub_tables};
    static uint8_t input[1 << 18];
    struct slice environment = {input, take(input, sizeof input)};
    struct buffer picked = {0};
    loader_variables_pick(environment, &picked);
    bool safe = loader_variables_are_safe(&notice, (struct slice){picked.data, picked.size});
    printf("%zu %s\n", picked.size, safe ? "safe" : "unsafe");
    buffer_free(&picked);
}

int main(int count, char **arguments) {
    const char *operation = count > 1 ? arguments[1] : "", *path = count > 2 ? arguments[2] : "";
    if (strcmp(operation, "sha256") == 0)
        hash_input();
    else if (strcmp(operation, "hash_file") == 0)
        hash_files(path);
    else if (strcmp(operation, "shebang") == 0)
        parse_shebang();
    else if (strcmp(operation, "elf") == 0)
        look_at_elf(path);
    else if (strcmp(operation, "broken_elfs") == 0)
        look_at_broken_elfs(path, 20000);
    else if (strcmp(operation, "loader_name") == 0)
        printf("%s\n", elf_is_loader_name(path) ? "loader" : "other");
    else if (strcmp(operation, "variables") == 0)
        check_variables();
    else
        return 2;
    return 0;
}
