/*
 * The vault's sandbox. After it closed, the process has its sockets, its folder, memory, random
 * numbers and the clock, and nothing else: no new sockets, no programs, no other files, no tracing.
 * Landlock where the kernel has it; seccomp always.
 */
#include "vault_priv.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "log.h"
#include "mem.h"
#include "own.h"

/* A file for each exchange key, and for each import key. */
#define SPARE_FDS (16 + 2 * VAULT_XCHG_MAX)

/* ---- memory and limits ---- */

static bool
set_limits(rlim_t fds, struct err *err)
{
	struct rlimit core = {0, 0}, files = {fds, fds};

	return (setrlimit(RLIMIT_CORE, &core) == 0 && setrlimit(RLIMIT_NOFILE, &files) == 0) ||
	       err_errno(err, DIRCA_E_INTERNAL, "the vault's limits could not be set");
}

/* Keys do not reach the swap. MCL_FUTURE only where no limit can make a later mmap fail. */
static void
lock_memory(void)
{
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	int flags = MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT;

	if (setrlimit(RLIMIT_MEMLOCK, &limit) != 0) {
		if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
			limit.rlim_cur = limit.rlim_max;
			setrlimit(RLIMIT_MEMLOCK, &limit);
		}
		if (limit.rlim_max != RLIM_INFINITY)
			flags = MCL_CURRENT | MCL_ONFAULT;
	}
	if (mlockall(flags) != 0)
		log_warn("vault memory not locked; raise RLIMIT_MEMLOCK", LOG_INT("errno", errno));
}

/* ---- Landlock ---- */

/* As of ABI 6; the header of Debian 12 ends before the last two. The kernel is told the size that
 * its version knows. */
struct ruleset {
	uint64_t access_fs;
	uint64_t access_net;
	uint64_t scoped;
};
#define FS_ABI_1    ((1ULL << 13) - 1)
#define FS_REFER    (1ULL << 13) /* ABI 2 */
#define FS_TRUNCATE (1ULL << 14) /* ABI 3 */
#define FS_IOCTL    (1ULL << 15) /* ABI 5 */
#define NET_ALL     3ULL         /* ABI 4: bind and connect */
#define SCOPE_ALL   3ULL         /* ABI 6: abstract sockets, signals */
#define FOLDER_ACCESS                                                      \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE |    \
	    LANDLOCK_ACCESS_FS_READ_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE | \
	    LANDLOCK_ACCESS_FS_MAKE_REG)

static int
make_ruleset(long abi)
{
	struct ruleset rules = {.access_fs = FS_ABI_1};
	size_t size = sizeof rules.access_fs;

	if (abi >= 2)
		rules.access_fs |= FS_REFER;
	if (abi >= 3)
		rules.access_fs |= FS_TRUNCATE;
	if (abi >= 5)
		rules.access_fs |= FS_IOCTL;
	if (abi >= 4) {
		rules.access_net = NET_ALL;
		size = offsetof(struct ruleset, scoped);
	}
	if (abi >= 6) {
		rules.scoped = SCOPE_ALL;
		size = sizeof rules;
	}
	return (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
}

static bool
restrict_files(const char *folder, struct err *err)
{
	long abi =
	    syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, LANDLOCK_CREATE_RULESET_VERSION);
	struct landlock_path_beneath_attr rule = {.allowed_access = FOLDER_ACCESS};
	OWNED(own_fd) int rules = -1;
	OWNED(own_fd) int parent = -1;

	if (abi < 1) {
		log_warn("this kernel has no Landlock; the vault's files are guarded by their "
			 "modes only",
		    LOG_INT("errno", errno));
		return true;
	}
	rules = make_ruleset(abi);
	rule.parent_fd = parent = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (rules == -1 || parent == -1 ||
	    syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0 ||
	    syscall(SYS_landlock_restrict_self, rules, 0) != 0)
		return err_errno(err, DIRCA_E_INTERNAL,
		    "%s: the vault could not be confined to its folder by Landlock", folder);
	return true;
}

bool
vault_sandbox_prepare(const char *folder, int highest_fd, struct err *err)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return err_errno(err, DIRCA_E_INTERNAL, "the vault could not give up privileges");
	lock_memory();
	return set_limits((rlim_t)highest_fd + SPARE_FDS, err) && restrict_files(folder, err);
}

/* ---- seccomp ---- */

static const int allowed[] = {
    /* sockets that are open, and the log */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(recvfrom),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendto),
    SCMP_SYS(sendmsg),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(shutdown),
    SCMP_SYS(close),
    /* exchange key files */
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(rename),
    SCMP_SYS(renameat),
    SCMP_SYS(renameat2),
    SCMP_SYS(link),
    SCMP_SYS(linkat),
    SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),
    /* memory */
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mlock),
    SCMP_SYS(mlock2),
    SCMP_SYS(munlock),
    /* threads: their end, not their beginning */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    /* random numbers and the clock */
    SCMP_SYS(getrandom),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(clock_nanosleep),
};

/* What a PKCS#11 module does beside: looks at its files again and locks them. */
static const int of_tokens[] = {
    SCMP_SYS(fcntl),
    SCMP_SYS(flock),
    SCMP_SYS(getdents64),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(statx),
    SCMP_SYS(stat),
    SCMP_SYS(lstat),
    SCMP_SYS(readlink),
    SCMP_SYS(ftruncate),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
};

/* Refused without killing: syslog(3) tries them when its daemon was restarted. */
static const int refused[] = {SCMP_SYS(socket), SCMP_SYS(connect)};

/* No code is made at run time. */
static int
allow_without_exec(scmp_filter_ctx filter, int call)
{
	return seccomp_rule_add(
	    filter, SCMP_ACT_ALLOW, call, 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

/* abort() and no other signal: out of memory ends the process as what it is. */
static int
allow_abort(scmp_filter_ctx filter)
{
	return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 2,
	    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0), SCMP_A2(SCMP_CMP_EQ, SIGABRT, 0));
}

static int
add_rules(scmp_filter_ctx filter, bool tokens)
{
	int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);

	for (size_t i = 0; i < COUNT_OF(allowed) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; tokens && i < COUNT_OF(of_tokens) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, of_tokens[i], 0);
	for (size_t i = 0; i < COUNT_OF(refused) && rc == 0; i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), refused[i], 0);
	if (rc == 0)
		rc = allow_without_exec(filter, SCMP_SYS(mmap));
	if (rc == 0)
		rc = allow_without_exec(filter, SCMP_SYS(mprotect));
	if (rc == 0)
		rc = allow_abort(filter);
	return rc;
}

bool
vault_sandbox_close(bool tokens, struct err *err)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = filter != NULL ? add_rules(filter, tokens) : -ENOMEM;

	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	errno = -rc;
	return rc == 0 || err_errno(err, DIRCA_E_INTERNAL,
			      "the vault's system call filter could not be loaded");
}
