#include "machine_listing.h"

#include <stdio.h>

#include "own_json.h"
#include "print.h"

static void
print_text(const struct machine_report *r)
{
	const struct machine_finding *next = machine_next(r);

	for (size_t i = 0; i < r->count; i++) {
		const struct machine_finding *f = &r->list[i];

		printf("%-8s%s: %s\n", doctor_verdict_name(f->verdict), f->check, f->text);
		if (f->cure != NULL)
			printf("        cure: %s\n", f->cure);
	}
	printf("\nNext: %s\n",
	    next != NULL ? next->cure : "nothing is missing; `dirca doctor ca` asks the CA itself");
}

void
machine_print(const struct machine_report *r, bool json)
{
	const struct machine_finding *next = machine_next(r);
	json_t *findings;

	if (!json) {
		print_text(r);
		return;
	}
	findings = json_array();
	for (size_t i = 0; i < r->count; i++) {
		const struct machine_finding *f = &r->list[i];

		json_array_append_new(findings,
		    json_pack("{s:s, s:s, s:s, s:s?}", "check", f->check, "verdict",
			doctor_verdict_name(f->verdict), "text", f->text, "cure", f->cure));
	}
	print_json(json_pack("{s:I, s:s?, s:o}", "missing", (json_int_t)r->missing, "next",
	    next != NULL ? next->cure : NULL, "findings", findings));
}
