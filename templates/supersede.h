/*
 * Which template replaces which (msPKI-Supersede-Templates, [MS-CRTD] 2.21): for clients, that ask
 * for the newest one they may have, and for lint. Pure. A superseded template is still issued where
 * a CA lists it; a certificate of it may be renewed for the superseding one.
 */
#ifndef TEMPLATES_SUPERSEDE_H
#define TEMPLATES_SUPERSEDE_H

#include "tmpl.h"

/* The template that supersedes `cn` directly and is itself not superseded by another one of those
 * that do; the first in the list among equals. NULL: none, or `cn` is in a cycle with all of them.
 */
const struct tmpl *tmpl_superseding(const struct tmpl *list, size_t count, const char *cn);

enum tmpl_supersede_fault {
	TMPL_SUPERSEDE_UNKNOWN, /* no template of that name */
	TMPL_SUPERSEDE_SELF,    /* its own name */
	TMPL_SUPERSEDE_CYCLE    /* the named one supersedes it, directly or by others */
};

struct tmpl_supersede_finding {
	const struct tmpl *tmpl;
	const char *named; /* the value of its msPKI-Supersede-Templates */
	enum tmpl_supersede_fault fault;
};

/* Every value that names nothing or leads back. free() the list, which borrows from the templates.
 */
bool tmpl_supersede_faults(const struct tmpl *list, size_t count,
    struct tmpl_supersede_finding **out, size_t *count_out, struct err *err);

#endif
