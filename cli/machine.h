/*
 * What the machine of a CA has, from the programs to a key that can be archived, in the order in
 * which an administrator makes it: `dirca doctor` tells it, `dirca setup` makes it.
 */
#ifndef CLI_MACHINE_H
#define CLI_MACHINE_H

#include "config.h"
#include "doctor.h"

struct machine_finding {
	enum doctor_verdict verdict;
	const char *check; /* "users", "ports" ...: for scripts */
	char *text;
	char *cure; /* NULL: nothing is to be done */
};
struct machine_report {
	struct machine_finding list[48];
	size_t count;
	size_t missing; /* how many are DOCTOR_MISSING */
};

/* Never fails: what cannot be seen is a finding. `config_path`: of dircad, there or not.
 * machine_report_free. */
void machine_examine(const char *config_path, struct machine_report *out);
void machine_report_free(struct machine_report *r);
/* What is to be done first; NULL: nothing. Borrowed. */
const struct machine_finding *machine_next(const struct machine_report *r);

/* Whether somebody listens at dircad's Unix socket. */
bool machine_runs(const struct config *config);
/* Whether the unit's users are there; *name_out: the first who is not. */
bool machine_has_users(const char **name_out);

#endif
