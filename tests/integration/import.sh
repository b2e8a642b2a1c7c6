#!/usr/bin/env bash
# Keys of elsewhere: certificates of another CA and of version 1, a folder with a list of passwords, whose they are and who may bring and
# recover them, a run that is killed and goes on. usage: import.sh (KEYS=20000: the long run; see tests/bench/README.md)
# shellcheck disable=SC2016,SC2317 # words for eval; the functions are called through check
set -u
here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source-path=SCRIPTDIR source=../support/ca_lab.sh
. "$here/../support/ca_lab.sh"
# shellcheck source-path=SCRIPTDIR source=../support/checks.sh
. "$here/../support/checks.sh"

KEYS=${KEYS:-60} # no fewer
dir=$(mktemp -d /tmp/dirca-import.XXXXXX)
finish() {
	ca_lab_stop
	checks_clean "$dir"
}
checks_begin "$dir"
trap finish EXIT

check "a CA" ca_lab_start "$dir" scram
[ "$CHECKS_BAD" -eq 0 ] && check "two KRAs" ca_lab_kras 2
[ "$CHECKS_BAD" -eq 0 ] || { checks_end; exit 1; }
check "another CA" ca_lab_parent 100
echo pw >"$dir/pw" && chmod 600 "$dir/pw"
officer() { ca_lab_as "${OFFICER:-officer1}" "$@"; }
bring() { officer importkms --source-password-file "$dir/pw" "$@"; }
rows() { sqlite3 "$CA_STATE/dirca.db" "SELECT count(*) FROM Request WHERE $1"; }

# foreign NAME USER: NAME.p12 with a key of that user, by the other CA
foreign() {
	(
		cd "$dir" || exit 1
		printf 'subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:%s@nwtraders.com\nkeyUsage=keyEncipherment\n' "$2" >"$1.ext"
		openssl req -newkey rsa:2048 -nodes -keyout "$1.key" -subj "/CN=$1" -out "$1.csr" &&
			openssl x509 -req -in "$1.csr" -CA parent.crt -CAkey parent.key -CAcreateserial -days 50 -extfile "$1.ext" -out "$1.crt" &&
			openssl pkcs12 -export -in "$1.crt" -inkey "$1.key" -passout file:pw -out "$1.p12"
	) 2>/dev/null
}
for name in one two; do check "a key of elsewhere" foreign "$name" user1; done
check "and one of an engineer" foreign three user3

# ---- rules ----
check "without a certificate to encrypt to nothing is brought" refuses DIRCA_E_XCHG_CERT bring -f "$dir/one.p12"
check "which officers do not make" refuses E_ACCESSDENIED officer import certificate new
check "an administrator does" ca_lab_as caadmin import certificate new --days 1 --out "$dir/import.crt"
check "officers see it" says '-Import' officer import certificate show
refused_report() {
	local status=0
	bring "$@" >"$dir/report" || status=$?
	[ $status -eq 1 ] && diff "$dir/report" - <<-'END'
		CertUtil: Invalid Signature.
		CertUtil: Invalid Signature.

		Users: 2

		Certificates with keys: 2
		Certificates not imported: 2

		Keys: 2
		Keys not archived: 2
		CertUtil: -ImportKMS command completed successfully.
	END
}
check "certificates of others are not taken" refused_report -f "$dir/one.p12" "$dir/three.p12"
check "before root says so" eval 'ca_lab_dircad_stop && echo "kra_flags = KRAF_ENABLEFOREIGN" >>"$DIRCAD_CONF" && ca_lab_dircad_start'
check "nor then without a word" refused_report "$dir/one.p12" "$dir/three.p12"
check "nothing is there" test "$(rows 'Disposition = 12')" -eq 0
report() {
	bring "$@" >"$dir/report" && diff "$dir/report" - <<-'END'
		....

		Users: 2

		Certificates with keys: 2
		Foreign certificates imported: 2
		Certificates imported: 2

		Keys: 2
		Keys archived: 2
		CertUtil: -ImportKMS command completed successfully.
	END
}
check "with it they are imported" report -f "$dir/one.p12" "$dir/three.p12"
check "and again are there" says 'Keys archived before: 2' bring -f "$dir/one.p12" "$dir/three.p12"
check "as foreign ones of their owners" test "$(rows "Disposition = 12 AND HasArchivedKey = 1 AND RequesterName IN ('NWTRADERS\\user1', 'NWTRADERS\\user3') AND CallerName = 'NWTRADERS\\officer1'")" -eq 2
recovered() { # OFFICER NAME TOKEN: the key of NAME.p12, opened by a KRA
	rm -f "$dir/$2.rec"
	OFFICER=$1 officer getkey "$3" "$dir/$2.rec" && { [ -f "$dir/$2-again.p12" ] || openssl pkcs12 -export -in "$dir/$2.crt" \
		-inkey "$dir/$2.key" -passout "file:$(ca_lab_pass)" -out "$dir/$2-again.p12"; } && ca_lab_opens "$dir/$2.rec" "$dir/kra1.pfx" "$dir/$2-again.p12"
}
check "the key is found by UPN and recovered" recovered officer1 one user1@nwtraders.com

numbered() { # NAME: another key with the serial number of the first
	foreign "$1" user1 && openssl x509 -req -in "$dir/$1.csr" -CA "$dir/parent.crt" -CAkey "$dir/parent.key" -days 50 -extfile "$dir/$1.ext" \
		-set_serial "0x$(ca_lab_serial_of "$dir/one.crt")" -out "$dir/$1.crt" 2>/dev/null &&
		openssl pkcs12 -export -in "$dir/$1.crt" -inkey "$dir/$1.key" -passout "file:$dir/pw" -out "$dir/$1.p12" && bring -f "$dir/$1.p12"
}
by_case() { # the command that the case names, as it is typed
	local line
	line=$(officer case open "$(ca_lab_sha1 "$dir/copy.crt")" --reason damaged --ticket T-1 | sed -n 's/^  dirca \(getkey .*\)/\1/p') &&
		openssl pkcs12 -export -in "$dir/copy.crt" -inkey "$dir/copy.key" -passout "file:$(ca_lab_pass)" -out "$dir/copy-again.p12" &&
		eval "officer ${line/--case/'"$dir/copy.rec"' --case}" && ca_lab_opens "$dir/copy.rec" "$dir/kra1.pfx" "$dir/copy-again.p12"
}
check "another CA gives a number again" numbered copy
check "a case names the key by its hash" by_case

# ---- officers ----
check "officer1 may act for Sales alone" eval 'ca_lab_as caadmin officer restrict && ca_lab_as caadmin officer remove 1 && ca_lab_as caadmin officer allow officer1 --for Sales && ca_lab_as caadmin officer allow officer2 --for Engineering'
hidden() { rm -f "$dir/hidden.rec" && refuses CERTSRV_E_RESTRICTEDOFFICER officer getkey user3@nwtraders.com "$dir/hidden.rec"; }
check "so the engineer's key is not his" ca_lab_eventually hidden
check "but that of his colleague" ca_lab_eventually recovered officer2 three user3@nwtraders.com
check "who may not have the other" eval '! OFFICER=officer2 officer getkey user1@nwtraders.com "$dir/x.rec"'
check "he brings none of an engineer" eval 'foreign four user3; bring -f "$dir/four.p12" 2>&1 | grep CERTSRV_E_RESTRICTEDOFFICER'
check "and one of Sales" says 'Keys archived: 1' bring -f "$dir/two.p12"
check "nobody is restricted any more" ca_lab_as caadmin officer restrict --off

# ---- a folder whose names, links and passwords somebody else chose ----
strange() {
	local name=$dir/strange/$'a\e[31m\nb\xff.p12' status=0
	mkdir -p "$dir/strange" && cp "$dir/one.p12" "$name" && ln -sf "$dir/two.p12" "$dir/strange/link.p12" && { [ -p "$dir/strange/pipe" ] ||
		mkfifo "$dir/strange/pipe"; } || return 1
	bring -f --json "$dir/strange" >"$dir/strange.json" 2>"$dir/strange.err" || status=$?
	[ $status -eq 1 ] && jq -e '(.items | length) == 1 and .problems == 2 and (.items[0].file | endswith("b\\xff.p12"))' "$dir/strange.json" &&
		[ "$(wc -l <"$dir/strange.err")" -eq 2 ] && grep 'link.p12: a symbolic link' "$dir/strange.err" && ! grep $'\e' "$dir/strange.err"
}
check "names of a folder stay names, and its links lead nowhere" strange
listed() { # USER
	printf 'one.p12,pw,%b\n' "$1" >"$dir/list" && officer importkms -f --password-list "$dir/list" "$dir/one.p12"
}
check "a list that holds a NUL is no list" refuses ERROR_INVALID_DATA listed 'user1\0@nwtraders.com'
check "nor one with a user who is not UTF-8" refuses ERROR_INVALID_DATA listed 'user1\xff'

# ---- a folder, killed and gone on with ----
make_folder() { "$DIRCA_BIN/make_keys" "$dir/many" "$KEYS" "$dir/parent.crt" "$dir/parent.key"; }
many() { officer importkms -f --password-list "$dir/many/passwords.csv" "$@" "$dir/many"; }
check "a folder of $KEYS keys of version 1" make_folder
version_1() { openssl pkcs12 -in "$dir/many/0.p12" -passin pass:p0,x -nokeys 2>/dev/null | openssl x509 -noout -text | grep 'Version: 1 '; }
check "such as Exchange issued" version_1
of_many() { rows "CommonName LIKE 'many%'"; }
# hold: nobody else writes the database until let_go, so that what is at work stays so. at_work: the vault has opened more keys than at hold.
opened() { cat "$CA_STATE"/vault/*.opened | wc -c; }
hold() {
	rm -f "$dir/held" "$dir/let-go"
	opened=$(opened)
	{
		printf '.timeout 20000\nBEGIN IMMEDIATE;\n.print held\n'
		until [ -e "$dir/let-go" ]; do sleep 0.05; done
		echo 'COMMIT;'
	} | sqlite3 -bail "$CA_STATE/dirca.db" >"$dir/held" 2>&1 &
	holder=$!
	ca_lab_eventually grep -qx held "$dir/held"
}
let_go() { touch "$dir/let-go" && wait "$holder"; }
at_work() { [ "$(opened)" -gt "$opened" ]; }
by_hand() { # STEPS ARGUMENT...: officer1's importkms, at a terminal
	HOME=$CA_LAB_DIR/home/officer1 "$here/../support/by_hand.py" "$1" -- "$DIRCA_BIN/dirca" importkms "${@:2}" >"$dir/seen"
}
stopped() { # Ctrl-C while keys are at work
	hold && by_hand "runs timeout 20 sh -c 'until [ \$(cat $CA_STATE/vault/*.opened | wc -c) -gt $opened ]; do sleep 0.1; done'
		interrupts
		runs touch $dir/let-go
		sees Certificates imported:
		sees -ImportKMS command was interrupted. The same command goes on.
		shows not successfully
		dies 2" -f --password-list "$dir/many/passwords.csv" "$dir/many"
	local status=$?
	let_go
	cat "$dir/seen"
	[ $status -eq 0 ] && grep -qx "Keys archived: $(of_many)." <(tr '\r' . <"$dir/seen") && [ "$(of_many)" -ge 1 ] && [ "$(of_many)" -le 4 ]
}
check "Ctrl-C lets what is at work be finished, and counted" stopped
asked() { # Ctrl-C where a password is asked for, behind two keys
	by_hand "sees Password of
		presses C
		sees \"complete\": false
		sees \"interrupted\": true
		sees \"keys_archived\": 2
		dies 2" -f --json --password-list "$dir/many/passwords.csv" "$dir/many/58.p12" "$dir/many/59.p12" "$dir/four.p12" "$dir/many/57.p12" &&
		[ "$(rows "CommonName = 'many57'"):$(rows "CommonName IN ('many58', 'many59')")" = 0:2 ]
}
check "and ends the question for a password" asked
killed() { # the importer dies while keys are at work
	local pid
	hold || return 1
	HOME=$CA_LAB_DIR/home/officer1 "$DIRCA_BIN/dirca" importkms -f --password-list "$dir/many/passwords.csv" "$dir/many" >"$dir/killed" 2>&1 &
	pid=$!
	ca_lab_eventually at_work && kill -9 $pid
	fails_with 137 wait $pid && let_go
}
check "the importer is killed" killed
ca_killed() { # while keys are at work
	hold || return 1
	many >"$dir/killed" 2>&1 &
	local pid=$!
	ca_lab_eventually at_work && ca_lab_dircad_kill
	let_go
	! wait $pid && ! grep successfully "$dir/killed" && grep DIRCA_E_NETWORK "$dir/killed" && ca_lab_dircad_start
}
check "the CA is" ca_killed
grows() { [ "$(of_many)" -gt "$1" ]; }
# The long run: the CA is killed at any moment of the import. Its figures stand in tests/bench/README.md.
ca_killed_later() {
	local before
	before=$(of_many)
	many >"$dir/killed" 2>&1 &
	local pid=$!
	ca_lab_eventually grows $((before + KEYS / 40)) && sleep "$((SRANDOM % 3)).$((SRANDOM % 900 + 100))" && ca_lab_dircad_kill
	! wait $pid && echo "$(of_many) are there" && ca_lab_dircad_start
}
for ((round = 1; KEYS >= 10000 && round <= 5; round++)); do check "the CA is killed at random, $round" ca_killed_later; done
some=$(of_many)
goes_on() {
	local began
	began=$(now_ms)
	many --json >"$dir/many.json" && jq -e ".keys == $KEYS and .keys_archived + .keys_archived_before == $KEYS and .keys_archived_before == $some and .keys_archived > 0 and .users == 2 and .complete" "$dir/many.json"
	echo "$((KEYS - some)) keys in $(($(now_ms) - began)) ms" >"$dir/rate"
}
check "it goes on" goes_on
[ "$KEYS" -lt 10000 ] || cat "$dir/rate"
check "the counts balance, and nothing is double" test "$(rows "CommonName LIKE 'many%' AND HasArchivedKey = 1"):$(of_many)" = "$KEYS:$KEYS"
in_order() { jq -r '.items[].file' "$dir/many.json" | cmp - <(printf '%s\n' "$dir"/many/*.p12 | LC_ALL=C sort); }
check "the report has the order of the files" in_order
check "each owner has his" test "$(rows "CommonName LIKE 'many%' AND RequesterName = 'NWTRADERS\\user2'")" -eq $((KEYS / 2))
check "whose name is found" eval 'officer getkey many7 "$dir/many7.rec" --json | jq -e ".candidates[0].certificate_version == 1"'
of_folders() { # LINE...: a folder of each of two people, with files of one name and password; whose the second is
	mkdir -p "$dir/by/u1" "$dir/by/u2" && for i in 1 2; do
		openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/k" -out "$dir/c" -days 9 -subj "/CN=in-folder-$i" -addext keyUsage=keyEncipherment -addext basicConstraints=critical,CA:FALSE &&
			openssl pkcs12 -export -in "$dir/c" -inkey "$dir/k" -passout "file:$dir/pw" -out "$dir/by/u$i/a.p12" || return 1
	done 2>/dev/null
	printf '%s\n' "$@" >"$dir/by.csv" && officer importkms -f --password-list "$dir/by.csv" "$dir/by/u1" "$dir/by/u2"
}
check "two people's files have one name" eval 'of_folders "u1/a.p12,pw,NWTRADERS\user1" "u2/a.p12,pw,NWTRADERS\user2"'
check "each is his" test "$(rows "CommonName = 'in-folder-2' AND RequesterName = 'NWTRADERS\user2'")" -eq 1
check "a list that does not tell them apart gives neither" refuses 'several lines' of_folders 'a.p12,pw,NWTRADERS\user1' 'a.p12,pw,NWTRADERS\user2'
check "the database is sound" "$DIRCA_BIN/dirca" db check -c "$DIRCAD_CONF"

# ---- an escrow batch ----
make_signer() {
	openssl req -x509 -newkey rsa:2048 -nodes -keyout "$dir/exporter.key" -out "$dir/exporter.crt" -subj /C=US/O=exporter -days 9 2>/dev/null &&
		openssl pkcs12 -export -in "$dir/exporter.crt" -inkey "$dir/exporter.key" -passout "file:$dir/pw" -out "$dir/exporter.p12"
}
export_batch() { # THUMBPRINT OUT [OPTION...] FILE...
	"$DIRCA_BIN/dirca" exportkms --recipient "$dir/import.crt" --thumbprint "$1" --signer "$dir/exporter.p12" --signer-password-file "$dir/pw" \
		--source-password-file "$dir/pw" --out "$2" "${@:3}"
}
for name in five six seven; do check "a key of elsewhere" foreign $name user1; done
printf 'user1@nwtraders.com\n' >"$dir/users"
check "an exporter" make_signer
thumb=$(openssl x509 -in "$dir/import.crt" -noout -fingerprint -sha1 | sed 's/.*=//; s/://g' | cut -c1-8)
check "who has not looked at the recipient is refused" refuses CRYPT_E_HASH_VALUE export_batch 00000000 "$dir/batch" "$dir/five.p12"
check "keys of a list of users go into two files" says 'Keys exported: 3.' export_batch "$thumb" "$dir/batch" --users "$dir/users" --per-file 2 \
	"$dir/five.p12" "$dir/six.p12" "$dir/seven.p12" "$dir/three.p12"
in_batch() { [ -f "$dir/batch.001" ] && [ -f "$dir/batch.002" ] && [ ! -f "$dir/batch" ] && ! grep -a -c 'RSA2' "$dir/batch.001" "$dir/batch.002"; }
check "which hold no key in plain" in_batch
check "root does not know the exporter" eval 'officer importkms -f "$dir/batch.001" "$dir/batch.002" 2>&1 | grep CERT_E_UNTRUSTEDROOT'
check "and lists him" install -m 644 "$dir/exporter.crt" "$CA_STATE/trust/import-signers.pem"
check "half of a batch is told" eval 'officer importkms -f "$dir/batch.001" 2>&1 | grep "2 of 3 entries"'
batch_report() {
	officer importkms -f "$dir/batch.001" "$dir/batch.002" >"$dir/report" && diff "$dir/report" - <<-'END'
		Processing KMS exports from:
		    O=exporter, C=US

		KMS export file signature verifies
		Lock box opened, symmetric key successfully decrypted
		....
		Processing KMS exports from:
		    O=exporter, C=US

		KMS export file signature verifies
		Lock box opened, symmetric key successfully decrypted
		..

		Users: 1

		Certificates with keys: 3
		Foreign certificates imported: 1
		Certificates imported: 1
		Certificates imported before: 2

		Keys: 3
		Keys archived: 1
		Keys archived before: 2
		CertUtil: -ImportKMS command completed successfully.
	END
}
check "the whole is imported" batch_report
check "and its key recovered" recovered officer1 six six
check "an entry that was changed is not" eval 'cp "$dir/batch.002" "$dir/bad" && damage "$dir/bad" 400 && ! officer importkms -f "$dir/bad"'

# ---- which keys, and into which files ----
ls_batch() { find "$dir" -maxdepth 1 -name "$1*" | sort | xargs -r -n 1 basename; }
two_names() { # a certificate of an engineer and somebody of Sales
	foreign both user1 && printf 'subjectAltName=otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user1@nwtraders.com,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user3@nwtraders.com\n' >"$dir/both.ext" &&
		openssl x509 -req -in "$dir/both.csr" -CA "$dir/parent.crt" -CAkey "$dir/parent.key" -days 9 -extfile "$dir/both.ext" -out "$dir/both.crt" 2>/dev/null &&
		openssl pkcs12 -export -in "$dir/both.crt" -inkey "$dir/both.key" -passout "file:$dir/pw" -out "$dir/both.p12"
}
export_group() { # GROUP OUT [OPTION...] FILE...: by somebody whom the directory answers
	HOME=$CA_LAB_DIR/home/officer1 export_batch "$thumb" "$2" --group "$1" "${@:3}"
}
check "a certificate of two people" two_names
check "keys of a group are those of its members" says 'Keys exported: 1.' export_group Engineering "$dir/engineers" "$dir/five.p12" "$dir/three.p12" "$dir/both.p12"
check "of another, too" says 'Keys exported: 2.' export_group Sales "$dir/sellers" "$dir/five.p12" "$dir/six.p12" "$dir/three.p12" "$dir/both.p12"
check "as the list of passwords names them" says 'Keys exported: 2.' export_group Sales "$dir/listed" --password-list "$dir/many/passwords.csv" \
	"$dir/many/0.p12" "$dir/many/1.p12"
check "who is of no group has none" refuses 'there is no key to export' export_group Engineering "$dir/nobody" "$dir/five.p12" "$dir/both.p12"
check "nor has a stranger" eval 'foreign stranger stranger && refuses "there is no key to export" export_group Sales "$dir/nobody" "$dir/stranger.p12"'
check "a group that is not there is named" refuses CRYPT_E_NOT_FOUND export_group Nobody "$dir/nobody" "$dir/five.p12"
check "without a directory nobody's is known" refuses DIRCA_E_USAGE eval 'HOME=$dir/nowhere export_batch "$thumb" "$dir/nobody" --group Sales "$dir/five.p12"'
check "which writes nothing" test -z "$(ls_batch nobody)"
large() { # a key whose entry needs more than 20 KB
	foreign zlarge user1 && { printf 'nsComment=' && head -c 20000 /dev/zero | tr '\0' x; } >>"$dir/zlarge.ext" &&
		openssl x509 -req -in "$dir/zlarge.csr" -CA "$dir/parent.crt" -CAkey "$dir/parent.key" -days 9 -extfile "$dir/zlarge.ext" -out "$dir/zlarge.crt" 2>/dev/null &&
		openssl pkcs12 -export -in "$dir/zlarge.crt" -inkey "$dir/zlarge.key" -passout "file:$dir/pw" -out "$dir/zlarge.p12"
}
without_room() { # no file may have over 16 KiB
	trap '' XFSZ
	ulimit -f 16
	export_batch "$thumb" "$dir/cut" --per-file 1 "$dir/five.p12" "$dir/zlarge.p12"
}
check "a large key" large
check "where the second file cannot be written" refuses 'File too large' eval '(without_room)'
check "the first is not there either" test -z "$(ls_batch cut)"
check "with room both are" eval 'export_batch "$thumb" "$dir/cut" --per-file 1 "$dir/five.p12" "$dir/zlarge.p12" && [ "$(ls_batch cut)" = "$(printf "cut.001\ncut.002")" ]'
check "what is there stays" refuses ERROR_FILE_EXISTS eval 'rm "$dir/cut.001" && export_batch "$thumb" "$dir/cut" --per-file 1 "$dir/five.p12" "$dir/zlarge.p12"'
check "and nothing comes beside it" test "$(ls_batch cut)" = cut.002
check "a batch goes through a pipe" eval 'export_batch "$thumb" - "$dir/five.p12" "$dir/six.p12" 2>"$dir/words" | cat >"$dir/piped" && grep "Keys exported: 2" "$dir/words" &&
	officer importkms -f "$dir/piped" | grep "Keys archived before: 2"'

goes_past() { # a key in the midst that is refused
	fails_with 1 officer importkms -f --source-password-file "$dir/pw" "$dir/one.p12" "$dir/both.p12" "$dir/three.p12" >"$dir/report" 2>"$dir/why" &&
		grep -q "both.p12: .*TYPE_E_AMBIGUOUSNAME" "$dir/why" && grep -qx 'Keys archived before: 2' "$dir/report" && grep -qx 'Keys not archived: 1' "$dir/report"
}
check "what is refused of one key keeps no other from being brought" goes_past

# ---- PVK, which has no certificate in it ----
pvk_made() {
	for how in none weak strong; do
		foreign "pvk-$how" user1 && openssl rsa -in "$dir/pvk-$how.key" -outform PVK "-pvk-$how" -passout "file:$dir/pw" -provider legacy -provider default \
			-out "$dir/$how.pvk" && cat "$dir/pvk-$how.crt" || return 1
	done >"$dir/pvk.pem"
}
pvk_archived() {
	bring -f --certificates "$dir/pvk.pem" "$dir/none.pvk" "$dir/weak.pvk" "$dir/strong.pvk" >"$dir/report" && grep -qx 'Keys archived: 3' "$dir/report" &&
		[ "$(rows "CommonName LIKE 'pvk-%' AND HasArchivedKey = 1")" = 3 ]
}
check "keys as PVK, plain, weakly and strongly encrypted" pvk_made
check "go nowhere without their certificates" fails_with 1 bring -f "$dir/none.pvk"
check "with them they are archived" pvk_archived
check "by a wrong password none is" eval 'echo no >"$dir/no"; ! officer importkms -f --source-password-file "$dir/no" --certificates "$dir/pvk.pem" "$dir/weak.pvk" 2>"$dir/why" && grep "no password given opens it" "$dir/why"'

# ---- what a carrier can do ----
half() { # the entries of a file, one for the other: the first twice
	python3 - "$1" "$2" <<-'END'
		import sys
		b = open(sys.argv[1], "rb").read()
		n = 4 + int.from_bytes(b[2:4], "big")
		assert b[0] == 0x30 and b[1] == 0x82
		open(sys.argv[2], "wb").write(b[:n] + b[:n])
	END
}
check "a batch of two" says 'Keys exported: 2.' export_batch "$thumb" "$dir/two-keys" "$dir/five.p12" "$dir/six.p12"
check "an entry that is there twice stands for no other" eval 'half "$dir/two-keys" "$dir/doubled" && ! officer importkms -f "$dir/doubled" 2>"$dir/why" && grep "1 of 2 entries were there" "$dir/why"'

# ---- a recovery BLOB ----
reopened() { officer importkms -f --opener "$dir/kra1.pfx" --opener-password-file "$(ca_lab_pass)" "$@" "$dir/one.rec"; }
check "a recovery BLOB is opened by its agent" says 'Keys archived before: 1' reopened
check "and its key archived anew" says 'Keys replaced: 1' reopened --replace
bare_agent() { # his key without the certificates of CAs beside it
	openssl pkcs12 -in "$dir/kra1.pfx" -passin "file:$(ca_lab_pass)" -nodes -out "$dir/bare.pem" &&
		openssl x509 -in "$dir/bare.pem" -out "$dir/bare.crt" &&
		openssl pkcs12 -export -in "$dir/bare.crt" -inkey "$dir/bare.pem" -passout "file:$(ca_lab_pass)" -out "$dir/bare.pfx"
} 2>/dev/null
bare() { officer importkms -f --opener "$dir/bare.pfx" --opener-password-file "$(ca_lab_pass)" "$@" "$dir/one.rec"; }
check "one who trusts no CA" bare_agent
check "opens none" eval '! bare 2>"$dir/why" && grep -e --trusted-ca "$dir/why"'
check "but what a CA signed that he names" says 'Keys archived before: 1' bare --trusted-ca "$CA_STATE/ca.crt"
check "and not what another did" eval '! bare --trusted-ca "$dir/parent.crt" 2>"$dir/why" && grep -e "none of the CAs that you trust" "$dir/why"'
spoiled() { # the last octets of the signature
	cp "$dir/one.rec" "$dir/spoiled.rec" && printf 'XX' | dd of="$dir/spoiled.rec" bs=1 seek=$(($(stat -c %s "$dir/one.rec") - 9)) conv=notrunc status=none &&
		! officer importkms -f --opener "$dir/kra1.pfx" --opener-password-file "$(ca_lab_pass)" "$dir/spoiled.rec" >"$dir/report" 2>"$dir/why" &&
		grep -q 'spoiled.rec: recovery blob: .*the signature does not verify: .* (NTE_BAD_SIGNATURE)' "$dir/why" && grep -qx 'Problems: 1' "$dir/report"
}
check "nor what somebody changed" spoiled
check "by nobody else" eval 'officer importkms -f --trusted-ca "$CA_STATE/ca.crt" "$dir/one.rec" 2>&1 | grep -e --opener'

# ---- what is no key ----
check "Exchange's own file is refused with the way round" eval '{ printf K && head -c 900 /dev/urandom; } >"$dir/kms"; bring "$dir/kms" 2>&1 | grep "never published"'
check "an .epf too" eval 'printf "[Digital Identity]\nx=y\n" >"$dir/a"; bring "$dir/a" 2>&1 | grep -i "Outlook"'
check "a wrong password is told" eval 'echo no >"$dir/no"; officer importkms -f --source-password-file "$dir/no" "$dir/one.p12" 2>&1 | grep -i password'
checks_end
