/*
 * Certificate manager restrictions: the OfficerRights security descriptor of [MS-CSRA] 2.2.1.11,
 * kept in dircaOfficerRights. Pure.
 */
#ifndef SECURITY_OFFICER_H
#define SECURITY_OFFICER_H

#include "sd.h"

/* One restriction: this officer (or group of officers) may (or may not) act for these requesters
 * and this template. */
struct officer_rule {
	bool deny;
	struct sid officer;
	struct sids requesters;
	char *template_cn; /* NULL: all templates */
};

/* That nobody is restricted is said by a value too, a descriptor with a NULL DACL: an attribute
 * that is absent could as well be one that an access list of the directory hides. */
struct officer_rules {
	bool unrestricted; /* then there are no rules */
	struct officer_rule *list;
	size_t count;
};

/* ACEs other than callback allow/deny, a mask other than 0x00010000 or malformed application data
 * fail: fail closed. */
bool officer_rules_decode(const struct sd *sd, struct officer_rules *out, struct err *err);
bool officer_rules_encode(
    const struct officer_rules *rules, struct buf *out, struct err *err); /* self-relative SD */
void officer_rules_free(struct officer_rules *rules);

/* Deny first, then allow, else no. `requester` NULL: the requester's groups could not be read; then
 * only "everyone" rules count for allow and every deny rule of the officer counts: fails closed.
 * `template_cn` and the rule's are compared without case. rule_out (may be NULL): index that
 * decided or -1. */
bool officer_may(const struct officer_rules *rules, const struct sids *officer,
    const struct sids *requester, const char *template_cn, int *rule_out);

#endif
