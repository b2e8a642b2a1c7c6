#include "trust.h"

#include <sys/stat.h>
#include <unistd.h>

#include "file.h"
#include "log.h"
#include "own.h"
#include "text.h"

#define TRUST_FILE_MAX (1 << 20)

/* In the state folder anybody of the front's group can make a file. */
static bool
check_old_place(const char *state_dir, const char *name, struct err *err)
{
	OWNED(own_memory) char *old = text_printf("%s/%s", state_dir, name);
	struct stat st;

	if (lstat(old, &st) != 0)
		return true;
	if (st.st_uid == 0 || st.st_uid == geteuid())
		return err_set(err, DIRCA_E_CONFIG,
		    "%s: files that decide whom the CA trusts lie in %s/" TRUST_FOLDER
		    " now; look at it, then: mkdir -p -m 755 %s/" TRUST_FOLDER
		    " && mv %s %s/" TRUST_FOLDER "/",
		    old, state_dir, state_dir, old, state_dir);
	log_warn("a file that is not root's lies where it would once have been trusted; it is not "
		 "read",
	    LOG_STR("file", old), LOG_INT("owner", st.st_uid));
	return true;
}

bool
trust_read(const char *state_dir, const char *name, struct buf *out, struct err *err)
{
	OWNED(own_memory) char *folder = text_printf("%s/" TRUST_FOLDER, state_dir);
	OWNED(own_memory) char *path = text_printf("%s/" TRUST_FOLDER "/%s", state_dir, name);

	*out = (struct buf){0};
	return check_old_place(state_dir, name, err) && file_check_folder(folder, err) &&
	       file_read_owned(path, TRUST_FILE_MAX, out, err);
}
