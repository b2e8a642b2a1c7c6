/* The fields of a template, for the help of the verbs that set them. */
#include <stdio.h>

#include "cli.h"
#include "tmpl_edit.h"

void
template_print_fields(FILE *to)
{
	fprintf(to, "\nfields:\n");
	for (size_t i = 0; i < tmpl_field_count; i++) {
		const struct tmpl_field *f = &tmpl_fields[i];

		fprintf(to, "  %s=%s\n        %s\n", f->name, f->argument, f->help);
	}
}
