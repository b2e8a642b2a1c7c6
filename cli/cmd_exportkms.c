/*
 * dirca exportkms: keys for another CA, as an escrow batch (docs/PROTOCOL.md; paper, "Exporting
 * Users' Keys from Exchange 2000 KMS"): each encrypted to that CA's key import certificate, each
 * entry signed.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <openssl/rand.h>

#include "archive.h"
#include "clock.h"
#include "escrow_entry.h"
#include "escrow_files.h"
#include "export_group.h"
#include "file.h"
#include "given.h"
#include "mem.h"
#include "oids.h"
#include "output.h"
#include "own_key.h"
#include "own_openssl.h"
#include "plain.h"
#include "print.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

#define PER_FILE       1000
#define THUMBPRINT_LEN 8

struct export
{
	const struct cli *cli;
	bool by_group;
	struct export_group group;
	struct pkix_cert to;
	EVP_PKEY *to_key;
	struct pfx signer;
	struct texts users; /* whose keys are wanted; none: everybody's */
	struct escrow_items items;
	int64_t left_out, problems;
};

static void
export_close(struct export *x)
{
	pkix_cert_free(&x->to);
	EVP_PKEY_free(x->to_key);
	pfx_free(&x->signer);
	texts_free(&x->users);
	escrow_items_free(&x->items);
}

/* ---- for whom, and by whom ---- */

/* As the paper's wizard asks: who exports has looked at the certificate. */
static bool
check_thumbprint(const struct export *x, struct err *err)
{
	const char *given = x->cli->opt.thumbprint;
	OWNED(own_memory) char *hex = hex_encode(view_of(x->to.sha1, sizeof x->to.sha1), '\0');

	if (given == NULL || strlen(given) < THUMBPRINT_LEN)
		return err_set(err, DIRCA_E_USAGE,
		    "--thumbprint takes the first %d characters of the recipient's SHA-1 "
		    "thumbprint, which its CA shows",
		    THUMBPRINT_LEN);
	return strncasecmp(hex, given, strlen(given)) == 0 ||
	       err_set(err, CRYPT_E_HASH_VALUE,
		   "the recipient's certificate is another: its thumbprint begins with %.8s", hex);
}

static bool
open_recipient(struct export *x, struct err *err)
{
	OWNED(buf_free) struct buf der = {0};
	int64_t now = clock_now();

	if (x->cli->opt.recipient == NULL)
		return err_set(err, DIRCA_E_USAGE, "--recipient is needed");
	if (!given_certificate(x->cli->opt.recipient, &der, NULL, err) ||
	    !pkix_cert_decode(buf_view(&der), &x->to, err) || !check_thumbprint(x, err))
		return false;
	if (!pkix_cert_has_eku(&x->to, oid_dotted(OID_KP_KEY_IMPORT)))
		return err_set(err, CERT_E_WRONG_USAGE,
		    "%s is no key import certificate (dirca import certificate show)",
		    x->cli->opt.recipient);
	if (now < x->to.not_before || now >= x->to.not_after)
		return err_set(err, CERT_E_EXPIRED, "%s is not within its validity period",
		    x->cli->opt.recipient);
	return pkix_public_key(x->to.spki, &x->to_key, err);
}

static bool
open_signer(struct export *x, struct err *err)
{
	if (x->cli->opt.signer == NULL)
		return err_set(err, DIRCA_E_USAGE, "--signer is needed");
	return own_pair_read(x->cli->opt.signer, x->cli->opt.signer_password_file,
	    "Password of the signer's PKCS#12: ", &x->signer, err);
}

static bool
read_users(struct export *x, struct err *err)
{
	OWNED(buf_free) struct buf file = {0}, hold = {0};
	OWNED(own_memory) char *all = NULL;
	struct view text;
	char *rest, *line;

	if (x->cli->opt.users == NULL)
		return true;
	if (!file_read(x->cli->opt.users, 16 << 20, &file, err))
		return false;
	if (!plain_text(buf_view(&file), &hold, &text, err) || !text_is_utf8(text))
		return err_set(err, ERROR_INVALID_DATA,
		    "%s: a list of users is text in UTF-8 or UTF-16", x->cli->opt.users);
	all = mem_text_n((const char *)text.ptr, text.len);
	for (line = strtok_r(all, "\r\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\r\n", &rest))
		texts_add(&x->users, line);
	return x->users.count > 0 ||
	       err_set(err, ERROR_INVALID_DATA, "%s names nobody", x->cli->opt.users);
}

/* ---- which keys ---- */

static bool
names(const struct export *x, const char *name)
{
	for (size_t i = 0; name != NULL && i < x->users.count; i++)
		if (text_eq_nocase(x->users.list[i], name))
			return true;
	return false;
}

/* By what the file says, or the certificate: user, UPN, common name, e-mail address. */
static bool
is_listed(const struct export *x, const struct escrow_item *item, const struct pkix_cert *cert)
{
	OWNED(own_memory) char *upn = pkix_cert_upn(cert);
	OWNED(own_memory) char *cn = pkix_name_value(cert->subject, NID_commonName);
	OWNED(own_memory) char *mail = pkix_name_value(cert->subject, NID_pkcs9_emailAddress);

	return x->users.count == 0 || names(x, item->user) || names(x, upn) || names(x, cn) ||
	       names(x, mail);
}

static bool
is_wanted(struct export *x, const struct escrow_item *item, bool *wanted_out, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};

	*wanted_out = false;
	if (item->key == NULL)
		return true;
	if (!pkix_cert_decode(buf_view(&item->certificate), &cert, err))
		return false;
	*wanted_out = is_listed(x, item, &cert);
	return !*wanted_out || !x->by_group ||
	       export_group_has(&x->group, &cert, item->user, wanted_out, err);
}

/* What the directory cannot say of one key alone is told, and the key left out. */
static bool
choose(struct export *x, const char *path, const struct escrow_item *item, bool *wanted_out,
    struct err *err)
{
	struct err why;

	if (is_wanted(x, item, wanted_out, &why))
		return true;
	*wanted_out = false;
	*err = why;
	if (why.code == DIRCA_E_DIRECTORY_UNAVAILABLE)
		return false;
	fprintf(stderr, "%s: %s\n", path, why.msg);
	x->problems++;
	return true;
}

static void
take(struct export *x, struct escrow_item *item)
{
	x->items.list = mem_grow_long(x->items.list, x->items.count, sizeof *x->items.list);
	x->items.list[x->items.count++] = *item;
	*item = (struct escrow_item){0};
}

static bool
found(
    void *arg, const char *path, struct escrow_items *items, const struct err *why, struct err *err)
{
	struct export *x = arg;
	bool wanted;

	if (why != NULL)
		fprintf(stderr, "%s: %s (%s)\n", path, why->msg, err_name(why->code));
	for (size_t i = 0; i < items->problems.count; i++)
		fprintf(stderr, "%s: %s\n", path, items->problems.list[i]);
	x->problems += (why != NULL) + (int64_t)items->problems.count;
	for (size_t i = 0; i < items->count; i++) {
		if (!choose(x, path, &items->list[i], &wanted, err))
			return false;
		if (wanted)
			take(x, &items->list[i]);
		else
			x->left_out++;
	}
	return true;
}

/* ---- the batch ---- */

static bool
make_entry(const struct export *x, const uint8_t batch[ESCROW_BATCH_ID], size_t at, struct buf *out,
    struct err *err)
{
	const struct escrow_item *item = &x->items.list[at];
	const struct cms_kra to = {
	    .issuer = x->to.issuer, .serial = x->to.serial, .key = x->to_key};
	const struct cms_cosigner by = {
	    .key = x->signer.key, .certificate = buf_view(&x->signer.certificate)};
	OWNED(buf_free) struct buf key = {0}, content = {0};
	uint8_t binding[ARCHIVE_BINDING];
	struct escrow_entry e = {.batch = view_of(batch, ESCROW_BATCH_ID),
	    .index = (int32_t)at + 1,
	    .total = (int32_t)x->items.count,
	    .certificate = buf_view(&item->certificate),
	    .user = item->user,
	    .friendly_name = item->friendly_name};

	if (!archive_import_binding(
		e.certificate, view_str(item->user != NULL ? item->user : ""), binding, err) ||
	    !archive_import_seal(item->key, binding, &to, &key, err))
		return false;
	e.key = buf_view(&key);
	return escrow_entry_encode(&e, &content, err) &&
	       cms_sign_content(
		   &by, oid_dotted(OID_CT_ESCROW_ENTRY), buf_view(&content), clock_now(), out, err);
}

/* What of it goes into which file. */
struct part {
	char *path;
	size_t from, until;
	struct buf content;
};
struct parts {
	struct part *list;
	size_t count;
};

static void
parts_free(struct parts *p)
{
	for (size_t i = 0; i < p->count; i++) {
		free(p->list[i].path);
		buf_free(&p->list[i].content);
	}
	free(p->list);
}

/* Whatever is there already is seen before anything is signed. */
static bool
plan(const struct export *x, struct parts *out, struct err *err)
{
	const struct cli_options *o = &x->cli->opt;
	size_t count = x->items.count;
	size_t per_file = output_is_standard(o->out) ? count
			  : o->per_file > 0          ? (size_t)o->per_file
						     : PER_FILE;

	for (size_t from = 0; from < count; from += per_file) {
		struct part *p;

		out->list = mem_grow(out->list, out->count, sizeof *out->list);
		p = &out->list[out->count++];
		*p = (struct part){
		    .from = from, .until = from + per_file < count ? from + per_file : count};
		p->path = count > per_file ? text_printf("%s.%03zu", o->out, out->count)
					   : mem_text(o->out);
		if (!output_check(p->path, false, err))
			return false;
	}
	return true;
}

static bool
fill(const struct export *x, const uint8_t *batch, struct part *p, struct err *err)
{
	for (size_t i = p->from; i < p->until; i++) {
		OWNED(buf_free) struct buf entry = {0};

		if (!make_entry(x, batch, i, &entry, err) ||
		    !buf_append(&p->content, buf_view(&entry), err))
			return false;
	}
	return true;
}

static bool
write_parts(const struct export *x, const struct parts *p, struct err *err)
{
	OWNED(own_memory) struct output *files = mem_zero(p->count, sizeof *files);

	for (size_t i = 0; i < p->count; i++)
		files[i] = (struct output){p->list[i].path, buf_view(&p->list[i].content), 0600};
	if (!outputs_write(files, p->count, false, err))
		return false;
	for (size_t i = 0; i < p->count; i++)
		fprintf(output_words(x->cli->opt.out), "%s: %zu keys\n", p->list[i].path,
		    p->list[i].until - p->list[i].from);
	return true;
}

static bool
write_batch(const struct export *x, struct err *err)
{
	OWNED(parts_free) struct parts parts = {0};
	uint8_t batch[ESCROW_BATCH_ID];

	if (x->items.count == 0)
		return err_set(err, CRYPT_E_NOT_FOUND, "there is no key to export");
	if (x->items.count > ESCROW_TOTAL_MAX)
		return err_set(err, DIRCA_E_TOO_LARGE, "%zu keys are too many", x->items.count);
	if (!plan(x, &parts, err))
		return false;
	if (RAND_bytes(batch, sizeof batch) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "random octets that name the batch");
	for (size_t i = 0; i < parts.count; i++)
		if (!fill(x, batch, &parts.list[i], err))
			return false;
	return write_parts(x, &parts, err);
}

static bool
open_group(struct export *x, struct work *w, struct err *err)
{
	if (w->cli->opt.group == NULL)
		return true;
	if (!work_open(w, NEEDS_DIRECTORY, err))
		return false;
	x->by_group = true;
	return export_group_open(w->session.directory, w->cli->opt.group, &x->group, err);
}

bool
cmd_exportkms(struct work *w, struct err *err)
{
	OWNED(export_close) struct export x = {.cli = w->cli};
	OWNED(escrow_files_close) struct escrow_files files = {0};
	FILE *words;

	if (w->cli->opt.out == NULL)
		return err_set(err, DIRCA_E_USAGE, "--out is needed");
	if (!open_recipient(&x, err) || !open_signer(&x, err) || !read_users(&x, err) ||
	    !open_group(&x, w, err) || !escrow_files_open(w->cli, &files, err) ||
	    !escrow_files_read(&files, w->cli->args, (size_t)w->cli->count, found, &x, err) ||
	    !write_batch(&x, err))
		return false;
	words = output_words(w->cli->opt.out);
	if (x.left_out > 0)
		fprintf(words, "Left out: %lld\n", (long long)x.left_out);
	fprintf(words, "Keys exported: %zu. The import must say as many.\n", x.items.count);
	if (x.problems > 0)
		w->status = CLI_FAILED;
	return true;
}
