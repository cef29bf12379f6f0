package frontend

import (
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/util/grpcerrors"
	"google.golang.org/grpc/codes"

	"strings"
)

// caps are the frontend capabilities that the image's label claims; the label in the Dockerfile must say the same.
var caps = []string{
	"moby.buildkit.frontend.inputs",
	"moby.buildkit.frontend.subrequests",
	"moby.buildkit.frontend.contexts",
	"moby.buildkit.frontend.gitquerystring",
}

// checkCaps refuses a request that needs a frontend capability which this one lacks.
func checkCaps(request string) error {
	for _, c := range strings.FieldsFunc(request, func(r rune) bool { return r == ',' }) {
		name, _, _ := strings.Cut(c, "+")
		known := false
		for _, k := range caps {
			known = known || k == name
		}
		if !known {
			return grpcerrors.WrapCode(errdefs.NewUnsupportedFrontendCapError(name), codes.Unimplemented)
		}
	}
	return nil
}

// execOptions are the limits of `docker buildx build` for every exec. None of them is part of a cache key.
func (b *build) execOptions() []bkllb.RunOption {
	var opts []bkllb.RunOption
	for _, u := range b.Ulimits {
		opts = append(opts, bkllb.AddUlimit(bkllb.UlimitName(u.Name), u.Soft, u.Hard))
	}
	if b.CgroupParent != "" {
		opts = append(opts, bkllb.WithCgroupParent(b.CgroupParent))
	}
	if b.ShmSize > 0 {
		opts = append(opts, bkllb.AddMount("/dev/shm", bkllb.Scratch(), bkllb.Tmpfs(bkllb.TmpfsSize(b.ShmSize))))
	}
	return opts
}

// networkOptions are those of the execs that may use the network: mode, extra hosts, proxy.
func (b *build) networkOptions() []bkllb.RunOption {
	opts := []bkllb.RunOption{bkllb.Network(b.NetworkMode)}
	for _, h := range b.ExtraHosts {
		opts = append(opts, bkllb.AddExtraHost(h.Host, h.IP))
	}
	if b.Hostname != "" {
		opts = append(opts, bkllb.Hostname(b.Hostname))
	}
	arg := func(name string) string {
		if v := b.BuildArgs[name]; v != "" {
			return v
		}
		return b.BuildArgs[strings.ToLower(name)]
	}
	proxy := bkllb.ProxyEnv{HTTPProxy: arg("HTTP_PROXY"), HTTPSProxy: arg("HTTPS_PROXY"), FTPProxy: arg("FTP_PROXY"), NoProxy: arg("NO_PROXY"), AllProxy: arg("ALL_PROXY")}
	if proxy != (bkllb.ProxyEnv{}) {
		opts = append(opts, bkllb.WithProxy(proxy))
	}
	return opts
}

var _ client.BuildFunc = Build
