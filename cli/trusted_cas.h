/* The CA certificates that a key recovery agent named: whose recovery BLOBs he opens. */
#ifndef CLI_TRUSTED_CAS_H
#define CLI_TRUSTED_CAS_H

#include "cli.h"
#include "pkix.h"

/* Every certificate of each file, PEM or DER. */
bool trusted_cas_add_files(struct pkix_certs *t, const struct cli_list *files, struct err *err);
/* Of every file in ~/.config/dirca/trusted-cas, if that is there. */
bool trusted_cas_add_folder(struct pkix_certs *t, struct err *err);
/* Whom a key recovery agent believes: who lies beside his key, and whom he named (--ca, the
 * folder). */
bool trusted_cas_all(const struct cli *cli, const struct pkix_certs *beside, struct pkix_certs *out,
    struct err *err);

#endif
