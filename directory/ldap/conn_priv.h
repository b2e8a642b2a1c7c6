/*
 * Inside of a connection, for the files of this folder that speak LDAP. Not for other folders.
 */
#ifndef LDAP_CONN_PRIV_H
#define LDAP_CONN_PRIV_H

#include <ldap.h>

#include "conn.h"

#define DIR_TIMEOUT_MS_DEFAULT 10000
#define DIR_SIZE_LIMIT_DEFAULT 10000
#define DIR_PAGE_SIZE          500

#define DIR_CAPABILITY_AD        "1.2.840.113556.1.4.800"
#define DIR_CONTROL_NOTIFICATION "1.2.840.113556.1.4.528"

struct dir_conn {
	LDAP *ld;
	const struct dir_config *config;
	char *uri;
	int ca_file;       /* what TLS is verified against; -1: none */
	bool is_protected; /* TLS or a local socket: nobody between reads or changes what is sent */
	struct ldap_conncb callbacks;
	int64_t deadline_ms;    /* of connecting and the TLS handshake; 0: over */
	Sockbuf_IO_Desc *below; /* the layer of conn_limit.c; NULL: not yet */
	bool holds;             /* what is written goes into `held` */
	struct buf held;
	bool is_connected;        /* the network is not at fault */
	bool broken;              /* sticky */
	bool has_answered;        /* dir_connect succeeded */
	size_t uri_at, uri_count; /* which of the configuration's URIs */
	char *config_nc;
	char *default_nc;
	char *vendor;
	char *sasl_mechs;
	char *references; /* blanks between; NULL: none */
	struct dir_root root;
	struct dir_ahead *ahead; /* ahead.c; NULL: nothing yet */
	size_t waits;
	void *kept; /* of the room above (dir_conn_keep) */
	void (*clear_kept)(void *);
};

/* Connects to one URI and secures it; no bind. On failure *out is NULL. */
bool dir_conn_open(
    const struct dir_config *config, const char *uri, struct dir_conn **out, struct err *err);
/* Limits what follows in time, until deadline_ms is set to 0 (conn_limit.c). */
bool dir_conn_limit(struct dir_conn *c);
/* What is sent from here on leaves in one piece, at dir_conn_let_go; where that fails the
 * connection is broken (conn_limit.c). */
void dir_conn_hold(struct dir_conn *c);
void dir_conn_let_go(struct dir_conn *c);
/* Authenticates as `config` says (conn_bind.c). DIRCA_E_AUTHENTICATION if the directory refuses the
 * credentials. */
bool dir_conn_bind(struct dir_conn *c, const struct dir_config *config, struct err *err);
/* Reads the rootDSE into c->root (probe.c). */
bool dir_probe(struct dir_conn *c, struct err *err);
/* True if nothing waits to be read: a server that closed an idle connection has left an end-of-file
 * there. */
bool dir_conn_is_quiet(const struct dir_conn *c);
void dir_conn_timeout(const struct dir_config *config, struct timeval *out);

/* False once another server is preferred: what was learned there may not be here yet. */
bool dir_conn_is_preferred(const struct dir_conn *c);
/* The connection is gone: the next one begins with another URI. */
void dir_conn_break(struct dir_conn *c);
/* Turns a libldap result into code and sentence: "<what> at <uri>: <result> (<server's own
 * words>)"; marks the connection as broken where it is. Returns false. */
bool dir_conn_fail(struct dir_conn *c, int rc, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static inline int
dir_search_scope(enum dir_scope scope)
{
	switch (scope) {
	case DIR_ONE:
		return LDAP_SCOPE_ONELEVEL;
	case DIR_SUBTREE:
		return LDAP_SCOPE_SUBTREE;
	case DIR_BASE:
		break;
	}
	return LDAP_SCOPE_BASE;
}

/* ---- ahead.c ---- */

/* The answer to a question that was sent ahead: its result in *rc_out, and in *out (ldap_msgfree)
 * the message, NULL if none came. False: it was not foreseen. */
bool dir_ahead_ask(struct dir_conn *c, const struct dir_query *q, LDAPMessage **out, int *rc_out);
/* That answer is of no use: the question is asked again by itself, and so are those behind it. */
void dir_ahead_refuse(struct dir_conn *c);
void dir_ahead_free(struct dir_conn *c);

/* What a person can do something about, where a server could not be reached; NULL: no more is
 * known. free(). */
char *dir_conn_why_not(const char *uri);

#endif
