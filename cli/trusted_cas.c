#include "trusted_cas.h"

#include <errno.h>
#include <stdlib.h>

#include "given.h"
#include "mem.h"
#include "own.h"
#include "own_folder.h"
#include "text.h"

#define FOLDER ".config/dirca/trusted-cas"

static bool
add_file(struct pkix_certs *t, const char *path, struct err *err)
{
	OWNED(pem_certs_free) struct pem_certs file = {0};

	if (!given_certificates(path, &file, err))
		return false;
	for (size_t i = 0; i < file.count; i++)
		if (!pkix_certs_add(t, buf_view(&file.list[i]), err))
			return err_prefix(err, "%s", path);
	return true;
}

bool
trusted_cas_add_files(struct pkix_certs *t, const struct cli_list *files, struct err *err)
{
	for (size_t i = 0; i < files->count; i++)
		if (!add_file(t, files->list[i], err))
			return false;
	return true;
}

/* Whatever cannot be read is an error: who put it there counts on it. */
static bool
add_entries(struct pkix_certs *t, const char *folder, DIR *open_folder, struct err *err)
{
	const struct dirent *entry;

	while (errno = 0, (entry = readdir(open_folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		OWNED(own_memory) char *path = text_printf("%s/%s", folder, entry->d_name);

		if (!add_file(t, path, err))
			return false;
	}
	return errno == 0 || err_errno(err, DIRCA_E_IO, "%s", folder);
}

bool
trusted_cas_add_folder(struct pkix_certs *t, struct err *err)
{
	const char *home = getenv("HOME");

	if (home == NULL)
		return true;
	OWNED(own_memory) char *path = text_printf("%s/" FOLDER, home);
	OWNED(own_folder) DIR *folder = opendir(path);

	if (folder == NULL)
		return errno == ENOENT || err_errno(err, DIRCA_E_IO, "%s", path);
	return add_entries(t, path, folder, err);
}

bool
trusted_cas_all(
    const struct cli *cli, const struct pkix_certs *beside, struct pkix_certs *out, struct err *err)
{
	for (size_t i = 0; i < beside->count; i++)
		if (!pkix_certs_add(out, buf_view(&beside->list[i].raw), err))
			return false;
	return trusted_cas_add_files(out, &cli->opt.trusted_cas, err) &&
	       trusted_cas_add_folder(out, err);
}
