package distro

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// programs makes shell scripts that stand for the programs of a distribution.
func programs(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	before := searchPath
	searchPath = dir + ":/usr/bin:/bin"
	t.Cleanup(func() { searchPath = before })
}

const policyOutput = `libpq5:
  Installed: (none)
  Candidate: 17.6-0+deb13u1
  Version table:
     17.6-0+deb13u1 500
        500 https://deb.example/debian trixie/main amd64 Packages
     17.5-1 500
        500 https://deb.example/debian trixie/main amd64 Packages
libc6:
  Installed: 2.41-12
  Candidate: 2.41-12
  Version table:
 *** 2.41-12 500
        500 https://deb.example/debian trixie/main amd64 Packages
        100 /var/lib/dpkg/status
libglib2.0-0:
  Installed: (none)
  Candidate: (none)
  Version table:
netcat:
  Installed: (none)
  Candidate: (none)
  Version table:
python3.1:
  Installed: (none)
  Candidate: (none)
  Version table:
libc6:i386:
  Installed: (none)
  Candidate: 2.41-12
  Version table:
     2.41-12 500
        500 https://deb.example/debian trixie/main i386 Packages
`

const aptCache = `while [ "$1" = -o ]; do shift 2; done
case $1 in
policy) cat <<'E'
` + policyOutput + `E
;;
showpkg) case $3 in
  netcat) printf 'Package: netcat\nReverse Depends: \n  a,netcat\nReverse Provides: \nnetcat-traditional 1.10-50 (= )\nnetcat-openbsd 1.229-1 (= )\nnetcat-openbsd 1.228-1 (= )\n' ;;
  libglib2.0-0) printf 'Package: libglib2.0-0\nReverse Provides: \nlibglib2.0-0t64 2.84.4-3 (= 2.84.4-3)\n' ;;
  *) printf 'Package: %s\nReverse Provides: \n' "$3" ;;
  esac ;;
pkgnames) printf '%s\n' libpq5 libpq-dev libc6 netcat-openbsd python3 libglib2.0-0t64 ;;
esac`

// aptGet notes its arguments and fails when it installs what has a name of that kind.
const aptGet = `echo "$@" >> "$LOG"
for last; do :; done
case $last in
update) echo "Get:1 https://deb.example/debian trixie InRelease" ;;
libglib2.0-0) echo "E: Sub-process /usr/bin/dpkg returned an error code (1)"; exit 100 ;;
esac`

func TestAptInstallsWhatItKnows(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	t.Setenv("LOG", log)
	programs(t, map[string]string{"apt-get": aptGet, "apt-cache": aptCache, "dpkg": "echo amd64"})
	o := InstallOptions{Archives: t.TempDir(), Lists: t.TempDir()}
	if err := os.WriteFile(filepath.Join(o.Archives, "pkgcache.bin"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	packages := []string{"libpq5=17.5-1", "libc6", "libc6:amd64", "libc6:i386", "libglib2.0-0", "libpq5"}
	if err := newApt(o).install(context.Background(), packages); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) != 2 || !strings.HasSuffix(lines[0], " update") || !strings.HasSuffix(lines[1], " install -- "+strings.Join(packages, " ")) {
		t.Errorf("apt-get ran as\n%s", data)
	}
	for _, option := range []string{"-q -y -o ", "Dir::State::Lists=" + o.Lists + " ", "Dir::Cache::Archives=" + o.Archives + " ", "APT::Install-Recommends=false ", "APT::Sandbox::User=root "} {
		for _, line := range lines {
			if !strings.Contains(line, option) {
				t.Errorf("apt-get ran without %q: %s", option, line)
			}
		}
	}
	if exists(filepath.Join(o.Archives, "pkgcache.bin")) {
		t.Error("apt's own index of one image is left for the next")
	}
}

func TestAllPackagesThatCannotBeInstalledAreNamed(t *testing.T) {
	t.Setenv("LOG", filepath.Join(t.TempDir(), "log"))
	programs(t, map[string]string{"apt-get": aptGet, "apt-cache": aptCache, "dpkg": "echo amd64"})
	a := newApt(InstallOptions{Archives: t.TempDir(), Lists: t.TempDir()})
	err := a.install(context.Background(), []string{"libpq", "libpq5=1.0", "libc6", "netcat", "python3.1", "libc6:s390x", "libpq5:amd64=2", "libpq5-"})
	var failure *Failure
	if !errors.As(err, &failure) {
		t.Fatal(err)
	}
	name := distribution()
	want := strings.ReplaceAll(`7 packages cannot be installed
	NAME has no package "libpq": did you mean "libpq5" or "libpq-dev"?
	"libpq5" has no version 1.0: did you mean "libpq5=17.6-0+deb13u1" or "libpq5=17.5-1"?
	"netcat" is only a name that other packages provide: did you mean "netcat-openbsd" or "netcat-traditional"?
	NAME has no package "python3.1": did you mean "python3"?
	NAME has no package "libc6" for the architecture s390x
	"libpq5" has no version 2: did you mean "libpq5:amd64=17.6-0+deb13u1" or "libpq5:amd64=17.5-1"?
	NAME has no package "libpq5-": did you mean "libpq5" or "libpq-dev"?`, "NAME", name)
	if failure.Error() != want {
		t.Errorf("failed with\n%v\nwant\n%s", failure, want)
	}
	if log, err := os.ReadFile(os.Getenv("LOG")); err != nil || strings.Contains(string(log), "install --") {
		t.Errorf("apt-get saw names that it does not know: %s", log)
	}
	err = a.install(context.Background(), []string{"libpq"})
	if want := name + ` has no package "libpq": did you mean "libpq5" or "libpq-dev"?`; err == nil || err.Error() != want {
		t.Errorf("one unknown package fails with %q, want %q", err, want)
	}
}

func TestAFailureIsAFileForTheFrontend(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a/failure.json")
	f := &Failure{Message: "2 packages cannot be installed", Packages: []Unknown{
		{Name: "libpq", Reason: `Debian has no package "libpq"`, Near: []string{"libpq5", "libpq-dev"}}, {Name: "x1", Reason: `Debian has no package "x1"`},
	}}
	if err := f.write(file); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, data); err != nil {
		t.Fatal(err)
	}
	want := `{"message":"2 packages cannot be installed","packages":[` +
		`{"name":"libpq","reason":"Debian has no package \"libpq\"","near":["libpq5","libpq-dev"]},{"name":"x1","reason":"Debian has no package \"x1\""}]}`
	if compact.String() != want {
		t.Errorf("the file is\n%s\nwant\n%s", &compact, want)
	}
	f.Hint = "do this"
	if want := "2 packages cannot be installed\n\tDebian has no package \"libpq\": did you mean \"libpq5\" or \"libpq-dev\"?\n\tDebian has no package \"x1\"\n\thint: do this"; f.Error() != want {
		t.Errorf("printed %q, want %q", f.Error(), want)
	}
}

func TestFailuresOfAptAreExplained(t *testing.T) {
	for _, tt := range []struct{ name, command, output, want string }{
		{"no network", "update", "Err:1 https://deb.example/debian trixie InRelease\n  Temporary failure resolving 'deb.example'\n" +
			"E: Failed to fetch https://user:secret@deb.example/debian/dists/trixie/InRelease  Temporary failure resolving 'deb.example'\n" +
			"E: Some index files failed to download. They have been ignored, or old ones used instead.\n",
			"the name of the package archive's host cannot be resolved\n\tFailed to fetch https://deb.example/debian/dists/trixie/InRelease  Temporary failure resolving 'deb.example'\n" +
				"\thint: the builder needs a network and DNS, or a proxy: " + proxyFlags},
		{"a proxy that is not there", "update", "E: Failed to fetch https://deb.example/x  Unable to connect to 127.0.0.1:9:\n",
			"the package archive cannot be reached\n\tFailed to fetch https://deb.example/x  Unable to connect to 127.0.0.1:9:\n\thint: the builder needs a network, or a proxy: " + proxyFlags},
		{"a proxy that is not trusted", "update", "Err:1 https://deb.example/debian trixie InRelease\n  SSL connection failed: error:0A000086:SSL routines::certificate verify failed / Success [IP: 10.0.0.1 443]\n" +
			"E: Failed to fetch https://deb.example/x  SSL connection failed: error:0A000086:SSL routines::certificate verify failed / Success [IP: 10.0.0.1 443]\n",
			"the certificate of the package archive's host is not trusted\n\tSSL connection failed: error:0A000086:SSL routines::certificate verify failed / Success [IP: 10.0.0.1 443]\n" +
				"\thint: build with --secret id=ca-bundle,src=FILE, a file with the certificate of the authority that signed it, as that of your proxy"},
		{"an old release", "update", "E: The repository 'https://deb.example/debian buster Release' does not have a Release file.\n",
			"the package archive does not have this release of the distribution any more\n\tThe repository 'https://deb.example/debian buster Release' does not have a Release file.\n" +
				"\thint: take a base that is made from a newer release"},
		{"a full disk", "install", "dpkg: error processing archive /run/a/libpq5_17_amd64.deb (--unpack):\n cannot copy extracted data for './usr/lib/x' to '/usr/lib/x.dpkg-new': failed to write (No space left on device)\n" +
			"E: Sub-process /usr/bin/dpkg returned an error code (1)\n",
			"the disk of the builder is full\n\tcannot copy extracted data for './usr/lib/x' to '/usr/lib/x.dpkg-new': failed to write (No space left on device)\n\thint: free space on it, for example with `docker builder prune`"},
		{"a script that fails", "install", "Setting up bad:amd64 (1) ...\ndpkg: error processing package bad:amd64 (--configure):\n installed bad package post-installation script subprocess returned error exit status 3\n" +
			"Errors were encountered while processing:\n bad\nE: Sub-process /usr/bin/dpkg returned an error code (1)\n",
			"the package bad could not be set up\n\tinstalled bad package post-installation script subprocess returned error exit status 3"},
		{"an archive that cannot be unpacked", "install", "dpkg: error processing archive /run/a/libx_1%3a2_amd64.deb (--unpack):\n trying to overwrite '/usr/bin/x', which is also in package y 1\n" +
			"E: Sub-process /usr/bin/dpkg returned an error code (1)\n",
			"the package libx could not be set up\n\ttrying to overwrite '/usr/bin/x', which is also in package y 1"},
		{"dependencies", "install", "The following packages have unmet dependencies:\n worse : Depends: nothere (>= 3) but it is not installable\n         Depends: libc6 (>= 9) but 2.41-12 is to be installed\n" +
			"E: Unable to correct problems, you have held broken packages.\nE: The following information from --solver 3.0 may provide additional context:\n   Unable to satisfy dependencies. Reached two conflicting decisions:\n",
			"the packages cannot be installed together on this base\n\tworse : Depends: nothere (>= 3) but it is not installable\n\tDepends: libc6 (>= 9) but 2.41-12 is to be installed\n" +
				"\tUnable to correct problems, you have held broken packages."},
		{"a key", "update", "W: GPG error: https://deb.example/debian trixie InRelease: Sub-process /usr/bin/sqv returned an error code (1), error message is: Missing key 0123\n" +
			"E: The repository 'https://deb.example/debian trixie InRelease' is not signed.\n",
			"the package archive is signed with a key that the image does not trust\n\tThe repository 'https://deb.example/debian trixie InRelease' is not signed.\n" +
				"\thint: take a newer base, or one with the key in /etc/apt/keyrings"},
		{"another failure", "install", "E: Something new\nE: Something new\nE: And more\n", "apt-get install failed\n\tSomething new\n\tAnd more"},
		{"silence", "update", "", "apt-get update failed"},
	} {
		transcript := &transcript{}
		if _, err := transcript.Write([]byte(tt.output)); err != nil {
			t.Fatal(err)
		}
		if got := explainApt(tt.command, transcript.lines(), "").Error(); got != tt.want {
			t.Errorf("%s:\n%s\nwant\n%s", tt.name, got, tt.want)
		}
	}
}

func TestFailuresOfApkAreExplained(t *testing.T) {
	programs(t, map[string]string{"apk": `case "$*" in
*search*) printf 'libpq\nlibpq-dev\nbuild-base\nffmpeg\n' ;;
*update) ;;
*broken) echo 'ERROR: unable to select packages:'; echo '  broken-1.0:'; echo '    conflicts: other-2'; exit 1 ;;
*tls) echo 'WARNING: updating and opening https://apk.example/x: TLS: server certificate not trusted'; echo '2 unavailable, 0 stale; 8 distinct packages available'; exit 2 ;;
*nonet) echo 'ERROR: https://apk.example/x: temporary error (try again later)'; exit 2 ;;
*script) echo 'ERROR: x-1.0.post-install: script exited with error 1'; exit 1 ;;
*good) ;;
*) cat <<'E'
ERROR: unable to select packages:
  build-essential (no such package):
    required by: world[build-essential]
  libpq5 (no such package):
    required by: world[libpq5]
  other-1.0:
    breaks: world[other=2]
E
exit 2 ;; esac`})
	a := apk{InstallOptions{Archives: t.TempDir(), Lists: t.TempDir()}}
	name := distribution()
	for packages, want := range map[string]string{
		"good":                   "",
		"build-essential libpq5": "2 packages cannot be installed\n\t" + name + ` has no package "build-essential": did you mean "build-base"?` + "\n\t" + name + ` has no package "libpq5": did you mean "libpq" or "libpq-dev"?`,
		"broken":                 "apk add failed\n\tbroken-1.0:\n\tconflicts: other-2",
		"tls": "the certificate of the package archive's host is not trusted\n\tWARNING: updating and opening https://apk.example/x: TLS: server certificate not trusted" +
			"\n\thint: build with --secret id=ca-bundle,src=FILE, a file with the certificate of the authority that signed it, as that of your proxy",
		"nonet":       "the package archive cannot be reached\n\thttps://apk.example/x: temporary error (try again later)\n\thint: the builder needs a network, or a proxy: " + proxyFlags,
		"script":      "apk add failed\n\tx-1.0.post-install: script exited with error 1",
		"libpq:arm64": `apk knows no architectures: write "libpq" in place of "libpq:arm64"`,
	} {
		err := a.install(context.Background(), strings.Fields(packages))
		var failure *Failure
		if (err != nil) != (want != "") || err != nil && (err.Error() != want || !errors.As(err, &failure)) {
			t.Errorf("%s: %v\nwant %s", packages, err, want)
		}
	}
}

func TestAnImageWithoutAPackageManagerSaysSo(t *testing.T) {
	before := searchPath
	searchPath = t.TempDir()
	t.Cleanup(func() { searchPath = before })
	_, err := findManager(InstallOptions{})
	if err == nil || !strings.HasPrefix(err.Error(), "this image has no apt-get and no apk: ") {
		t.Errorf("findManager is %v", err)
	}
}

func TestOnlyPackagesAreTaken(t *testing.T) {
	for _, packages := range [][]string{nil, {""}, {"-y"}, {"--"}, {"libpq 5"}, {"libpq5", "Libpq"}, {"x"}, {"libpq5=$(id)"}, {"libpq5/sid"}, {"lib*"}} {
		if err := Install(context.Background(), InstallOptions{Packages: packages}); err == nil || !strings.Contains(err.Error(), "package") {
			t.Errorf("%q: %v", packages, err)
		}
	}
}

func TestTheEndOfALongOutputIsKept(t *testing.T) {
	var all bytes.Buffer
	long := &transcript{to: &all}
	line := strings.Repeat("x", 99) + "\n"
	for range 10000 {
		if _, err := long.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := long.Write([]byte("the end  \n")); err != nil {
		t.Fatal(err)
	}
	lines := long.lines()
	if all.Len() != 1000010 || len(long.end) > 2*longestEnd || lines[len(lines)-1] != "the end" {
		t.Errorf("%d bytes are handed on, %d kept, and the last line is %q", all.Len(), len(long.end), lines[len(lines)-1])
	}
}

// FuzzOutput reads any output of the distribution's programs. No message may carry the credentials of an address.
func FuzzOutput(f *testing.F) {
	f.Add(policyOutput)
	f.Add("Reverse Provides: \na 1\n\nb\n")
	f.Add("E: https://user:secret@deb.example/ failed\nERROR: unable to select packages:\n  x (no such package):\n")
	f.Add("The following packages have unmet dependencies:\n x\ndpkg: error processing package \ndpkg: error processing package x\n y\n")
	f.Fuzz(func(t *testing.T, text string) {
		for name, o := range parsePolicy(text) {
			if name == "" || strings.Contains(name, "\n") {
				t.Errorf("package %q is %v", name, o)
			}
		}
		parseProviders(text)
		parseMounts(text)
		lines := (&transcript{end: []byte(text)}).lines()
		for _, failure := range []*Failure{explainApt("install", lines, ""), explainApk("add", lines, "")} {
			if failure.Message == "" || credentials.MatchString(failure.Error()) {
				t.Errorf("failure %q", failure.Error())
			}
		}
	})
}
