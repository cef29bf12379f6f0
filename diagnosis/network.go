package diagnosis

import (
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/authority"
)

// untrusted are the causes that programs name which do not trust the certificate of a host. Most go on to say that what they looked for is not
// there.
func untrusted(o *output, _ Facts) (all []*finding) {
	for i, l := range o.lines {
		if !o.code[i] && authority.Untrusted(l) {
			found := unreachable(nil, o, i)
			found.kind, found.at = Certificate, i
			all = append(all, found)
		}
	}
	for _, found := range all { // pip tells the host at its last attempt only
		if i := slices.IndexFunc(all, func(f *finding) bool { return f.name != "" }); i >= 0 && found.name == "" {
			found.name = all[i].name
		}
	}
	return all
}

// packagers are the causes that programs name which fetch something: pip, cargo, git, curl, npm, cmake, urllib.
func packagers(o *output, f Facts) []*finding {
	found := apply(networkRules, o)
	if o.has("puccinialin") || o.has("Rust not found") {
		found = nil // it fetches a Rust because there is none
	}
	return append(found, apply(pipRules, o)...)
}

var networkRules = []rule{
	{"in name resolution", regexp.MustCompile(`[Tt]emporary failure in name resolution`), unreachable},
	{"Name or service not known", regexp.MustCompile(`Name or service not known`), unreachable},
	{"Name does not resolve", regexp.MustCompile(`Name does not resolve`), unreachable},
	{"not resolve host", regexp.MustCompile(`[Cc](?:ould|an)(?: ?not|'t) resolve host(?:name)?`), unreachable},
	{"getaddrinfo", regexp.MustCompile(`getaddrinfo (?:EAI_AGAIN|ENOTFOUND|failed)`), unreachable},
	{"lookup address information", regexp.MustCompile(`failed to lookup address information`), unreachable},
	{"dial tcp", regexp.MustCompile(`dial tcp: lookup \S+`), unreachable},
	{"Network is unreachable", regexp.MustCompile(`Network is unreachable`), unreachable},
	{"No route to host", regexp.MustCompile(`No route to host`), unreachable},
	{"Failed to establish a new connection", regexp.MustCompile(`Failed to establish a new connection`), unreachable},
	{"but --offline was specified", regexp.MustCompile(`but --offline was specified`), unreachable},
	{"npm ERR! network", regexp.MustCompile(`npm ERR! network`), unreachable},
}

// hosts are how the programs write where they wanted to go.
var hosts = []*regexp.Regexp{
	regexp.MustCompile(`[a-z+]{3,12}://(?:[^\s/"'<>@]*@)?([A-Za-z0-9.-]*[A-Za-z0-9])`),
	regexp.MustCompile(`(?:resolve host(?:name)?:?|EAI_AGAIN|ENOTFOUND|lookup) ["'(]?([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+)`),
	regexp.MustCompile(`\bhost=["']([A-Za-z0-9.-]+)["']`),
	regexp.MustCompile(`Could not resolve host: ([A-Za-z0-9.-]*[A-Za-z0-9])`),
}

// unreachable is the cause that a host was not reached. Its name stands in the line or in one close to it.
func unreachable(_ []string, o *output, at int) *finding {
	found := &finding{rank: certain, kind: Network}
	for _, i := range []int{at, at + 1, at - 1, at - 2, at + 2, at - 3, at - 4, at - 5} {
		if i < 0 || i >= len(o.lines) {
			continue
		}
		for _, pattern := range hosts {
			if m := pattern.FindStringSubmatch(o.lines[i]); m != nil {
				found.name = strings.ToLower(m[1])
				return found
			}
		}
	}
	return found
}

var pipRules = []rule{
	{"requires a different Python", regexp.MustCompile(`ERROR: Package '?([^':]+)'? requires a different Python: \S+ not in '?([^']+)'?`), func(m []string, _ *output, _ int) *finding {
		return &finding{rank: certain, kind: Python, name: m[1], about: "it needs Python " + strings.TrimSpace(m[2])}
	}},
	{"No matching distribution found for ", regexp.MustCompile(`ERROR: No matching distribution found for (.+?)\.?$`), unsatisfied},
	{"Could not find a version that satisfies", regexp.MustCompile(`ERROR: Could not find a version that satisfies the requirement (.+?) \(from`), unsatisfied},
	{"conflicting dependencies", regexp.MustCompile(`ERROR: Cannot install (.+?) because these package versions have conflicting dependencies`), func(m []string, _ *output, _ int) *finding {
		return &finding{rank: certain, kind: Requirement, name: m[1], about: "its build requirements contradict each other or build-constraints: " + m[1],
			hint: "loosen the file of build-constraints, or %s"}
	}},
	{"ResolutionImpossible", regexp.MustCompile(`ERROR: ResolutionImpossible`), func([]string, *output, int) *finding {
		return &finding{rank: raised, kind: Requirement, about: "its build requirements contradict each other or build-constraints",
			hint: "loosen the file of build-constraints, or %s"}
	}},
}

// unsatisfied is the cause that no index has a build requirement.
func unsatisfied(m []string, _ *output, _ int) *finding {
	return &finding{rank: certain, kind: Requirement, name: m[1], about: "no index has its build requirement " + m[1],
		hint: "check that the index has it for this Python, and that the file of build-constraints allows it"}
}

// signals are the causes that only the exit status tells. 9 is what the kernel sends when memory runs out.
func signals(o *output, f Facts) []*finding {
	if f.Exit == 137 || f.Exit == -9 {
		return at(max(len(o.lines)-1, 0), &finding{rank: raised, kind: Memory})
	}
	return nil
}
