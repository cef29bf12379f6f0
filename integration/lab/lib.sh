# Sourced by the lab's scripts: where its things are, and how its daemons start and stop.
set -euo pipefail
lab=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

# All state is in one folder outside the checkout. Sockets are below it too, so its path must be short.
state=$(realpath -m "${PYFILE_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/pyfile/lab}")
registry=${PYFILE_LAB_REGISTRY:-localhost:5055}
node_bridges=pyf- # the network interfaces of the engines that the script node starts begin so; at most 15 letters
export PATH="$state/bin:$PATH"

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# prepare: the state folder, locked against a second script until this one ends, and without pid files and sockets from before a reboot
prepare() {
	[ "$(id -u)" = 0 ] || die "root is needed, for mounts, a network bridge and Debian packages"
	[[ $state =~ ^[A-Za-z0-9/._-]{1,64}$ ]] || die "PYFILE_LAB must be at most 64 letters, digits and /._- long: $state"
	[ -d "$state/run" ] || [ -z "$(ls -A "$state" 2>/dev/null)" ] || die "$state is not empty and not a lab; set PYFILE_LAB to another folder"
	mkdir -p "$state"/{bin,log,run}
	exec 9>"$state/run/lock"
	flock -n 9 || { say "waiting for another lab script to end"; flock 9; }
	if ! cmp -s "$state/run/boot" <(cat /proc/sys/kernel/random/boot_id); then
		find "$state/run" -mindepth 1 ! -name lock -delete
		cat /proc/sys/kernel/random/boot_id >"$state/run/boot"
	fi
}

# running NAME: the pid file names a process, which still has the command line we gave it
running() {
	local pid
	pid=$(cat "$state/run/$1.pid" 2>/dev/null) && [ "$(cat "$state/run/$1.command")" = "$(command_line "$pid")" ]
}
command_line() { { tr '\0' ' ' <"/proc/$1/cmdline"; } 2>/dev/null || true; }

# serve NAME COMMAND...: start a daemon, unless it runs already with this command line and with the program and configuration that it names
serve() {
	local name=$1 file current
	shift
	if running "$name"; then
		current=$(cat "$state/run/$name.command")
		for file in "$@"; do
			case $file in "$1" | *.toml | *.yml) [ ! "$file" -nt "$state/run/$name.pid" ] || current= ;; esac
		done
		if [ "$current" = "$* " ]; then return; fi
		say "restarting $name, whose program or configuration changed"
	fi
	stop "$name"
	setsid "$@" >>"$state/log/$name.log" 2>&1 </dev/null 9>&- &
	local pid=$!
	echo "$* " >"$state/run/$name.command"
	echo $pid >"$state/run/$name.pid"
	# Until the program is loaded, which takes a while from a cold disk, the process still has the command line of this script or of setsid.
	until running "$name"; do
		kill -0 $pid 2>/dev/null || die "$name ended: $(tail -n 3 "$state/log/$name.log")"
		sleep 0.01
	done
}

# update FILE: write the standard input there, unless the file says the same already
update() {
	local text
	text=$(cat)
	[ "$text" = "$(cat "$1" 2>/dev/null)" ] || echo "$text" >"$1"
}

# stop NAME: end that daemon, if it is ours, and wait for it
stop() {
	if running "$1"; then
		local pid
		pid=$(cat "$state/run/$1.pid")
		kill "$pid"
		for _ in $(seq 200); do
			running "$1" || break
			sleep 0.1
		done
		if running "$1"; then kill -9 "$pid"; fi
	fi
	rm -f "$state/run/$1.pid" "$state/run/$1.command"
}

# buildkitd NAME ROOT: start a buildkitd and wait for it; its address is unix://$state/run/NAME.sock
buildkitd() {
	serve "$1" "$state/bin/buildkitd" --config "$state/buildkitd.toml" --root "$2" --addr "unix://$state/run/$1.sock"
	wait_for 30 "$1" buildctl --addr "unix://$state/run/$1.sock" debug workers
}

# wait_for SECONDS NAME COMMAND...: until the command succeeds, or the daemon has ended
wait_for() {
	local name=$2 end=$((SECONDS + $1))
	shift 2
	until timeout 5 "$@" >/dev/null 2>&1; do
		running "$name" || die "$name ended: $(tail -n 3 "$state/log/$name.log")"
		[ $SECONDS -lt $end ] || die "$name does not answer: $(tail -n 3 "$state/log/$name.log")"
		sleep 0.1
	done
	running "$name" || die "another program answers in place of $name; its log is $state/log/$name.log"
}

# debian PACKAGE...: install what is missing
debian() {
	local package installed missing=()
	installed=$(dpkg-query -W -f='<${Package} ${db:Status-Status}>' "$@" 2>/dev/null) || true
	for package in "$@"; do
		[[ $installed == *"<$package installed>"* ]] || missing+=("$package")
	done
	[ ${#missing[@]} -gt 0 ] || return 0
	say "installing Debian packages: ${missing[*]}"
	{ apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"; } >"$state/log/apt.log" 2>&1 ||
		die "apt-get failed: $(tail -n 3 "$state/log/apt.log")"
}

# emulator FOLDER: $state/bin/qemu-aarch64, by way of that folder. In newer releases of Debian the static one is in another package.
emulator() {
	local package file
	mkdir -p "$1"
	apt-get update -qq >"$state/log/apt.log" 2>&1 || die "apt-get failed: $(tail -n 3 "$state/log/apt.log")"
	for package in qemu-user qemu-user-static; do
		(cd "$1" && apt-get download -qq -o APT::Sandbox::User=root "$package" && dpkg-deb --extract "$package"_*.deb .) >>"$state/log/apt.log" 2>&1 || continue
		for file in "$1"/usr/bin/qemu-aarch64{,-static}; do
			if ldd "$file" 2>&1 | grep -qE 'statically linked|not a dynamic'; then mv "$file" "$state/bin/qemu-aarch64"; fi
		done
	done
	rm -r "$1"
	[ -x "$state/bin/qemu-aarch64" ] || die "no static qemu-aarch64: $(tail -n 3 "$state/log/apt.log")"
}
