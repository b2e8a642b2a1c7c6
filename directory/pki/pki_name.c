#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pki_priv.h"
#include "text.h"
#include "mem.h"
#include "own.h"

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
	static const char digits[] = "0123456789abcdef";
	OWNED(buf_free) struct buf units = {0};
	struct err ignored;
	char *out, *p;

	if (!utf16le_encode(ca_name, &units, &ignored))
		return NULL;
	p = out = mem_zero(units.len / 2 + 1, ESCAPE_LEN);
	for (size_t i = 0; i + 1 < units.len; i += 2) {
		uint32_t u = (uint32_t)units.ptr[i] | (uint32_t)units.ptr[i + 1] << 8;

		if (!is_disallowed(u)) {
			*p++ = (char)u;
			continue;
		}
		*p++ = '!';
		for (int shift = 12; shift >= 0; shift -= 4)
			*p++ = digits[u >> shift & 15];
	}
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
	OWNED(own_memory) char *name = pki_sanitize_long(ca_name);
	size_t kept;

	if (name == NULL || strlen(name) <= KEPT_MAX)
		return own_give(&name);
	kept = cut_at(name);
	return text_printf("%.*s-%05u", (int)kept, name, (unsigned)hash_rest(name + kept));
}

char *
pki_short_host(const char *host)
{
	return mem_text_n(host, strcspn(host, "."));
}

char *
pki_child_dn(const char *cn, const char *parent)
{
	OWNED(own_memory) char *escaped = cn != NULL ? dir_rdn_escape(cn) : NULL;

	return escaped != NULL && parent != NULL ? text_printf("CN=%s,%s", escaped, parent) : NULL;
}

char *
pki_services_dn(const struct dir_conn *c)
{
	return text_printf(PKI_SERVICES_RDNS ",%s", dir_conn_root(c)->config_nc);
}

char *
pki_place_dn(const struct dir_conn *c, const char *cn, const char *parent)
{
	OWNED(own_memory)
	char *services = pki_services_dn(c),
	     *base = parent != NULL ? pki_child_dn(parent, services) : NULL;

	return pki_child_dn(cn, parent != NULL ? base : services);
}

char *
pki_service_dn(const struct dir_conn *c, const char *ca_name)
{
	OWNED(own_memory) char *name = pki_sanitize(ca_name);

	return pki_place_dn(c, name, "Enrollment Services");
}

/* DN of an LDAP URL, RFC 4516 2.1. */
static char *
percent_encode(const char *s)
{
	static const char digits[] = "0123456789ABCDEF";
	char *out = mem_zero(strlen(s) * 3 + 1, 1), *p = out;

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
	return out;
}

static char *
ldap_url(const char *dn, const char *rest)
{
	OWNED(own_memory) char *encoded = dn != NULL ? percent_encode(dn) : NULL;

	return encoded != NULL ? text_printf("ldap:///%s?%s", encoded, rest) : NULL;
}

void
pki_index_suffix(uint32_t index, char out[PKI_INDEX_SUFFIX_MAX])
{
	out[0] = '\0';
	if (index > 0)
		snprintf(out, PKI_INDEX_SUFFIX_MAX, "(%" PRIu32 ")", index);
}

char *
pki_crl_suffix(uint32_t partition, uint32_t key_index)
{
	char index[PKI_INDEX_SUFFIX_MAX];

	pki_index_suffix(key_index, index);
	return partition > 0 ? text_printf("-p%" PRIu32 "%s", partition, index) : mem_text(index);
}

char *
pki_crl_cn(const char *ca_name, uint32_t partition, uint32_t key_index)
{
	OWNED(own_memory) char *name = pki_sanitize(ca_name);
	OWNED(own_memory) char *suffix = pki_crl_suffix(partition, key_index);

	return name != NULL && *name != '\0' ? text_printf("%s%s", name, suffix) : NULL;
}

bool
pki_crl_cn_is_of(const char *cn, const char *ca_name, uint32_t key_index)
{
	OWNED(own_memory) char *whole = pki_crl_cn(ca_name, 0, 0);
	size_t len = whole != NULL ? strlen(whole) : 0;
	unsigned long partition;
	OWNED(own_memory) char *suffix = NULL;

	if (whole == NULL || strncmp(cn, whole, len) != 0)
		return false;
	partition = strncmp(cn + len, "-p", 2) == 0 ? strtoul(cn + len + 2, NULL, 10) : 0;
	suffix = partition <= UINT32_MAX ? pki_crl_suffix((uint32_t)partition, key_index) : NULL;
	return suffix != NULL && strcmp(cn + len, suffix) == 0;
}

const char *
pki_crl_attribute(const struct pki_crl_place *place)
{
	return place->delta ? "deltaRevocationList" : "certificateRevocationList";
}

char *
pki_cdp_url(const char *services_dn, const struct pki_crl_place *place)
{
	OWNED(own_memory)
	char *name = pki_crl_cn(place->ca_name, place->partition, place->key_index);
	OWNED(own_memory) char *computer = pki_short_host(place->host);
	OWNED(own_memory)
	char *rest =
	    text_printf("%s?base?objectClass=cRLDistributionPoint", pki_crl_attribute(place));
	OWNED(own_memory) char *cdp = pki_child_dn("CDP", services_dn);
	OWNED(own_memory) char *parent = pki_child_dn(computer, cdp);
	OWNED(own_memory) char *dn = pki_child_dn(name, parent);

	return ldap_url(dn, rest);
}

char *
pki_aia_url(const char *services_dn, const char *ca_name)
{
	OWNED(own_memory) char *name = pki_sanitize(ca_name);
	OWNED(own_memory) char *aia = pki_child_dn("AIA", services_dn);
	OWNED(own_memory) char *dn = pki_child_dn(name, aia);

	return ldap_url(dn, "cACertificate?base?objectClass=certificationAuthority");
}
