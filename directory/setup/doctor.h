/*
 * An examination of a directory server: what it is, how this program will work with it, and what is
 * missing, each with the cure. What cannot be seen from outside is said to be so, never claimed.
 */
#ifndef SETUP_DOCTOR_H
#define SETUP_DOCTOR_H

#include "conn.h"

enum doctor_verdict { DOCTOR_GOOD, DOCTOR_NOTE, DOCTOR_MISSING };

struct doctor_finding {
	enum doctor_verdict verdict;
	const char *check; /* "tls", "containers" ...: for scripts */
	char *text;
	char *cure; /* with DOCTOR_MISSING only */
};

struct doctor_report {
	char *uri;
	bool connected; /* the following is known */
	char *vendor, *sasl_mechs, *config_nc, *default_nc;
	bool is_ad, has_sd_flags, has_paging, has_sync, has_notification, has_dirsync;
	const char *groups, *descriptors; /* names of the ways of working */
	const char *watching;             /* the one that really works; NULL: none */
	struct doctor_finding *findings;
	size_t count;
	size_t missing; /* how many are DOCTOR_MISSING */
};

/* Examines the one server `uri`, as the account of `config`. A server that cannot be used is a
 * finding. `tries`: the account is dircad's; elsewhere than in Active Directory, which tells, each
 * right that it needs is tried, and those that it should not have: an object is made in CDP and in
 * KRA and taken away again, and nothing else changes. */
void doctor_examine(
    const struct dir_config *config, const char *uri, bool tries, struct doctor_report *out);
/* "good", "note", "missing". */
const char *doctor_verdict_name(enum doctor_verdict v);
void doctor_report_free(struct doctor_report *r);

#endif
