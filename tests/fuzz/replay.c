/* Runs a fuzz target over every file of the folders and files that are named: the corpus as an
 * ordinary test. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned runs;

static void
replay_file(const char *path, size_t size)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data = malloc(size + 1);

	if (f == NULL || data == NULL || fread(data, 1, size, f) != size) {
		fprintf(stderr, "%s: cannot read\n", path);
		exit(1);
	}
	fclose(f);
	LLVMFuzzerTestOneInput(data, size);
	free(data);
	runs++;
}

static void
replay(const char *path)
{
	struct stat st;
	struct dirent *d;
	char child[4096];
	DIR *dir;

	if (stat(path, &st) != 0) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path, (size_t)st.st_size);
		return;
	}
	if ((dir = opendir(path)) == NULL) {
		perror(path);
		exit(1);
	}
	while ((d = readdir(dir)) != NULL)
		if (d->d_name[0] != '.') {
			snprintf(child, sizeof child, "%s/%s", path, d->d_name);
			replay(child);
		}
	closedir(dir);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	printf("%u inputs replayed\n", runs);
	return runs > 0 ? 0 : 1;
}
