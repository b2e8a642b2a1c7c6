/*
 * What a client does by itself with a template: enroll by it, renew what it has, or nothing. The CA
 * decides in any case. Pure.
 */
#ifndef TEMPLATES_AUTO_ENROLL_H
#define TEMPLATES_AUTO_ENROLL_H

#include "tmpl.h"

/* NULL: the template lets the caller, and asks for nothing that only people can give. Else why not,
 * in words. `with_kra`: templates of key recovery agents too, whose certificates people decide
 * about (paper, "Enrolling a User with a KRA Certificate"). */
const char *tmpl_auto_refusal(const struct tmpl *t, const struct sids *sids, bool with_kra);

/* The certificate of a template that the client has. */
struct tmpl_held {
	int64_t not_before, not_after;
	bool has_version; /* of the template, in the certificate */
	int64_t major;
};
enum tmpl_auto { TMPL_AUTO_NOTHING, TMPL_AUTO_ENROLL, TMPL_AUTO_RENEW };
/* `held` NULL: none. A certificate is renewed in the template's renewal period (at most the
 * second half of its life), or when the template's major version is newer; one that has ended
 * cannot be, and another takes its place. */
enum tmpl_auto tmpl_auto_act(const struct tmpl *t, const struct tmpl_held *held, int64_t now);

#endif
