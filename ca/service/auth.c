#include "auth_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "client_certificate.h"
#include "clock.h"
#include "json.h"
#include "local_accounts.h"
#include "log.h"
#include "mem.h"
#include "own.h"
#include "sasl_server.h"
#include "sign_in.h"
#include "text.h"

#define FAILURES_MAX 5

#define SCRAM      "SCRAM-SHA-256"
#define SCRAM_PLUS "SCRAM-SHA-256-PLUS"

struct auth_state {
	struct identity identity; /* authenticated; text NULL until then */
	char *identity_text;      /* what it borrows */
	uint8_t basic_digest[32]; /* of the Basic header that made it so */
	bool by_basic;
	bool bound;                   /* to the TLS channel */
	bool by_archived_key;         /* which key recovery agents can have */
	int64_t since_ms;             /* when */
	struct sasl_session *session; /* exchange under way */
	const char *scheme;           /* of it */
	char sid[33];                 /* RFC 7804 session id */
	int failures;
};

static void
state_free(struct auth_state **sp)
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

static bool
has_signed_in(const struct auth_state *s)
{
	return s != NULL && s->identity.text != NULL;
}

const struct http_sign_in auth_sign_in = {.is_known = has_signed_in, .free = state_free};

static void
forget(struct auth_state *s)
{
	sasl_session_free(&s->session);
	free(s->identity_text);
	s->identity_text = NULL;
	s->identity.text = NULL;
	s->by_basic = s->bound = s->by_archived_key = false;
}

/* Takes over `text`. */
static void
remember(struct auth_state *s, enum identity_kind kind, char *text)
{
	forget(s);
	s->identity_text = text;
	s->identity = (struct identity){kind, text};
	s->since_ms = clock_mono_ms();
}

/* What was proved once does not count for ever: a password may have been changed since. */
static bool
is_known(const struct config *config, const struct auth_state *s)
{
	return s->identity.text != NULL &&
	       clock_mono_ms() - s->since_ms < (int64_t)config->auth_max_age_s * 1000;
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
	json_fail(call, &said);
	return AUTH_REFUSED;
}

/* Not now: what the client knows is not looked at. */
static enum auth_outcome
put_off(struct http_call *call, struct auth_state *s, int64_t wait_s, const struct err *why)
{
	char seconds[24];
	struct err ignored;

	forget(s);
	snprintf(seconds, sizeof seconds, "%lld", (long long)wait_s);
	if (http_call_header(call, "Retry-After", seconds, &ignored))
		json_fail(call, why);
	else
		call->status = 500;
	return AUTH_REFUSED;
}

/* What may be tried, strongest first; EST clients take the first alone, and have a password
 * (RFC 7030 3.2.3). */
static bool
put_challenges(const struct config *config, struct http_call *call, struct err *err)
{
	static const char est[] = "/.well-known/est/";
	const char *realm = config->realm != NULL ? config->realm : config->host;
	OWNED(own_memory)
	char *basic = text_printf("Basic realm=\"%s\", charset=\"UTF-8\"", realm);
	OWNED(own_memory) char *scram = text_printf(SCRAM " realm=\"%s\"", realm);
	OWNED(own_memory) char *plus = text_printf(SCRAM_PLUS " realm=\"%s\"", realm);
	bool basic_first = strncmp(call->path, est, sizeof est - 1) == 0;
	const struct {
		bool offered;
		const char *text;
	} rows[] = {
	    {config->auth_basic && basic_first, basic},
	    {config->auth_negotiate, "Negotiate"},
	    {config->auth_scram, plus},
	    {config->auth_scram, scram},
	    {config->auth_basic && !basic_first, basic},
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++)
		if (rows[i].offered &&
		    !http_call_header(call, "WWW-Authenticate", rows[i].text, err))
			return false;
	return true;
}

static enum auth_outcome
challenge(const struct config *config, struct http_call *call)
{
	enum err_code refusal = call->refusal;
	struct err err;

	/* A 401 names what may be tried (RFC 9110 11.6.1). */
	if (!config->auth_basic && !config->auth_negotiate && !config->auth_scram) {
		err_set(&err, DIRCA_E_AUTHENTICATION,
		    "who is not on the CA's machine shows it a client certificate of this CA for "
		    "client authentication");
		json_refuse(call, 403, &err);
		return AUTH_REFUSED;
	}
	err_set(&err, DIRCA_E_AUTHENTICATION,
	    refusal == ERR_OK ? "authentication is required"
			      : "the sign-in is refused: there is no such account that may sign "
				"in, or its password or proof is another");
	json_refuse(call, 401, &err);
	call->refusal = refusal;
	if (!put_challenges(config, call, &err))
		call->status = 500;
	return AUTH_REFUSED;
}

/* One answer for every reason, unless the directory cannot be asked. */
static enum auth_outcome
refuse_sign_in(const struct config *config, struct auth_state *s, const struct sign_in *who,
    const struct err *why)
{
	struct http_call *call = who->call;

	if (why->code == DIRCA_E_DIRECTORY || why->code == DIRCA_E_DIRECTORY_UNAVAILABLE)
		return unknown(call, s, who->mechanism, why);
	sign_in_failed(who, why);
	forget(s);
	call->close = ++s->failures >= FAILURES_MAX;
	call->refusal = DIRCA_E_AUTHENTICATION; /* not so who has shown nothing yet */
	return challenge(config, call);
}

/* ---- Basic ---- */

struct name_query {
	const char *name;
	char *dn;      /* to bind as */
	struct err no; /* why whoever it is may not sign in, whatever he knows; ERR_OK: he may */
};

static void
name_query_free(struct name_query *q)
{
	free(q->dn);
}

/* An entry to bind as for every name, so that it takes the directory's word to know that there is
 * nobody behind it. */
static bool
find_name(struct dir_conn *c, void *arg, struct err *err)
{
	struct name_query *q = arg;
	const struct identity id = {IDENTITY_NAME, q->name};
	struct principal p;

	free(q->dn); /* of a first try on a connection that was gone */
	q->dn = NULL;
	q->no.code = ERR_OK;
	switch (principal_find_account(c, &id, &p, err)) {
	case DIR_FOUND:
		if (principal_check_active(&p, clock_now(), &q->no))
			q->no.code = ERR_OK;
		q->dn = p.dn;
		p.dn = NULL;
		principal_free(&p);
		return true;
	case DIR_NOT_FOUND:
		err_set(&q->no, DIRCA_E_AUTHENTICATION,
		    "no account of the directory has the name %s", q->name);
		break;
	case DIR_FIND_FAILED:
		if (err->code == DIRCA_E_DIRECTORY || err->code == DIRCA_E_DIRECTORY_UNAVAILABLE)
			return false;
		q->no = *err;
		break;
	}
	q->dn = text_printf("CN=nobody has this name,%s", dir_conn_root(c)->default_nc);
	return true;
}

/* Takes as many steps for a name that may not sign in as for one that may. */
static bool
basic_verify(
    struct ca *ca, const char *user, const struct secret *password, char **dn_out, struct err *err)
{
	OWNED(name_query_free) struct name_query q = {.name = user};
	bool fits;

	*dn_out = NULL;
	if (!ca_directory_do(ca, find_name, &q, err))
		return false;
	fits = dir_check_password(dir_pool_config(ca->directory), q.dn, password, err);
	if ((fits || err->code == DIRCA_E_AUTHENTICATION) && q.no.code != ERR_OK) {
		*err = q.no;
		return false;
	}
	if (fits)
		*dn_out = own_give(&q.dn);
	return fits;
}

static void
wipe(struct buf *b)
{
	if (b->ptr != NULL)
		OPENSSL_cleanse(b->ptr, b->len);
	buf_free(b);
}

/* "user:password" in base64. */
static bool
basic_read(const char *credentials, char **user_out, struct secret *password_out, struct err *err)
{
	OWNED(wipe) struct buf raw = {0};
	uint8_t *colon;

	if (!base64_decode(view_str(credentials), &raw, err))
		return false;
	if (raw.len == 0 || (colon = memchr(raw.ptr, ':', raw.len)) == NULL)
		return err_set(err, DIRCA_E_AUTHENTICATION, "malformed Basic credentials");
	return text_from_view(view_of(raw.ptr, (size_t)(colon - raw.ptr)), user_out, err) &&
	       secret_dup(
		   view_of(colon + 1, raw.len - (size_t)(colon + 1 - raw.ptr)), password_out, err);
}

/* Credentials that this connection has not shown yet. */
static enum auth_outcome
basic_sign_in(struct ca *ca, struct http_call *call, struct auth_state *s, const char *credentials)
{
	struct sign_in who = {.call = call, .mechanism = "Basic"};
	OWNED(secret_free) struct secret password = {0};
	OWNED(own_memory) char *user = NULL;
	struct err err = {0};
	int64_t wait_s;
	char *dn;

	forget(s);
	if (!basic_read(credentials, &user, &password, &err))
		return refuse_sign_in(ca->config, s, &who, &err);
	who.claimed = user;
	if (!sign_in_begin(&who, &wait_s, &err))
		return put_off(call, s, wait_s, &err);
	if (!basic_verify(ca, user, &password, &dn, &err))
		return refuse_sign_in(ca->config, s, &who, &err);
	sign_in_succeeded(&who);
	remember(s, IDENTITY_DN, dn);
	return AUTH_OK;
}

static enum auth_outcome
basic(struct ca *ca, struct http_call *call, struct auth_state *s, const char *credentials,
    struct identity *identity_out)
{
	uint8_t digest[32];
	enum auth_outcome outcome = AUTH_OK;

	if (EVP_Digest(credentials, strlen(credentials), digest, NULL, EVP_sha256(), NULL) != 1) {
		call->status = 500;
		return AUTH_REFUSED;
	}
	if (!s->by_basic || !is_known(ca->config, s) ||
	    CRYPTO_memcmp(digest, s->basic_digest, sizeof digest) != 0) {
		if ((outcome = basic_sign_in(ca, call, s, credentials)) != AUTH_OK)
			return outcome;
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
	OWNED(own_memory) char *base64 = base64_encode(token);
	OWNED(own_memory) char *value = NULL;

	if (sid == NULL)
		value = text_printf("%s %s", scheme, base64);
	else if (strcmp(header, "WWW-Authenticate") == 0)
		value = text_printf("%s sid=%s, data=%s", scheme, sid, base64);
	else
		value = text_printf("sid=%s, data=%s", sid, base64);
	return http_call_header(call, header, value, err);
}

char *
auth_map_realm(const struct config *config, const char *name)
{
	const char *at = strrchr(name, '@');

	for (size_t i = 0; at != NULL && i < config->realm_count; i++) {
		const char *realm = config->realms[i];
		size_t len = strcspn(realm, " ");

		if (strlen(at + 1) == len && memcmp(at + 1, realm, len) == 0)
			return text_printf("%.*s@%s", (int)(at - name), name, realm + len + 1);
	}
	return mem_text(name);
}

/* The client has proved who it is. */
static enum auth_outcome
signed_in(const struct config *config, struct auth_state *s, struct sign_in *who,
    enum identity_kind kind, struct identity *identity_out)
{
	const char *proved = sasl_session_identity(s->session);
	char *name = kind == IDENTITY_KERBEROS ? auth_map_realm(config, proved) : mem_text(proved);
	bool bound = sasl_session_is_bound(s->session);

	who->claimed = name;
	sign_in_succeeded(who);
	remember(s, kind, name);
	s->bound = bound;
	*identity_out = s->identity;
	return AUTH_OK;
}

/* What the client sends after it has named somebody is its proof. */
static bool
may_go_on(const struct sign_in *who, int64_t *wait_s_out, struct err *err)
{
	return who->claimed != NULL ? sign_in_begin(who, wait_s_out, err)
				    : sign_in_may_go_on(who, wait_s_out, err);
}

static enum auth_outcome
step(struct ca *ca, struct http_call *call, struct auth_state *s, bool with_sid,
    struct view message, struct identity *identity_out)
{
	const char *final = with_sid ? "Authentication-Info" : "WWW-Authenticate";
	const char *sid = with_sid ? s->sid : NULL;
	struct sign_in who = {call, s->scheme, sasl_session_claimed(s->session)};
	OWNED(buf_free) struct buf reply = {0};
	struct err err;
	int64_t wait_s;
	enum auth_outcome outcome = AUTH_REFUSED;

	if (!may_go_on(&who, &wait_s, &err))
		return put_off(call, s, wait_s, &err);
	switch (sasl_session_step(s->session, message, &reply, &err)) {
	case SASL_STEP_CONTINUE:
		who.claimed = sasl_session_claimed(s->session);
		if (!sign_in_may_go_on(&who, &wait_s, &err))
			return put_off(call, s, wait_s, &err);
		call->status = 401;
		if (send_challenge(
			call, "WWW-Authenticate", s->scheme, sid, buf_view(&reply), &err))
			outcome = AUTH_CONTINUE;
		break;
	case SASL_STEP_DONE:
		if (reply.len == 0 ||
		    send_challenge(call, final, s->scheme, sid, buf_view(&reply), &err))
			outcome = signed_in(ca->config, s, &who,
			    with_sid ? IDENTITY_NAME : IDENTITY_KERBEROS, identity_out);
		break;
	case SASL_STEP_FAILED:
		who.claimed = sasl_session_claimed(s->session);
		break;
	}
	return outcome == AUTH_REFUSED ? refuse_sign_in(ca->config, s, &who, &err) : outcome;
}

static enum auth_outcome
negotiate(struct ca *ca, struct http_call *call, struct auth_state *s, const char *token,
    struct identity *identity_out)
{
	const struct sign_in who = {.call = call, .mechanism = "Negotiate"};
	OWNED(buf_free) struct buf message = {0};
	struct err err;

	if (s->session == NULL || strcmp(s->scheme, "Negotiate") != 0) {
		forget(s);
		s->scheme = "Negotiate";
		if (!sasl_session_new(
			ca->config, "GSS-SPNEGO", http_call_end_point(call), &s->session, &err))
			return refuse_sign_in(ca->config, s, &who, &err);
	}
	if (!base64_decode(view_str(token), &message, &err))
		return refuse_sign_in(ca->config, s, &who, &err);
	return step(ca, call, s, false, buf_view(&message), identity_out);
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
				return mem_text_n(value, size);
			params = value + size;
			continue;
		}
		if ((params = strchr(++value, '"')) == NULL)
			return NULL;
		if (match)
			return mem_text_n(value, (size_t)(params - value));
		params++;
	}
	return NULL;
}

static bool
new_sid(struct auth_state *s, struct err *err)
{
	OWNED(own_memory) char *text = NULL;
	uint8_t raw[16];

	if (RAND_bytes(raw, sizeof raw) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "no random numbers");
	text = hex_encode(view_of(raw, sizeof raw), '\0');
	memcpy(s->sid, text, sizeof s->sid);
	return true;
}

/* What came, and the exchange that it belongs to, or begins. */
static bool
scram_begin(struct ca *ca, struct http_call *call, struct auth_state *s, const char *scheme,
    const char *params, struct buf *message_out, struct err *err)
{
	OWNED(own_memory) char *sid = auth_param(params, "sid");
	OWNED(own_memory) char *data = auth_param(params, "data");

	if (data == NULL || !base64_decode(view_str(data), message_out, err))
		return err_set(err, DIRCA_E_AUTHENTICATION, "a SCRAM message without data");
	if (sid == NULL) {
		forget(s);
		s->scheme = scheme;
		return new_sid(s, err) && sasl_session_new(ca->config, scheme,
					      http_call_end_point(call), &s->session, err);
	}
	return (s->session != NULL && strcmp(s->scheme, scheme) == 0 && strcmp(sid, s->sid) == 0) ||
	       err_set(err, DIRCA_E_AUTHENTICATION,
		   "a SCRAM message of an exchange that this connection does not know");
}

static enum auth_outcome
scram_by(struct ca *ca, struct http_call *call, struct auth_state *s, const char *scheme,
    const char *params, struct identity *identity_out)
{
	const struct sign_in who = {.call = call, .mechanism = scheme};
	OWNED(buf_free) struct buf message = {0};
	struct err err;

	if (!scram_begin(ca, call, s, scheme, params, &message, &err))
		return refuse_sign_in(ca->config, s, &who, &err);
	return step(ca, call, s, true, buf_view(&message), identity_out);
}

static enum auth_outcome
scram(struct ca *ca, struct http_call *call, struct auth_state *s, const char *params,
    struct identity *identity_out)
{
	return scram_by(ca, call, s, SCRAM, params, identity_out);
}

static enum auth_outcome
scram_plus(struct ca *ca, struct http_call *call, struct auth_state *s, const char *params,
    struct identity *identity_out)
{
	return scram_by(ca, call, s, SCRAM_PLUS, params, identity_out);
}

/* ---- TLS client certificate ---- */

/* Nobody guesses here, so that a failure is no failed attempt: the client is asked for something
 * else. */
static enum auth_outcome
by_certificate(struct ca *ca, struct http_call *call, struct auth_state *s, struct view certificate,
    struct identity *identity_out)
{
	struct client_account account;
	struct err err;

	if (!client_certificate_account(ca, certificate, clock_now(), &account, &err)) {
		if (err_is_undecided(err.code))
			return unknown(call, s, "TLS client certificate", &err);
		log_info(
		    "client certificate not taken", LOG_STR("peer", call->peer), LOG_REASON(&err));
		return challenge(ca->config, call);
	}
	remember(s, account.kind, account.text);
	s->bound = true;
	s->by_archived_key = account.key_is_archived;
	*identity_out = s->identity;
	return AUTH_OK;
}

/* ---- entry ---- */

/* Where there is no directory the machine's accounts are the people. */
static enum auth_outcome
local_account(struct http_call *call, struct identity *identity_out)
{
	struct auth_state **sp = http_call_auth(call);
	struct sid sid = local_user_sid(call->uid);
	char text[SID_TEXT_MAX];

	sid_to_text(&sid, text);
	if (*sp == NULL)
		*sp = mem_zero(1, sizeof **sp);
	remember(*sp, IDENTITY_SID, mem_text(text));
	*identity_out = (*sp)->identity;
	return AUTH_OK;
}

static enum auth_outcome
local_peer(struct ca *ca, struct http_call *call, struct identity *identity_out)
{
	const struct config *c = ca->config;
	struct err err;

	for (size_t i = 0; i < c->peer_count; i++) {
		size_t digits = strcspn(c->peers[i], " \t");
		OWNED(own_memory) char *uid = mem_text_n(c->peers[i], digits);
		int64_t n;

		if (text_to_int(uid, 0, UINT32_MAX, &n) && (uid_t)n == call->uid) {
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
	json_refuse(call, 403, &err);
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
	    {SCRAM " ", sizeof SCRAM, scram, offsetof(struct config, auth_scram)},
	    {SCRAM_PLUS " ", sizeof SCRAM_PLUS, scram_plus, offsetof(struct config, auth_scram)},
	};
	struct auth_state **sp = http_call_auth(call);
	const char *header = call->authorization;

	*identity_out = (struct identity){0};
	if (call->channel == HTTP_LOCAL)
		return ca->config->standalone ? local_account(call, identity_out)
					      : local_peer(ca, call, identity_out);
	if (sp == NULL) {
		call->status = 403; /* never over plain HTTP */
		return AUTH_REFUSED;
	}
	if (*sp == NULL)
		*sp = mem_zero(1, sizeof **sp);
	if (header == NULL && is_known(ca->config, *sp)) {
		*identity_out = (*sp)->identity;
		return AUTH_OK;
	}
	for (size_t i = 0; header != NULL && i < COUNT_OF(schemes); i++)
		if (strncasecmp(header, schemes[i].scheme, schemes[i].len) == 0 &&
		    *(const bool *)((const char *)ca->config + schemes[i].enabled))
			return schemes[i].run(ca, call, *sp, header + schemes[i].len, identity_out);
	if (header == NULL && ca->config->auth_certificate && http_call_certificate(call).len > 0)
		return by_certificate(ca, call, *sp, http_call_certificate(call), identity_out);
	return challenge(ca->config, call);
}

bool
auth_is_bound(struct http_call *call)
{
	struct auth_state **sp = http_call_auth(call);

	return sp != NULL && *sp != NULL && (*sp)->bound;
}

bool
auth_is_by_archived_key(struct http_call *call)
{
	struct auth_state **sp = http_call_auth(call);

	return sp != NULL && *sp != NULL && (*sp)->by_archived_key;
}
