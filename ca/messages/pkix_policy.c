#include "pkix_policy.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "der.h"
#include "oids.h"
#include "pkix_priv.h"

#define ANY_EXTENDED_KEY_USAGE "2.5.29.37.0"
#define ANY_ISSUANCE_POLICY    "2.5.29.32.0"
#define ANY_APPLICATION_POLICY "1.3.6.1.4.1.311.10.12.1"
#define POLICIES_MAX           64
#define UNLIMITED              INT64_MAX

static bool
add_text(struct texts *to, const char *dotted, struct err *err)
{
	if (texts_has(to, dotted))
		return true;
	if (to->count == POLICIES_MAX)
		return err_set(err, ERROR_INVALID_DATA, "more than %d policies", POLICIES_MAX);
	texts_add(to, dotted);
	return true;
}

static void
remove_at(struct texts *from, size_t i)
{
	free(from->list[i]);
	from->list[i] = from->list[--from->count];
}

static void
remove_text(struct texts *from, const char *dotted)
{
	for (size_t i = 0; i < from->count; i++)
		if (strcmp(from->list[i], dotted) == 0) {
			remove_at(from, i);
			return;
		}
}

/* Of both lists what is in both, into the first. */
static void
intersect(struct texts *list, const struct texts *with)
{
	for (size_t i = 0; i < list->count;)
		if (texts_has(with, list->list[i]))
			i++;
		else
			remove_at(list, i);
}

static bool
policy_text(const ASN1_OBJECT *o, char text[128], struct err *err)
{
	return oid_text(o, text, 128) ||
	       err_openssl(err, ERROR_INVALID_DATA, "a policy has an over-long object identifier");
}

bool
pkix_policies_decode(struct view value, struct texts *out, struct err *err)
{
	const unsigned char *p = value.ptr;
	OWNED(own_policies) CERTIFICATEPOLICIES *list = NULL;
	OWNED(texts_free) struct texts read = {0};
	char text[128];

	*out = (struct texts){0};
	if (!pkix_der_is_strict(value) ||
	    (list = d2i_CERTIFICATEPOLICIES(NULL, &p, (long)value.len)) == NULL ||
	    p != value.ptr + value.len || sk_POLICYINFO_num(list) == 0)
		return err_openssl(err, ERROR_INVALID_DATA, "not a list of certificate policies");
	for (int i = 0; i < sk_POLICYINFO_num(list); i++)
		if (!policy_text(sk_POLICYINFO_value(list, i)->policyid, text, err) ||
		    !add_text(&read, text, err))
			return false;
	*out = read;
	read = (struct texts){0};
	return true;
}

bool
pkix_usages_decode(struct view value, struct texts *out, struct err *err)
{
	const unsigned char *p = value.ptr;
	OWNED(own_eku) EXTENDED_KEY_USAGE *list = NULL;
	OWNED(texts_free) struct texts read = {0};
	char text[128];

	*out = (struct texts){0};
	if (!pkix_der_is_strict(value) ||
	    (list = d2i_EXTENDED_KEY_USAGE(NULL, &p, (long)value.len)) == NULL ||
	    p != value.ptr + value.len || sk_ASN1_OBJECT_num(list) == 0)
		return err_openssl(err, ERROR_INVALID_DATA, "not a list of extended key usages");
	for (int i = 0; i < sk_ASN1_OBJECT_num(list); i++)
		if (!policy_text(sk_ASN1_OBJECT_value(list, i), text, err) ||
		    !add_text(&read, text, err))
			return false;
	*out = read;
	read = (struct texts){0};
	return true;
}

bool
pkix_cert_issuance_policies(const struct pkix_cert *c, struct texts *out, struct err *err)
{
	const struct pkix_extension *e = pkix_cert_extension(c, NID_certificate_policies);

	*out = (struct texts){0};
	return e == NULL || pkix_policies_decode(e->value, out, err);
}

bool
pkix_cert_application_policies(const struct pkix_cert *c, struct texts *out, struct err *err)
{
	const struct pkix_extension *eku = pkix_cert_extension(c, NID_ext_key_usage);
	const struct pkix_extension *own =
	    pkix_cert_extension(c, oid_nid(OID_APPLICATION_CERT_POLICIES));
	OWNED(texts_free) struct texts second = {0};

	*out = (struct texts){0};
	if (eku != NULL && !pkix_usages_decode(eku->value, out, err))
		return false;
	if (own == NULL)
		return true;
	if (!pkix_policies_decode(own->value, eku != NULL ? &second : out, err)) {
		texts_free(out);
		return false;
	}
	if (eku != NULL)
		intersect(out, &second);
	return true;
}

/* What is valid at one place of the chain. */
struct state {
	bool any;
	struct texts set;
	int64_t explicit_after, mapping_after; /* certificates until they count; 0: they do */
};

static bool
holds(const struct state *s, const char *dotted)
{
	return s->any || texts_has(&s->set, dotted);
}

/* The limit that one list of policies sets; takes over what it needs of it. */
static void
limit(struct state *s, struct texts *policies)
{
	if (texts_has(policies, ANY_EXTENDED_KEY_USAGE) ||
	    texts_has(policies, ANY_APPLICATION_POLICY))
		return;
	if (!s->any) {
		intersect(&s->set, policies);
		return;
	}
	s->any = false;
	s->set = *policies;
	*policies = (struct texts){0};
}

static bool
limit_by_certificate(struct state *s, const struct pkix_cert *c, struct err *err)
{
	const struct pkix_extension *eku = pkix_cert_extension(c, NID_ext_key_usage);
	const struct pkix_extension *own =
	    pkix_cert_extension(c, oid_nid(OID_APPLICATION_CERT_POLICIES));
	struct texts policies = {0};

	if (eku != NULL) {
		if (!pkix_usages_decode(eku->value, &policies, err))
			return false;
		limit(s, &policies);
		texts_free(&policies);
	}
	if (own != NULL) {
		if (!pkix_policies_decode(own->value, &policies, err))
			return false;
		limit(s, &policies);
		texts_free(&policies);
	}
	if (eku == NULL && own == NULL && s->explicit_after == 0) {
		s->any = false;
		texts_free(&s->set);
	}
	return true;
}

/* Into the names that certificates below use; where mapping is forbidden, what would be mapped
 * falls away (RFC 5280 6.1.4 (b)). Under "any" a policy stays valid under its own name too. */
static bool
apply_mapping(struct state *s, const POLICY_MAPPINGS *list, struct err *err)
{
	OWNED(texts_free) struct texts mapped = {0};
	char from[128], to[128];

	for (int i = 0; i < sk_POLICY_MAPPING_num(list); i++) {
		const POLICY_MAPPING *m = sk_POLICY_MAPPING_value(list, i);

		if (!policy_text(m->issuerDomainPolicy, from, err) ||
		    !policy_text(m->subjectDomainPolicy, to, err))
			return false;
		if (s->mapping_after > 0 && texts_has(&s->set, from) && !add_text(&mapped, to, err))
			return false;
	}
	for (int i = 0; i < sk_POLICY_MAPPING_num(list); i++)
		if (policy_text(sk_POLICY_MAPPING_value(list, i)->issuerDomainPolicy, from, err))
			remove_text(&s->set, from);
	for (size_t i = 0; i < mapped.count; i++)
		if (!add_text(&s->set, mapped.list[i], err))
			return false;
	return true;
}

static bool
map_policies(struct state *s, const struct pkix_cert *c, struct err *err)
{
	const struct pkix_extension *e =
	    pkix_cert_extension(c, oid_nid(OID_APPLICATION_POLICY_MAPPINGS));
	const unsigned char *p = e != NULL ? e->value.ptr : NULL;
	POLICY_MAPPINGS *list = NULL;
	bool ok = false;

	if (e == NULL)
		return true;
	if (!pkix_der_is_strict(e->value) ||
	    (list = (POLICY_MAPPINGS *)ASN1_item_d2i(
		 NULL, &p, (long)e->value.len, ASN1_ITEM_rptr(POLICY_MAPPINGS))) == NULL ||
	    p != e->value.ptr + e->value.len)
		err_openssl(err, ERROR_INVALID_DATA, "malformed application policy mappings");
	else
		ok = apply_mapping(s, list, err);
	sk_POLICY_MAPPING_pop_free(list, POLICY_MAPPING_free);
	return ok;
}

static void
lower(int64_t *counter, const ASN1_INTEGER *to)
{
	int64_t n = 0;

	if (to == NULL)
		return;
	/* A number that cannot be read counts as the strictest. */
	if (!der_int64(&n, to) || n < 0)
		n = 0;
	if (n < *counter)
		*counter = n;
}

static bool
constrain(struct state *s, const struct pkix_cert *c, struct err *err)
{
	const struct pkix_extension *e =
	    pkix_cert_extension(c, oid_nid(OID_APPLICATION_POLICY_CONSTRAINTS));
	const unsigned char *p = e != NULL ? e->value.ptr : NULL;
	OWNED(own_policy_constraints) POLICY_CONSTRAINTS *wire = NULL;

	if (!view_eq(c->issuer, c->subject)) {
		s->explicit_after -= s->explicit_after > 0 && s->explicit_after != UNLIMITED;
		s->mapping_after -= s->mapping_after > 0 && s->mapping_after != UNLIMITED;
	}
	if (e == NULL)
		return true;
	if (!pkix_der_is_strict(e->value) ||
	    (wire = (POLICY_CONSTRAINTS *)ASN1_item_d2i(
		 NULL, &p, (long)e->value.len, ASN1_ITEM_rptr(POLICY_CONSTRAINTS))) == NULL ||
	    p != e->value.ptr + e->value.len)
		return err_openssl(
		    err, ERROR_INVALID_DATA, "malformed application policy constraints");
	lower(&s->explicit_after, wire->requireExplicitPolicy);
	lower(&s->mapping_after, wire->inhibitPolicyMapping);

	return true;
}

static bool
refuse(const struct pkix_cert *c, const char *dotted, const char *why, struct err *err)
{
	OWNED(own_memory) char *subject = pkix_name_text(c->subject);

	return err_set(err, CERT_E_WRONG_USAGE,
	    "the CA certificate of %s excludes the application policy %s%s%s",
	    subject != NULL ? subject : "?", dotted, why != NULL ? ": " : "",
	    why != NULL ? why : "");
}

static void
state_free(struct state *s)
{
	texts_free(&s->set);
}

bool
pkix_chain_allows(
    const struct pkix_cert *const *chain, size_t count, const char *dotted, struct err *err)
{
	OWNED(state_free)
	struct state s = {.any = true, .explicit_after = UNLIMITED, .mapping_after = UNLIMITED};
	const struct pkix_cert *excluder = NULL; /* where it was lost last */
	struct err why;

	for (size_t i = count; i-- > 0;) {
		bool held = holds(&s, dotted);

		if (!limit_by_certificate(&s, chain[i], &why) ||
		    !map_policies(&s, chain[i], &why) || !constrain(&s, chain[i], &why)) {
			ERR_clear_error();
			return refuse(chain[i], dotted, why.msg, err);
		}
		if (held && !holds(&s, dotted))
			excluder = chain[i];
	}
	return excluder == NULL || holds(&s, dotted) || refuse(excluder, dotted, NULL, err);
}

bool
pkix_issuer_limits(const struct pkix_cert *issuer, struct texts *application,
    struct texts *issuance, struct err *err)
{
	struct texts own;
	struct err ignored;

	if (!pkix_cert_issuance_policies(issuer, &own, err))
		return err_prefix(err, "its issuer");
	for (size_t i = 0; i < application->count;)
		if (pkix_chain_allows(&issuer, 1, application->list[i], &ignored))
			i++;
		else
			remove_at(application, i);
	if (own.count > 0 && !texts_has(&own, ANY_ISSUANCE_POLICY))
		intersect(issuance, &own);
	texts_free(&own);
	return true;
}
