/* Entries of escrow batches: from whom root takes them. */
#include "import_priv.h"

#include <stdlib.h>

#include "mem.h"
#include "own.h"
#include "pem.h"
#include "trust.h"

static bool
is_listed(const struct pem_certs *list, struct view signer)
{
	for (size_t i = 0; i < list->count; i++)
		if (view_eq(buf_view(&list->list[i]), signer))
			return true;
	return false;
}

/* Read each time, so that a change is in force at once. */
static bool
check_signer(const struct ca *ca, struct view signer, struct err *err)
{
	OWNED(buf_free) struct buf text = {0};
	OWNED(pem_certs_free) struct pem_certs list = {0};
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(own_memory) char *name = NULL;

	if (!pkix_cert_decode(signer, &cert, err))
		return false;
	name = pkix_name_text(cert.subject);
	if (!trust_read(ca->config->state_dir, TRUST_SIGNERS, &text, err)) {
		if (err->code != ERROR_FILE_NOT_FOUND)
			return false;
	} else if (!pem_certificates(buf_view(&text), &list.list, &list.count, err)) {
		return err_prefix(err, "%s", TRUST_SIGNERS);
	}
	return is_listed(&list, signer) ||
	       err_set(err, CERT_E_UNTRUSTEDROOT,
		   "%s may not sign escrow batches: the certificate is not in " TRUST_FOLDER
		   "/" TRUST_SIGNERS " of the CA's state folder, which is root's",
		   name);
}

bool
import_entry_open(const struct ca *ca, struct view der, struct import_entry *out, struct err *err)
{
	struct view signer;

	*out = (struct import_entry){0};
	if (cms_signed_decode(der, &out->message, err) &&
	    escrow_entry_verify(&out->message, &out->entry, &signer, err) &&
	    check_signer(ca, signer, err))
		return true;
	import_entry_free(out);
	return false;
}

void
import_entry_free(struct import_entry *e)
{
	escrow_entry_free(&e->entry);
	cms_signed_free(&e->message);
	*e = (struct import_entry){0};
}
