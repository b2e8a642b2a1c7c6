/* dircad: the CA service. Its command line; the rest is in supervisor.c and service.c. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "local_acts.h"
#include "log.h"
#include "mem.h"
#include "oids.h"
#include "service.h"

#define DEFAULT_CONFIG "/etc/dirca/dircad.conf"
#define SECRET_HEAP    (1024 * 1024)

static const char usage[] =
    "usage: dircad [-c FILE] [-t]\n"
    "       dircad [-c FILE] --audit-compare [--json]\n"
    "       dircad [-c FILE] --create-database\n"
    "\n"
    "Runs the certification authority in the foreground: HTTPS, Unix socket, vault.\n"
    "  -c FILE   configuration, default " DEFAULT_CONFIG " (dircad.conf(5))\n"
    "  -t        check the configuration and stop\n"
    "  --audit-compare   hold the vault's journal against the database, and stop\n"
    "  --create-database   make an empty database, unless there is one, and stop\n"
    "SIGHUP reads the KRA store, the settings and the directory again; SIGTERM ends it.\n";

static int
run_role(const char *role, const char *fds_text, const struct config *config)
{
	struct child_fds fds;

	if (fds_text == NULL || !child_fds_parse(fds_text, &fds))
		return 2;
	if (strcmp(role, "vault") == 0)
		return child_vault(config, &fds);
	return strcmp(role, "front") == 0 ? child_front(config, &fds) : 2;
}

/* What the command line asks for. */
struct asked {
	const char *config, *role, *fds;
	const char *database; /* copy, check, stats, version, migrate, sealed, verify-keys,
				 coverage, vacuum, export, import, revert, settle, drill-new,
				 drill-list, drill-report */
	bool test, compare, create, record, kra_leaves, kra_upgrade, import_adcs, dry_run, json,
	    list;
};

/* -1: go on; else the exit status. */
static int
read_options(int argc, char **argv, struct asked *out)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {"audit-compare", no_argument, NULL, 'C'},
	    {"create-database", no_argument, NULL, 'D'},
	    {"json", no_argument, NULL, 'J'},
	    {"record", no_argument, NULL, 'A'},      /* used by dirca: see act_record */
	    {"kra-leaves", no_argument, NULL, 'K'},  /* used by dirca: SHA1... */
	    {"kra-upgrade", no_argument, NULL, 'U'}, /* used by dirca */
	    {"import-adcs", no_argument, NULL, 'I'}, /* used by dirca: FILE COLUMNS DATES */
	    {"dry-run", no_argument, NULL, 'N'},     /* used by dirca */
	    {"list", no_argument, NULL, 'L'},        /* used by dirca */
	    {"database", required_argument, NULL,
		'B'},                               /* used by dirca: [NAME], coverage SHA1... */
	    {"role", required_argument, NULL, 'R'}, /* used by the supervisor for its children */
	    {"fds", required_argument, NULL, 'F'},
	    {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "c:thV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			out->config = optarg;
			break;
		case 't':
			out->test = true;
			break;
		case 'C':
			out->compare = true;
			break;
		case 'D':
			out->create = true;
			break;
		case 'J':
			out->json = true;
			break;
		case 'A':
			out->record = true;
			break;
		case 'K':
			out->kra_leaves = true;
			break;
		case 'U':
			out->kra_upgrade = true;
			break;
		case 'I':
			out->import_adcs = true;
			break;
		case 'N':
			out->dry_run = true;
			break;
		case 'L':
			out->list = true;
			break;
		case 'B':
			out->database = optarg;
			break;
		case 'R':
			out->role = optarg;
			break;
		case 'F':
			out->fds = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("dircad " DIRCA_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind != argc && !out->record && !out->kra_leaves && !out->import_adcs &&
	    out->database == NULL) {
		fputs(usage, stderr);
		return 2;
	}
	return -1;
}

/* The password of the directory is the front's alone. */
static bool
load(const struct asked *asked, struct config **out, struct err *err)
{
	bool is_front = asked->role != NULL && strcmp(asked->role, "front") == 0;

	return secret_heap_init(SECRET_HEAP, false, err) && oids_init(err) &&
	       config_load(asked->config, out, err) &&
	       (!(asked->test || is_front) || config_read_password(*out, err));
}

/* What the configuration names and the machine must have. */
static bool
check_machine(const struct config *config, struct err *err)
{
	const char *const files[] = {config->keytab, config->dir_keytab, config->passphrase_file};

	if (!config_check_users(config, err))
		return false;
	for (size_t i = 0; i < COUNT_OF(files); i++)
		if (files[i] != NULL && access(files[i], R_OK) != 0)
			return err_errno(err, DIRCA_E_CONFIG, "%s", files[i]);
	return true;
}

static int
do_with_database(
    const struct asked *asked, const struct config *config, char *const *args, int count)
{
	const char *what = asked->database, *name = count > 0 ? args[0] : NULL;

	if (strcmp(what, "copy") == 0 && name != NULL)
		return act_copy_database(config, name);
	if (strcmp(what, "check") == 0)
		return act_check_database(config, name, asked->json);
	if (strcmp(what, "stats") == 0)
		return act_size_database(config, asked->json);
	if (strcmp(what, "version") == 0)
		return act_database_version(config, asked->json);
	if (strcmp(what, "migrate") == 0)
		return act_migrate_database(config, asked->dry_run);
	if (strcmp(what, "sealed") == 0)
		return act_sealed(config, asked->json);
	if (strcmp(what, "verify-keys") == 0)
		return act_verify_keys(config, asked->json);
	if (strcmp(what, "coverage") == 0)
		return act_coverage(config, asked->json, asked->list, args, count);
	if (strcmp(what, "export") == 0)
		return act_archive_export(config, args, count);
	if (strcmp(what, "import") == 0 && name != NULL)
		return act_archive_import(config, name);
	if (strcmp(what, "revert") == 0 && name != NULL)
		return act_archive_revert(config, name);
	if (strcmp(what, "settle") == 0 && name != NULL)
		return act_archive_settle(config, name);
	if (strcmp(what, "drill-new") == 0)
		return act_drill_new(config, args, count);
	if (strcmp(what, "drill-list") == 0)
		return act_drill_list(config);
	if (strcmp(what, "drill-report") == 0 && name != NULL)
		return act_drill_report(config, name);
	return strcmp(what, "vacuum") == 0 ? act_vacuum_database(config) : 2;
}

static int
do_what_is_asked(
    const struct asked *asked, const struct config *config, char *const *args, int count)
{
	if (asked->test) {
		struct err err;

		if (!check_machine(config, &err)) {
			err_print("dircad", &err);
			return 1;
		}
		printf("%s: the configuration is good\n", asked->config);
		return 0;
	}
	if (asked->compare)
		return act_compare(config, asked->json);
	if (asked->create)
		return act_create_database(config);
	if (asked->record)
		return act_record(config, args, count);
	if (asked->database != NULL)
		return do_with_database(asked, config, args, count);
	if (asked->kra_leaves)
		return act_kra_leaves(config, args, count);
	if (asked->kra_upgrade)
		return act_kra_upgrade(config);
	if (asked->import_adcs)
		return count == 3
			   ? act_import_adcs(config, args[0], args[1], args[2], asked->dry_run)
			   : 2;
	return asked->role != NULL ? run_role(asked->role, asked->fds, config)
				   : supervisor_run(config, asked->config);
}

int
main(int argc, char **argv)
{
	struct asked asked = {.config = DEFAULT_CONFIG};
	struct config *config = NULL;
	const char *name;
	struct err err;
	int status = read_options(argc, argv, &asked);

	if (status >= 0)
		return status;
	name = asked.role != NULL ? asked.role : "dircad";
	log_open(name, false, LOG_LEVEL_INFO);
	if (!load(&asked, &config, &err)) {
		err_print("dircad", &err);
		return 1;
	}
	log_open(name, config->to_syslog, (enum log_level)config->log_level);
	status = do_what_is_asked(&asked, config, argv + optind, argc - optind);
	config_free(&config);
	return status;
}
