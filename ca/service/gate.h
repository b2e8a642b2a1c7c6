/*
 * The one gate before all routes: what another site's page could have a browser send is refused. A
 * browser adds its user's credentials to such requests by itself.
 */
#ifndef SERVICE_GATE_H
#define SERVICE_GATE_H

#include "http.h"

/* DIRCA_E_CROSS_SITE unless Host, where it stands, names this CA as a configuration line does: url,
 * http_url, host or an address with the port of a listener; localhost where that listens on
 * loopback, and on the Unix socket. Whatever is not GET or HEAD needs a Host, no Origin but ours,
 * no Sec-Fetch-Site but same-origin, and a content type that no form can send. */
bool gate_admits(const struct config *config, const struct http_call *call, struct err *err);

#endif
