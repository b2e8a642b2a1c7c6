#include "installed.h"

#include <libgen.h>
#include <stdio.h>
#include <unistd.h>

#include "mem.h"

bool
installed_path(const char *relative, char path[PATH_MAX], struct err *err)
{
	char own[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", own, sizeof own - 1);
	int len;

	if (n <= 0)
		return err_errno(err, DIRCA_E_IO, "/proc/self/exe");
	own[n] = '\0';
	len = snprintf(path, PATH_MAX, "%s/%s", dirname(own), relative);
	return (len > 0 && len < PATH_MAX) ||
	       err_set(err, DIRCA_E_IO, "the folder of this program has too long a name");
}

bool
installed_daemon(char path[PATH_MAX], struct err *err)
{
	static const char *const places[] = {"dircad", DIRCA_SBIN_FROM_BIN "/dircad"};

	for (size_t i = 0; i < COUNT_OF(places); i++) {
		if (!installed_path(places[i], path, err))
			return false;
		if (access(path, X_OK) == 0)
			return true;
	}
	return err_set(
	    err, DIRCA_E_CONFIG, "dircad is not installed here: this is done on the CA's machine");
}

bool
installed_ldif(char path[PATH_MAX], struct err *err)
{
	return installed_path(DIRCA_LDIF_FROM_BIN, path, err);
}
