/*
 * The columns of a certificate: read from it, or taken from what it was made of a moment before.
 */
#include "certificate.h"

#include "mem.h"
#include "own.h"
#include "text.h"

/* Whole octets in hexadecimal, as the database keeps serial numbers. free(). */
static char *
serial_column(struct view serial)
{
	while (serial.len > 1 && serial.ptr[0] == 0)
		serial = view_of(serial.ptr + 1, serial.len - 1);
	return hex_encode(serial, '\0');
}

static bool
name_columns(struct view subject, struct store_request *row, struct err *err)
{
	struct pkix_name_texts name = pkix_name_texts(subject);

	row->distinguished_name = name.text;
	row->common_name = name.common_name;
	row->email = name.email;
	return name.text != NULL || err_set(err, ERROR_INVALID_DATA, "the subject is no name");
}

bool
certificate_columns(const struct ca_issuer *issuer, struct view certificate,
    struct store_request *row, struct err *err)
{
	OWNED(pkix_cert_free) struct pkix_cert c = {0};

	return pkix_cert_decode(certificate, &c, err) &&
	       certificate_columns_of(issuer, &c, row, err);
}

bool
certificate_columns_of(const struct ca_issuer *issuer, const struct pkix_cert *c,
    struct store_request *row, struct err *err)
{
	OWNED(buf_free) struct buf ski = {0};
	uint8_t hash[PKIX_KEY_HASH_LEN];
	const char *algorithm;

	buf_free(&row->public_key_hash); /* a row that waited has it */
	if (!pkix_cert_ski(c, &ski, err) ||
	    !pkix_key_info(c->spki, &algorithm, &row->public_key_length, err) ||
	    !buf_dup(buf_view(&c->raw), &row->raw_certificate, err) ||
	    !buf_dup(c->spki, &row->raw_public_key, err) || !pkix_key_hash(c->spki, hash, err) ||
	    !buf_dup(view_of(hash, sizeof hash), &row->public_key_hash, err) ||
	    !buf_dup(view_of(c->sha1, sizeof c->sha1), &row->certificate_hash, err) ||
	    !name_columns(c->subject, row, err))
		return false;
	row->serial_number = serial_column(c->serial);
	row->subject_key_identifier = hex_encode(buf_view(&ski), '\0');
	row->public_key_algorithm = mem_text(algorithm);
	row->upn = pkix_cert_upn(c);
	row->not_before = c->not_before;
	row->not_after = c->not_after;
	row->issuer_name_id = issuer->version;
	return true;
}

bool
certificate_columns_known(const struct ca_issuer *issuer, const struct certificate_known *c,
    struct store_request *row, struct err *err)
{
	const struct certificate_marks *m = c->marks;

	if (!buf_dup(c->der, &row->raw_certificate, err) ||
	    !buf_dup(c->spki, &row->raw_public_key, err) ||
	    !buf_dup(c->key_hash, &row->public_key_hash, err) ||
	    !buf_dup(view_of(m->sha1, sizeof m->sha1), &row->certificate_hash, err) ||
	    !name_columns(buf_view(&c->names->subject), row, err))
		return false;
	row->serial_number = serial_column(view_of(m->serial, sizeof m->serial));
	row->subject_key_identifier = hex_encode(view_of(m->key_id, sizeof m->key_id), '\0');
	row->public_key_algorithm = mem_text(c->key_algorithm);
	row->public_key_length = c->key_bits;
	row->upn = pkix_san_upn(buf_view(&c->names->san));
	row->not_before = c->not_before;
	row->not_after = c->not_after;
	row->issuer_name_id = issuer->version;
	return true;
}
