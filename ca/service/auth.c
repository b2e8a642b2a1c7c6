#include "auth_priv.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "clock.h"
#include "json.h"
#include "log.h"
#include "routes.h"
#include "sasl_server.h"
#include "text.h"

#define FAILURES_MAX 5

struct auth_state {
	struct identity identity; /* authenticated; text NULL until then */
	char *identity_text;      /* what it borrows */
	uint8_t basic_digest[32]; /* of the Basic header that made it so */
	bool by_basic;
	struct sasl_session *session; /* exchange under way */
	const char *scheme;           /* of it */
	char sid[33];                 /* RFC 7804 session id */
	int failures;
};

void
auth_state_free(struct auth_state **sp)
{
	struct auth_state *s = *sp;

	if (s == NULL)
		return;
	sasl_session_free(&s->session);
	free(s->identity_text);
	OPENSSL_cleanse(s, sizeof *s);
	free(s);
	*sp = NULL;
}

bool
auth_is_known(const struct auth_state *s)
{
	return s != NULL && s->identity.text != NULL;
}

static void
forget(struct auth_state *s)
{
	sasl_session_free(&s->session);
	free(s->identity_text);
	s->identity_text = NULL;
	s->identity.text = NULL;
	s->by_basic = false;
}

/* Takes over `text`. */
static void
remember(struct auth_state *s, enum identity_kind kind, char *text)
{
	forget(s);
	s->identity_text = text;
	s->identity = (struct identity){kind, text};
}

/* The directory could not be asked who the caller is. That is no refusal, and its servers are
 * nothing for the ears of strangers. */
static enum auth_outcome
unknown(struct http_call *call, struct auth_state *s, const char *mechanism, const struct err *why)
{
	struct err said;

	log_error("authentication impossible", LOG_STR("peer", call->peer),
	    LOG_STR("mechanism", mechanism), LOG_REASON(why));
	forget(s);
	err_set(&said, why->code,
	    "the CA cannot ask the directory who the caller is; try again in a few seconds, and if "
	    "it lasts see the CA's log");
	route_fail(call, &said);
	return AUTH_REFUSED;
}

static enum auth_outcome
refuse(const struct config *config, struct http_call *call, struct auth_state *s,
    const char *mechanism, const struct err *why)
{
	static const char text[] =
	    "{\"error\":{\"code\":\"0xA0DC000B\",\"name\":\"DIRCA_E_AUTHENTICATION\","
	    "\"message\":\"authentication is required\"}}\n";
	const char *realm = config->realm != NULL ? config->realm : config->host;
	struct err ignored;
	char *basic, *scram;

	if (why != NULL &&
	    (why->code == DIRCA_E_DIRECTORY || why->code == DIRCA_E_DIRECTORY_UNAVAILABLE))
		return unknown(call, s, mechanism, why);
	basic = text_printf("Basic realm=\"%s\", charset=\"UTF-8\"", realm);
	scram = text_printf("SCRAM-SHA-256 realm=\"%s\"", realm);
	if (why != NULL) {
		log_warn("authentication refused", LOG_STR("peer", call->peer),
		    LOG_STR("mechanism", mechanism), LOG_REASON(why));
		forget(s);
		call->close = ++s->failures >= FAILURES_MAX;
	}
	call->status = 401;
	strcpy(call->content_type, "application/json");
	buf_free(&call->answer);
	if (!buf_dup(view_str(text), &call->answer, &ignored) ||
	    (config->auth_negotiate &&
		!http_call_header(call, "WWW-Authenticate", "Negotiate", &ignored)) ||
	    (config->auth_scram &&
		(scram == NULL || !http_call_header(call, "WWW-Authenticate", scram, &ignored))) ||
	    (config->auth_basic &&
		(basic == NULL || !http_call_header(call, "WWW-Authenticate", basic, &ignored))))
		call->status = 500;
	free(basic);
	free(scram);
	return AUTH_REFUSED;
}

/* ---- Basic ---- */

struct name_query {
	const char *name;
	struct principal *out;
};

static bool
find_name(struct dir_conn *c, void *arg, struct err *err)
{
	const struct name_query *q = arg;

	const struct identity id = {IDENTITY_NAME, q->name};

	switch (principal_find_account(c, &id, q->out, err)) {
	case DIR_FOUND:
		return true;
	case DIR_NOT_FOUND:
		return err_set(err, DIRCA_E_AUTHENTICATION,
		    "no principal of the directory has the name %s", q->name);
	case DIR_FIND_FAILED:
		break;
	}
	return false;
}

static bool
basic_principal(
    struct ca *ca, const char *user, const struct secret *password, char **dn_out, struct err *err)
{
	struct principal p = {0};
	struct name_query q = {user, &p};
	bool ok = false;

	if (!ca_directory_do(ca, find_name, &q, err) ||
	    !principal_check_active(&p, clock_now(), err) ||
	    !dir_check_password(dir_pool_config(ca->directory), p.dn, password, err))
		goto out;
	*dn_out = p.dn;
	p.dn = NULL;
	ok = true;
out:
	principal_free(&p);
	return ok;
}

static bool
basic_verify(struct ca *ca, const char *credentials, char **dn_out, struct err *err)
{
	struct buf raw = {0};
	struct secret password = {0};
	char *user = NULL;
	uint8_t *colon;
	bool ok = false;

	if (!base64_decode(view_str(credentials), &raw, err))
		goto out;
	if (raw.len == 0 || (colon = memchr(raw.ptr, ':', raw.len)) == NULL) {
		err_set(err, DIRCA_E_AUTHENTICATION, "malformed Basic credentials");
		goto out;
	}
	if (!text_from_view(view_of(raw.ptr, (size_t)(colon - raw.ptr)), &user, err) ||
	    !secret_dup(
		view_of(colon + 1, raw.len - (size_t)(colon + 1 - raw.ptr)), &password, err))
		goto out;
	ok = basic_principal(ca, user, &password, dn_out, err);
out:
	if (raw.ptr != NULL)
		OPENSSL_cleanse(raw.ptr, raw.len);
	buf_free(&raw);
	secret_free(&password);
	free(user);
	return ok;
}

static enum auth_outcome
basic(struct ca *ca, struct http_call *call, struct auth_state *s, const char *credentials,
    struct identity *identity_out)
{
	uint8_t digest[32];
	char *dn;
	struct err err;

	if (EVP_Digest(credentials, strlen(credentials), digest, NULL, EVP_sha256(), NULL) != 1)
		return refuse(ca->config, call, s, "Basic",
		    &(struct err){.code = DIRCA_E_CRYPTO, .msg = "SHA-256 failed"});
	if (!s->by_basic || CRYPTO_memcmp(digest, s->basic_digest, sizeof digest) != 0) {
		forget(s);
		if (!basic_verify(ca, credentials, &dn, &err))
			return refuse(ca->config, call, s, "Basic", &err);
		remember(s, IDENTITY_DN, dn);
		memcpy(s->basic_digest, digest, sizeof digest);
		s->by_basic = true;
	}
	*identity_out = s->identity;
	return AUTH_OK;
}

/* ---- SASL mechanisms ---- */

static bool
send_challenge(struct http_call *call, const char *header, const char *scheme, const char *sid,
    struct view token, struct err *err)
{
	char *base64 = base64_encode(token), *value = NULL;
	bool ok = false;

	if (base64 == NULL) {
		err_nomem(err);
		goto out;
	}
	if (sid == NULL)
		value = text_printf("%s %s", scheme, base64);
	else if (strcmp(header, "WWW-Authenticate") == 0)
		value = text_printf("%s sid=%s, data=%s", scheme, sid, base64);
	else
		value = text_printf("sid=%s, data=%s", sid, base64);
	if (value == NULL) {
		err_nomem(err);
		goto out;
	}
	ok = http_call_header(call, header, value, err);
out:
	free(base64);
	free(value);
	return ok;
}

static enum auth_outcome
step(struct ca *ca, struct http_call *call, struct auth_state *s, const char *scheme, bool with_sid,
    struct view message, struct identity *identity_out)
{
	const char *final = with_sid ? "Authentication-Info" : "WWW-Authenticate";
	enum identity_kind kind = with_sid ? IDENTITY_NAME : IDENTITY_KERBEROS;
	char *name;
	struct buf reply = {0};
	struct err err;
	enum auth_outcome outcome;

	switch (sasl_session_step(s->session, message, &reply, &err)) {
	case SASL_STEP_CONTINUE:
		if (!send_challenge(call, "WWW-Authenticate", scheme, with_sid ? s->sid : NULL,
			buf_view(&reply), &err))
			goto refused;
		call->status = 401;
		outcome = AUTH_CONTINUE;
		goto out;
	case SASL_STEP_DONE:
		if (reply.len > 0 && !send_challenge(call, final, scheme, with_sid ? s->sid : NULL,
					 buf_view(&reply), &err))
			goto refused;
		if ((name = strdup(sasl_session_identity(s->session))) == NULL) {
			err_nomem(&err);
			goto refused;
		}
		remember(s, kind, name);
		*identity_out = s->identity;
		outcome = AUTH_OK;
		goto out;
	case SASL_STEP_FAILED:
		break;
	}
refused:
	outcome = refuse(ca->config, call, s, scheme, &err);
out:
	buf_free(&reply);
	return outcome;
}

static enum auth_outcome
negotiate(struct ca *ca, struct http_call *call, struct auth_state *s, const char *token,
    struct identity *identity_out)
{
	struct buf message = {0};
	struct err err;
	enum auth_outcome outcome;

	if (s->session == NULL || strcmp(s->scheme, "Negotiate") != 0) {
		forget(s);
		s->scheme = "Negotiate";
		if (!sasl_session_new(ca->config, "GSS-SPNEGO", &s->session, &err))
			return refuse(ca->config, call, s, "Negotiate", &err);
	}
	if (!base64_decode(view_str(token), &message, &err))
		return refuse(ca->config, call, s, "Negotiate", &err);
	outcome = step(ca, call, s, "Negotiate", false, buf_view(&message), identity_out);
	buf_free(&message);
	return outcome;
}

char *
auth_param(const char *params, const char *name)
{
	size_t len = strlen(name);

	while (*(params += strspn(params, " \t,")) != '\0') {
		size_t word = strcspn(params, "=, \t");
		bool match = word == len && strncasecmp(params, name, len) == 0;
		const char *value = params + word + 1;

		params += word;
		if (*params != '=')
			continue;
		if (*value != '"') {
			size_t size = strcspn(value, ", \t");

			if (match)
				return strndup(value, size);
			params = value + size;
			continue;
		}
		if ((params = strchr(++value, '"')) == NULL)
			return NULL;
		if (match)
			return strndup(value, (size_t)(params - value));
		params++;
	}
	return NULL;
}

static bool
new_sid(struct auth_state *s, struct err *err)
{
	uint8_t raw[16];
	char *text;

	if (RAND_bytes(raw, sizeof raw) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "no random numbers");
	if ((text = hex_encode(view_of(raw, sizeof raw), '\0')) == NULL)
		return err_nomem(err);
	memcpy(s->sid, text, sizeof s->sid);
	free(text);
	return true;
}

static enum auth_outcome
scram(struct ca *ca, struct http_call *call, struct auth_state *s, const char *params,
    struct identity *identity_out)
{
	char *sid = auth_param(params, "sid"), *data = auth_param(params, "data");
	struct buf message = {0};
	struct err err;
	enum auth_outcome outcome;

	if (data == NULL || !base64_decode(view_str(data), &message, &err)) {
		err_set(&err, DIRCA_E_AUTHENTICATION, "a SCRAM message without data");
		goto refused;
	}
	if (sid == NULL) {
		forget(s);
		s->scheme = "SCRAM-SHA-256";
		if (!new_sid(s, &err) ||
		    !sasl_session_new(ca->config, "SCRAM-SHA-256", &s->session, &err))
			goto refused;
	} else if (s->session == NULL || strcmp(s->scheme, "SCRAM-SHA-256") != 0 ||
		   strcmp(sid, s->sid) != 0) {
		err_set(&err, DIRCA_E_AUTHENTICATION,
		    "a SCRAM message of an exchange that this connection does not know");
		goto refused;
	}
	outcome = step(ca, call, s, "SCRAM-SHA-256", true, buf_view(&message), identity_out);
	goto out;
refused:
	outcome = refuse(ca->config, call, s, "SCRAM-SHA-256", &err);
out:
	free(sid);
	free(data);
	buf_free(&message);
	return outcome;
}

/* ---- entry ---- */

static enum auth_outcome
local_peer(struct ca *ca, struct http_call *call, struct identity *identity_out)
{
	const struct config *c = ca->config;
	struct err err;

	for (size_t i = 0; i < c->peer_count; i++) {
		size_t digits = strcspn(c->peers[i], " \t");
		char *uid = strndup(c->peers[i], digits);
		int64_t n;
		bool match =
		    uid != NULL && text_to_int(uid, 0, UINT32_MAX, &n) && (uid_t)n == call->uid;

		free(uid);
		if (match) {
			*identity_out = (struct identity){IDENTITY_NAME,
			    c->peers[i] + digits + strspn(c->peers[i] + digits, " \t")};
			return AUTH_OK;
		}
	}
	log_warn("authentication refused", LOG_STR("peer", "local"),
	    LOG_INT("uid", (int64_t)call->uid),
	    LOG_STR("reason", "no `peers` line of dircad.conf names this uid"));
	err_set(&err, E_ACCESSDENIED,
	    "no `peers` line of dircad.conf says which principal the local user %lu is",
	    (unsigned long)call->uid);
	json_answer_error(call, 403, &err);
	return AUTH_REFUSED;
}

enum auth_outcome
auth_call(struct ca *ca, struct http_call *call, struct identity *identity_out)
{
	static const struct {
		const char *scheme;
		size_t len;
		enum auth_outcome (*run)(struct ca *, struct http_call *, struct auth_state *,
		    const char *, struct identity *);
		size_t enabled; /* offset of its switch in struct config */
	} schemes[] = {
	    {"Basic ", 6, basic, offsetof(struct config, auth_basic)},
	    {"Negotiate ", 10, negotiate, offsetof(struct config, auth_negotiate)},
	    {"SCRAM-SHA-256 ", 14, scram, offsetof(struct config, auth_scram)},
	};
	struct auth_state **sp = http_call_auth(call);
	const char *header = call->authorization;

	*identity_out = (struct identity){0};
	if (call->channel == HTTP_LOCAL)
		return local_peer(ca, call, identity_out);
	if (sp == NULL || (*sp == NULL && (*sp = calloc(1, sizeof **sp)) == NULL)) {
		call->status = sp == NULL ? 403 : 500; /* never over plain HTTP */
		return AUTH_REFUSED;
	}
	if (header == NULL && (*sp)->identity.text != NULL) {
		*identity_out = (*sp)->identity;
		return AUTH_OK;
	}
	for (size_t i = 0; header != NULL && i < sizeof schemes / sizeof schemes[0]; i++)
		if (strncasecmp(header, schemes[i].scheme, schemes[i].len) == 0 &&
		    *(const bool *)((const char *)ca->config + schemes[i].enabled))
			return schemes[i].run(ca, call, *sp, header + schemes[i].len, identity_out);
	return refuse(ca->config, call, *sp, "none", NULL);
}
