/*
 * The supervisor. Vault and front are this program again with another role (exec gives each a
 * memory layout of its own and nothing of the other's); they get their sockets as inherited
 * descriptors. One of them dead means both are started again: the vault's keys are on disk, the
 * front's state in the database, and a half-connected pair would be a third state to reason about.
 */
#include "service.h"
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "file.h"
#include "kra_policy.h"
#include "kra_store.h"
#include "kra_upgrade.h"
#include "log.h"
#include "mem.h"
#include "notify.h"
#include "own.h"
#include "pkix.h"
#include "state_lock.h"
#include "text.h"
#include "trust.h"
#include "vault.h"

/* The sanitizers' run-time needs system calls that the vault's sandbox ends a process for. */
#ifdef DIRCA_SANITIZED
#define SANDBOX_POSSIBLE false
#else
#define SANDBOX_POSSIBLE true
#endif

#define KRA_RETRY_MS 10000
/* Between the end of a pair and the next; twice as long after each that never answered. */
#define RESTART_DELAY_MS 500
/* A request to the vault takes milliseconds, but for a large CRL and a new exchange key. */
#define VAULT_CALL_S    30
#define VAULT_CONTROL_S 4
/* SIGTERM ends the service within 20 s: what has not ended by then is killed. With what a request
 * on the control socket may take before. */
#define STOP_MS 14000
/* Neither process waits for disk, directory or clients where it answers the supervisor. */
#define HANG_MS 10000
#define PING_MS 3000
/* Until it answers for the first time: keys are decrypted, a database is migrated. */
#define START_MS 600000
#define LOOK_MS  1000

struct supervisor {
	const struct config *config;
	const char *config_path;
	struct service_sockets sockets;
	pid_t vault, front;
	int control; /* to the vault */
	int beat;    /* from the front */
	bool ready;  /* the front has answered since it was started */
	bool worked; /* a front has, at any time */
	bool pinged; /* and the vault has not answered yet */
	int64_t started_ms, heard_ms, pinged_ms;
	sigset_t while_waiting; /* what is not blocked then */
	int64_t kras_due_ms;    /* when the KRAs are to be read without being told to */
};

static volatile sig_atomic_t want_stop, want_reload;

static void
on_signal(int number)
{
	if (number == SIGHUP)
		want_reload = 1;
	else if (number != SIGCHLD)
		want_stop = 1;
}

/* ---- descriptors of a child ---- */

bool
child_fds_parse(const char *text, struct child_fds *out)
{
	OWNED(own_memory) char *copy = mem_text(text);
	char *rest = copy, *word;
	int64_t n;

	*out = (struct child_fds){0};
	while ((word = strsep(&rest, ",")) != NULL) {
		if (out->count == COUNT_OF(out->list) || !text_to_int(word, -1, 4096, &n))
			return false;
		out->list[out->count++] = (int)n;
	}
	return out->count > 0;
}

static bool
fds_text(const struct child_fds *fds, char *out, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < fds->count; i++) {
		int n = snprintf(out + used, size - used, "%s%d", i > 0 ? "," : "", fds->list[i]);

		if (n < 0 || (size_t)n >= size - used)
			return false;
		used += (size_t)n;
	}
	return true;
}

static bool
fds_add(struct child_fds *fds, int fd)
{
	if (fds->count == COUNT_OF(fds->list))
		return false;
	fds->list[fds->count++] = fd;
	return true;
}

/* In the child: keeps the listed descriptors over exec, dies with the supervisor, runs this program
 * in its role. */
static void
exec_child(const struct supervisor *s, const char *role, const struct child_fds *fds, pid_t parent)
{
	sigset_t none;
	char role_option[32], fds_option[8 + 6 * CHILD_FDS_MAX] = "--fds=";

	snprintf(role_option, sizeof role_option, "--role=%s", role);
	if (!fds_text(fds, fds_option + strlen(fds_option), sizeof fds_option - strlen(fds_option)))
		_exit(1);
	for (size_t i = 0; i < fds->count; i++)
		if (fds->list[i] >= 0)
			fcntl(fds->list[i], F_SETFD, 0);
	/* The supervisor's blocked signals would stay blocked over exec. */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent)
		_exit(1);
	execl("/proc/self/exe", "dircad", "-c", s->config_path, role_option, fds_option,
	    (char *)NULL);
	_exit(1);
}

static pid_t
start_child(const struct supervisor *s, const char *role, const struct child_fds *fds)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		exec_child(s, role, fds, parent);
	return pid;
}

/* front: https count, http count, the sockets, the Unix socket, that of metrics, the beat, the
 * vault sockets. vault: control, the vault sockets. */
int
child_front(const struct config *config, const struct child_fds *fds)
{
	struct service_sockets sockets = {.local = -1, .metrics = -1};
	size_t at = 2;
	struct err err;
	int beat;

	if (fds->count < 3 || fds->list[0] < 0 || fds->list[1] < 0)
		return 1;
	sockets.https_count = (size_t)fds->list[0];
	sockets.http_count = (size_t)fds->list[1];
	if (sockets.https_count > CONFIG_LIST_MAX || sockets.http_count > CONFIG_LIST_MAX ||
	    fds->count < at + sockets.https_count + sockets.http_count + 5)
		return 1;
	for (size_t i = 0; i < sockets.https_count; i++)
		sockets.https[i] = fds->list[at++];
	for (size_t i = 0; i < sockets.http_count; i++)
		sockets.http[i] = fds->list[at++];
	sockets.local = fds->list[at++];
	sockets.metrics = fds->list[at++];
	beat = fds->list[at++];
	if (!service_become(config->user, &err)) {
		log_error("the CA cannot start", LOG_REASON(&err));
		return 1;
	}
	return service_run(config, &sockets, beat, fds->list + at, fds->count - at);
}

int
child_vault(const struct config *config, const struct child_fds *fds)
{
	OWNED(own_memory) char *folder = config_path(config, "vault");
	OWNED(own_memory) char *crt = config_path(config, "ca.crt");
	struct vault_config vc = {.folder = folder,
	    .ca_certificate = crt,
	    .state_dir = config->state_dir,
	    .passphrase_file = config->passphrase_file,
	    .fds = fds->list + 1,
	    .fd_count = fds->count - 1,
	    .control_fd = fds->list[0],
	    .sandbox = config->sandbox && SANDBOX_POSSIBLE,
	    .kinds = config->kinds,
	    .extensions = {config->officer_extensions, config->officer_extension_count},
	    .kra_minimum = (size_t)config->kra_minimum,
	    .allow_same_holder = config->allow_same_holder,
	    .floor = archive_floor_of_root(config),
	    .pkcs8 = config->archive_pkcs8,
	    .failures_requester = (uint32_t)config->archive_failures_requester,
	    .failures_key = (uint32_t)config->archive_failures_key,
	    .suspend_s = config->archive_suspend_s,
	    .xchg_uri = config->exchange_key_uri,
	    .xchg_fallback = config->exchange_key_fallback};
	struct err err;

	signal(SIGTERM, SIG_IGN); /* it ends when its control socket does: after the front */
	signal(SIGHUP, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	if (!service_become(config->vault_user, &err)) {
		log_error("the vault cannot start", LOG_REASON(&err));
		return 1;
	}
	return vault_run(&vc);
}

/* ---- the pair ---- */

/* What goes to the vault, as a list to give and to free. */
struct kra_list {
	struct kra_policy policy;
	struct buf *store;
	size_t store_count;
	size_t missing;       /* that are enabled, and not in the store */
	struct view *enabled; /* of `store` */
	enum cms_reader *readers;
	size_t enabled_count;
	struct pkix_certs issuers; /* beside this CA */
};

static void
kra_list_free(struct kra_list *k)
{
	kra_policy_free(&k->policy);
	kra_store_free(&k->store, k->store_count);
	pkix_certs_free(&k->issuers);
	free(k->enabled);
	free(k->readers);
}

/* What is wrong with them the front tells by events. */
static void
log_kras(const struct kra_list *k, size_t usable)
{
	log_info("KRAs given to the vault", LOG_INT("enabled", (int64_t)k->enabled_count),
	    LOG_INT("missing", (int64_t)k->missing), LOG_INT("usable", (int64_t)usable),
	    LOG_INT("count", (int64_t)k->policy.count),
	    LOG_INT("threshold", (int64_t)kra_policy_threshold(&k->policy)));
}

/* Those of the store that root enabled. */
static void
take_enabled(struct kra_list *k)
{
	size_t found = 0;

	k->enabled = mem_zero(k->store_count, sizeof *k->enabled);
	k->readers = mem_zero(k->store_count, sizeof *k->readers);
	for (size_t i = 0; i < k->store_count; i++) {
		OWNED(pkix_cert_free) struct pkix_cert kra = {0};
		const struct kra_policy_kra *enabled;
		struct err ignored;

		if (!pkix_cert_decode(buf_view(&k->store[i]), &kra, &ignored) ||
		    (enabled = kra_policy_find(&k->policy, kra.sha256)) == NULL)
			continue;
		found++;
		if (k->enabled_count == KRA_ENABLED_MAX)
			continue;
		k->readers[k->enabled_count] = enabled->reader;
		k->enabled[k->enabled_count++] = buf_view(&k->store[i]);
	}
	k->missing = found < k->policy.enabled_count ? k->policy.enabled_count - found : 0;
}

static bool
read_kras(const struct config *config, struct kra_list *k, struct err *err)
{
	if (!kra_upgrade(config, err) || !kra_policy_read(config, &k->policy, err) ||
	    !kra_store_list(config, &k->store, &k->store_count, NULL, err) ||
	    !trust_kra_issuers_read(config->state_dir, &k->issuers, err))
		return false;
	take_enabled(k);
	return true;
}

/* What passes by itself takes no KRA away; a list that is not what root wrote takes all. */
static bool
passes(enum err_code code)
{
	return code == DIRCA_E_IO || code == E_OUTOFMEMORY || code == DIRCA_E_DATABASE;
}

/* Their issuers first: the vault judges the list by them. */
static bool
give_list(struct supervisor *s, const struct kra_list *k, size_t *usable_out, struct err *err)
{
	OWNED(own_memory) struct view *issuers = trust_views(&k->issuers);

	return vault_set_kra_issuers(s->control, issuers, k->issuers.count, err) &&
	       vault_set_kras(s->control, k->policy.count, kra_policy_threshold(&k->policy),
		   k->enabled, k->readers, k->enabled_count, usable_out, err);
}

static bool
give_kras(struct supervisor *s, struct err *err)
{
	OWNED(kra_list_free) struct kra_list k = {0};
	size_t usable = 0;

	s->kras_due_ms = INT64_MAX;
	if (!read_kras(s->config, &k, err)) {
		bool keep = passes(err->code);

		log_error(keep ? "the KRAs cannot be read now; the vault keeps those that it has"
			       : "the KRAs cannot be read; no key is archived",
		    LOG_REASON(err));
		s->kras_due_ms = clock_mono_ms() + KRA_RETRY_MS;
		return keep || vault_set_kras(s->control, 0, 1, NULL, NULL, 0, &usable, err);
	}
	if (!give_list(s, &k, &usable, err))
		return false;
	log_kras(&k, usable);
	return true;
}

static bool
make_pairs(size_t count, struct child_fds *front, struct child_fds *vault, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
			return err_errno(
			    err, DIRCA_E_INTERNAL, "socket pairs between front and vault");
		if (!vault_limit(pair[0], VAULT_CALL_S, err))
			return false;
		if (!fds_add(front, pair[0]) || !fds_add(vault, pair[1]))
			return err_set(err, DIRCA_E_CONFIG, "too many sockets and workers");
	}
	return true;
}

/* Closes those behind the first `kept`. */
static void
close_from(struct child_fds *fds, size_t kept)
{
	while (fds->count > kept)
		close(fds->list[--fds->count]);
}

/* For LOOK_MS at most, or until a signal or the descriptor says something. */
static void
look_at(const struct supervisor *s, int fd, int64_t ms)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	const struct timespec at_most = clock_timespec(ms);

	(void)ppoll(&p, fd != -1 ? 1 : 0, &at_most, &s->while_waiting);
}

/* It answers when it has read its keys. */
static bool
wait_for_vault(struct supervisor *s, struct err *err)
{
	enum vault_pong pong = VAULT_SILENT;

	if (!vault_limit(s->control, VAULT_CONTROL_S, err) || !vault_ping(s->control, err))
		return false;
	while (!want_stop && (pong = vault_ponged(s->control)) == VAULT_SILENT &&
	       clock_mono_ms() - s->started_ms < START_MS)
		look_at(s, s->control, LOOK_MS);
	return pong == VAULT_ANSWERED ||
	       err_set(err, DIRCA_E_VAULT, "the vault does not answer; see its log");
}

/* Whatever the configuration says: the vault's sockets; listeners and how many, the Unix socket,
 * that of metrics, the beat. */
_Static_assert(1 + CONFIG_WORKERS_MAX * SERVICE_WORKER_THREADS + SERVICE_OCSP_WORKERS + 1 +
		       2 * (CONFIG_LIST_MAX + 1) + 3 <=
		   CHILD_FDS_MAX,
    "CHILD_FDS_MAX");

/* Of the front: housekeeping, each thread of a worker, OCSP, metrics where they are served. */
static size_t
vault_sockets(const struct supervisor *s)
{
	return 1 + (size_t)s->config->workers * SERVICE_WORKER_THREADS + SERVICE_OCSP_WORKERS +
	       (s->sockets.metrics != -1);
}

/* The children's ends are in the lists, which the caller closes. */
static bool
start_both(struct supervisor *s, struct child_fds *front, struct child_fds *vault, struct err *err)
{
	if (!make_pairs(vault_sockets(s), front, vault, err))
		return false;
	s->started_ms = clock_mono_ms();
	s->vault = start_child(s, "vault", vault);
	/* Only the vault holds its ends from here on: its death is an end of file for whoever waits
	 * for it. */
	close_from(vault, 0);
	if (s->vault == -1)
		return err_errno(err, DIRCA_E_INTERNAL, "the vault process could not be started");
	if (!wait_for_vault(s, err) || !give_kras(s, err))
		return false;
	s->heard_ms = clock_mono_ms();
	s->front = start_child(s, "front", front);
	return s->front != -1 ||
	       err_errno(err, DIRCA_E_INTERNAL, "the front process could not be started");
}

/* What the front gets beside its vault sockets. */
static void
front_fds(const struct supervisor *s, int beat, struct child_fds *out)
{
	fds_add(out, (int)s->sockets.https_count);
	fds_add(out, (int)s->sockets.http_count);
	for (size_t i = 0; i < s->sockets.https_count; i++)
		fds_add(out, s->sockets.https[i]);
	for (size_t i = 0; i < s->sockets.http_count; i++)
		fds_add(out, s->sockets.http[i]);
	fds_add(out, s->sockets.local);
	fds_add(out, s->sockets.metrics);
	fds_add(out, beat);
}

static bool
start_pair(struct supervisor *s, struct err *err)
{
	struct child_fds front = {0}, vault = {0};
	int control[2] = {-1, -1}, beat[2] = {-1, -1};
	size_t shared;
	bool ok;

	s->ready = s->pinged = false;
	if (!service_sockets_open(s->config, &s->sockets, err))
		return false;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) != 0 ||
	    pipe2(beat, O_CLOEXEC | O_NONBLOCK) != 0)
		return err_errno(err, DIRCA_E_INTERNAL, "sockets to vault and front");
	s->control = control[0];
	s->beat = beat[0];
	fds_add(&vault, control[1]);
	front_fds(s, beat[1], &front);
	shared = front.count;
	ok = start_both(s, &front, &vault, err);
	close_from(&front, shared);
	close_from(&vault, 0);
	close(beat[1]);
	return ok;
}

/* SIGTERM, and at `deadline_ms` SIGKILL: a directory or a disk that hangs must not keep the machine
 * from stopping. */
static bool
end_child(pid_t pid, int64_t deadline_ms)
{
	struct timespec pause = {0, 20000000L};
	int status = 0;

	kill(pid, SIGTERM);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_mono_ms() > deadline_ms) {
			log_error(
			    "a process did not end and was killed", LOG_INT("pid", (int64_t)pid));
			kill(pid, SIGKILL);
			deadline_ms = INT64_MAX;
		}
		nanosleep(&pause, NULL);
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
		log_error("a process did not end in good order", LOG_INT("pid", (int64_t)pid),
		    LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
		    LOG_INT("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
		return false;
	}
	return true;
}

static void
close_one(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/* Front first, so that no answer is lost; then the vault, by closing its control socket. */
static bool
stop_pair(struct supervisor *s)
{
	int64_t deadline_ms = clock_mono_ms() + STOP_MS;
	bool clean = true;

	/* Clients that come now are refused, and go elsewhere. */
	service_sockets_close(&s->sockets);
	if (s->front > 0)
		clean = end_child(s->front, deadline_ms - STOP_MS / 10);
	close_one(&s->control);
	if (s->vault > 0)
		clean = end_child(s->vault, deadline_ms) && clean;
	close_one(&s->beat);
	s->front = s->vault = -1;
	return clean;
}

static void
reload(struct supervisor *s)
{
	struct err err;

	want_reload = 0;
	if (!give_kras(s, &err))
		log_error("the vault keeps the old KRAs", LOG_REASON(&err));
	kill(s->front, SIGHUP);
}

/* What the front said since it was last listened to. */
static void
hear_front(struct supervisor *s, int64_t now)
{
	char said[64];
	ssize_t n = read(s->beat, said, sizeof said);

	if (n <= 0)
		return;
	s->heard_ms = now;
	if (!s->ready && memchr(said, FRONT_READY, (size_t)n) != NULL) {
		s->ready = s->worked = true;
		notify("READY=1\nSTATUS=ready");
	}
}

/* False: it does not answer. */
static bool
ping_vault(struct supervisor *s, int64_t now)
{
	struct err err;

	if (s->pinged) {
		enum vault_pong pong = vault_ponged(s->control);

		s->pinged = pong == VAULT_SILENT;
		return pong == VAULT_ANSWERED ||
		       (pong == VAULT_SILENT && now - s->pinged_ms < HANG_MS);
	}
	if (now - s->pinged_ms < PING_MS)
		return true;
	s->pinged_ms = now;
	return s->pinged = vault_ping(s->control, &err);
}

/* NULL, or which of the two has not answered for too long. */
static pid_t *
hanging(struct supervisor *s)
{
	int64_t now = clock_mono_ms();

	hear_front(s, now);
	if (!ping_vault(s, now))
		return &s->vault;
	return now - s->heard_ms > (s->ready ? HANG_MS : START_MS) ? &s->front : NULL;
}

/* A child that died; NULL: none did. */
static pid_t *
reap(struct supervisor *s, int *status)
{
	pid_t dead = waitpid(-1, status, WNOHANG);

	if (dead <= 0)
		return NULL;
	return dead == s->front ? &s->front : dead == s->vault ? &s->vault : NULL;
}

/* Waits until a child dies or hangs, or a signal says stop; true: the pair is to be started again.
 */
static bool
watch(struct supervisor *s)
{
	pid_t *child;
	int status;

	while (!want_stop) {
		/* The control socket is for one at a time. */
		if ((want_reload || clock_mono_ms() >= s->kras_due_ms) && !s->pinged)
			reload(s);
		if ((child = reap(s, &status)) != NULL) {
			log_error("a process died; starting vault and front again",
			    LOG_STR("process", child == &s->front ? "front" : "vault"),
			    LOG_INT("signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0),
			    LOG_INT("status", WIFEXITED(status) ? WEXITSTATUS(status) : 0));
			*child = -1;
			return true;
		}
		if ((child = hanging(s)) != NULL) {
			log_error("a process does not answer; starting vault and front again",
			    LOG_STR("process", child == &s->front ? "front" : "vault"));
			kill(*child, SIGKILL);
			return true;
		}
		notify("WATCHDOG=1");
		look_at(s, s->beat, LOOK_MS);
	}
	return false;
}

/* A file that stays would have `dirca kra add` signal whoever gets the number next. */
static void
remove_pid_file(const struct config *config)
{
	OWNED(own_memory) char *path = config_path(config, "dircad.pid");

	unlink(path);
}

static void
write_pid_file(const struct config *config)
{
	OWNED(own_memory) char *path = config_path(config, "dircad.pid");
	OWNED(own_memory) char *text = text_printf("%ld\n", (long)getpid());
	struct err err;

	if (!file_replace(path, view_str(text), 0644, &err))
		log_warn("no pid file", LOG_STR("path", path));
}

static void
set_signals(sigset_t *while_waiting)
{
	struct sigaction action = {.sa_handler = on_signal};
	const int numbers[] = {SIGTERM, SIGINT, SIGHUP, SIGCHLD};
	sigset_t block;

	sigemptyset(&block);
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		sigaction(numbers[i], &action, NULL);
		sigaddset(&block, numbers[i]);
	}
	sigprocmask(SIG_BLOCK, &block, while_waiting);
	for (size_t i = 0; i < COUNT_OF(numbers); i++)
		sigdelset(while_waiting, numbers[i]);
	signal(SIGPIPE, SIG_IGN);
}

/* One life of the two; true: another is wanted. Where not even the vault comes up, nor a socket,
 * the first start is the last. */
static bool
run_pair(struct supervisor *s, bool *clean_out)
{
	bool again = true;
	struct err err;

	notify("STATUS=starting");
	if (start_pair(s, &err)) {
		again = watch(s);
	} else if (!want_stop) {
		log_error("vault and front could not be started", LOG_REASON(&err));
		again = s->worked;
	}
	if (want_stop)
		notify("STOPPING=1");
	*clean_out = stop_pair(s);
	return again && !want_stop;
}

/* Pairs that answered once are started again whatever becomes of them; those that never do, so many
 * times in a row. */
static bool
run_pairs(struct supervisor *s)
{
	int failures = 0;
	bool clean;

	while (run_pair(s, &clean)) {
		int64_t until;

		failures = s->ready ? 0 : failures + 1;
		if (failures == SUPERVISOR_STARTS) {
			log_error("the CA could not be started; the lines above say why",
			    LOG_INT("tries", failures));
			return false;
		}
		until = clock_mono_ms() + ((int64_t)RESTART_DELAY_MS << failures);
		for (int64_t now; !want_stop && (now = clock_mono_ms()) < until;)
			look_at(s, -1, until - now);
	}
	return clean;
}

int
supervisor_run(const struct config *config, const char *path)
{
	struct supervisor s = {.config = config,
	    .config_path = path,
	    .sockets = {.local = -1, .metrics = -1},
	    .vault = -1,
	    .front = -1,
	    .control = -1,
	    .beat = -1};
	OWNED(own_fd) int lock = -1;
	struct err err;
	bool clean;

	set_signals(&s.while_waiting);
	if (!service_open_files(config, &err) || !state_lock(config, &lock, &err)) {
		log_error("the CA cannot start", LOG_REASON(&err));
		return 1;
	}
	write_pid_file(config);
	clean = run_pairs(&s);
	remove_pid_file(config);
	if (config->socket != NULL)
		unlink(config->socket);
	return want_stop && clean ? 0 : 1;
}
