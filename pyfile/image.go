package pyfile

import (
	"regexp"
	"strings"
)

// The grammar of image references, after the distribution project's reference package: host, path, tag, digest. The
// registry has the last word; this finds what can never be right.
var (
	imageHost   = regexp.MustCompile(`^(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?$`)
	imagePart   = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$`)
	imageTag    = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$`)
	imageDigest = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$`)
)

const longestImageName = 255

func imageFlaw(v string) *flaw {
	name, digest, hasDigest := strings.Cut(v, "@")
	if _, rest, ok := strings.Cut(v, "://"); ok {
		if isPublic(v) && imageFlaw(rest) == nil {
			return &flaw{must: "be an image, not an address", fix: rest}
		}
		return &flaw{must: "be an image, not an address"}
	}
	if v == "scratch" {
		return &flaw{must: "be an image that has Python", hint: "leave the key out for python:<python>-slim"}
	}
	if hasDigest && !imageDigest.MatchString(digest) {
		return &flaw{must: "have a digest such as sha256: and 64 hexadecimal digits behind @"}
	}
	if algorithm, hex, _ := strings.Cut(digest, ":"); algorithm == "sha256" && (len(hex) != 64 || hex != strings.ToLower(hex)) {
		return &flaw{must: "have 64 lower-case hexadecimal digits behind sha256:"}
	}
	// A colon behind the last slash begins the tag; before it, a port.
	if i := strings.LastIndexByte(name, ':'); i > strings.LastIndexByte(name, '/') {
		if !imageTag.MatchString(name[i+1:]) {
			return &flaw{must: "have a tag of letters, digits, and _ . - behind the colon"}
		}
		name = name[:i]
	}
	if len(name) > longestImageName {
		return &flaw{must: "have a name of at most 255 letters"}
	}
	parts := strings.Split(name, "/")
	if host := parts[0]; len(parts) > 1 && (strings.ContainsAny(host, ".:") || host == "localhost" || host != strings.ToLower(host)) {
		if !imageHost.MatchString(host) {
			return &flaw{}
		}
		parts = parts[1:]
	}
	for _, p := range parts {
		if imagePart.MatchString(p) {
			continue
		}
		if lower := strings.ToLower(p); imagePart.MatchString(lower) {
			return &flaw{must: "have a lower-case name"}
		}
		return &flaw{}
	}
	return nil
}
