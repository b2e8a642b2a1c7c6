/*
 * What the tests of keys, names, requests, certificates and PFX files share.
 */
#ifndef TESTS_MESSAGES_SUPPORT_H
#define TESTS_MESSAGES_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "buf.h"
#include "file.h"
#include "oids.h"
#include "pkix.h"

/* A call that must succeed; its sentence is shown when it does not. */
#define must(call)                                          \
	do {                                                \
		if (!(call))                                \
			fail_msg("%s: %s", #call, err.msg); \
	} while (0)

/* A call that must fail with one code. */
#define must_fail(call, want)                                                       \
	do {                                                                        \
		if (call)                                                           \
			fail_msg("%s succeeded", #call);                            \
		if (err.code != (want))                                             \
			fail_msg("%s: %s: %s", #call, err_name(err.code), err.msg); \
		assert_true(err.msg[0] != '\0');                                    \
	} while (0)

static inline struct buf
support_file(const char *path)
{
	struct buf b = {0};
	struct err err;

	must(file_read(path, 1 << 20, &b, &err));
	return b;
}

static inline struct buf
support_fixture(const char *name)
{
	char path[512];

	snprintf(path, sizeof path, "%s/%s", FIXTURES, name);
	return support_file(path);
}

/* DER from a notation without lengths: hex bytes, and "30( ... )" for a tag with the content in the
 * parentheses. */
static inline struct buf
support_der(const char **at)
{
	struct buf out = {0};
	struct err err;
	unsigned byte = 0;

	while (**at != '\0' && **at != ')') {
		if (**at == ' ') {
			(*at)++;
			continue;
		}
		assert_int_equal(sscanf(*at, "%2x", &byte), 1);
		*at += 2;
		must(buf_append(&out, view_of(&(uint8_t){(uint8_t)byte}, 1), &err));
		if (**at == '(') {
			struct buf inner;
			uint8_t length[3] = {0x82, 0, 0};

			(*at)++;
			inner = support_der(at);
			assert_int_equal(*(*at)++, ')');
			length[1] = (uint8_t)(inner.len >> 8);
			length[2] = (uint8_t)inner.len;
			if (inner.len < 0x80)
				must(buf_append(&out, view_of(length + 2, 1), &err));
			else if (inner.len < 0x100)
				must(buf_append(
				    &out, view_of((uint8_t[]){0x81, length[2]}, 2), &err));
			else
				must(buf_append(&out, view_of(length, 3), &err));
			must(buf_append(&out, buf_view(&inner), &err));
			buf_free(&inner);
		}
	}
	return out;
}

static inline EVP_PKEY *
support_rsa(unsigned bits)
{
	EVP_PKEY *key = EVP_RSA_gen(bits);

	assert_non_null(key);
	return key;
}

static inline EVP_PKEY *
support_ec(const char *curve)
{
	EVP_PKEY *key = EVP_EC_gen(curve);

	assert_non_null(key);
	return key;
}

/* Signature of `key` over `bytes` with a digest. */
static inline struct buf
support_sign(EVP_PKEY *key, const EVP_MD *md, struct view bytes)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct buf out = {0};
	struct err err;
	size_t len = 0;

	assert_int_equal(EVP_DigestSignInit(ctx, NULL, md, NULL, key), 1);
	assert_int_equal(EVP_DigestSign(ctx, NULL, &len, bytes.ptr, bytes.len), 1);
	must(buf_alloc(len, &out, &err));
	assert_int_equal(EVP_DigestSign(ctx, out.ptr, &len, bytes.ptr, bytes.len), 1);
	out.len = len;
	EVP_MD_CTX_free(ctx);
	return out;
}

static inline void
support_temp_dir(char dir[64])
{
	strcpy(dir, "/tmp/dirca-messages-XXXXXX");
	assert_non_null(mkdtemp(dir));
}

/* Runs a shell command, formatted, in `dir`; returns its exit status. */
static inline int __attribute__((format(printf, 2, 3)))
support_run(const char *dir, const char *fmt, ...)
{
	char command[8192];
	va_list ap;
	int n = snprintf(command, sizeof command, "cd %s && ", dir), more;

	va_start(ap, fmt);
	more = vsnprintf(command + n, sizeof command - (size_t)n, fmt, ap);
	va_end(ap);
	assert_in_range(more, 0, (int)sizeof command - n - 1);
	return system(command);
}

static inline void
support_remove(const char *dir)
{
	assert_int_equal(support_run("/tmp", "rm -rf %s", dir), 0);
}

#endif
