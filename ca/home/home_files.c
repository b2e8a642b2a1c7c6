/* Folders and files of the state folder, and whose they are. */
#include "home_files.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ca_key.h"
#include "given.h"
#include "home_priv.h"
#include "journal.h"
#include "kra_policy.h"
#include "mem.h"
#include "own.h"
#include "plain.h"
#include "text.h"
#include "trust.h"

static bool
make_folder(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return err_errno(err, DIRCA_E_IO, "%s: cannot make the folder", path);
	return true;
}

/* A new CA seals to nobody until root says so. */
static bool
enable_nobody(const struct config *config, struct err *err)
{
	OWNED(kra_policy_free) struct kra_policy policy = {0};

	if (kra_policy_read(config, &policy, err))
		return true;
	return err->code == ERROR_FILE_NOT_FOUND && kra_policy_write(config, &policy, err);
}

/* The vault passes through the state folder to its own, which nobody else may enter; what else is
 * secret has modes of its own. */
bool
home_make_folders(const struct config *config, struct err *err)
{
	OWNED(own_memory) char *kra = config_path(config, "kra");
	OWNED(own_memory) char *trust = config_path(config, TRUST_FOLDER);

	return make_folder(config->state_dir, 0711, err) && make_folder(kra, 0755, err) &&
	       make_folder(trust, 0755, err) && enable_nobody(config, err);
}

bool
home_give_to(const struct config *config, const char *name, uid_t uid, gid_t gid, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, name);

	return lchown(path, uid, gid) == 0 || errno == ENOENT ||
	       err_errno(err, DIRCA_E_IO, "%s: cannot change its owner", path);
}

/* Nobody but root hands files over to them. */
bool
home_check_users(const struct config *config, struct err *err)
{
	return geteuid() != 0 || config_check_users(config, err);
}

/* Root makes the CA, before any daemon runs; the front and the vault run as users of their own. */
bool
home_hand_over(const struct config *config, struct err *err)
{
	/* Never ".", kra/ or trust/: who may write there chooses whom keys are sealed to. */
	static const char *const front_files[] = {"tls.crt", "tls.key"};
	static const char *const vault_files[] = {"vault", "vault/ca.key", ("vault/" JOURNAL_FILE)};
	const struct {
		const char *user;
		const char *const *files;
		size_t count;
	} parts[] = {
	    {config->user, front_files, COUNT_OF(front_files)},
	    {config->vault_user, vault_files, COUNT_OF(vault_files)},
	};

	if (geteuid() != 0)
		return true;
	for (size_t i = 0; i < 2; i++) {
		const struct passwd *pw = parts[i].user != NULL ? getpwnam(parts[i].user) : NULL;

		/* SQLite makes its files beside the database; the sticky bit keeps the rest root's.
		 */
		if (i == 0 && pw != NULL &&
		    (!home_give_to(config, ".", 0, pw->pw_gid, err) ||
			!home_give_to(config, "kra", 0, 0, err) ||
			!home_give_to(config, TRUST_FOLDER, 0, 0, err) ||
			!home_give_to(config, TRUST_FOLDER "/" TRUST_CHAIN, 0, 0, err)))
			return false;
		if (i == 0 && pw != NULL && chmod(config->state_dir, 01771) != 0)
			return err_errno(
			    err, DIRCA_E_IO, "%s: cannot set its mode", config->state_dir);
		for (size_t k = 0; pw != NULL && k < parts[i].count; k++)
			if (!home_give_to(config, parts[i].files[k], pw->pw_uid, pw->pw_gid, err))
				return false;
	}
	return true;
}

bool
home_give_key(const struct config *config, uint32_t key_index, struct err *err)
{
	const struct passwd *pw = NULL;
	OWNED(own_memory) char *path = NULL;
	char name[CA_KEY_NAME_MAX];

	if (geteuid() != 0 || config->vault_user == NULL ||
	    (pw = getpwnam(config->vault_user)) == NULL)
		return true;
	ca_key_name(key_index, name);
	path = text_printf("vault/%s", name);
	return home_give_to(config, path, pw->pw_uid, pw->pw_gid, err) &&
	       home_give_to(config, "vault/" JOURNAL_FILE, pw->pw_uid, pw->pw_gid, err);
}

bool
home_has(const struct config *config, const char *name)
{
	OWNED(own_memory) char *path = config_path(config, name);

	return access(path, F_OK) == 0;
}

bool
home_first_certificate(
    const struct config *config, const char *name, struct pkix_cert *out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, name);
	OWNED(pem_certs_free) struct pem_certs certs = {0};

	return given_certificates(path, &certs, err) &&
	       pkix_cert_decode(buf_view(&certs.list[0]), out, err);
}

bool
home_open_ca_key(
    const struct config *config, const struct pkix_cert *ca, EVP_PKEY **out, struct err *err)
{
	OWNED(own_memory) char *folder = config_path(config, "vault");
	OWNED(secret_free) struct secret passphrase = {0};
	const char *file = config->passphrase_file;
	uint32_t version;

	return pkix_cert_ca_version(ca, &version, err) &&
	       (file == NULL || secret_read_file(file, &passphrase, err)) &&
	       ca_key_open(
		   folder, CA_VERSION_KEY(version), file != NULL ? &passphrase : NULL, out, err);
}
