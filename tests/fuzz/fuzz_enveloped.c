/* An EnvelopedData from anybody, opened with keys that were made at the start: RSA and P-256. In
 * the preset "fuzz" no_pubkey.c stands for RSA and ECDH, so that whatever is decrypted gives a key
 * and the whole way is walked; elsewhere seeds are to other keys and end in NTE_BAD_DATA. */
#include "enveloped_keys.h"
#include "target.h"

int
target(const uint8_t *data, size_t size)
{
	set_up();
	open_with_all(view_of(data, size));
	return 0;
}
