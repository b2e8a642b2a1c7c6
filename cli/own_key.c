#include "own_key.h"

#include "cli.h"
#include "file.h"
#include "given.h"
#include "own.h"

#define KEY_FILE_MAX (1024 * 1024)

/* Without a password where that will do: what needs none, and the PKCS#12 of who has given none. */
static bool
read_content(const char *path, const struct secret *file, const char *password_file,
    const char *prompt, struct pfx_content *out, struct err *err)
{
	OWNED(secret_free) struct secret password = {0};
	struct view bytes = secret_view(file);

	if (material_read(bytes, NULL, 0, out, err)) {
		if (out->key_count > 0)
			cli_warn_if_shared(path);
		return true;
	}
	if (!material_is_protected(bytes))
		return given_failed(path, bytes, GIVEN_PAIR, err);
	if (!cli_password(password_file, prompt, false, &password, err))
		return false;
	return material_read(bytes, &password, 1, out, err) ||
	       given_failed(path, bytes, GIVEN_PAIR, err);
}

bool
own_key_content(const char *path, const char *password_file, const char *prompt,
    struct pfx_content *out, struct err *err)
{
	OWNED(secret_free) struct secret file = {0};

	*out = (struct pfx_content){0};
	return file_read_secret(path, KEY_FILE_MAX, &file, err) &&
	       read_content(path, &file, password_file, prompt, out, err);
}

static bool
no_key(const char *path, struct err *err)
{
	return err_set(err, ERROR_INVALID_DATA,
	    "%s: this is a certificate without its key, and a private key is wanted", path);
}

bool
own_key_read(const char *path, const char *password_file, const char *prompt, struct pfx *out,
    struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content c = {0};

	*out = (struct pfx){0};
	if (!own_key_content(path, password_file, prompt, &c, err))
		return false;
	if (pfx_pair(&c, out))
		return true;
	if (c.key_count > 0)
		out->key = own_give(&c.keys[0].key);
	return out->key != NULL || no_key(path, err);
}

bool
own_pair_read(const char *path, const char *password_file, const char *prompt, struct pfx *out,
    struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content c = {0};

	*out = (struct pfx){0};
	if (!own_key_content(path, password_file, prompt, &c, err))
		return false;
	if (pfx_pair(&c, out))
		return true;
	if (c.key_count == 0)
		return no_key(path, err);
	if (c.other_count > 0)
		return err_set(err, DIRCA_E_KEY_MISMATCH,
		    "%s: the private key in it does not belong to the certificate in it", path);
	return err_set(err, ERROR_INVALID_DATA,
	    "%s: this is a private key without its certificate, and both are wanted; `dirca "
	    "mergepfx` puts them into one file",
	    path);
}
