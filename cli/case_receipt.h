/* What getkey says to the CA once a recovery BLOB is on disk. */
#ifndef CLI_CASE_RECEIPT_H
#define CLI_CASE_RECEIPT_H

#include "http_client.h"

/* The key of `serial`, of that request, arrived: the recovery case hands it out no more. 0: there
 * is nothing to say. That it cannot be said is told on stderr, and no failure: the case ends by its
 * time. `words` name the CA in a command (command_ca). */
void case_receipt(struct http_client *ca, long long case_id, const char *serial,
    long long request_id, const char *words);

#endif
