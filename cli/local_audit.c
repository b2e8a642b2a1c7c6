#include "local_audit.h"

#include <stdio.h>

#include "daemon_run.h"
#include "own.h"
#include "text.h"

static bool
record(const struct cli *cli, const char *act, const char *object, const char *change,
    const struct err *failure, struct err *err)
{
	char code[16];
	const char *args[] = {"--record", "--", act, object, change, NULL, NULL, NULL};
	int status;

	if (failure != NULL) {
		snprintf(code, sizeof code, "%u", (unsigned)failure->code);
		args[5] = code;
		args[6] = failure->msg;
	}
	return daemon_run(cli, args, &status, err) &&
	       (status == 0 || err_set(err, DIRCA_E_IO, "the audit trail could not be written"));
}

bool
local_audit_begin(const struct cli *cli, const char *object, const char *change, struct err *err)
{
	return record(cli, cli->verb->name, object, change, NULL, err);
}

bool
local_audit_failed(
    const struct cli *cli, const char *object, const char *change, const struct err *err)
{
	struct err ignored;

	(void)record(cli, cli->verb->name, object, change, err, &ignored);
	return false;
}

bool
local_audit_ended(const struct cli *cli, const char *object, struct err *err)
{
	OWNED(own_memory) char *act = text_printf("%s completed", cli->verb->name);

	return record(cli, act, object, "", NULL, err);
}
