/* Whom keys may be sealed to: the supervisor's list, checked against issuers that were loaded
 * before the sandbox closed. */
#include "vault_priv.h"

#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "mem.h"
#include "own_openssl.h"

bool
vault_kras_open(
    struct vault_kras *k, const char *state_dir, const struct ca_issuers *own, struct err *err)
{
	*k = (struct vault_kras){0};
	pthread_mutex_init(&k->lock, NULL);
	return trust_kra_issuers(state_dir, own, &k->issuers, err);
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

void
vault_kras_close(struct vault_kras *k)
{
	trust_issuers_free(&k->issuers);
	list_free(k->current);
	k->current = NULL;
}

static bool
load_kra(const struct vault_kras *k, struct view der, int64_t now, struct vault_kra *out,
    struct err *err)
{
	return pkix_cert_decode(der, &out->cert, err) &&
	       kra_validate(&out->cert, k->issuers.list, k->issuers.count, now, err) &&
	       pkix_public_key(out->cert.spki, &out->key, err);
}

static bool
already_in(const struct vault_kra_list *list, const uint8_t sha256[32])
{
	for (size_t i = 0; i < list->count; i++)
		if (memcmp(list->list[i].cert.sha256, sha256, 32) == 0)
			return true;
	return false;
}

size_t
vault_kras_set(struct vault_kras *k, const struct view *certificates, size_t count, int64_t now)
{
	struct vault_kra_list *list = mem_zero(1, sizeof *list), *old;
	struct err reason;
	size_t usable;

	list->list = mem_zero(count, sizeof *list->list);
	list->refs = 1;
	for (size_t i = 0; i < count; i++) {
		OWNED(kra_free) struct vault_kra kra = {0};

		if (!load_kra(k, certificates[i], now, &kra, &reason)) {
			log_warn("KRA certificate not usable", LOG_INT("event_id", 84),
			    LOG_REASON(&reason));
		} else if (!already_in(list, kra.cert.sha256)) {
			list->list[list->count++] = kra;
			kra = (struct vault_kra){0};
		}
	}
	usable = list->count;
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

bool
vault_kra_find(const struct vault_kra_list *list, const uint8_t sha256[32], int64_t now,
    const struct vault_kra **out, struct err *err)
{
	for (size_t i = 0; list != NULL && i < list->count; i++) {
		const struct pkix_cert *c = &list->list[i].cert;

		if (memcmp(c->sha256, sha256, 32) != 0)
			continue;
		if (now < c->not_before || now > c->not_after)
			return err_set(err, CERTSRV_E_NO_VALID_KRA,
			    "a KRA certificate that was named for the archived key is not within "
			    "its validity; renew it");
		*out = &list->list[i];
		return true;
	}
	return err_set(err, CERTSRV_E_NO_VALID_KRA,
	    "a KRA certificate that was named for the archived key is not among the usable ones of "
	    "the CA's KRA store");
}
