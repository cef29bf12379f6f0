# Sourced by up: our own Docker Engine, with the containerd image store.

# The rules of its bridge network need iptables: the default variant, or the one that this kernel has.
if ! iptables -t nat -nL >/dev/null 2>&1; then
	mkdir -p "$state/iptables"
	iptables-legacy -t nat -nL >/dev/null 2>&1 || die "neither iptables nor iptables-legacy works on this kernel"
	ln -sfn "$(command -v iptables-legacy)" "$state/iptables/iptables"
	ln -sfn "$(command -v ip6tables-legacy)" "$state/iptables/ip6tables"
	PATH=$state/iptables:$PATH
fi
options=(--userland-proxy=false --feature containerd-snapshotter=true --registry-mirror "http://$registry" --insecure-registry "$registry")
ip6tables -t nat -nL >/dev/null 2>&1 || options+=(--ip6tables=false)
[ "$snapshotter" = overlayfs ] || options+=(--storage-driver "$snapshotter")
serve dockerd "$state/bin/dockerd" --host "$own" --data-root "$state/engine" --exec-root "$state/run/engine" \
	--pidfile "$state/run/engine.pid" "${options[@]}"
wait_for 60 dockerd docker --host "$own" version
