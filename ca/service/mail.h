/*
 * Mail about events: the message as it is sent (RFC 5322, 2045, 2047), and its way to the server
 * (SMTP by libcurl). What is told holds names that strangers chose: none of them gets into a header
 * as it is.
 */
#ifndef SERVICE_MAIL_H
#define SERVICE_MAIL_H

#include "config.h"

/* local@domain of letters, digits and a few marks, 254 octets at most: nothing that a header or a
 * command of SMTP could take otherwise. */
bool mail_address_is_good(const char *address);

struct mail {
	const char *from;
	const char *const *to;
	size_t to_count;
	const char *subject, *text; /* UTF-8, or not: what cannot be shown is escaped */
	int64_t when;
	const char *id; /* of the message, before the '@' */
};
/* Lines end with CR LF, are ASCII and have 78 characters at most, but for one long address.
 * E_INVALIDARG: an address is none. */
bool mail_message(const struct mail *m, struct buf *out, struct err *err);

/* Whoever may make requests could fill a mailbox: so many mails are sent in an hour that begins
 * with the first of them. DIRCA_E_QUOTA. */
#define MAILS_AN_HOUR 200
struct mail_budget {
	int64_t hour_ms; /* when the hour began (clock_boot_ms) */
	int sent;        /* in it */
};
bool mail_budget_take(struct mail_budget *b, int64_t now_ms, struct err *err);

/* Hands the message to mail_server, within `limit_ms` or until `is_over` says so. With TLS, and the
 * server's certificate verified, unless mail_allow_plain says otherwise. DIRCA_E_CONFIG: it will
 * not do later either; DIRCA_E_NETWORK. */
typedef bool mail_is_over(void *arg);
bool mail_send(const struct config *config, const struct mail *m, int64_t limit_ms,
    mail_is_over *is_over, void *arg, struct err *err);

#endif
