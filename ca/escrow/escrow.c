#include "escrow.h"

#include "escrow_priv.h"
#include "given.h"
#include "mem.h"

static bool
is_material(struct view file)
{
	return material_of(file) != MATERIAL_UNKNOWN;
}

/* The first that fits: formats of whole archives before those of single keys. */
static const struct {
	escrow_probe *probe;
	escrow_reader *read;
} readers[] = {
    {escrow_is_batch, escrow_read_batch},
    {recovery_is, escrow_read_recovery},
    {escrow_is_dogtag, escrow_read_dogtag},
    {is_material, escrow_read_material},
};

bool
escrow_read(
    struct view file, const struct escrow_with *with, struct escrow_items *out, struct err *err)
{
	*out = (struct escrow_items){0};
	if (file.len > ESCROW_FILE_MAX)
		return err_set(
		    err, DIRCA_E_TOO_LARGE, "the file has over %zu MiB", ESCROW_FILE_MAX >> 20);
	for (size_t i = 0; i < COUNT_OF(readers); i++)
		if (readers[i].probe(file)) {
			if (readers[i].read(file, with, out, err))
				return true;
			escrow_items_free(out);
			return given_failed(NULL, file, GIVEN_ESCROW, err);
		}
	err_set(err, ERROR_INVALID_DATA,
	    "the file is of no kind that is known here. A real export of Exchange's Key Management "
	    "Service cannot be read: its format was never published. Bring the keys as PKCS#12 "
	    "files, or as an escrow batch (dirca exportkms)");
	return given_failed(NULL, file, GIVEN_ESCROW, err);
}
