#include "oids.h"

#include <pthread.h>
#include <string.h>

#include <openssl/objects.h>

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

static void
register_all(void)
{
	bool all = true;

	for (size_t i = 0; i < OID_COUNT; i++) {
		nids[i] = register_one(table[i].dotted, table[i].short_name);
		all = all && nids[i] != NID_undef;
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

bool
oid_occurs(enum oid_id id, struct view der)
{
	const ASN1_OBJECT *object = OBJ_nid2obj(oid_nid(id));

	return memmem(der.ptr, der.len, OBJ_get0_data(object), OBJ_length(object)) != NULL;
}
