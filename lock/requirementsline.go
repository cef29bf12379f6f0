package lock

import (
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// requirement reads "NAME", "NAME @ URL", a URL or a path, with a marker behind ";".
func (r *requirementsReader) requirement(l *logicalLine, args string, options []option) {
	sep := ";"
	if isRequirementURL(args) {
		sep = "; " // a URL may have a semicolon in it
	}
	what, markerText, hasMarker := strings.Cut(args, sep)
	what = strings.TrimRight(what, " \t")
	q := &requirement{doc: r.doc, constraint: r.constraint}
	q.at = l.span(0, len(what))
	if hasMarker {
		from := len(args) - len(strings.TrimLeft(markerText, " \t"))
		if !r.marker(l, q, strings.TrimSpace(markerText), from) {
			return
		}
	}
	for _, o := range options {
		if o.name == "--hash" {
			r.hash(q, o, l.span(o.from, o.to))
		}
	}
	switch {
	case isRequirementURL(what):
		r.direct(q, what, "")
	case namesURL(what):
		r.named(l, q, what)
	case isRequirementPath(what) && !strings.Contains(what, "://"):
		r.path(q, what)
	default:
		r.named(l, q, what)
	}
	if (q.kind == Git || q.kind == Directory) && len(q.hashes) > 0 && !q.broken {
		r.errorAt(q.at, "leave the hash out", "only a file has a hash, and this is a repository or a directory")
		return
	}
	r.add(q, options)
}

// editable reads an --editable: a directory, or a repository. An image holds a copy in any case.
func (r *requirementsReader) editable(l *logicalLine, options []option) {
	i := slices.IndexFunc(options, func(o option) bool { return o.use == editable })
	o := options[i]
	q := &requirement{doc: r.doc, constraint: r.constraint}
	q.at = l.span(o.from, o.to)
	if r.constraint {
		r.errorAt(q.at, "", "a constraint cannot be --editable")
		return
	}
	what := o.text
	if namesURL(what) {
		if req, err := python.ParseRequirement(what); err == nil {
			q.name, q.extras, q.marker = python.NormalizeName(req.Name), req.Extras, req.Marker
			what = req.URL
		}
	}
	if scheme, _, ok := strings.Cut(what, ":"); ok && slices.Contains([]string{"git", "hg", "svn", "bzr"}, strings.ToLower(scheme)) {
		what = scheme + "+" + what
	}
	switch scheme := urlScheme(what); {
	case scheme == "file" || strings.Contains(scheme, "+"):
		r.direct(q, what, q.name)
	case scheme != "":
		r.errorAt(q.at, "write it without -e", "an --editable is a directory or a repository (git+https://...), not a file at an address")
		return
	default:
		r.path(q, what)
	}
	switch q.kind {
	case Git:
		if q.name == "" && !q.broken {
			r.errorAt(q.at, "write NAME @ git+https://..., or add #egg=NAME", "an --editable repository must name its package")
			return
		}
	case Directory, "":
	default:
		r.errorAt(q.at, "write it without -e", "an --editable is a directory or a repository, not a file")
		return
	}
	r.add(q, options)
}

// marker parses the marker of a line.
func (r *requirementsReader) marker(l *logicalLine, q *requirement, text string, from int) bool {
	if text == "" {
		return true
	}
	if m, ok := r.markers[text]; ok {
		q.marker = m
		return true
	}
	m, err := python.ParseMarker(text)
	if err != nil {
		at := l.span(from, max(from, min(from+len(text), len(l.text))))
		if len(text) > 200 || strings.Contains(text, "://") {
			r.errorAt(at, "", "the marker cannot be read")
		} else {
			r.errorAt(at, "", "the marker cannot be read: %v", err)
		}
		return false
	}
	if written := m.String(); strings.Contains(written, " in extras") || strings.Contains(written, " in dependency_groups") {
		r.errorAt(l.span(from, min(from+len(text), len(l.text))), "", "only the markers of a pylock.toml know extras and dependency_groups")
		return false
	}
	r.markers[text], q.marker = m, m
	return true
}

// named reads "NAME[EXTRAS]SPECIFIERS" or "NAME[EXTRAS] @ URL".
func (r *requirementsReader) named(l *logicalLine, q *requirement, what string) {
	req, err := python.ParseRequirement(what)
	if err != nil {
		r.unreadable(l, q, what, err)
		return
	}
	q.name, q.extras, q.spec = python.NormalizeName(req.Name), req.Extras, req.Specifiers
	if req.URL != "" {
		r.direct(q, req.URL, q.name)
		return
	}
	q.at = l.span(0, len(what))
	q.version = pinOf(q.spec)
}

// unreadable reports a line that is no requirement, without showing an address.
func (r *requirementsReader) unreadable(l *logicalLine, q *requirement, what string, err error) {
	msg, hint := "the line is not a requirement such as \"NAME==1.0\", \"NAME @ URL\" or a path", ""
	if detail := err.Error(); !strings.Contains(what, "//") && !strings.Contains(what, "@") {
		_, reason, _ := strings.Cut(detail, ", column ")
		if _, reason, ok := strings.Cut(reason, ": "); ok {
			msg += ": " + reason
		}
	}
	switch {
	case strings.HasSuffix(what, `\`):
		hint = `the line ends in white space behind "\"; take that away`
	case strings.Contains(what, "--hash"):
		hint = "write a blank, not a tab, before --hash"
	case singleEquals.MatchString(what):
		hint = "write == for a version"
	}
	r.errorAt(l.span(0, len(what)), hint, "%s", msg)
	q.broken = true
}

// singleEquals finds "=" where "==" is meant.
var singleEquals = regexp.MustCompile(`[^=<>!~]=[^=]`)

// pinOf is the version of specifiers that leave no choice: a single "==" without "*", or "===".
func pinOf(s python.Specifiers) string {
	text := s.String()
	if version, ok := strings.CutPrefix(text, "==="); ok && !strings.Contains(text, ",") {
		return version
	}
	version, ok := strings.CutPrefix(text, "==")
	if !ok || strings.ContainsAny(version, ",*") {
		return ""
	}
	if v, err := python.ParseVersion(version); err == nil {
		return v.String()
	}
	return version
}

// archiveSuffixes are the names by which pip tells a file from a package.
var archiveSuffixes = []string{".whl", ".zip", ".tar.bz2", ".tbz", ".tar.gz", ".tgz", ".tar", ".tar.xz", ".txz", ".tlz", ".tar.lz", ".tar.lzma"}

func isArchive(s string) bool {
	s = strings.ToLower(s[max(0, len(s)-len(".tar.lzma")):])
	return slices.ContainsFunc(archiveSuffixes, func(suffix string) bool { return strings.HasSuffix(s, suffix) })
}

// isRequirementPath tells a path from a name as pip does, but for what pip only sees in the file system.
func isRequirementPath(s string) bool {
	plain, _ := cutExtras(s)
	return strings.HasPrefix(s, ".") || strings.Contains(plain, "/") || isArchive(plain)
}

// extrasSuffix is the list of extras behind a path.
var extrasSuffix = regexp.MustCompile(`^(.+)\[([^\]]+)\]$`)

func cutExtras(s string) (string, []string) {
	if !strings.HasSuffix(s, "]") {
		return s, nil
	}
	m := extrasSuffix.FindStringSubmatch(s)
	if m == nil {
		return s, nil
	}
	var extras []string
	for _, e := range strings.Split(m[2], ",") {
		extras = append(extras, strings.TrimSpace(e))
	}
	return strings.TrimRight(m[1], " \t"), extras
}

// hash notes a --hash. pip takes sha256, sha384 and sha512.
func (r *requirementsReader) hash(q *requirement, o option, at span) {
	algorithm, digest, ok := strings.Cut(o.text, ":")
	switch {
	case !ok || !slices.Contains([]string{"sha256", "sha384", "sha512"}, algorithm):
		r.errorAt(at, "", "a --hash must be sha256:DIGEST (or sha384, sha512)")
		q.broken = true
		return
	case algorithm == "sha256":
		if digest, ok = sha256Hex(digest); !ok {
			r.errorAt(at, "", "the sha256 of a --hash must be 64 hex digits")
			q.broken = true
			return
		}
	}
	q.hashes = append(q.hashes, requirementHash{algorithm: algorithm, digest: digest, at: at})
}

// add takes a requirement into the set.
func (r *requirementsReader) add(q *requirement, options []option) {
	if q.broken {
		return
	}
	if r.constraint {
		switch {
		case q.name == "" || q.inferred:
			r.errorAt(q.at, "write NAME==VERSION", "a constraint must name a package")
			return
		case len(q.extras) > 0:
			r.errorAt(q.at, "leave the extras out", "a constraint cannot have extras")
			return
		case r.builds && (q.kind == Git || q.kind == Directory || q.link.path != ""):
			r.errorAt(q.at, "write NAME==VERSION", "%s is a repository or a path, which the step that installs build requirements cannot read", q.name)
			return
		}
		r.set.constraints = append(r.set.constraints, q)
	} else {
		r.set.requirements = append(r.set.requirements, q)
		r.configSettings(q, options)
	}
	r.set.order = append(r.set.order, q)
	if q.name != "" {
		r.set.byName[q.name] = append(r.set.byName[q.name], q)
	}
}

// configSettings notes the --config-settings of a requirement.
func (r *requirementsReader) configSettings(q *requirement, options []option) {
	var settings pyfile.PackageSettings
	for _, o := range options {
		if o.name != "--config-settings" {
			continue
		}
		key, value, ok := strings.Cut(o.text, "=")
		at := q.at
		if !ok || key == "" {
			r.errorAt(at, "", `--config-settings must be KEY=VALUE, such as --config-settings "--build-option=--with-ext"`)
			return
		}
		where := r.doc.span(at)
		item := pyfile.String{Value: value, Range: where}
		i := slices.IndexFunc(settings.Settings, func(s pyfile.Setting) bool { return s.Key.Value == key })
		if i < 0 {
			settings.Settings = append(settings.Settings, pyfile.Setting{Key: pyfile.String{Value: key, Range: where}, Values: pyfile.List{Range: where}})
			i = len(settings.Settings) - 1
		}
		settings.Settings[i].Values.Items = append(settings.Settings[i].Values.Items, item)
	}
	if len(settings.Settings) == 0 {
		return
	}
	if q.name == "" {
		r.errorAt(q.at, "write NAME @ URL", "--config-settings need the name of the package")
		return
	}
	settings.Name = pyfile.String{Value: q.name, Range: r.doc.span(q.at)}
	r.set.settings = append(r.set.settings, settings)
}
