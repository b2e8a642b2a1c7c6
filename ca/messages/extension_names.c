/* Extensions that hold names: subjectAltName, and the SID as Windows writes it. */
#include "extension_priv.h"

#include "oids.h"

#define OID_SUBJECT_ALT_NAME "2.5.29.17"
#define OID_UPN              "1.3.6.1.4.1.311.20.2.3"

/* otherName { oid, [0] value }; takes over `value`, also on failure. */
static bool
add_other_name(GENERAL_NAMES *names, const char *oid, int type, ASN1_STRING *value, struct err *err)
{
	ASN1_OBJECT *o = ext_object(oid, err);
	ASN1_TYPE *t = ASN1_TYPE_new();
	GENERAL_NAME *name = GENERAL_NAME_new();
	bool ok = false;

	if (o == NULL || t == NULL || name == NULL || value == NULL) {
		err_nomem(err);
		goto out;
	}
	ASN1_TYPE_set(t, type, value);
	value = NULL;
	if (!GENERAL_NAME_set0_othername(name, o, t)) {
		err_openssl(err, DIRCA_E_CRYPTO, "cannot make an otherName");
		goto out;
	}
	o = NULL;
	t = NULL;
	if (!sk_GENERAL_NAME_push(names, name)) {
		err_nomem(err);
		goto out;
	}
	name = NULL;
	ok = true;
out:
	ASN1_OBJECT_free(o);
	ASN1_TYPE_free(t);
	ASN1_STRING_free(value);
	GENERAL_NAME_free(name);
	return ok;
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
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_STRING *value = ext_string(V_ASN1_OCTET_STRING, address, len);

	if (name == NULL || value == NULL) {
		GENERAL_NAME_free(name);
		ASN1_STRING_free(value);
		return err_nomem(err);
	}
	GENERAL_NAME_set0_value(name, GEN_IPADD, value);
	if (!sk_GENERAL_NAME_push(names, name)) {
		GENERAL_NAME_free(name);
		return err_nomem(err);
	}
	return true;
}

static bool
push_names(
    ext_list *list, const char *dotted, bool critical, const GENERAL_NAMES *names, struct err *err)
{
	uint8_t *der = NULL;
	int len = i2d_GENERAL_NAMES(names, &der);

	return ext_push_der(list, dotted, critical, der, len, err);
}

bool
ext_push_san(ext_list *list, GENERAL_NAMES *names, bool critical, struct err *err)
{
	return push_names(list, OID_SUBJECT_ALT_NAME, critical, names, err);
}

bool
ext_push_sid(ext_list *list, const char *sid_text, struct err *err)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	bool ok = names != NULL &&
		  add_other_name(names, oid_dotted(OID_NTDS_OBJECTSID), V_ASN1_OCTET_STRING,
		      ext_string(V_ASN1_OCTET_STRING, sid_text, -1), err) &&
		  push_names(list, oid_dotted(OID_NTDS_CA_SECURITY_EXT), false, names, err);

	if (names == NULL)
		err_nomem(err);
	GENERAL_NAMES_free(names);
	return ok;
}
