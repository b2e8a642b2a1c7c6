/*
 * A private slapd for the tests of this folder, made by tests/support/lab.sh from ldif/ in a
 * temporary folder (or a Samba domain controller, by samba_lab.sh). Static, so that each test
 * program includes it.
 */
#ifndef UNIT_DIRECTORY_SLAPD_LAB_H
#define UNIT_DIRECTORY_SLAPD_LAB_H

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conn.h"
#include "text.h"

#define BASE_DN   "DC=nwtraders,DC=com"
#define CONFIG_DN "CN=Configuration," BASE_DN
#define USERS_DN  "CN=Users," BASE_DN
#define PKS_DN    "CN=Public Key Services,CN=Services," CONFIG_DN

static char lab_dir[64];

/* Runs a shell command with lab.sh loaded and $1 = the lab's folder; true if it succeeds. */
static inline bool
lab_sh(const char *command)
{
	char script[2048], owner[16];
	int status;
	pid_t pid;

	snprintf(owner, sizeof owner, "%d", (int)getpid());
	setenv("LAB_OWNER", owner, 1); /* of ports, while servers come and go on them */
	snprintf(script, sizeof script,
	    ". '%s/tests/support/lab.sh'; . \"$LAB_SOURCE_DIR/tests/support/samba_lab.sh\"; "
	    "[ ! -f \"$1/env\" ] || . \"$1/env\"; lab_use \"$1\"; %s",
	    SOURCE_DIR, command);
	if ((pid = fork()) == 0) {
		execlp("bash", "bash", "-c", script, "lab", lab_dir, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return false;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What lab.sh exports, into this process: lines of DIR/env, export NAME='VALUE'. */
static inline bool
lab_read_env(void)
{
	char path[96], line[512], name[64], value[400];
	FILE *f;

	snprintf(path, sizeof path, "%s/env", lab_dir);
	if ((f = fopen(path, "r")) == NULL)
		return false;
	while (fgets(line, sizeof line, f) != NULL)
		if (sscanf(line, "export %63[A-Z0-9_]='%399[^']'", name, value) == 2)
			setenv(name, value, 1);
	fclose(f);
	return true;
}

/* cmocka group setup: slapd with TLS, and the KDC if `with_kdc`. */
static inline int
lab_start(bool with_kdc)
{
	struct err err;

	signal(SIGPIPE, SIG_IGN);
	if (!secret_heap_init(65536, true, &err)) {
		fprintf(stderr, "%s\n", err.msg);
		return -1;
	}
	strcpy(lab_dir, "/tmp/dirca-dir-XXXXXX");
	if (mkdtemp(lab_dir) == NULL || (with_kdc && !lab_sh("lab_kdc_start \"$1\"")) ||
	    !lab_sh("lab_slapd_start \"$1\" --tls") || !lab_read_env())
		return -1;
	return 0;
}

static inline int
lab_end(void **state)
{
	(void)state;
	lab_sh("lab_slapd_stop \"$1\"; lab_kdc_stop \"$1\"");
	return lab_sh("rm -rf \"$1\"") ? 0 : -1;
}

/* The administrator, over the local socket. */
static inline struct dir_config
lab_admin(void)
{
	return (struct dir_config){
	    .uris = getenv("LDAPI_URI"), .auth = DIR_AUTH_EXTERNAL, .timeout_ms = 5000};
}

static inline struct dir_conn *
lab_connect(const struct dir_config *config)
{
	struct dir_conn *c = NULL;
	struct err err;

	if (!dir_connect(config, &c, &err))
		fail_msg("connect: %s", err.msg);
	return c;
}

/* Adds an entry of "name: value" pairs, NULL-terminated. */
static inline void
lab_add(struct dir_conn *c, const char *dn, const char *const *pairs)
{
	struct dir_entry e;
	struct err err;

	assert_true(dir_entry_init(&e, dn, &err));
	for (; pairs[0] != NULL; pairs += 2)
		assert_true(dir_entry_add(&e, pairs[0], view_str(pairs[1]), &err));
	if (!dir_add(c, &e, &err))
		fail_msg("%s", err.msg);
	dir_entry_free(&e);
}

#define LAB_ADD(c, dn, ...) lab_add((c), (dn), (const char *const[]){__VA_ARGS__, NULL, NULL})

/* Group setup and teardown of tests that share the administrator's connection. slapd need not
 * outlive a power cut. */
static inline int
lab_begin(struct dir_config *config, struct dir_conn **conn)
{
	struct view yes = view_str("TRUE");
	struct err err;

	if (lab_start(false) != 0)
		return -1;
	*config = lab_admin();
	*conn = lab_connect(config);
	return dir_replace(*conn, "olcDatabase={2}mdb,cn=config", "olcDbNoSync", &yes, 1, &err)
		   ? 0
		   : -1;
}

static inline int
lab_finish(struct dir_conn **conn, void **state)
{
	dir_disconnect(conn);
	return lab_end(state);
}

#endif
