#include "recovered.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <jansson.h>
#include <openssl/sha.h>

#include "clock.h"
#include "mem.h"
#include "output.h"
#include "own.h"
#include "own_json.h"
#include "pfx.h"
#include "print.h"
#include "screen.h"
#include "text.h"

#define KEY_MODE   0600
#define WORDS_MODE 0644

/* ---- what was asked for ---- */

static bool
read_format(const struct cli_options *o, enum key_format *out, struct err *err)
{
	return key_format_read(o->format, out, err) &&
	       (key_format_is_secret(*out) ||
		   err_set(err, DIRCA_E_USAGE, "--format %s holds no private key", o->format)) &&
	       key_format_check(o, *out, err);
}

bool
recovered_check(const struct cli *cli, enum key_format *out, struct err *err)
{
	const char *paths[] = {cli->args[1], cli->opt.receipt, cli->opt.sheet};

	if (!read_format(&cli->opt, out, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(paths); i++) {
		if (paths[i] == NULL)
			continue;
		for (size_t k = 0; k < i; k++)
			if (paths[k] != NULL && strcmp(paths[k], paths[i]) == 0)
				return err_set(
				    err, DIRCA_E_USAGE, "%s is to be two files at once", paths[i]);
		if (!output_check(paths[i], cli->opt.force, err))
			return false;
	}
	return true;
}

bool
recovered_has_password(const struct cli *cli)
{
	return !cli->opt.plain;
}

/* ---- the file for the user ---- */

static bool
make_file(const struct recovered *r, enum key_format format, const struct secret *password,
    struct secret *out, struct err *err)
{
	OWNED(own_memory)
	char *cn = pkix_name_value(r->blob->certificate.subject, NID_commonName);
	OWNED(pfx_content_free) struct pfx_content content = {0};

	if (!pfx_add_key(&content, r->key, buf_view(&r->blob->certificate.raw), cn, err))
		return false;
	for (size_t i = 1; i < r->chain->count; i++)
		if (!pfx_add_certificate(&content, buf_view(&r->chain->list[i].raw), NULL, err))
			return false;
	return key_output_make(&r->cli->opt, format, &content, password, out, err);
}

/* ---- what is kept of the act ---- */

static char *
sha256_of(struct view octets)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	return SHA256(octets.ptr, octets.len, hash) != NULL
		   ? hex_encode(view_of(hash, sizeof hash), '\0')
		   : NULL;
}

static bool
make_receipt(const struct recovered *r, enum key_format format, struct view file, struct buf *out,
    struct err *err)
{
	OWNED(own_memory) char *blob_hash = sha256_of(r->blob_file);
	OWNED(own_memory) char *file_hash = sha256_of(file);
	char when[21];
	OWNED(own_json) json_t *receipt = NULL;
	OWNED(own_memory) char *text = NULL;

	clock_format(r->when, when);
	receipt = json_pack("{s:s, s:o, s:o, s:o, s:o, s:{s:s, s:s?}, s:{s:s, s:s, s:s?, s:b}}",
	    "recovered_when", when, "certificate", json_cert(&r->blob->certificate), "signed_by",
	    json_cert(&r->blob->signer), "retrieval",
	    r->blob->has_retrieval ? json_retrieval(&r->blob->retrieval) : json_null(), "opened_by",
	    r->kra != NULL ? json_cert(r->kra) : json_null(), "blob", "file", r->cli->args[0],
	    "sha256", blob_hash, "output", "file", r->cli->args[1], "format",
	    key_format_word(format), "sha256", file_hash, "encrypted",
	    (int)recovered_has_password(r->cli));
	text = receipt != NULL ? json_dumps(receipt, JSON_INDENT(2) | JSON_SORT_KEYS) : NULL;
	if (text == NULL)
		mem_exhausted();
	return buf_append(out, view_str(text), err) && buf_append(out, view_str("\n"), err);
}

static void
print_sheet(FILE *to, const struct recovered *r, const char *hash)
{
	fputs("HAND-OVER OF A RECOVERED KEY\n\nCertificate\n", to);
	print_cert(to, "  ", &r->blob->certificate);
	if (r->blob->has_retrieval) {
		fputs("\nRetrieved from the CA by\n", to);
		print_retrieval(to, "  ", &r->blob->retrieval);
	}
	fputs("\nRecovered\n  Time: ", to);
	print_when(to, r->when);
	fputs("\n\nOpened by key recovery agent\n", to);
	if (r->kra != NULL)
		print_cert(to, "  ", r->kra);
	fprintf(to, "\nFile\n  Name: %s\n  SHA-256: %s\n  Check: sha256sum %s\n", r->cli->args[1],
	    hash, r->cli->args[1]);
	fputs("\nThe password of the file comes by another way, never with this page.\n"
	      "Once the key is in place, delete the file.\n"
	      "\n\nHanded over by: ______________________________  Date: ______________\n"
	      "\n\nReceived by:    ______________________________  Date: ______________\n",
	    to);
}

/* Through the filter that everything passes which people read. */
static bool
make_sheet(const struct recovered *r, struct view file, struct buf *out, struct err *err)
{
	OWNED(own_memory) char *hash = sha256_of(file);
	OWNED(own_fd) int fd = memfd_create("sheet", MFD_CLOEXEC);
	FILE *to;
	off_t len;

	if (fd == -1)
		return err_errno(err, DIRCA_E_IO, "memory for the sheet");
	to = screen_stream(fd);
	print_sheet(to, r, hash != NULL ? hash : "?");
	if (fclose(to) != 0 || (len = lseek(fd, 0, SEEK_END)) < 0)
		return err_errno(err, DIRCA_E_IO, "memory for the sheet");
	return buf_alloc((size_t)len, out, err) &&
	       (pread(fd, out->ptr, out->len, 0) == (ssize_t)out->len ||
		   err_errno(err, DIRCA_E_IO, "memory for the sheet"));
}

bool
recovered_write(const struct recovered *r, enum key_format format, const struct secret *password,
    struct err *err)
{
	const struct cli_options *o = &r->cli->opt;
	OWNED(secret_free) struct secret file = {0};
	OWNED(buf_free) struct buf receipt = {0};
	OWNED(buf_free) struct buf sheet = {0};
	struct output list[3];
	size_t count = 0;

	if (!make_file(r, format, password, &file, err))
		return false;
	list[count++] = (struct output){r->cli->args[1], secret_view(&file), KEY_MODE};
	if (o->receipt != NULL) {
		if (!make_receipt(r, format, secret_view(&file), &receipt, err))
			return false;
		list[count++] = (struct output){o->receipt, buf_view(&receipt), WORDS_MODE};
	}
	if (o->sheet != NULL) {
		if (!make_sheet(r, secret_view(&file), &sheet, err))
			return false;
		list[count++] = (struct output){o->sheet, buf_view(&sheet), WORDS_MODE};
	}
	return outputs_write(list, count, o->force, err);
}
