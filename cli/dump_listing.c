#include "dump_listing.h"

#include <openssl/err.h>
#include <openssl/objects.h>

#include "der.h"
#include "mem.h"
#include "own_openssl.h"
#include "text.h"

#define DEPTH_MAX  64
#define LINE_BYTES 32 /* of octets, two digits each */
#define INDENT     3

/* ---- names of objects ---- */

/* As RFCs and the paper have them, where OpenSSL has a name of its own. */
static const struct {
	int nid;
	const char *name;
} names[] = {
    {NID_pkcs7_signed, "signedData"},
    {NID_pkcs7_enveloped, "envelopedData"},
    {NID_pkcs7_data, "data"},
    {NID_pkcs9_contentType, "contentType"},
    {NID_pkcs9_messageDigest, "messageDigest"},
    {NID_pkcs9_signingTime, "signingTime"},
    {NID_ext_req, "extensionReq"},
    {NID_SMIMECapabilities, "sMIMECapabilities"},
    {NID_ms_efs, "encryptedFileSystem"},
    {NID_subject_key_identifier, "subjectKeyIdentifier"},
    {NID_authority_key_identifier, "authorityKeyIdentifier"},
    {NID_key_usage, "keyUsage"},
    {NID_ext_key_usage, "extKeyUsage"},
    {NID_basic_constraints, "basicConstraints"},
    {NID_crl_distribution_points, "cRLDistributionPoints"},
    {NID_info_access, "authorityInfoAccess"},
    {NID_ad_ca_issuers, "caIssuers"},
    {NID_subject_alt_name, "subjectAltName"},
    {NID_ms_upn, "userPrincipalName"},
    {NID_sha1, "sha1"},
    {NID_sha1WithRSAEncryption, "sha1withRSAEncryption"},
    {NID_rsaEncryption, "rsaEncryption"},
    {NID_des_ede3_cbc, "DES-EDE3-CBC"},
    {NID_des_cbc, "desCBC"},
    {NID_rc2_cbc, "rc2CBC"},
    {NID_rc4, "rc4"},
};

const char *
dump_oid_name(const ASN1_OBJECT *o)
{
	int nid = OBJ_obj2nid(o);

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (names[i].nid == nid)
			return names[i].name;
	return nid == NID_undef ? "" : OBJ_nid2ln(nid);
}

char *
dump_oid(const ASN1_OBJECT *o)
{
	const char *name = dump_oid_name(o);
	char dotted[256];

	if (OBJ_obj2txt(dotted, sizeof dotted, o, 1) <= 0)
		return mem_text("[?]");
	return text_printf("%s%s[%s]", name, *name != '\0' ? " " : "", dotted);
}

char *
dump_oid_by_text(const char *dotted)
{
	OWNED(own_asn1_object) ASN1_OBJECT *o = OBJ_txt2obj(dotted, 1);

	ERR_clear_error();
	return o != NULL ? dump_oid(o) : text_printf("[%s]", dotted);
}

/* ---- elements ---- */

struct element {
	int tag, cls;
	bool is_constructed;
	struct view content;
};

/* The next one of definite length. */
static bool
next_element(struct view *cursor, struct element *e)
{
	const unsigned char *p = cursor->ptr;
	long len;
	int form;

	if (cursor->len == 0)
		return false;
	form = der_head(&p, &len, &e->tag, &e->cls, cursor->len);
	if ((form & 0x81) != 0)
		return false;
	e->is_constructed = (form & V_ASN1_CONSTRUCTED) != 0;
	e->content = view_of(p, (size_t)len);
	*cursor = view_of(p + len, cursor->len - (size_t)(p + len - cursor->ptr));
	return true;
}

/* Is all of it elements, to the last octet? */
static bool
is_der(struct view v, int depth)
{
	struct element e;

	if (v.len == 0 || depth > DEPTH_MAX)
		return false;
	while (v.len > 0) {
		if (!next_element(&v, &e))
			return false;
		if (e.is_constructed && e.content.len > 0 && !is_der(e.content, depth + 1))
			return false;
	}
	return true;
}

/* Inside of an OCTET STRING or BIT STRING: one element, of a type that stands there. */
static bool
is_wrapped(struct view v)
{
	struct view cursor = v;
	struct element e;

	return next_element(&cursor, &e) && cursor.len == 0 && e.cls == V_ASN1_UNIVERSAL &&
	       (e.tag == V_ASN1_SEQUENCE || e.tag == V_ASN1_SET || e.tag == V_ASN1_OCTET_STRING ||
		   e.tag == V_ASN1_BIT_STRING || e.tag == V_ASN1_INTEGER ||
		   e.tag == V_ASN1_BMPSTRING || e.tag == V_ASN1_UTF8STRING) &&
	       is_der(v, 0);
}

/* ---- lines ---- */

struct listing {
	FILE *to;
	int depth;
};

static void
begin_line(const struct listing *l, int deeper)
{
	fprintf(l->to, "%*s", INDENT * (l->depth + deeper), "");
}

static void
put_hex(const struct listing *l, struct view v)
{
	fputc('\n', l->to);
	for (size_t i = 0; i < v.len; i += LINE_BYTES) {
		begin_line(l, 1);
		for (size_t k = i; k < v.len && k < i + LINE_BYTES; k++)
			fprintf(l->to, "%02X", v.ptr[k]);
		fputc('\n', l->to);
	}
}

static void list_all(const struct listing *l, struct view v);

static void
put_text(const struct listing *l, const struct element *e)
{
	OWNED(own_asn1_string) ASN1_STRING *s = ASN1_STRING_type_new(e->tag);
	OWNED(own_octets) unsigned char *utf8 = NULL;
	int len = -1;

	if (s != NULL && ASN1_STRING_set(s, e->content.ptr, (int)e->content.len) == 1)
		len = ASN1_STRING_to_UTF8(&utf8, s);
	ERR_clear_error();
	if (len >= 0)
		fprintf(l->to, "'%.*s'\n", len, (const char *)utf8);
	else
		put_hex(l, e->content);
}

static void
put_integer(const struct listing *l, struct view v)
{
	uint32_t n = 0;

	if (v.len == 0 || v.len > 4 || (v.ptr[0] & 0x80) != 0) {
		put_hex(l, v);
		return;
	}
	for (size_t i = 0; i < v.len; i++)
		n = n << 8 | v.ptr[i];
	fprintf(l->to, "%u\n", n);
}

static void
put_object(const struct listing *l, struct view content)
{
	OWNED(own_memory) char *text = NULL;
	OWNED(own_asn1_object) ASN1_OBJECT *o = NULL;
	OWNED(own_octets) unsigned char *der = NULL;
	int len = ASN1_object_size(0, (int)content.len, V_ASN1_OBJECT);
	unsigned char *p;
	const unsigned char *q;

	p = der = len > 0 ? OPENSSL_malloc((size_t)len) : NULL;
	if (der != NULL) {
		ASN1_put_object(&p, 0, (int)content.len, V_ASN1_OBJECT, V_ASN1_UNIVERSAL);
		if (content.len > 0)
			memcpy(p, content.ptr, content.len);
		q = der;
		o = d2i_ASN1_OBJECT(NULL, &q, len);
	}
	ERR_clear_error();
	text = o != NULL ? dump_oid(o) : mem_text("[?]");
	fprintf(l->to, "%s\n", text);
}

static bool
is_text(struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		if (v.ptr[i] < ' ' || v.ptr[i] > '~')
			return false;
	return v.len > 0;
}

/* How octets are shown that could be a text. */
enum shown { OCTETS, TEXT, BOTH };

/* What is inside, if that is DER. */
static void
put_wrapped(const struct listing *l, struct view v, enum shown shown)
{
	const struct listing deeper = {l->to, l->depth + 1};

	if (is_wrapped(v)) {
		fputc('\n', l->to);
		list_all(&deeper, v);
		return;
	}
	if (shown != OCTETS && is_text(v))
		fprintf(l->to, "'%.*s'", (int)v.len, (const char *)v.ptr);
	if (shown == TEXT && is_text(v))
		fputc('\n', l->to);
	else
		put_hex(l, v);
}

static const char *
type_name(int tag)
{
	static const struct {
		int tag;
		const char *name;
	} types[] = {{V_ASN1_BOOLEAN, "BOOLEAN"}, {V_ASN1_INTEGER, "INTEGER"},
	    {V_ASN1_BIT_STRING, "BIT STRING"}, {V_ASN1_OCTET_STRING, "OCTET STRING"},
	    {V_ASN1_NULL, "NULL"}, {V_ASN1_OBJECT, "OBJECT IDENTIFIER"},
	    {V_ASN1_ENUMERATED, "ENUMERATED"}, {V_ASN1_UTF8STRING, "UTF8 STRING"},
	    {V_ASN1_SEQUENCE, "SEQUENCE"}, {V_ASN1_SET, "SET"},
	    {V_ASN1_NUMERICSTRING, "NUMERIC STRING"}, {V_ASN1_PRINTABLESTRING, "PRINTABLE STRING"},
	    {V_ASN1_T61STRING, "T61 STRING"}, {V_ASN1_IA5STRING, "IA5 STRING"},
	    {V_ASN1_UTCTIME, "UTC TIME"}, {V_ASN1_GENERALIZEDTIME, "GENERALIZED TIME"},
	    {V_ASN1_UNIVERSALSTRING, "UNIVERSAL STRING"}, {V_ASN1_BMPSTRING, "BMP STRING"}};

	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (types[i].tag == tag)
			return types[i].name;
	return NULL;
}

static void
list_universal(const struct listing *l, const struct element *e)
{
	const char *name = type_name(e->tag);

	if (name != NULL)
		fprintf(l->to, "%s", name);
	else
		fprintf(l->to, "UNIVERSAL (%d)", e->tag);
	if (e->tag == V_ASN1_BIT_STRING && e->content.len > 0)
		fprintf(l->to, " UnusedBits:%d", e->content.ptr[0]);
	fputs(" : ", l->to);
	switch (e->tag) {
	case V_ASN1_BOOLEAN:
		fprintf(l->to, "%s\n",
		    e->content.len == 1 && e->content.ptr[0] != 0 ? "TRUE" : "FALSE");
		break;
	case V_ASN1_NULL:
		fputc('\n', l->to);
		break;
	case V_ASN1_INTEGER:
	case V_ASN1_ENUMERATED:
		put_integer(l, e->content);
		break;
	case V_ASN1_OBJECT:
		put_object(l, e->content);
		break;
	case V_ASN1_BIT_STRING:
		put_wrapped(l,
		    e->content.len > 0 ? view_of(e->content.ptr + 1, e->content.len - 1)
				       : e->content,
		    OCTETS);
		break;
	case V_ASN1_OCTET_STRING:
		put_wrapped(l, e->content, BOTH);
		break;
	default:
		if (name != NULL)
			put_text(l, e);
		else
			put_hex(l, e->content);
		break;
	}
}

static void
list_one(const struct listing *l, const struct element *e)
{
	const struct listing deeper = {l->to, l->depth + 1};

	begin_line(l, 0);
	if (e->cls != V_ASN1_UNIVERSAL)
		fprintf(l->to, "%s (%d) : ",
		    e->cls == V_ASN1_CONTEXT_SPECIFIC ? "CONTEXT SPECIFIC" : "PRIVATE", e->tag);
	if (e->is_constructed) {
		if (e->cls == V_ASN1_UNIVERSAL)
			fprintf(l->to,
			    "%s :", type_name(e->tag) != NULL ? type_name(e->tag) : "CONSTRUCTED");
		fputc('\n', l->to);
		if (l->depth < DEPTH_MAX)
			list_all(&deeper, e->content);
	} else if (e->cls == V_ASN1_UNIVERSAL) {
		list_universal(l, e);
	} else {
		put_wrapped(l, e->content, TEXT);
	}
}

static void
list_all(const struct listing *l, struct view v)
{
	struct element e;

	while (v.len > 0) {
		if (!next_element(&v, &e)) {
			begin_line(l, 0);
			fprintf(l->to, "%zu octets that are no DER", v.len);
			put_hex(l, v);
			return;
		}
		list_one(l, &e);
	}
}

void
dump_listing(FILE *to, struct view der)
{
	list_all(&(struct listing){to, 0}, der);
}
