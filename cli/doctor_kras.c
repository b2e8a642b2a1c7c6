#include "doctor_kras.h"

#include "own_json.h"
#include "print.h"
#include "text.h"

/* An older certificate of an agent need not be there beside the newest. */
static void
look_at_used(const json_t *kra, doctor_find *find, void *arg)
{
	const char *sha1 = json_text(kra, "certificate_hash");
	OWNED(own_memory) char *text = NULL, *cure = NULL;

	if (!json_is_true(json_object_get(kra, "counts")) ||
	    json_is_true(json_object_get(kra, "published")))
		return;
	text = text_printf("keys are sealed to %s (SHA-1 %s), which the directory does not name "
			   "as a key recovery agent of this CA",
	    json_text(kra, "subject"), sha1);
	cure = text_printf("`dirca kra publish FILE` with its certificate, which is kra/%s.crt in "
			   "the state folder on the CA's machine",
	    sha1);
	find(arg, text, cure);
}

/* Who writes the directory, or breaks into the service, has one there of his own: nobody is to
 * enable what this says. */
static void
look_at_named(const char *sha1, doctor_find *find, void *arg)
{
	OWNED(own_memory)
	char *text = text_printf("the directory names the certificate with SHA-1 %s as a key "
				 "recovery agent of this CA, whose KRA store does not have it: no "
				 "key is sealed to it",
	    sha1);
	OWNED(own_memory)
	char *cure = text_printf("`dirca kra unpublish %s`; or, if its holder brings it, on the "
				 "CA's machine `dirca kra add FILE`",
	    sha1);

	find(arg, text, cure);
}

/* All of them must have their keys still. */
static void
look_at_threshold(const json_t *status, doctor_find *find, void *arg)
{
	long long count = json_integer_value(json_object_get(status, "kra_cert_count"));
	long long together = json_integer_value(json_object_get(status, "kra_threshold"));
	OWNED(own_memory) char *text = NULL, *cure = NULL;

	if (together < 2 || together < count)
		return;
	text = text_printf("each key is opened by all of its %lld agents together: who loses his "
			   "key, or leaves with it, takes every key with him",
	    count);
	cure = text_printf("`dirca kra count %lld --threshold %lld` on the CA's machine, with one "
			   "agent more than open a key; of keys that are sealed already "
			   "`dirca archive coverage` tells",
	    count + 1, together);
	find(arg, text, cure);
}

static void
look_at_published(const json_t *status, doctor_find *find, void *arg)
{
	const json_t *one;
	size_t i;

	/* A stand-alone CA has no directory, and what was not read says nothing. */
	if (!json_is_true(json_object_get(status, "directory_fresh")) ||
	    !text_eq_nocase(json_text(status, "ca_type"), "enterprise"))
		return;
	json_array_foreach(json_object_get(status, "kras"), i, one) look_at_used(one, find, arg);
	json_array_foreach(json_object_get(status, "kras_not_stored"), i, one)
	    look_at_named(json_string_value(one), find, arg);
}

void
doctor_kras(const json_t *status, doctor_find *find, void *arg)
{
	look_at_threshold(status, find, arg);
	look_at_published(status, find, arg);
}
