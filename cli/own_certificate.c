#include "own_certificate.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "client_key.h"
#include "given.h"
#include "key_uri.h"
#include "mem.h"
#include "own.h"
#include "own_key.h"
#include "pkix.h"

static bool
open_on_token(const char *uri, const char *password_file, EVP_PKEY **out, struct err *err)
{
	OWNED(secret_free) struct secret pin = {0};

	return cli_password(
		   password_file, "PIN of the token with the client's key: ", false, &pin, err) &&
	       key_uri_open(uri, &pin, out, err);
}

static bool
open_in_file(const char *path, const char *password_file, EVP_PKEY **out, struct err *err)
{
	OWNED(pfx_free) struct pfx file = {0};

	if (!own_key_read(path, password_file, "Password of the client's key: ", &file, err))
		return false;
	*out = own_give(&file.key);
	return true;
}

static bool
read_both(const char *certificate, const char *key, const char *password_file,
    struct own_certificate *out, struct err *err)
{
	return given_certificate(certificate, &out->certificate, NULL, err) &&
	       (key_uri_is(key) ? open_on_token : open_in_file)(key, password_file, &out->key, err);
}

static bool
read_pfx(const char *path, const char *password_file, struct own_certificate *out, struct err *err)
{
	OWNED(pfx_content_free) struct pfx_content content = {0};
	OWNED(pfx_free) struct pfx file = {0};

	if (!own_key_content(path, password_file,
		"Password of the client certificate's PKCS#12: ", &content, err))
		return false;
	if (content.key_count == 0)
		return err_set(err, DIRCA_E_USAGE,
		    "%s is a certificate without its key: --client-key names that, or "
		    "--client-certificate a PKCS#12 that holds both",
		    path);
	if (!pfx_pair(&content, &file))
		return err_set(err, DIRCA_E_USAGE,
		    "%s is a key without its certificate: that is --client-certificate, and this "
		    "--client-key",
		    path);
	out->key = own_give(&file.key);
	out->certificate = buf_give(&file.certificate);
	return true;
}

/* What a request then says of its sender. */
static void
find_name(struct own_certificate *c)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	OWNED(texts_free) struct texts upns = {0};
	OWNED(texts_free) struct texts emails = {0};
	struct err ignored;

	if (!pkix_cert_decode(buf_view(&c->certificate), &cert, &ignored))
		return;
	pkix_cert_san_names(&cert, &upns, &emails);
	if (upns.count == 1)
		c->upn = mem_text(upns.list[0]);
}

bool
own_certificate_read(const char *certificate, const char *key, const char *password_file,
    struct own_certificate *out, struct err *err)
{
	OWNED(own_certificate_free) struct own_certificate c = {0};

	*out = c;
	if (certificate == NULL)
		return key == NULL ||
		       err_set(err, DIRCA_E_USAGE, "--client-key goes with --client-certificate");
	if (!(key != NULL ? read_both(certificate, key, password_file, &c, err)
			  : read_pfx(certificate, password_file, &c, err)))
		return false;
	if (!client_key_is_of(c.key, buf_view(&c.certificate), err))
		return client_key_failed(key == NULL || key_uri_is(key) ? certificate : key, err);
	find_name(&c);
	*out = c;
	c = (struct own_certificate){0};
	return true;
}

void
own_certificate_free(struct own_certificate *c)
{
	EVP_PKEY_free(c->key);
	buf_free(&c->certificate);
	free(c->upn);
	*c = (struct own_certificate){0};
}
