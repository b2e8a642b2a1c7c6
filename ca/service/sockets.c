/* Listening sockets of the service, and the descriptors that it needs. */
#include "service.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "mem.h"
#include "own.h"
#include "text.h"

/* Descriptors of a worker: vault, directory, database. And those of everything else. */
#define FILES_OF_WORKER 8
#define FILES_OF_REST   64

OWN_POINTER(own_addrinfo, struct addrinfo, freeaddrinfo)

static bool
bind_inet(const char *address, int *fd_out, struct err *err)
{
	struct addrinfo hints = {
	    .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
	OWNED(own_addrinfo) struct addrinfo *info = NULL;
	OWNED(own_memory) char *copy = mem_text(address);
	OWNED(own_fd) int fd = -1;
	char *host, *port;
	int one = 1;

	if (!text_split_address(copy, &host, &port) || getaddrinfo(host, port, &hints, &info) != 0)
		return err_set(
		    err, DIRCA_E_CONFIG, "listen = %s: not host:port of this machine", address);
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* Accepted sockets inherit TCP_NODELAY: without it an answer waits for the client's delayed
	 * acknowledgement. */
	if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) != 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
	    bind(fd, info->ai_addr, info->ai_addrlen) != 0)
		return err_errno(err, DIRCA_E_CONFIG, "listen = %s", address);
	*fd_out = fd;
	fd = -1;
	return true;
}

static bool
bind_local(const char *path, int *fd_out, struct err *err)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	OWNED(own_fd) int fd = -1;
	struct stat st;

	if (strlen(path) >= sizeof sun.sun_path)
		return err_set(err, DIRCA_E_CONFIG, "socket = %s: longer than %zu bytes", path,
		    sizeof sun.sun_path - 1);
	strcpy(sun.sun_path, path);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		unlink(path); /* left by a process that was killed */
	if ((fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) == -1 ||
	    bind(fd, (struct sockaddr *)&sun, sizeof sun) != 0 || chmod(path, 0666) != 0)
		return err_errno(err, DIRCA_E_CONFIG, "socket = %s", path);
	*fd_out = fd;
	fd = -1;
	return true;
}

bool
service_sockets_open(const struct config *config, struct service_sockets *out, struct err *err)
{
	*out = (struct service_sockets){.local = -1, .metrics = -1};
	for (; out->https_count < config->listen_count; out->https_count++)
		if (!bind_inet(
			config->listen[out->https_count], &out->https[out->https_count], err))
			return false;
	for (; out->http_count < config->http_listen_count; out->http_count++)
		if (!bind_inet(
			config->http_listen[out->http_count], &out->http[out->http_count], err))
			return false;
	if (config->metrics_listen != NULL &&
	    !bind_inet(config->metrics_listen, &out->metrics, err))
		return false;
	return config->socket == NULL || bind_local(config->socket, &out->local, err);
}

void
service_sockets_close(struct service_sockets *s)
{
	for (size_t i = 0; i < s->https_count; i++)
		close(s->https[i]);
	for (size_t i = 0; i < s->http_count; i++)
		close(s->http[i]);
	if (s->local != -1)
		close(s->local);
	if (s->metrics != -1)
		close(s->metrics);
	*s = (struct service_sockets){.local = -1, .metrics = -1};
}

bool
service_open_files(const struct config *config, struct err *err)
{
	unsigned long long rest =
	    (unsigned long long)config->workers * FILES_OF_WORKER + FILES_OF_REST;
	unsigned long long needed = (unsigned long long)config->max_connections + rest;
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return err_errno(err, DIRCA_E_CONFIG, "the limit of open files cannot be read");
	if (limit.rlim_max < needed)
		return err_set(err, DIRCA_E_CONFIG,
		    "max_connections = %d needs %llu open files, and the hard limit of this "
		    "process "
		    "is %llu: raise it (LimitNOFILE of the systemd unit, or ulimit -Hn), or set "
		    "max_connections to %lld at most",
		    config->max_connections, needed, (unsigned long long)limit.rlim_max,
		    (long long)limit.rlim_max - (long long)rest);
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
		return err_errno(err, DIRCA_E_CONFIG, "the limit of open files cannot be raised");
	return true;
}
