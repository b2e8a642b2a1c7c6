/*
 * The certificate of an exchange key ([MS-WCCE] 3.2.1.4.3.2.15.1). All that it says of key, name,
 * usage and time is the vault's own; of the front are the addresses where CRL and issuer are found,
 * and which OID and version the template has: nobody trusts a certificate for it.
 */
#include "vault_priv.h"

#include <stdlib.h>
#include <string.h>

#include "extension.h"
#include "mem.h"
#include "oids.h"
#include "own_openssl.h"
#include "text.h"

#define URL_MAX 1024
#define OID_MAX 128

const struct vault_xchg_kind vault_kind_exchange = {"xchg-", "-Xchg", KP_CA_EXCHANGE, "CAExchange"};
const struct vault_xchg_kind vault_kind_import = {"import-", "-Import", KP_KEY_IMPORT, NULL};

/* "CN=<the CA's common name>-Xchg"; every octet escaped (RFC 4514 2.4). */
static bool
subject_name(const struct vault_xchg_kind *kind, const struct pkix_cert *ca, struct buf *out,
    struct err *err)
{
	OWNED(own_memory) char *cn = pkix_name_value(ca->subject, NID_commonName);
	OWNED(own_memory)
	char *name = text_printf("%s%s", cn != NULL ? cn : "CA", kind->suffix);
	OWNED(own_memory) char *dn = mem_text("CN=");

	for (const char *p = name; *p != '\0'; p++) {
		char *longer = text_printf("%s\\%02x", dn, (unsigned)(unsigned char)*p);

		free(dn);
		dn = longer;
	}
	return pkix_name_from_dn(dn, NULL, out, err);
}

struct urls {
	char *list[VAULT_XCHG_URLS];
};

static void
urls_free(struct urls *u)
{
	for (size_t i = 0; i < VAULT_XCHG_URLS; i++)
		free(u->list[i]);
}

/* Addresses as C strings; false if one could be something else. */
static bool
copy_urls(const struct view from[VAULT_XCHG_URLS], struct urls *to, struct err *err)
{
	for (size_t i = 0; i < VAULT_XCHG_URLS; i++) {
		if (from[i].len == 0)
			continue;
		if (from[i].len > URL_MAX || !text_from_view(from[i], &to->list[i], err) ||
		    !text_is_visible_ascii(to->list[i]) ||
		    (strncmp(to->list[i], "ldap:///", 8) != 0 &&
			strncmp(to->list[i], "http://", 7) != 0))
			return err_set(err, E_INVALIDARG,
			    "an address in an exchange certificate begins with ldap:/// or "
			    "http:// and has at most %d visible characters",
			    URL_MAX);
	}
	return true;
}

static bool
push_addresses(const struct vault_xchg_offer *offer, ext_list *list, struct err *err)
{
	OWNED(urls_free) struct urls cdp = {0};
	OWNED(urls_free) struct urls aia = {0};

	return copy_urls(offer->cdp, &cdp, err) && copy_urls(offer->aia, &aia, err) &&
	       ext_push_cdp(list, &(struct ext_urls){cdp.list, VAULT_XCHG_URLS}, err) &&
	       ext_push_aia(list, aia.list, VAULT_XCHG_URLS, NULL, err);
}

/* OpenSSL knows names of OIDs too, and overlooks dots. */
static bool
is_dotted(const char *oid)
{
	size_t len = strlen(oid);

	return strspn(oid, "0123456789.") == len && strchr(oid, '.') != NULL &&
	       strstr(oid, "..") == NULL && oid[0] != '.' && oid[len - 1] != '.';
}

/* By its OID, as templates of version 2 are named, or by its name. */
static bool
push_template(const struct vault_xchg_offer *offer, ext_list *list, struct err *err)
{
	OWNED(own_memory) char *oid = NULL;
	struct err why;

	if (offer->kind->template == NULL)
		return true;
	if (offer->template_oid.len == 0)
		return ext_push_template_name(list, offer->kind->template, err);
	return (offer->template_oid.len <= OID_MAX &&
		   text_from_view(offer->template_oid, &oid, &why) && is_dotted(oid) &&
		   ext_push_template_info(
		       list, oid, offer->template_major, offer->template_minor, &why)) ||
	       err_set(err, E_INVALIDARG, "the OID of the template CAExchange is none");
}

static bool
push_key_ids(struct view spki, const struct pkix_cert *ca, ext_list *list, struct err *err)
{
	OWNED(buf_free) struct buf ca_id = {0};
	uint8_t key_id[KEY_ID_LEN];

	return ext_key_id(spki, key_id, err) && pkix_cert_ski(ca, &ca_id, err) &&
	       ext_push_ski(list, view_of(key_id, sizeof key_id), err) &&
	       ext_push_aki(list, buf_view(&ca_id), err);
}

static bool
push_extensions(const struct vault_xchg_offer *offer, EVP_PKEY *key, struct view spki,
    const struct pkix_cert *ca, ext_list *list, struct err *err)
{
	uint16_t usage =
	    EVP_PKEY_is_a(key, "RSA") ? PKIX_KU_KEY_ENCIPHERMENT : PKIX_KU_KEY_AGREEMENT;
	OWNED(own_memory) char *purpose = mem_text(offer->kind->usage);
	char *const oids[] = {purpose};
	const struct pkix_extension *policies = pkix_cert_extension(ca, NID_certificate_policies);

	return ext_push_key_usage(list, usage, true, err) &&
	       ext_push_eku(list, oids, 1, false, err) && push_key_ids(spki, ca, list, err) &&
	       push_template(offer, list, err) && push_addresses(offer, list, err) &&
	       (policies == NULL ||
		   pkix_ext_push(list, policies->oid, policies->critical, policies->value, err)) &&
	       ext_push_policies(list, oid_dotted(OID_APPLICATION_CERT_POLICIES), oids, 1, err);
}

static bool
check_life(
    const struct vault_xchg_offer *offer, const struct pkix_cert *ca, int64_t now, struct err *err)
{
	if (offer->life_s < VAULT_XCHG_LIFE_MIN || offer->life_s > VAULT_XCHG_LIFE_MAX)
		return err_set(err, E_INVALIDARG,
		    "an exchange certificate lives %d to %d seconds, not %lld", VAULT_XCHG_LIFE_MIN,
		    VAULT_XCHG_LIFE_MAX, (long long)offer->life_s);
	return now < ca->not_after ||
	       err_set(err, CERT_E_EXPIRED, "the CA certificate has expired");
}

bool
vault_xchg_tbs(const struct vault_xchg_offer *offer, EVP_PKEY *key, const struct pkix_cert *ca,
    struct view sig_alg, int64_t now, struct buf *tbs_out, struct journal_entry *entry_out,
    struct err *err)
{
	OWNED(own_x509_extensions) ext_list *list = sk_X509_EXTENSION_new_null();
	OWNED(buf_free) struct buf subject = {0};
	OWNED(buf_free) struct buf spki = {0};
	int64_t until = now + offer->life_s;

	*tbs_out = (struct buf){0};
	*entry_out = (struct journal_entry){.kind = JOURNAL_EXCHANGE};
	if (list == NULL)
		return err_openssl(err, DIRCA_E_CRYPTO, "a list of extensions");
	if (!check_life(offer, ca, now, err) || !vault_new_serial(entry_out, err) ||
	    !subject_name(offer->kind, ca, &subject, err) || !pkix_key_spki(key, &spki, err) ||
	    !push_extensions(offer, key, buf_view(&spki), ca, list, err))
		return false;
	const struct pkix_tbs tbs = {
	    .serial = view_of(entry_out->number, entry_out->number_len),
	    .sig_alg = sig_alg,
	    .issuer = ca->subject,
	    .not_before = now - PKIX_CLOCK_SKEW_S,
	    .not_after = until < ca->not_after ? until : ca->not_after,
	    .subject = buf_view(&subject),
	    .spki = buf_view(&spki),
	    .extensions = list,
	};
	return pkix_tbs_encode(&tbs, tbs_out, err);
}
