/*
 * What the files of the examination share. Inside of this folder only.
 */
#ifndef SETUP_DOCTOR_PRIV_H
#define SETUP_DOCTOR_PRIV_H

#include "doctor.h"
#include "pki.h"

struct exam {
	const struct dir_config *config; /* of the one server */
	struct dir_conn *c;
	struct pki_snapshot *pki; /* NULL until the tree was read */
	struct doctor_report *report;
	bool tries;
};

/* Notes a finding; `text` is taken over, `cure` (may be NULL) copied. True, so that a check ends by
 * it. */
bool doctor_note(
    struct exam *x, enum doctor_verdict verdict, const char *check, char *text, const char *cure);

/* Why TLS with a server does not verify, found out by a handshake that does not verify and sends
 * nothing: malloc'ed. NULL if the certificate is not at fault, or cannot be seen. */
char *doctor_tls_fault(const struct dir_config *config, const char *uri);

/* The checks, in their order (doctor.c, doctor_checks.c). */
bool doctor_schema(struct exam *x, struct err *err);
bool doctor_containers(struct exam *x, struct err *err);
bool doctor_templates(struct exam *x, struct err *err);
bool doctor_services(struct exam *x, struct err *err);
bool doctor_groups(struct exam *x, struct err *err);

/* ---- What is tried (doctor_rights.c) ---- */

bool doctor_rights(struct exam *x, struct err *err);
/* How this account gets the rights that it lacks: as dircad's (`tries`), by a command. free(). */
char *doctor_rights_cure(struct exam *x);

/* "a, b, c" */
void doctor_add_name(char **list, const char *name);
bool doctor_people(struct exam *x, struct err *err);

#endif
