/*
 * Which CAs `dirca enroll` asks, what each failure means for the next one, and what stays on disk.
 */
#include "enroll_job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <openssl/rand.h>

#include "clock.h"
#include "mem.h"
#include "own.h"
#include "template_common.h"
#include "text.h"

#define ASK_TRIES 5

/* In random order: load spreads, and a dead one is only sometimes the first. */
static void
shuffle(const struct pki_service **list, size_t count)
{
	for (size_t i = count; i > 1; i--) {
		const struct pki_service *swap = list[i - 1];
		uint32_t r;

		if (RAND_bytes((unsigned char *)&r, sizeof r) != 1)
			r = 0;
		list[i - 1] = list[r % i];
		list[r % i] = swap;
	}
}

/* The CAs that issue the template; free(), NULL: there are none. */
static const struct pki_service **
choose_services(const struct enroll_job *j, size_t *count_out, struct err *err)
{
	const struct session *s = j->session;
	const struct pki_service **list = mem_zero(s->service_count + 1, sizeof *list);
	size_t count = 0, meant = 0;

	for (size_t i = 0; i < s->service_count; i++) {
		if (!session_means(s, &s->services[i]))
			continue;
		meant++;
		if (template_is_enabled_at(&s->services[i], j->tmpl.cn))
			list[count++] = &s->services[i];
	}
	if (count == 0) {
		free(list);
		if (meant == 0)
			session_no_ca(s, err);
		else
			err_set(err, CERTSRV_E_UNSUPPORTED_CERT_TYPE,
			    "%s%s does not issue template %s; `dirca cas` shows what each issues",
			    s->ca != NULL ? "certification authority " : "the CA of the directory",
			    s->ca != NULL ? s->ca : "", j->tmpl.cn);
		return NULL;
	}
	shuffle(list, count);
	*count_out = count;
	return list;
}

void
enroll_forget(const struct enroll_job *j)
{
	unlink(j->key_file);
	unlink(j->sent_file);
}

static bool
keep(const struct enroll_job *j, const char *ca, struct err *err)
{
	return err_prefix(err,
	    "%s may have issued a certificate: the key is kept in %s, and the same command again "
	    "asks "
	    "(another --out begins anew)",
	    ca, j->key_file);
}

/* Sends again what was sent: a CA to which it came says what became of it, and does nothing twice.
 * Of what a CA to which it came would not say, nothing follows. */
static bool
ask_once(const struct enroll_job *j, const struct pki_service *service,
    const struct client_request *sent, struct client_enrolled *out, struct err *err)
{
	OWNED(http_client_close) struct http_client *http = NULL;

	*out = (struct client_enrolled){.outcome = CLIENT_NOT_SENT};
	return session_http(j->session, service, &http, err) &&
	       client_enroll_send(http, sent, buf_view(&service->certificate), j->key, out, err);
}

/* A CA that starts again takes seconds, in which nobody listens. */
static bool
ask_again(const struct enroll_job *j, const struct pki_service *service,
    const struct client_request *sent, struct client_enrolled *out, struct err *err)
{
	bool ok;

	fprintf(stderr, "dirca enroll: asking %s what became of the request\n",
	    pki_service_title(service));
	ok = ask_once(j, service, sent, out, err);
	for (unsigned tries = 1; tries < ASK_TRIES && !ok && out->outcome == CLIENT_NOT_SENT &&
				 err->code == DIRCA_E_NETWORK;
	     tries++) {
		sleep(tries);
		ok = ask_once(j, service, sent, out, err);
	}
	if (!ok && out->outcome != CLIENT_REFUSED)
		out->outcome = CLIENT_UNKNOWN;
	return ok;
}

/* ---- a new request ---- */

static struct client_enroll
input_of(const struct enroll_job *j, const struct pki_service *service)
{
	return (struct client_enroll){.service = service,
	    .tmpl = &j->tmpl,
	    .key = j->key,
	    .subject = j->cli->opt.subject,
	    .dns = j->cli->opt.dns.list,
	    .dns_count = j->cli->opt.dns.count,
	    .renews = j->renews.key != NULL ? &j->renews : NULL,
	    .agent = j->agent.key != NULL ? &j->agent : NULL,
	    .on_behalf_of = j->cli->opt.on_behalf_of,
	    .sender = j->sender,
	    .now = clock_now()};
}

static bool
try_service(const struct enroll_job *j, const struct pki_service *service, struct view pkcs10,
    struct client_enrolled *out, struct err *err)
{
	const struct client_enroll in = input_of(j, service);
	OWNED(client_request_free) struct client_request request = {0};
	OWNED(http_client_close) struct http_client *http = NULL;

	client_enrolled_free(out); /* what another CA said, or the same before */
	*out = (struct client_enrolled){.outcome = CLIENT_NOT_SENT};
	if (!session_http(j->session, service, &http, err) ||
	    !client_request_make(http, &in, pkcs10, &request, err) ||
	    !client_request_save(j->sent_file, &request, err))
		return false;
	if (client_enroll_send(http, &request, buf_view(&service->certificate), j->key, out, err))
		return true;
	if (out->outcome != CLIENT_UNKNOWN)
		return false;
	fprintf(stderr, "dirca enroll: %s: %s\n", pki_service_title(service), err->msg);
	return ask_again(j, service, &request, out, err);
}

/* Where the CA retired that exchange key meanwhile: once more, under its new one. */
static bool
try_twice(const struct enroll_job *j, const struct pki_service *service, struct view pkcs10,
    struct client_enrolled *out, struct err *err)
{
	return try_service(j, service, pkcs10, out, err) ||
	       (out->outcome == CLIENT_REFUSED && err->code == DIRCA_E_XCHG_CERT &&
		   try_service(j, service, pkcs10, out, err));
}

/* Is it this CA's trouble, so that another may do? */
static bool
is_trouble_of_ca(enum client_outcome outcome, enum err_code code)
{
	enum err_category c = err_category(code);

	switch (outcome) {
	case CLIENT_NOT_SENT: /* its exchange certificate may be bad in any way */
		return c != ERR_CATEGORY_NOT_AUTHENTICATED && c != ERR_CATEGORY_REFUSED &&
		       c != ERR_CATEGORY_TOO_MANY && code != DIRCA_E_USAGE && code != DIRCA_E_IO;
	case CLIENT_UNDECIDED:
		return err_is_undecided(code);
	case CLIENT_REFUSED:
		return code == CERTSRV_E_KEY_ARCHIVAL_NOT_CONFIGURED ||
		       code == CERTSRV_E_NO_VALID_KRA || code == CRYPT_E_REVOCATION_OFFLINE;
	case CLIENT_UNKNOWN:
	case CLIENT_PENDING:
	case CLIENT_ISSUED:
		break;
	}
	return false;
}

static bool
ask_in_turn(struct enroll_job *j, const struct pki_service **list, size_t count,
    const struct pki_service **service_out, struct client_enrolled *out, struct err *err)
{
	const struct client_enroll any = input_of(j, list[0]);
	OWNED(buf_free) struct buf pkcs10 = {0};

	if (!client_pkcs10_make(&any, &pkcs10, err))
		return false;
	for (size_t i = 0; i < count; i++) {
		*service_out = list[i];
		if (try_twice(j, list[i], buf_view(&pkcs10), out, err))
			return true;
		if (out->outcome == CLIENT_UNKNOWN)
			return keep(j, list[i]->name, err);
		unlink(j->sent_file); /* nothing became of it */
		if (!is_trouble_of_ca(out->outcome, err->code))
			break;
		if (i + 1 < count)
			fprintf(stderr, "dirca enroll: %s: %s (%s); trying the next CA\n",
			    list[i]->name, err->msg, err_name(err->code));
	}
	return count > 1 ? err_prefix(err, "%s", (*service_out)->name) : false;
}

static bool
ask_anew(struct enroll_job *j, const struct pki_service **service_out, struct client_enrolled *out,
    struct err *err)
{
	size_t count = 0;
	OWNED(own_memory) const struct pki_service **list = choose_services(j, &count, err);

	*out = (struct client_enrolled){.outcome = CLIENT_NOT_SENT};
	if (list != NULL && ask_in_turn(j, list, count, service_out, out, err))
		return true;
	/* A key without a certificate is of no use. */
	if (out->outcome != CLIENT_UNKNOWN)
		enroll_forget(j);
	return false;
}

/* ---- what an earlier run sent ---- */

static const struct pki_service *
service_of(const struct enroll_job *j, const struct client_request *sent, struct err *err)
{
	const struct session *s = j->session;

	for (size_t i = 0; i < s->service_count; i++)
		if (text_eq_nocase(s->services[i].name, sent->ca))
			return &s->services[i];
	err_set(err, CRYPT_E_NOT_FOUND, "the directory does not name this CA any more");
	return NULL;
}

/* A request that never came to the CA, and is too old now: another one may be made. */
static bool
is_stale(const struct client_enrolled *e, enum err_code code)
{
	return e->outcome == CLIENT_REFUSED &&
	       (code == DIRCA_E_REQUEST_BINDING || code == DIRCA_E_XCHG_CERT);
}

static bool
ask_about(struct enroll_job *j, const struct client_request *sent,
    const struct pki_service **service_out, struct client_enrolled *out, struct err *err)
{
	if (strcmp(sent->template_cn, j->tmpl.cn) != 0)
		return err_set(err, DIRCA_E_USAGE,
		    "the key in %s is for a certificate of template %s; name another file with "
		    "--out",
		    j->key_file, sent->template_cn);
	*service_out = service_of(j, sent, err);
	if (*service_out != NULL && ask_again(j, *service_out, sent, out, err))
		return true;
	if (is_stale(out, err->code)) {
		fprintf(stderr, "dirca enroll: nothing became of it: %s\n", err->msg);
		return ask_anew(j, service_out, out, err);
	}
	if (out->outcome != CLIENT_REFUSED)
		return keep(j, sent->ca, err);
	enroll_forget(j);
	return false;
}

bool
enroll_ask_cas(struct enroll_job *j, const struct pki_service **service_out,
    struct client_enrolled *out, struct err *err)
{
	OWNED(client_request_free) struct client_request sent = {0};

	if (client_request_load(j->sent_file, &sent, err))
		return ask_about(j, &sent, service_out, out, err);
	return err->code == ERROR_FILE_NOT_FOUND && ask_anew(j, service_out, out, err);
}
