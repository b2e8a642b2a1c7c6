/* What an OCSP request asks and a response answers (RFC 6960), as JSON; NULL: ERROR_INVALID_DATA. A
 * signature is not verified. */
#ifndef CLI_DUMP_OCSP_H
#define CLI_DUMP_OCSP_H

#include <jansson.h>

#include "buf.h"

json_t *dump_ocsp_request(struct view der, struct err *err);
json_t *dump_ocsp_response(struct view der, struct err *err);

#endif
