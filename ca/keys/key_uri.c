/* Engines are OpenSSL's way to a token that both Debian 12 and 13 have; their functions are among
 * those that a build without deprecated ones hides. */
#undef OPENSSL_NO_DEPRECATED
#undef OPENSSL_API_COMPAT
#define OPENSSL_API_COMPAT 10100
#define OPENSSL_SUPPRESS_DEPRECATED

#include "key_uri.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/engine.h>
#include <openssl/err.h>

#include "mem.h"
#include "own.h"
#include "plain.h"
#include "text.h"

#define SCHEME "pkcs11:"

static ENGINE *engine; /* of this process, once it is open */
static char *engine_module;

bool
key_uri_is(const char *text)
{
	return strncmp(text, SCHEME, strlen(SCHEME)) == 0;
}

char *
key_uri_in(const struct secret *file)
{
	const uint8_t *end;

	if (file->len <= strlen(SCHEME) || memcmp(file->ptr, SCHEME, strlen(SCHEME)) != 0)
		return NULL;
	end = memchr(file->ptr, '\n', file->len);
	return text_printf("%.*s", (int)(end != NULL ? (size_t)(end - file->ptr) : file->len),
	    (const char *)file->ptr);
}

bool
key_is_on_token(const EVP_PKEY *key)
{
	return EVP_PKEY_get0_provider(key) == NULL;
}

/* An attribute of the query, with its "=", as it is written; "" where there is none. free(). */
static char *
query_value(const char *uri, const char *attribute)
{
	const char *at = strchr(uri, '?');
	size_t len = strlen(attribute);

	for (; at != NULL; at = strchr(at, '&')) {
		at++;
		if (strncmp(at, attribute, len) == 0)
			return text_printf("%.*s", (int)strcspn(at + len, "&"), at + len);
	}
	return mem_text("");
}

char *
key_uri_module(const char *uri)
{
	return query_value(uri, "module-path=");
}

static bool
open_engine(const char *module, struct err *err)
{
	ENGINE *e;

	ENGINE_load_dynamic();
	if ((e = ENGINE_by_id("pkcs11")) == NULL)
		return err_openssl(err, DIRCA_E_CONFIG,
		    "OpenSSL has no pkcs11 engine here (Debian: libengine-pkcs11-openssl)");
	/* What it has to say stands in the error. */
	if (ENGINE_ctrl_cmd_string(e, "QUIET", NULL, 0) != 1)
		ERR_clear_error();
	if ((*module != '\0' && ENGINE_ctrl_cmd_string(e, "MODULE_PATH", module, 0) != 1) ||
	    ENGINE_init(e) != 1) {
		ENGINE_free(e);
		return err_openssl(err, DIRCA_E_CONFIG, "the PKCS#11 module %s cannot be used",
		    *module != '\0' ? module : "of p11-kit");
	}
	engine = e;
	engine_module = mem_text(module);
	return true;
}

/* The engine has one list of tokens, made when it is first used. Its command RE_ENUMERATE, which
 * would make it anew, ends the process (libp11 0.4.12). */
void
key_uri_look_anew(void)
{
	if (engine == NULL)
		return;
	ENGINE_finish(engine);
	ENGINE_free(engine);
	engine = NULL;
	free(engine_module);
	engine_module = NULL;
}

static bool
use_module(const char *uri, struct err *err)
{
	OWNED(own_memory) char *module = key_uri_module(uri);

	if (engine == NULL)
		return open_engine(module, err);
	return strcmp(module, engine_module) == 0 ||
	       err_set(err, DIRCA_E_CONFIG, "a program uses one PKCS#11 module: %s and %s are two",
		   engine_module, module);
}

/* What the URI says of a PIN comes first. */
static bool
read_pin_source(const char *uri, struct secret *out, struct err *err)
{
	OWNED(own_memory) char *source = query_value(uri, "pin-source=");
	const char *path = strncmp(source, "file:", 5) == 0 ? source + 5 : source;

	if (*source == '\0')
		return true;
	if (*path != '/')
		return err_set(err, DIRCA_E_CONFIG,
		    "%s: pin-source is file: and a path from the root, written plainly", uri);
	return secret_read_file(path, out, err) || err_prefix(err, "the PIN of %s", uri);
}

static bool
give_pin(const struct secret *pin, struct err *err)
{
	OWNED(secret_free) struct secret text = {0};

	if (pin == NULL)
		return true;
	if (!secret_alloc(pin->len + 1, &text, err))
		return false;
	memcpy(text.ptr, pin->ptr, pin->len);
	text.ptr[pin->len] = '\0';
	return ENGINE_ctrl_cmd_string(engine, "PIN", (const char *)text.ptr, 0) == 1 ||
	       err_openssl(err, DIRCA_E_CONFIG, "the PIN is not taken");
}

bool
key_uri_open(const char *uri, const struct secret *pin, EVP_PKEY **out, struct err *err)
{
	/* The engine knows no query. */
	OWNED(own_memory) char *object = text_printf("%.*s", (int)strcspn(uri, "?"), uri);
	OWNED(secret_free) struct secret own_pin = {0};

	*out = NULL;
	if (!key_uri_is(uri))
		return err_set(err, E_INVALIDARG, "%s: not a URI of RFC 7512", uri);
	if (!use_module(uri, err) || !read_pin_source(uri, &own_pin, err) ||
	    !give_pin(own_pin.ptr != NULL ? &own_pin : pin, err))
		return false;
	*out = ENGINE_load_private_key(engine, object, NULL, NULL);
	return *out != NULL ||
	       err_openssl(err, SCARD_E_NO_SMARTCARD,
		   "%s: no token gives this key: is the card in, and the PIN right?", uri);
}
