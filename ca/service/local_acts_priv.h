/* What local acts share: how they end, and how they print. */
#ifndef SERVICE_LOCAL_ACTS_PRIV_H
#define SERVICE_LOCAL_ACTS_PRIV_H

#include <jansson.h>

#include "local_acts.h"

#define ACT_FINDINGS 4 /* a check that ran has found something */

/* Says why on stderr; `status`. */
int act_failed(const struct err *err, int status);
/* Takes the value. */
void act_print_json(json_t *value);

#endif
