#include "sign_kinds.h"

#include <stdio.h>
#include <string.h>

#include "mem.h"
#include "oids.h"
#include "pkix.h"

#define BLANKS " \t,"

/* In the order in which they are named. */
static const struct {
	const char *name;
	unsigned kind; /* 0: what everybody may have */
} words[] = {
    {"end-entity", 0},
    {"kra", SIGN_KIND_KRA},
    {"sub-ca", SIGN_KIND_SUB_CA},
    {"enrollment-agent", SIGN_KIND_AGENT},
    {"ocsp-signing", SIGN_KIND_OCSP},
    {"any-purpose", SIGN_KIND_ANY_PURPOSE},
};
#define WORD_COUNT COUNT_OF(words)

static const struct {
	const char *usage;
	unsigned kind;
} usages[] = {
    {KP_KEY_RECOVERY_AGENT, SIGN_KIND_KRA}, {KP_ENROLLMENT_AGENT, SIGN_KIND_AGENT},
    {"1.3.6.1.5.5.7.3.9", SIGN_KIND_OCSP}, {"2.5.29.37.0", SIGN_KIND_ANY_PURPOSE},
    {"1.3.6.1.4.1.311.10.12.1", SIGN_KIND_ANY_PURPOSE}, /* any application policy */
};

static bool
has_usage(const struct sign_usages *u, const char *dotted)
{
	for (size_t i = 0; i < u->count; i++)
		if (strcmp(u->list[i], dotted) == 0)
			return true;
	return false;
}

/* What clients encrypt private keys to: exchange certificates, and whatever else dirca gives a
 * meaning. */
static const char *
find_own(const struct sign_usages *u)
{
	static const char reserved[] = DIRCA_ARC ".4.";

	for (size_t i = 0; i < u->count; i++)
		if (strcmp(u->list[i], KP_CA_EXCHANGE) == 0 ||
		    strncmp(u->list[i], reserved, sizeof reserved - 1) == 0)
			return u->list[i];
	return NULL;
}

static unsigned
kinds_of(const struct sign_purpose *p)
{
	unsigned kinds = 0;

	if (p->is_ca || (p->key_usage & (PKIX_KU_CERT_SIGN | PKIX_KU_CRL_SIGN)) != 0)
		kinds |= SIGN_KIND_SUB_CA;
	/* RFC 5280 4.2.1.12: without the extension every purpose is allowed. For a CA this says
	 * only that what it issues is not limited. */
	if (!p->has_eku && !p->is_ca)
		kinds |= SIGN_KIND_ANY_PURPOSE;
	for (size_t i = 0; i < COUNT_OF(usages); i++)
		if (has_usage(&p->eku, usages[i].usage) || has_usage(&p->policy, usages[i].usage))
			kinds |= usages[i].kind;
	return kinds;
}

/* The names of `kinds`; `with_end_entity` so that the text is never empty. */
static void
name_kinds(unsigned kinds, bool with_end_entity, char out[SIGN_KINDS_TEXT_MAX])
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < WORD_COUNT; i++) {
		bool named = words[i].kind == 0 ? with_end_entity : (kinds & words[i].kind) != 0;

		if (named && used < SIGN_KINDS_TEXT_MAX)
			used += (size_t)snprintf(out + used, SIGN_KINDS_TEXT_MAX - used, "%s%s",
			    used > 0 ? " " : "", words[i].name);
	}
}

void
sign_kinds_text(unsigned kinds, char out[SIGN_KINDS_TEXT_MAX])
{
	name_kinds(kinds, true, out);
}

bool
sign_kinds_check(unsigned allowed, const struct sign_purpose *p, struct err *err)
{
	unsigned kinds = kinds_of(p), missing = kinds & ~allowed;
	char lacking[SIGN_KINDS_TEXT_MAX], line[SIGN_KINDS_TEXT_MAX];
	const char *own = find_own(&p->eku);

	if (own != NULL || (own = find_own(&p->policy)) != NULL)
		return err_set(err, DIRCA_E_KIND_NOT_ALLOWED,
		    "the vault signs no certificate with the usage %s for anybody: it makes CA "
		    "exchange and key import certificates itself, for its own keys",
		    own);
	if (missing == 0)
		return true;
	name_kinds(missing, false, lacking);
	sign_kinds_text(allowed | kinds, line);
	return err_set(err, DIRCA_E_KIND_NOT_ALLOWED,
	    "the vault signs no certificates of this kind (%s); to allow it, write 'sign_kinds = "
	    "%s' into dircad.conf and start dircad again",
	    lacking, line);
}

bool
sign_kinds_parse(const char *text, unsigned *out, struct err *err)
{
	size_t len;

	*out = 0;
	for (text += strspn(text, BLANKS); *text != '\0';
	     text += len, text += strspn(text, BLANKS)) {
		size_t i = 0;

		len = strcspn(text, BLANKS);
		while (i < WORD_COUNT &&
		       (strlen(words[i].name) != len || strncmp(words[i].name, text, len) != 0))
			i++;
		if (i == WORD_COUNT)
			return err_set(err, DIRCA_E_CONFIG,
			    "'sign_kinds' names '%.*s', but knows end-entity, kra, sub-ca, "
			    "enrollment-agent, ocsp-signing and any-purpose only",
			    (int)len, text);
		*out |= words[i].kind;
	}
	return true;
}
