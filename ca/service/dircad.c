/* dircad: the CA service. Its command line; the rest is in supervisor.c and service.c. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "oids.h"
#include "service.h"

#define DEFAULT_CONFIG "/etc/dirca/dircad.conf"
#define SECRET_HEAP    (1024 * 1024)

static const char usage[] =
    "usage: dircad [-c FILE] [-t]\n"
    "\n"
    "Runs the certification authority in the foreground: HTTPS, Unix socket, vault.\n"
    "  -c FILE   configuration, default " DEFAULT_CONFIG " (dircad.conf(5))\n"
    "  -t        check the configuration and stop\n"
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

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"help", no_argument, NULL, 'h'},
	    {"version", no_argument, NULL, 'V'},
	    {"role", required_argument, NULL, 'R'}, /* used by the supervisor for its children */
	    {"fds", required_argument, NULL, 'F'},
	    {NULL, 0, NULL, 0},
	};
	const char *path = DEFAULT_CONFIG, *role = NULL, *fds = NULL;
	struct config *config = NULL;
	bool test = false;
	struct err err;
	int option, status;

	while ((option = getopt_long(argc, argv, "c:thV", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			path = optarg;
			break;
		case 't':
			test = true;
			break;
		case 'R':
			role = optarg;
			break;
		case 'F':
			fds = optarg;
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
	if (optind != argc) {
		fputs(usage, stderr);
		return 2;
	}
	log_open(role != NULL ? role : "dircad", false, LOG_LEVEL_INFO);
	if (!secret_heap_init(SECRET_HEAP, false, &err) || !oids_init(&err) ||
	    !config_load(path, &config, &err) ||
	    ((test || (role != NULL && strcmp(role, "front") == 0)) &&
		!config_read_password(config, &err))) {
		fprintf(stderr, "dircad: %s (0x%08X %s)\n", err.msg, (unsigned)err.code,
		    err_name(err.code));
		return 1;
	}
	log_open(
	    role != NULL ? role : "dircad", config->to_syslog, (enum log_level)config->log_level);
	if (test) {
		printf("%s: the configuration is good\n", path);
		status = 0;
	} else {
		status = role != NULL ? run_role(role, fds, config) : supervisor_run(config, path);
	}
	config_free(&config);
	return status;
}
