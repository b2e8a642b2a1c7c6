#include "import_report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "own.h"
#include "pkix.h"
#include "print.h"
#include "text.h"

#define DOTS_A_LINE 72

/* ---- progress ---- */

static void
put_dot(struct import_report *r)
{
	if (r->json)
		return;
	putchar('.');
	if (++r->column % DOTS_A_LINE == 0)
		putchar('\n');
	fflush(stdout);
}

static void
end_line(struct import_report *r)
{
	if (r->column % DOTS_A_LINE != 0)
		putchar('\n');
	r->column = 0;
}

/* paper, "Importing Users' Keys" */
void
import_report_begin(struct import_report *r, const struct escrow_items *items)
{
	for (size_t i = 0; i < items->seen_count; i++)
		for (size_t k = 0; k < items->seen[i].count; k++)
			escrow_seen_add(
			    &r->seen, &r->seen_count, &items->seen[i], items->seen[i].indexes[k]);
	if (items->signer == NULL || r->json)
		return;
	end_line(r);
	printf("Processing KMS exports from:\n    %s\n\nKMS export file signature verifies\n",
	    items->signer);
	r->locked = true;
}

/* All files of a batch must be there: the number of keys is the exporter's. */
static void
check_seen(struct import_report *r)
{
	for (size_t i = 0; i < r->seen_count; i++) {
		struct escrow_seen *s = &r->seen[i];
		size_t there = escrow_seen_distinct(s);
		OWNED(own_memory) char *id = hex_encode(view_of(s->batch, sizeof s->batch), '\0');
		OWNED(own_memory)
		char *why = text_printf(
		    "%zu of %d entries were there; are all files named?", there, (int)s->total);

		if (there < (size_t)s->total)
			import_report_problem(r, id, why);
	}
}

/* ---- what is counted ---- */

static char *
subject_of(const struct escrow_item *item)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err ignored;

	if (!pkix_cert_decode(buf_view(&item->certificate), &cert, &ignored))
		return mem_text("?");
	return pkix_name_text(cert.subject);
}

static void
count_user(struct import_report *r, const struct escrow_item *item, const json_t *answer)
{
	const char *owner = json_string_value(json_object_get(answer, "owner"));
	OWNED(own_memory) char *subject = subject_of(item);
	const char *user = owner != NULL ? owner : item->user != NULL ? item->user : subject;

	if (r->users == NULL)
		r->users = json_object();
	json_object_set_new_nocheck(r->users, user, json_true());
}

static void
add_json(struct import_report *r, const char *path, const struct escrow_item *item,
    const char *result, const struct err *why, const json_t *answer)
{
	OWNED(own_memory) char *subject = subject_of(item);
	json_t *row;

	if (!r->json)
		return;
	row = json_pack("{s:s, s:s, s:s, s:s?, s:s}", "file", path, "source", item->source,
	    "subject", subject, "user", item->user, "result", result);
	if (why != NULL)
		json_object_set_new(row, "error",
		    json_pack("{s:s, s:s}", "name", err_name(why->code), "message", why->msg));
	if (answer != NULL)
		json_object_set(row, "answer", (json_t *)(uintptr_t)answer);
	if (r->items == NULL)
		r->items = json_array();
	json_array_append_new(r->items, row);
}

bool
import_report_ignores(struct import_report *r, const struct escrow_item *item)
{
	OWNED(pkix_cert_free) struct pkix_cert cert = {0};
	struct err ignored;

	if (!pkix_cert_decode(buf_view(&item->certificate), &cert, &ignored) ||
	    pkix_cert_may_encrypt(&cert))
		return false;
	r->signature_certificates++;
	count_user(r, item, NULL);
	return true;
}

static void
count_key(struct import_report *r, const char *key)
{
	if (strcmp(key, "archived") == 0)
		r->archived++;
	else if (strcmp(key, "replaced") == 0)
		r->replaced++;
	else if (strcmp(key, "already archived") == 0)
		r->archived_before++;
	else
		r->not_archived++;
}

void
import_report_add(
    struct import_report *r, const char *path, const struct escrow_item *item, const json_t *answer)
{
	const json_t *refusal = json_object_get(answer, "key_refusal");
	bool was_there = json_is_true(json_object_get(answer, "was_there"));

	count_user(r, item, answer);
	r->certificates++;
	r->keys++;
	r->there += was_there;
	r->imported += !was_there;
	r->foreign += !was_there && json_is_true(json_object_get(answer, "foreign"));
	count_key(r, json_text(answer, "key"));
	if (r->locked)
		puts("Lock box opened, symmetric key successfully decrypted");
	r->locked = false;
	add_json(r, path, item, json_text(answer, "key"), NULL, answer);
	put_dot(r);
	if (!json_is_object(refusal)) {
		put_dot(r);
		return;
	}
	end_line(r);
	fprintf(stderr, "%s: the key is not archived: %s (%s)\n", path,
	    json_text(refusal, "message"), json_text(refusal, "name"));
}

void
import_report_refused(struct import_report *r, const char *path, const struct escrow_item *item,
    const struct err *why)
{
	OWNED(own_memory) char *subject = subject_of(item);

	count_user(r, item, NULL);
	r->certificates++;
	r->keys++;
	r->not_imported++;
	r->not_archived++;
	add_json(r, path, item, "refused", why, NULL);
	if (!r->json) {
		end_line(r);
		/* paper, "Certificate and Key Import Issues" */
		if (why->code == CERT_E_ISSUERCHAINING)
			puts("CertUtil: Invalid Signature.");
	}
	fprintf(stderr, "%s: %s: %s (%s)\n", path, subject, why->msg, err_name(why->code));
}

void
import_report_problem(struct import_report *r, const char *path, const char *why)
{
	r->problems++;
	end_line(r);
	fprintf(stderr, "%s: %s\n", path, why);
}

/* ---- the report ---- */

/* In the order of the report; NULL: an empty line. */
struct count {
	const char *text, *member;
	int64_t value;
};
#define COUNTS 13

static void
list_counts(const struct import_report *r, struct count list[COUNTS])
{
	const struct count counts[COUNTS] = {
	    {"Users", "users", (int64_t)json_object_size(r->users)},
	    {NULL, NULL, 0},
	    {"Ignored signature certificates", "ignored_signature_certificates",
		r->signature_certificates},
	    {"Certificates with keys", "certificates_with_keys", r->certificates},
	    {"Foreign certificates imported", "foreign_certificates_imported", r->foreign},
	    {"Certificates imported", "certificates_imported", r->imported},
	    {"Certificates imported before", "certificates_imported_before", r->there},
	    {"Certificates not imported", "certificates_not_imported", r->not_imported},
	    {NULL, NULL, 0},
	    {"Keys", "keys", r->keys},
	    {"Keys archived", "keys_archived", r->archived},
	    {"Keys archived before", "keys_archived_before", r->archived_before},
	    {"Keys not archived", "keys_not_archived", r->not_archived},
	};

	memcpy(list, counts, sizeof counts);
}

static void
print_text(struct import_report *r, const struct count *list)
{
	end_line(r);
	puts("");
	for (size_t i = 0; i < COUNTS; i++)
		if (list[i].text == NULL)
			puts("");
		else if (list[i].value > 0)
			printf("%s: %lld\n", list[i].text, (long long)list[i].value);
	if (r->replaced > 0)
		printf("Keys replaced: %lld\n", (long long)r->replaced);
	if (r->problems > 0)
		printf("Problems: %lld\n", (long long)r->problems);
}

static void
print_object(struct import_report *r, const struct count *list, enum import_end how)
{
	json_t *all = json_object();

	for (size_t i = 0; i < COUNTS; i++)
		if (list[i].member != NULL)
			json_object_set_new(
			    all, list[i].member, json_integer((json_int_t)list[i].value));
	json_object_set_new(all, "keys_replaced", json_integer((json_int_t)r->replaced));
	json_object_set_new(all, "problems", json_integer((json_int_t)r->problems));
	json_object_set_new(all, "complete", json_boolean(how == IMPORT_WHOLE));
	json_object_set_new(all, "interrupted", json_boolean(how == IMPORT_INTERRUPTED));
	json_object_set_new(all, "items", r->items != NULL ? json_incref(r->items) : json_array());
	print_json(all);
}

void
import_report_end(struct import_report *r, enum import_end how)
{
	struct count list[COUNTS];

	if (how == IMPORT_WHOLE)
		check_seen(r);
	list_counts(r, list);
	if (r->json) {
		print_object(r, list, how);
		return;
	}
	print_text(r, list);
	if (how == IMPORT_WHOLE)
		puts("CertUtil: -ImportKMS command completed successfully.");
	else if (how == IMPORT_INTERRUPTED)
		puts("CertUtil: -ImportKMS command was interrupted. The same command goes on.");
}

bool
import_report_failed(const struct import_report *r)
{
	return r->not_imported > 0 || r->not_archived > 0 || r->problems > 0;
}

void
import_report_free(struct import_report *r)
{
	json_decref(r->items);
	json_decref(r->users);
	escrow_seen_free(r->seen, r->seen_count);
}
