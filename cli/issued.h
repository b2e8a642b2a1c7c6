/*
 * What came of a request, as files (certreq -submit and -retrieve): the certificate, the same with
 * the CA certificates above it (PKCS#7), the CA's whole response. In PEM; all of
 * them are written, or none.
 */
#ifndef CLI_ISSUED_H
#define CLI_ISSUED_H

#include "client_enroll.h"
#include "work.h"

struct issued_files {
	const char *certificate, *chain, *response; /* NULL: not wanted */
};

/* Of --out, or of the arguments behind the first one. DIRCA_E_USAGE: of both; ERROR_FILE_EXISTS. */
bool issued_files_of(const struct cli *cli, struct issued_files *out, struct err *err);
/* Writes them, and says so; without a file for the certificate, that is printed. The CA is open in
 * w->ca. */
bool issued_write(struct work *w, const struct issued_files *files, const struct client_enrolled *e,
    struct err *err);
/* It waits: how the certificate is fetched later. */
void issued_report_pending(const struct cli *cli, long long id);

#endif
