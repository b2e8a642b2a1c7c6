/*
 * For LD_PRELOAD: each program that begins adds its argument list and its environment, as /proc
 * shows them to others, to the file that EXEC_SHIM names.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static void
add(int to, const char *path)
{
	char bytes[65536];
	int from = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	while (from >= 0 && (n = read(from, bytes, sizeof bytes)) > 0)
		if (write(to, bytes, (size_t)n) != n)
			_exit(99);
	if (from >= 0)
		close(from);
	if (write(to, "\n", 1) != 1)
		_exit(99);
}

__attribute__((constructor)) static void
tell(void)
{
	const char *path = getenv("EXEC_SHIM");
	int to = path != NULL ? open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666) : -1;

	if (to < 0)
		return;
	add(to, "/proc/self/cmdline");
	add(to, "/proc/self/environ");
	close(to);
}
