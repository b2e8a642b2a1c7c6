# The first example of each manual page, for `dirca VERB --help`: lines {"ca-init", "# dirca ca init ..."}, of a table in C.
# A line that goes on behind a backslash is one with the next.
FNR == 1 { stem = FILENAME; sub(/.*\/dirca-/, "", stem); sub(/\.1$/, "", stem); found = 0; line = "" }
found { next }
line != "" { sub(/^[ \t]+/, ""); line = line $0 }
line == "" && /^[a-z0-9]*[$#] dirca / { line = $0; sub(/^[a-z0-9]*/, "", line) }
line == "" { next }
sub(/\\e$/, "", line) { next }
{
	words = line; sub(/^[$#] dirca /, "", words); gsub(/ /, "-", words)
	gsub(/\\e/, "\\", line); gsub(/\\&/, "", line)
	if (index(words "-", stem "-") == 1) {
		gsub(/\\/, "&&", line); gsub(/"/, "\\\"", line)
		printf "{\"%s\", \"%s\"},\n", stem, line
		found = 1
	}
	line = ""
}
