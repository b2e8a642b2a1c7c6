/* Extensions that hold names: subjectAltName, and the SID as Windows writes it. */
#include "extension_priv.h"

#include "oids.h"

#define OID_SUBJECT_ALT_NAME "2.5.29.17"
#define OID_UPN              "1.3.6.1.4.1.311.20.2.3"

/* otherName { oid, [0] value }; takes over `value`, also on failure. */
static bool
add_other_name(GENERAL_NAMES *names, const char *oid, int type, ASN1_STRING *value, struct err *err)
{
	OWNED(own_asn1_string) ASN1_STRING *held = value;
	OWNED(own_asn1_object) ASN1_OBJECT *o = ext_object(oid, err);
	OWNED(own_asn1_type) ASN1_TYPE *t = ASN1_TYPE_new();
	OWNED(own_general_name) GENERAL_NAME *name = GENERAL_NAME_new();

	if (o == NULL || t == NULL || name == NULL || value == NULL)
		return err_nomem(err);
	ASN1_TYPE_set(t, type, own_give(&held));
	if (!GENERAL_NAME_set0_othername(name, o, t))
		return err_openssl(err, DIRCA_E_CRYPTO, "cannot make an otherName");
	o = NULL;
	t = NULL;
	if (!sk_GENERAL_NAME_push(names, name))
		return err_nomem(err);
	name = NULL;
	return true;
}

bool
ext_add_upn(GENERAL_NAMES *names, const char *upn, struct err *err)
{
	return add_other_name(
	    names, OID_UPN, V_ASN1_UTF8STRING, ext_string(V_ASN1_UTF8STRING, upn, -1), err);
}

bool
ext_add_guid(GENERAL_NAMES *names, const uint8_t guid[16], struct err *err)
{
	return add_other_name(names, oid_dotted(OID_NTDS_REPLICATION), V_ASN1_OCTET_STRING,
	    ext_string(V_ASN1_OCTET_STRING, guid, 16), err);
}

bool
ext_add_address(GENERAL_NAMES *names, const uint8_t *address, int len, struct err *err)
{
	return ext_add_string(names, GEN_IPADD, ext_string(V_ASN1_OCTET_STRING, address, len), err);
}

bool
ext_push_san(ext_list *list, GENERAL_NAMES *names, bool critical, struct err *err)
{
	return ext_push_item(
	    list, OID_SUBJECT_ALT_NAME, critical, names, ASN1_ITEM_rptr(GENERAL_NAMES), err);
}

bool
ext_push_sid(ext_list *list, const char *sid_text, struct err *err)
{
	OWNED(own_general_names) GENERAL_NAMES *names = GENERAL_NAMES_new();

	if (names == NULL)
		return err_nomem(err);
	return add_other_name(names, oid_dotted(OID_NTDS_OBJECTSID), V_ASN1_OCTET_STRING,
		   ext_string(V_ASN1_OCTET_STRING, sid_text, -1), err) &&
	       ext_push_item(list, oid_dotted(OID_NTDS_CA_SECURITY_EXT), false, names,
		   ASN1_ITEM_rptr(GENERAL_NAMES), err);
}
