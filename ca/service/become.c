/* From root, or from who may become others, to the user of a process of the service. */
#include "service.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define CAPABILITIES_VERSION _LINUX_CAPABILITY_VERSION_3
#define CAPABILITY_WORDS     _LINUX_CAPABILITY_U32S_3

/* Root, or a user to whom systemd left this one power (dist/systemd/system/dircad.service). */
static bool
may_become_another(void)
{
	struct __user_cap_header_struct header = {.version = CAPABILITIES_VERSION};
	struct __user_cap_data_struct data[CAPABILITY_WORDS] = {{0}};

	if (geteuid() == 0)
		return true;
	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[CAP_TO_INDEX(CAP_SETUID)].effective & CAP_TO_MASK(CAP_SETUID)) != 0;
}

/* A change from root to another gives them up by itself; one between two others keeps them. */
static bool
give_up_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = CAPABILITIES_VERSION};
	const struct __user_cap_data_struct none[CAPABILITY_WORDS] = {{0}};

	return prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 &&
	       syscall(SYS_capset, &header, none) == 0;
}

bool
service_become(const char *name, struct err *err)
{
	struct passwd *pw;

	if (name == NULL || !may_become_another())
		return true;
	if ((pw = getpwnam(name)) == NULL)
		return err_set(err, DIRCA_E_CONFIG, "user %s does not exist", name);
	if (initgroups(name, pw->pw_gid) != 0 || setgid(pw->pw_gid) != 0 ||
	    setuid(pw->pw_uid) != 0 || !give_up_capabilities())
		return err_errno(err, DIRCA_E_CONFIG, "cannot become user %s", name);
	/* A change of user clears what exec_child set. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	return true;
}
