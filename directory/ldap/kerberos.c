#include "kerberos.h"

#include <stdlib.h>
#include <unistd.h>
#include <gssapi/gssapi_ext.h>
#include <gssapi/gssapi_krb5.h>
#include <krb5.h>

#include "mem.h"
#include "own.h"
#include "text.h"

char *
kerberos_words(OM_uint32 major, OM_uint32 minor)
{
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 ignored, more = 0;
	bool own = minor != 0;
	char *out;

	gss_display_status(&ignored, own ? minor : major, own ? GSS_C_MECH_CODE : GSS_C_GSS_CODE,
	    GSS_C_NO_OID, &more, &text);
	out = mem_text_n(text.value, text.length);
	gss_release_buffer(&ignored, &text);
	return out;
}

static OM_uint32
name_of(gss_cred_id_t cred, char **out, OM_uint32 *minor)
{
	gss_name_t name = GSS_C_NO_NAME;
	gss_buffer_desc text = GSS_C_EMPTY_BUFFER;
	OM_uint32 major, ignored;

	/* Here the tickets are fetched, if there are none yet. */
	major = gss_inquire_cred(minor, cred, &name, NULL, NULL, NULL);
	if (major == GSS_S_COMPLETE)
		major = gss_display_name(minor, name, &text, NULL);
	if (major == GSS_S_COMPLETE)
		*out = mem_text_n(text.value, text.length);
	gss_release_buffer(&ignored, &text);
	gss_release_name(&ignored, &name);
	return major;
}

/* Takes the principal, which may be NULL. */
static char *
unparsed(krb5_context krb5, krb5_principal principal)
{
	char *text = NULL, *out = NULL;

	if (principal != NULL && krb5_unparse_name(krb5, principal, &text) == 0) {
		out = mem_text(text);
		krb5_free_unparsed_name(krb5, text);
	}
	krb5_free_principal(krb5, principal);
	return out;
}

/* Whose tickets the credential cache holds, ended ones too; NULL: nobody's. free(). */
static char *
owner_of_cache(void)
{
	krb5_context krb5;
	krb5_ccache cache = NULL;
	krb5_principal principal = NULL;
	char *out;

	if (krb5_init_context(&krb5) != 0)
		return NULL;
	if (krb5_cc_default(krb5, &cache) == 0 &&
	    krb5_cc_get_principal(krb5, cache, &principal) != 0)
		principal = NULL;
	out = unparsed(krb5, principal);
	if (cache != NULL)
		krb5_cc_close(krb5, cache);
	krb5_free_context(krb5);
	return out;
}

/* That of the first key, which is whose ticket is asked for; NULL: there is none. free(). */
static char *
first_of_keytab(const char *path)
{
	krb5_context krb5;
	krb5_keytab file = NULL;
	krb5_kt_cursor at;
	krb5_keytab_entry entry;
	krb5_principal principal = NULL;
	char *out;

	if (krb5_init_context(&krb5) != 0)
		return NULL;
	if (krb5_kt_resolve(krb5, path, &file) == 0 &&
	    krb5_kt_start_seq_get(krb5, file, &at) == 0) {
		if (krb5_kt_next_entry(krb5, file, &entry, &at) == 0) {
			if (krb5_copy_principal(krb5, entry.principal, &principal) != 0)
				principal = NULL;
			krb5_free_keytab_entry_contents(krb5, &entry);
		}
		krb5_kt_end_seq_get(krb5, file, &at);
	}
	out = unparsed(krb5, principal);
	if (file != NULL)
		krb5_kt_close(krb5, file);
	krb5_free_context(krb5);
	return out;
}

/* Of the tickets that a keytab brings. free(). */
static char *
cache_of(const char *keytab)
{
	return text_printf("MEMORY:%s", keytab != NULL ? keytab : "");
}

/* Of a keytab into a cache in memory of its own, which the thread then takes for its own. */
static OM_uint32
acquire(const char *keytab, struct kerberos *k, OM_uint32 *minor)
{
	OWNED(own_memory) char *cache = cache_of(keytab);
	gss_key_value_element_desc pairs[] = {{"client_keytab", keytab}, {"ccache", cache}};
	const gss_key_value_set_desc store = {COUNT_OF(pairs), pairs};
	gss_OID_set_desc kerberos = {1, (gss_OID)gss_mech_krb5};
	OM_uint32 major = gss_acquire_cred_from(minor, GSS_C_NO_NAME, GSS_C_INDEFINITE, &kerberos,
	    GSS_C_INITIATE, keytab != NULL ? &store : GSS_C_NO_CRED_STORE, &k->cred, NULL, NULL);

	if (major == GSS_S_COMPLETE)
		major = name_of(k->cred, &k->principal, minor);
	if (major == GSS_S_COMPLETE && keytab != NULL) {
		major = gss_krb5_ccache_name(minor, cache, NULL);
		k->lent = major == GSS_S_COMPLETE;
	}
	return major;
}

bool
kerberos_begin(const char *keytab, struct kerberos *out, struct err *err)
{
	OWNED(own_memory) char *why = NULL, *who = NULL;
	OM_uint32 major, minor;

	*out = (struct kerberos){.cred = GSS_C_NO_CREDENTIAL};
	if (keytab != NULL && access(keytab, R_OK) != 0)
		return err_errno(err, DIRCA_E_CONFIG, "the keytab %s", keytab);
	if ((major = acquire(keytab, out, &minor)) == GSS_S_COMPLETE)
		return true;
	why = kerberos_words(major, minor);
	kerberos_end(out);
	who = keytab != NULL ? first_of_keytab(keytab) : owner_of_cache();
	if (keytab != NULL)
		return err_set(err, DIRCA_E_AUTHENTICATION,
		    "the keytab %s brings no ticket for %s: %s", keytab,
		    who != NULL ? who : "anybody, for it holds no key", why);
	if (who != NULL && major == GSS_S_CREDENTIALS_EXPIRED)
		return err_set(err, DIRCA_E_AUTHENTICATION,
		    "the Kerberos ticket of %s has ended; `kinit` fetches another", who);
	return err_set(err, DIRCA_E_AUTHENTICATION,
	    "there is no Kerberos ticket, which `kinit` fetches: %s", why);
}

void
kerberos_end(struct kerberos *k)
{
	OM_uint32 ignored;

	if (k->lent)
		gss_krb5_ccache_name(&ignored, NULL, NULL);
	gss_release_cred(&ignored, &k->cred);
	free(k->principal);
	*k = (struct kerberos){.cred = GSS_C_NO_CREDENTIAL};
}

void
kerberos_forget(const char *keytab)
{
	OWNED(own_memory) char *name = cache_of(keytab);
	krb5_context krb5;
	krb5_ccache cache;

	if (krb5_init_context(&krb5) != 0)
		return;
	if (krb5_cc_resolve(krb5, name, &cache) == 0)
		krb5_cc_destroy(krb5, cache);
	krb5_free_context(krb5);
}

char *
kerberos_principal(void)
{
	OWNED(kerberos_end) struct kerberos k = {0};
	struct err err;

	return kerberos_begin(NULL, &k, &err) ? own_give(&k.principal)
					      : mem_text("nobody, for lack of a ticket");
}
