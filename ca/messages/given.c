#include "given.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>

#include "armour.h"
#include "command.h"
#include "file.h"
#include "mem.h"
#include "own_openssl.h"
#include "pkix.h"
#include "plain.h"
#include "text.h"

#define TRUST_MAX (16 * 1024 * 1024)
#define BEGIN_MAX (64 * 1024)

/* ---- another kind ---- */

static const struct {
	const char *name;
	uint64_t fits; /* kinds of which it may be, damaged or not */
} wanted[] = {
#define IS(kind) (UINT64_C(1) << MATERIAL_##kind)
#define ANY_KEY  (IS(PFX) | IS(PKCS8) | IS(SEALED_PKCS8) | IS(OLD_KEY) | IS(PVK) | IS(BLOB))
    [GIVEN_CERTIFICATE] = {"a certificate", IS(CERTIFICATE) | IS(PKCS7)},
    [GIVEN_REQUEST] = {"a certificate request", IS(REQUEST) | IS(CMC_REQUEST)},
    [GIVEN_CRL] = {"a CRL", IS(CRL)},
    [GIVEN_RESPONSE] = {"a CA's response or certificate",
	IS(CMC_RESPONSE) | IS(CERTIFICATE) | IS(PKCS7)},
    [GIVEN_RECOVERY] = {"a recovery BLOB", IS(RECOVERY)},
    [GIVEN_KEYS] = {"a key or a certificate",
	ANY_KEY | IS(CERTIFICATE) | IS(PKCS7) | IS(EPF) | IS(JKS)},
    [GIVEN_KEY] = {"a private key", ANY_KEY | IS(EPF) | IS(JKS)},
    [GIVEN_PAIR] = {"a private key with its certificate", ANY_KEY | IS(EPF) | IS(JKS)},
    [GIVEN_SHARE] = {"a share of a key", IS(ENVELOPED)},
    [GIVEN_SHARES] = {"a file of shares of a batch", 0},
    [GIVEN_BATCH] = {"a batch of archived keys", IS(MESSAGE)},
    [GIVEN_DRILL] = {"the file of a drill", 0},
    [GIVEN_INF] = {"an INF file", IS(INF) | IS(TEXT)},
    [GIVEN_TEMPLATES] = {"LDIF or JSON of templates", IS(LDIF) | IS(JSON) | IS(TEXT)},
    [GIVEN_DESCRIPTOR] = {"a security descriptor", IS(DESCRIPTOR)},
    [GIVEN_ESCROW] = {"a file of keys", ANY_KEY | IS(CERTIFICATE) | IS(PKCS7) | IS(EPF) | IS(JKS) |
					    IS(RECOVERY) | IS(MESSAGE) | IS(LDIF) | IS(UNKNOWN)},
    [GIVEN_EXPORT] = {"an export of the audit trail", IS(JSON) | IS(TEXT) | IS(EMPTY)},
    [GIVEN_ROWS] = {"what certutil wrote as CSV", IS(TEXT)},
};

/* A command that makes one of the other; "%s" is the file. NULL: none. */
static const char *
cure_for(enum material is, enum given want)
{
	static const struct {
		uint64_t is;
		enum given want;
		const char *cure;
	} cures[] = {
	    {IS(PFX), GIVEN_CERTIFICATE, "`dirca convert --format p7b %s %s.p7b` takes it out"},
	    {IS(REQUEST) | IS(CMC_REQUEST), GIVEN_CERTIFICATE,
		"`dirca submit %s` has a CA make one of it"},
	    {IS(CMC_RESPONSE), GIVEN_CERTIFICATE, "`dirca accept %s` takes it out"},
	    {IS(RECOVERY), GIVEN_KEYS, "`dirca recoverkey %s %s.pfx` opens it"},
	    {IS(RECOVERY), GIVEN_KEY, "`dirca recoverkey %s %s.pfx` opens it"},
	    {IS(RECOVERY), GIVEN_PAIR, "`dirca recoverkey %s %s.pfx` opens it"},
	    {IS(REQUEST) | IS(CMC_REQUEST), GIVEN_RESPONSE, "`dirca submit %s` has a CA answer it"},
	    {IS(INF), GIVEN_REQUEST, "`dirca new %s %s.req` makes one of it"},
	};

	for (size_t i = 0; i < COUNT_OF(cures); i++)
		if (cures[i].want == want && (cures[i].is >> is & 1) != 0)
			return cures[i].cure;
	return NULL;
}

/* "; `dirca convert --format p7b kra.pfx kra.pfx.p7b` takes it out" */
static char *
cure(const char *path, enum material is, enum given want)
{
	const char *words = cure_for(is, want), *at;
	OWNED(own_memory) char *file = command_file(path);
	char *out;

	if (words == NULL)
		return mem_text("");
	out = mem_text("; ");
	while ((at = strstr(words, "%s")) != NULL) {
		char *more = text_printf("%s%.*s%s", out, (int)(at - words), words, file);

		free(out);
		out = more;
		words = at + 2;
	}
	text_list_add(&out, "", words);
	return out;
}

static bool
fits(enum material is, enum given want)
{
	return (wanted[want].fits >> is & 1) != 0;
}

static bool
another(const char *path, enum material is, enum given want, struct err *err)
{
	OWNED(own_memory) char *mends = path != NULL ? cure(path, is, want) : mem_text("");

	return err_set(err, ERROR_INVALID_DATA, "%s%sthis is %s, and %s is wanted%s",
	    path != NULL ? path : "", path != NULL ? ": " : "", material_told(is),
	    wanted[want].name, mends);
}

bool
given_failed(const char *path, struct view file, enum given want, struct err *err)
{
	enum material is = material_inside(file);

	if (err_category(err->code) == ERR_CATEGORY_BAD_REQUEST && err->code != DIRCA_E_USAGE &&
	    !fits(is, want))
		return another(path, is, want, err);
	return path != NULL && err_prefix(err, "%s", path);
}

/* Rows and lines may hold PEM, and are text. */
static enum material
begins_as(struct view v)
{
	OWNED(buf_free) struct buf hold = {0};
	struct err ignored;
	struct view text;

	if (!plain_text(v, &hold, &text, &ignored))
		return MATERIAL_UNKNOWN;
	while (text.len > 0 && strchr(" \t\r\n", text.ptr[0]) != NULL && text.ptr[0] != '\0')
		text = view_of(text.ptr + 1, text.len - 1);
	return armour_is(text) && text.ptr[0] != '-' ? MATERIAL_TEXT : material_inside(text);
}

bool
given_begins_as(const char *path, FILE *file, enum given want, struct err *err)
{
	uint8_t begin[BEGIN_MAX];
	enum material is;
	size_t len;

	if (fseek(file, 0, SEEK_SET) != 0)
		return true;
	len = fread(begin, 1, sizeof begin, file);
	rewind(file);
	is = begins_as(view_of(begin, len));
	/* its last character may go on behind */
	for (size_t cut = 1; is == MATERIAL_UNKNOWN && len == sizeof begin && cut < 4; cut++)
		is = begins_as(view_of(begin, len - cut));
	if (is == MATERIAL_UNKNOWN && memchr(begin, 0, len) == NULL)
		is = MATERIAL_TEXT; /* of a code page */
	return fits(is, want) || another(path, is, want, err);
}

/* ---- certificates ---- */

bool
given_certificates_of(const char *path, struct view file, struct pem_certs *out, struct err *err)
{
	*out = (struct pem_certs){0};
	return pem_certificates(file, &out->list, &out->count, err) ||
	       given_failed(path, file, GIVEN_CERTIFICATE, err);
}

bool
given_certificates(const char *path, struct pem_certs *out, struct err *err)
{
	OWNED(buf_free) struct buf file = {0};

	*out = (struct pem_certs){0};
	return file_read(path, PEM_FILE_MAX, &file, err) &&
	       given_certificates_of(path, buf_view(&file), out, err);
}

static bool
add_trusted(void *arg, struct view der, struct err *err)
{
	return pem_append(arg, PEM_STRING_X509, der, err);
}

bool
given_trust(const char *path, struct buf *pem, struct err *err)
{
	OWNED(buf_free) struct buf file = {0}, out = {0};

	*pem = (struct buf){0};
	if (!file_read(path, TRUST_MAX, &file, err))
		return false;
	if (!pem_each_certificate(buf_view(&file), add_trusted, &out, err))
		return given_failed(path, buf_view(&file), GIVEN_CERTIFICATE, err);
	if (out.len == 0) {
		err_set(err, ERROR_INVALID_DATA, "no certificate inside");
		return given_failed(path, buf_view(&file), GIVEN_CERTIFICATE, err);
	}
	*pem = buf_give(&out);
	return true;
}

static bool
is_issued_by(const struct pkix_cert *c, const struct pkix_cert *by)
{
	return view_eq(c->issuer, by->subject) && !view_eq(c->issuer, c->subject);
}

/* Those at the end of no line of issuers go to `others`, or away. */
static void
divide(struct pem_certs *all, const struct pkix_certs *read, struct pem_certs *others)
{
	size_t kept = 0, count = all->count;

	for (size_t i = 0; i < count; i++) {
		bool leaf = true;

		for (size_t k = 0; k < count; k++)
			leaf = leaf && (k == i || !is_issued_by(&read->list[k], &read->list[i]));
		if (leaf) {
			struct buf one = buf_give(&all->list[i]);

			all->list[kept++] = one;
		} else if (others != NULL) {
			others->list[others->count++] = buf_give(&all->list[i]);
		} else {
			buf_free(&all->list[i]);
		}
	}
	all->count = kept;
}

/* One certificate that stands there twice is one. */
static void
drop_doubles(struct pem_certs *all)
{
	size_t kept = 0;

	for (size_t i = 0; i < all->count; i++) {
		struct buf one = buf_give(&all->list[i]);
		bool is_new = true;

		for (size_t k = 0; k < kept; k++)
			is_new = is_new && !view_eq(buf_view(&all->list[k]), buf_view(&one));
		if (is_new)
			all->list[kept++] = one;
		else
			buf_free(&one);
	}
	all->count = kept;
}

static bool
decode_all(const struct pem_certs *all, struct pkix_certs *out, struct err *err)
{
	for (size_t i = 0; i < all->count; i++)
		if (!pkix_certs_add(out, buf_view(&all->list[i]), err))
			return false;
	return true;
}

static bool
leaves(const char *path, struct pem_certs *out, struct pem_certs *others, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs read = {0};

	if (!given_certificates(path, out, err))
		return false;
	drop_doubles(out);
	if (!decode_all(out, &read, err)) {
		pem_certs_free(out);
		return err_prefix(err, "%s", path);
	}
	if (others != NULL)
		*others = (struct pem_certs){.list = mem_zero(out->count, sizeof *others->list)};
	divide(out, &read, others);
	return true;
}

bool
given_leaves(const char *path, struct pem_certs *out, struct err *err)
{
	return leaves(path, out, NULL, err);
}

static bool
several(const char *path, const struct pem_certs *found, struct err *err)
{
	OWNED(pkix_certs_free) struct pkix_certs read = {0};
	OWNED(own_memory) char *names = mem_text("");

	if (!decode_all(found, &read, err))
		return false;
	for (size_t i = 0; i < read.count; i++) {
		OWNED(own_memory) char *name = pkix_name_text(read.list[i].subject);

		text_list_add(&names, "; ", name != NULL ? name : "?");
	}
	return err_set(err, ERROR_INVALID_DATA,
	    "%s: one certificate is wanted, and these %zu are in it, of which none issued another: "
	    "%s",
	    path, found->count, names);
}

bool
given_certificate(const char *path, struct buf *out, struct pem_certs *others, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs found = {0};

	*out = (struct buf){0};
	if (others != NULL)
		*others = (struct pem_certs){0};
	if (!leaves(path, &found, others, err))
		return false;
	if (found.count == 1) {
		*out = buf_give(&found.list[0]);
		return true;
	}
	if (others != NULL)
		pem_certs_free(others);
	return several(path, &found, err);
}

/* ---- others ---- */

bool
given_der(const char *path, struct view file, enum given want, struct buf *out, struct err *err)
{
	return pem_any(file, out, err) || given_failed(path, file, want, err);
}

bool
given_crl(const char *path, struct buf *out, struct err *err)
{
	OWNED(buf_free) struct buf file = {0};

	*out = (struct buf){0};
	if (!file_read(path, PKIX_CRL_MAX, &file, err))
		return false;
	if (pem_crl(buf_view(&file), out, err) && material_inside(buf_view(out)) == MATERIAL_CRL)
		return true;
	buf_free(out);
	err_set(err, ERROR_INVALID_DATA, "not a CRL");
	return given_failed(path, buf_view(&file), GIVEN_CRL, err);
}
