package distro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
)

// apk installs Alpine's packages. It keeps lists and archives in one directory.
type apk struct{ InstallOptions }

func (a apk) install(ctx context.Context, packages []string) error {
	failure := &Failure{}
	for _, p := range packages {
		if name, arch, _ := splitPackage(p); arch != "" {
			failure.Packages = append(failure.Packages, Unknown{Name: p, Reason: fmt.Sprintf("apk knows no architectures: write %q in place of %q", name, p)})
		}
	}
	if len(failure.Packages) > 0 {
		failure.suggest(nil)
		return failure
	}
	if err := a.run(ctx, "update"); err != nil {
		return err
	}
	return a.run(ctx, slices.Concat([]string{"add", "--"}, packages)...)
}

// run runs apk and makes a Failure of its error.
func (a apk) run(ctx context.Context, args ...string) error {
	t := &transcript{to: a.Output}
	err := start(ctx, t, "apk", slices.Concat([]string{"--no-progress", "--cache-dir", a.Archives}, args)...)
	var status *exec.ExitError
	if !errors.As(err, &status) {
		return err
	}
	failure := explainApk(args[0], t.lines(), a.CA)
	if len(failure.Packages) > 0 {
		var names bytes.Buffer
		if err := start(ctx, &names, "apk", "--cache-dir", a.Archives, "search", "--quiet"); err != nil {
			return errors.Join(failure, fmt.Errorf("apk search: %w", err))
		}
		failure.suggest(strings.Fields(names.String()))
	}
	return failure
}

var apkExplanations = []explanation{
	{[]string{"No space left on device"}, "the disk of the builder is full", "free space on it, for example with `docker builder prune`"},
	{[]string{"DNS lookup error", "DNS: transient error", "DNS: name does not exist"}, "the name of the package archive's host cannot be resolved",
		"the builder needs a network and DNS, or a proxy: " + proxyFlags},
	{[]string{"network error", "temporary error", "Network unreachable", "network connection aborted", "operation timed out", "could not connect", "Connection refused"},
		"the package archive cannot be reached", "the builder needs a network, or a proxy: " + proxyFlags},
	{[]string{"UNTRUSTED signature", "BAD signature"}, "the package archive is signed with a key that the image does not trust", "take a newer base, or one with the key in /etc/apk/keys"},
}

// explainApk makes a Failure of the output of `apk COMMAND`. apk lists all packages that it does not know, and below each of the
// others that it cannot select the reasons.
func explainApk(command string, lines []string, ca string) *Failure {
	if f := untrusted(lines, ca); f != nil {
		return f
	}
	f := explain(lines, apkExplanations)
	if f == nil {
		f = &Failure{Message: "apk " + command + " failed"}
	}
	var details []string
	selecting := false
	for _, line := range lines {
		text := strings.TrimSpace(line)
		name, unknown := strings.CutSuffix(text, " (no such package):")
		message, isError := strings.CutPrefix(text, "ERROR: ")
		switch {
		case strings.HasPrefix(message, "unable to select packages"):
			selecting = true
		case isError:
			selecting = false
			details = append(details, message)
		case selecting && unknown:
			f.Packages = append(f.Packages, Unknown{Name: name, Reason: fmt.Sprintf("%s has no package %q", distribution(), name)})
		case selecting && strings.HasPrefix(line, " ") && !strings.HasPrefix(text, "required by:"):
			details = append(details, text)
		}
	}
	if len(f.Packages) > 0 {
		return f // the rest follows from it
	}
	return f.withDetails(details)
}
