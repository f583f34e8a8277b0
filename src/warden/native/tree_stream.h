/* Trees as a stream of records and contents (protocol.ts, treeEntry), on the standard descriptors of a file operation. */
#pragma once
#include "protocol.gen.h"
#include <sys/stat.h>

/* Writing: gathered, for most files are small. False: it cannot be written, with errno. */
bool tree_put(const void *data, size_t size);
bool tree_put_entry(const struct msg_tree_entry *entry);
bool tree_flush(void);

/* Reading. False: the stream ends there, is malformed, or cannot be read, with errno (0: it ends). */
bool tree_get(void *data, size_t size);
/* The entry's slices hold until the next one is read. */
bool tree_get_entry(struct msg_tree_entry *entry);

uint8_t tree_kind_of(mode_t mode);
