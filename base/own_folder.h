/* A folder that is read, owned by scope (own.h). */
#ifndef BASE_OWN_FOLDER_H
#define BASE_OWN_FOLDER_H

#include <dirent.h>

static inline void
own_folder(DIR **folder)
{
	if (*folder != NULL)
		closedir(*folder);
}

#endif
