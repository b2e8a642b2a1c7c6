#include "print.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "own.h"
#include "printable.h"
#include "table.h"
#include "text.h"

void
print_when(FILE *to, int64_t when)
{
	char text[CLOCK_LOCAL_LEN];
	const char *offset = text + 19;

	clock_local_format(when, text);
	fprintf(to, "%.10s %.5s %s", text, text + 11, strcmp(offset, "Z") == 0 ? "UTC" : offset);
}

void
print_name(FILE *to, const char *name)
{
	OWNED(own_memory) char *shown = printable_escape(name);

	fputs(shown != NULL ? shown : "?", to);
}

void
print_hash(FILE *to, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(to, "%s%02x", i > 0 ? " " : "", bytes[i]);
}

void
print_cert(FILE *to, const char *indent, const struct pkix_cert *c)
{
	OWNED(own_memory) char *serial = pkix_serial_text(c->serial);
	OWNED(own_memory) char *subject = pkix_name_text(c->subject);
	OWNED(own_memory) char *issuer = pkix_name_text(c->issuer);
	OWNED(own_memory) char *san = pkix_cert_san_text(c);

	fprintf(to, "%sSerial Number: %s\n", indent, serial != NULL ? serial : "?");
	fprintf(to, "%sSubject: %s\n", indent, subject != NULL ? subject : "?");
	fprintf(to, "%sIssuer: %s\n", indent, issuer != NULL ? issuer : "?");
	if (san != NULL && *san != '\0')
		fprintf(to, "%sSubject Alternative Name: %s\n", indent, san);
	fprintf(to, "%sNotBefore: ", indent);
	print_when(to, c->not_before);
	fprintf(to, "\n%sNotAfter: ", indent);
	print_when(to, c->not_after);
	fprintf(to, "\n%sCert Hash(sha1): ", indent);
	print_hash(to, c->sha1, sizeof c->sha1);
	fputc('\n', to);
}

json_t *
json_cert(const struct pkix_cert *c)
{
	OWNED(own_memory) char *serial = pkix_serial_text(c->serial);
	OWNED(own_memory) char *subject = pkix_name_text(c->subject);
	OWNED(own_memory) char *issuer = pkix_name_text(c->issuer);
	OWNED(own_memory) char *base64 = base64_encode(buf_view(&c->raw));
	OWNED(own_memory) char *sha1 = hex_encode(view_of(c->sha1, sizeof c->sha1), '\0');
	OWNED(own_memory) char *sha256 = hex_encode(view_of(c->sha256, sizeof c->sha256), '\0');
	char from[21], until[21];

	clock_format(c->not_before, from);
	clock_format(c->not_after, until);
	return json_pack("{s:s?, s:s?, s:s?, s:s, s:s, s:s, s:s, s:s}", "subject", subject,
	    "issuer", issuer, "serial_number", serial, "not_before", from, "not_after", until,
	    "certificate_hash", sha1, "sha256", sha256, "certificate", base64);
}

void
print_retrieval(FILE *to, const char *indent, const struct retrieval *r)
{
	fprintf(to, "%sOfficer: %s%s%s%s\n", indent, r->officer, r->officer_sid != NULL ? " (" : "",
	    r->officer_sid != NULL ? r->officer_sid : "", r->officer_sid != NULL ? ")" : "");
	fprintf(to, "%sRequest Id: %lld\n%sAudit Row: %lld\n%sTime: ", indent,
	    (long long)r->request_id, indent, (long long)r->audit_row, indent);
	print_when(to, r->when);
	fputc('\n', to);
	if (r->case_id != 0)
		fprintf(to, "%sRecovery Case: %lld, %s%s\n", indent, (long long)r->case_id,
		    r->ticket != NULL ? "ticket " : "by itself, without a ticket",
		    r->ticket != NULL ? r->ticket : "");
}

json_t *
json_retrieval(const struct retrieval *r)
{
	char when[21];

	clock_format(r->when, when);
	return json_pack("{s:s, s:s?, s:I, s:I, s:s, s:o, s:s?}", "officer", r->officer,
	    "officer_sid", r->officer_sid, "request_id", (json_int_t)r->request_id, "audit_row",
	    (json_int_t)r->audit_row, "when", when, "case_id",
	    r->case_id != 0 ? json_integer((json_int_t)r->case_id) : json_null(), "ticket",
	    r->ticket);
}

void
print_recipients(FILE *to, const struct recovery_blob *b)
{
	for (size_t i = 0; i < b->archived.count; i++) {
		const struct pkix_cert *kra = recovery_recipient(b, i);
		OWNED(own_memory) char *serial = pkix_serial_text(b->archived.recipients[i].serial);

		fprintf(to, "Recipient Info[%zu]:\n", i);
		if (b->archived.threshold > 1)
			fprintf(to, "  Share: %u (%zu of %zu open the key together)\n",
			    (unsigned)b->archived.recipients[i].number, b->archived.threshold,
			    b->archived.count);
		if (kra != NULL)
			print_cert(to, "  ", kra);
		else
			fprintf(to, "  Serial Number: %s\n  Its certificate is not in the BLOB\n",
			    serial != NULL ? serial : "?");
	}
}

json_t *
json_blob_recipients(const struct recovery_blob *b)
{
	json_t *list = json_array();

	for (size_t i = 0; i < b->archived.count; i++) {
		const struct pkix_cert *kra = recovery_recipient(b, i);
		OWNED(own_memory) char *serial = pkix_serial_text(b->archived.recipients[i].serial);

		json_array_append_new(
		    list, json_pack("{s:s?, s:o}", "serial_number", serial, "certificate",
			      kra != NULL ? json_cert(kra) : json_null()));
	}
	return list;
}

const char *
json_text(const json_t *object, const char *member)
{
	const char *text = json_string_value(json_object_get(object, member));

	return text != NULL ? text : "-";
}

char *
json_when(const json_t *object, const char *member)
{
	const struct table_column column = {.name = member, .kind = TABLE_WHEN};

	return table_shown(&column, object);
}

bool
json_has(const json_t *list, const json_t *value)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) if (json_equal(one, value)) return true;
	return false;
}

void
print_json(json_t *value)
{
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
	putchar('\n');
	json_decref(value);
}

void
print_json_next(const json_t *value, size_t before)
{
	fputs(before > 0 ? ",\n" : "[\n", stdout);
	json_dumpf(value, stdout, JSON_INDENT(2) | JSON_SORT_KEYS);
}

void
print_json_end(size_t count)
{
	puts(count > 0 ? "\n]" : "[]");
}
