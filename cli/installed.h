/*
 * Where the rest of what was installed with this program is: found from its own folder, so that no
 * path is compiled in and a whole tree of them can be moved.
 */
#ifndef CLI_INSTALLED_H
#define CLI_INSTALLED_H

#include <limits.h>
#include <stdbool.h>

#include "err.h"

/* "<folder of this program>/<relative>", whether or not it exists. DIRCA_E_IO. */
bool installed_path(const char *relative, char path[PATH_MAX], struct err *err);
/* dircad: beside this program, as it is built, or in sbin, as it is installed. DIRCA_E_CONFIG where
 * it is not. */
bool installed_daemon(char path[PATH_MAX], struct err *err);
/* The folder of dirca's LDIF files. */
bool installed_ldif(char path[PATH_MAX], struct err *err);

#endif
