#include "dump_value.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "clock.h"
#include "der.h"
#include "dump_listing.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

#define DEPTH_MAX 16
#define PRINT_MAX 65536 /* of what OpenSSL makes of one extension */

json_t *
dump_time(const ASN1_TIME *t)
{
	char text[21];
	struct tm tm;

	if (t == NULL || ASN1_TIME_to_tm(t, &tm) != 1)
		return json_null();
	clock_format(timegm(&tm), text);
	return json_string(text);
}

json_t *
dump_text(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *
take_text(char *text)
{
	json_t *j = dump_text(text);

	free(text);
	return j;
}

json_t *
dump_hex(struct view v)
{
	return take_text(hex_encode(v, '\0'));
}

/* ---- ASN.1 of any kind ---- */

static json_t *of_type(const ASN1_TYPE *t, int depth);

static json_t *
of_members(struct view content, int depth)
{
	const unsigned char *p = content.ptr;
	ASN1_SEQUENCE_ANY *list = NULL;
	json_t *out = json_array();

	if (depth > DEPTH_MAX || content.len == 0)
		return out;
	list = *p == (V_ASN1_SET | V_ASN1_CONSTRUCTED)
		   ? d2i_ASN1_SET_ANY(NULL, &p, (long)content.len)
		   : d2i_ASN1_SEQUENCE_ANY(NULL, &p, (long)content.len);
	for (int i = 0; i < sk_ASN1_TYPE_num(list); i++)
		json_array_append_new(out, of_type(sk_ASN1_TYPE_value(list, i), depth + 1));
	sk_ASN1_TYPE_pop_free(list, ASN1_TYPE_free);
	ERR_clear_error();
	return out;
}

static json_t *
of_number(const ASN1_INTEGER *n)
{
	int64_t small;
	bool fits = der_int64(&small, n);

	ERR_clear_error();
	return fits ? json_integer((json_int_t)small)
		    : dump_hex(view_of(n->data, (size_t)n->length));
}

static json_t *
of_string(const ASN1_STRING *s)
{
	OWNED(own_octets) unsigned char *utf8 = NULL;
	int len = ASN1_STRING_to_UTF8(&utf8, s);
	json_t *text = len >= 0 ? json_stringn((const char *)utf8, (size_t)len) : NULL;

	ERR_clear_error();
	return text != NULL ? text : dump_hex(view_of(s->data, (size_t)s->length));
}

static json_t *
of_type(const ASN1_TYPE *t, int depth)
{
	switch (t->type) {
	case V_ASN1_SEQUENCE:
	case V_ASN1_SET:
		return of_members(
		    view_of(t->value.sequence->data, (size_t)t->value.sequence->length), depth);
	case V_ASN1_OBJECT:
		return take_text(dump_oid(t->value.object));
	case V_ASN1_NULL:
		return json_null();
	case V_ASN1_BOOLEAN:
		return json_boolean(t->value.boolean != 0);
	case V_ASN1_INTEGER:
	case V_ASN1_ENUMERATED:
		return of_number(t->value.integer);
	case V_ASN1_UTF8STRING:
	case V_ASN1_PRINTABLESTRING:
	case V_ASN1_IA5STRING:
	case V_ASN1_BMPSTRING:
	case V_ASN1_T61STRING:
	case V_ASN1_NUMERICSTRING:
	case V_ASN1_UNIVERSALSTRING:
	case V_ASN1_UTCTIME:
	case V_ASN1_GENERALIZEDTIME:
		return of_string(t->value.asn1_string);
	default:
		return dump_hex(
		    view_of(t->value.asn1_string->data, (size_t)t->value.asn1_string->length));
	}
}

static json_t *
of_any(struct view der)
{
	const unsigned char *p = der.ptr;
	OWNED(own_asn1_type) ASN1_TYPE *t = d2i_ASN1_TYPE(NULL, &p, (long)der.len);
	bool whole = t != NULL && p == der.ptr + der.len;

	ERR_clear_error();
	return whole ? of_type(t, 0) : dump_hex(der);
}

/* ---- those whose fields have names ---- */

/* Members of a SEQUENCE by these names, in their order. */
static json_t *
named(struct view der, const char *const *names, size_t count)
{
	json_t *list = of_any(der), *out = json_object();

	if (!json_is_array(list) || json_array_size(list) > count) {
		json_decref(out);
		return list;
	}
	for (size_t i = 0; i < json_array_size(list); i++)
		json_object_set(out, names[i], json_array_get(list, i));
	json_decref(list);
	return out;
}

/* [MS-WCCE] 2.2.2.7.4: who made the request, with which program. */
static json_t *
of_client_info(struct view der)
{
	static const char *const fields[] = {"client_id", "machine", "user", "process"};
	static const char *const ids[] = {"?", "XEnroll2003", "AutoEnroll2003", "Wizard2003",
	    "CertReq2003", "DefaultRequest", "AutoEnroll", "RequestWizard", "EOBO", "CertReq",
	    "Test", "WinRT"};
	json_t *info = named(der, fields, COUNT_OF(fields));
	json_int_t id = json_integer_value(json_object_get(info, "client_id"));

	if (json_is_object(info) && id > 0 && id < (json_int_t)COUNT_OF(ids))
		json_object_set_new(
		    info, "client_id", take_text(text_printf("%d %s", (int)id, ids[id])));
	return info;
}

static json_t *
of_provider(struct view der)
{
	static const char *const fields[] = {"key_spec", "provider", "signature"};
	json_t *csp = named(der, fields, COUNT_OF(fields));
	const char *signature = json_string_value(json_object_get(csp, "signature"));

	if (json_is_object(csp) && signature != NULL && signature[strspn(signature, "0")] == '\0')
		json_object_set_new(csp, "signature",
		    take_text(text_printf("%zu octets of zero", strlen(signature) / 2)));
	return csp;
}

static json_t *
of_name_value(struct view der)
{
	static const char *const fields[] = {"name", "value"};

	return named(der, fields, COUNT_OF(fields));
}

static json_t *
of_template(struct view der)
{
	static const char *const fields[] = {"template", "major_version", "minor_version"};

	return named(der, fields, COUNT_OF(fields));
}

static json_t *
of_certificate(struct view der)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err err;

	if (!pkix_cert_decode(der, &cert, &err))
		return dump_hex(der);
	return json_pack("{s:o, s:o, s:o}", "subject", take_text(pkix_name_text(cert.subject)),
	    "serial_number", take_text(pkix_serial_text(cert.serial)), "certificate_hash",
	    dump_hex(view_of(cert.sha1, sizeof cert.sha1)));
}

static json_t *
of_extension_request(struct view der)
{
	const unsigned char *p = der.ptr;
	OWNED(own_x509_extensions)
	X509_EXTENSIONS *list = d2i_X509_EXTENSIONS(NULL, &p, (long)der.len);
	OWNED(own_memory)
	struct pkix_extension *all = mem_zero((size_t)sk_X509_EXTENSION_num(list) + 2, sizeof *all);
	size_t n = 0;

	ERR_clear_error();
	for (int i = 0; i < sk_X509_EXTENSION_num(list); i++) {
		X509_EXTENSION *e = sk_X509_EXTENSION_value(list, i);
		const ASN1_OCTET_STRING *v = X509_EXTENSION_get_data(e);

		OBJ_obj2txt(all[n].oid, sizeof all[n].oid, X509_EXTENSION_get_object(e), 1);
		all[n].critical = X509_EXTENSION_get_critical(e) == 1;
		all[n++].value = view_of(v->data, (size_t)v->length);
	}
	return list != NULL ? dump_extensions(all, n) : dump_hex(der);
}

static json_t *
of_sid(struct view value)
{
	return take_text(pkix_sid_text(value));
}

static json_t *
of_sealed(struct view der)
{
	return dump_sealed(der);
}

static const struct {
	const char *oid;
	json_t *(*make)(struct view der);
} known[] = {
    {"1.3.6.1.4.1.311.21.20", of_client_info},
    {"1.3.6.1.4.1.311.13.2.2", of_provider},
    {"1.3.6.1.4.1.311.13.2.1", of_name_value},
    {"1.3.6.1.4.1.311.13.1", of_certificate},
    {"1.3.6.1.4.1.311.21.7", of_template},
    {"1.3.6.1.4.1.311.21.13", of_sealed},
    {"1.3.6.1.4.1.311.25.2", of_sid},
    {"1.3.6.1.4.1.311.2.1.14", of_extension_request},
    {"1.2.840.113549.1.9.14", of_extension_request},
};

static json_t *
value_of(const char *oid, struct view der)
{
	for (size_t i = 0; i < COUNT_OF(known); i++)
		if (strcmp(known[i].oid, oid) == 0)
			return known[i].make(der);
	return of_any(der);
}

/* ---- extensions ---- */

/* What OpenSSL says of it, in lines; NULL: nothing. */
static json_t *
printed(const struct pkix_extension *e)
{
	OWNED(own_asn1_object) ASN1_OBJECT *o = OBJ_txt2obj(e->oid, 1);
	OWNED(own_asn1_octets) ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
	OWNED(own_x509_extension) X509_EXTENSION *ext = NULL;
	OWNED(own_bio) BIO *bio = BIO_new(BIO_s_mem());
	OWNED(own_memory) char *text = NULL;
	json_t *lines = NULL;
	char *all, *rest, *line;
	long len;

	if (o != NULL && value != NULL && bio != NULL &&
	    ASN1_OCTET_STRING_set(value, e->value.ptr, (int)e->value.len) == 1 &&
	    (ext = X509_EXTENSION_create_by_OBJ(NULL, o, e->critical, value)) != NULL &&
	    X509V3_EXT_print(bio, ext, X509V3_EXT_DEFAULT, 0) == 1 &&
	    (len = BIO_get_mem_data(bio, &all)) > 0 && len < PRINT_MAX) {
		lines = json_array();
		rest = text = mem_text_n(all, (size_t)len);
		while ((line = strsep(&rest, "\n")) != NULL) {
			line += strspn(line, " ");
			if (*line != '\0')
				json_array_append_new(lines, json_string(line));
		}
		if (json_array_size(lines) == 1) {
			json_t *one = json_incref(json_array_get(lines, 0));

			json_decref(lines);
			lines = one;
		}
	}
	ERR_clear_error();
	return lines;
}

static json_t *
extension_value(const struct pkix_extension *e)
{
	json_t *value = NULL;

	for (size_t i = 0; value == NULL && i < COUNT_OF(known); i++)
		if (strcmp(known[i].oid, e->oid) == 0)
			value = known[i].make(e->value);
	if (value == NULL)
		value = printed(e);
	return value != NULL ? value : of_any(e->value);
}

static json_t *
entry(const char *oid, json_t *value)
{
	OWNED(own_asn1_object) ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);

	ERR_clear_error();
	return json_pack("{s:s, s:s, s:o}", "name", o != NULL ? dump_oid_name(o) : "", "oid", oid,
	    "value", value);
}

json_t *
dump_extensions(const struct pkix_extension *list, size_t count)
{
	json_t *out = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *e = entry(list[i].oid, extension_value(&list[i]));

		json_object_set_new(e, "critical", json_boolean(list[i].critical));
		json_array_append_new(out, e);
	}
	return out;
}

json_t *
dump_attributes(const struct cms_attr *list, size_t count)
{
	json_t *out = json_array();

	for (size_t i = 0; i < count; i++) {
		struct view cursor = list[i].values, value;

		while (der_next(&cursor, &value))
			json_array_append_new(
			    out, entry(list[i].oid, value_of(list[i].oid, value)));
	}
	return out;
}

/* ---- sealed keys, algorithms ---- */

json_t *
dump_sealed(struct view der)
{
	OWNED(cms_enveloped_free) struct cms_enveloped e = {0};
	json_t *recipients, *out;
	struct err err;

	if (!cms_sealed_decode(der, &e, &err))
		return json_pack("{s:s}", "error", err.msg);
	recipients = json_array();
	for (size_t i = 0; i < e.count; i++) {
		const struct cms_recipient *r = &e.recipients[i];
		const char *how = r->is_key_agreement ? "ECDH" : r->is_pkcs1 ? "RSA" : "RSA-OAEP";

		json_array_append_new(recipients,
		    r->key_id.len > 0 ? json_pack("{s:s, s:o}", "encryption", how, "key_identifier",
					    dump_hex(r->key_id))
				      : json_pack("{s:s, s:o, s:o}", "encryption", how, "issuer",
					    take_text(pkix_name_text(r->issuer)), "serial_number",
					    take_text(pkix_serial_text(r->serial))));
	}
	out = json_pack("{s:o}", "content",
	    take_text(text_printf("%s, %s",
		cms_is_gcm(e.cipher) ? "AuthEnvelopedData" : "EnvelopedData", e.cipher_name)));
	if (e.threshold > 1)
		json_object_set_new(out, "opened_by",
		    take_text(text_printf("%zu of %zu together", e.threshold, e.count)));
	json_object_set_new(out, "recipients", recipients);
	return out;
}

json_t *
dump_algorithm(const X509_ALGOR *alg)
{
	return alg != NULL ? take_text(dump_oid(alg->algorithm)) : json_null();
}

/* ---- as text ---- */

static void print_value(const char *label, const json_t *value, int indent);

static void
print_members(const json_t *object, int indent)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		OWNED(own_memory) char *label = mem_text(key);

		for (char *p = label; *p != '\0'; p++)
			if (*p == '_')
				*p = ' ';
		if (*label >= 'a' && *label <= 'z')
			*label = (char)(*label - 'a' + 'A');
		print_value(label, value, indent);
	}
}

static bool
is_entry(const json_t *value)
{
	return json_object_get(value, "oid") != NULL && json_object_get(value, "value") != NULL;
}

static void
print_entry(const json_t *e, int indent)
{
	const char *name = json_string_value(json_object_get(e, "name"));
	OWNED(own_memory)
	char *label = text_printf("%s%s[%s]%s", name, *name != '\0' ? " " : "",
	    json_string_value(json_object_get(e, "oid")),
	    json_is_true(json_object_get(e, "critical")) ? " (critical)" : "");

	print_value(label, json_object_get(e, "value"), indent);
}

static bool
is_scalar(const json_t *value)
{
	return !json_is_array(value) && !json_is_object(value);
}

static void
print_scalar(const json_t *value)
{
	if (json_is_string(value))
		fputs(*json_string_value(value) != '\0' ? json_string_value(value) : "-", stdout);
	else if (json_is_integer(value))
		printf("%lld", (long long)json_integer_value(value));
	else
		fputs(json_is_true(value) ? "yes" : json_is_false(value) ? "no" : "-", stdout);
}

/* A short list of short values, on its line. */
static bool
print_line(const char *label, const json_t *list, int indent)
{
	size_t n = json_array_size(list);

	for (size_t i = 0; i < n; i++)
		if (!is_scalar(json_array_get(list, i)))
			return false;
	if (n > (label != NULL ? 1 : 4))
		return false;
	printf("%*s%s%s", indent, "", label != NULL ? label : "", label != NULL ? ": " : "");
	for (size_t i = 0; i < n; i++) {
		fputs(i > 0 ? ", " : "", stdout);
		print_scalar(json_array_get(list, i));
	}
	putchar('\n');
	return true;
}

/* "Recipients" one by one: "Recipient 0". */
static void
print_array(const char *label, const json_t *list, int indent)
{
	size_t n = json_array_size(list), len = label != NULL ? strlen(label) : 0;
	bool simple =
	    n == 0 || is_entry(json_array_get(list, 0)) || !json_is_object(json_array_get(list, 0));

	if (n == 0 || print_line(label, list, indent))
		return;
	if (simple && label != NULL)
		printf("%*s%s:\n", indent, "", label);
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);

		if (is_entry(one)) {
			print_entry(one, indent + 2);
		} else if (simple) {
			print_value(NULL, one, indent + 2);
		} else {
			printf("%*s%.*s %zu:\n", indent, "",
			    (int)(len > 1 && label[len - 1] == 's' ? len - 1 : len),
			    label != NULL ? label : "", i);
			print_members(one, indent + 2);
		}
	}
}

static void
print_value(const char *label, const json_t *value, int indent)
{
	if (json_is_array(value)) {
		print_array(label, value, indent);
		return;
	}
	if (json_is_object(value)) {
		if (label != NULL)
			printf("%*s%s:\n", indent, "", label);
		print_members(value, indent + (label != NULL ? 2 : 0));
		return;
	}
	printf("%*s%s%s", indent, "", label != NULL ? label : "", label != NULL ? ": " : "");
	print_scalar(value);
	putchar('\n');
}

void
dump_print(const json_t *value)
{
	print_members(value, 0);
}
