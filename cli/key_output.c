#include "key_output.h"

#include <stdlib.h>
#include <string.h>

#include "cms.h"
#include "mem.h"
#include "output.h"
#include "own.h"
#include "pem.h"
#include "pkcs8.h"
#include "pkix.h"
#include "print.h"

static const char *const words[] = {
    [KEY_PFX] = "pfx",
    [KEY_PEM] = "pem",
    [KEY_PKCS8] = "pkcs8",
    [KEY_P7B] = "p7b",
    [KEY_DER] = "der",
};

bool
key_format_read(const char *word, enum key_format *out, struct err *err)
{
	*out = KEY_PFX;
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (word == NULL || strcmp(word, words[i]) == 0) {
			*out = (enum key_format)i;
			return true;
		}
	return err_set(
	    err, DIRCA_E_USAGE, "--format %s: pfx, pem, pkcs8, p7b and der are known", word);
}

const char *
key_format_word(enum key_format f)
{
	return words[f];
}

bool
key_format_is_secret(enum key_format f)
{
	return f != KEY_P7B && f != KEY_DER;
}

bool
key_format_check(const struct cli_options *o, enum key_format f, struct err *err)
{
	if (o->plain && f != KEY_PEM && f != KEY_PKCS8)
		return err_set(err, DIRCA_E_USAGE, "--plain is of pem and pkcs8");
	return !o->legacy || f == KEY_PFX || err_set(err, DIRCA_E_USAGE, "--legacy is of pfx");
}

/* ---- what is lost ---- */

bool
key_pairs_check(const struct pfx_content *c, const char *cure, struct err *err)
{
	for (size_t i = 0; i < c->key_count; i++) {
		const char *file = c->keys[i].file;

		if (c->keys[i].certificate.len > 0)
			continue;
		err_set(err, DIRCA_E_KEY_MISMATCH, "private key %zu of %zu %s%s", i + 1,
		    c->key_count,
		    c->other_count > 0 ? "does not belong to a certificate that is there"
				       : "has no certificate",
		    cure);
		return file != NULL ? err_prefix(err, "%s", file) : false;
	}
	return true;
}

static bool
check_keys(const struct pfx_content *c, enum key_format format, bool force, struct err *err)
{
	if (format == KEY_PKCS8 && c->key_count != 1)
		return err_set(err, ERROR_INVALID_DATA,
		    "pkcs8 holds one private key, and there are %zu", c->key_count);
	if (format == KEY_PKCS8 || force)
		return true;
	if (c->key_count == 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "there is no private key, certificates alone; --force writes them");
	return key_pairs_check(c, "; --force writes it without", err);
}

static size_t
certificate_count(const struct pfx_content *c)
{
	size_t n = c->other_count;

	for (size_t i = 0; i < c->key_count; i++)
		n += c->keys[i].certificate.len > 0;
	return n;
}

static bool
check_certificates(const struct pfx_content *c, enum key_format format, struct err *err)
{
	size_t n = certificate_count(c);

	if (n == 0 || (format == KEY_DER && n != 1))
		return err_set(err, ERROR_INVALID_DATA, "%s holds %s, and there %s %zu",
		    words[format], format == KEY_DER ? "one certificate" : "certificates",
		    n == 1 ? "is" : "are", n);
	return true;
}

bool
key_output_check(const struct cli_options *o, enum key_format format, const struct pfx_content *c,
    const char *path, struct err *err)
{
	return key_format_check(o, format, err) &&
	       (key_format_is_secret(format) ? check_keys(c, format, o->force, err)
					     : check_certificates(c, format, err)) &&
	       output_check(path, o->force, err);
}

/* ---- the file ---- */

/* Pieces that are put together once their length is known: a plain key stays on the secret heap. */
struct pieces {
	struct secret *list;
	size_t count, len;
};

static void
pieces_free(struct pieces *p)
{
	for (size_t i = 0; i < p->count; i++)
		secret_free(&p->list[i]);
	free(p->list);
}

static struct secret *
next_piece(struct pieces *p)
{
	p->list = mem_grow_long(p->list, p->count, sizeof *p->list);
	p->list[p->count] = (struct secret){0};
	return &p->list[p->count];
}

static bool
add_key(struct pieces *p, EVP_PKEY *key, const struct secret *password, struct err *err)
{
	struct secret *one = next_piece(p);

	if (!pkcs8_encode(key, password, one, err))
		return false;
	p->len += one->len;
	p->count++;
	return true;
}

static bool
add_certificate(struct pieces *p, struct view der, struct err *err)
{
	OWNED(buf_free) struct buf pem = {0};
	struct secret *one = next_piece(p);

	if (der.len == 0)
		return true;
	if (!pem_append(&pem, "CERTIFICATE", der, err) || !secret_dup(buf_view(&pem), one, err))
		return false;
	p->len += one->len;
	p->count++;
	return true;
}

static bool
join(const struct pieces *p, struct secret *out, struct err *err)
{
	size_t at = 0;

	if (!secret_alloc(p->len, out, err))
		return false;
	for (size_t i = 0; i < p->count; i++) {
		memcpy(out->ptr + at, p->list[i].ptr, p->list[i].len);
		at += p->list[i].len;
	}
	return true;
}

bool
key_output_pem(const struct pfx_content *c, enum key_format format, const struct secret *password,
    struct secret *out, struct err *err)
{
	OWNED(pieces_free) struct pieces p = {0};

	for (size_t i = 0; i < c->key_count; i++)
		if (!add_key(&p, c->keys[i].key, password, err) ||
		    (format == KEY_PEM &&
			!add_certificate(&p, buf_view(&c->keys[i].certificate), err)))
			return false;
	for (size_t i = 0; format == KEY_PEM && i < c->other_count; i++)
		if (!add_certificate(&p, buf_view(&c->others[i].certificate), err))
			return false;
	return join(&p, out, err);
}

static bool
make_certificates(
    const struct pfx_content *c, enum key_format format, struct buf *out, struct err *err)
{
	OWNED(own_memory) struct view *list = mem_zero(certificate_count(c) + 1, sizeof *list);
	size_t n = 0;

	for (size_t i = 0; i < c->key_count; i++)
		if (c->keys[i].certificate.len > 0)
			list[n++] = buf_view(&c->keys[i].certificate);
	for (size_t i = 0; i < c->other_count; i++)
		list[n++] = buf_view(&c->others[i].certificate);
	return format == KEY_DER ? buf_dup(list[0], out, err) : cms_certs_only(list, n, out, err);
}

static bool
write_file(const char *path, struct view content, mode_t mode, bool force, struct err *err)
{
	const struct output one = {.path = path, .content = content, .mode = mode};

	return outputs_write(&one, 1, force, err);
}

bool
key_output_make(const struct cli_options *o, enum key_format format, const struct pfx_content *c,
    const struct secret *password, struct secret *out, struct err *err)
{
	OWNED(buf_free) struct buf pfx = {0};

	if (format != KEY_PFX)
		return key_output_pem(c, format, o->plain ? NULL : password, out, err);
	return pfx_write(c, password, o->legacy ? PFX_LEGACY : PFX_AES, &pfx, err) &&
	       secret_dup(buf_view(&pfx), out, err);
}

static bool
write_keys(const struct cli_options *o, enum key_format format, const struct pfx_content *c,
    const char *path, struct err *err)
{
	OWNED(secret_free) struct secret password = {0}, file = {0};

	return (o->plain || cli_password(o->out_password_file, "Password of the new file: ", true,
				&password, err)) &&
	       key_output_make(o, format, c, &password, &file, err) &&
	       write_file(path, secret_view(&file), 0600, o->force, err);
}

bool
key_output_write(const struct cli_options *o, enum key_format format, const struct pfx_content *c,
    const char *path, struct err *err)
{
	OWNED(buf_free) struct buf out = {0};

	if (key_format_is_secret(format))
		return write_keys(o, format, c, path, err);
	return make_certificates(c, format, &out, err) &&
	       write_file(path, buf_view(&out), 0644, o->force, err);
}

/* ---- words ---- */

static void
print_key(FILE *to, const struct pfx_entry *e)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_memory) char *subject = NULL, *serial = NULL;
	struct err ignored;

	if (e->certificate.len == 0) {
		fprintf(to, "  a key without certificate");
	} else if (pkix_cert_decode(buf_view(&e->certificate), &cert, &ignored)) {
		subject = pkix_name_text(cert.subject);
		serial = pkix_serial_text(cert.serial);
		fprintf(to, "  %s, serial number %s", subject != NULL ? subject : "?",
		    serial != NULL ? serial : "?");
	} else {
		fprintf(to, "  a certificate that cannot be shown");
	}
	if (e->friendly_name != NULL) {
		fputs(" (", to);
		print_name(to, e->friendly_name);
		fputc(')', to);
	}
	fputc('\n', to);
}

void
key_output_print(const struct pfx_content *c, const char *path)
{
	FILE *to = output_words(path);

	fprintf(to, "%s: %zu private key%s, %zu further certificate%s\n",
	    output_is_standard(path) ? "written" : path, c->key_count, c->key_count == 1 ? "" : "s",
	    c->other_count, c->other_count == 1 ? "" : "s");
	for (size_t i = 0; i < c->key_count; i++)
		print_key(to, &c->keys[i]);
}
