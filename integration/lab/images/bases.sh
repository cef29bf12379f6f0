# Sourced by up, after python.sh and the Python images: other bases that people have, each made again when what it is made of changed.

# bases SUITE: python:3.13-alpine, which is the official one where docker.io answers, and stand-ins below lab/ for what is not on docker.io
bases() {
	base "$1" bases debian-python lab/debian-python:13 "Debian's own Python"
	base "$1" bases debian-python-full lab/debian-python-full:13 "Debian's own Python, with compilers and headers"
	base "$1" bases distroless lab/python-distroless:3.13 "Debian's own Python in a root without a shell"
	base "$1" bases distroless-copied lab/python-distroless-copied:3.13 "the official Python in a root without a shell"
	base "$1" bases unsaid lab/python-unsaid:3.13-slim "a Python that the image's configuration does not mention"
	base "$1" bases opt lab/python-opt:3.13-slim "a Python in /opt"
	base "$1" alpine alpine library/python:3.13-alpine "a musl root, with OpenSSL and CPython compiled for it (2 minutes)"
	base "$1" bases free-threaded-slim lab/python:3.13t-slim "the free-threaded CPython (2 minutes)"
	base "$1" bases free-threaded lab/python:3.13t "the free-threaded CPython, with compilers and headers"
	base "$1" patch next lab/python:3.13.next-slim "another patch release (2 minutes)" next-version
}

# base SUITE FILE STAGE IMAGE WHAT [VERSION]: that stage of FILE.dockerfile in the lab's registry; the stage VERSION says which Python it has
base() {
	local suite=$1 file=$2 stage=$3 image=$4 what=$5 version=${6:-version} made=$state/images/$3 stamp full
	stamp=$({ cat "$lab/images/python.dockerfile" "$lab/images/$file.dockerfile" /etc/ssl/certs/ca-certificates.crt &&
		cat "$state/images/python-3.13" && crane digest --platform "linux/$(go env GOARCH)" "$registry/library/python:3.13-slim"; } | sha256sum)
	if [ "$(cat "$made" 2>/dev/null)" = "$stamp" ] && crane digest "$registry/$image" >/dev/null 2>&1; then return; fi
	if [[ $image == library/* ]] && timeout 10 crane digest "docker.io/$image" >/dev/null 2>&1; then
		say "copying ${image#library/} from docker.io"
		log crane copy --platform "linux/$(go env GOARCH)" "docker.io/$image" "$registry/$image"
	else
		[ -e "$state/images/$suite/rootfs.tar" ] || { mkdir -p "$state/images/$suite" && debootstrap "$suite" "$state/images/$suite"; }
		say "${image#library/}: $what"
		full=$(image "$file" "$version" "$suite" type=tar --opt build-arg:PYTHON=3.13 | tar xO version)
		image "$file" "$stage" "$suite" "type=image,name=$registry/$image,push=true" --opt build-arg:PYTHON=3.13 --opt "build-arg:FULL=$full"
	fi
	echo "$stamp" >"$made"
}
