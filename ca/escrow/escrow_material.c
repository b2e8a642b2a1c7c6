/* What any program may leave: PKCS#12, PEM, PKCS#8, PVK, key blobs (material.h). */
#include "escrow_priv.h"
#include "own_openssl.h"

static bool
add_entry(const struct pfx_entry *e, enum material kind, const struct escrow_with *with,
    struct escrow_items *out, struct err *err)
{
	const char *source = material_name(kind);

	if (EVP_PKEY_up_ref(e->key) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "a private key could not be kept");
	return e->certificate.len > 0
		   ? escrow_add(out, e->key, buf_view(&e->certificate), e->friendly_name, NULL,
			 source, err)
		   : escrow_add_alone(with, e->key,
			 e->friendly_name != NULL ? e->friendly_name : "a private key", NULL,
			 source, out, err);
}

bool
escrow_read_material(
    struct view file, const struct escrow_with *with, struct escrow_items *out, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content content = {0};
	enum material kind = material_of(file);

	if (!material_read(file, with->passwords, with->password_count, &content, err))
		return false;
	for (size_t i = 0; i < content.key_count; i++)
		if (!add_entry(&content.keys[i], kind, with, out, err))
			return false;
	return true;
}
