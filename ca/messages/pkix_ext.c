#include "pkix_priv.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "der.h"
#include "mem.h"
#include "oids.h"

static bool
extension_view(X509_EXTENSION *from, struct pkix_extension *to, struct err *err)
{
	const ASN1_OBJECT *oid = X509_EXTENSION_get_object(from);

	if (!oid_text(oid, to->oid, sizeof to->oid))
		return err_set(err, ERROR_INVALID_DATA,
		    "an extension has an object identifier of over %zu characters",
		    sizeof to->oid - 1);
	to->nid = OBJ_obj2nid(oid);
	to->critical = X509_EXTENSION_get_critical(from) != 0;
	to->value = pkix_string_view(X509_EXTENSION_get_data(from));
	return true;
}

bool
pkix_extensions_add(const STACK_OF(X509_EXTENSION) * from, struct pkix_extension **list,
    size_t *count, struct err *err)
{
	size_t more = from != NULL ? (size_t)sk_X509_EXTENSION_num(from) : 0;
	struct pkix_extension *grown = NULL;

	if (more == 0)
		return true;
	if (more > PKIX_MAX_ITEMS || *count + more > PKIX_MAX_ITEMS)
		return err_set(err, ERROR_INVALID_DATA, "more than %d extensions", PKIX_MAX_ITEMS);
	if ((grown = reallocarray(*list, *count + more, sizeof **list)) == NULL)
		return err_nomem(err);
	*list = grown;
	for (size_t i = 0; i < more; i++) {
		if (!extension_view(sk_X509_EXTENSION_value(from, (int)i), &grown[*count], err))
			return false;
		for (size_t j = 0; j < *count; j++)
			if (strcmp(grown[j].oid, grown[*count].oid) == 0)
				return err_set(err, ERROR_INVALID_DATA,
				    "extension %s is there twice", grown[j].oid);
		(*count)++;
	}
	return true;
}

bool
pkix_ext_push(STACK_OF(X509_EXTENSION) * list, const char *dotted, bool critical, struct view value,
    struct err *err)
{
	OWNED(own_asn1_object) ASN1_OBJECT *oid = OBJ_txt2obj(dotted, 1);
	OWNED(own_asn1_octets) ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
	OWNED(own_x509_extension) X509_EXTENSION *ext = NULL;

	if (oid == NULL)
		return err_openssl(
		    err, E_INVALIDARG, "extension %s: not an object identifier", dotted);
	if (X509v3_get_ext_by_OBJ(list, oid, -1) >= 0)
		return err_set(err, E_INVALIDARG, "extension %s: already there", dotted);
	if (value.len > PKIX_MAX_DER)
		return err_set(
		    err, DIRCA_E_TOO_LARGE, "extension %s: %zu bytes", dotted, value.len);
	if (octets == NULL || ASN1_OCTET_STRING_set(octets, value.ptr, (int)value.len) != 1 ||
	    (ext = X509_EXTENSION_create_by_OBJ(NULL, oid, critical, octets)) == NULL ||
	    sk_X509_EXTENSION_push(list, ext) <= 0)
		return err_nomem(err);
	ext = NULL; /* the list's */
	return true;
}

static const struct pkix_extension *
find_oid(const struct pkix_extension *list, size_t count, enum oid_id id)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].oid, oid_dotted(id)) == 0)
			return &list[i];
	return NULL;
}

/* 20.2: a bare string is what CAs and clients write, SEQUENCE { UTF8String } what
 * [MS-WCCE] 2.2.2.7.7.1 prints. */
static bool
read_template_name(struct view der, char **cn_out, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_pkix_template_name) PKIX_TEMPLATE_NAME *seq = NULL;
	OWNED(own_asn1_string) ASN1_STRING *bare = NULL;
	const ASN1_STRING *name = NULL;

	if (!pkix_der_is_strict(der))
		return err_set(
		    err, ERROR_INVALID_DATA, "template name extension: not one DER element");
	if (der.ptr[0] == (V_ASN1_SEQUENCE | V_ASN1_CONSTRUCTED))
		name = (seq = d2i_PKIX_TEMPLATE_NAME(NULL, &p, (long)der.len)) != NULL ? seq->name
										       : NULL;
	else
		name = bare = d2i_ASN1_PRINTABLE(NULL, &p, (long)der.len);
	if (name == NULL || p != der.ptr + der.len)
		return err_openssl(err, ERROR_INVALID_DATA, "template name extension: not a text");
	if (ASN1_STRING_length(name) == 0)
		return err_set(
		    err, ERROR_INVALID_DATA, "template name extension: the name is empty");
	if (!pkix_string_text(name, cn_out, err))
		return err_prefix(err, "template name extension");
	return true;
}

static bool
read_version(const ASN1_INTEGER *from, int64_t *to)
{
	return der_int64(to, from) && *to >= 0 && *to <= INT32_MAX;
}

/* 21.7 ([MS-WCCE] 2.2.2.7.7.2). A minor version without a major one cannot be told from it: a lone
 * number is the major. */
static bool
read_template_oid(struct view der, struct pkix_template_id *out, struct err *err)
{
	const unsigned char *p = der.ptr;
	OWNED(own_pkix_template) PKIX_TEMPLATE *t = NULL;
	char text[128];

	if (!pkix_der_is_strict(der) || (t = d2i_PKIX_TEMPLATE(NULL, &p, (long)der.len)) == NULL ||
	    p != der.ptr + der.len)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "template extension: not { OID, major, minor }");
	if (!oid_text(t->oid, text, sizeof text))
		return err_set(err, ERROR_INVALID_DATA,
		    "template extension: the object identifier is over %zu characters long",
		    sizeof text - 1);
	if ((t->major != NULL && !read_version(t->major, &out->major)) ||
	    (t->minor != NULL && !read_version(t->minor, &out->minor)))
		return err_openssl(err, ERROR_INVALID_DATA,
		    "template extension: a version is not within 0 to 2147483647");
	out->has_version = t->major != NULL;
	out->oid = mem_text(text);
	return true;
}

bool
pkix_template_id(
    const struct pkix_extension *list, size_t count, struct pkix_template_id *out, struct err *err)
{
	const struct pkix_extension *name = find_oid(list, count, OID_ENROLL_CERTTYPE);
	const struct pkix_extension *id = find_oid(list, count, OID_CERTIFICATE_TEMPLATE);

	*out = (struct pkix_template_id){0};
	return (name == NULL || read_template_name(name->value, &out->cn, err)) &&
	       (id == NULL || read_template_oid(id->value, out, err));
}

void
pkix_template_id_free(struct pkix_template_id *id)
{
	free(id->cn);
	free(id->oid);
	*id = (struct pkix_template_id){0};
}
