#include <ldap.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conn.h"
#include "conn_priv.h"
#include "text.h"
#include "mem.h"
#include "own_ldap.h"

char *
dir_rdn_escape(const char *value)
{
	size_t len = strlen(value), used = 0;
	char *out = mem_zero(len * 3 + 1, 1);

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)value[i];
		bool at_edge = (i == 0 && (c == ' ' || c == '#')) || (i + 1 == len && c == ' ');

		if (c < 0x20 || c == 0x7f) {
			static const char digits[] = "0123456789abcdef";

			out[used++] = '\\';
			out[used++] = digits[c >> 4];
			out[used++] = digits[c & 15];
			continue;
		}
		if (at_edge || strchr("\"+,;<>\\=", c) != NULL)
			out[used++] = '\\';
		out[used++] = (char)c;
	}
	out[used] = '\0';
	return out;
}

/* NULL if malformed. The empty string is the root: parsed as no RDN at all. */
static bool
parse(const char *dn, LDAPDN *out)
{
	*out = NULL;
	return ldap_str2dn(dn, out, LDAP_DN_FORMAT_LDAPV3) == LDAP_SUCCESS;
}

static size_t
depth(LDAPDN dn)
{
	size_t n = 0;

	while (dn != NULL && dn[n] != NULL)
		n++;
	return n;
}

/* Next character of a value as caseIgnoreMatch sees it (RFC 4518 2.6.1): runs of blanks are one,
 * those at the ends none. */
static int
next_char(const struct berval *v, size_t *at)
{
	size_t i = *at;
	int c;

	if (i < v->bv_len && v->bv_val[i] == ' ') {
		while (i < v->bv_len && v->bv_val[i] == ' ')
			i++;
		if (i<v->bv_len && * at> 0) {
			*at = i;
			return ' ';
		}
	}
	if (i >= v->bv_len) {
		*at = v->bv_len;
		return -1;
	}
	c = (unsigned char)v->bv_val[i];
	*at = i + 1;
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool
value_eq(const LDAPAVA *a, const LDAPAVA *b)
{
	size_t i = 0, k = 0;
	int c;

	/* "#hex" values are BER: other bytes, other value. */
	if ((a->la_flags & LDAP_AVA_BINARY) != (b->la_flags & LDAP_AVA_BINARY))
		return false;
	if ((a->la_flags & LDAP_AVA_BINARY) != 0)
		return ber_bvcmp(&a->la_value, &b->la_value) == 0;
	do {
		c = next_char(&a->la_value, &i);
		if (c != next_char(&b->la_value, &k))
			return false;
	} while (c != -1);
	return true;
}

static bool
rdn_has(LDAPRDN rdn, const LDAPAVA *ava)
{
	for (size_t i = 0; rdn[i] != NULL; i++)
		if (rdn[i]->la_attr.bv_len == ava->la_attr.bv_len &&
		    strncasecmp(rdn[i]->la_attr.bv_val, ava->la_attr.bv_val, ava->la_attr.bv_len) ==
			0 &&
		    value_eq(rdn[i], ava))
			return true;
	return false;
}

/* An RDN is a set: its parts may come in any order. */
static bool
rdn_eq(LDAPRDN a, LDAPRDN b)
{
	size_t n = 0, m = 0;

	for (; a[n] != NULL; n++)
		if (!rdn_has(b, a[n]))
			return false;
	for (; b[m] != NULL; m++)
		if (!rdn_has(a, b[m]))
			return false;
	return n == m;
}

/* The last depth(base) RDNs of `dn` are those of `base`. */
static bool
ends_with(LDAPDN dn, LDAPDN base)
{
	size_t n = depth(dn), m = depth(base);

	if (n < m)
		return false;
	for (size_t i = 0; i < m; i++)
		if (!rdn_eq(dn[n - m + i], base[i]))
			return false;
	return true;
}

static bool
compare(const char *dn, const char *base, bool whole)
{
	OWNED(own_ldap_dn) LDAPDN a = NULL, b = NULL;

	return parse(dn, &a) && parse(base, &b) && ends_with(a, b) &&
	       (!whole || depth(a) == depth(b));
}

bool
dir_dn_eq(const char *a, const char *b)
{
	return compare(a, b, true);
}

bool
dir_dn_is_under(const char *dn, const char *base)
{
	return compare(dn, base, false);
}

size_t
dir_dn_depth(const char *dn)
{
	OWNED(own_ldap_dn) LDAPDN parsed = NULL;

	return parse(dn, &parsed) ? depth(parsed) : 0;
}

static char *
ava_text(const LDAPAVA *ava)
{
	struct err ignored;
	char *value = NULL;

	if ((ava->la_flags & LDAP_AVA_BINARY) == 0)
		text_from_view(
		    view_of(ava->la_value.bv_val, ava->la_value.bv_len), &value, &ignored);
	return value;
}

char *
dir_dn_first_value(const char *dn)
{
	OWNED(own_ldap_dn) LDAPDN parsed = NULL;

	return parse(dn, &parsed) && depth(parsed) > 0 ? ava_text(parsed[0][0]) : NULL;
}

char *
dir_dn_first_value_of(const char *dn, const char *attribute)
{
	OWNED(own_ldap_dn) LDAPDN parsed = NULL;
	size_t len = strlen(attribute);

	if (!parse(dn, &parsed) || depth(parsed) == 0)
		return NULL;
	for (LDAPAVA **a = parsed[0]; *a != NULL; a++)
		if ((*a)->la_attr.bv_len == len &&
		    strncasecmp((*a)->la_attr.bv_val, attribute, len) == 0)
			return ava_text(*a);
	return NULL;
}

static bool
is_domain_part(LDAPRDN rdn)
{
	const LDAPAVA *ava = rdn[0];

	return ava->la_attr.bv_len == 2 && strncasecmp(ava->la_attr.bv_val, "dc", 2) == 0;
}

/* RFC 2247: DC=nwtraders,DC=com is nwtraders.com. */
char *
dir_dn_to_dns(const char *dn)
{
	OWNED(own_ldap_dn) LDAPDN parsed = NULL;
	OWNED(buf_free) struct buf b = {0};
	struct err ignored;

	if (!parse(dn, &parsed) || depth(parsed) == 0)
		return NULL;
	for (size_t i = 0; i < depth(parsed); i++) {
		const LDAPAVA *ava = parsed[i][0];

		if (!is_domain_part(parsed[i]) ||
		    (i > 0 && !buf_append(&b, view_str("."), &ignored)) ||
		    !buf_append(&b, view_of(ava->la_value.bv_val, ava->la_value.bv_len), &ignored))
			return NULL;
	}
	return buf_append(&b, view_of("", 1), &ignored) ? (char *)buf_give(&b).ptr : NULL;
}

char *
dir_dn_path(const char *dn)
{
	OWNED(own_ldap_dn) LDAPDN parsed = NULL;
	OWNED(buf_free) struct buf b = {0};
	struct err ignored;
	size_t left;

	if (!parse(dn, &parsed))
		return NULL;
	for (left = depth(parsed); left > 0 && is_domain_part(parsed[left - 1]); left--)
		;
	if (left == 0)
		return NULL;
	while (left-- > 0) {
		const struct berval *v = &parsed[left][0]->la_value;

		if ((b.len > 0 && !buf_append(&b, view_str("\\"), &ignored)) ||
		    !buf_append(&b, view_of(v->bv_val, v->bv_len), &ignored))
			return NULL;
	}
	return buf_append(&b, view_of("", 1), &ignored) ? (char *)buf_give(&b).ptr : NULL;
}
