#include "tell_dircad.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "own.h"
#include "text.h"

/* A pid file may outlive its process, and the number be another's by now. */
static bool
is_dircad(pid_t pid)
{
	OWNED(own_memory) char *path = text_printf("/proc/%ld/comm", (long)pid);
	OWNED(own_file) FILE *f = fopen(path, "re");
	char name[16] = "";

	return f != NULL && fgets(name, sizeof name, f) != NULL && strcmp(name, "dircad\n") == 0;
}

void
tell_dircad(const struct config *config)
{
	OWNED(own_memory) char *path = config_path(config, "dircad.pid");
	OWNED(buf_free) struct buf raw = {0};
	char text[24];
	int64_t pid;
	struct err err;

	if (!file_read(path, sizeof text - 1, &raw, &err))
		return;
	memcpy(text, raw.ptr, raw.len);
	text[raw.len] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (text_to_int(text, 2, INT32_MAX, &pid) && is_dircad((pid_t)pid) &&
	    kill((pid_t)pid, SIGHUP) != 0 && errno != ESRCH)
		fprintf(stderr, "dirca: dircad (pid %lld) could not be told; send it SIGHUP\n",
		    (long long)pid);
}
