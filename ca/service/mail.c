#include "mail.h"

#include <string.h>
#include <time.h>

#include "clock.h"
#include "own.h"
#include "printable.h"
#include "text.h"

#define ADDRESS_MAX 254
/* Octets that one encoded word of RFC 2047 takes: 75 characters with its frame. */
#define WORD_OCTETS 42

bool
mail_address_is_good(const char *address)
{
	static const char local[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "!#$%&'*+-/=?^_`{|}~.";
	static const char domain[] =
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.";
	size_t before = strspn(address, local), after;

	if (before == 0 || before > 64 || address[before] != '@' || address[0] == '.' ||
	    address[0] == '-' || address[before - 1] == '.' || strstr(address, "..") != NULL)
		return false;
	after = strspn(address + before + 1, domain);
	return after > 0 && address[before + 1 + after] == '\0' &&
	       before + 1 + after <= ADDRESS_MAX && address[before + 1] != '.' &&
	       address[before + 1] != '-' && address[before + after] != '.';
}

static bool
put(struct buf *to, const char *text, struct err *err)
{
	return buf_append(to, view_str(text), err);
}

/* Up to `most` octets of a text in UTF-8, whole characters. */
static size_t
take(const char *text, size_t most)
{
	size_t len = strlen(text);

	if (len <= most)
		return len;
	while (most > 0 && ((unsigned char)text[most] & 0xc0) == 0x80)
		most--;
	return most;
}

/* In words of RFC 2047, whatever is in it: a line each. */
static bool
put_subject(struct buf *to, const char *subject, struct err *err)
{
	OWNED(own_memory) char *shown = printable_escape(subject);
	const char *at = shown != NULL ? shown : "";
	bool ok = put(to, "Subject:", err);

	while (ok && *at != '\0') {
		size_t len = take(at, WORD_OCTETS);
		OWNED(own_memory) char *word = base64_encode(view_of(at, len));

		ok = put(to, at == shown ? " =?UTF-8?B?" : "\r\n =?UTF-8?B?", err) &&
		     put(to, word, err) && put(to, "?=", err);
		at += len;
	}
	return ok && put(to, "\r\n", err);
}

static bool
put_addresses(struct buf *to, const struct mail *m, struct err *err)
{
	bool ok = put(to, "To: ", err);

	for (size_t i = 0; ok && i < m->to_count; i++)
		ok = put(to, i > 0 ? ",\r\n " : "", err) && put(to, m->to[i], err);
	return ok && put(to, "\r\n", err);
}

/* "Tue, 24 Nov 2026 05:22:34 +0000": that of HTTP with another end (RFC 5322 3.3). */
static bool
put_date(struct buf *to, int64_t when, struct err *err)
{
	char date[CLOCK_HTTP_LEN];
	size_t len;

	clock_http_format(when, date);
	len = strlen(date);
	if (len > 3)
		date[len - 3] = '\0';
	return put(to, "Date: ", err) && put(to, date, err) && put(to, "+0000\r\n", err);
}

/* Each line of the text by itself: what is between them is ours. */
static bool
put_body(struct buf *to, const char *text, struct err *err)
{
	OWNED(buf_free) struct buf shown = {0};
	OWNED(own_memory) char *lines = NULL;
	bool ok = true;

	for (const char *at = text; ok && *at != '\0';) {
		size_t len = strcspn(at, "\n");
		OWNED(own_memory) char *line = text_printf("%.*s", (int)len, at);
		OWNED(own_memory) char *escaped = printable_escape(line);

		ok = put(&shown, escaped != NULL ? escaped : "?", err) && put(&shown, "\r\n", err);
		at += len + (at[len] == '\n' ? 1 : 0);
	}
	lines = base64_encode_lines(buf_view(&shown));
	for (const char *at = lines; ok && *at != '\0';) {
		size_t len = strcspn(at, "\n");

		ok = buf_append(to, view_of(at, len), err) && put(to, "\r\n", err);
		at += len + (at[len] == '\n' ? 1 : 0);
	}
	return ok;
}

static bool
check_addresses(const struct mail *m, struct err *err)
{
	const char *bad = mail_address_is_good(m->from) ? NULL : m->from;

	for (size_t i = 0; i < m->to_count; i++)
		if (!mail_address_is_good(m->to[i]))
			bad = m->to[i];
	if (bad == NULL && m->to_count > 0)
		return true;
	return err_set(err, E_INVALIDARG, "'%s' is no address of mail", bad != NULL ? bad : "");
}

bool
mail_message(const struct mail *m, struct buf *out, struct err *err)
{
	const char *domain;

	*out = (struct buf){0};
	if (!check_addresses(m, err))
		return false;
	domain = strchr(m->from, '@');
	return put(out, "From: ", err) && put(out, m->from, err) && put(out, "\r\n", err) &&
	       put_addresses(out, m, err) && put_date(out, m->when, err) &&
	       put(out, "Message-ID: <", err) && put(out, m->id, err) && put(out, domain, err) &&
	       put(out, ">\r\n", err) && put_subject(out, m->subject, err) &&
	       put(out,
		   "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
		   "Content-Transfer-Encoding: base64\r\nAuto-Submitted: auto-generated\r\n\r\n",
		   err) &&
	       put_body(out, m->text, err);
}

bool
mail_budget_take(struct mail_budget *b, int64_t now_ms, struct err *err)
{
	if (b->sent == 0 || now_ms - b->hour_ms >= 3600000)
		*b = (struct mail_budget){.hour_ms = now_ms};
	if (b->sent == MAILS_AN_HOUR)
		return err_set(
		    err, DIRCA_E_QUOTA, "%d mails were sent within an hour", MAILS_AN_HOUR);
	b->sent++;
	return true;
}
