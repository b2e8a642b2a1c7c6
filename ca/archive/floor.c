/* What archived keys are sealed with, and what is too little for it. */
#include "archive.h"

bool
archive_floor_allows(const struct archive_floor *f, enum cms_cipher cipher, struct err *err)
{
	if (cipher == CMS_3DES_CBC)
		return f->allow_3des ||
		       err_set(err, E_ACCESSDENIED,
			   "no archived key is sealed with 3DES; to allow it, write 'allow_3des = "
			   "yes' into dircad.conf and start dircad again");
	return cms_key_bits(cipher) >= f->aes_bits ||
	       err_set(err, E_ACCESSDENIED,
		   "no archived key is sealed with AES-%d: dircad.conf demands at least %d bits "
		   "(archive_key_bits)",
		   cms_key_bits(cipher), f->aes_bits);
}

bool
archive_floor_reader(
    enum cms_reader floor, size_t threshold, enum cms_reader reader, struct err *err)
{
	/* What reads shares at all is dirca, which need not take the oldest. */
	if (threshold > 1 && reader == CMS_READER_PKCS1)
		return err_set(err, CERTSRV_E_NO_VALID_KRA,
		    "the agent's program reads pkcs1, and %zu agents open a key together: a share "
		    "is sealed with oaep at least (`dirca kra enable --reader`)",
		    threshold);
	return reader >= floor ||
	       err_set(err, CERTSRV_E_NO_VALID_KRA,
		   "the agent's program reads %s, and dircad.conf demands %s (archive_floor); "
		   "`dirca kra enable --reader` says what it reads",
		   cms_reader_word(reader), cms_reader_word(floor));
}

bool
archive_floor_holds(const struct archive_floor *f, const struct cms_enveloped *sealed)
{
	struct err ignored;

	if (!archive_floor_allows(f, sealed->cipher, &ignored) ||
	    (f->reader == CMS_READER_GCM && !cms_is_gcm(sealed->cipher)))
		return false;
	for (size_t i = 0; i < sealed->count; i++)
		if (sealed->recipients[i].is_pkcs1 &&
		    (f->reader > CMS_READER_PKCS1 || sealed->threshold > 1))
			return false;
	return true;
}

enum cms_cipher
archive_cipher(enum cms_cipher cipher, const struct cms_kra *kras, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (kras[i].reader < CMS_READER_GCM)
			return cipher;
	return cms_gcm_of(cipher);
}
