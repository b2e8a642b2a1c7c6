#include "buf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <openssl/crypto.h>

#include "mem.h"

static bool
take(uint8_t *ptr, size_t len, size_t cap, struct buf *out, struct err *err)
{
	*out = (struct buf){0};
	if (ptr == NULL)
		return err_nomem(err);
	*out = (struct buf){.ptr = ptr, .len = len, .cap = cap};
	return true;
}

bool
buf_alloc(size_t len, struct buf *out, struct err *err)
{
	size_t cap = len == 0 ? 1 : len;

	return take(calloc(1, cap), len, cap, out, err);
}

bool
buf_room(size_t cap, struct buf *out, struct err *err)
{
	return take(malloc(cap), 0, cap, out, err);
}

struct view *
buf_views(const struct buf *list, size_t count)
{
	struct view *views = mem_zero(count + 1, sizeof *views);

	for (size_t i = 0; i < count; i++)
		views[i] = buf_view(&list[i]);
	return views;
}

bool
buf_dup(struct view from, struct buf *out, struct err *err)
{
	size_t cap = from.len == 0 ? 1 : from.len;

	if (!take(malloc(cap), from.len, cap, out, err))
		return false;
	if (from.len > 0)
		memcpy(out->ptr, from.ptr, from.len);
	else
		out->ptr[0] = 0;
	return true;
}

bool
buf_append(struct buf *b, struct view more, struct err *err)
{
	size_t need;

	if (__builtin_add_overflow(b->len, more.len, &need))
		return err_nomem(err);
	if (need > b->cap) {
		size_t cap = b->cap < 64 ? 64 : b->cap;
		uint8_t *p;

		while (cap < need)
			if (__builtin_mul_overflow(cap, (size_t)2, &cap))
				return err_nomem(err);
		if ((p = realloc(b->ptr, cap)) == NULL)
			return err_nomem(err);
		b->ptr = p;
		b->cap = cap;
	}
	if (more.len > 0)
		memcpy(b->ptr + b->len, more.ptr, more.len);
	b->len = need;
	return true;
}

bool
buf_take_openssl(uint8_t *ptr, int len, struct buf *out, struct err *err)
{
	bool ok;

	if (ptr == NULL || len < 0) {
		OPENSSL_free(ptr);
		return err_openssl(err, DIRCA_E_CRYPTO, "encoding failed");
	}
	ok = buf_dup(view_of(ptr, (size_t)len), out, err);
	OPENSSL_free(ptr);
	return ok;
}

void
buf_free(struct buf *b)
{
	free(b->ptr);
	*b = (struct buf){0};
}

void
buf_free_wiped(struct buf *b)
{
	if (b->ptr != NULL)
		OPENSSL_cleanse(b->ptr, b->len);
	buf_free(b);
}

struct buf
buf_give(struct buf *b)
{
	struct buf given = *b;

	*b = (struct buf){0};
	return given;
}

bool
secret_heap_init(size_t size, bool dumpable, struct err *err)
{
	struct rlimit none = {0, 0};

	if (CRYPTO_secure_malloc_initialized())
		return err_set(err, DIRCA_E_INTERNAL, "the secure heap was set up before");
	if (CRYPTO_secure_malloc_init(size, 16) != 1)
		return err_set(err, DIRCA_E_CRYPTO,
		    "a secure heap of %zu bytes could not be locked into memory; raise "
		    "RLIMIT_MEMLOCK",
		    size);
	if (dumpable)
		return true;
	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_errno(err, DIRCA_E_CRYPTO, "core dumps could not be switched off");
	return true;
}

bool
secret_alloc(size_t len, struct secret *out, struct err *err)
{
	*out = (struct secret){0};
	if (!CRYPTO_secure_malloc_initialized())
		return err_set(err, DIRCA_E_INTERNAL, "the secure heap was not set up");
	if ((out->ptr = OPENSSL_secure_zalloc(len == 0 ? 1 : len)) == NULL)
		return err_set(
		    err, E_OUTOFMEMORY, "the secure heap has no room for %zu bytes", len);
	out->len = len;
	return true;
}

bool
secret_dup(struct view from, struct secret *out, struct err *err)
{
	if (!secret_alloc(from.len, out, err))
		return false;
	if (from.len > 0)
		memcpy(out->ptr, from.ptr, from.len);
	return true;
}

void
secret_shrink(struct secret *s, size_t len)
{
	if (len >= s->len)
		return;
	OPENSSL_cleanse(s->ptr + len, s->len - len);
	s->len = len;
}

void
secret_free(struct secret *s)
{
	/* The secure heap knows each block's real size and wipes all of it. */
	OPENSSL_secure_clear_free(s->ptr, s->len);
	*s = (struct secret){0};
}
