#include "archive.h"

#include <stdlib.h>
#include <string.h>
#include <openssl/objects.h>
#include <openssl/rand.h>

#include "oids.h"
#include "own_openssl.h"
#include "text.h"

static bool
refuse(const struct pkix_cert *kra, struct err *err, const char *reason)
{
	OWNED(own_memory)
	char *subject = pkix_name_text(kra->subject), *serial = pkix_serial_text(kra->serial);

	return err_set(err, CERTSRV_E_NO_VALID_KRA, "KRA certificate %s (serial %s): %s",
	    subject != NULL ? subject : "?", serial != NULL ? serial : "?", reason);
}

bool
kra_check_usage(const struct pkix_cert *kra, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;
	const char *algorithm;
	uint16_t usage = pkix_cert_key_usage(kra);
	int bits;

	if (!pkix_key_info(kra->spki, &algorithm, &bits, err) ||
	    !pkix_public_key(kra->spki, &key, err))
		return refuse(kra, err, "its key is of a kind that keys cannot be encrypted to");
	if (!pkix_cert_has_eku(kra, oid_dotted(OID_KP_KEY_RECOVERY_AGENT)))
		return refuse(kra, err,
		    "it lacks the extended key usage Key Recovery Agent (1.3.6.1.4.1.311.21.6)");
	if (pkix_cert_extension(kra, NID_key_usage) == NULL)
		return refuse(kra, err, "it has no key usage extension");
	if (algorithm[0] == 'R' && (usage & PKIX_KU_KEY_ENCIPHERMENT) == 0)
		return refuse(kra, err, "its key usage does not allow key encipherment");
	if (algorithm[0] == 'E' && (usage & PKIX_KU_KEY_AGREEMENT) == 0)
		return refuse(kra, err, "its key usage does not allow key agreement");
	return true;
}

const struct pkix_cert *
kra_issuer(const struct pkix_cert *kra, const struct pkix_cert *const *issuers, size_t issuer_count)
{
	for (size_t i = 0; i < issuer_count; i++)
		if (pkix_cert_is_issued_by(kra, issuers[i], false))
			return issuers[i];
	return NULL;
}

static enum kra_status
refuse_as(enum kra_status status, const struct pkix_cert *kra, struct err *err, const char *reason)
{
	refuse(kra, err, reason);
	return status;
}

enum kra_status
kra_check(const struct pkix_cert *kra, const struct pkix_cert *const *issuers, size_t issuer_count,
    int64_t now, struct err *err)
{
	if (now < kra->not_before)
		return refuse_as(KRA_NOT_YET_VALID, kra, err, "it is not valid yet");
	if (now > kra->not_after)
		return refuse_as(KRA_EXPIRED, kra, err, "it has expired");
	if (!kra_check_usage(kra, err))
		return KRA_INVALID;
	if (kra_issuer(kra, issuers, issuer_count) != NULL)
		return KRA_VALID;
	return refuse_as(KRA_UNTRUSTED, kra, err,
	    "none of the trusted issuers signed it: this CA, and those that root took by `dirca "
	    "kra "
	    "issuers add`");
}

const char *
kra_status_word(enum kra_status status)
{
	static const char *const words[] = {[KRA_VALID] = "valid",
	    [KRA_NOT_YET_VALID] = "not yet valid",
	    [KRA_EXPIRED] = "expired",
	    [KRA_INVALID] = "invalid",
	    [KRA_UNTRUSTED] = "untrusted",
	    [KRA_REVOKED] = "revoked"};

	return words[status];
}

bool
kra_validate(const struct pkix_cert *kra, const struct pkix_cert *const *issuers,
    size_t issuer_count, int64_t now, struct err *err)
{
	return kra_check(kra, issuers, issuer_count, now, err) == KRA_VALID;
}

static bool
same_text(char *a, char *b)
{
	OWNED(own_memory) char *x = a, *y = b;

	return x != NULL && y != NULL && text_eq_fold(x, y);
}

static bool
same_subject(struct view a, struct view b)
{
	static const uint8_t no_name[] = {0x30, 0};

	return !view_eq(a, view_of(no_name, sizeof no_name)) && !pkix_is_other_name(a, b);
}

bool
kra_same_agent(const struct pkix_cert *a, const struct pkix_cert *b, bool by_holder)
{
	if (pkix_same_holder_key(a->spki, b->spki))
		return true;
	return by_holder && (same_subject(a->subject, b->subject) ||
				same_text(pkix_cert_sid(a), pkix_cert_sid(b)) ||
				same_text(pkix_cert_upn(a), pkix_cert_upn(b)));
}

static int
newest_first(const void *a, const void *b)
{
	const struct pkix_cert *x = *(const struct pkix_cert *const *)a,
			       *y = *(const struct pkix_cert *const *)b;

	if (x->not_before != y->not_before)
		return x->not_before > y->not_before ? -1 : 1;
	return memcmp(x->sha256, y->sha256, sizeof x->sha256);
}

size_t
kra_agents(const struct pkix_cert **certs, size_t count, bool by_holder)
{
	size_t agents = 0;

	if (count > 0)
		qsort(certs, count, sizeof(*certs), newest_first);
	for (size_t i = 0; i < count; i++) {
		size_t k = 0;

		while (k < agents && !kra_same_agent(certs[k], certs[i], by_holder))
			k++;
		if (k == agents)
			certs[agents++] = certs[i];
	}
	return agents;
}

bool
kra_ring_init(struct kra_ring *ring, struct err *err)
{
	unsigned start;

	if (RAND_bytes((unsigned char *)&start, (int)sizeof start) != 1)
		return err_openssl(
		    err, DIRCA_E_CRYPTO, "no random numbers for the choice of key recovery agents");
	atomic_init(&ring->next, start);
	return true;
}

void
kra_ring_pick(struct kra_ring *ring, size_t total, size_t use, size_t *picks)
{
	unsigned start =
	    atomic_fetch_add_explicit(&ring->next, (unsigned)use, memory_order_relaxed);

	for (size_t i = 0; i < use; i++)
		picks[i] = (start % total + i) % total;
}

#define THRESHOLD "threshold="

char *
kra_hashes_close(char *lines, size_t threshold)
{
	OWNED(own_memory) char *owned = lines;

	return threshold > 1 ? text_printf("%s\n" THRESHOLD "%zu", owned, threshold)
			     : own_give(&owned);
}

size_t
kra_hashes_threshold(const char *line)
{
	int64_t threshold;

	return strncmp(line, THRESHOLD, strlen(THRESHOLD)) == 0 &&
		       text_to_int(line + strlen(THRESHOLD), 2, KRA_COUNT_MAX, &threshold)
		   ? (size_t)threshold
		   : 0;
}
