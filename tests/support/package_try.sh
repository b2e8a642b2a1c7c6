#!/usr/bin/env bash
# In a fresh Debian, for tests/package: installs the packages of FOLDER, has a CA work, upgrades, purges. usage: package_try.sh FOLDER
# shellcheck disable=SC2317 # the functions are called through check
set -u
packages=${1:?the folder of the packages}
# shellcheck source-path=SCRIPTDIR source=checks.sh
. "$(dirname "$0")/checks.sh"
tree=$(cd "$(dirname "$0")/../.." && pwd)
export DEBIAN_FRONTEND=noninteractive
checks_begin /tmp

installs() { apt-get install -y -q --no-install-recommends "$@"; }
upgrades() { installs -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$packages"/dirca{,d}_0.1.0_*.deb; }
# A CA without a directory: what counts here is its state.
makes_ca() {
	cat >/etc/dirca/dircad.conf <<-'END'
		ca_name = Machine-CA
		ca_type = standalone
		host = localhost
		listen = 127.0.0.1:8443
		socket = /run/dirca/dircad.socket
		user = dirca
		vault_user = dirca-vault
	END
	dirca ca init
}
# As the unit starts it: no systemd runs here.
starts() {
	install -d -o dircad -g dirca /run/dirca && dircad -t || return 1
	setpriv --reuid dircad --regid dirca --clear-groups --inh-caps +setuid,+setgid,+kill --ambient-caps +setuid,+setgid,+kill dircad >>/tmp/dircad.log 2>&1 &
	echo $! >/tmp/dircad.pid
	for ((i = 0; i < 300; i++)); do
		dirca ca status --socket /run/dirca/dircad.socket >/tmp/status 2>&1 && return
		sleep 0.2
	done
	cat /tmp/status
	tail -5 /tmp/dircad.log
	return 1
}
stops() { kill "$(</tmp/dircad.pid)" && tail --pid="$(</tmp/dircad.pid)" -f /dev/null; }
asks() { openssl req -new -newkey rsa:2048 -nodes -keyout /tmp/key -subj /CN=www.example.org -addext subjectAltName=DNS:www.example.org -out /tmp/csr && dirca submit /tmp/csr --socket /run/dirca/dircad.socket; }
knows_the_request() { says www.example.org dirca request show 2 --socket /run/dirca/dircad.socket; }
state() { (cd /var/lib/dirca && find . -name 'dirca.db*' -o -printf '%m %U:%G %p\n' | sort && sha256sum ca.crt vault/ca.key trust/*); }
changes_configuration() { echo '# of the administrator' >>/etc/dirca/dirca.conf && sha256sum /etc/dirca/* >/tmp/configuration; }
keeps_configuration() { sha256sum -c /tmp/configuration && [ -e /etc/dirca/dirca.conf.dpkg-dist ]; }
purges() { apt-get purge -y -q "$@"; }
# The folders of the CA and of its configuration are the administrator's; all else is gone.
# The instructions of the last stage, each in one line.
# shellcheck disable=SC2016 # of sed
stage() { sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$tree/dist/Containerfile" | sed -n '/^FROM /h; /^FROM /!H; ${x;p}'; }
is_a_container_file() {
	! grep -vE '^(#|$|FROM |ENV |COPY |WORKDIR |RUN |USER |CMD \[)' < <(sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$tree/dist/Containerfile") &&
		is 1 grep -c '^CMD' "$tree/dist/Containerfile" && stage | sed -n 's/^CMD //p' | jq -e 'length == 3'
}
# Without its first stage: the packages are there.
runs_its_commands() { bash -ec "$(stage | sed -n 's/^RUN //p')"; }
tells_the_story_to_demo() { su demo -c "cd && $(stage | sed -n 's/^CMD //p' | jq -r '.[2]' | sed 's/ && cd .*//') && dirca/stop"; }
leaves_nothing() {
	! dpkg-query -W -f '${Status} ${Package}\n' 'dirca*' 2>/dev/null | grep -v 'not-installed' || return 1
	[ -z "$(find / -xdev \( -path /proc -o -path /dirca -o -path /packages -o -path /tmp -o -path /var/lib/dirca -o -path /run/dirca -o -path /var/cache \) -prune -o -name '*dirca*' -print |
		grep -vxE '/etc/dirca(/dircad.conf)?' | tee /dev/stderr)" ] && [ "$(ls /etc/dirca)" = dircad.conf ]
}

apt-get update -q >/tmp/update.log 2>&1 || { tail -5 /tmp/update.log; exit 1; }
check "a former version is installed" installs "$packages"/dirca{,d}_0.0.9.deb openssl ca-certificates
check "which makes of the machine what it should" "$tree/debian/tests/machine"
check "a CA is made" makes_ca
check "it starts" starts
check "it is asked for a certificate" asks
check "it stops" stops
check "the administrator changes its configuration" changes_configuration
state >/tmp/state
check "it is upgraded" upgrades
check "the configuration stays" keeps_configuration
check "the state is as it was" is "$(</tmp/state)" state
check "the CA starts" starts
check "and knows what was asked for" knows_the_request
check "and stops" stops
check "the demonstration is installed" installs "$packages"/dirca-demo_*.deb
check "and tells its story" "$tree/debian/tests/story"
check "all is purged" purges dirca dircad dirca-demo
check "and leaves nothing, but what is not its own" leaves_nothing
check "nor does it take the CA's keys away" is "$(</tmp/state)" state
check "it is installed again" installs "$packages"/dirca{,d}_0.1.0_*.deb
check "and the CA is there" starts
check "and knows what was asked for" knows_the_request
check "and stops" stops
rm -rf /var/lib/dirca/*
check "it is purged with no CA" purges dirca dircad
check "and nothing is kept" test ! -e /var/lib/dirca
rm -f /packages/*_0.0.9.deb
check "the container file is one" is_a_container_file
check "what it runs installs" runs_its_commands
check "and tells the story, to an ordinary user" tells_the_story_to_demo
checks_end
