#include "space.h"

#include <errno.h>
#include <string.h>

#include <sys/statvfs.h>

#include "ca_priv.h"
#include "clock.h"
#include "log.h"

/* For so long space that was there counts as there: what may be written in that time is far below
 * what low_space_mb leaves. */
#define LOOK_EVERY_MS 250

bool
ca_space(const struct ca *ca, struct ca_space *out, struct err *err)
{
	const struct config *config = ca->config;
	struct statvfs fs;

	*out = (struct ca_space){0};
	if (statvfs(config->state_dir, &fs) != 0)
		return err_set(err, DIRCA_E_IO, "the free space of %s cannot be read: %s",
		    config->state_dir, strerror(errno));
	out->free_mb = (int64_t)(fs.f_bavail / 1024 * fs.f_frsize / 1024);
	out->low = out->free_mb < config->low_space_mb;
	return true;
}

static bool
look(struct ca *ca, struct ca_space *out, struct err *err)
{
	int64_t now = clock_mono_ms();

	if (now - atomic_load(&ca->state->space_looked_at) < LOOK_EVERY_MS) {
		out->free_mb = atomic_load(&ca->state->space_free_mb);
		out->low = out->free_mb < ca->config->low_space_mb;
		return true;
	}
	if (!ca_space(ca, out, err))
		return false;
	atomic_store(&ca->state->space_free_mb, out->free_mb);
	atomic_store(&ca->state->space_looked_at, now);
	return true;
}

bool
ca_check_space(struct ca *ca, struct err *err)
{
	struct ca_space space;
	bool was_low;

	if (ca->config->low_space_mb == 0)
		return true;
	if (!look(ca, &space, err))
		return false;
	was_low = atomic_exchange(&ca->state->space_is_low, space.low);
	if (space.low && !was_low)
		log_error("low disk space: new requests are refused",
		    LOG_STR("folder", ca->config->state_dir), LOG_INT("free_mb", space.free_mb),
		    LOG_INT("low_space_mb", ca->config->low_space_mb));
	else if (was_low && !space.low)
		log_info("disk space again: new requests are taken",
		    LOG_STR("folder", ca->config->state_dir), LOG_INT("free_mb", space.free_mb));
	return !space.low ||
	       err_set(err, DIRCA_E_LOW_SPACE,
		   "the disk of the CA's state folder has %lld MB free, and below %lld MB "
		   "(low_space_mb of dircad.conf) new requests are refused; make room there",
		   (long long)space.free_mb, (long long)ca->config->low_space_mb);
}
