#include "own_key.h"

#include <string.h>

#include "cli.h"
#include "file.h"
#include "own.h"
#include "pkcs8.h"

#define KEY_FILE_MAX (1024 * 1024)

bool
own_key_read(const char *path, const char *password_file, const char *prompt, struct pfx *out,
    struct err *err)
{
	OWNED(secret_free) struct secret file = {0}, password = {0};
	struct err ignored;
	bool pem;

	*out = (struct pfx){0};
	if (!file_read_secret(path, KEY_FILE_MAX, &file, err))
		return false;
	pem = file.len > 5 && memcmp(file.ptr, "-----", 5) == 0;
	if (pem && pkcs8_decode(&file, NULL, &out->key, &ignored)) {
		cli_warn_if_shared(path);
		return true;
	}
	return cli_password(password_file, prompt, false, &password, err) &&
	       (pem ? pkcs8_decode(&file, &password, &out->key, err)
		    : pfx_decode(secret_view(&file), &password, out, err));
}
