/* A token in software (SoftHSM2) for unit tests, with a folder of its own. Header only. */
#ifndef SUPPORT_TOKEN_LAB_H
#define SUPPORT_TOKEN_LAB_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "own.h"

static char token_dir[96], token_module[256];

/* $D is the folder, $M the module; what the command prints goes into the folder's `out`. */
static inline int
token_sh(const char *command)
{
	char line[1536];

	snprintf(line, sizeof line, "D='%s'; M='%s'; { %s; } >'%s/out' 2>&1", token_dir,
	    token_module, command, token_dir);
	return system(line);
}

static inline bool
token_lab_write(const char *name, const char *text)
{
	char path[128];
	struct err err;

	snprintf(path, sizeof path, "%s/%s", token_dir, name);
	return file_replace(path, view_str(text), 0600, &err);
}

/* One token, `t`, in that folder, which is there. */
static inline bool
token_lab_begin(const char *folder, const char *pin)
{
	OWNED(buf_free) struct buf found = {0};
	char path[128], text[160], command[160];
	struct err err;

	snprintf(token_dir, sizeof token_dir, "%s", folder);
	if (token_sh("find /usr/lib -name libsofthsm2.so -print -quit") != 0)
		return false;
	snprintf(path, sizeof path, "%s/out", token_dir);
	if (!file_read(path, sizeof token_module - 1, &found, &err) || found.len < 2)
		return false;
	memcpy(token_module, found.ptr, found.len - 1);
	snprintf(path, sizeof path, "%s/softhsm2.conf", token_dir);
	snprintf(text, sizeof text, "directories.tokendir = %s/tokens\n", token_dir);
	snprintf(command, sizeof command,
	    "mkdir $D/tokens && softhsm2-util --init-token --free --label t "
	    "--pin '%s' --so-pin 12345678",
	    pin);
	return token_lab_write("softhsm2.conf", text) && setenv("SOFTHSM2_CONF", path, 1) == 0 &&
	       setenv("P11_SHIM_MODULE", token_module, 1) == 0 &&
	       setenv("P11_SHIM_FOLDER", token_dir, 1) == 0 && token_sh(command) == 0;
}

/* How often random numbers were asked for by way of p11_shim.c. */
static inline long
token_asked(void)
{
	char path[128];
	struct stat st;

	snprintf(path, sizeof path, "%s/asked", token_dir);
	return stat(path, &st) == 0 ? (long)st.st_size : 0;
}

#endif
