#include "daemon_config.h"

#include <sys/stat.h>

#define DEFAULT_DAEMON_CONFIG "/etc/dirca/dircad.conf"

const char *
daemon_config_path(const struct cli *cli)
{
	return cli->opt.daemon_config != NULL ? cli->opt.daemon_config : DEFAULT_DAEMON_CONFIG;
}

void
daemon_files_for_service(void)
{
	umask(022);
}

bool
load_daemon_config(const struct cli *cli, struct config **out, struct err *err)
{
	daemon_files_for_service();
	return config_load(daemon_config_path(cli), out, err) ||
	       (err->code == ERROR_FILE_NOT_FOUND
		       ? err_set(err, ERROR_FILE_NOT_FOUND,
			     "dircad's configuration %s is not there; -c names another, on the "
			     "machine of the CA",
			     daemon_config_path(cli))
		       : false);
}
