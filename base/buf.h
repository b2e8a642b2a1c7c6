/*
 * Bytes. `struct view` borrows, `struct buf` owns, `struct secret` owns on OpenSSL's secure heap
 * and is wiped when freed. They are different types on purpose: nothing that logs, prints or stores
 * takes a secret. Sizes are in bytes. Not thread-safe on one object; different objects may be used
 * by different threads.
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "err.h"

struct view {
	const uint8_t *ptr;
	size_t len;
};

struct buf {
	uint8_t *ptr;
	size_t len;
	size_t cap;
};

struct secret {
	uint8_t *ptr;
	size_t len;
};

static inline struct view
view_of(const void *ptr, size_t len)
{
	return (struct view){ptr, len};
}

static inline struct view
buf_view(const struct buf *b)
{
	return (struct view){b->ptr, b->len};
}

/* A view of a secret's bytes, for a decoder that reads it now; never for anything that keeps or
 * prints. */
static inline struct view
secret_view(const struct secret *s)
{
	return (struct view){s->ptr, s->len};
}

/* A view of a string without its NUL. */
static inline struct view
view_str(const char *s)
{
	return view_of(s, strlen(s));
}

static inline bool
view_eq(struct view a, struct view b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Views of `count` buffers, and room for one more; free(). */
struct view *buf_views(const struct buf *list, size_t count);
/* Owned copy; an empty view gives an empty buffer. Free with buf_free. */
bool buf_dup(struct view from, struct buf *out, struct err *err);
/* Makes room for `len` bytes and sets len; content of new bytes is zero. */
bool buf_alloc(size_t len, struct buf *out, struct err *err);
/* Empty, with memory for what will be appended; `cap` is not 0. */
bool buf_room(size_t cap, struct buf *out, struct err *err);
bool buf_append(struct buf *b, struct view more, struct err *err);
/* Takes over memory that OPENSSL_malloc made (i2d_* with NULL target): copies it and frees the
 * original. */
bool buf_take_openssl(uint8_t *ptr, int len, struct buf *out, struct err *err);
void buf_free(struct buf *b);
/* Wipes it first: of octets that may hold a secret, where no struct secret can hold them. */
void buf_free_wiped(struct buf *b);
/* The buffer, which the variable then does not hold any more. */
struct buf buf_give(struct buf *b);

/* Once, early in main of every program that sees a secret: secure heap of `size` bytes (power of
 * two), no core dumps, not ptraceable. Fails if the heap cannot be locked into memory, unless the
 * environment of the process forbids mlock for everybody (RLIMIT_MEMLOCK 0), which is an error too.
 * `dumpable` true is for the tests that search a core. */
bool secret_heap_init(size_t size, bool dumpable, struct err *err);
bool secret_alloc(size_t len, struct secret *out, struct err *err);
bool secret_dup(struct view from, struct secret *out, struct err *err);
/* Keeps the first `len` bytes, wiping the rest. */
void secret_shrink(struct secret *s, size_t len);
void secret_free(struct secret *s);

#endif
