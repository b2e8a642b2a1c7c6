#include "recipient.h"

#include "own_openssl.h"
#include "text.h"

static bool
check_usage(const struct pkix_cert *recipient, struct err *err)
{
	uint16_t usage = pkix_cert_key_usage(recipient);
	const char *algorithm;
	int bits;

	if (!pkix_key_info(recipient->spki, &algorithm, &bits, err))
		return false;
	return (usage & (algorithm[0] == 'R' ? PKIX_KU_KEY_ENCIPHERMENT : PKIX_KU_KEY_AGREEMENT)) !=
		   0 ||
	       err_set(err, CERT_E_WRONG_USAGE,
		   "the certificate that the new key would be encrypted to is not for %s",
		   algorithm[0] == 'R' ? "key encipherment" : "key agreement");
}

bool
recipient_check(
    const struct pkix_cert *recipient, const struct ca_issuers *ca, int64_t now, struct err *err)
{
	if (ca_issuers_find(ca, recipient) == NULL)
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "the certificate that the new key would be encrypted to was not issued by this "
		    "CA");
	if (now < recipient->not_before || now > recipient->not_after)
		return err_set(err, CERT_E_EXPIRED,
		    "the certificate that the new key would be encrypted to is %s",
		    now > recipient->not_after ? "expired" : "not valid yet");
	return check_usage(recipient, err);
}

static bool
same_upn(const struct pkix_cert *a, const struct pkix_cert *b)
{
	OWNED(texts_free) struct texts x = {0}, y = {0}, emails = {0}, more = {0};

	pkix_cert_san_names(a, &x, &emails);
	pkix_cert_san_names(b, &y, &more);
	return x.count == 1 && y.count == 1 && text_eq_fold(x.list[0], y.list[0]);
}

bool
recipient_is_holder(
    const struct pkix_cert *recipient, const struct pkix_cert *issued, struct err *err)
{
	OWNED(own_memory) char *had = pkix_cert_sid(recipient), *given = pkix_cert_sid(issued);
	bool same =
	    given != NULL ? had != NULL && strcmp(had, given) == 0 : same_upn(recipient, issued);

	return same || err_set(err, DIRCA_E_KEY_RECIPIENT,
			   "the certificate that the new key would be encrypted to has neither the "
			   "SID nor, "
			   "without one, the UPN of the certificate to be issued");
}
