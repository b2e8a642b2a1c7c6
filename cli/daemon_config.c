#include "daemon_config.h"

#define DEFAULT_DAEMON_CONFIG "/etc/dirca/dircad.conf"

bool
load_daemon_config(const struct cli *cli, struct config **out, struct err *err)
{
	return config_load(
	    cli->opt.daemon_config != NULL ? cli->opt.daemon_config : DEFAULT_DAEMON_CONFIG, out,
	    err);
}
