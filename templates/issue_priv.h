/*
 * The issue decision, shared by issue.c (everything else) and issue_names.c (subject, alternative
 * names, SID).
 */
#ifndef TEMPLATES_ISSUE_PRIV_H
#define TEMPLATES_ISSUE_PRIV_H

#include "issue.h"

/* [MS-WCCE] 3.2.2.6.2.1.4.5.9. */
bool issue_plan_names(const struct tmpl *t, const struct principal *requester,
    const struct issue_request *r, struct issue_plan *p, struct err *err);

#endif
