#include "kra_keys.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "given.h"
#include "key_uri.h"
#include "material.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define OWN_PLACE ".config/dirca/kra"

/* One --kra: where it is, and how its password comes. */
struct source {
	struct kra_keys *keys;
	const char *path;
	const char *password_from; /* NULL: the terminal */
	bool is_own_place;         /* OWN_PLACE, and what is in it */
	bool asks_nothing;         /* what needs a password or PIN is passed over */
	struct secret *typed;      /* what opened the file before this one, if anybody typed it */
};

static void
add_key(struct kra_keys *k, EVP_PKEY *key)
{
	k->list = mem_grow(k->list, k->count, sizeof(*k->list));
	k->list[k->count++] = key;
}

/* ---- files and folders ---- */

static bool
take_certificate(struct kra_keys *k, const struct pfx_entry *e, struct err *err)
{
	return e->certificate.len == 0 ||
	       pkix_certs_add(&k->certificates, buf_view(&e->certificate), err);
}

/* The chain in his PKCS#12 was put there when he enrolled, by a client that had verified the CA. */
static bool
take_content(struct kra_keys *k, struct pfx_content *c, struct err *err)
{
	for (size_t i = 0; i < c->other_count; i++)
		if (!take_certificate(k, &c->others[i], err))
			return false;
	for (size_t i = 0; i < c->key_count; i++) {
		if (!take_certificate(k, &c->keys[i], err))
			return false;
		add_key(k, own_give(&c->keys[i].key));
	}
	return true;
}

/* Its password is asked for only where it needs one, and another one than the file before it. */
static bool
read_content(const struct source *s, struct view file, struct pfx_content *out, struct err *err)
{
	OWNED(own_memory) char *prompt = text_printf("Password of %s: ", s->path);
	OWNED(secret_free) struct secret password = {0};

	if (material_read(file, NULL, 0, out, err))
		return true;
	if (!material_is_protected(file))
		return false;
	if (s->typed != NULL && s->typed->len > 0 && material_read(file, s->typed, 1, out, err))
		return true;
	if (!cli_password(s->password_from, prompt, false, &password, err) ||
	    !material_read(file, &password, 1, out, err))
		return false;
	if (s->typed != NULL) {
		secret_free(s->typed);
		*s->typed = password;
		password = (struct secret){0};
	}
	return true;
}

static bool
add_file(const struct source *s, struct err *err)
{
	OWNED(secret_free) struct secret file = {0};
	OWNED(pfx_content_free) struct pfx_content content = {0};

	return file_read_secret(s->path, MATERIAL_MAX, &file, err) &&
	       ((read_content(s, secret_view(&file), &content, err) &&
		    take_content(s->keys, &content, err)) ||
		   given_failed(s->path, secret_view(&file), GIVEN_KEYS, err));
}

/* ---- tokens ---- */

/* The card may be put in meanwhile, if there is somebody to do it. */
static bool
ask_for_card(const struct err *why)
{
	int c;

	if (why->code != SCARD_E_NO_SMARTCARD || !isatty(STDIN_FILENO))
		return false;
	fprintf(stderr, "%s\nPut the card in and press Enter, or Ctrl-D to give up: ", why->msg);
	while ((c = getchar()) != '\n' && c != EOF)
		;
	key_uri_look_anew();
	return c == '\n';
}

/* A wrong PIN is not tried again: it would lock the token. */
static bool
add_token(const struct source *s, struct err *err)
{
	EVP_PKEY *key;

	do {
		OWNED(secret_free) struct secret pin = {0};

		if (!cli_password(s->password_from, "PIN of the KRA's token: ", false, &pin, err))
			return false;
		if (key_uri_open(s->path, &pin, &key, err)) {
			add_key(s->keys, key);
			return true;
		}
	} while (s->password_from == NULL && ask_for_card(err));
	return false;
}

/* ---- folders ---- */

struct entries {
	struct dirent **names;
	int count;
};

static void
entries_free(struct entries *e)
{
	for (int i = 0; i < e->count; i++)
		free(e->names[i]);
	free(e->names);
}

static int
is_visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

/* In the agent's own place a file may also name the key of a token, for nobody else can have
 * written there whose module is run. */
static bool
add_own_content(const struct source *s, const struct secret *file, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content content = {0};
	OWNED(own_memory) char *uri = key_uri_in(file);
	struct source token = *s;

	token.path = uri;
	if (s->asks_nothing && (uri != NULL || material_is_protected(secret_view(file))))
		return true;
	if (uri != NULL)
		return add_token(&token, err);
	return (read_content(s, secret_view(file), &content, err) &&
		   take_content(s->keys, &content, err)) ||
	       given_failed(s->path, secret_view(file), GIVEN_KEYS, err);
}

static bool
add_own_file(const struct source *s, struct err *err)
{
	OWNED(own_fd) int fd = -1;
	OWNED(secret_free) struct secret file = {0};

	return file_open(s->path, &fd, err) && file_check_private(fd, s->path, err) &&
	       file_read_secret_fd(fd, s->path, MATERIAL_MAX, &file, err) &&
	       add_own_content(s, &file, err);
}

/* Whatever lies in it and is no key, or not one of this password, is passed over and told; not so
 * what others can reach in the agent's own place. */
static bool
add_folder(const struct source *s, struct err *err)
{
	OWNED(entries_free) struct entries e = {0};
	OWNED(secret_free) struct secret typed = {0};
	size_t before = s->keys->count;

	e.count = scandir(s->path, &e.names, is_visible, alphasort);
	if (e.count < 0)
		return err_errno(err, DIRCA_E_IO, "%s", s->path);
	for (int i = 0; i < e.count; i++) {
		OWNED(own_memory) char *path = text_printf("%s/%s", s->path, e.names[i]->d_name);
		struct source file = *s;

		file.path = path;
		file.typed = s->password_from == NULL ? &typed : NULL;
		if ((s->is_own_place ? add_own_file : add_file)(&file, err))
			continue;
		if (err->code == DIRCA_E_CONFIG)
			return false;
		fprintf(stderr, "%s\n", err->msg);
	}
	return s->keys->count > before || s->asks_nothing ||
	       err_set(err, CRYPT_E_NOT_FOUND, "%s: no key in it could be read", s->path);
}

/* As the personal store of Windows: where the agent's keys are if nothing is said. */
static bool
add_own_place(struct source s, struct err *err)
{
	const char *home = getenv("HOME");
	OWNED(own_memory) char *path = text_printf("%s/" OWN_PLACE, home != NULL ? home : "");
	OWNED(own_fd) int fd = -1;

	s.path = path;
	s.is_own_place = true;
	if (path[0] == '/')
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1 && (path[0] != '/' || errno == ENOENT))
		return s.asks_nothing ||
		       err_set(err, DIRCA_E_USAGE,
			   "--kra is needed: the KRA's PKCS#12 or PEM file, a folder of them, or "
			   "the "
			   "pkcs11: URI of his key; or put them into ~/" OWN_PLACE);
	if (fd == -1)
		return err_errno(err, DIRCA_E_IO, "%s", path);
	return file_check_private(fd, path, err) && add_folder(&s, err);
}

static bool
add_source(const struct source *s, struct err *err)
{
	struct stat st;

	if (key_uri_is(s->path))
		return add_token(s, err);
	if (stat(s->path, &st) == 0 && S_ISDIR(st.st_mode))
		return add_folder(s, err);
	return add_file(s, err);
}

static bool
add_certificates(struct kra_keys *k, const struct pem_certs *certs, struct err *err)
{
	for (size_t i = 0; i < certs->count; i++)
		if (!pkix_certs_add(&k->certificates, buf_view(&certs->list[i]), err))
			return false;
	return true;
}

static bool
add_certificate_file(struct kra_keys *k, const char *path, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs certs = {0};

	return path == NULL ||
	       (given_certificates(path, &certs, err) &&
		   (add_certificates(k, &certs, err) || err_prefix(err, "%s", path)));
}

static bool
check_options(const struct cli_options *o, struct err *err)
{
	if (o->kra_password_files.count > 1 && o->kra_password_files.count != o->kra.count)
		return err_set(err, DIRCA_E_USAGE,
		    "--kra-password-file is there %zu times for %zu --kra: one for all of them, or "
		    "one for each in their order",
		    o->kra_password_files.count, o->kra.count);
	return true;
}

static const char *
password_of(const struct cli_options *o, size_t i)
{
	const struct cli_list *l = &o->kra_password_files;

	return l->count == 0 ? NULL : l->list[l->count == 1 ? 0 : i];
}

bool
kra_keys_open(const struct cli_options *o, struct kra_keys *out, struct err *err)
{
	*out = (struct kra_keys){0};
	if (!check_options(o, err) || !add_certificate_file(out, o->kra_certificate, err))
		return false;
	if (o->kra.count == 0)
		return add_own_place(
		    (struct source){.keys = out, .password_from = password_of(o, 0)}, err);
	for (size_t i = 0; i < o->kra.count; i++) {
		struct source s = {
		    .keys = out, .path = o->kra.list[i], .password_from = password_of(o, i)};

		if (!add_source(&s, err))
			return false;
	}
	return true;
}

bool
kra_keys_look(const struct cli_options *o, struct kra_keys *out, struct err *err)
{
	*out = (struct kra_keys){0};
	return o->kra.count > 0
		   ? kra_keys_open(o, out, err)
		   : add_own_place((struct source){.keys = out, .asks_nothing = true}, err);
}

void
kra_keys_close(struct kra_keys *k)
{
	for (size_t i = 0; i < k->count; i++)
		EVP_PKEY_free(k->list[i]);
	free(k->list);
	pkix_certs_free(&k->certificates);
	*k = (struct kra_keys){0};
}

struct recovery_agent
kra_keys_agent(const struct kra_keys *k)
{
	return (struct recovery_agent){.keys = k->list,
	    .key_count = k->count,
	    .certificates = k->certificates.list,
	    .certificate_count = k->certificates.count};
}
