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

static void
note(bool ok, const char *what, const struct notice *notice, const struct err *err)
{
	metrics_notice(ok);
	if (!ok)
		log_warn(what, LOG_INT("event_id", notice->event.number), LOG_REASON(err));
}

/* ---- the program ---- */

/* An event as `dirca events --json` has it, and whose it is. */
static void
tell_program(struct notifier *n, const struct notice *notice)
{
	const struct config *config = n->ca->config;
	OWNED(json_free) json_t *event = json_event(&notice->event);
	OWNED(own_memory) char *text = NULL;
	struct err err;

	json_object_del(event, "row_id");
	json_object_set_new(event, "ca", json_string(config->ca_name));
	if ((text = json_dumps(event, JSON_COMPACT | JSON_SORT_KEYS)) == NULL)
		return;
	note(hook_run(config->event_hook, view_str(text), HOOK_MS, is_over, n, &err),
	    "the program for events failed", notice, &err);
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

static void
send_mail(struct notifier *n, const struct notice *notice, const char *const *to, size_t count,
    const char *text)
{
	const struct config *config = n->ca->config;
	const struct event_kind *kind = event_kind(notice->event.number);
	OWNED(own_memory) char *subject = text_printf("[%s] %s", config->ca_name, kind->title);
	OWNED(own_memory) char *id = NULL;
	struct mail m = {.from = config->mail_from,
	    .to = to,
	    .to_count = count,
	    .subject = subject,
	    .text = text,
	    .when = notice->event.when};
	uint8_t random[16];
	struct err err = {0};

	if (RAND_bytes(random, sizeof random) != 1)
		return;
	m.id = id = hex_encode(view_of(random, sizeof random), '\0');
	err_set(&err, DIRCA_E_NETWORK, "the CA stops");
	note(mail_budget_take(&n->budget, clock_boot_ms(), &err) && try_mail(n, &m, &err),
	    "mail not sent", notice, &err);
}

static char *
event_sentence(const struct notice *notice)
{
	const char *values[EVENT_VALUES_MAX];

	for (size_t i = 0; i < EVENT_VALUES_MAX; i++)
		values[i] = notice->event.values[i];
	return event_text(event_kind(notice->event.number), values);
}

/* ---- to whom what ---- */

static void
mail_administrators(struct notifier *n, const struct notice *notice)
{
	const struct config *config = n->ca->config;
	const struct event_kind *kind = event_kind(notice->event.number);
	OWNED(own_memory) char *sentence = event_sentence(notice);
	OWNED(own_memory)
	char *text = text_printf("%s.\n\nEvent %lld, %s, of the CA %s. `dirca doctor ca` says what "
				 "mends it.\n",
	    sentence, (long long)kind->id, kind->symbol, config->ca_name);

	send_mail(
	    n, notice, (const char *const *)config->event_mail_to, config->event_mail_count, text);
}

static void
mail_managers(struct notifier *n, const struct notice *notice)
{
	const struct config *config = n->ca->config;
	long long id = (long long)notice->event.request_id;
	OWNED(own_memory) char *sentence = event_sentence(notice);
	OWNED(own_memory)
	char *text = text_printf("%s.\n\n`dirca requests --disposition pending` lists what waits, "
				 "`dirca approve %lld` or "
				 "`dirca deny %lld` decides.\n",
	    sentence, id, id);

	send_mail(n, notice, (const char *const *)config->pending_mail_to,
	    config->pending_mail_count, text);
}

static void
mail_approvers(struct notifier *n, const struct notice *notice)
{
	const struct config *config = n->ca->config;
	const char *id = notice->event.values[0];
	OWNED(own_memory) char *sentence = event_sentence(notice);
	OWNED(own_memory)
	char *text =
	    text_printf("%s.\n\n`dirca case show %s` says more, `dirca case approve %s` or "
			"`dirca case deny %s` decides.\n",
		sentence, id, id, id);

	send_mail(n, notice, (const char *const *)config->pending_mail_to,
	    config->pending_mail_count, text);
}

/* Whose keys they are may have asked for it, or not know of it. */
static void
mail_owner(struct notifier *n, const struct notice *notice)
{
	OWNED(own_memory) char *address = NULL;
	OWNED(own_memory) char *sentence = event_sentence(notice);
	OWNED(own_memory)
	char *text = text_printf("%s.\n\nThis is told to whom the key belongs. If you did not ask "
				 "for it and know of no reason, tell the auditors of the CA %s.\n",
	    sentence, n->ca->config->ca_name);
	struct err err;

	if (!ca_requester_mail(n->ca, notice->event.request_id, &address, &err))
		note(false, "mail not sent", notice, &err);
	else if (address != NULL)
		send_mail(n, notice, (const char *const[]){address}, 1, text);
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
		note(false, "mail not sent", notice, &err);
	else if (address != NULL)
		send_mail(n, notice, (const char *const[]){address}, 1, text);
}

static void
tell(struct notifier *n, const struct notice *notice)
{
	const struct config *config = n->ca->config;
	int64_t number = notice->event.number;

	if (config->event_hook != NULL && event_set_has(&n->hook_on, number))
		tell_program(n, notice);
	if (config->event_mail_count > 0 && event_set_has(&n->mail_on, number))
		mail_administrators(n, notice);
	if (config->pending_mail_count > 0 && number == EVENT_REQUEST_PENDING)
		mail_managers(n, notice);
	if (config->pending_mail_count > 0 && number == EVENT_CASE_WAITING)
		mail_approvers(n, notice);
	if (config->requester_mail && notice->waited &&
	    event_kind(number)->category == EVENT_CATEGORY_RECOVERY)
		mail_owner(n, notice);
	if (config->requester_mail && notice->waited &&
	    (number == EVENT_REQUEST_ISSUED || number == EVENT_REQUEST_DENIED))
		mail_requester(n, notice);
}

static void *
run(void *arg)
{
	struct notifier *n = arg;

	while (!is_over(n)) {
		OWNED(notice_free) struct notice notice;

		if (ca_notice_take(n->ca, 1000, &notice))
			tell(n, &notice);
	}
	return NULL;
}

/* ---- what is configured ---- */

static bool
read_set(const char *name, const char *text, const char *by_default, struct event_set *out,
    struct err *err)
{
	if (event_set_parse(text != NULL ? text : by_default, out, err))
		return true;
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

	return read_set("event_hook_on", c->event_hook_on,
		   "kra exchange request crl audit recovery", &n->hook_on, err) &&
	       read_set(
		   "event_mail_on", c->event_mail_on, "kra exchange crl audit", &n->mail_on, err) &&
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
