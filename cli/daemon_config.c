#include "daemon_config.h"

#define DEFAULT_DAEMON_CONFIG "/etc/dirca/dircad.conf"

const char *
daemon_config_path(const struct cli *cli)
{
	return cli->opt.daemon_config != NULL ? cli->opt.daemon_config : DEFAULT_DAEMON_CONFIG;
}

bool
load_daemon_config(const struct cli *cli, struct config **out, struct err *err)
{
	return config_load(daemon_config_path(cli), out, err);
}
