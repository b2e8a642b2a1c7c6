/* The copy is read: whose it is, and whether all of it is there. */
#include "backup_priv.h"

#include <stdlib.h>
#include <string.h>

#include "cms.h"
#include "file.h"
#include "oids.h"
#include "own_openssl.h"
#include "pem.h"
#include "text.h"

#define MANIFEST_MAX (1024 * 1024)

static bool
read_message(const char *folder, struct cms_signed *out, struct err *err)
{
	OWNED(own_memory) char *path = text_printf("%s/" BACKUP_MANIFEST, folder);
	OWNED(buf_free) struct buf der = {0};

	if (!file_read(path, MANIFEST_MAX, &der, err) ||
	    !cms_signed_decode(buf_view(&der), out, err))
		return err_prefix(err, "%s is no copy of a CA", folder);
	return (out->signer_count == 1 && out->certificate_count == 1 &&
		   strcmp(out->content_oid, oid_dotted(OID_CA_BACKUP)) == 0) ||
	       err_set(err, DIRCA_E_BACKUP, "%s: it is no signed list of a copy", path);
}

/* The certificate comes with the list: it says who signed, and its reader whether that is he. */
static bool
verify_message(const struct cms_signed *message, struct pkix_cert *ca_out, struct err *err)
{
	OWNED(own_pkey) EVP_PKEY *key = NULL;

	return pkix_cert_decode(message->certificates[0], ca_out, err) &&
	       pkix_public_key(ca_out->spki, &key, err) &&
	       cms_signer_verify(message, &message->signers[0], key, false, err);
}

bool
backup_read(const char *folder, struct backup *out, struct err *err)
{
	OWNED(cms_signed_free) struct cms_signed message = {0};
	OWNED(pkix_cert_free) struct pkix_cert ca = {0};

	*out = (struct backup){0};
	if (!oids_init(err) || !read_message(folder, &message, err))
		return false;
	if (verify_message(&message, &ca, err) && manifest_decode(message.content, out, err)) {
		out->ca = ca;
		ca = (struct pkix_cert){0};
		return true;
	}
	return err_prefix(err, "%s/" BACKUP_MANIFEST, folder);
}

static bool
check_item(const char *folder, const struct backup_item *item, struct err *err)
{
	OWNED(own_memory) char *path = backup_item_path(folder, item);
	OWNED(own_fd) int fd = -1;
	uint8_t sha256[32];
	int64_t size;

	if (backup_item_is_folder(item))
		return true;
	if (!file_open(path, &fd, err))
		return err->code == ERROR_FILE_NOT_FOUND
			   ? err_set(err, DIRCA_E_BACKUP, "%s is listed, and not there", path)
			   : false;
	return backup_copy(fd, path, NULL, &size, sha256, err) &&
	       backup_item_is(item, size, sha256, path, err);
}

bool
backup_check(const char *folder, const struct backup *b, struct err *err)
{
	for (size_t i = 0; i < b->count; i++)
		if (!check_item(folder, &b->items[i], err))
			return false;
	return true;
}
