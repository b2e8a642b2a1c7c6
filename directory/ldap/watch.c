#include "watch.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn_priv.h"
#include "text.h"
#include "mem.h"
#include "own_ldap.h"

/* How often change numbers are compared where the server tells of changes by itself. Samba looks
 * for what it should tell only every few seconds; the rootDSE is cheap. */
#define POLL_SYNCREPL_MS     5000
#define POLL_NOTIFICATION_MS 1000
/* Longer than the second of a time, which began before it was read. */
#define SETTLE_MS 1100
/* How often it is looked whether everybody else has turned to another server. */
#define GLANCE_MS 250

/* RFC 4533 2.5: choices of the Sync Info Message. */
#define SYNC_NEW_COOKIE      ((ber_tag_t)0x80)
#define SYNC_REFRESH_DELETE  ((ber_tag_t)0xa1)
#define SYNC_REFRESH_PRESENT ((ber_tag_t)0xa2)

struct dir_watch {
	struct dir_conn *c;
	enum dir_watching how;
	char *why;
	char *base;
	int search;     /* message number of the search that stays open; -1: none */
	bool refreshed; /* syncrepl: what comes now are changes */
	bool told;      /* the server told of a change that was not yet looked at */
	int poll_ms;
	int64_t poll_at;
	struct buf seen; /* DN and change number of every entry */
	bool blind;      /* change numbers cannot be read: each poll counts as a change */
	bool coarse;     /* some are times of whole seconds */
	/* A second change in the second of the last one may not show: at this time, when that
	 * second is over, it is taken for one. 0: there was none, or that is behind us. */
	int64_t settle_at;
	char *usn; /* highestCommittedUSN of the last comparison; NULL: none */
};

/* ---- Comparing change numbers ---- */

/* With a NUL behind it, so that two texts are never taken for one. */
static bool
append(struct buf *to, struct view text, struct err *err)
{
	return buf_append(to, text, err) && buf_append(to, view_of("", 1), err);
}

/* uSNChanged is this server's own counter (Active Directory, Samba), entryCSN that of OpenLDAP,
 * entryUSN that of 389's plug-in of that name; they move with every change of the entry, its
 * descriptor's included. Without the plug-in 389 has the time alone
 * (docs/FACTS.md 17). */
static const char *const number_attrs[] = {
    "uSNChanged", "entryCSN", "entryUSN", "modifyTimestamp", NULL};
#define COARSE_AT 3 /* the first that is a time */

/* The value of the best one, and which that is; NULL if the entry shows none. */
static const struct dir_attr *
number_of(const struct dir_entry *e, size_t *which_out)
{
	const struct dir_attr *a = NULL;

	for (*which_out = 0; number_attrs[*which_out] != NULL; ++*which_out)
		if ((a = dir_entry_attr(e, number_attrs[*which_out])) != NULL && a->count > 0)
			return a;
	return NULL;
}

static bool
read_numbers(struct dir_watch *w, struct buf *out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};
	OWNED(buf_free) struct buf numbers = {0};

	*out = (struct buf){0};
	w->blind = w->coarse = false;
	if (!dir_search(w->c,
		&(struct dir_query){.base = w->base,
		    .scope = DIR_SUBTREE,
		    .filter = "(objectClass=*)",
		    .attrs = number_attrs},
		&found, err))
		return false;
	if (found.count == 0)
		return err_set(err, DIRCA_E_DIRECTORY, "%s does not show %s", w->c->uri, w->base);
	for (size_t i = 0; i < found.count; i++) {
		size_t which;
		const struct dir_attr *number = number_of(&found.list[i], &which);

		if (!append(&numbers, view_str(found.list[i].dn), err) ||
		    (number != NULL && !append(&numbers, buf_view(&number->values[0]), err)))
			return false;
		w->blind = w->blind || number == NULL;
		w->coarse = w->coarse || which >= COARSE_AT;
	}
	*out = buf_give(&numbers);
	return true;
}

/* Active Directory and Samba: one number that moves with every write to the server; NULL elsewhere.
 */
static bool
read_usn(struct dir_watch *w, char **out, struct err *err)
{
	OWNED(dir_entries_free) struct dir_entries found = {0};

	*out = NULL;
	if (!dir_conn_root(w->c)->is_ad)
		return true;
	return dir_search(w->c,
		   &(struct dir_query){.base = "",
		       .filter = "(objectClass=*)",
		       .attrs = (const char *const[]){"highestCommittedUSN", NULL}},
		   &found, err) &&
	       (found.count != 1 || dir_entry_text(&found.list[0], "highestCommittedUSN", out,
					err) != DIR_GET_FAILED);
}

static void
schedule(struct dir_watch *w)
{
	w->poll_at = clock_mono_ms() + w->poll_ms;
	if (w->settle_at != 0 && w->settle_at < w->poll_at)
		w->poll_at = w->settle_at;
}

/* Whether the numbers, asked for at `asked_at`, are others than before, or may be without showing
 * it. */
static bool
has_changed(struct dir_watch *w, struct view numbers, bool told, int64_t asked_at)
{
	bool differ = !view_eq(numbers, buf_view(&w->seen));
	bool settled = w->settle_at != 0 && asked_at >= w->settle_at;

	if (settled)
		w->settle_at = 0;
	if (w->coarse && differ)
		w->settle_at = clock_mono_ms() + SETTLE_MS;
	return w->blind || differ || settled || (w->coarse && told);
}

static bool
compare(struct dir_watch *w, bool *changed_out, struct err *err)
{
	OWNED(own_memory) char *usn = NULL;
	int64_t asked_at = clock_mono_ms();
	bool told = w->told;
	struct buf now;

	*changed_out = false;
	schedule(w);
	w->told = false;
	if (!read_usn(w, &usn, err))
		return false;
	if (usn != NULL && w->usn != NULL && strcmp(usn, w->usn) == 0)
		return true;
	if (!read_numbers(w, &now, err))
		return false;
	*changed_out = has_changed(w, buf_view(&now), told, asked_at);
	schedule(w);
	free(w->usn);
	w->usn = own_give(&usn);
	buf_free(&w->seen);
	w->seen = now;
	return true;
}

/* ---- Being told ---- */

/* RFC 4533 2.2: SEQUENCE { mode refreshAndPersist (3) }. No cookie: whoever opens a watch reads
 * everything anew, so that there is nothing to save by remembering where the last one was. */
static char sync_oid[] = LDAP_CONTROL_SYNC;
static char sync_value[] = {0x30, 0x03, 0x0a, 0x01, 0x03};
/* [MS-ADTS] 3.1.1.3.4.1.9: no value; the search stays open and answers with each entry that
 * changes. A subtree must be a whole naming context. */
static char notification_oid[] = DIR_CONTROL_NOTIFICATION;

static bool
start_search(struct dir_watch *w, struct err *err)
{
	bool sync = w->how == DIR_WATCHING_SYNCREPL;
	LDAPControl control = {.ldctl_oid = sync ? sync_oid : notification_oid,
	    .ldctl_value = {sync ? sizeof sync_value : 0, sync ? sync_value : NULL},
	    .ldctl_iscritical = 1};
	LDAPControl *controls[] = {&control, NULL};
	static char nothing[] = DIR_NO_ATTRS;
	char *attrs[] = {nothing, NULL};
	int rc;

	w->refreshed = !sync;
	if (w->how == DIR_WATCHING_POLLING)
		return true;
	rc = ldap_search_ext(w->c->ld, sync ? w->base : w->c->config_nc, LDAP_SCOPE_SUBTREE,
	    "(objectClass=*)", attrs, 0, controls, NULL, NULL, LDAP_NO_LIMIT, &w->search);
	return rc == LDAP_SUCCESS || dir_conn_fail(w->c, rc, err, "watching %s", w->base);
}

/* The server will not have it so: RFC 4511 A.1 and 4533 3.3. */
static void
fall_back(struct dir_watch *w, const char *reason, const char *words)
{
	free(w->why);
	w->why = text_printf("%s refuses %s: %s%s%s%s", w->c->uri, dir_watching_name(w->how),
	    reason, words != NULL && *words != '\0' ? " (" : "", words != NULL ? words : "",
	    words != NULL && *words != '\0' ? ")" : "");
	w->how = DIR_WATCHING_POLLING;
	w->refreshed = true;
	w->told = true;
}

/* The open search ended. Whatever is no refusal, e-syncRefreshRequired too, is mended by a new
 * watch.
 */
static bool
on_end(struct dir_watch *w, LDAPMessage *m, struct err *err)
{
	OWNED(own_ldap_text) char *words = NULL;
	int code = LDAP_OTHER, rc;

	w->search = -1;
	rc = ldap_parse_result(w->c->ld, m, &code, NULL, &words, NULL, NULL, 0);
	if (rc != LDAP_SUCCESS)
		return dir_conn_fail(w->c, rc, err, "watching %s", w->base);
	switch (code) {
	case LDAP_UNAVAILABLE_CRITICAL_EXTENSION:
	case LDAP_UNWILLING_TO_PERFORM:
	case LDAP_INSUFFICIENT_ACCESS:
	case LDAP_ADMINLIMIT_EXCEEDED:
	case LDAP_PROTOCOL_ERROR:
	case LDAP_OPERATIONS_ERROR:
		fall_back(w, ldap_err2string(code), words);
		return true;
	default:
		return dir_conn_fail(w->c, code != LDAP_SUCCESS ? code : LDAP_UNAVAILABLE, err,
		    "watching %s", w->base);
	}
}

/* Whether a Sync Info Message ends the refresh: refreshDone is true unless it is there and false.
 */
static bool
ends_refresh(BerElement *ber, ber_tag_t tag)
{
	ber_len_t len;
	ber_int_t done = 1;

	if (tag != SYNC_REFRESH_DELETE && tag != SYNC_REFRESH_PRESENT)
		return false;
	for (ber_tag_t t = ber_skip_tag(ber, &len);
	     (t = ber_peek_tag(ber, &len)) != LBER_DEFAULT;) {
		struct berval skipped;

		if (t == LBER_BOOLEAN ? ber_get_boolean(ber, &done) == LBER_ERROR
				      : ber_skip_element(ber, &skipped) == LBER_ERROR)
			return false;
	}
	return done != 0;
}

static void
own_ber(BerElement **ber)
{
	ber_free(*ber, 1);
}

static bool
on_info(struct dir_watch *w, LDAPMessage *m, struct err *err)
{
	OWNED(own_berval) struct berval *value = NULL;
	OWNED(own_ldap_text) char *oid = NULL;
	OWNED(own_ber) BerElement *ber = NULL;
	ber_len_t len;
	ber_tag_t tag;

	if (ldap_parse_intermediate(w->c->ld, m, &oid, &value, NULL, 0) != LDAP_SUCCESS)
		return err_set(
		    err, DIRCA_E_DIRECTORY, "%s sent a message that cannot be decoded", w->c->uri);
	if (oid == NULL || strcmp(oid, LDAP_SYNC_INFO) != 0 || value == NULL ||
	    (ber = ber_init(value)) == NULL)
		return true;
	tag = ber_peek_tag(ber, &len);
	if (w->refreshed)
		w->told = w->told || tag != SYNC_NEW_COOKIE;
	else
		w->refreshed = w->told = ends_refresh(ber, tag);
	return true;
}

static bool
on_message(struct dir_watch *w, LDAPMessage *m, struct err *err)
{
	switch (ldap_msgtype(m)) {
	case LDAP_RES_SEARCH_RESULT:
		return on_end(w, m, err);
	case LDAP_RES_INTERMEDIATE:
		return on_info(w, m, err);
	default:
		w->told = w->told || w->refreshed;
		return true;
	}
}

/* Reads what has come; waits for `timeout_ms` if nothing has. */
static bool
read_messages(struct dir_watch *w, int timeout_ms, struct err *err)
{
	struct timeval wait = {timeout_ms / 1000, timeout_ms % 1000 * 1000L};

	while (w->search != -1) {
		OWNED(own_ldap_message) LDAPMessage *m = NULL;
		int rc = ldap_result(w->c->ld, w->search, LDAP_MSG_ONE, &wait, &m);

		if (rc == 0)
			return true;
		if (rc == -1) {
			ldap_get_option(w->c->ld, LDAP_OPT_RESULT_CODE, &rc);
			return dir_conn_fail(w->c, rc != LDAP_SUCCESS ? rc : LDAP_SERVER_DOWN, err,
			    "watching %s", w->base);
		}
		if (!on_message(w, m, err))
			return false;
		wait = (struct timeval){0};
	}
	return true;
}

/* ---- The watch ---- */

/* Until syncrepl has sent what there was. A refusal comes in the same way. */
static bool
await_refresh(struct dir_watch *w, struct err *err)
{
	struct timeval limit;
	int64_t until;

	dir_conn_timeout(w->c->config, &limit);
	until = clock_mono_ms() + limit.tv_sec * 1000 + limit.tv_usec / 1000;
	while (!w->refreshed) {
		int64_t left = until - clock_mono_ms();

		if (left <= 0)
			return dir_conn_fail(w->c, LDAP_TIMEOUT, err, "watching %s", w->base);
		if (!read_messages(w, (int)left, err))
			return false;
	}
	return true;
}

static int
interval(const struct dir_watch *w, int poll_s)
{
	switch (w->how) {
	case DIR_WATCHING_SYNCREPL:
		return POLL_SYNCREPL_MS;
	case DIR_WATCHING_NOTIFICATION:
		return POLL_NOTIFICATION_MS;
	case DIR_WATCHING_POLLING:
		break;
	}
	return poll_s * 1000;
}

bool
dir_watch_open(const struct dir_config *config, const char *rdns, int poll_s,
    struct dir_watch **out, struct err *err)
{
	OWNED(dir_watch_close) struct dir_watch *w = mem_zero(1, sizeof *w);
	bool changed;

	*out = NULL;
	w->search = -1;
	if (!dir_connect(config, &w->c, err))
		return false;
	w->how = dir_conn_root(w->c)->watching;
	w->base = text_printf("%s,%s", rdns, w->c->config_nc);
	/* A notification is not confirmed; its refusal is there before the answer to what is asked
	 * next. */
	if (!start_search(w, err) || !await_refresh(w, err) || !compare(w, &changed, err) ||
	    !read_messages(w, 0, err))
		return false;
	w->poll_ms = interval(w, poll_s);
	schedule(w);
	*out = own_give(&w);
	return true;
}

void
dir_watch_close(struct dir_watch **wp)
{
	struct dir_watch *w = *wp;

	if (w == NULL)
		return;
	dir_disconnect(&w->c);
	buf_free(&w->seen);
	free(w->usn);
	free(w->base);
	free(w->why);
	free(w);
	*wp = NULL;
}

/* What this server tells may not have reached the one that is read. */
static bool
is_where_others_are(const struct dir_watch *w, struct err *err)
{
	return dir_conn_is_preferred(w->c) ||
	       err_set(err, DIRCA_E_DIRECTORY_UNAVAILABLE,
		   "%s failed, and another server is used instead", w->c->uri);
}

/* Until the server sends something, somebody wakes us, or the time is over; true: woken. */
static bool
sleep_until(const struct dir_watch *w, int64_t until, int wake_fd)
{
	struct pollfd fds[] = {{.fd = -1, .events = POLLIN}, {.fd = wake_fd, .events = POLLIN}};
	int64_t left = until - clock_mono_ms();

	if (left > GLANCE_MS)
		left = GLANCE_MS;
	if (w->search != -1)
		(void)ldap_get_option(w->c->ld, LDAP_OPT_DESC, &fds[0].fd);
	(void)poll(fds, 2, left > 0 ? (int)left : 0);
	return fds[1].revents != 0;
}

enum dir_watch_event
dir_watch_wait(struct dir_watch *w, int timeout_ms, int wake_fd, struct err *err)
{
	int64_t until = clock_mono_ms() + timeout_ms;

	for (;;) {
		bool changed;

		if (!is_where_others_are(w, err) || !read_messages(w, 0, err))
			return DIR_WATCH_BROKEN;
		if (w->told || clock_mono_ms() >= w->poll_at) {
			if (!compare(w, &changed, err))
				return DIR_WATCH_BROKEN;
			if (changed)
				return DIR_WATCH_CHANGED;
			/* What came during the comparison waits inside of libldap, where poll()
			 * does not see it. */
			continue;
		}
		if (clock_mono_ms() >= until ||
		    sleep_until(w, until < w->poll_at ? until : w->poll_at, wake_fd))
			return DIR_WATCH_NOTHING;
	}
}

enum dir_watching
dir_watch_how(const struct dir_watch *w)
{
	return w->how;
}

const char *
dir_watch_why(const struct dir_watch *w)
{
	return w->why;
}

const char *
dir_watch_uri(const struct dir_watch *w)
{
	return w->c->uri;
}
