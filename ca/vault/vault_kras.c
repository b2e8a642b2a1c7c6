/* Whom keys may be sealed to: the supervisor's list, checked against issuers that were loaded
 * before the sandbox closed. */
#include "vault_priv.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "own_openssl.h"

#define SHA256_LEN 32

bool
vault_kras_open(struct vault_kras *k, const struct vault_config *config,
    const struct ca_issuers *own, struct err *err)
{
	*k = (struct vault_kras){.minimum = config->kra_minimum,
	    .by_holder = !config->allow_same_holder,
	    .reader = config->floor.reader};
	pthread_mutex_init(&k->lock, NULL);
	return kra_ring_init(&k->ring, err) &&
	       trust_kra_issuers(config->state_dir, own, &k->issuers, err);
}

static void
kra_free(struct vault_kra *kra)
{
	pkix_cert_free(&kra->cert);
	EVP_PKEY_free(kra->key);
	kra->key = NULL;
}

static void
list_free(struct vault_kra_list *list)
{
	if (list == NULL)
		return;
	for (size_t i = 0; i < list->count; i++)
		kra_free(&list->list[i]);
	free(list->list);
	free(list);
}

bool
vault_kras_issuers(struct vault_kras *k, const struct ca_issuers *own, const struct view *others,
    size_t count, struct err *err)
{
	struct trust_issuers fresh;

	if (!trust_kra_issuers_make(own, others, count, &fresh, err))
		return false;
	trust_issuers_free(&k->issuers);
	k->issuers = fresh;
	return true;
}

void
vault_kras_close(struct vault_kras *k)
{
	trust_issuers_free(&k->issuers);
	list_free(k->current);
	k->current = NULL;
}

/* Its key is there only if root's floor lets its reader be. The clock decides at each use. */
static bool
is_usable(const struct vault_kra *kra, int64_t now)
{
	return kra->key != NULL && now >= kra->cert.not_before && now <= kra->cert.not_after;
}

static bool
already_in(const struct vault_kra_list *list, const uint8_t sha256[32])
{
	for (size_t i = 0; i < list->count; i++)
		if (memcmp(list->list[i].cert.sha256, sha256, 32) == 0)
			return true;
	return false;
}

static enum kra_status
check_at(const struct vault_kras *k, const struct pkix_cert *cert, int64_t when, struct err *err)
{
	return kra_check(cert, k->issuers.list, k->issuers.count, when, err);
}

/* Its key is read if it is a KRA's whom this CA trusts; whether it is time is asked at each use. */
static bool
load_kra(const struct vault_kras *k, struct view der, size_t threshold, int64_t now,
    struct vault_kra *out, struct err *err)
{
	struct err why;

	if (!pkix_cert_decode(der, &out->cert, err))
		return false;
	if (!archive_floor_reader(k->reader, threshold, out->reader, err))
		return false;
	if (check_at(k, &out->cert, out->cert.not_before, &why) == KRA_VALID &&
	    !pkix_public_key(out->cert.spki, &out->key, err))
		return false;
	return check_at(k, &out->cert, now, err) == KRA_VALID;
}

/* Takes it into the list, also if it cannot be used: the front shows why. */
static void
take_kra(const struct vault_kras *k, struct vault_kra_list *list, struct view der,
    enum cms_reader reader, int64_t now)
{
	OWNED(kra_free) struct vault_kra kra = {.reader = reader};
	struct err reason;

	if (!load_kra(k, der, list->threshold, now, &kra, &reason))
		log_warn(
		    "KRA certificate not usable", LOG_INT("event_id", 84), LOG_REASON(&reason));
	if (kra.cert.raw.len == 0 || already_in(list, kra.cert.sha256))
		return;
	list->list[list->count++] = kra;
	kra = (struct vault_kra){0};
}

size_t
vault_kras_set(struct vault_kras *k, size_t needed, size_t threshold,
    const struct view *certificates, const uint8_t *readers, size_t count, int64_t now)
{
	struct vault_kra_list *list = mem_zero(1, sizeof *list), *old;
	size_t usable = 0;

	list->list = mem_zero(count, sizeof *list->list);
	list->needed = needed;
	list->threshold = threshold;
	list->refs = 1;
	for (size_t i = 0; i < count; i++)
		take_kra(k, list, certificates[i], (enum cms_reader)readers[i], now);
	for (size_t i = 0; i < list->count; i++)
		usable += is_usable(&list->list[i], now);
	pthread_mutex_lock(&k->lock);
	old = k->current;
	k->current = list;
	pthread_mutex_unlock(&k->lock);
	vault_kras_release(k, old);
	return usable;
}

struct vault_kra_list *
vault_kras_get(struct vault_kras *k)
{
	struct vault_kra_list *list;

	pthread_mutex_lock(&k->lock);
	if ((list = k->current) != NULL)
		list->refs++;
	pthread_mutex_unlock(&k->lock);
	return list;
}

void
vault_kras_release(struct vault_kras *k, struct vault_kra_list *list)
{
	bool last;

	if (list == NULL)
		return;
	pthread_mutex_lock(&k->lock);
	last = --list->refs == 0;
	pthread_mutex_unlock(&k->lock);
	if (last)
		list_free(list);
}

/* ---- the choice ---- */

static bool
is_named(struct view named, const uint8_t sha256[SHA256_LEN])
{
	for (size_t at = 0; at + SHA256_LEN <= named.len; at += SHA256_LEN)
		if (memcmp(named.ptr + at, sha256, SHA256_LEN) == 0)
			return true;
	return false;
}

static struct cms_kra
recipient_of(const struct vault_kra_list *list, const struct pkix_cert *cert)
{
	struct cms_kra r = {.issuer = cert->issuer, .serial = cert->serial};

	for (size_t i = 0; i < list->count; i++)
		if (&list->list[i].cert == cert) {
			r.key = list->list[i].key;
			r.reader = list->list[i].reader;
		}
	return r;
}

/* The agents among the usable ones, or among those of them that are named; `out` has room for all.
 */
static size_t
find_agents(const struct vault_kras *k, const struct vault_kra_list *list, const struct view *named,
    int64_t now, const struct pkix_cert **out)
{
	size_t count = 0;

	for (size_t i = 0; i < list->count; i++)
		if (is_usable(&list->list[i], now) &&
		    (named == NULL || is_named(*named, list->list[i].cert.sha256)))
			out[count++] = &list->list[i].cert;
	return kra_agents(out, count, k->by_holder);
}

static bool
check_count(const struct vault_kras *k, const struct vault_kra_list *list, struct err *err)
{
	if (list == NULL || list->count == 0 || list->needed == 0)
		return err_set(err, CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED,
		    "no key recovery agent is enabled; `dirca kra enable` on the CA's machine "
		    "does it");
	return list->needed >= k->minimum ||
	       err_set(err, CERTSRV_E_NO_VALID_KRA,
		   "an archived key is sealed to at least %zu key recovery agents (kra_minimum in "
		   "dircad.conf), not to %zu; `dirca kra count` says to how many",
		   k->minimum, list->needed);
}

/* Is it the front's list that is too short, or the KRAs that are too few? */
static bool
refuse(size_t named, size_t usable, size_t needed, struct err *err)
{
	if (usable >= needed)
		return err_set(err, DIRCA_E_KRAS_CHANGED,
		    "%zu of %zu usable key recovery agents are known to be good, and a key is "
		    "sealed to %zu; ask again",
		    named, usable, needed);
	return err_set(err, CERTSRV_E_NO_VALID_KRA,
	    "%zu of the enabled KRA certificates are valid and of different agents, but a key is "
	    "sealed to %zu",
	    usable, needed);
}

bool
vault_kras_choose(struct vault_kras *k, const struct vault_kra_list *list, struct view named,
    int64_t now, struct cms_kra *kras, size_t *count_out, size_t *threshold_out, struct err *err)
{
	const struct pkix_cert *agents[KRA_ENABLED_MAX];
	size_t picks[KRA_COUNT_MAX], count;

	*count_out = 0;
	if (!check_count(k, list, err))
		return false;
	count = find_agents(k, list, &named, now, agents);
	if (count < list->needed)
		return refuse(count, find_agents(k, list, NULL, now, agents), list->needed, err);
	kra_ring_pick(&k->ring, count, list->needed, picks);
	for (size_t i = 0; i < list->needed; i++)
		kras[i] = recipient_of(list, agents[picks[i]]);
	*count_out = list->needed;
	*threshold_out = list->threshold;
	return true;
}
