/* Why a server cannot be reached, which libldap says of an unknown host and of a closed port alike.
 */
#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_priv.h"
#include "mem.h"
#include "own.h"
#include "text.h"

#define LOOK_MS 500 /* who does not refuse at once does not refuse */

struct addresses {
	struct addrinfo *list;
};

static void
addresses_free(struct addresses *a)
{
	if (a->list != NULL)
		freeaddrinfo(a->list);
}

/* "636" of "ldaps://[::1]:636/", or the scheme's own. */
static char *
port_of(const char *uri)
{
	const char *host = strstr(uri, "://") + 3, *colon;
	bool tls = strncasecmp(uri, "ldaps:", 6) == 0;

	host += strcspn(host, "]/") * (*host == '[');
	if ((colon = strchr(host, ':')) == NULL || strspn(colon + 1, "0123456789") == 0)
		return mem_text(tls ? "636" : "389");
	return text_printf("%.*s", (int)strspn(colon + 1, "0123456789"), colon + 1);
}

/* 0, or errno of the connection. */
static int
try_address(const struct addrinfo *a)
{
	OWNED(own_fd)
	int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = {.fd = fd, .events = POLLOUT};
	int fault = 0;
	socklen_t len = sizeof fault;

	if (fd == -1 || connect(fd, a->ai_addr, a->ai_addrlen) == 0)
		return 0;
	if (errno != EINPROGRESS)
		return errno;
	if (poll(&p, 1, LOOK_MS) == 1)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &len);
	return fault;
}

char *
dir_conn_why_not(const char *uri)
{
	OWNED(own_memory) char *host = NULL, *port = NULL;
	OWNED(addresses_free) struct addresses found = {0};
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	int fault = 0;

	if (strncasecmp(uri, "ldapi:", 6) == 0)
		return mem_text("no directory server listens on that socket of this machine, or "
				"this user may not use it; check that it runs, and which socket it "
				"has");
	if ((host = text_url_host(view_str(uri))) == NULL)
		return NULL;
	port = port_of(uri);
	if (getaddrinfo(host, port, &hints, &found.list) != 0)
		return text_printf("no host of the name %s is known; check how it is spelled, and "
				   "the name service of this machine",
		    host);
	for (const struct addrinfo *a = found.list; a != NULL && fault == 0; a = a->ai_next)
		fault = try_address(a);
	return fault == ECONNREFUSED ? text_printf("no server listens on port %s of %s; check that "
						   "it runs, and on which port",
					   port, host)
				     : NULL;
}
