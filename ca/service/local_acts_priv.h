/* What local acts share: how they end, and how they print. */
#ifndef SERVICE_LOCAL_ACTS_PRIV_H
#define SERVICE_LOCAL_ACTS_PRIV_H

#include <jansson.h>

#include "local_acts.h"
#include "store.h"

#define ACT_FINDINGS 4 /* a check that ran has found something */

/* The CA's database, or the one at `path`: both are the front's, and so may be what lies beside
 * them under their names, so that the rights of root are given up before. */
bool act_open_store(
    const struct config *config, const char *path, struct store **out, struct err *err);
/* Says why on stderr; `status`. */
int act_failed(const struct err *err, int status);
/* Takes the value. */
void act_print_json(json_t *value);

#endif
