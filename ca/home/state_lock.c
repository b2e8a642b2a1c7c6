#include "state_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

bool
state_lock(const struct config *config, int *fd_out, struct err *err)
{
	*fd_out = open(config->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd_out == -1)
		return err_errno(
		    err, DIRCA_E_CONFIG, "state_dir = %s: cannot open", config->state_dir);
	if (flock(*fd_out, LOCK_EX | LOCK_NB) == 0)
		return true;
	return errno == EWOULDBLOCK
		   ? err_set(err, DIRCA_E_CONFIG, "state_dir = %s: another dircad runs on it",
			 config->state_dir)
		   : err_errno(
			 err, DIRCA_E_CONFIG, "state_dir = %s: cannot lock", config->state_dir);
}
