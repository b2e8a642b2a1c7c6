#include "trusted_cas.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "pem.h"
#include "text.h"

#define FOLDER ".config/dirca/trusted-cas"

bool
trusted_cas_add(struct trusted_cas *t, struct view certificate, struct err *err)
{
	struct pkix_cert *grown = reallocarray(t->list, t->count + 1, sizeof *grown);

	if (grown == NULL)
		return err_nomem(err);
	t->list = grown;
	if (!pkix_cert_decode(certificate, &t->list[t->count], err))
		return false;
	t->count++;
	return true;
}

bool
trusted_cas_add_file(struct trusted_cas *t, const char *path, struct err *err)
{
	struct buf *list = NULL;
	size_t count = 0;
	bool ok = pem_certificates_file(path, &list, &count, err);

	for (size_t i = 0; ok && i < count; i++)
		ok = trusted_cas_add(t, buf_view(&list[i]), err) || err_prefix(err, "%s", path);
	pem_list_free(&list, count);
	return ok;
}

/* Whatever cannot be read is an error: who put it there counts on it. */
static bool
add_entries(struct trusted_cas *t, const char *folder, DIR *open_folder, struct err *err)
{
	const struct dirent *entry;
	bool ok = true;

	while (ok && (errno = 0, entry = readdir(open_folder)) != NULL) {
		char *path;

		if (entry->d_name[0] == '.')
			continue;
		path = text_printf("%s/%s", folder, entry->d_name);
		ok = path != NULL ? trusted_cas_add_file(t, path, err) : err_nomem(err);
		free(path);
	}
	if (ok && errno != 0)
		ok = err_errno(err, DIRCA_E_IO, "%s", folder);
	return ok;
}

bool
trusted_cas_add_folder(struct trusted_cas *t, struct err *err)
{
	const char *home = getenv("HOME");
	char *folder;
	DIR *open_folder;
	bool ok = true;

	if (home == NULL)
		return true;
	if ((folder = text_printf("%s/" FOLDER, home)) == NULL)
		return err_nomem(err);
	if ((open_folder = opendir(folder)) != NULL) {
		ok = add_entries(t, folder, open_folder, err);
		closedir(open_folder);
	} else if (errno != ENOENT) {
		ok = err_errno(err, DIRCA_E_IO, "%s", folder);
	}
	free(folder);
	return ok;
}

void
trusted_cas_free(struct trusted_cas *t)
{
	for (size_t i = 0; i < t->count; i++)
		pkix_cert_free(&t->list[i]);
	free(t->list);
	*t = (struct trusted_cas){0};
}
