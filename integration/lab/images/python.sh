# Sourced by up: the Python images.

# python VERSION SUITE: python:VERSION and python:VERSION-slim in the lab's registry, each also under its full version. They are the official
# ones where docker.io answers, else stand-ins made from that Debian suite.
python() {
	local version=$1 suite=$2 name=$registry/library/python made=$state/images/python-$1 full stamp slim
	stamp=$(cat "$lab/images/python.dockerfile" /etc/ssl/certs/ca-certificates.crt | sha256sum)
	if [ "$(cat "$made" 2>/dev/null)" = "$stamp" ] && crane digest "$name:$version" >/dev/null 2>&1; then return; fi
	if timeout 10 crane digest "docker.io/library/python:$version" >/dev/null 2>&1; then
		for slim in "" -slim; do
			say "copying python:$version$slim from docker.io"
			log crane index filter --platform linux/amd64 --platform linux/arm64 -t "$name:$version$slim" "docker.io/library/python:$version$slim" >/dev/null
		done
	else
		mkdir -p "$state/images/$suite"
		say "docker.io does not answer: making a Debian $suite (20 s)"
		debootstrap "$suite" "$state/images/$suite"
		say "compiling CPython $version (3 minutes; $state/log/images.log)"
		full=$(image python version "$suite" type=tar --opt "build-arg:PYTHON=$version" | tar xO version)
		image python slim "$suite" "type=image,name=$name:$version-slim,push=true" --opt "build-arg:PYTHON=$version" --opt "build-arg:FULL=$full"
		say "python:$version, with compilers and headers (1 minute)"
		image python full "$suite" "type=image,name=$name:$version,push=true" --opt "build-arg:PYTHON=$version" --opt "build-arg:FULL=$full"
	fi
	full=$(crane config "$name:$version" | sed -n 's/.*"PYTHON_VERSION=\([^"]*\)".*/\1/p')
	for slim in "" -slim; do log crane tag "$name:$version$slim" "$full$slim"; done
	echo "$stamp" >"$made"
	say "python:$version is $full"
}

# log COMMAND...: its errors go to the log of the images
log() { "$@" 2>>"$state/log/images.log" || die "cannot $1 $2: $(tail -n 3 "$state/log/images.log")"; }

# debootstrap SUITE FOLDER: a minimal Debian in FOLDER/rootfs.tar, from the mirrors that the host's apt uses, beside the host's CA bundle
debootstrap() {
	local main security
	main=$(mirror Debian)
	security=$(mirror Debian-Security)
	# A fixed date makes the same packages the same bytes, so that what is built on them stays cached.
	SOURCE_DATE_EPOCH=0 mmdebstrap --quiet --variant=minbase --include=ca-certificates,netbase,tzdata --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
		"$1" "$2/rootfs.tar" ${main:+"deb $main $1 main" "deb $main $1-updates main"} ${security:+"deb $security $1-security main"} \
		>>"$state/log/images.log" 2>&1 || die "mmdebstrap failed: $(tail -n 3 "$state/log/images.log")"
	cp /etc/ssl/certs/ca-certificates.crt "$2/"
}

# mirror LABEL: the address the host's apt has for the archive of that label; nothing when it has none
mirror() { apt-get indextargets --format '$(SITE)' 'Created-By: Packages' "Label: $1" 2>/dev/null | sed -n 1p; }

# image FILE STAGE SUITE OUTPUT OPTION...: one stage of FILE.dockerfile. Other files than python.dockerfile go on where that ends.
image() {
	local file=$1 stage=$2 suite=$3 output=$4 files=("$lab/images/python.dockerfile")
	shift 4
	[ "$file" = python ] || files+=("$lab/images/$file.dockerfile")
	mkdir -p "$state/images/dockerfiles"
	cat "${files[@]}" >"$state/images/dockerfiles/$file.dockerfile"
	buildctl --addr "$buildkit" build --progress plain --frontend dockerfile.v0 --opt filename="$file.dockerfile" --opt target="$stage" \
		--local context="$state/images/$suite" --local dockerfile="$state/images/dockerfiles" "$@" --output "$output" 2>>"$state/log/images.log" ||
		die "cannot make image $stage: $(grep -a '^error' "$state/log/images.log" | tail -n 1 | cut -c1-300)"
}
