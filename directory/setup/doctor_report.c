/* What an examination notes. */
#include <stdlib.h>
#include <string.h>

#include "doctor_priv.h"

bool
doctor_note(struct exam *x, enum doctor_verdict verdict, const char *check, char *text,
    const char *cure, struct err *err)
{
	struct doctor_report *r = x->report;
	struct doctor_finding *grown = reallocarray(r->findings, r->count + 1, sizeof *grown), *f;

	if (grown != NULL)
		r->findings = grown;
	if (grown == NULL || text == NULL) {
		free(text);
		return err_nomem(err);
	}
	f = &grown[r->count++];
	*f = (struct doctor_finding){.verdict = verdict, .check = check, .text = text};
	if (verdict == DOCTOR_MISSING)
		r->missing++;
	return cure == NULL || (f->cure = strdup(cure)) != NULL || err_nomem(err);
}
