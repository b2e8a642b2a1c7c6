#include "wish.h"

#include <string.h>

#include "escalation.h"
#include "mem.h"
#include "tmpl_priv.h"
#include "tmpl_rights.h"

#define KU_ENTITY (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION | KU_ENCRYPTS | KU_ENCIPHER_ONLY)
#define KU_CA     (KU_CERT_SIGN | KU_CRL_SIGN)

static bool
check_key(const struct wish *w, struct err *err)
{
	return strcmp(w->key_algorithm, "RSA") != 0 || w->key_bits >= WISH_RSA_BITS ||
	       err_set(err, CERTSRV_E_KEY_LENGTH,
		   "this CA certifies RSA keys of %d bits at least, and that of the request has %d",
		   WISH_RSA_BITS, w->key_bits);
}

static bool
set_ca_usage(const struct wish *w, struct tmpl *t, struct err *err)
{
	if (w->has_key_usage && (w->key_usage[0] & KU_CA) != KU_CA)
		return err_set(err, ERROR_INVALID_DATA,
		    "the request is for a CA, and its key usage lacks keyCertSign or cRLSign");
	t->flags |= CT_FLAG_IS_CA;
	t->max_depth = w->path_len;
	t->key_usage[0] = KU_DIGITAL_SIGNATURE | KU_CA;
	return true;
}

static bool
set_key_usage(const struct wish *w, struct tmpl *t, struct err *err)
{
	if (!w->has_key_usage) {
		t->key_usage[0] = KU_DIGITAL_SIGNATURE | KU_KEY_ENCIPHERMENT;
		return true;
	}
	if ((w->key_usage[0] & KU_CA) != 0)
		return err_set(err, ERROR_INVALID_DATA,
		    "the request asks for the key usages of a CA (keyCertSign, cRLSign), and is "
		    "for none (basicConstraints)");
	t->key_usage[0] = w->key_usage[0] & KU_ENTITY;
	t->key_usage[1] = w->key_usage[1] & KU_DECIPHER_ONLY;
	return t->key_usage[0] != 0 ||
	       err_set(err, ERROR_INVALID_DATA, "the key usage of the request allows nothing");
}

/* A CA without any is not limited; sign_kinds asks for both. */
static void
set_purposes(const struct wish *w, struct tmpl *t)
{
	for (size_t i = 0; i < w->eku.count; i++)
		texts_add(&t->eku, w->eku.list[i]);
	if (w->eku.count == 0 && !w->is_ca) {
		texts_add(&t->eku, OID_SERVER_AUTHENTICATION);
		texts_add(&t->eku, OID_CLIENT_AUTHENTICATION);
	}
}

/* Whoever may ask the CA at all, which its rights say. */
static bool
set_rights(struct tmpl *t, struct err *err)
{
	bool ignored;

	t->has_sd = true;
	t->sd.has_dacl = true;
	return tmpl_grant(&t->sd, &SID_EVERYONE, TMPL_ENROLL, false, &ignored, err);
}

bool
wish_template(const struct wish *w, struct tmpl *out, struct err *err)
{
	*out = (struct tmpl){.of_request = true,
	    .cn = mem_text("(none)"),
	    .enrollment_flag = CT_FLAG_PEND_ALL_REQUESTS | CT_FLAG_NO_SECURITY_EXTENSION,
	    .name_flag =
		CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT | CT_FLAG_ENROLLEE_SUPPLIES_SUBJECT_ALT_NAME,
	    .schema_version = 1,
	    .max_depth = -1,
	    .validity = INT64_MAX}; /* as long as the CA lets anything live */
	texts_add(&out->critical, OID_KEY_USAGE);
	set_purposes(w, out);
	if (check_key(w, err) && (w->is_ca ? set_ca_usage : set_key_usage)(w, out, err) &&
	    set_rights(out, err))
		return true;
	tmpl_free(out);
	return false;
}
