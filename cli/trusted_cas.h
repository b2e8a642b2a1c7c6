/* The CA certificates that a key recovery agent named: whose recovery BLOBs he opens. */
#ifndef CLI_TRUSTED_CAS_H
#define CLI_TRUSTED_CAS_H

#include "cli.h"
#include "pkix.h"

struct trusted_cas {
	struct pkix_cert *list;
	size_t count;
};

/* Every certificate of each file, PEM or DER. */
bool trusted_cas_add_files(struct trusted_cas *t, const struct cli_list *files, struct err *err);
/* Of every file in ~/.config/dirca/trusted-cas, if that is there. */
bool trusted_cas_add_folder(struct trusted_cas *t, struct err *err);
bool trusted_cas_add(struct trusted_cas *t, struct view certificate, struct err *err);
void trusted_cas_free(struct trusted_cas *t);

#endif
