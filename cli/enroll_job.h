/* What `dirca enroll` works on, and the CAs that it asks. */
#ifndef CLI_ENROLL_JOB_H
#define CLI_ENROLL_JOB_H

#include "cli.h"
#include "client_enroll.h"
#include "session.h"
#include "work.h"

struct enroll_job {
	struct cli *cli;
	struct session *session;
	struct tmpl tmpl;
	EVP_PKEY *key;
	struct secret password; /* of the PKCS#12 and the kept key */
	struct client_signer renews, agent;
	char *out, *key_file;
	char *sent_file; /* client_request_path */
	char *sender;    /* who asks, as the directory names him; NULL: unknown */
};

/* What j->cli asks for, whose first argument is the template: key and request on disk, the CAs
 * asked, the PKCS#12 written. *service_out is the CA that issued it or keeps it waiting. */
bool enroll_do(struct enroll_job *j, const struct pki_service **service_out,
    struct client_enrolled *out, struct err *err);
void enroll_job_close(struct enroll_job *j);
/* Names of the files, of --out or the template; ERROR_FILE_EXISTS. */
/* Of --renew and --agent, if they are there; enroll_do does, too. */
bool enroll_read_signers(struct enroll_job *j, struct err *err);
bool enroll_set_paths(struct enroll_job *j, struct err *err);
bool enroll_write_pfx(const struct enroll_job *j, struct view certificate,
    struct view ca_certificate, struct err *err);
/* --auto: by every template that lets the caller. */
bool enroll_auto(struct work *w, struct err *err);
/* With a key that is on disk: first asks what became of what an earlier run sent, then the CAs that
 * issue the template, in random order, until one issues or keeps the request: true, and
 * *service_out is that one. A CA that is unable, or cannot archive, is passed over for the next; a
 * refusal is not. A request is on disk before it leaves. On failure key and request are kept where
 * a certificate may exist, and removed where none can. */
bool enroll_ask_cas(struct enroll_job *j, const struct pki_service **service_out,
    struct client_enrolled *out, struct err *err);
/* Removes both. */
void enroll_forget(const struct enroll_job *j);

#endif
