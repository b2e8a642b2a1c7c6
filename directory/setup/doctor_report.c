/* What an examination notes. */
#include "doctor_priv.h"
#include "mem.h"

bool
doctor_note(
    struct exam *x, enum doctor_verdict verdict, const char *check, char *text, const char *cure)
{
	struct doctor_report *r = x->report;

	r->findings = mem_grow(r->findings, r->count, sizeof *r->findings);
	r->findings[r->count++] = (struct doctor_finding){
	    .verdict = verdict, .check = check, .text = text, .cure = mem_text(cure)};
	if (verdict == DOCTOR_MISSING)
		r->missing++;
	return true;
}
