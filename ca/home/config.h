/*
 * /etc/dirca/dircad.conf: what is needed before the database opens. "name = value" lines, '#'
 * comments, unknown names refused with their line number. A name is that of the field below; lists
 * (listen, http_listen, crl_hosts, peers, kerberos_realm) take one line an entry; flags are yes or
 * no; dir_auth is anonymous, simple, external, gssapi or scram; log_level is error, warn, info or
 * debug; channel_binding is off, officers or all; archive_floor is pkcs1, oaep or gcm; ca_type is
 * enterprise or standalone; crl_http is no, yes or local. ca_name and host are required, and
 * dir_uris of an enterprise CA; options of the other type are refused. The table of names is in
 * config.c; dircad.conf(5) is checked against it. Immutable after loading.
 */
#ifndef HOME_CONFIG_H
#define HOME_CONFIG_H

#include "cms.h"
#include "conn.h"

#define CONFIG_LIST_MAX    16
#define CONFIG_WORKERS_MAX 31

/* Whose sign-ins must be bound to the TLS channel (RFC 5929). Officers: of acts of certificate
 * managers, CA administrators and auditors. */
enum config_binding { BINDING_OFF, BINDING_OFFICERS, BINDING_ALL };

/* Whether CRLs are had by HTTP, and from this machine and its links too. */
enum crl_http_from { CRL_HTTP_NO, CRL_HTTP_YES, CRL_HTTP_LOCAL };

struct config {
	char *ca_name;
	char *host;                    /* dNSHostName */
	bool standalone;               /* ca_type: there is no directory */
	char *state_dir;               /* ca.crt, vault/, kra/, dirca.db, tls.crt, tls.key */
	char *listen[CONFIG_LIST_MAX]; /* "127.0.0.1:8443", "[::1]:8443"; HTTPS */
	size_t listen_count;
	char *http_listen[CONFIG_LIST_MAX]; /* CRL and CA certificate only */
	size_t http_listen_count;
	char *metrics_listen; /* /metrics and /healthz only; NULL: they are not served */
	char *socket;         /* Unix socket; NULL: none */
	char *url; /* https://host:port that clients use; default from host and the first listen */
	char *http_url; /* http://host:port for AIA and CDP; NULL: none */
	/* Hosts where the CA was before: certificates of then name them for the CRL. */
	char *crl_hosts[CONFIG_LIST_MAX];
	size_t crl_host_count;
	char *peers[CONFIG_LIST_MAX]; /* "0 caadmin@nwtraders.com": uid and the principal it stands
					 for */
	size_t peer_count;
	/* Of a stand-alone CA, which no directory tells who has its rights: users, @groups */
	char *administrators[CONFIG_LIST_MAX]; /* default: root */
	size_t administrator_count;
	char *managers[CONFIG_LIST_MAX]; /* default: the administrators */
	size_t manager_count;
	char *auditors[CONFIG_LIST_MAX];
	size_t auditor_count;
	/* directory */
	char *dir_uris, *dir_bind_dn, *dir_authcid, *dir_tls_ca, *dir_mech;
	enum dir_auth dir_auth;
	char *dir_password_file;
	char *dir_keytab;           /* of dir_auth = gssapi; NULL: the credential cache */
	struct secret dir_password; /* config_read_password */
	bool dir_starttls, dir_allow_plain;
	int dir_timeout_ms;
	int refresh_s; /* polling for changes, where the directory does not tell; default 1 */
	/* authentication */
	bool auth_negotiate;         /* default yes */
	bool auth_certificate;       /* TLS client certificates of this CA; default yes */
	bool auth_scram, auth_basic; /* default yes without a keytab, no with one */
	int auth_failures;           /* of an account from an address before there is a wait; 5 */
	int auth_address_failures;   /* of an address; 50 */
	int auth_delay_max_s;        /* longest wait; 900 */
	char *keytab;                /* HTTP/host; NULL: Kerberos' default */
	/* "EXAMPLE.ORG nwtraders.com": Kerberos realm, and domain whose accounts its principals are
	 */
	char *realms[CONFIG_LIST_MAX];
	size_t realm_count;
	char *realm;                         /* shown in challenges */
	enum config_binding channel_binding; /* who must bind a sign-in to the TLS channel; default
						officers */
	int auth_max_age_s;                  /* of a connection's sign-in; default 300 */
	/* service */
	int workers;                   /* requests at work at once; default 8 */
	int64_t max_request;           /* bytes; default 262144 */
	char *est_template;            /* of PKCS#10 requests that name none; NULL: refused */
	int max_connections;           /* default 1024 */
	int max_connections_of_source; /* an address or local user; default 128 */
	int idle_timeout_s;            /* default 30 */
	bool to_syslog;
	int log_level;           /* enum log_level */
	char *user, *vault_user; /* NULL: unchanged */
	char *passphrase_file;   /* CA key */
	char *backup_recipients; /* certificates to which a copy of the CA is encrypted (PEM) */
	bool sandbox;            /* default yes */
	bool allow_sha1;         /* read old clients; default no */
	int64_t low_space_mb;    /* below it new requests are refused; default 256; 0: never */
	bool allow_own_requests; /* certificate managers may decide about themselves; default no */
	bool role_separation;    /* who holds two roles of the CA has none of them; default no */
	/* Whom events are told to. Root's: a program is run, and a password sent */
	char *event_hook, *event_hook_on;                     /* which; NULL: every event */
	char *event_mail_to[CONFIG_LIST_MAX], *event_mail_on; /* NULL: those of no request */
	size_t event_mail_count;
	char *pending_mail_to[CONFIG_LIST_MAX]; /* that a request waits */
	size_t pending_mail_count;
	bool requester_mail; /* what was decided about a request that waited; default no */
	char *mail_server, *mail_from; /* smtp://host:port or smtps://host:port */
	char *mail_user, *mail_password_file, *mail_tls_ca;
	bool mail_allow_plain;       /* without TLS; default no */
	struct secret mail_password; /* config_read_password */
	/* Object identifiers of extensions that certificate managers may set; default none */
	char *officer_extensions[CONFIG_LIST_MAX];
	size_t officer_extension_count;
	/* What binds the CA's administrators too; the vault holds to it */
	char *sign_kinds;              /* as it is written; default "kra", stand-alone none */
	unsigned kinds;                /* the same as SIGN_KIND_* */
	int kra_minimum;               /* recipients of an archived key, at least; default 1 */
	int64_t kra_flags;             /* KRAF_*; default none */
	bool allow_same_holder;        /* as two of those recipients; default no */
	bool allow_3des;               /* as the cipher of archived keys; default no */
	int archive_key_bits;          /* of AES there, at least; default 128 */
	enum crl_http_from crl_http;   /* CRLs by HTTP; default CRL_HTTP_YES */
	enum cms_reader archive_floor; /* of each agent's reader; default OAEP */
	bool archive_pkcs8;            /* taken from clients too; default no */
	/* Private keys that could not be archived: of one requester within archive_suspend_s, who
	 * is then refused for as long; and under one exchange key, which is then retired. Default
	 * 30, 1000, 3600. */
	int archive_failures_requester, archive_failures_key, archive_suspend_s;
	char *exchange_key_uri;     /* of a token's key, for exchange certificates; NULL: none */
	bool exchange_key_fallback; /* keys in software where it cannot be used; default yes */
};

bool config_load(const char *path, struct config **out, struct err *err);
/* Reads dir_password_file and mail_password_file, if they are named. Only who talks to the
 * directory calls it: the vault and the supervisor never hold the passwords. */
bool config_read_password(struct config *c, struct err *err);
/* Are there the users that front and vault are to run as? DIRCA_E_CONFIG with the cure. */
bool config_check_users(const struct config *c, struct err *err);
void config_free(struct config **c);
/* Fills what dir_connect wants; borrowed from `c`. DIRCA_E_STANDALONE: this CA has no directory. */
bool config_directory(const struct config *c, struct dir_config *out, struct err *err);
/* "<state_dir>/name"; free(). */
char *config_path(const struct config *c, const char *name);

#endif
