/* Passwords: from a file, a descriptor, the keyring of the kernel, or the terminal. */
#include "cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <linux/keyctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <openssl/crypto.h>

#include "mem.h"
#include "own.h"
#include "plain.h"
#include "terminal.h"
#include "text.h"

#define PASSWORD_MAX 1024
#define TRIES        3 /* of typing the same twice */
#define BY_FD        "fd:"
#define BY_FILE      "file:"
#define BY_KEYRING   "keyring:"

/* An empty password opens to everybody, and an LDAP server takes it for no login at all (RFC 4513
 * 5.1.2). */
static bool
check_not_empty(const struct secret *password, const char *where, struct err *err)
{
	return password->len > 0 || err_set(err, E_INVALIDARG, "%s: the password is empty", where);
}

/* Octet by octet: the next line is the next password's. */
static bool
read_fd_line(int fd, struct secret *line, size_t *len_out, struct err *err)
{
	size_t len = 0;
	ssize_t n;

	while (len < line->len) {
		if ((n = read(fd, line->ptr + len, 1)) < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_errno(err, DIRCA_E_IO, BY_FD "%d: cannot read the password", fd);
		if (n == 0 || line->ptr[len] == '\n') {
			*len_out = len > 0 && line->ptr[len - 1] == '\r' ? len - 1 : len;
			return true;
		}
		len++;
	}
	return err_set(
	    err, DIRCA_E_IO, BY_FD "%d: the line is longer than %d bytes", fd, PASSWORD_MAX);
}

static bool
read_fd(const char *number, struct secret *out, struct err *err)
{
	OWNED(secret_free) struct secret line = {0};
	size_t len;
	int64_t fd;

	if (!text_to_int(number, 0, INT32_MAX, &fd))
		return err_set(
		    err, DIRCA_E_USAGE, BY_FD "%s: not the number of a descriptor", number);
	return secret_alloc(PASSWORD_MAX + 2, &line, err) &&
	       read_fd_line((int)fd, &line, &len, err) &&
	       secret_dup(view_of(line.ptr, len), out, err);
}

/* The key of type "user" with this description: of the keyrings that the kernel searches for this
 * process, else of the user's own, which not every login session is linked to. */
static bool
read_keyring(const char *name, struct secret *out, struct err *err)
{
	OWNED(secret_free) struct secret read = {0};
	long key = syscall(SYS_request_key, "user", name, NULL, 0), n;

	if (key == -1)
		key = syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_USER_KEYRING, "user", name, 0);
	if (key == -1)
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "the keyring has no password '%s'; `keyctl padd user %s @u` puts one there",
		    name, name);
	if (!secret_alloc(PASSWORD_MAX + 1, &read, err))
		return false;
	if ((n = syscall(SYS_keyctl, KEYCTL_READ, key, read.ptr, read.len)) == -1)
		return err_errno(err, DIRCA_E_IO, BY_KEYRING "%s: cannot read the key", name);
	if ((size_t)n > PASSWORD_MAX)
		return err_set(err, DIRCA_E_IO, BY_KEYRING "%s: it is longer than %d bytes", name,
		    PASSWORD_MAX);
	return secret_dup(view_of(read.ptr, (size_t)n), out, err);
}

void
cli_warn_if_shared(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IRGRP | S_IROTH)) != 0)
		fprintf(stderr,
		    "warning: %s holds a secret, and others can read it (mode %04o); chmod 600\n",
		    path, (unsigned)st.st_mode & 07777);
}

static bool
read_file(const char *path, struct secret *out, struct err *err)
{
	cli_warn_if_shared(path);
	return secret_read_file(path, out, err);
}

static bool
read_given(const char *from, struct secret *out, struct err *err)
{
	static const struct {
		const char *prefix;
		bool (*read)(const char *rest, struct secret *out, struct err *err);
	} ways[] = {
	    {BY_FD, read_fd}, {BY_KEYRING, read_keyring}, {BY_FILE, read_file}, {"", read_file}};
	size_t i = 0;

	while (strncmp(from, ways[i].prefix, strlen(ways[i].prefix)) != 0)
		i++;
	return ways[i].read(from + strlen(ways[i].prefix), out, err) &&
	       check_not_empty(out, from, err);
}

static bool
ask(const char *prompt, struct secret *out, struct err *err)
{
	return terminal_ask(prompt, out, err) && check_not_empty(out, "terminal", err);
}

static bool
ask_twice(const char *prompt, struct secret *out, struct err *err)
{
	for (int i = 0; i < TRIES; i++) {
		OWNED(secret_free) struct secret again = {0};

		secret_free(out);
		if (!ask(prompt, out, err) || !terminal_ask("Again: ", &again, err))
			return false;
		if (again.len == out->len && CRYPTO_memcmp(again.ptr, out->ptr, out->len) == 0)
			return true;
		if (i + 1 < TRIES && !terminal_say("The two differ. Once more.", err))
			return false;
	}
	return err_set(err, E_INVALIDARG, "the two passwords differ");
}

bool
cli_password(
    const char *from, const char *prompt, bool confirm, struct secret *out, struct err *err)
{
	*out = (struct secret){0};
	if (from != NULL ? read_given(from, out, err)
	    : confirm    ? ask_twice(prompt, out, err)
			 : ask(prompt, out, err))
		return true;
	secret_free(out);
	return false;
}
