/* A message's way to the server. */
#include "mail.h"

#include <string.h>
#include <curl/curl.h>

#include "given.h"
#include "own.h"

#define CONNECT_MS 10000L

struct sending {
	struct view left;
	mail_is_over *is_over;
	void *arg;
};

static size_t
on_read(char *to, size_t size, size_t count, void *arg)
{
	struct sending *s = arg;
	size_t len = size * count < s->left.len ? size * count : s->left.len;

	memcpy(to, s->left.ptr, len);
	s->left = view_of(s->left.ptr + len, s->left.len - len);
	return len;
}

static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct sending *s = arg;

	(void)a, (void)b, (void)c, (void)d;
	return s->is_over(s->arg) ? 1 : 0;
}

OWN_POINTER(own_curl, CURL, curl_easy_cleanup)
OWN_POINTER(own_recipients, struct curl_slist, curl_slist_free_all)

/* The certificates have to outlive the sending. */
static bool
set_security(CURL *curl, const struct config *config, struct buf *pem, struct err *err)
{
	struct curl_blob blob = {.flags = CURL_BLOB_NOCOPY};

	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(curl, CURLOPT_USE_SSL,
	    (long)(config->mail_allow_plain ? CURLUSESSL_NONE : CURLUSESSL_ALL));
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	if (config->mail_tls_ca == NULL)
		return true;
	if (!given_trust(config->mail_tls_ca, pem, err)) {
		err->code = DIRCA_E_CONFIG;
		return err_prefix(err, "mail_tls_ca");
	}
	blob.data = pem->ptr;
	blob.len = pem->len;
	return (curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob) == CURLE_OK &&
		   curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK) ||
	       err_set(err, DIRCA_E_CONFIG, "libcurl takes no certificates to verify by");
}

/* curl has its own copy, while it has the server. */
static bool
set_sign_in(CURL *curl, const struct config *config, struct err *err)
{
	char password[512];
	const struct secret *s = &config->mail_password;

	if (config->mail_user == NULL)
		return true;
	if (s->len >= sizeof password)
		return err_set(err, DIRCA_E_CONFIG, "mail_password_file has more than %zu octets",
		    sizeof password - 1);
	memcpy(password, s->ptr, s->len);
	password[s->len] = '\0';
	curl_easy_setopt(curl, CURLOPT_USERNAME, config->mail_user);
	curl_easy_setopt(curl, CURLOPT_PASSWORD, password);
	explicit_bzero(password, sizeof password);
	return true;
}

/* What no second try mends; a wrong password could lock the account. */
static enum err_code
code_of(CURLcode rc)
{
	static const CURLcode lasting[] = {CURLE_PEER_FAILED_VERIFICATION, CURLE_LOGIN_DENIED,
	    CURLE_SSL_CACERT_BADFILE, CURLE_USE_SSL_FAILED};

	for (size_t i = 0; i < sizeof lasting / sizeof lasting[0]; i++)
		if (rc == lasting[i])
			return DIRCA_E_CONFIG;
	return DIRCA_E_NETWORK;
}

bool
mail_send(const struct config *config, const struct mail *m, int64_t limit_ms,
    mail_is_over *is_over, void *arg, struct err *err)
{
	OWNED(buf_free) struct buf message = {0}, ca_pem = {0};
	OWNED(own_curl) CURL *curl = curl_easy_init();
	OWNED(own_recipients) struct curl_slist *to = NULL;
	char why[CURL_ERROR_SIZE] = "";
	struct sending sending;
	CURLcode rc;

	if (curl == NULL)
		return err_set(err, DIRCA_E_NETWORK, "libcurl cannot be used");
	if (!mail_message(m, &message, err))
		return false;
	for (size_t i = 0; i < m->to_count; i++) {
		struct curl_slist *longer = curl_slist_append(to, m->to[i]);

		if (longer == NULL)
			return err_nomem(err);
		to = longer;
	}
	sending = (struct sending){buf_view(&message), is_over, arg};
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_URL, config->mail_server);
	if (!set_security(curl, config, &ca_pem, err) || !set_sign_in(curl, config, err))
		return false;
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)limit_ms);
	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, m->from);
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(curl, CURLOPT_READDATA, &sending);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &sending);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	rc = curl_easy_perform(curl);
	return rc == CURLE_OK || err_set(err, code_of(rc), "mail by %s: %s", config->mail_server,
				     why[0] != '\0' ? why : curl_easy_strerror(rc));
}
