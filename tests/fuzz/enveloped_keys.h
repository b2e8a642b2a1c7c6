/* What the targets of EnvelopedData share: an RSA and a P-256 key, and opening with both. */
#ifndef FUZZ_ENVELOPED_KEYS_H
#define FUZZ_ENVELOPED_KEYS_H

#include <stdlib.h>
#include <openssl/evp.h>

#include "cms.h"
#include "oids.h"

#define HEAP (1 << 20)

static EVP_PKEY *keys[2];

static void
set_up(void)
{
	struct err err;

	if (keys[0] != NULL)
		return;
	keys[0] = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)2048);
	keys[1] = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (keys[0] == NULL || keys[1] == NULL || !oids_init(&err) ||
	    !secret_heap_init(HEAP, true, &err))
		abort();
}

/* Shares that fit nothing, with keys that are no agent's: none is right. */
static void
open_shares(const struct cms_enveloped *e)
{
	static const uint8_t bound_to[CMS_BOUND_LEN], octets[CMS_BOUND_LEN];
	struct cms_share shares[KRA_COUNT_MAX];
	struct secret plain;
	struct err err;

	for (size_t i = 0; i < e->count; i++) {
		shares[i] = (struct cms_share){i, view_of(octets, sizeof octets)};
		for (size_t k = 0; k < 2; k++)
			if (cms_share_open(e, i, keys[k], bound_to, &plain, &err))
				abort();
	}
	if (cms_shares_open(e, bound_to, shares, e->count, &plain, &err))
		abort();
}

static void
open_with_all(struct view der)
{
	struct cms_enveloped e;
	struct secret plain;
	struct err err;

	if (!cms_sealed_decode(der, &e, &err))
		return;
	for (size_t i = 0; i < e.count; i++)
		for (size_t k = 0; k < 2; k++) {
			(void)cms_enveloped_open(&e, i, keys[k], &plain, &err);
			secret_free(&plain);
		}
	open_shares(&e);
	cms_enveloped_free(&e);
}

#endif
