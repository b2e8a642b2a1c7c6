/*
 * Lint, shared by its engine (lint.c), its rules (lint_templates.c, lint_objects.c) and the
 * question who holds a right (lint_rights.c).
 */
#ifndef TEMPLATES_LINT_PRIV_H
#define TEMPLATES_LINT_PRIV_H

#include "lint.h"
#include "tmpl.h"

struct lint_template {
	struct tmpl t;
	struct sids enrollers; /* untrusted trustees who may enroll */
	bool enabled;          /* some CA issues it */
};

struct lint {
	const struct lint_input *in;
	const struct lint_rule *rule; /* that runs */
	struct lint_template *templates;
	size_t count;
	struct lint_findings *out;
};

/* Adds a finding of the rule that runs; trustees may be NULL. */
bool lint_find(struct lint *l, enum lint_level level, const char *object,
    const struct sids *trustees, struct err *err, const char *fmt, ...)
    __attribute__((format(printf, 6, 7)));

typedef bool lint_check(struct lint *l, struct err *err);
/* About templates. */
lint_check lint_unseen, lint_esc1, lint_esc2, lint_esc3, lint_esc4, lint_esc9, lint_esc13,
    lint_esc15, lint_server_names;
lint_check lint_archival_writers, lint_kra_templates, lint_kra_autoenroll;
lint_check lint_refused, lint_supersede;
/* About other objects. */
lint_check lint_esc5, lint_esc7, lint_esc8, lint_esc14;
lint_check lint_kra_container, lint_officer_rights, lint_officer_and_kra, lint_kra_expiry;
lint_check lint_kra_unfit, lint_kra_twice;

/* Entries right below "<rdn>,CN=Public Key Services...", or that entry itself. */
bool lint_is_in(const struct lint *l, const struct dir_entry *e, const char *rdn);

/* ---- Who holds a right ---- */

/* Trustees that hold one of the rights below (sd_effective.h) and are not trusted; without a DACL
 * Everyone. */
enum lint_right {
	LINT_ENROLL = 1,
	LINT_CONTROL = 2, /* WRITE_DAC, WRITE_OWNER; the owner */
	LINT_WRITE = 4,   /* WRITE_PROPERTY of any attribute */
	LINT_CREATE = 8,  /* CREATE_CHILD of any class */
	LINT_DELETE = 16,
	LINT_AUTOENROLL = 32
};
bool lint_holders(
    const struct lint *l, const struct sd *sd, unsigned rights, struct sids *out, struct err *err);
/* WRITE_PROPERTY of this attribute (schemaIDGUID) or of everything. */
bool lint_writers_of(const struct lint *l, const struct sd *sd, const uint8_t attribute[GUID_LEN],
    struct sids *out, struct err *err);
/* Administrators, domain controllers, the system, and those of the input. */
bool lint_is_trusted(const struct lint *l, const struct sid *sid);
/* Everyone, Authenticated Users, Anonymous, Users, Domain Users, Computers, Guests. */
bool lint_is_broad(const struct sid *sid);

#endif
