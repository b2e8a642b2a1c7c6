/* dirca doctor: the CA's machine, from the programs to a key that can be archived. */
#include <stdio.h>

#include "daemon_config.h"
#include "machine_listing.h"
#include "own.h"
#include "verbs.h"
#include "work.h"

bool
cmd_doctor(struct work *w, struct err *err)
{
	OWNED(machine_report_free) struct machine_report report;

	(void)err;
	machine_examine(daemon_config_path(w->cli), &report);
	machine_print(&report, w->cli->opt.json);
	if (report.missing > 0)
		w->status = CLI_FINDINGS;
	return true;
}
