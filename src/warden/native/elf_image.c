#define _GNU_SOURCE
#define _GNU_SOURCE
#include "elf_image.h"
#include <elf.h>
#include <endian.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__x86_64__)
enum { MACHINE = EM_X86_64 };
#else
enum { MACHINE = EM_AARCH64 };
#endif

/* The kernel's own bound for headers; no program has this much of the other. */
enum { HEADERS_MAX = 65536, DYNAMIC_MAX = 65536, NAME_SHOWN = 32, NAMES_MAX = 4 << 20 };

/* A file, and how it begins, which was read before. */
struct content {
    int file;
    const uint8_t *head;
    size_t head_size;
};

static bool read_at(const struct content *content, uint64_t offset, void *bytes, size_t size) {
    if (offset <= content->head_size && size <= content->head_size - offset) {
        memcpy(bytes, content->head + offset, size);
        return true;
    }
    if (offset > INT64_MAX - size)
        return false;
    for (size_t done = 0; done < size;) {
        ssize_t count = pread(content->file, (char *)bytes + done, size - done, (off_t)(offset + done));
        if (count <= 0)
            return false;
        done += (size_t)count;
    }
    return true;
}

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

bool elf_is_loader_name(const char *path) {
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    /* On systems made with musl the loader is a link to the C library, or the other way round. */
    if (strcmp(name, "ld.so") == 0 || strcmp(name, "libc.so") == 0 || starts_with(name, "ld-musl-"))
        return true;
    bool shared = strstr(name, ".so") != NULL;
    return shared && (starts_with(name, "ld-") || starts_with(name, "ld64"));
}

static bool is_loader_soname(const char *name) {
    static const char *const known[] = {"ld-linux", "ld-musl", "ld.so", "ld64", "libc.musl"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (starts_with(name, known[i]))
            return true;
    return false;
}

/* Where in the file lies what the program sees at an address. */
static bool file_offset(const Elf64_Phdr *headers, size_t count, uint64_t address, uint64_t *offset) {
    for (size_t i = 0; i < count; i++) {
        const Elf64_Phdr *h = &headers[i];
        if (h->p_type != PT_LOAD || address < h->p_vaddr || address - h->p_vaddr >= h->p_filesz)
            continue;
        return !__builtin_add_overflow(h->p_offset, address - h->p_vaddr, offset);
    }
    return false;
}

/* What the dynamic section says of itself. */
struct dynamic {
    uint64_t name, strings, strings_size, flags;
    bool named, has_strings;
};

static struct dynamic read_entries(const Elf64_Dyn *entries, size_t count) {
    struct dynamic d = {0};
    for (size_t i = 0; i < count && entries[i].d_tag != DT_NULL; i++) {
        uint64_t value = entries[i].d_un.d_val;
        switch (entries[i].d_tag) {
        case DT_SONAME: d.name = value; d.named = true; break;
        case DT_STRTAB: d.strings = value; d.has_strings = true; break;
        case DT_STRSZ: d.strings_size = value; break;
        case DT_FLAGS_1: d.flags = value; break;
        default: break;
        }
    }
    return d;
}

/* A library that loads others, and can be run: musl's, which need not have a name of its own in it. A program that was
 * linked to load itself (static PIE) says that it is one. */
static bool loads_libraries(const struct content *content, const Elf64_Phdr *headers, size_t count, const struct dynamic *d) {
    static const char wanted[] = "\0dlopen";
    uint64_t offset;
    if (d->flags & DF_1_PIE || !d->has_strings || d->strings_size > NAMES_MAX ||
        !file_offset(headers, count, d->strings, &offset))
        return false;
    char *names = malloc(d->strings_size + 1);
    bool found = names && read_at(content, offset, names, d->strings_size) &&
                 memmem(names, d->strings_size, wanted, sizeof wanted);
    free(names);
    return found;
}

enum soname { SONAME_NONE, SONAME_OTHER, SONAME_LOADER, SONAME_UNKNOWN };

static enum soname look_at_entries(const struct content *content, const Elf64_Phdr *headers, size_t count,
                                   const Elf64_Dyn *entries, size_t entry_count) {
    struct dynamic d = read_entries(entries, entry_count);
    if (loads_libraries(content, headers, count, &d))
        return SONAME_LOADER;
    if (!d.named)
        return SONAME_NONE;
    uint64_t address, offset;
    if (!d.has_strings || __builtin_add_overflow(d.strings, d.name, &address) ||
        !file_offset(headers, count, address, &offset) || offset > INT64_MAX)
        return SONAME_UNKNOWN;
    char text[NAME_SHOWN + 1] = {0};
    if (pread(content->file, text, NAME_SHOWN, (off_t)offset) <= 0)
        return SONAME_UNKNOWN;
    return is_loader_soname(text) ? SONAME_LOADER : SONAME_OTHER;
}

static enum soname look_at_soname(const struct content *content, const Elf64_Phdr *headers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const Elf64_Phdr *h = &headers[i];
        if (h->p_type != PT_DYNAMIC)
            continue;
        if (h->p_filesz > DYNAMIC_MAX)
            return SONAME_UNKNOWN;
        Elf64_Dyn *entries = malloc(h->p_filesz + sizeof *entries);
        enum soname found = SONAME_UNKNOWN;
        if (entries && read_at(content, h->p_offset, entries, h->p_filesz))
            found = look_at_entries(content, headers, count, entries, h->p_filesz / sizeof *entries);
        free(entries);
        return found;
    }
    return SONAME_NONE;
}

static enum elf_kind look_at_headers(const struct content *content, const Elf64_Ehdr *e, const Elf64_Phdr *headers,
                                     char *interpreter) {
    size_t count = e->e_phnum;
    for (size_t i = 0; i < count; i++) {
        const Elf64_Phdr *h = &headers[i];
        if (h->p_type != PT_INTERP)
            continue;
        /* The kernel takes the first, and refuses what does not end with a NUL. */
        bool fits = h->p_filesz >= 2 && h->p_filesz <= PATH_MAX;
        if (!fits || !read_at(content, h->p_offset, interpreter, h->p_filesz) || interpreter[h->p_filesz - 1]) {
            interpreter[0] = 0;
            return ELF_BROKEN;
        }
        return ELF_PROGRAM;
    }
    if (e->e_type != ET_DYN)
        return ELF_PROGRAM;
    /* One that has a name but hides it is no program either. */
    enum soname soname = look_at_soname(content, headers, count);
    return soname == SONAME_LOADER || soname == SONAME_UNKNOWN ? ELF_LOADER : ELF_PROGRAM;
}

enum elf_kind elf_look(int file, const uint8_t *head, size_t size, char interpreter[PATH_MAX]) {
    Elf64_Ehdr e;
    interpreter[0] = 0;
    if (size < SELFMAG || memcmp(head, ELFMAG, SELFMAG) != 0)
        return ELF_NOT;
    if (size < sizeof e)
        return ELF_BROKEN;
    memcpy(&e, head, sizeof e);
    unsigned char order = BYTE_ORDER == LITTLE_ENDIAN ? ELFDATA2LSB : ELFDATA2MSB;
    if (e.e_machine != MACHINE)
        return ELF_FOREIGN;
    /* Once the machine is right the kernel looks at neither, and loads by its own layout. */
    if (e.e_ident[EI_CLASS] != ELFCLASS64 || e.e_ident[EI_DATA] != order)
        return ELF_BROKEN;
    if (e.e_type != ET_EXEC && e.e_type != ET_DYN)
        return ELF_BROKEN;
    size_t bytes = (size_t)e.e_phnum * sizeof(Elf64_Phdr);
    if (e.e_phentsize != sizeof(Elf64_Phdr) || bytes == 0 || bytes > HEADERS_MAX)
        return ELF_BROKEN;
    Elf64_Phdr *headers = malloc(bytes);
    enum elf_kind kind = ELF_BROKEN;
    const struct content content = {file, head, size};
    if (headers && read_at(&content, e.e_phoff, headers, bytes))
        kind = look_at_headers(&content, &e, headers, interpreter);
    free(headers);
    return kind;
}
