/*
 * Folders of CAs for the tests that make, renew and copy one: <lab_dir>/NAME of the configuration
 * <lab_dir>/NAME.conf. Header only; everything fails the test that calls it.
 */
#ifndef SUPPORT_HOME_LAB_H
#define SUPPORT_HOME_LAB_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buf.h"
#include "ca_issuers.h"
#include "config.h"
#include "file.h"
#include "oids.h"

static char lab_dir[64];

static inline int
lab_setup(void **state)
{
	static bool begun;
	struct err err;

	(void)state;
	strcpy(lab_dir, "/tmp/dirca-home-XXXXXX");
	if (mkdtemp(lab_dir) == NULL)
		return -1;
	if (!begun && (!secret_heap_init(1 << 20, true, &err) || !oids_init(&err)))
		return -1;
	begun = true;
	return 0;
}

static inline int
lab_teardown(void **state)
{
	char command[96];

	(void)state;
	snprintf(command, sizeof command, "rm -rf '%s'", lab_dir);
	return system(command);
}

/* lines: further ones of the configuration. */
static inline struct config *
lab_config(const char *name, const char *ca_name, const char *lines)
{
	char path[128], text[512];
	struct config *c;
	struct err err;

	snprintf(path, sizeof path, "%s/%s.conf", lab_dir, name);
	snprintf(text, sizeof text,
	    "ca_name = %s\nhost = ca1.nwtraders.com\ndir_uris = ldap://localhost\nstate_dir = "
	    "%s/%s\n%s",
	    ca_name, lab_dir, name, lines);
	assert_true(file_replace(path, view_str(text), 0600, &err));
	assert_true(config_load(path, &c, &err));
	return c;
}

static inline bool
exists(const struct config *c, const char *name)
{
	char *path = config_path(c, name);
	bool yes = access(path, F_OK) == 0;

	free(path);
	return yes;
}

static inline void
read_ca(const struct config *c, struct ca_issuers *out)
{
	char *path = config_path(c, "ca.crt");
	struct err err;

	if (!ca_issuers_read(path, out, &err))
		fail_msg("%s", err.msg);
	free(path);
}

/* Runs a shell command with $S = the state folder and $D = that of all; what it says goes to
 * $D/out. */
static inline int
sh(const struct config *c, const char *command)
{
	char line[2048];

	snprintf(line, sizeof line, "S='%s'; D='%s'; { %s; } >'%s/out' 2>&1", c->state_dir, lab_dir,
	    command, lab_dir);
	return system(line);
}

#endif
