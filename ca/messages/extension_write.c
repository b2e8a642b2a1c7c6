#include "extension_write.h"

#include <openssl/objects.h>

#include "extension_priv.h"
#include "oids.h"

#define NAME_EMAIL 0x81 /* rfc822Name [1] and dNSName [2], RFC 5280 4.2.1.6 */
#define NAME_DNS   0x82

struct open_extension {
	size_t whole, value;
};

static struct open_extension
open_extension(struct der_out *o, struct view oid, bool critical)
{
	const uint8_t yes = 0xff;
	struct open_extension x = {.whole = der_open(o, DER_SEQUENCE)};

	der_put_element(o, DER_OBJECT, oid);
	if (critical)
		der_put_element(o, DER_BOOLEAN, view_of(&yes, 1));
	x.value = der_open(o, DER_OCTET_STRING);
	return x;
}

static void
close_extension(struct der_out *o, struct open_extension x)
{
	der_close(o, x.value);
	der_close(o, x.whole);
}

void
ext_put(struct der_out *o, struct view oid, bool critical, struct view value)
{
	struct open_extension x = open_extension(o, oid, critical);

	der_put(o, value);
	close_extension(o, x);
}

void
ext_put_ski(struct der_out *o, bool critical, struct view key_id)
{
	struct open_extension x =
	    open_extension(o, oid_nid_octets(NID_subject_key_identifier), critical);

	der_put_element(o, DER_OCTET_STRING, key_id);
	close_extension(o, x);
}

void
ext_put_san(struct der_out *o, bool critical, struct view value)
{
	ext_put(o, oid_nid_octets(NID_subject_alt_name), critical, value);
}

/* otherName [0] { oid, [0] value } */
static void
put_other_name(struct der_out *o, struct view oid, uint8_t first, struct view value)
{
	size_t name = der_open(o, DER_CONTEXT_0), tagged;

	der_put_element(o, DER_OBJECT, oid);
	tagged = der_open(o, DER_CONTEXT_0);
	der_put_element(o, first, value);
	der_close(o, tagged);
	der_close(o, name);
}

void
ext_put_sid(struct der_out *o, bool critical, const char *sid_text)
{
	struct open_extension x = open_extension(o, oid_octets(OID_NTDS_CA_SECURITY_EXT), critical);
	size_t names = der_open(o, DER_SEQUENCE);

	put_other_name(o, oid_octets(OID_NTDS_OBJECTSID), DER_OCTET_STRING, view_str(sid_text));
	der_close(o, names);
	close_extension(o, x);
}

static bool
put_ascii(struct der_out *o, uint8_t first, const char *text, struct err *err)
{
	der_put_element(o, first, view_str(text));
	return ext_is_ascii(text, err);
}

bool
ext_put_email(struct der_out *o, const char *text, struct err *err)
{
	return put_ascii(o, NAME_EMAIL, text, err);
}

bool
ext_put_dns(struct der_out *o, const char *text, struct err *err)
{
	return put_ascii(o, NAME_DNS, text, err);
}

void
ext_put_upn(struct der_out *o, const char *upn)
{
	put_other_name(o, oid_nid_octets(NID_ms_upn), DER_UTF8_STRING, view_str(upn));
}

void
ext_put_guid(struct der_out *o, const uint8_t guid[16])
{
	put_other_name(o, oid_octets(OID_NTDS_REPLICATION), DER_OCTET_STRING, view_of(guid, 16));
}
