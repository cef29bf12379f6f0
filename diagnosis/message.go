package diagnosis

import (
	"fmt"
	"strings"

	"github.com/org/pyfile/authority"
)

// message says the cause in one line.
func message(found *finding, f Facts) string {
	s := f.subject()
	if found.about != "" {
		if found.kind == Python {
			return fmt.Sprintf("%s does not build with %s: %s", s, f.python(), found.about)
		}
		return fmt.Sprintf("%s cannot be built: %s", s, found.about)
	}
	switch found.kind {
	case Header:
		return fmt.Sprintf("%s cannot be compiled: the header %s is missing", s, found.name)
	case Program:
		return fmt.Sprintf("%s cannot be built: the program %s is missing", s, found.name)
	case Library:
		return fmt.Sprintf("%s cannot be built: the library %s is missing", s, found.name)
	case Compiler:
		return fmt.Sprintf("%s cannot be compiled: there is no %s compiler", s, found.name)
	case Network:
		to := "it reaches out to the network"
		if found.name != "" {
			to = "it reaches out to " + found.name
		}
		if f.Network {
			return fmt.Sprintf("%s cannot be built: %s, which does not answer", s, to)
		}
		return fmt.Sprintf("%s cannot be built without the network: %s", s, to)
	case Certificate:
		of := "of the host"
		if found.name != "" {
			of = "of " + found.name
		}
		return fmt.Sprintf("%s cannot be built: the certificate %s is not trusted", s, of)
	case Memory:
		return fmt.Sprintf("%s cannot be built: the machine of the builder ran out of memory", s)
	case Disk:
		return fmt.Sprintf("%s cannot be built: the disk of the builder is full", s)
	case Requirement:
		if f.Own {
			return fmt.Sprintf("%s cannot be built: its build imports %s, which [build-system] does not require", s, found.name)
		}
		return fmt.Sprintf("%s cannot be built: its build imports %s, which it does not declare as a build requirement", s, found.name)
	}
	return fmt.Sprintf("%s cannot be built", s)
}

// hint says what to type.
func hint(found *finding, packages []string, f Facts) string {
	if found.hint != "" {
		return strings.ReplaceAll(found.hint, "%s", f.another("another"))
	}
	switch found.kind {
	case Header, Program, Library, Compiler:
		if len(packages) > 0 {
			return `add to [apt]: build = ["` + strings.Join(packages, `", "`) + `"]`
		}
		return "add the package that has it to [apt]: build"
	case Network:
		if f.Network {
			return "check that the machine of the builder reaches it; behind a proxy, build with --build-arg HTTPS_PROXY=http://HOST:PORT"
		}
		if f.Name == "" {
			return "add its name to [dependencies]: allow-network"
		}
		return fmt.Sprintf(`add to [dependencies]: allow-network = [%q]`, f.Name)
	case Certificate:
		return authority.Hint(f.CA)
	case Memory:
		return "give the machine of the builder more memory, or let it build fewer things at a time"
	case Disk:
		return `make room on the machine of the builder, for example with "docker buildx prune"`
	case Python:
		return f.another("a newer") + ", or set python to an older version"
	case Requirement:
		dist := distributionOf(found.name)
		if f.Own {
			return fmt.Sprintf("add %q to requires of [build-system] in pyproject.toml", dist)
		}
		return "lock a release that declares it or that has a wheel, or make a wheel of it yourself and lock that"
	}
	return "its whole output stands above"
}

// another is how to get another release of what is built. The user changes a project, and locks a release of anything else.
func (f Facts) another(which string) string {
	switch {
	case f.Own:
		return "change the project"
	case f.Name == "":
		return "lock " + which + " release of it"
	}
	return "lock " + which + " release of " + f.Name
}
