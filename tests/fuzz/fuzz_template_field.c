/* Input: a setting of `dirca template set` a line. What is taken makes a template that the CA can
 * read and whose fields read back as they were written; what is refused changes nothing. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../support/ldif.h"
#include "dir_change.h"
#include "target.h"
#include "tmpl_edit.h"

#define SETTINGS_MAX 16

static const char base[] = "dn: CN=Base\nobjectClass: pKICertificateTemplate\ncn: Base\n"
			   "flags: 131642\nrevision: 100\nmsPKI-Template-Schema-Version: 2\n"
			   "msPKI-Template-Minor-Revision: 1\nmsPKI-Cert-Template-OID: 1.2.3\n"
			   "msPKI-Private-Key-Flag: 16\nmsPKI-Enrollment-Flag: 41\n"
			   "msPKI-Certificate-Name-Flag: -1509949440\npKIDefaultKeySpec: 1\n"
			   "pKIKeyUsage:: oAA=\npKIExpirationPeriod:: AEA5hy7h/v8=\n"
			   "pKIOverlapPeriod:: AICmCv/e//8=\npKIExtendedKeyUsage: 1.2.3\n";

static void
check_fields(const struct dir_entry *e)
{
	struct dir_entry copy;
	struct err err;

	require(dir_entry_copy(e, &copy, &err));
	for (size_t i = 0; i < tmpl_field_count; i++) {
		char *was = tmpl_field_get(&tmpl_fields[i], &copy, &err), *is;

		require(was != NULL);
		if (*was != '\0') {
			require(tmpl_field_set(&tmpl_fields[i], &copy, was, &err));
			is = tmpl_field_get(&tmpl_fields[i], &copy, &err);
			require(is != NULL && strcmp(was, is) == 0);
			free(is);
		}
		free(was);
	}
	dir_entry_free(&copy);
}

/* The change as LDIF says what it is, whatever is in the values. */
static void
check_plan(const struct dir_entry *before, const struct dir_entry *after)
{
	static const char *const guards[] = {TMPL_MINOR_REVISION, NULL};
	struct ldif plan = {0}, again;
	struct buf text = {0};
	struct err err;

	require(plan_difference(&plan, before, after, guards, &err));
	require(plan_print(&plan, &text, &err));
	require(ldif_parse(buf_view(&text), &again, &err));
	require(again.count == plan.count &&
		(plan.count == 0 || again.list[0].mod_count == plan.list[0].mod_count));
	ldif_free(&plan);
	ldif_free(&again);
	buf_free(&text);
}

static void
check_edit(const struct dir_entry *before, const char *const *settings, size_t count)
{
	struct dir_entry after;
	struct err err;
	struct tmpl t;

	require(dir_entry_copy(before, &after, &err));
	if (tmpl_edit(&after, settings, count, &err)) {
		require(tmpl_decode(&after, &t, &err));
		require(t.schema_version >= 2 && t.overlap < t.validity);
		require(!tmpl_requires_key_archival(&t) || (t.key_usage[0] & 0x38) != 0);
		tmpl_free(&t);
		check_fields(&after);
		check_plan(before, &after);
	} else {
		struct ldif plan = {0};
		static const char *const none[] = {NULL};

		require(err.code == E_INVALIDARG || err.code == DIRCA_E_USAGE ||
			err.code == ERROR_INVALID_DATA);
		require(plan_difference(&plan, before, &after, none, &err) && plan.count == 0);
		ldif_free(&plan);
	}
	dir_entry_free(&after);
}

int
target(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text, *line;
	const char *settings[SETTINGS_MAX];
	struct dir_entries es;
	size_t count = 0;
	struct err err;

	require(text != NULL && ldif_entries(view_str(base), &es, &err) && es.count == 1);
	while (count < SETTINGS_MAX && (line = strsep(&rest, "\n")) != NULL)
		if (*line != '\0')
			settings[count++] = line;
	check_edit(&es.list[0], settings, count);
	dir_entries_free(&es);
	free(text);
	return 0;
}
