# Sourced by up, after bases.sh: the Python images for arm64 too, under the same names.

# foreign SUITE: python:3.13 and python:3.13-slim become indexes of linux/amd64 and linux/arm64. Where docker.io answers they are that already;
# stand-ins there are on amd64 alone.
foreign() {
	local name=$registry/library/python made=$state/images/foreign stamp full tag
	[ "$(go env GOARCH)" = amd64 ] || return 0
	if [ ! -e "$made" ] && has_arm64 "$name:3.13" && has_arm64 "$name:3.13-slim"; then return; fi
	stamp=$({ cat "$lab/images/foreign.dockerfile" && native_digest "$name:3.13" && native_digest "$name:3.13-slim"; } | sha256sum)
	if [ "$(cat "$made" 2>/dev/null)" = "$stamp" ] && has_arm64 "$name:3.13" && has_arm64 "$name:3.13-slim"; then return; fi
	full=$(crane config --platform linux/amd64 "$name:3.13-slim" | sed -n 's/.*"PYTHON_VERSION=\([^"]*\)".*/\1/p')
	for tag in 3.13-slim 3.13; do
		say "python:$tag: Debian's packages for arm64 in the shape of the official image"
		image foreign "arm64-$(case $tag in *-slim) echo slim ;; *) echo full ;; esac)" "$1" "type=image,name=$registry/lab/python-arm64:$tag,push=true" --opt platform=linux/arm64 --opt "build-arg:FULL=$full"
		join "$name:$tag" "$registry/lab/python-arm64:$tag"
		log crane tag "$name:$tag" "${tag/3.13/$full}"
	done
	echo "$stamp" >"$made"
}

# join IMAGE OTHER: IMAGE becomes an index of what it is on this machine and of OTHER
join() { log crane index append -t "$1" -m "${1%:*}@$(native_digest "$1")" -m "$2" >/dev/null; }

# native_digest IMAGE: the digest of the image for this machine
native_digest() { crane digest --platform "linux/$(go env GOARCH)" "$1"; }

# has_arm64 IMAGE: of an image that is no index, each platform is the same one
has_arm64() { [ "$(native_digest "$1" 2>/dev/null)" != "$(crane digest --platform linux/arm64 "$1" 2>/dev/null)" ]; }
