#include "adcs_columns.h"

#include <string.h>
#include <strings.h>

#include "adcs_values.h"
#include "mem.h"
#include "own.h"
#include "text.h"

static const struct {
	const char *name, *english;
} columns[] = {
#define ADCS_COLUMN_ROW(column, name, english) {name, english},
    ADCS_COLUMNS(ADCS_COLUMN_ROW)
#undef ADCS_COLUMN_ROW
};

static const enum adcs_column needed[] = {
    ADCS_REQUEST_ID, ADCS_DISPOSITION, ADCS_REQUESTER, ADCS_CERTIFICATE};

const char *
adcs_column_name(enum adcs_column column)
{
	return columns[column].name;
}

/* "Request.RequestID" and "RequestID" are one number. */
static bool
is_named(size_t column, const char *name)
{
	static const char table[] = "Request.";

	if (text_eq_nocase(name, columns[column].english) ||
	    (column == ADCS_REQUEST_ID && text_eq_nocase(name, "Issued Request ID")))
		return true;
	if (strncasecmp(name, table, sizeof table - 1) == 0)
		name += sizeof table - 1;
	return text_eq_nocase(name, columns[column].name);
}

/* The number alone may be there twice: both tables have it. */
static bool
take_name(struct adcs_columns *out, const char *name, struct err *err)
{
	for (size_t i = 0; i < COUNT_OF(columns); i++) {
		if (!is_named(i, name))
			continue;
		if (out->at[i] < 0)
			out->at[i] = (int)out->fields;
		else if (i != ADCS_REQUEST_ID)
			return err_set(
			    err, DIRCA_E_USAGE, "the column %s is there twice", columns[i].name);
	}
	out->fields++;
	return true;
}

static bool
take_names(struct adcs_columns *out, const char *names, size_t fields, struct err *err)
{
	OWNED(own_memory) char *copy = mem_text(names);
	char *rest = copy, *name;

	while ((name = strsep(&rest, ",")) != NULL) {
		name += strspn(name, " ");
		name[strcspn(name, " ")] = '\0';
		if (!take_name(out, name, err))
			return false;
	}
	return out->fields == fields ||
	       err_set(err, DIRCA_E_USAGE,
		   "--columns has %zu names, and the first row of the file %zu fields", out->fields,
		   fields);
}

bool
adcs_columns_find(
    const struct csv_row *first, const char *names, struct adcs_columns *out, struct err *err)
{
	out->fields = 0;
	for (size_t i = 0; i < COUNT_OF(columns); i++)
		out->at[i] = -1;
	if (names != NULL && !take_names(out, names, first->count, err))
		return false;
	for (size_t i = 0; names == NULL && i < first->count; i++)
		if (!take_name(out, first->fields[i], err))
			return false;
	for (size_t i = 0; i < COUNT_OF(needed); i++)
		if (out->at[needed[i]] < 0)
			return err_set(err, DIRCA_E_USAGE,
			    "the first row has no column %s (\"%s\"); if its names are of another "
			    "language, give --columns what `certutil -out` was given",
			    columns[needed[i]].name, columns[needed[i]].english);
	return true;
}

const char *
adcs_field(const struct adcs_columns *c, const struct csv_row *row, enum adcs_column column)
{
	return c->at[column] < 0 ? NULL : adcs_value(row->fields[c->at[column]]);
}
