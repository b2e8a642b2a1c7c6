#include "extension_priv.h"

#include "pkix.h"

#define OID_CERTIFICATE_POLICIES "2.5.29.32"
#define NOTICE_MAX               200 /* characters of explicitText, RFC 5280 4.2.1.4 */

static POLICYQUALINFO *
add_qualifier(POLICYINFO *p, int nid)
{
	POLICYQUALINFO *q = POLICYQUALINFO_new();

	if (q == NULL)
		return NULL;
	q->pqualid = OBJ_nid2obj(nid);
	if ((p->qualifiers == NULL && (p->qualifiers = sk_POLICYQUALINFO_new_null()) == NULL) ||
	    !sk_POLICYQUALINFO_push(p->qualifiers, q)) {
		POLICYQUALINFO_free(q);
		return NULL;
	}
	return q;
}

static bool
add_cps(POLICYINFO *p, const char *uri, struct err *err)
{
	POLICYQUALINFO *q = add_qualifier(p, NID_id_qt_cps);

	return (q != NULL && (q->d.cpsuri = ext_string(V_ASN1_IA5STRING, uri, -1)) != NULL) ||
	       err_nomem(err);
}

static size_t
count_characters(const char *utf8)
{
	size_t n = 0;

	for (; *utf8 != '\0'; utf8++)
		n += ((unsigned char)*utf8 & 0xc0) != 0x80;
	return n;
}

static bool
add_notice(POLICYINFO *p, const struct ext_policy *policy, struct err *err)
{
	size_t n = count_characters(policy->notice);
	POLICYQUALINFO *q;

	if (n > NOTICE_MAX)
		return err_set(err, ERROR_INVALID_DATA,
		    "the user notice of policy %s has %zu characters and may have %d; shorten "
		    "msPKI-OID-User-Notice",
		    policy->oid, n, NOTICE_MAX);
	q = add_qualifier(p, NID_id_qt_unotice);
	if (q == NULL || (q->d.usernotice = USERNOTICE_new()) == NULL ||
	    (q->d.usernotice->exptext = ext_string(V_ASN1_UTF8STRING, policy->notice, -1)) == NULL)
		return err_nomem(err);
	return true;
}

static bool
fill_policy(POLICYINFO *p, const struct ext_policy *policy, struct err *err)
{
	ASN1_OBJECT_free(p->policyid);
	if ((p->policyid = ext_object(policy->oid, err)) == NULL)
		return false;
	for (size_t i = 0; i < policy->cps_count; i++)
		if (!add_cps(p, policy->cps[i], err))
			return false;
	return policy->notice == NULL || add_notice(p, policy, err);
}

static bool
add_policy(CERTIFICATEPOLICIES *list, const struct ext_policy *policy, struct err *err)
{
	OWNED(own_policyinfo) POLICYINFO *p = POLICYINFO_new();

	if (p == NULL)
		return err_nomem(err);
	if (!fill_policy(p, policy, err))
		return false;
	if (!sk_POLICYINFO_push(list, p))
		return err_nomem(err);
	p = NULL;
	return true;
}

bool
ext_push_issuance_policies(
    ext_list *list, const struct ext_policy *policies, size_t count, struct err *err)
{
	OWNED(own_policies) CERTIFICATEPOLICIES *value = sk_POLICYINFO_new_null();

	if (value == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++)
		if (!add_policy(value, &policies[i], err))
			return false;
	return ext_push_item(
	    list, OID_CERTIFICATE_POLICIES, false, value, ASN1_ITEM_rptr(CERTIFICATEPOLICIES), err);
}

bool
ext_push_policies(
    ext_list *list, const char *dotted, char *const *oids, size_t count, struct err *err)
{
	OWNED(own_policies) CERTIFICATEPOLICIES *value = sk_POLICYINFO_new_null();

	if (value == NULL)
		return err_nomem(err);
	for (size_t i = 0; i < count; i++)
		if (!add_policy(value, &(struct ext_policy){.oid = oids[i]}, err))
			return false;
	return ext_push_item(list, dotted, false, value, ASN1_ITEM_rptr(CERTIFICATEPOLICIES), err);
}
