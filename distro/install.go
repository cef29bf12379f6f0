package distro

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/authority"
)

// InstallOptions says what Install installs.
type InstallOptions struct {
	Packages []string  // each NAME, NAME:ARCHITECTURE or NAME=VERSION
	Archives string    // directory that keeps what was downloaded, and that nothing else uses meanwhile; when empty, nothing is kept
	Lists    string    // likewise for the distribution's lists of packages
	CA       string    // file with certificates to trust besides those of the image; empty for none, and it need not be there
	Failure  string    // file to write a Failure to; may be empty
	Output   io.Writer // what the distribution's programs print
}

// Install installs packages into the root file system with the image's own package manager, as root. It leaves no list, archive,
// log, cache or backup behind, and every file that it made or changed has one fixed time, so that the same archive of the
// distribution always gives the same files. The error is a *Failure where the image, the packages or the archive are to blame.
func Install(ctx context.Context, o InstallOptions) error {
	err := install(ctx, o)
	var failure *Failure
	if errors.As(err, &failure) && o.Failure != "" {
		err = errors.Join(err, failure.write(o.Failure))
	}
	return err
}

func install(ctx context.Context, o InstallOptions) (err error) {
	for _, p := range o.Packages {
		if !packageName.MatchString(p) {
			return fmt.Errorf("a package must have the form name, name:arch or name=version, not %q", p)
		}
	}
	if len(o.Packages) == 0 {
		return errors.New("no package is named")
	}
	if os.Geteuid() != 0 {
		return errors.New("packages can be installed by root only")
	}
	before, err := takeSnapshot("/")
	if err != nil {
		return err
	}
	if err := withDirectories([]*string{&o.Archives, &o.Lists}, func() error {
		manager, err := findManager(o)
		if err != nil {
			return err
		}
		if err := o.trust(); err != nil {
			return err
		}
		return withoutServices(func() error { return manager.install(ctx, o.Packages) })
	}); err != nil {
		return err
	}
	if err := before.tidy(); err != nil {
		return err
	}
	return listFonts(ctx, o.Output, before)
}

// trust has the distribution's programs trust the certificates of CA too. They read its path in the environment of this process, but for apt.
func (o InstallOptions) trust() error {
	if o.CA == "" {
		return nil
	}
	variables, err := authority.Trust(o.CA, o.authorities(), os.Environ())
	for _, v := range variables {
		name, value, _ := strings.Cut(v, "=")
		err = errors.Join(err, os.Setenv(name, value))
	}
	return err
}

// authorities is the file that trust writes.
func (o InstallOptions) authorities() string { return filepath.Join(o.Archives, "authorities.pem") }

// listFonts makes fontconfig's list of fonts, without which each start of a program that draws text reads all fonts. The list that
// the packages' scripts made is not valid any more: it is tied to the times of directories.
func listFonts(ctx context.Context, w io.Writer, before *snapshot) error {
	if !isProgram("/usr/bin/fc-cache") || before.unchanged("var/cache/fontconfig") {
		return nil
	}
	cmd := exec.CommandContext(ctx, "/usr/bin/fc-cache", "--system-only")
	cmd.Env = slices.DeleteFunc(environment(), func(v string) bool { return strings.HasPrefix(v, "SOURCE_DATE_EPOCH=") })
	cmd.Stdout, cmd.Stderr = w, w
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("the list of fonts could not be made: fc-cache: %w", err)
	}
	return before.tidy()
}

// packageName is what the Pyfile takes for a package (pyfile's grammar says the same).
var packageName = regexp.MustCompile(`^[a-z0-9][a-z0-9+._-]*[a-z0-9+.](?::[a-z0-9-]+)?(?:=[A-Za-z0-9.+:~_-]+)?$`)

// splitPackage returns the parts of NAME:ARCHITECTURE=VERSION; those that it does not have are empty.
func splitPackage(p string) (name, arch, version string) {
	name, version, _ = strings.Cut(p, "=")
	name, arch, _ = strings.Cut(name, ":")
	return name, arch, version
}

// withDirectories does something while there are directories for downloads, each with the one below it that apt wants. Those that are
// not named are new ones, for this time only; the names become absolute paths.
func withDirectories(dirs []*string, do func() error) (err error) {
	for _, dir := range dirs {
		if *dir == "" {
			if *dir, err = os.MkdirTemp("", "pyfile-distro-"); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, os.RemoveAll(*dir)) }()
		}
		if *dir, err = filepath.Abs(*dir); err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Join(*dir, "partial"), 0o755); err != nil {
			return err
		}
	}
	return do()
}

// manager is the package manager of an image.
type manager interface {
	install(ctx context.Context, packages []string) error
	provide(ctx context.Context, wants []Want) (map[Want][]string, error)
}

// searchPath is where programs are looked for. The image's own PATH may lack the directories of the administrator.
var searchPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// findManager finds the package manager of the image by its program.
func findManager(o InstallOptions) (manager, error) {
	for _, dir := range filepath.SplitList(searchPath) {
		if file := filepath.Join(dir, "apt-get"); isProgram(file) {
			return newApt(o), nil
		}
		if file := filepath.Join(dir, "apk"); isProgram(file) {
			return apk{o}, nil
		}
	}
	return nil, &Failure{
		Message: fmt.Sprintf("this image has no apt-get and no apk: %s cannot install packages", distribution()),
		Hint:    "take a base that is made from Debian, Ubuntu or Alpine, or leave [apt] out",
	}
}

// distribution is what the distribution calls itself.
func distribution() string {
	if db, err := Open(os.DirFS("/")); err == nil && db.Release.Name != "" {
		return db.Release.Name
	}
	return "the distribution"
}

func isProgram(file string) bool {
	info, err := os.Stat(file)
	return err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0
}

// environment is what programs and the scripts of packages get on top of the variables of the build: nobody to ask, English
// messages, and one fixed time wherever a program writes one (users get it as the day of their password, and fontconfig and Python
// take it for their caches).
func environment() []string {
	return append(os.Environ(),
		"PATH="+searchPath,
		"LC_ALL=C.UTF-8",
		"DEBIAN_FRONTEND=noninteractive",
		"DEBCONF_NOWARNINGS=yes",
		"PERL_HASH_SEED=0",
		"PYTHONHASHSEED=0",
		fmt.Sprintf("SOURCE_DATE_EPOCH=%d", epoch.Unix()),
	)
}

// start runs a program to its end. Its output goes to w.
func start(ctx context.Context, w io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, lookUp(name), args...)
	cmd.Env = environment()
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = w, w
	err := cmd.Run()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func lookUp(name string) string {
	for _, dir := range filepath.SplitList(searchPath) {
		if file := filepath.Join(dir, name); isProgram(file) {
			return file
		}
	}
	return name
}

// policy is the program that Debian's scripts ask whether a service may start (invoke-rc.d(8)); 101 forbids it.
const policy, policyText = "/usr/sbin/policy-rc.d", "#!/bin/sh\nexit 101\n"

// withoutServices does something while no package may start a service. The official images forbid it already.
func withoutServices(do func() error) (err error) {
	if _, missing := os.Lstat(policy); !errors.Is(missing, os.ErrNotExist) {
		return do()
	}
	if err := os.WriteFile(policy, []byte(policyText), 0o755); err != nil { //nolint:gosec // it is a program
		if errors.Is(err, os.ErrNotExist) {
			return do() // without /usr/sbin there is none of those scripts
		}
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(policy)) }()
	return do()
}
