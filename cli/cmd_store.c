/* dirca viewstore, dirca ds: what lies under CN=Public Key Services. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <openssl/x509v3.h>

#include "clock.h"
#include "listing.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "sd.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

OWN_POINTER(own_crl, X509_CRL, X509_CRL_free)
OWN_POINTER(own_integer, ASN1_INTEGER, ASN1_INTEGER_free)

/* Stores by the names that certutil -viewstore and -dspublish use. */
static const struct store {
	const char *name, *rdn;
} stores[] = {
    {"KRA", "CN=KRA"},
    {"CA", "CN=AIA"},
    {"Root", "CN=Certification Authorities"},
    {"NTAuth", "CN=NTAuthCertificates"},
    {"CDP", "CN=CDP"},
};

enum holds { HOLDS_CERTIFICATE, HOLDS_CRL };
static const struct binary {
	const char *attr;
	enum holds holds;
} binaries[] = {
    {"cACertificate", HOLDS_CERTIFICATE},
    {"userCertificate", HOLDS_CERTIFICATE},
    {"certificateRevocationList", HOLDS_CRL},
    {"deltaRevocationList", HOLDS_CRL},
    {"authorityRevocationList", HOLDS_CRL},
};

static const struct binary *
find_binary(const char *attr)
{
	for (size_t i = 0; i < COUNT_OF(binaries); i++)
		if (text_eq_nocase(binaries[i].attr, attr))
			return &binaries[i];
	return NULL;
}

/* ---- One value ---- */

static int64_t
when(const ASN1_TIME *t)
{
	struct tm tm;

	return t != NULL && ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static char *
crl_number(X509_CRL *crl)
{
	OWNED(own_integer)
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	char *text = n != NULL ? i2s_ASN1_INTEGER(NULL, n) : NULL;
	char *copy = mem_text(text);

	OPENSSL_free(text);
	return copy;
}

/* {number, this_update, next_update, entries, sha1}; NULL if it is no CRL. Objects of a CA demand
 * CRLs that nobody reads: what stands in for them has no issuer. */
static json_t *
json_crl(struct view der)
{
	const uint8_t *p = der.ptr;
	OWNED(own_crl) X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);
	char from[21], until[21];

	if (crl == NULL || p != der.ptr + der.len ||
	    X509_NAME_entry_count(X509_CRL_get_issuer(crl)) == 0)
		return NULL;
	OWNED(own_memory) char *number = crl_number(crl);

	clock_format(when(X509_CRL_get0_lastUpdate(crl)), from);
	clock_format(when(X509_CRL_get0_nextUpdate(crl)), until);
	return json_pack("{s:s?, s:s, s:s, s:i}", "crl_number", number, "this_update", from,
	    "next_update", until, "entries", sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)));
}

/* One certificate or CRL of an entry, as JSON; NULL for a placeholder. */
static json_t *
json_binary(const struct binary *b, struct view der)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err err;

	if (b->holds == HOLDS_CRL)
		return json_crl(der);
	return pkix_cert_decode(der, &cert, &err) ? json_cert(&cert)
						  : json_pack("{s:s}", "error", err.msg);
}

static void
print_crl(struct view der)
{
	OWNED(own_json) json_t *crl = json_crl(der);
	OWNED(own_memory) char *from = NULL, *until = NULL;

	if (crl == NULL)
		return;
	from = json_when(crl, "this_update");
	until = json_when(crl, "next_update");
	printf("  CRL %s  %s .. %s  %d entries\n", json_text(crl, "crl_number"), from, until,
	    (int)json_integer_value(json_object_get(crl, "entries")));
}

static void
print_hash_line(const struct pkix_cert *cert)
{
	OWNED(own_memory) char *subject = pkix_name_text(cert->subject);

	printf("  Cert Hash(sha1): ");
	print_hash(stdout, cert->sha1, sizeof cert->sha1);
	printf("  %s  until ", subject != NULL ? subject : "?");
	print_when(stdout, cert->not_after);
	putchar('\n');
}

static void
print_binary(const struct binary *b, struct view der, bool verbose)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err err;

	if (b->holds == HOLDS_CRL) {
		print_crl(der);
	} else if (!pkix_cert_decode(der, &cert, &err)) {
		printf("  %s: no certificate: %s\n", b->attr, err.msg);
	} else if (verbose) {
		print_cert(stdout, "  ", &cert);
		putchar('\n');
	} else {
		print_hash_line(&cert);
	}
}

/* ---- viewstore ---- */

/* What is done with each: its row, the attribute's name and the bytes. */
typedef void binary_each(
    const struct dir_entry *e, const struct binary *b, struct view der, json_t *row, void *arg);

/* Certificates and CRLs of one entry; `only` NULL: of all attributes. */
static size_t
walk_binaries(const struct dir_entry *e, const char *only, binary_each *each, void *arg)
{
	size_t found = 0;

	for (size_t i = 0; i < e->count; i++) {
		const struct binary *b = find_binary(e->attrs[i].name);

		if (b == NULL || (only != NULL && !text_eq_nocase(only, e->attrs[i].name)))
			continue;
		for (size_t k = 0; k < e->attrs[i].count; k++) {
			struct view der = buf_view(&e->attrs[i].values[k]);
			OWNED(own_json) json_t *row = json_binary(b, der);

			if (row == NULL)
				continue;
			found++;
			json_object_set_new(row, "object", json_string(e->dn));
			json_object_set_new(row, "attribute", json_string(b->attr));
			each(e, b, der, row, arg);
		}
	}
	return found;
}

static void
append_row(
    const struct dir_entry *e, const struct binary *b, struct view der, json_t *row, void *list)
{
	(void)e;
	(void)b;
	(void)der;
	json_array_append(list, row);
}

static const struct table_column columns[] = {
    {"object", TABLE_TEXT, false, NULL},
    {"attribute", TABLE_TEXT, false, NULL},
    CERTIFICATE_COLUMNS,
    {"crl_number", TABLE_NUMBER, false, NULL},
    {"this_update", TABLE_WHEN, false, NULL},
    {"next_update", TABLE_WHEN, false, NULL},
    {"entries", TABLE_NUMBER, false, NULL},
    {"error", TABLE_TEXT, false, NULL},
};
static const struct table table = {
    columns, COUNT_OF(columns), "attribute,certificate_hash,not_after,next_update,object", NULL};

struct store_listing {
	struct listing listing;
	const struct dir_entry *last; /* whose DN is printed */
};

static void
list_binary(
    const struct dir_entry *e, const struct binary *b, struct view der, json_t *row, void *arg)
{
	struct store_listing *s = arg;

	if (!listing_add(&s->listing, row))
		return;
	if (s->last != e)
		printf("%s\n", e->dn);
	s->last = e;
	print_binary(b, der, true);
}

static const struct store *
find_store(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(stores); i++)
		if (text_eq_nocase(stores[i].name, name))
			return &stores[i];
	return NULL;
}

/* "CN=KRA,CN=Public Key Services,..." or an entry below it. */
static bool
is_in_store(const struct pki_snapshot *pki, const struct dir_entry *e, const struct store *s)
{
	OWNED(own_memory) char *base = text_printf("%s,%s", s->rdn, pki->services_dn);

	return dir_dn_is_under(e->dn, base);
}

static bool
read_store(
    struct session *s, const char *what, struct dir_entries *out, char **attr_out, struct err *err)
{
	const struct store *store = what != NULL ? find_store(what) : NULL;
	size_t kept = 0;

	*attr_out = NULL;
	if (what != NULL && strncasecmp(what, "ldap:", 5) == 0)
		return pki_search_url(s->directory, what, out, attr_out, err);
	if (what != NULL && store == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "%s is no store: KRA, CA, Root, NTAuth, CDP or an LDAP URL", what);
	if (!pki_tree(s->directory, out, err))
		return false;
	for (size_t i = 0; i < out->count; i++) {
		if (store != NULL && !is_in_store(s->pki, &out->list[i], store))
			dir_entry_free(&out->list[i]);
		else
			out->list[kept++] = out->list[i];
	}
	out->count = kept;
	return true;
}

bool
cmd_viewstore(struct work *w, struct err *err)
{
	const char *what = w->cli->count > 0 ? w->cli->args[0] : NULL;
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(own_memory) char *attr = NULL;
	struct store_listing s = {0};
	size_t there = 0;

	if (!listing_open(&s.listing, &table, &w->cli->opt, err))
		return false;
	listing_in_own_way(&s.listing, &w->cli->opt);
	if (!read_store(&w->session, what, &found, &attr, err)) {
		listing_free(&s.listing);
		return false;
	}
	for (size_t i = 0; i < found.count; i++)
		there += walk_binaries(&found.list[i], attr, list_binary, &s);
	if (there > 0 || s.listing.format == LISTING_JSON)
		listing_end(&s.listing);
	listing_free(&s.listing);
	return there > 0 || err_set(err, CRYPT_E_NOT_FOUND, "no certificate and no CRL is there");
}

/* ---- ds ---- */

/* Text as it stands; bytes as hex, long ones by their size. */
static char *
value_text(const char *attr, struct view v)
{
	OWNED(sd_free) struct sd sd = {0};
	struct err ignored;
	char *text = NULL;

	if (text_eq_nocase(attr, "nTSecurityDescriptor") && sd_decode(v, &sd, &ignored))
		return sd_to_sddl(&sd);
	if (text_from_view(v, &text, &ignored))
		return text;
	return v.len <= 64 ? hex_encode(v, '\0') : text_printf("(%zu bytes)", v.len);
}

static void
print_attribute(const struct dir_attr *a)
{
	for (size_t k = 0; k < a->count; k++) {
		OWNED(own_memory) char *text = value_text(a->name, buf_view(&a->values[k]));

		printf("  %s: %s\n", a->name, text);
	}
}

static void
print_attributes(const struct dir_entry *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (find_binary(e->attrs[i].name) == NULL)
			print_attribute(&e->attrs[i]);
}

static json_t *
json_values(const struct dir_attr *a)
{
	json_t *values = json_array();

	for (size_t k = 0; k < a->count; k++) {
		OWNED(own_memory) char *text = value_text(a->name, buf_view(&a->values[k]));

		json_array_append_new(values, json_string(text));
	}
	return values;
}

static json_t *
json_entry(const struct dir_entry *e)
{
	json_t *attributes = json_object(), *certificates = json_array();

	walk_binaries(e, NULL, append_row, certificates);
	for (size_t i = 0; i < e->count; i++)
		if (find_binary(e->attrs[i].name) == NULL)
			json_object_set_new(
			    attributes, e->attrs[i].name, json_values(&e->attrs[i]));
	return json_pack(
	    "{s:s, s:o, s:o}", "dn", e->dn, "attributes", attributes, "contents", certificates);
}

static void
print_entry(const struct dir_entry *e, bool verbose)
{
	printf("%s\n", e->dn);
	if (verbose)
		print_attributes(e);
	for (size_t i = 0; i < e->count; i++) {
		const struct binary *b = find_binary(e->attrs[i].name);

		for (size_t k = 0; b != NULL && k < e->attrs[i].count; k++)
			print_binary(b, buf_view(&e->attrs[i].values[k]), verbose);
	}
}

bool
cmd_ds(struct work *w, struct err *err)
{
	const struct cli_options *opt = &w->cli->opt;
	OWNED(dir_entries_free) struct dir_entries tree = {0};
	OWNED(own_json) json_t *list = json_array();

	if (!pki_tree(w->session.directory, &tree, err))
		return false;
	for (size_t i = 0; i < tree.count; i++)
		if (opt->json)
			json_array_append_new(list, json_entry(&tree.list[i]));
		else
			print_entry(&tree.list[i], opt->verbose);
	if (opt->json)
		print_json(own_give(&list));
	return true;
}
