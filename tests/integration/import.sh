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

KEYS=${KEYS:-60}
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
echo pw >"$dir/pw"
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
make_folder() {
	mkdir "$dir/many" && python3 - "$dir" "$KEYS" <<-'END'
		import subprocess, sys
		folder, keys = sys.argv[1], int(sys.argv[2])
		script = ["cd " + folder]
		for i in range(keys):
		    script.append(f"openssl ecparam -name prime256v1 -genkey -noout -out k && "
		        f"openssl req -new -key k -subj /CN=many{i} -out r && "
		        f"openssl x509 -req -in r -CA parent.crt -CAkey parent.key -set_serial {100000 + i} -days 9 -out c && "
		        f"openssl pkcs12 -export -in c -inkey k -passout pass:p{i},x -out many/{i}.p12")
		subprocess.run(["bash", "-ec", "\n".join(script)], check=True, stderr=subprocess.DEVNULL)
		with open(folder + "/many/passwords.csv", "w") as f:
		    for i in range(keys):
		        f.write(f'{i}.p12,"p{i},x",NWTRADERS\\user{i % 2 + 1}\n')
	END
}
many() { officer importkms -f --password-list "$dir/many/passwords.csv" "$@" "$dir/many"; }
check "a folder of $KEYS keys of version 1" make_folder
version_1() { openssl pkcs12 -in "$dir/many/0.p12" -passin pass:p0,x -nokeys 2>/dev/null | openssl x509 -noout -text | grep 'Version: 1 '; }
check "such as Exchange issued" version_1
killed() {
	local shell pid
	many >"$dir/killed" 2>&1 &
	shell=$!
	ca_lab_eventually pgrep -P "$shell" -x dirca >/dev/null && pid=$(pgrep -P "$shell" -x dirca) || return 1
	# Stopped while it is looked at, so that it does not come to its end.
	while kill -STOP "$pid" && [ "$(rows "Disposition = 12 AND SerialNumber >= '0186a0'")" -le 5 ]; do
		kill -CONT "$pid"
		sleep 0.02
	done
	kill -9 "$pid" && fails_with 137 wait "$shell" || return 1
	[ "$(rows "CommonName LIKE 'many%'")" -lt "$KEYS" ]
}
check "is imported, and killed on the way" killed
some=$(rows "CommonName LIKE 'many%'")
check "the CA dies too" eval 'ca_lab_dircad_kill && ca_lab_dircad_start'
goes_on() {
	many --json >"$dir/many.json" && jq -e ".keys == $KEYS and .keys_archived + .keys_archived_before == $KEYS and .keys_archived_before >= $some and .keys_archived > 0 and .users == 2 and .complete" "$dir/many.json"
}
check "it goes on" goes_on
check "the counts balance, and nothing is double" test "$(rows "CommonName LIKE 'many%' AND HasArchivedKey = 1"):$(rows "CommonName LIKE 'many%'")" = "$KEYS:$KEYS"
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
check "an entry that was changed is not" eval 'cp "$dir/batch.002" "$dir/bad" && printf x | dd of="$dir/bad" bs=1 seek=400 conv=notrunc 2>/dev/null && ! officer importkms -f "$dir/bad"'

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
check "by nobody else" eval 'officer importkms -f --trusted-ca "$CA_STATE/ca.crt" "$dir/one.rec" 2>&1 | grep -e --opener'

# ---- what is no key ----
check "Exchange's own file is refused with the way round" eval '{ printf K && head -c 900 /dev/urandom; } >"$dir/kms"; bring "$dir/kms" 2>&1 | grep "never published"'
check "an .epf too" eval 'printf "[Digital Identity]\nx=y\n" >"$dir/a"; bring "$dir/a" 2>&1 | grep -i "Outlook"'
check "a wrong password is told" eval 'echo no >"$dir/no"; officer importkms -f --source-password-file "$dir/no" "$dir/one.p12" 2>&1 | grep -i password'
checks_end
