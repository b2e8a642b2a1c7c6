/*
 * The command line: one table of verbs (verbs.h), one table of options, one file a verb. A verb
 * parses nothing and opens nothing: it gets struct work (work.h) with its options read, its
 * arguments counted and what it needs open, calls one or two functions of the rooms below, prints
 * what they gave and says why they failed. stdout carries results, stderr
 * diagnostics. Exit codes: 0 done, 1 failed, 2 usage, 3 not found or ambiguous, 4 a check that ran
 * has found something, 5 somebody did not answer and there may be more.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdio.h>

#include "buf.h"

enum cli_exit {
	CLI_OK = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_NOT_FOUND = 3,
	CLI_FINDINGS = 4,
	CLI_INCOMPLETE = 5
};

#define CLI_LIST_MAX 32

struct cli_list {
	const char *list[CLI_LIST_MAX];
	size_t count;
};

/* Every option of every verb; which verb takes which is in the verb's groups. */
struct cli_options {
	/* OPTS_SESSION */
	const char *client_config, *uri, *mech, *user, *bind_dn, *password_file, *tls_ca, *ca,
	    *socket, *client_certificate, *client_key, *client_password_file;
	bool starttls, ask_password;
	/* OPTS_JSON, OPTS_SAID */
	bool json, said;
	bool delta;
	/* OPTS_DAEMON */
	const char *daemon_config;
	/* OPTS_INIT */
	const char *subject, *key, *passphrase_file, *install, *chain, *import_pfx,
	    *pfx_password_file;
	int64_t years, crl_number;
	struct cli_list crls;
	bool subordinate;
	/* OPTS_RENEW */
	bool new_key;
	/* OPTS_PUBLISH */
	struct cli_list admins, officers, auditors, templates;
	/* OPTS_ENROLL */
	const char *renew, *renew_password_file, *agent, *agent_password_file, *on_behalf_of;
	bool same_key, automatic, with_kra;
	bool bound; /* OPTS_NEW */
	bool der;   /* OPTS_KEY */
	const char *out, *out_password_file, *key_file;
	struct cli_list dns;
	/* OPTS_RECOVER, and with OPTS_KEYS_OUT and OPTS_FORMAT */
	struct cli_list kra, kra_password_files, trusted_cas;
	const char *kra_certificate, *content_password_file, *format, *receipt, *sheet;
	const char *share, *to;
	struct cli_list combine;
	bool plain, legacy;
	bool accept_unsigned_chain, accept_sha1;
	bool force;
	/* OPTS_KEYS_IN, OPTS_KEYS_OUT, OPTS_FORMAT, OPTS_KEY_STORE */
	struct cli_list password_files;
	const char *folder, *nss, *token, *store_password_file;
	bool user_store;
	/* OPTS_LIST and OPTS_DECIDE */
	const char *disposition, *reason;
	/* OPTS_TABLE; `where` is of OPTS_MANY, too */
	const char *columns;
	struct cli_list where;
	bool csv;
	int64_t limit; /* 0: the verb's own */
	/* OPTS_PAGES, and OPTS_BATCHES, whose pages begin behind a name */
	int64_t after; /* 0: from the first */
	const char *after_batch;
	bool all;
	/* OPTS_AUDIT */
	const char *event, *actor, *object, *request, *keys_of;
	bool cef;
	/* OPTS_EVENTS (and request) */
	const char *number, *level, *since;
	/* OPTS_SEARCH (and since, template) */
	bool include_revoked, script;
	int64_t timeout;
	/* OPTS_HEAD */
	const char *head;
	/* OPTS_ADCS (and columns) */
	const char *dates;
	/* OPTS_LIST */
	const char *sort;
	bool descending;
	/* OPTS_MANY (and where, yes) */
	bool from_stdin;
	/* OPTS_EXPIRING */
	const char *within, *template;
	/* OPTS_DUMP */
	const char *type, *private_key;
	struct cli_list key_password_files;
	bool asn1;
	/* OPTS_EXTENSION */
	const char *file, *string, *number_value, *date;
	bool critical, remove;
	/* OPTS_CASE (and reason), OPTS_CASES, OPTS_BY_CASE */
	const char *ticket, *note, *state, *owner, *opened_by, *serial, *case_id;
	/* OPTS_RULE */
	struct cli_list requesters;
	/* OPTS_DRY, OPTS_RESTRICT, OPTS_RIGHTS and OPTS_GRANT */
	bool dry_run, off, deny;
	/* OPTS_LINT */
	struct cli_list trusted;
	/* OPTS_SDDL */
	const char *sddl;
	/* OPTS_RESTORE */
	const char *recipient, *recipient_password_file;
	/* OPTS_YES and OPTS_MANY */
	bool yes;
	/* OPTS_UNPUBLISH */
	bool everything;
	/* OPTS_KRA_ADD */
	bool no_enable;
	/* OPTS_COVERAGE */
	struct cli_list without;
	bool list_keys;
	/* OPTS_REWRAP, OPTS_DRILL (and kra, share, combine, force) */
	struct cli_list to_agents;
	/* OPTS_BATCH, OPTS_SAMPLE */
	struct cli_list with_agents;
	/* OPTS_SAMPLE */
	int64_t sample;
	const char *batch;
	/* OPTS_READER */
	const char *reader;
	int64_t threshold; /* OPTS_COUNT; 0: as it was */
	/* OPTS_FOUND */
	bool candidates;
	/* OPTS_MACHINE (and key, yes) */
	const char *ca_name, *host, *listen, *http_listen, *http_keytab, *state_dir, *service_uri,
	    *service_dn, *service_user, *service_password_file, *service_keytab;
	bool standalone, prepare;
	/* OPTS_SETUP */
	const char *ldif;
	bool with_templates;
	/* OPTS_APPLY */
	bool apply;
	/* OPTS_ADOPT */
	const char *base, *ldap_filter, *upn;
	bool from_ids;
	/* OPTS_TRANSFER, OPTS_IMPORT (and out, force) */
	bool with_rights, new_oid;
	const char *name;
	/* OPTS_ESCROW (and force, out) */
	struct cli_list source_passwords, openers, certificates;
	const char *password_list, *opener_password_file;
	/* OPTS_EXPORTKMS (and out, recipient) */
	const char *thumbprint, *signer, *signer_password_file, *users, *group;
	int64_t per_file;
	/* OPTS_BRING */
	bool replace;
	int64_t connections; /* 0: the verb's own number */
	/* OPTS_DAYS */
	int64_t days;
	/* everywhere */
	bool help, verbose, utc;
};

/* A group of options that belong together. Which groups a verb takes, and of which groups an option
 * is, is a list: OPTS(OPTS_SESSION, OPTS_JSON). */
enum cli_opts {
	OPTS_END, /* of a list */
	OPTS_ALL,
	OPTS_SESSION,
	OPTS_JSON,
	OPTS_SAID, /* --json of verbs that have no members of their own (said.h) */
	OPTS_DAEMON,
	OPTS_INIT,
	OPTS_PUBLISH,
	OPTS_ENROLL,
	OPTS_RECOVER,
	OPTS_TABLE, /* every list: which columns, which rows, in which form (listing.h) */
	OPTS_PAGES, /* and those that the CA gives in pages */
	OPTS_LIST,
	OPTS_DECIDE,
	OPTS_DUMP,
	OPTS_OUT,
	OPTS_KEY,
	OPTS_YES,
	OPTS_EXPIRING,
	OPTS_LINT,
	OPTS_UNPUBLISH,
	OPTS_RULE,
	OPTS_SDDL, /* sd show, sd check */
	OPTS_DRY,
	OPTS_RESTRICT,
	OPTS_RIGHTS,
	OPTS_SETUP,
	OPTS_ADOPT,
	OPTS_APPLY,
	OPTS_GRANT,
	OPTS_TRANSFER,
	OPTS_IMPORT,
	OPTS_FIELDS, /* takes field=value: help explains the fields */
	OPTS_AUDIT,
	OPTS_EXPORT,
	OPTS_HEAD,
	OPTS_REVOKE,
	OPTS_MANY, /* requests: several at once */
	OPTS_EVENTS,
	OPTS_COPY, /* of a CA: whose it is */
	OPTS_RESTORE,
	OPTS_CRL,
	OPTS_KRA_ADD,
	OPTS_RENEW,
	OPTS_INSTALL,
	OPTS_FLAGS, /* -NAME in capitals is an argument: a flag to take away */
	OPTS_FOUND, /* kra list */
	OPTS_READER,
	OPTS_ADCS,
	OPTS_EXTENSION, /* of a certificate: its value */
	OPTS_SUBMIT,
	OPTS_REQUEST, /* new, accept */
	OPTS_NEW,
	OPTS_ACCEPT,
	OPTS_KEYS_IN,
	OPTS_KEYS_OUT,
	OPTS_FORMAT,
	OPTS_KEY_STORE,
	OPTS_CASE,  /* case open */
	OPTS_CASES, /* case list */
	OPTS_BY_CASE,
	OPTS_IMPORTPFX,
	OPTS_ESCROW, /* files with private keys, and what opens them */
	OPTS_BRING,  /* importkms */
	OPTS_DAYS,
	OPTS_CERT, /* writes a certificate */
	OPTS_VERIFY,
	OPTS_EXPORTKMS,
	OPTS_SEARCH, /* getkey */
	OPTS_COVERAGE,
	OPTS_PART,  /* archive verify: of all */
	OPTS_COUNT, /* kra count */
	OPTS_REWRAP,
	OPTS_BATCH,   /* archive export */
	OPTS_BATCHES, /* archive list */
	OPTS_SAMPLE,  /* archive drill new */
	OPTS_DRILL,   /* archive drill run */
	OPTS_MACHINE, /* setup */
};
#define OPTS(...) ((const enum cli_opts[]){__VA_ARGS__, OPTS_END})

struct paper;
struct cli {
	const struct paper *paper; /* the line was in the paper's spelling (paper.h); NULL: not */
	const struct verb *verbs;  /* all there are: only main knows them by name */
	size_t verb_count;
	const struct verb *verb;
	struct cli_options opt;
	char **args;
	int count;
};

/* What is open when a verb is called. */
enum cli_needs {
	NEEDS_NOTHING,
	NEEDS_CONFIG,    /* dircad's configuration */
	NEEDS_SESSION,   /* who calls: settings, password */
	NEEDS_DIRECTORY, /* and a connection to the directory */
	NEEDS_PKI,       /* and what lies under CN=Public Key Services */
	NEEDS_CA,        /* a session, and HTTP to the one CA that is meant */
};

struct work;
/* False: failed, *err says why. */
typedef bool verb_function(struct work *work, struct err *err);

struct verb {
	const char *name, *arguments, *summary, *group, *who;
	int least, most;
	const enum cli_opts *options; /* groups of them, beside OPTS_ALL */
	enum cli_needs needs;
	verb_function *run;
};

extern const struct verb verbs[];
extern const size_t verb_count;

/* Finds the verb among cli->verbs, reads options into cli; false after printing usage (status in
 * *exit_out). */
bool cli_parse(int argc, char **argv, struct cli *cli, enum cli_exit *exit_out);
/* Whether the verb takes this group. */
bool cli_takes(const struct verb *verb, enum cli_opts group);
void cli_print_usage(const struct verb *verb);
/* A line to type: the first example of the verb's manual page. */
const char *cli_example(const struct verb *verb);
/* The verb table, heading by heading; of a group only the verbs that begin with this word. */
void cli_print_verbs(const struct cli *cli, const char *group);

/* The fields of a template, one by one (template_fields.c). */
void template_print_fields(FILE *to);

/* "dirca: <sentence> (0x80094012 CERTSRV_E_TEMPLATE_DENIED)" on stderr, or as the paper shows it
 * where the line was in its spelling; the exit code that fits. */
enum cli_exit cli_fail(const struct cli *cli, const struct err *err);

/* Seconds of "30d": a number and h, d or w; DIRCA_E_USAGE. */
bool cli_period(const char *text, int64_t *seconds_out, struct err *err);

/* A password: the first line of a file ("file:" may stand before its name), the next one of a
 * descriptor ("fd:3"), one of the kernel's keyring ("keyring:dirca"), or, where NULL is given,
 * asked at the terminal (twice if `confirm`); no terminal is an error, as is an empty one. */
bool cli_password(
    const char *from, const char *prompt, bool confirm, struct secret *out, struct err *err);
/* A warning on stderr where a file with a secret can be read by others. */
void cli_warn_if_shared(const char *path);
/* Lists come by pages of that length, the most that the CA gives at once. */
#define CLI_PAGE 1000
/* How much of a list that comes so is wanted: --all, --limit, or a page; and what says, where the
 * list is not at its end (`after` is not 0), how it goes on. */
int64_t cli_limit(const struct cli_options *opt);
/* `after`: of the next page; NULL: there is none. */
void cli_say_more(const char *after);
/* Yes at the terminal; else DIRCA_E_USAGE. */
bool cli_confirm(const char *question, struct err *err);

#endif
