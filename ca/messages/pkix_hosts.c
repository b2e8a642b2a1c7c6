#include "pkix_priv.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "own.h"
#include "pkix_name.h"
#include "text.h"

static bool
add_string(const ASN1_STRING *s, struct texts *out, struct err *err)
{
	char *text = NULL;
	bool ok = pkix_string_text(s, &text, err);

	if (ok)
		texts_take(out, text);
	return ok;
}

static bool
add_common_names(struct view subject, struct texts *out, struct err *err)
{
	OWNED(pkix_avas_free) struct pkix_avas name = {0};

	if (!pkix_name_read(subject, &name))
		return err_set(err, ERROR_INVALID_DATA, "the subject is no name");
	for (size_t i = 0; i < name.count; i++) {
		const struct pkix_ava *ava = &name.list[i];
		char *text;

		if (!pkix_type_is(ava->type, NID_commonName))
			continue;
		if (!pkix_octets_text(ava->tag, ava->value, &text, err))
			return false;
		texts_take(out, text);
	}
	return true;
}

static bool
add_address(const ASN1_OCTET_STRING *octets, struct texts *out, struct err *err)
{
	int len = ASN1_STRING_length(octets);
	char text[INET6_ADDRSTRLEN];

	if ((len != 4 && len != 16) ||
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(octets), text,
		sizeof text) == NULL)
		return err_set(err, ERROR_INVALID_DATA, "an IP address of %d bytes", len);
	texts_add(out, text);
	return true;
}

static void
add_uri_host(const ASN1_IA5STRING *uri, struct texts *out)
{
	char *host = text_url_host(pkix_string_view(uri));

	if (host != NULL)
		texts_take(out, host);
}

/* "HTTP/ca1.nwtraders.com@NWTRADERS.COM", the name of a service, names a host as well. */
static bool
add_principal(const ASN1_UTF8STRING *upn, struct texts *out, struct err *err)
{
	OWNED(own_memory) char *text = NULL;
	char *part, *rest;

	if (!pkix_string_text(upn, &text, err))
		return false;
	text[strcspn(text, "@")] = '\0';
	texts_add(out, text);
	for (part = strtok_r(text, "/", &rest); part != NULL; part = strtok_r(NULL, "/", &rest))
		texts_add(out, part);
	return true;
}

static bool
add_name(const GENERAL_NAME *name, struct texts *out, struct err *err)
{
	switch (name->type) {
	case GEN_DNS:
		return add_string(name->d.dNSName, out, err);
	case GEN_IPADD:
		return add_address(name->d.iPAddress, out, err);
	case GEN_URI:
		add_uri_host(name->d.uniformResourceIdentifier, out);
		return true;
	case GEN_OTHERNAME:
		if (OBJ_obj2nid(name->d.otherName->type_id) != NID_ms_upn ||
		    name->d.otherName->value->type != V_ASN1_UTF8STRING)
			return true;
		return add_principal(name->d.otherName->value->value.utf8string, out, err);
	default:
		return true;
	}
}

static bool
add_alternative_names(struct view san, struct texts *out, struct err *err)
{
	const unsigned char *p = san.ptr;
	GENERAL_NAMES *names =
	    pkix_der_is_strict(san) ? d2i_GENERAL_NAMES(NULL, &p, (long)san.len) : NULL;
	bool ok = names != NULL ||
		  err_set(err, ERROR_INVALID_DATA, "the alternative names cannot be read");

	ERR_clear_error();
	for (int i = 0; ok && i < sk_GENERAL_NAME_num(names); i++)
		ok = add_name(sk_GENERAL_NAME_value(names, i), out, err);
	GENERAL_NAMES_free(names);
	return ok;
}

bool
pkix_host_names(struct view subject, struct view san, struct texts *out, struct err *err)
{
	*out = (struct texts){0};
	if (add_common_names(subject, out, err) &&
	    (san.len == 0 || add_alternative_names(san, out, err)))
		return true;
	texts_free(out);
	return false;
}

/* ---- matching ---- */

static bool
same_address(const char *a, const char *b)
{
	static const int families[] = {AF_INET, AF_INET6};

	for (size_t i = 0; i < 2; i++) {
		uint8_t first[16] = {0}, second[16] = {0};

		if (inet_pton(families[i], a, first) == 1 && inet_pton(families[i], b, second) == 1)
			return memcmp(first, second, sizeof first) == 0;
	}
	return false;
}

static size_t
length_without_dots(const char *name)
{
	size_t len = strlen(name);

	while (len > 0 && name[len - 1] == '.')
		len--;
	return len;
}

bool
pkix_host_matches(const char *name, const char *host)
{
	size_t name_len = length_without_dots(name), host_len = length_without_dots(host);
	size_t n = 0, h = 0, star = SIZE_MAX, resume = 0;

	if (same_address(name, host))
		return true;
	while (h < host_len) {
		if (n < name_len && name[n] == '*') {
			star = n++;
			resume = h;
		} else if (n < name_len && strncasecmp(name + n, host + h, 1) == 0) {
			n++;
			h++;
		} else if (star != SIZE_MAX && host[resume] != '.') {
			n = star + 1;
			h = ++resume; /* the last '*' takes one character more */
		} else {
			return false;
		}
	}
	while (n < name_len && name[n] == '*')
		n++;
	return n == name_len && name_len > 0;
}
