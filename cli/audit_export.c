#include "audit_export.h"

#include <stdlib.h>
#include <string.h>

#include "checkpoint.h"
#include "clock.h"
#include "mem.h"
#include "own_json.h"
#include "text.h"

/* Over the longest record there is, every character of it escaped. */
#define LINE_MOST ((size_t)1024 * 1024)
#define MEMBERS   10 /* of a record */
#define COMPACT   (JSON_COMPACT | JSON_ENSURE_ASCII)

char *
trail_head_text(const struct trail_head *head)
{
	OWNED(own_memory) char *hash = hex_encode(view_of(head->hash, sizeof head->hash), '\0');

	return text_printf("%lld:%s", (long long)head->count, hash);
}

static bool
hash_parse(const char *hex, uint8_t out[TRAIL_HASH_LEN])
{
	OWNED(buf_free) struct buf hash = {0};
	struct err ignored;

	if (hex == NULL || strlen(hex) != 2 * (size_t)TRAIL_HASH_LEN ||
	    !hex_decode(hex, &hash, &ignored) || hash.len != TRAIL_HASH_LEN)
		return false;
	memcpy(out, hash.ptr, TRAIL_HASH_LEN);
	return true;
}

bool
trail_head_parse(const char *text, struct trail_head *out, struct err *err)
{
	const char *colon = strchr(text, ':');
	OWNED(own_memory)
	char *row = colon != NULL ? mem_text_n(text, (size_t)(colon - text)) : mem_text("");

	return (text_to_int(row, 0, INT64_MAX, &out->count) && hash_parse(colon + 1, out->hash)) ||
	       err_set(err, E_INVALIDARG, "'%s' is not ROW:HASH, as `dirca audit verify` prints it",
		   text);
}

static bool
dump(FILE *to, const json_t *value, struct err *err)
{
	return (json_dumpf(value, to, COMPACT) == 0 && fputc('\n', to) != EOF) ||
	       err_errno(err, DIRCA_E_IO, "the export");
}

bool
audit_export_record(FILE *to, const json_t *record, struct err *err)
{
	return dump(to, record, err);
}

static bool
dump_named(FILE *to, const char *name, const json_t *value, struct err *err)
{
	OWNED(own_json) json_t *line = json_pack("{s:O}", name, value);

	return dump(to, line, err);
}

bool
audit_export_head(FILE *to, const json_t *head, struct err *err)
{
	return dump_named(to, "head", head, err);
}

bool
audit_export_checkpoint(FILE *to, const json_t *checkpoint, struct err *err)
{
	return dump_named(to, "checkpoint", checkpoint, err);
}

bool
audit_export_from(FILE *to, const json_t *head, struct err *err)
{
	return dump_named(to, "from", head, err);
}

/* Null is the absent text. */
static bool
text_member(const json_t *line, const char *name, bool needed, char **out)
{
	const json_t *value = json_object_get(line, name);

	*out = mem_text(json_string_value(value));
	return json_is_string(value) || (!needed && json_is_null(value));
}

static bool
int_member(const json_t *line, const char *name, int64_t min, int64_t max, int64_t *out)
{
	const json_t *value = json_object_get(line, name);

	*out = json_integer_value(value);
	return json_is_integer(value) && *out >= min && *out <= max;
}

static bool
when_member(const json_t *line, int64_t *out)
{
	const json_t *value = json_object_get(line, "when");

	*out = 0;
	return json_is_null(value) ||
	       (json_is_string(value) && clock_parse(json_string_value(value), out));
}

/* "0x80070005" */
static bool
status_member(const json_t *line, int32_t *out)
{
	const char *text = json_string_value(json_object_get(line, "status"));
	char again[11];
	unsigned long n = text != NULL ? strtoul(text, NULL, 16) : 0;

	snprintf(again, sizeof again, "0x%08X", (unsigned)n);
	*out = (int32_t)(uint32_t)n;
	return text != NULL && strcmp(text, again) == 0;
}

static bool
request_member(const json_t *line, int64_t *out)
{
	*out = 0;
	return json_is_null(json_object_get(line, "request_id")) ||
	       int_member(line, "request_id", 1, INT64_MAX, out);
}

/* Nothing may stand in a line that the hash does not hold. */
static bool
read_record(const json_t *line, struct audit_record *a)
{
	const json_t *success = json_object_get(line, "success");
	int64_t event = 0;
	bool ok = json_object_size(line) == MEMBERS && json_is_boolean(success) &&
		  int_member(line, "row_id", 1, INT64_MAX, &a->row_id) &&
		  when_member(line, &a->when) &&
		  int_member(line, "event", INT32_MIN, INT32_MAX, &event) &&
		  status_member(line, &a->status) && request_member(line, &a->request_id) &&
		  text_member(line, "actor", true, &a->actor) &&
		  text_member(line, "object", false, &a->object) &&
		  text_member(line, "detail", false, &a->detail) &&
		  hash_parse(json_string_value(json_object_get(line, "row_hash")), a->hash);

	a->event = (enum audit_event)event;
	a->success = json_is_true(success);
	return ok;
}

static bool
read_head(const json_t *head, struct trail_head *out)
{
	return json_object_size(head) == 2 &&
	       int_member(head, "row_id", 0, INT64_MAX, &out->count) &&
	       hash_parse(json_string_value(json_object_get(head, "row_hash")), out->hash);
}

struct walk {
	FILE *from;
	char *line;
	long long number;
	const struct audit_known *known;
	struct audit_export *out;
	struct checkpoint last; /* that was seen; row 0: none */
	bool ended;             /* the head was read */
};

static bool
no_line(const struct walk *w, const char *why, struct err *err)
{
	return err_set(err, ERROR_INVALID_DATA, "line %lld, behind audit row %lld: %s", w->number,
	    (long long)w->out->head.count, why);
}

static bool
check_known(const struct walk *w, struct err *err)
{
	const struct trail_head *at = &w->out->head, *known = w->known->head;

	if (known == NULL || known->count != at->count ||
	    memcmp(known->hash, at->hash, TRAIL_HASH_LEN) == 0)
		return true;
	return err_set(err, CRYPT_E_HASH_VALUE,
	    "audit row %lld has another hash than the head that is known: it or one before it was "
	    "changed, and the chain made anew",
	    (long long)at->count);
}

static bool
take_record(struct walk *w, const json_t *line, struct err *err)
{
	OWNED(audit_record_free) struct audit_record a = {0};

	if (!read_record(line, &a))
		return no_line(w, "it is no record of the audit trail, or was changed", err);
	if (!trail_next(EVP_sha256(), &w->out->head, &a, err))
		return false;
	if (w->out->first == 0) {
		w->out->first = a.row_id;
		w->out->first_when = a.when;
	}
	w->out->last_when = a.when;
	return check_known(w, err);
}

/* Where an export goes on. */
static bool
take_from(struct walk *w, const json_t *line, struct err *err)
{
	const struct trail_head *after = w->known->after;

	if (w->number != 1 || json_object_size(line) != 1 ||
	    !read_head(json_object_get(line, "from"), &w->out->head))
		return no_line(w, "it names no row to go on behind, or not as the first line", err);
	if (after != NULL && (after->count != w->out->head.count ||
				 memcmp(after->hash, w->out->head.hash, TRAIL_HASH_LEN) != 0))
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "audit row %lld, behind which the export goes on, is not the row %lld with "
		    "which the one before it ended",
		    (long long)w->out->head.count, (long long)after->count);
	return check_known(w, err);
}

static bool
other_chain(const struct walk *w, const char *what, int64_t row, struct err *err)
{
	return err_set(err, CRYPT_E_HASH_VALUE,
	    "audit row %lld: %s: it or one behind row %lld was changed or removed, and the chain "
	    "made anew",
	    (long long)row, what, (long long)w->last.row);
}

/* Does it stand behind its row, and continue the checkpoint before it? */
static bool
check_checkpoint(struct walk *w, const struct checkpoint *c, struct err *err)
{
	const struct trail_head *at = &w->out->head;

	if (c->row != at->count || memcmp(c->hash, at->hash, TRAIL_HASH_LEN) != 0)
		return other_chain(w, "the CA signed another hash of it", c->row, err);
	if (c->previous_row > 0 && !c->has_previous_hash && c->previous_row >= w->out->first)
		return other_chain(w,
		    "the CA had signed it, and its database did not know of that any more",
		    c->previous_row, err);
	if (c->previous_row != w->last.row && c->previous_row >= w->out->first)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "the checkpoint of audit row %lld is missing", (long long)c->previous_row);
	if (w->last.row > 0 && memcmp(c->previous_hash, w->last.hash, TRAIL_HASH_LEN) != 0)
		return other_chain(w, "the CA signed another hash of it", w->last.row, err);
	return true;
}

static bool
take_checkpoint(struct walk *w, const json_t *line, struct err *err)
{
	const json_t *value = json_object_get(line, "checkpoint");
	const char *text = json_string_value(json_object_get(value, "message"));
	OWNED(buf_free) struct buf message = {0};
	struct checkpoint c;
	int64_t row = 0;

	if (json_object_size(line) != 1 || json_object_size(value) != 2 || text == NULL ||
	    !int_member(value, "row_id", 1, INT64_MAX, &row) ||
	    !base64_decode(view_str(text), &message, err))
		return no_line(w, "it is no checkpoint, or was changed", err);
	if (w->known->ca_count == 0)
		return true;
	if (!checkpoint_verify(buf_view(&message), w->known->cas, w->known->ca_count, &c, err) ||
	    row != c.row)
		return no_line(w, "it is no checkpoint that the CA signed", err);
	if (!check_checkpoint(w, &c, err))
		return false;
	w->last = c;
	w->out->signed_row = c.row;
	w->out->signed_when = c.when;
	return true;
}

static bool
take_head(struct walk *w, const json_t *line, struct err *err)
{
	struct trail_head head;

	w->ended = true;
	if (json_object_size(line) != 1 || !read_head(json_object_get(line, "head"), &head))
		return no_line(w, "it is no head of the audit trail, or was changed", err);
	return trail_end(&w->out->head, &head, err);
}

static bool
take_line(struct walk *w, struct err *err)
{
	size_t len = strlen(w->line);
	OWNED(own_json) json_t *line = NULL;

	w->number++;
	if (w->ended)
		return no_line(w, "the export ended before it", err);
	if (len == 0 || w->line[len - 1] != '\n')
		return no_line(w, "it was cut off, or is too long", err);
	line = json_loadb(w->line, len, JSON_REJECT_DUPLICATES, NULL);
	if (json_object_get(line, "head") != NULL)
		return take_head(w, line, err);
	if (json_object_get(line, "checkpoint") != NULL)
		return take_checkpoint(w, line, err);
	return json_object_get(line, "from") != NULL ? take_from(w, line, err)
						     : take_record(w, line, err);
}

static bool
check_end(const struct walk *w, struct err *err)
{
	const struct trail_head *at = &w->out->head;

	if (!w->ended)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "what follows audit row %lld was cut off: the export has no head",
		    (long long)at->count);
	if (w->known->head != NULL && w->known->head->count > at->count)
		return err_set(err, CRYPT_E_HASH_VALUE,
		    "audit row %lld is missing: the head that is known is row %lld",
		    (long long)at->count + 1, (long long)w->known->head->count);
	return w->known->ca_count == 0 || w->out->signed_row > 0 || w->out->first == 0 ||
	       err_set(err, CRYPT_E_NOT_FOUND,
		   "the CA signed nothing of it: there is no checkpoint, or it was taken out");
}

bool
audit_export_verify(
    FILE *from, const struct audit_known *known, struct audit_export *out, struct err *err)
{
	OWNED(own_memory) char *line = mem_zero(LINE_MOST, 1);
	struct walk w = {.from = from, .line = line, .known = known, .out = out};

	*out = (struct audit_export){0};
	while (fgets(line, (int)LINE_MOST, from) != NULL)
		if (!take_line(&w, err))
			return false;
	if (ferror(from))
		return err_errno(err, DIRCA_E_IO, "the export");
	return check_end(&w, err);
}
