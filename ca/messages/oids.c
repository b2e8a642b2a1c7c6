#include "oids.h"

#include <pthread.h>
#include <string.h>

#include <openssl/objects.h>

#include "own_openssl.h"

#define OCTETS_MAX 127 /* of an object identifier: of a text of 80 characters far fewer */

static const struct {
	const char *dotted;
	const char *short_name;
} table[OID_COUNT] = {
#define OID_ROW(name, dotted, sn) [name] = {dotted, sn},
    OIDS(OID_ROW)
#undef OID_ROW
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static int nids[OID_COUNT];
static struct view octets[OID_COUNT];
static bool complete;

/* The NID that OpenSSL has for a dotted number, newer versions of it know more of them; else a new
 * one. */
static int
register_one(const char *dotted, const char *short_name)
{
	ASN1_OBJECT *obj = OBJ_txt2obj(dotted, 1);
	int nid = obj != NULL ? OBJ_obj2nid(obj) : NID_undef;

	ASN1_OBJECT_free(obj);
	return nid != NID_undef ? nid : OBJ_create(dotted, short_name, short_name);
}

struct view
oid_object_octets(const ASN1_OBJECT *object)
{
	return object != NULL ? view_of(OBJ_get0_data(object), OBJ_length(object))
			      : (struct view){0};
}

struct view
oid_nid_octets(int nid)
{
	return oid_object_octets(OBJ_nid2obj(nid));
}

static void
register_all(void)
{
	bool all = true;

	for (size_t i = 0; i < OID_COUNT; i++) {
		nids[i] = register_one(table[i].dotted, table[i].short_name);
		all = all && nids[i] != NID_undef;
		if (nids[i] != NID_undef)
			octets[i] = oid_nid_octets(nids[i]);
	}
	complete = all;
}

bool
oids_init(struct err *err)
{
	if (pthread_once(&once, register_all) != 0 || !complete)
		return err_openssl(err, DIRCA_E_INTERNAL,
		    "object identifiers could not be registered with OpenSSL");
	return true;
}

int
oid_nid(enum oid_id id)
{
	return (unsigned)id < OID_COUNT ? nids[id] : NID_undef;
}

const char *
oid_dotted(enum oid_id id)
{
	return (unsigned)id < OID_COUNT ? table[id].dotted : NULL;
}

struct view
oid_octets(enum oid_id id)
{
	return (unsigned)id < OID_COUNT ? octets[id] : (struct view){0};
}

bool
oid_occurs(enum oid_id id, struct view der)
{
	struct view wanted = oid_octets(id);

	return memmem(der.ptr, der.len, wanted.ptr, wanted.len) != NULL;
}

/* One arc of 63 bits at most from the front of `octets`. */
static bool
take_arc(struct view *from, uint64_t *out)
{
	*out = 0;
	for (size_t i = 0; i < from->len && i < 9; i++) {
		*out = *out << 7 | (from->ptr[i] & 0x7f);
		if (from->ptr[i] < 0x80) {
			*from = view_of(from->ptr + i + 1, from->len - i - 1);
			return true;
		}
	}
	return false;
}

/* Behind what is there, with room for the NUL. */
static bool
put_arc(uint64_t arc, char *out, size_t size, size_t *used)
{
	char digits[20];
	size_t count = 0;

	do
		digits[count++] = (char)('0' + arc % 10);
	while ((arc /= 10) > 0);
	if (*used + (*used > 0) + count >= size)
		return false;
	if (*used > 0)
		out[(*used)++] = '.';
	while (count > 0)
		out[(*used)++] = digits[--count];
	out[*used] = '\0';
	return true;
}

static bool
put_arcs(struct view from, char *out, size_t size)
{
	uint64_t arc, first;
	size_t used = 0;

	if (!take_arc(&from, &arc))
		return false;
	first = arc < 80 ? arc / 40 : 2;
	if (!put_arc(first, out, size, &used) || !put_arc(arc - 40 * first, out, size, &used))
		return false;
	while (from.len > 0)
		if (!take_arc(&from, &arc) || !put_arc(arc, out, size, &used))
			return false;
	return true;
}

bool
oid_text(const ASN1_OBJECT *oid, char *out, size_t size)
{
	int len;

	if (put_arcs(oid_object_octets(oid), out, size))
		return true;
	/* An arc may be longer: a UUID is one (X.667). */
	len = OBJ_obj2txt(out, (int)size, oid, 1);
	return len > 0 && (size_t)len < size;
}

/* NULL: longer than any that has a name or fits a text. */
static ASN1_OBJECT *
object_of(struct view content)
{
	uint8_t der[2 + OCTETS_MAX] = {V_ASN1_OBJECT, (uint8_t)content.len};
	const uint8_t *p = der;

	if (content.len == 0 || content.len > OCTETS_MAX)
		return NULL;
	memcpy(der + 2, content.ptr, content.len);
	return d2i_ASN1_OBJECT(NULL, &p, (long)content.len + 2);
}

bool
oid_octets_text(struct view content, char *out, size_t size)
{
	OWNED(own_asn1_object) ASN1_OBJECT *oid = NULL;

	return put_arcs(content, out, size) ||
	       ((oid = object_of(content)) != NULL && oid_text(oid, out, size));
}

int
oid_octets_nid(struct view content)
{
	OWNED(own_asn1_object) ASN1_OBJECT *oid = object_of(content);

	return oid != NULL ? OBJ_obj2nid(oid) : NID_undef;
}
