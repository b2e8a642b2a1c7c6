#include "escrow_files.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/crypto.h>

#include "file.h"
#include "given.h"
#include "mem.h"
#include "own_key.h"
#include "own_openssl.h"
#include "plain.h"
#include "printable.h"
#include "text.h"
#include "trusted_cas.h"

#define LIST_MAX (4 << 20)

void
escrow_files_close(struct escrow_files *f)
{
	for (size_t i = 0; i < f->password_count; i++)
		secret_free(&f->passwords[i]);
	free(f->passwords);
	for (size_t i = 0; i < f->line_count; i++) {
		free(f->lines[i].file);
		free(f->lines[i].user);
		secret_free(&f->lines[i].password);
	}
	free(f->lines);
	escrow_certificates_free(&f->certificates);
	pfx_content_free(&f->openers);
	pkix_certs_free(&f->trusted);
	*f = (struct escrow_files){0};
}

/* ---- passwords ---- */

static struct secret *
add_password(struct escrow_files *f)
{
	f->passwords = mem_grow(f->passwords, f->password_count, sizeof *f->passwords);
	return &f->passwords[f->password_count++];
}

/* The next field of `line`, which goes on behind its comma; RFC 4180's quotes are taken off in
 * place.
 */
static struct view
take_field(uint8_t *line, size_t len, size_t *at)
{
	size_t from = *at, to, begin;
	bool quoted = from < len && line[from] == '"';

	begin = to = from += quoted;
	for (; from < len; from++) {
		if (quoted && line[from] == '"' && from + 1 < len && line[from + 1] == '"')
			from++;
		else if (line[from] == (quoted ? '"' : ','))
			break;
		line[to++] = line[from];
	}
	while (from < len && line[from] != ',')
		from++;
	*at = from < len ? from + 1 : len;
	return view_of(line + begin, to - begin);
}

static bool
read_line(struct escrow_files *f, uint8_t *line, size_t len, struct err *err)
{
	struct escrow_line new = {0};
	size_t at = 0;
	struct view file, password, user;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0)
		return true;
	if (memchr(line, '\0', len) != NULL)
		return err_set(
		    err, ERROR_INVALID_DATA, "a line of the list of passwords holds a NUL");
	file = take_field(line, len, &at);
	password = take_field(line, len, &at);
	user = take_field(line, len, &at);
	if (!text_is_utf8(user))
		return err_set(
		    err, ERROR_INVALID_DATA, "a user's name in the list of passwords is not UTF-8");
	if (file.len == 0 || !secret_dup(password, &new.password, err))
		return err_set(err, ERROR_INVALID_DATA,
		    "a line of the list of passwords is not FILE,PASSWORD or FILE,PASSWORD,USER");
	new.file = mem_text_n(file.ptr, file.len);
	new.user = user.len > 0 ? mem_text_n(user.ptr, user.len) : NULL;
	f->lines = mem_grow_long(f->lines, f->line_count, sizeof *f->lines);
	f->lines[f->line_count++] = new;
	return true;
}

/* By the name without its folders, in which all that may be of one file are alike. */
static const char *
last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int
by_last_part(const void *a, const void *b)
{
	const struct escrow_line *x = a, *y = b;

	return strcmp(last_part(x->file), last_part(y->file));
}

static bool
read_list(struct escrow_files *f, const char *path, struct err *err)
{
	OWNED(buf_free_wiped) struct buf file = {0}, hold = {0};
	struct view text;
	uint8_t *own;

	if (!file_read(path, LIST_MAX, &file, err))
		return false;
	if (!plain_text(buf_view(&file), &hold, &text, err))
		return err_prefix(err, "%s", path);
	own = hold.len > 0 ? hold.ptr : file.ptr + (file.len - text.len);
	for (size_t from = 0; from < text.len;) {
		const uint8_t *end = memchr(text.ptr + from, '\n', text.len - from);
		size_t len = end != NULL ? (size_t)(end - text.ptr) - from : text.len - from;

		if (!read_line(f, own + from, len, err))
			return err_prefix(err, "%s", path);
		from += len + 1;
	}
	if (f->line_count > 0)
		qsort(f->lines, f->line_count, sizeof *f->lines, by_last_part);
	return true;
}

static bool
read_passwords(struct escrow_files *f, struct err *err)
{
	const struct cli_list *files = &f->cli->opt.source_passwords;

	for (size_t i = 0; i < files->count; i++)
		if (!cli_password(files->list[i], "", false, add_password(f), err))
			return false;
	return f->cli->opt.password_list == NULL || read_list(f, f->cli->opt.password_list, err);
}

/* ---- keys that open, certificates ---- */

static bool
read_opener(struct escrow_files *f, const char *path, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content content = {0};
	OWNED(own_memory) char *prompt = text_printf("Password of %s: ", path);

	if (!own_key_content(path, f->cli->opt.opener_password_file, prompt, &content, err))
		return false;
	pfx_merge(&f->openers, &content);
	return true;
}

static bool
read_certificates(struct escrow_files *f, const char *path, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs certs = {0};

	if (!given_certificates(path, &certs, err))
		return false;
	for (size_t i = 0; i < certs.count; i++)
		if (!escrow_certificates_add(&f->certificates, buf_view(&certs.list[i]), err))
			return err_prefix(err, "%s", path);
	return true;
}

/* As recoverkey: who lies beside the keys that open, and whom the caller named. */
static bool
read_trusted(struct escrow_files *f, struct err *err)
{
	for (size_t i = 0; i < f->openers.other_count; i++)
		if (!pkix_certs_add(&f->trusted, buf_view(&f->openers.others[i].certificate), err))
			return false;
	return trusted_cas_add_files(&f->trusted, &f->cli->opt.trusted_cas, err) &&
	       trusted_cas_add_folder(&f->trusted, err);
}

bool
escrow_files_open(const struct cli *cli, struct escrow_files *out, struct err *err)
{
	const struct cli_options *o = &cli->opt;

	*out = (struct escrow_files){.cli = cli};
	if (!read_passwords(out, err))
		return false;
	for (size_t i = 0; i < o->openers.count; i++)
		if (!read_opener(out, o->openers.list[i], err))
			return false;
	for (size_t i = 0; i < o->certificates.count; i++)
		if (!read_certificates(out, o->certificates.list[i], err))
			return false;
	return read_trusted(out, err);
}

/* ---- files ---- */

/* How many octets two names of a file share at their ends, of which one is all: user1/a.pfx is
 * meant by a.pfx and by keys/user1/a.pfx, and not by user2/a.pfx. 0: they are of two files. */
static size_t
shared_end(const char *a, const char *b)
{
	size_t a_len, b_len, least;

	for (; strncmp(a, "./", 2) == 0; a += 2)
		;
	for (; strncmp(b, "./", 2) == 0; b += 2)
		;
	a_len = strlen(a), b_len = strlen(b);
	least = a_len < b_len ? a_len : b_len;
	if (strcmp(a + a_len - least, b + b_len - least) != 0 ||
	    (a_len > least && a[a_len - least - 1] != '/') ||
	    (b_len > least && b[b_len - least - 1] != '/'))
		return 0;
	return least;
}

/* What says most of it, among those of one name; *out NULL: nothing. */
static bool
find_line(
    const struct escrow_files *f, const char *path, const struct escrow_line **out, struct err *err)
{
	const struct escrow_line wanted = {.file = (char *)(uintptr_t)path}, *l, *end;
	size_t best = 0;
	bool several = false;

	*out = NULL;
	if (f->line_count == 0)
		return true;
	l = bsearch(&wanted, f->lines, f->line_count, sizeof *f->lines, by_last_part);
	end = f->lines + f->line_count;
	while (l != NULL && l > f->lines && by_last_part(l - 1, &wanted) == 0)
		l--;
	for (; l != NULL && l < end && by_last_part(l, &wanted) == 0; l++) {
		size_t shared = shared_end(l->file, path);

		if (shared > 0 && shared >= best) {
			several = shared == best;
			best = shared;
			*out = l;
		}
	}
	return !several ||
	       err_set(err, TYPE_E_AMBIGUOUSNAME,
		   "several lines of the list of passwords are of this file; name it there with "
		   "its folder");
}

/* Tries what is known; what nobody knows is asked for, if anybody can be. */
static bool
read_items(struct escrow_files *f, const char *shown, struct view file,
    const struct escrow_line *line, struct escrow_items *out, struct err *err)
{
	const struct cli_options *o = &f->cli->opt;
	const struct recovery_trust trust = {.cas = f->trusted.list,
	    .ca_count = f->trusted.count,
	    .unsigned_chain = o->accept_unsigned_chain,
	    .sha1 = o->accept_sha1};
	struct escrow_with with = {.passwords = f->passwords,
	    .password_count = f->password_count,
	    .openers = &f->openers,
	    .certificates = &f->certificates,
	    .trust = &trust};
	OWNED(own_memory) char *prompt = text_printf("Password of %s: ", shown);
	OWNED(secret_free) struct secret asked = {0};
	struct err ignored;

	if (line != NULL) {
		with.passwords = &line->password;
		with.password_count = 1;
	}
	if (escrow_read(file, &with, out, err))
		return true;
	if (err->code != NTE_BAD_DATA || with.password_count > 0 ||
	    !cli_password(NULL, prompt, false, &asked, &ignored))
		return false;
	with.passwords = &asked;
	with.password_count = 1;
	return escrow_read(file, &with, out, err);
}

/* How one is opened: as it was named, or as a part of a folder whose maker chooses no file outside
 * of it. */
typedef bool read_one(const char *path, size_t max, struct buf *out, struct err *err);

/* A name may be anybody's choice: it is shown in one line, and as text. */
static bool
read_file(struct escrow_files *f, const char *path, read_one *read, escrow_found *found, void *arg,
    struct err *err)
{
	const struct escrow_line *line;
	OWNED(escrow_items_free) struct escrow_items items = {0};
	OWNED(buf_free_wiped) struct buf file = {0};
	OWNED(own_memory) char *shown = printable_escape(path);
	struct err why;

	if (shown == NULL)
		mem_exhausted();
	if (!find_line(f, path, &line, &why) || !read(path, ESCROW_FILE_MAX, &file, &why) ||
	    !read_items(f, shown, buf_view(&file), line, &items, &why))
		return found(arg, shown, &items, &why, err);
	for (size_t i = 0; line != NULL && line->user != NULL && i < items.count; i++)
		if (items.list[i].user == NULL)
			items.list[i].user = mem_text(line->user);
	return found(arg, shown, &items, NULL, err);
}

/* The list of passwords may lie beside them. */
static bool
is_list(const struct escrow_files *f, const struct stat *st)
{
	struct stat list;

	return f->cli->opt.password_list != NULL && stat(f->cli->opt.password_list, &list) == 0 &&
	       list.st_ino == st->st_ino && list.st_dev == st->st_dev;
}

/* What is no file there is told, but for folders. */
static bool
read_member(
    struct escrow_files *f, const char *path, escrow_found *found, void *arg, struct err *err)
{
	struct stat st;

	if (stat(path, &st) == 0 && (S_ISDIR(st.st_mode) || is_list(f, &st)))
		return true;
	return read_file(f, path, file_read_no_link, found, arg, err);
}

static int
visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static bool
read_folder(
    struct escrow_files *f, const char *path, escrow_found *found, void *arg, struct err *err)
{
	struct dirent **names = NULL;
	int count = scandir(path, &names, visible, alphasort);
	bool ok = count >= 0 || err_errno(err, DIRCA_E_IO, "%s: cannot read the folder", path);

	for (int i = 0; i < count; i++) {
		OWNED(own_memory) char *file = text_printf("%s/%s", path, names[i]->d_name);

		ok = ok && read_member(f, file, found, arg, err);
		free(names[i]);
	}
	free(names);
	return ok;
}

bool
escrow_files_read(struct escrow_files *f, char *const *paths, size_t count, escrow_found *found,
    void *arg, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		struct stat st;

		if (stat(paths[i], &st) == 0 && S_ISDIR(st.st_mode)
			? !read_folder(f, paths[i], found, arg, err)
			: !read_file(f, paths[i], file_read, found, arg, err))
			return false;
	}
	return true;
}
