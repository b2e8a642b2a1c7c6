/* From root to the user of a process of the service. */
#include "service.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

bool
service_become(const char *name, struct err *err)
{
	struct passwd *pw;

	if (name == NULL || geteuid() != 0)
		return true;
	if ((pw = getpwnam(name)) == NULL)
		return err_set(err, DIRCA_E_CONFIG, "user %s does not exist", name);
	if (initgroups(name, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 || setuid(pw->pw_uid) != 0)
		return err_errno(err, DIRCA_E_CONFIG, "cannot become user %s", name);
	/* A change of user clears what exec_child set. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return true;
}
