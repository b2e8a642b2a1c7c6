/* dirca backup, backup verify, restore. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "backup.h"
#include "clock.h"
#include "daemon_config.h"
#include "daemon_run.h"
#include "file.h"
#include "local_audit.h"
#include "own.h"
#include "own_json.h"
#include "own_key.h"
#include "print.h"
#include "text.h"
#include "trust.h"
#include "trusted_cas.h"
#include "verbs.h"
#include "work.h"

static void
print_copy(const struct cli *cli, const char *folder, const struct backup *b)
{
	char made[CLOCK_LOCAL_LEN];

	clock_format(b->made, made);
	if (cli->opt.json) {
		print_json(json_pack("{s:s, s:s, s:s, s:s, s:i, s:I, s:o}", "folder", folder, "ca",
		    b->ca_name, "made", made, "version", b->version, "files", (int)b->count,
		    "bytes", (json_int_t)backup_size(b), "signed_by", json_cert(&b->ca)));
		return;
	}
	clock_local_format(b->made, made);
	printf("%s: CA '%s', made %s by dirca %s, %zu files, %lld bytes\nSigned by:\n", folder,
	    b->ca_name, made, b->version, b->count, (long long)backup_size(b));
	print_cert(stdout, "  ", &b->ca);
}

/* ---- backup ---- */

/* One at a time: two would take each other's copy of the database. Given up with the process; in
 * the folder of root's, so that nobody else can hold it. */
static bool
lock(const struct config *config, int *fd_out, struct err *err)
{
	OWNED(own_memory) char *path = config_path(config, TRUST_FOLDER "/backup.lock");

	*fd_out = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (*fd_out == -1)
		return err_errno(err, DIRCA_E_IO, "%s", path);
	return flock(*fd_out, LOCK_EX | LOCK_NB) == 0 ||
	       err_set(err, DIRCA_E_CHANGED, "%s: another backup is being made", path);
}

static bool
copy_database(const struct cli *cli, struct err *err)
{
	const char *const args[] = {"--database", "copy", "--", BACKUP_DATABASE, NULL};
	int status;

	return daemon_run(cli, args, &status, err) &&
	       (status == 0 || err_set(err, DIRCA_E_DATABASE,
				   "the database could not be copied, or is not sound"));
}

static void
show_path(void *arg, const char *path)
{
	const struct cli *cli = arg;

	if (cli->opt.verbose)
		fprintf(stderr, "%s\n", path);
}

static bool
make(struct work *w, struct backup *out, struct err *err)
{
	OWNED(own_memory) char *database = config_path(w->config, BACKUP_DATABASE);
	const struct backup_source from = {.config = w->config,
	    .config_file = daemon_config_path(w->cli),
	    .told = show_path,
	    .arg = w->cli};
	bool ok;

	unlink(database); /* of a run that did not come to its end */
	ok = copy_database(w->cli, err) &&
	     backup_make(&from, w->cli->args[0], clock_now(), out, err);
	unlink(database);
	return ok;
}

bool
cmd_backup(struct work *w, struct err *err)
{
	OWNED(backup_free) struct backup b = {0};
	OWNED(own_fd) int fd = -1;
	const char *folder = w->cli->args[0];

	if (!lock(w->config, &fd, err) || !local_audit_begin(w->cli, folder, "", err))
		return false;
	if (!make(w, &b, err))
		return local_audit_failed(w->cli, folder, "", err);
	print_copy(w->cli, folder, &b);
	return local_audit_ended(w->cli, folder, err);
}

/* ---- backup verify, restore ---- */

/* Who signs the list is told by the list: whether it is the CA that is meant, by who asks. */
static bool
is_trusted(const struct cli *cli, const struct backup *b, bool *known_out, struct err *err)
{
	const struct cli_list *files = &cli->opt.trusted_cas;
	OWNED(pkix_certs_free) struct pkix_certs trusted = {0};

	*known_out = files->count > 0;
	if (!trusted_cas_add_files(&trusted, files, err))
		return false;
	for (size_t i = 0; i < trusted.count; i++)
		if (view_eq(buf_view(&trusted.list[i].raw), buf_view(&b->ca.raw)))
			return true;
	return files->count == 0 ||
	       err_set(err, CERT_E_UNTRUSTEDROOT,
		   "%s: the copy is signed by none of the CAs of --ca", cli->args[0]);
}

bool
cmd_backup_verify(struct work *w, struct err *err)
{
	OWNED(backup_free) struct backup b = {0};
	const char *folder = w->cli->args[0];
	bool known;

	if (!backup_read(folder, &b, err) || !is_trusted(w->cli, &b, &known, err) ||
	    !backup_check(folder, &b, err))
		return false;
	print_copy(w->cli, folder, &b);
	if (!known && !w->cli->opt.json)
		puts("All files are as they were copied, if this is the certificate of your CA.");
	else if (!w->cli->opt.json)
		puts("All files are as they were copied.");
	return true;
}

static bool
read_key(const struct cli *cli, EVP_PKEY **out, struct err *err)
{
	OWNED(pfx_free) struct pfx file = {0};

	if (cli->opt.recipient == NULL)
		return err_set(err, DIRCA_E_USAGE,
		    "--recipient is needed: the key of one of the copy's recipients");
	if (!own_key_read(cli->opt.recipient, cli->opt.recipient_password_file,
		"Password of the recipient's key: ", &file, err))
		return false;
	*out = own_give(&file.key);
	return true;
}

static bool
check_database(void *arg, const char *path, struct err *err)
{
	const char *const args[] = {"--database", "check", "--", path, NULL};
	const struct cli *cli = arg;
	int status;

	return daemon_run(cli, args, &status, err) &&
	       (status == 0 ||
		   err_set(err, DIRCA_E_BACKUP, "the database of the copy is not sound"));
}

static bool
confirm(const struct cli *cli, const struct backup *b, struct err *err)
{
	bool known;

	if (!is_trusted(cli, b, &known, err))
		return false;
	print_copy(cli, cli->args[0], b);
	return known || cli->opt.yes || cli_confirm("Is that your CA's certificate?", err);
}

static void
print_next(const struct config *config)
{
	printf("\n%s is restored. Before anybody else runs this CA: dirca doctor directory. Then "
	       "start\ndircad; what was issued or revoked after the copy was made is not in "
	       "it.\nOn another host, or with another address: dirca ca publish.\n",
	    config->state_dir);
}

bool
cmd_restore(struct work *w, struct err *err)
{
	OWNED(backup_free) struct backup b = {0};
	EVP_PKEY *key = NULL;
	const char *folder = w->cli->args[0];
	bool ok;

	if (!backup_read(folder, &b, err) || !confirm(w->cli, &b, err) ||
	    !read_key(w->cli, &key, err))
		return false;
	const struct backup_target to = {.config = w->config,
	    .key = key,
	    .now = clock_now(),
	    .check_database = check_database,
	    .arg = w->cli};

	ok = backup_restore(folder, &b, &to, err);
	EVP_PKEY_free(key);
	if (!ok || !local_audit_ended(w->cli, folder, err))
		return false;
	print_next(w->config);
	return true;
}
