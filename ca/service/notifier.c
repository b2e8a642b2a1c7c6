#include "notifier.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <curl/curl.h>
#include <openssl/rand.h>

#include "clock.h"
#include "hook.h"
#include "json.h"
#include "log.h"
#include "mail.h"
#include "mem.h"
#include "metrics.h"
#include "notices.h"
#include "own.h"
#include "owner_notices.h"
#include "text.h"

#define HOOK_MS 30000
#define MAIL_MS 30000
#define TRIES   3 /* of a mail */
#define TRY_MS  2000

struct notifier {
	struct ca *ca;
	pthread_t thread;
	struct event_set hook_on, mail_on;
	struct mail_budget budget;
};

static bool
is_over(void *arg)
{
	const struct notifier *n = arg;

	return ca_notices_stopped(n->ca);
}

static bool
note(bool ok, const char *what, const struct event_record *e, const struct err *err)
{
	metrics_notice(ok);
	if (!ok)
		log_warn(what, LOG_INT("event_id", e->number), LOG_REASON(err));
	return ok;
}

/* ---- the program ---- */

/* An event as `dirca events --json` has it, and whose it is. */
static bool
tell_program(struct notifier *n, const struct event_record *e, struct err *err)
{
	const struct config *config = n->ca->config;
	OWNED(json_free) json_t *event = json_event(e);
	OWNED(own_memory) char *text = NULL;

	json_object_del(event, "row_id");
	json_object_set_new(event, "ca", json_string(config->ca_name));
	if ((text = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS)) == NULL)
		return err_nomem(err);
	return note(hook_run(config->event_hook, view_str(text), HOOK_MS, is_over, n, err),
	    "the program for events failed", e, err);
}

/* ---- mail ---- */

static void
pause_before(struct notifier *n, int attempt)
{
	const struct timespec look = {0, 50000000};
	int64_t until = clock_mono_ms() + (int64_t)attempt * TRY_MS;

	while (attempt > 0 && clock_mono_ms() < until && !is_over(n))
		nanosleep(&look, NULL);
}

static bool
try_mail(struct notifier *n, const struct mail *m, struct err *err)
{
	bool ok = false;

	for (int attempt = 0; !ok && attempt < TRIES && !is_over(n); attempt++) {
		pause_before(n, attempt);
		ok = mail_send(n->ca->config, m, MAIL_MS, is_over, n, err);
		if (!ok && err->code != DIRCA_E_NETWORK)
			break;
	}
	return ok;
}

static bool
send_mail(struct notifier *n, const struct event_record *e, const char *const *to, size_t count,
    const char *text, struct err *err)
{
	const struct config *config = n->ca->config;
	const struct event_kind *kind = event_kind(e->number);
	OWNED(own_memory) char *subject = text_printf("[%s] %s", config->ca_name, kind->title);
	OWNED(own_memory) char *id = NULL;
	struct mail m = {.from = config->mail_from,
	    .to = to,
	    .to_count = count,
	    .subject = subject,
	    .text = text,
	    .when = e->when};
	uint8_t random[16];

	if (RAND_bytes(random, sizeof random) != 1)
		return err_openssl(err, DIRCA_E_CRYPTO, "there are no random numbers");
	m.id = id = hex_encode(view_of(random, sizeof random), '\0');
	err_set(err, DIRCA_E_NETWORK, "the CA stops");
	return note(mail_budget_take(&n->budget, clock_boot_ms(), err) && try_mail(n, &m, err),
	    "mail not sent", e, err);
}

static char *
event_sentence(const struct event_record *e)
{
	const char *values[EVENT_VALUES_MAX];

	for (size_t i = 0; i < EVENT_VALUES_MAX; i++)
		values[i] = e->values[i];
	return event_text(event_kind(e->number), values);
}

/* ---- owners ---- */

/* Whose keys they are may have asked for it, or not know of it. */
static enum owner_told
mail_owner(struct notifier *n, const struct event_record *e, char **how_out, struct err *err)
{
	OWNED(own_memory) char *address = NULL;
	OWNED(own_memory) char *sentence = event_sentence(e);
	OWNED(own_memory)
	char *text = text_printf("%s.\n\nThis is told to whom the key belongs. If you did not ask "
				 "for it and know of no reason, tell the auditors of the CA %s.\n",
	    sentence, n->ca->config->ca_name);

	if (!ca_requester_mail(n->ca, e->request_id, &address, err)) {
		note(false, "mail not sent", e, err);
		return OWNER_UNTOLD;
	}
	*how_out = text_printf("mail to=%s", address != NULL ? address : "-");
	if (address == NULL) {
		err_set(err, CRYPT_E_NOT_FOUND, "the directory has no address of the owner");
		note(false, "mail not sent", e, err);
		return OWNER_WITHOUT;
	}
	return send_mail(n, e, (const char *const[]){address}, 1, text, err) ? OWNER_TOLD
									     : OWNER_UNTOLD;
}

static enum owner_told
tell_owner(const struct event_record *e, char **how_out, void *arg, struct err *err)
{
	struct notifier *n = arg;
	enum owner_told told = OWNER_WITHOUT;

	switch (owner_way(n->ca->config, e->number)) {
	case OWNER_BY_MAIL:
		*how_out = mem_text("mail");
		told = mail_owner(n, e, how_out, err);
		break;
	case OWNER_BY_PROGRAM:
		*how_out = mem_text("program");
		told = tell_program(n, e, err) ? OWNER_TOLD : OWNER_UNTOLD;
		break;
	case OWNER_BY_NOBODY:
		err_set(err, DIRCA_E_CONFIG,
		    "dircad.conf has nothing any more by which owners are told");
		break;
	}
	return told == OWNER_UNTOLD && is_over(n) ? OWNER_INTERRUPTED : told;
}

/* ---- to whom what ---- */

static void
mail_administrators(struct notifier *n, const struct notice *notice)
{
	const struct config *config = n->ca->config;
	const struct event_kind *kind = event_kind(notice->event.number);
	OWNED(own_memory) char *sentence = event_sentence(&notice->event);
	OWNED(own_memory)
	char *text = text_printf("%s.\n\nEvent %lld, %s, of the CA %s. `dirca doctor ca` says what "
				 "mends it.\n",
	    sentence, (long long)kind->id, kind->symbol, config->ca_name);
	struct err err;

	(void)send_mail(n, &notice->event, (const char *const *)config->event_mail_to,
	    config->event_mail_count, text, &err);
}

static void
mail_managers(struct notifier *n, const struct notice *notice)
{
	const struct config *config = n->ca->config;
	long long id = (long long)notice->event.request_id;
	OWNED(own_memory) char *sentence = event_sentence(&notice->event);
	OWNED(own_memory)
	char *text = text_printf("%s.\n\n`dirca requests --disposition pending` lists what waits, "
				 "`dirca approve %lld` or "
				 "`dirca deny %lld` decides.\n",
	    sentence, id, id);
	struct err err;

	(void)send_mail(n, &notice->event, (const char *const *)config->pending_mail_to,
	    config->pending_mail_count, text, &err);
}

static void
mail_approvers(struct notifier *n, const struct notice *notice)
{
	const struct config *config = n->ca->config;
	const char *id = notice->event.values[0];
	OWNED(own_memory) char *sentence = event_sentence(&notice->event);
	OWNED(own_memory)
	char *text =
	    text_printf("%s.\n\n`dirca case show %s` says more, `dirca case approve %s` or "
			"`dirca case deny %s` decides.\n",
		sentence, id, id, id);
	struct err err;

	(void)send_mail(n, &notice->event, (const char *const *)config->pending_mail_to,
	    config->pending_mail_count, text, &err);
}

/* Who decided it is not said: the trail has that. */
static void
mail_requester(struct notifier *n, const struct notice *notice)
{
	long long id = (long long)notice->event.request_id;
	bool issued = notice->event.number == EVENT_REQUEST_ISSUED;
	OWNED(own_memory) char *address = NULL;
	OWNED(own_memory)
	char *text = issued ? text_printf("Your request %lld to the CA %s was approved.\n\n`dirca "
					  "retrieve %lld` fetches the certificate.\n",
				  id, n->ca->config->ca_name, id)
			    : text_printf("Your request %lld to the CA %s was denied: %s\n", id,
				  n->ca->config->ca_name, notice->event.values[1]);
	struct err err;

	if (!ca_requester_mail(n->ca, notice->event.request_id, &address, &err))
		(void)note(false, "mail not sent", &notice->event, &err);
	else if (address != NULL)
		(void)send_mail(n, &notice->event, (const char *const[]){address}, 1, text, &err);
}

static void
tell(struct notifier *n, const struct notice *notice)
{
	const struct config *config = n->ca->config;
	int64_t number = notice->event.number;
	bool owner = owner_has_to_be_told(config, number, notice->waited);
	struct err err;

	if (config->event_hook != NULL && event_set_has(&n->hook_on, number) &&
	    !(owner && owner_way(config, number) == OWNER_BY_PROGRAM))
		(void)tell_program(n, &notice->event, &err);
	if (config->event_mail_count > 0 && event_set_has(&n->mail_on, number))
		mail_administrators(n, notice);
	if (config->pending_mail_count > 0 && number == EVENT_REQUEST_PENDING)
		mail_managers(n, notice);
	if (config->pending_mail_count > 0 && number == EVENT_CASE_WAITING)
		mail_approvers(n, notice);
	if (config->requester_mail && notice->waited &&
	    (number == EVENT_REQUEST_ISSUED || number == EVENT_REQUEST_DENIED))
		mail_requester(n, notice);
}

static void *
run(void *arg)
{
	struct notifier *n = arg;
	struct owner_notices owners = {0};

	while (!is_over(n)) {
		OWNED(notice_free) struct notice notice;

		if (ca_notice_take(n->ca, 1000, &notice))
			tell(n, &notice);
		ca_tell_owners(n->ca, &owners, clock_now(), clock_mono_ms(), tell_owner, n);
	}
	return NULL;
}

/* ---- what is configured ---- */

static bool
bad_set(const char *name, struct err *err)
{
	err->code = DIRCA_E_CONFIG;
	return err_prefix(err, "%s of dircad.conf", name);
}

static bool
check_list(const char *name, char *const *list, size_t count, struct err *err)
{
	for (size_t i = 0; i < count; i++)
		if (!mail_address_is_good(list[i]))
			return err_set(err, DIRCA_E_CONFIG,
			    "%s of dircad.conf: '%s' is no address of mail", name, list[i]);
	return true;
}

static bool
read_config(struct notifier *n, struct err *err)
{
	const struct config *c = n->ca->config;

	return (owner_hook_set(c, &n->hook_on, err) || bad_set("event_hook_on", err)) &&
	       (event_set_parse(
		    c->event_mail_on != NULL ? c->event_mail_on : "kra exchange crl audit",
		    &n->mail_on, err) ||
		   bad_set("event_mail_on", err)) &&
	       check_list("event_mail_to", c->event_mail_to, c->event_mail_count, err) &&
	       check_list("pending_mail_to", c->pending_mail_to, c->pending_mail_count, err) &&
	       check_list("mail_from", &c->mail_from, c->mail_from != NULL, err);
}

bool
notifier_start(struct ca *ca, struct notifier **out, struct err *err)
{
	OWNED(own_memory) struct notifier *n = mem_zero(1, sizeof *n);

	*out = NULL;
	n->ca = ca;
	if (!read_config(n, err))
		return false;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return err_set(err, DIRCA_E_NETWORK, "libcurl cannot be used");
	if (pthread_create(&n->thread, NULL, run, n) != 0)
		return err_set(err, DIRCA_E_INTERNAL, "the thread for mail could not be started");
	*out = own_give(&n);
	return true;
}

void
notifier_stop(struct notifier **np)
{
	if (*np == NULL)
		return;
	ca_notices_stop((*np)->ca);
	pthread_join((*np)->thread, NULL);
	free(*np);
	*np = NULL;
}
