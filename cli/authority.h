/*
 * What the verbs that edit rights of a CA share: the enrollment service object, names of trustees,
 * one write that fails if somebody else wrote meanwhile. All of it with the caller's own rights in
 * the directory; the CA records what it notices.
 */
#ifndef CLI_AUTHORITY_H
#define CLI_AUTHORITY_H

#include <jansson.h>

#include "ca_rights.h"
#include "officer.h"
#include "session.h"

struct authority {
	struct session *session; /* borrowed */
	const struct dir_entry *service;
	struct sd security; /* dircaCASecurity; the one of a CA without any if has_security is false
			     */
	bool has_security;
	struct view raw_security, raw_officers; /* as read; empty: absent */
};

bool authority_open(struct session *session, struct authority *out, struct err *err);
void authority_close(struct authority *a);
/* Writes one of the two attributes in the place of what was read; with --dry-run nothing. */
bool authority_write(
    struct authority *a, const char *attr, struct view old, struct view fresh, struct err *err);

/* CRYPT_E_NOT_FOUND if the directory has no such user or group. */
bool authority_trustee(struct authority *a, const char *name, struct sid *out, struct err *err);
/* {"name", "sid"} */
json_t *authority_json_sid(const struct authority *a, const struct sid *sid);

#endif
