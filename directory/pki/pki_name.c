#include <stdlib.h>
#include <string.h>

#include "pki_priv.h"
#include "text.h"

/* Lengths of [MS-WCCE] 3.1.1.4.1.1: so much of the sanitized name is kept; "!xxxx" is one replaced
 * character. */
#define KEPT_MAX   51
#define ESCAPE_LEN 5

/* [MS-WCCE] 3.1.1.4.1.1.2 */
static bool
is_disallowed(uint32_t unit)
{
	return unit < 0x20 || unit >= 0x7f ||
	       strchr("!\"#%&'()*+,/:;<=>?[\\]^`{|}", (int)unit) != NULL;
}

char *
pki_sanitize_long(const char *ca_name)
{
	struct err ignored;
	struct buf units = {0};
	char *out = NULL, *p;

	if (!utf16le_encode(ca_name, &units, &ignored))
		return NULL;
	if ((out = calloc(units.len / 2 + 1, ESCAPE_LEN)) != NULL) {
		p = out;
		for (size_t i = 0; i + 1 < units.len; i += 2) {
			static const char digits[] = "0123456789abcdef";
			uint32_t u = (uint32_t)units.ptr[i] | (uint32_t)units.ptr[i + 1] << 8;

			if (!is_disallowed(u)) {
				*p++ = (char)u;
				continue;
			}
			*p++ = '!';
			for (int shift = 12; shift >= 0; shift -= 4)
				*p++ = digits[u >> shift & 15];
		}
		*p = '\0';
	}
	buf_free(&units);
	return out;
}

/* Where to cut so that no replaced character is split. Every '!' begins one, since '!' itself is
 * replaced. */
static size_t
cut_at(const char *name)
{
	const char *tail = name + KEPT_MAX - (ESCAPE_LEN - 1),
		   *split = memchr(tail, '!', ESCAPE_LEN - 1);

	return split != NULL ? (size_t)(split - name) : KEPT_MAX;
}

/* [MS-WCCE] 3.1.1.4.1.1.1 */
static uint16_t
hash_rest(const char *rest)
{
	uint16_t hash = 0;

	for (; *rest != '\0'; rest++)
		hash = (uint16_t)((uint16_t)(hash << 1 | hash >> 15) + (unsigned char)*rest);
	return hash;
}

char *
pki_sanitize(const char *ca_name)
{
	char *name = pki_sanitize_long(ca_name), *cut;
	size_t kept;

	if (name == NULL || strlen(name) <= KEPT_MAX)
		return name;
	kept = cut_at(name);
	cut = text_printf("%.*s-%05u", (int)kept, name, (unsigned)hash_rest(name + kept));
	free(name);
	return cut;
}

char *
pki_short_host(const char *host)
{
	return strndup(host, strcspn(host, "."));
}

char *
pki_child_dn(const char *cn, const char *parent)
{
	char *escaped = cn != NULL && parent != NULL ? dir_rdn_escape(cn) : NULL;
	char *dn = escaped != NULL ? text_printf("CN=%s,%s", escaped, parent) : NULL;

	free(escaped);
	return dn;
}

char *
pki_services_dn(const struct dir_conn *c)
{
	return text_printf(PKI_SERVICES_RDNS ",%s", dir_conn_root(c)->config_nc);
}

char *
pki_service_dn(const struct dir_conn *c, const char *ca_name)
{
	char *services = pki_services_dn(c), *name = pki_sanitize(ca_name);
	char *parent = pki_child_dn("Enrollment Services", services),
	     *dn = pki_child_dn(name, parent);

	free(services);
	free(name);
	free(parent);
	return dn;
}

/* DN of an LDAP URL, RFC 4516 2.1. */
static char *
percent_encode(const char *s)
{
	static const char digits[] = "0123456789ABCDEF";
	char *out = malloc(strlen(s) * 3 + 1), *p = out;

	if (out == NULL)
		return NULL;
	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
			     (c >= 'a' && c <= 'z') || strchr("-._~!$&'()*+,;=:@", c) != NULL;

		if (plain) {
			*p++ = (char)c;
			continue;
		}
		*p++ = '%';
		*p++ = digits[c >> 4];
		*p++ = digits[c & 15];
	}
	*p = '\0';
	return out;
}

static char *
ldap_url(const char *dn, const char *rest)
{
	char *encoded = dn != NULL ? percent_encode(dn) : NULL;
	char *url = encoded != NULL ? text_printf("ldap:///%s?%s", encoded, rest) : NULL;

	free(encoded);
	return url;
}

char *
pki_cdp_url(const char *services_dn, const char *ca_name, const char *host)
{
	char *name = pki_sanitize(ca_name), *computer = pki_short_host(host);
	char *cdp = pki_child_dn("CDP", services_dn), *parent = pki_child_dn(computer, cdp);
	char *dn = pki_child_dn(name, parent);
	char *url = ldap_url(dn, "certificateRevocationList?base?objectClass=cRLDistributionPoint");

	free(name);
	free(computer);
	free(cdp);
	free(parent);
	free(dn);
	return url;
}

char *
pki_aia_url(const char *services_dn, const char *ca_name)
{
	char *name = pki_sanitize(ca_name), *aia = pki_child_dn("AIA", services_dn),
	     *dn = pki_child_dn(name, aia);
	char *url = ldap_url(dn, "cACertificate?base?objectClass=certificationAuthority");

	free(name);
	free(aia);
	free(dn);
	return url;
}
