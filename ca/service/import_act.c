/* What another CA program has in its database, into this CA's: dircad does it for `dirca import`.
 */
#include "local_acts_priv.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "adcs_import.h"
#include "clock.h"
#include "file.h"
#include "given.h"
#include "local_audit.h"
#include "own.h"
#include "printable.h"
#include "service.h"

static void
print_refused(void *arg, int64_t line, int64_t request_id, const char *why)
{
	OWNED(own_memory) char *shown = printable_escape(why);

	(void)arg;
	printf("line %lld", (long long)line);
	if (request_id != 0)
		printf(", request %lld", (long long)request_id);
	printf(": %s\n", shown);
}

static void
show_rows(void *arg, int64_t rows)
{
	const bool *terminal = arg;

	if (*terminal)
		fprintf(stderr, "\r%lld rows ", (long long)rows);
}

static void
print_result(const struct adcs_result *r, bool dry_run)
{
	for (size_t i = 0; i < r->unknown_agents.count; i++) {
		OWNED(own_memory) char *shown = printable_escape(r->unknown_agents.list[i]);

		printf("key recovery agent whose certificate is not known: %s\n", shown);
	}
	if (!r->has_keys)
		puts("The file has no column RawArchivedKey: no archived key is in it.");
	printf("%lld rows: %lld %staken (%lld with an archived key), %lld there already (%lld of "
	       "them revoked since, %lld now with their key), %lld left out (denied, failed or "
	       "pending), %lld refused.\n",
	    (long long)r->rows, (long long)r->taken, dry_run ? "would be " : "", (long long)r->keys,
	    (long long)r->there, (long long)r->revoked, (long long)r->keys_there,
	    (long long)r->left, (long long)r->refused);
}

int
act_import_adcs(
    const struct config *config, const char *name, const char *columns, const char *dates, bool dry)
{
	OWNED(own_file) FILE *file = NULL;
	OWNED(own_memory) char *actor = local_actor(getuid());
	OWNED(adcs_result_free) struct adcs_result result = {0};
	bool terminal = isatty(STDERR_FILENO) == 1;
	struct adcs_import in = {.config = config,
	    .name = name,
	    .actor = actor,
	    .columns = *columns != '\0' ? columns : NULL,
	    .dry_run = dry,
	    .now = clock_now(),
	    .refused = print_refused,
	    .progress = show_rows,
	    .arg = &terminal};
	struct err err;
	bool ok;

	if (*dates != '\0' && !adcs_dates_by_name(dates, &in.dates))
		return 2;
	if (!file_open_stream(name, false, &file, &err) ||
	    !given_begins_as(name, file, GIVEN_ROWS, &err))
		return act_failed(&err, 1);
	in.file = file;
	ok = service_become(config->user, &err) && adcs_import(&in, &result, &err);
	if (terminal)
		fputs("\r\033[K", stderr);
	if (!ok)
		return act_failed(&err, 1);
	print_result(&result, dry);
	return result.refused > 0 ? ACT_FINDINGS : 0;
}
