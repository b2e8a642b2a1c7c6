#!/usr/bin/env bash
# A systemd of its own: under_systemd.sh [--tree TREE] FOLDER COMMAND...
# Runs COMMAND as the one service of a systemd that is process 1 of namespaces of its own (mounts, processes, network, control groups), on a
# copy of this machine's files that is gone afterwards; FOLDER is the one place that is the same. Prints what the command printed; its
# status is the command's, 77 with a reason where this machine does not let one do that. Only loopback is there, nothing else runs.
# With --tree it is a copy of the system in the folder TREE, and this machine lends it /usr and this checkout, to read: in /run/host/usr and
# /run/host/dirca.
set -u
[ $# -ge 2 ] || { sed -n '2,7p' "$0" >&2; exit 2; }
skip() {
	echo "SKIPPED: $*"
	exit 77
}

# ---- in the namespaces: makes the files, becomes systemd ----
if [ "$1" = --inside ]; then
	set -e
	folder=$2 tree=$3 root=$2/root
	mkdir "$folder/upper" "$folder/work" "$root"
	mount --make-rprivate /
	mount -t overlay overlay -o "lowerdir=$tree,upperdir=$folder/upper,workdir=$folder/work" "$root"
	mkdir -p "$root$folder"
	mount --bind "$folder" "$root$folder"
	mount -t proc proc "$root/proc"
	mount -t sysfs sysfs "$root/sys" -o ro
	mount -t cgroup2 cgroup "$root/sys/fs/cgroup"
	mount -t tmpfs tmpfs "$root/run"
	if [ "$tree" != / ]; then
		mkdir -p "$root/run/host/usr" "$root/run/host/dirca"
		mount --bind -o ro /usr "$root/run/host/usr"
		mount --bind -o ro "$(dirname "$0")/../.." "$root/run/host/dirca"
	fi
	mount -t tmpfs tmpfs "$root/dev" -o mode=755
	for name in null zero full random urandom tty; do
		touch "$root/dev/$name"
		mount --bind "/dev/$name" "$root/dev/$name"
	done
	mkdir "$root/dev/shm" "$root/dev/pts"
	mount -t tmpfs tmpfs "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	for name in stdin:0 stdout:1 stderr:2; do
		ln -s "/proc/self/fd/${name#*:}" "$root/dev/${name%:*}"
	done
	ip link set lo up
	# Of what the machine would start nothing is started.
	mount -t tmpfs tmpfs "$root/lib/systemd/system/sysinit.target.wants"
	mount -t tmpfs tmpfs "$root/etc/systemd/system"
	rm -f "$root/etc/machine-id" && echo 0123456789abcdef0123456789abcdef >"$root/etc/machine-id"
	cat >"$root/etc/systemd/system/alone.target" <<-'END'
		[Unit]
		Wants=alone.service systemd-journald.service
	END
	cat >"$root/etc/systemd/system/alone.service" <<-END
		[Service]
		Type=oneshot
		TimeoutStartSec=infinity
		EnvironmentFile=$folder/environment
		ExecStart=/bin/bash $folder/command
		ExecStopPost=/bin/sh -c 'systemctl exit \$\$EXIT_STATUS'
		StandardOutput=append:$folder/output
		StandardError=inherit
	END
	cd "$root"
	mkdir -p old
	pivot_root . old
	umount -l old
	exec env -i container=other PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd --unit=alone.target --log-level=warning --show-status=no \
		>"$folder/systemd.log" 2>&1
fi

# ---- outside ----
tree=/
if [ "$1" = --tree ]; then
	tree=$(cd "$2" && pwd) || exit 1
	shift 2
fi
folder=$(mkdir -p "$1" && cd "$1" && pwd) || exit 1
shift
[ "$(id -u)" -eq 0 ] || skip "only root may start a systemd of its own"
[ -x "$tree/lib/systemd/systemd" ] || skip "systemd is not in $tree"
groups=$(findmnt -nt cgroup2 -o TARGET | tail -1)
[ -n "$groups" ] || skip "this kernel has no control groups of version 2"
why=$(unshare --mount --pid --fork --uts --ipc --net --cgroup true 2>&1) || skip "no namespaces: $why"
why=$(unshare --mount bash -c 'mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && mkdir /mnt/upper /mnt/work /mnt/root &&
	mount -t overlay overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work /mnt/root' 2>&1) || skip "no overlay of files: $why"

# systemd's control groups lie in one of ours.
group=$groups/dirca-test-$$
mkdir "$group" 2>/dev/null || skip "$groups: no control group can be made"
# shellcheck disable=SC2317 # the trap calls it
end() {
	find "$group" -depth -type d -exec rmdir {} + 2>/dev/null
	rm -rf "$folder/upper" "$folder/work" "$folder/root"
}
trap end EXIT
: >"$folder/output"
export -p | sed -nE 's/^declare -x ([A-Z][A-Z_0-9]*=)/\1/p' >"$folder/environment"
printf '%q ' exec "$@" >"$folder/command"
(
	echo "$BASHPID" >"$group/cgroup.procs" || exit 77
	exec unshare --mount --pid --fork --kill-child --uts --ipc --net --cgroup bash "$(readlink -f "$0")" --inside "$folder" "$tree"
)
status=$?
cat "$folder/output"
[ -s "$folder/output" ] || cat "$folder/systemd.log"
exit $status
