#include "ca_holder.h"

#include <string.h>

#include "mem.h"
#include "own.h"
#include "text.h"

#define UNIX_AUTHORITY 22
#define HOLDERS        3
#define WORDS          5
#define SERIAL_MAX     (WORDS * sizeof(uint32_t))

bool
ca_holder_sid(struct view serial, struct sid *out, struct err *err)
{
	*out = (struct sid){.count = 1 + WORDS, .authority = UNIX_AUTHORITY, .subs = {HOLDERS}};
	while (serial.len > 0 && serial.ptr[0] == 0)
		serial = view_of(serial.ptr + 1, serial.len - 1);
	if (serial.len > SERIAL_MAX)
		return err_set(
		    err, E_INVALIDARG, "the serial number has more than %zu octets", SERIAL_MAX);
	for (size_t i = 0; i < serial.len; i++) {
		size_t at = SERIAL_MAX - serial.len + i;

		out->subs[1 + at / 4] |= (uint32_t)serial.ptr[i] << (24 - 8 * (at % 4));
	}
	return true;
}

bool
ca_holder_is(const struct sid *sid)
{
	return sid->authority == UNIX_AUTHORITY && sid->count == 1 + WORDS &&
	       sid->subs[0] == HOLDERS;
}

/* As the database keeps it; free(). */
static char *
serial_of(const struct sid *sid)
{
	uint8_t octets[SERIAL_MAX];

	for (size_t i = 0; i < sizeof octets; i++)
		octets[i] = (uint8_t)(sid->subs[1 + i / 4] >> (24 - 8 * (i % 4)));
	return pkix_serial_text(view_of(octets, sizeof octets));
}

bool
ca_holder_certificate(struct ca *ca, const struct sid *sid, struct pkix_cert *out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(own_memory) char *serial = serial_of(sid);

	*out = (struct pkix_cert){0};
	switch (store_get_by_serial(ca->store, serial, &row, err)) {
	case STORE_FAILED:
		return false;
	case STORE_NOT_FOUND:
		return err_set(err, CRYPT_E_NOT_FOUND,
		    "the certificate with serial number %s is not in the database", serial);
	case STORE_FOUND:
		break;
	}
	return pkix_cert_decode(buf_view(&row.raw_certificate), out, err);
}

enum dir_find
ca_holder_find(struct ca *ca, const struct sid *sid, struct principal *out, struct err *err)
{
	OWNED(store_request_free) struct store_request row = {0};
	OWNED(own_memory) char *serial = serial_of(sid);

	*out = (struct principal){0};
	switch (store_get_by_serial(ca->store, serial, &row, err)) {
	case STORE_FAILED:
		return DIR_FIND_FAILED;
	case STORE_NOT_FOUND:
		return DIR_NOT_FOUND;
	case STORE_FOUND:
		break;
	}
	*out = (struct principal){.dn = text_printf("serialNumber=%s", serial),
	    .cn = mem_text(serial),
	    .downlevel = text_printf("certificate\\%s", serial),
	    .has_sid = true,
	    .sid = *sid,
	    .is_disabled = row.disposition != DISP_ISSUED};
	sids_put(&out->sids, sid);
	sids_put(&out->sids, &SID_EVERYONE);
	sids_put(&out->sids, &SID_AUTHENTICATED_USERS);
	return DIR_FOUND;
}
