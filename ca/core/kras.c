/*
 * The KRAs that the vault seals to as a view has them, and the copies of their certificates in the
 * database, by which recovery finds them when the store has them no more.
 */
#include "ca_priv.h"

#include <stdlib.h>
#include <string.h>

#include "issued.h"
#include "kra_coverage.h"
#include "kra_policy.h"
#include "kra_store.h"
#include "mem.h"
#include "own.h"
#include "text.h"

/* One that this CA issued: the database is what its CRLs are made of. */
static bool
check_own(struct ca *ca, const struct ca_kra *k, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};

	return issued_row(ca, &k->cert, &row, err) || err->code == CERT_E_ISSUERCHAINING;
}

/* Another CA's, by CRLs of all CAs above it. What signs itself nobody revokes. Before the directory
 * was read nothing is decided on the view. */
static bool
check_foreign(struct ca *ca, const struct ca_view *v, const struct ca_kra *k, struct err *err)
{
	if (v->pki->services_dn == NULL || view_eq(k->cert.issuer, k->cert.subject))
		return true;
	return kra_chain_check(ca, v, &k->cert, err);
}

/* paper, "KRA Certificate Status": without a current CRL it is not used. False: nothing is known
 * now. */
static bool
find_revocation(struct ca *ca, const struct ca_view *v, struct ca_kra *k, struct err *err)
{
	bool own = ca_issuers_find(&ca->info.issuers, &k->cert) != NULL;

	if (own ? check_own(ca, k, err) : check_foreign(ca, v, k, err))
		return true;
	if (err->code != CRYPT_E_REVOKED && err_is_undecided(err->code))
		return false;
	k->status = err->code == CRYPT_E_REVOKED ? KRA_REVOKED : KRA_UNTRUSTED;
	return true;
}

/* As the vault, which uses none that reads less than root demands. */
static enum kra_status
check_kra(struct ca *ca, const struct ca_view *v, const struct ca_kra *k, struct err *err)
{
	const struct trust_issuers *issuers = &v->kra_issuers;

	if (!archive_floor_reader(ca->config->archive_floor, v->kra_threshold, k->reader, err))
		return KRA_INVALID;
	return kra_check(&k->cert, issuers->list, issuers->count, v->made_at, err);
}

static bool
take_kra(struct ca *ca, struct ca_view *v, struct view der, enum cms_reader reader, struct err *err)
{
	struct ca_kra *k = &v->kras[v->kra_count++]; /* what was read is freed with the view */
	struct err why;

	if (!pkix_cert_decode(der, &k->cert, err))
		return false;
	k->reader = reader;
	k->status = check_kra(ca, v, k, &why);
	if (k->status == KRA_VALID && !find_revocation(ca, v, k, &why)) {
		*err = why;
		return false;
	}
	if (k->status != KRA_VALID)
		k->reason = mem_text(why.msg);
	return true;
}

static const struct ca_kra *
kra_of(const struct ca_view *v, const struct pkix_cert *cert)
{
	for (size_t i = 0; i < v->kra_count; i++)
		if (&v->kras[i].cert == cert)
			return &v->kras[i];
	return NULL;
}

/* A certificate that was renewed, and the second one of a person, do not count beside the first. */
static void
find_agents(struct ca_view *v, bool by_holder)
{
	OWNED(own_memory)
	const struct pkix_cert **certs = mem_zero(v->kra_count, sizeof(*certs));
	size_t count = 0;

	for (size_t i = 0; i < v->kra_count; i++)
		if (v->kras[i].status == KRA_VALID)
			certs[count++] = &v->kras[i].cert;
	v->agents = mem_zero(v->kra_count, sizeof(*v->agents));
	v->agent_count = kra_agents(certs, count, by_holder);
	for (size_t i = 0; i < v->agent_count; i++)
		v->agents[i] = kra_of(v, certs[i]);
}

/* Whom the vault seals to, and how many of them: it alone knows what is in force. */
static bool
take_kras(struct ca *ca, struct vault *vault, struct ca_view *v, struct err *err)
{
	OWNED(vault_kra_set_free) struct vault_kra_set set = {0};

	if (!vault_get_kras(vault, &set, err))
		return false;
	v->settings.num[SETTING_KRA_CERT_COUNT] = (int64_t)set.needed;
	v->kra_threshold = set.threshold;
	v->kras = mem_zero(set.count, sizeof *v->kras);
	for (size_t i = 0; i < set.count; i++)
		if (!take_kra(ca, v, buf_view(&set.list[i]), set.readers[i], err))
			return false;
	return true;
}

static bool
is_in(const struct ca_view *v, const uint8_t sha256[32])
{
	for (size_t i = 0; i < v->kra_count; i++)
		if (memcmp(v->kras[i].cert.sha256, sha256, 32) == 0)
			return true;
	return false;
}

static void
note_stored(struct ca_view *v, const struct kra_policy *policy, struct view der)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err ignored;

	if (pkix_cert_decode(der, &cert, &ignored) && !kra_policy_has(policy, cert.sha256))
		texts_take(&v->kras_stored, hex_encode(view_of(cert.sha1, sizeof cert.sha1), '\0'));
}

static void
note_missing(struct ca_view *v, const uint8_t sha256[32])
{
	OWNED(own_memory) char *hash = hex_encode(view_of(sha256, 32), '\0');
	OWNED(own_memory)
	char *problem = text_printf("SHA-256 %s: is enabled, and not in the KRA store", hash);

	texts_add(&v->kra_problems, problem);
	texts_add(&v->kras_missing, problem);
}

static bool
is_of_a_kra(const struct ca_view *v, const struct pkix_cert *cert)
{
	struct err ignored;

	return cert->not_after >= v->made_at && kra_check_usage(cert, &ignored);
}

/* What is enabled and not in the store is told of as that. */
static void
note_published(struct ca_view *v, const struct kra_policy *policy, struct view der)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_memory) char *sha1 = NULL;
	struct err ignored;

	if (!pkix_cert_decode(der, &cert, &ignored) || !is_of_a_kra(v, &cert) ||
	    kra_policy_has(policy, cert.sha256))
		return;
	sha1 = hex_encode(view_of(cert.sha1, sizeof cert.sha1), '\0');
	if (!texts_has(&v->kras_stored, sha1))
		texts_add(&v->kras_foreign, sha1);
}

static void
find_published(struct ca *ca, struct ca_view *v, const struct kra_policy *policy)
{
	const struct dir_entry *e = pki_snapshot_kras_of(v->pki, ca->config->ca_name);
	const struct dir_attr *a = e != NULL ? dir_entry_attr(e, "userCertificate") : NULL;

	for (size_t i = 0; a != NULL && i < a->count; i++)
		note_published(v, policy, buf_view(&a->values[i]));
}

/* What is in the KRA store, and what is enabled and not there. For people: nothing follows from it.
 */
static void
find_problems(struct ca *ca, struct ca_view *v)
{
	OWNED(kra_policy_free) struct kra_policy policy = {0};
	struct buf *stored = NULL;
	size_t count = 0;
	struct err why;
	bool has_policy;

	if (!kra_store_list(ca->config, &stored, &count, &v->kra_problems, &why)) {
		v->kra_store_unread = true;
		texts_add(&v->kra_problems, why.msg);
	}
	if (!(has_policy = kra_policy_read(ca->config, &policy, &why))) {
		v->kra_store_unread = true;
		texts_add(&v->kra_problems, why.msg);
	}
	for (size_t i = 0; has_policy && i < count; i++)
		note_stored(v, &policy, buf_view(&stored[i]));
	kra_store_free(&stored, count);
	for (size_t i = 0; i < policy.enabled_count; i++)
		if (!is_in(v, policy.enabled[i].sha256))
			note_missing(v, policy.enabled[i].sha256);
	if (!v->kra_store_unread)
		find_published(ca, v, &policy);
}

/* A file that is not what it should be trusts nobody else: this CA's own agents serve. */
static bool
read_issuers(struct ca *ca, struct ca_view *v, struct err *err)
{
	struct err why;

	if (trust_kra_issuers(ca->config->state_dir, &ca->info.issuers, &v->kra_issuers, &why))
		return true;
	v->kra_store_unread = true;
	texts_add(&v->kra_problems, why.msg);
	return trust_kra_issuers_make(&ca->info.issuers, NULL, 0, &v->kra_issuers, err);
}

bool
view_read_kras(struct ca *ca, struct vault *vault, struct ca_view *v, struct err *err)
{
	if (!read_issuers(ca, v, err) || !take_kras(ca, vault, v, err))
		return false;
	find_problems(ca, v);
	find_agents(v, !ca->config->allow_same_holder);
	return ca_kra_coverage(ca->store, v, &v->coverage, err);
}

bool
ca_kra_keep(struct store_tx *tx, const struct ca_kra *kra, struct err *err)
{
	return store_keep_kra(
	    tx, view_of(kra->cert.sha1, sizeof kra->cert.sha1), buf_view(&kra->cert.raw), err);
}
