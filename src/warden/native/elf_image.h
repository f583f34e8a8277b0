/* What the kernel will make of a program's file, as far as a decision hangs on it. The bytes are hostile. */
#pragma once
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum elf_kind {
    ELF_NOT,     /* something else */
    ELF_FOREIGN, /* for another machine: the kernel's to say */
    ELF_BROKEN,  /* nothing that the kernel would start */
    ELF_PROGRAM, /* `interpreter` holds its loader, or is empty */
    ELF_LOADER,  /* it would start whatever file it is given */
};

/* `head` is the beginning of the file. */
enum elf_kind elf_look(int file, const uint8_t *head, size_t size, char interpreter[PATH_MAX]);
/* Whether a file of this name is a dynamic loader, by the last part of its path. */
bool elf_is_loader_name(const char *path);
