#include "issued.h"

#include "own.h"

bool
issued_row(
    struct ca *ca, const struct pkix_cert *cert, struct store_request *row_out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(own_memory) char *serial = pkix_serial_text(cert->serial);

	switch (store_get_by_serial(ca->store, serial, &row, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "its certificate (serial %s) is not in the database of this CA", serial);
	case STORE_FOUND:
		break;
	}
	if (!view_eq(buf_view(&row.raw_certificate), buf_view(&cert->raw)))
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "the database holds another certificate under serial %s", serial);
	if (row.disposition == DISP_REVOKED)
		return err_set(
		    err, CRYPT_E_REVOKED, "its certificate (serial %s) is revoked", serial);
	if (row.disposition != DISP_ISSUED)
		return err_set(err, CERT_E_ISSUERCHAINING,
		    "its certificate (serial %s) is %s, not issued", serial,
		    disposition_name(row.disposition));
	*row_out = row;
	row = (struct store_request){0};
	return true;
}
