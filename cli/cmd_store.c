/* dirca viewstore, dirca ds: what lies under CN=Public Key Services. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <openssl/x509v3.h>

#include "clock.h"
#include "mem.h"
#include "own_json.h"
#include "print.h"
#include "sd.h"
#include "text.h"
#include "verbs.h"
#include "work.h"

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
	for (size_t i = 0; i < sizeof binaries / sizeof binaries[0]; i++)
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
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	char *text = n != NULL ? i2s_ASN1_INTEGER(NULL, n) : NULL;
	char *copy = text != NULL ? strdup(text) : NULL;

	OPENSSL_free(text);
	ASN1_INTEGER_free(n);
	return copy;
}

/* {number, this_update, next_update, entries, sha1}; NULL if it is no CRL. Objects of a CA demand
 * CRLs that nobody reads: what stands in for them has no issuer. */
static json_t *
json_crl(struct view der)
{
	const uint8_t *p = der.ptr;
	X509_CRL *crl = d2i_X509_CRL(NULL, &p, (long)der.len);
	char from[21], until[21], *number;
	json_t *value;

	if (crl == NULL || p != der.ptr + der.len ||
	    X509_NAME_entry_count(X509_CRL_get_issuer(crl)) == 0) {
		X509_CRL_free(crl);
		return NULL;
	}
	number = crl_number(crl);
	clock_format(when(X509_CRL_get0_lastUpdate(crl)), from);
	clock_format(when(X509_CRL_get0_nextUpdate(crl)), until);
	value = json_pack("{s:s?, s:s, s:s, s:i}", "crl_number", number, "this_update", from,
	    "next_update", until, "entries", sk_X509_REVOKED_num(X509_CRL_get_REVOKED(crl)));
	free(number);
	X509_CRL_free(crl);
	return value;
}

/* One certificate or CRL of an entry, as JSON; NULL for a placeholder. */
static json_t *
json_binary(const struct binary *b, struct view der)
{
	struct pkix_cert cert = {0};
	struct err err;
	json_t *value;

	if (b->holds == HOLDS_CRL)
		return json_crl(der);
	if (!pkix_cert_decode(der, &cert, &err))
		return json_pack("{s:s}", "error", err.msg);
	value = json_cert(&cert);
	pkix_cert_free(&cert);
	return value;
}

static void
print_binary(const struct binary *b, struct view der, bool verbose)
{
	struct pkix_cert cert = {0};
	struct err err;

	if (b->holds == HOLDS_CRL) {
		json_t *crl = json_crl(der);

		if (crl != NULL)
			printf("  CRL %s  %s .. %s  %d entries\n", json_text(crl, "crl_number"),
			    json_text(crl, "this_update"), json_text(crl, "next_update"),
			    (int)json_integer_value(json_object_get(crl, "entries")));
		json_decref(crl);
	} else if (!pkix_cert_decode(der, &cert, &err)) {
		printf("  %s: no certificate: %s\n", b->attr, err.msg);
	} else if (verbose) {
		print_cert(stdout, "  ", &cert);
		putchar('\n');
	} else {
		char *subject = pkix_name_text(cert.subject);

		printf("  Cert Hash(sha1): ");
		print_hash(stdout, cert.sha1, sizeof cert.sha1);
		printf("  %s  until ", subject != NULL ? subject : "?");
		print_when(stdout, cert.not_after);
		putchar('\n');
		free(subject);
	}
	pkix_cert_free(&cert);
}

/* ---- viewstore ---- */

/* Certificates and CRLs of one entry; `only` NULL: of all attributes. */
static size_t
show_binaries(const struct dir_entry *e, const char *only, json_t *list, bool verbose)
{
	size_t shown = 0;

	for (size_t i = 0; i < e->count; i++) {
		const struct binary *b = find_binary(e->attrs[i].name);

		if (b == NULL || (only != NULL && !text_eq_nocase(only, e->attrs[i].name)))
			continue;
		for (size_t k = 0; k < e->attrs[i].count; k++) {
			struct view der = buf_view(&e->attrs[i].values[k]);
			json_t *value = json_binary(b, der);

			if (value == NULL)
				continue;
			if (shown++ == 0 && list == NULL)
				printf("%s\n", e->dn);
			if (list != NULL) {
				json_object_set_new(value, "object", json_string(e->dn));
				json_object_set_new(value, "attribute", json_string(b->attr));
				json_array_append(list, value);
			} else {
				print_binary(b, der, verbose);
			}
			json_decref(value);
		}
	}
	return shown;
}

static const struct store *
find_store(const char *name)
{
	for (size_t i = 0; i < sizeof stores / sizeof stores[0]; i++)
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
	OWNED(own_json) json_t *list = w->cli->opt.json ? json_array() : NULL;
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(own_memory) char *attr = NULL;
	size_t shown = 0;

	if (!read_store(&w->session, what, &found, &attr, err))
		return false;
	for (size_t i = 0; i < found.count; i++)
		shown += show_binaries(&found.list[i], attr, list, true);
	if (list != NULL)
		print_json(own_give(&list));
	return shown > 0 || err_set(err, CRYPT_E_NOT_FOUND, "no certificate and no CRL is there");
}

/* ---- ds ---- */

/* Text as it stands; bytes as hex, long ones by their size. */
static char *
value_text(const char *attr, struct view v)
{
	struct err ignored;
	struct sd sd;
	char *text = NULL;

	if (text_eq_nocase(attr, "nTSecurityDescriptor") && sd_decode(v, &sd, &ignored)) {
		text = sd_to_sddl(&sd);
		sd_free(&sd);
		return text;
	}
	if (text_from_view(v, &text, &ignored))
		return text;
	return v.len <= 64 ? hex_encode(v, '\0') : text_printf("(%zu bytes)", v.len);
}

static void
print_attributes(const struct dir_entry *e)
{
	for (size_t i = 0; i < e->count; i++)
		for (size_t k = 0; find_binary(e->attrs[i].name) == NULL && k < e->attrs[i].count;
		     k++) {
			char *text = value_text(e->attrs[i].name, buf_view(&e->attrs[i].values[k]));

			printf("  %s: %s\n", e->attrs[i].name, text != NULL ? text : "?");
			free(text);
		}
}

static json_t *
json_entry(const struct dir_entry *e)
{
	json_t *attributes = json_object(), *certificates = json_array();

	show_binaries(e, NULL, certificates, false);
	for (size_t i = 0; i < e->count; i++) {
		json_t *values;

		if (find_binary(e->attrs[i].name) != NULL)
			continue;
		values = json_array();
		for (size_t k = 0; k < e->attrs[i].count; k++) {
			char *text = value_text(e->attrs[i].name, buf_view(&e->attrs[i].values[k]));

			json_array_append_new(values, json_string(text != NULL ? text : ""));
			free(text);
		}
		json_object_set_new(attributes, e->attrs[i].name, values);
	}
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
