/*
 * A connection to the directory: a list of URIs tried in order, TLS, SASL or simple bind, searches
 * with paging and time limits, and the few writes that publishing needs. The only rooms that see
 * <ldap.h> are this folder's .c files. One connection is used by one thread at a time; dir_pool
 * (pool.h) hands them out.
 */
#ifndef LDAP_CONN_H
#define LDAP_CONN_H

#include "dn.h"
#include "entry.h"

enum dir_auth {
	DIR_AUTH_ANONYMOUS,
	DIR_AUTH_SIMPLE,   /* bind_dn + password; only over TLS or ldapi:// unless allow_plain */
	DIR_AUTH_EXTERNAL, /* ldapi:// peer credentials or a TLS client certificate */
	DIR_AUTH_GSSAPI,
	DIR_AUTH_SCRAM /* SCRAM-SHA-256 or whatever `mech` names: authcid + password */
};

/* Borrowed by dir_connect for the life of the connection. */
struct dir_config {
	const char *uris;  /* blanks between; tried in order */
	size_t *preferred; /* where in `uris` to begin: the one that answered last, or after a
			      failure the next. Shared by all who use this configuration; atomic.
			      NULL: always the first */
	enum dir_auth auth;
	const char *mech; /* SASL mechanism for DIR_AUTH_SCRAM; NULL: SCRAM-SHA-256 */
	const char *bind_dn;
	const char *authcid;
	const char *client_keytab; /* DIR_AUTH_GSSAPI; NULL: the credential cache */
	const struct secret *password;
	const char *tls_ca_file; /* NULL: libldap's own configuration */
	bool starttls;
	bool bare;        /* CN=Configuration may be missing: it is taken to lie below the first
			     naming context (`dirca directory init`) */
	bool allow_plain; /* simple bind without TLS over ldap:// (tests only); default refuse */
	int timeout_ms;   /* network and operation; 0: 10000 */
};

struct dir_conn;

/* Connects, authenticates and reads the rootDSE. DIRCA_E_DIRECTORY_UNAVAILABLE names each URI with
 * its reason. The program ignores SIGPIPE: libldap writes to connections that the server may have
 * closed. */
bool dir_connect(const struct dir_config *config, struct dir_conn **out, struct err *err);
/* The same for somebody who calls: a server that refuses who he is has answered, and no other is
 * asked (DIRCA_E_AUTHENTICATION); what cannot be used as it is written is DIRCA_E_CONFIG. */
bool dir_sign_in(const struct dir_config *config, struct dir_conn **out, struct err *err);
void dir_disconnect(struct dir_conn **conn);
/* The certificate of a server whose TLS does not verify, by a handshake that does not verify it; no
 * bind, nothing is sent. False if TLS verifies, is not used, or cannot be. */
bool dir_conn_peer_certificate(
    const struct dir_config *config, const char *uri, struct buf *der_out);
/* Who the server says that this connection is (RFC 4532): the DN, or NULL if that is none. free().
 */
bool dir_whoami(struct dir_conn *c, char **dn_out, struct err *err);
/* The same as the server puts it (RFC 4513 5.2.1.8): "dn:" and a DN, "u:" and a name, "" for
 * nobody. free(). */
bool dir_authzid(struct dir_conn *c, char **out, struct err *err);
/* True once an operation failed because the connection is gone: reconnect and repeat. */
bool dir_conn_is_broken(const struct dir_conn *c);

/* Ways of working, chosen by what the server says it can do (probe.c), never by trying and hoping:
 * an AD-only filter on OpenLDAP answers "nothing" without an error (docs/FACTS.md 12). */
enum dir_groups { DIR_GROUPS_TOKEN, DIR_GROUPS_WALK };
enum dir_descriptors { DIR_DESCRIPTORS_CONTROL, DIR_DESCRIPTORS_PLAIN };
enum dir_watching { DIR_WATCHING_SYNCREPL, DIR_WATCHING_NOTIFICATION, DIR_WATCHING_POLLING };
/* Their names, for the log and for people: "tokenGroups" | "member walk",
 * "SD-flags control" | "plain attribute", "syncrepl refreshAndPersist" | "change notification" |
 * "polling". */
const char *dir_groups_name(enum dir_groups how);
const char *dir_descriptors_name(enum dir_descriptors how);
const char *dir_watching_name(enum dir_watching how);

/* What the rootDSE told, and what follows. Strings live as long as the connection. */
struct dir_root {
	const char *config_nc;  /* configurationNamingContext; on OpenLDAP the naming context whose
				   DN begins with CN=Configuration */
	const char *default_nc; /* defaultNamingContext; on OpenLDAP the naming context above
				   config_nc, else the first other one */
	const char *vendor;     /* "OpenLDAP", "Active Directory", vendorName and vendorVersion */
	const char *sasl_mechs; /* supportedSASLMechanisms, blanks between */
	bool is_ad;             /* supportedCapabilities 1.2.840.113556.1.4.800: AD or Samba */
	bool is_389;            /* 389 Directory Server, by its vendorName; FreeIPA too */
	bool has_sd_flags;      /* supportedControl 1.2.840.113556.1.4.801 */
	bool has_paging;        /* 1.2.840.113556.1.4.319 */
	bool has_sync;          /* 1.3.6.1.4.1.4203.1.9.1.1 (RFC 4533) */
	bool has_notification;  /* 1.2.840.113556.1.4.528 */
	bool has_dirsync;       /* 1.2.840.113556.1.4.841 */
	enum dir_groups groups;
	enum dir_descriptors descriptors;
	enum dir_watching watching; /* the best that the server offers; what is used may be less:
				       watch.h */
};
const struct dir_root *dir_conn_root(const struct dir_conn *c);
const char *dir_conn_uri(const struct dir_conn *c);
/* Where this domain controller has referred to, for what it holds not itself, with blanks between;
 * none is followed. NULL: nowhere. */
const char *dir_conn_references(const struct dir_conn *c);
/* TLS or a local socket: nobody between reads or changes what is sent. */
bool dir_conn_is_protected(const struct dir_conn *c);
/* As whom the connection reads, for a sentence. free(). */
char *dir_conn_reader(const struct dir_conn *c);
/* `size` octets, zero at first, that the room above keeps with the connection; at its end `clear`
 * (may be NULL) frees what they hold. One room only: principals/domains.h. */
void *dir_conn_keep(struct dir_conn *c, size_t size, void (*clear)(void *kept));
/* The same octets; NULL if none are kept yet. */
void *dir_conn_kept(const struct dir_conn *c);

/* The only member of dir_query.attrs that asks for no attribute (RFC 4511 4.5.1.8). */
#define DIR_NO_ATTRS "1.1"

enum dir_scope { DIR_BASE, DIR_ONE, DIR_SUBTREE };

struct dir_query {
	const char *base;
	enum dir_scope scope;
	const char *filter;       /* built by dir_filter() */
	const char *const *attrs; /* NULL-terminated; NULL: all user attributes */
	int size_limit;           /* 0: 10000; more matches are an error, never a silent cut */
	bool some;                /* the first size_limit of them, where there are more */
	bool now_and_then;        /* by the clock, not by what is asked: not foreseen (ahead.h) */
	bool want_sd; /* ask for nTSecurityDescriptor without SACL (SD-flags 7, only where
			 supported: docs/FACTS.md 13) */
};

/* Paged where supported. A base that does not exist gives zero entries. Of values that the server
 * gives in parts (range option) all are asked for. A server that refers to another one is an error
 * that names it; only those of domain controllers to other domains are kept beside
 * (dir_conn_references). */
bool dir_search(
    struct dir_conn *c, const struct dir_query *q, struct dir_entries *out, struct err *err);

/* The only way to build filters: %s is escaped by RFC 4515, %S takes a `const struct view *` and
 * escapes every byte, %% is a percent sign. NULL if there is another % in `fmt`. free(). */
char *dir_filter(const char *fmt, ...);
/* Writes. dir_add: ERROR_FILE_EXISTS if it exists. dir_replace with count 0 deletes the attribute.
 * dir_add_value of a value that is there succeeds, and so does dir_delete_value of one that is not.
 * An object that does not exist is ERROR_FILE_NOT_FOUND. Certificate attributes get `;binary` on
 * servers that demand it and not on AD and Samba. */
bool dir_add(struct dir_conn *c, const struct dir_entry *e, struct err *err);
bool dir_replace(struct dir_conn *c, const char *dn, const char *attr, const struct view *values,
    size_t count, struct err *err);
bool dir_add_value(
    struct dir_conn *c, const char *dn, const char *attr, struct view value, struct err *err);
bool dir_delete_value(
    struct dir_conn *c, const char *dn, const char *attr, struct view value, struct err *err);
bool dir_delete(struct dir_conn *c, const char *dn, struct err *err);
/* Whether this account may write the attribute of the entry: tried by taking a value away that is
 * not there, so that nothing changes. `absent` must be one that nobody has, and fit the syntax. */
bool dir_may_write(struct dir_conn *c, const char *dn, const char *attr, struct view absent,
    bool *may_out, struct err *err);
/* Puts `fresh` in the place of `old` in one modification; empty: the attribute is absent. Fails
 * with DIRCA_E_CHANGED if the attribute does not hold `old` any more. `add_class` (may be NULL) is
 * added to objectClass by the same modification; the object must lack it. */
bool dir_swap(struct dir_conn *c, const char *dn, const char *attr, struct view old,
    struct view fresh, const char *add_class, struct err *err);

/* Verifies a user's password by a bind on a connection of its own with the same URIs and TLS (HTTP
 * Basic). Empty passwords are refused before the directory is asked (an empty simple bind is
 * anonymous). DIRCA_E_AUTHENTICATION if the directory says no. */
bool dir_check_password(const struct dir_config *config, const char *dn,
    const struct secret *password, struct err *err);

#endif
