package plan

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/authority"
	"github.com/org/pyfile/index"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
)

// AnswerFile is where the result of a lookup plan has the answer of the indexes, and ResolvedFile where that of a resolution has the lock.
const (
	AnswerFile   = "answer.json"
	ResolvedFile = "pylock.toml"
)

// Paths of the steps that ask an index.
const (
	indexPath   = "/run/pyfile/index"
	settingsDir = "/run/pyfile/settings"
	queryFile   = "/run/pyfile/query.json"
	secretDir   = "/run/pyfile/secrets" //nolint:gosec // a path
	uvDir       = "/run/pyfile/uv"
)

// The steps whose results the frontend reads.
const (
	lookupStep  = "lookup"
	resolveStep = "resolve"
)

// CASecret is the id of the build secret with certificates of a company's own authority, for all steps that use the network.
const CASecret = authority.Secret

// AsksIndex tells whether the lock leaves it to an index where its files are.
func (p *Project) AsksIndex() bool { return len(p.asks) > 0 }

// LookupPlan is the plan of a solve of its own, whose result has AnswerFile. New plans the same steps, so that a registry cache
// carries them. It is nil when the lock has the address of every file.
func (p *Project) LookupPlan(in Inputs) (*Plan, error) {
	if !p.AsksIndex() {
		return nil, nil
	}
	return p.aside(in, func(s *stages) (string, error) {
		if err := p.Lock.Check(s.request()); err != nil {
			return "", err
		}
		return s.lookup()
	})
}

// ResolvePlan is the plan of a solve of its own, whose result has ResolvedFile. It is nil when there is a lock, or nothing to choose.
func (p *Project) ResolvePlan(in Inputs) (*Plan, error) {
	if p.open == nil {
		return nil, nil
	}
	return p.aside(in, (*stages).resolve)
}

// aside plans the steps up to one that is read by the frontend.
func (p *Project) aside(in Inputs, result func(*stages) (string, error)) (*Plan, error) {
	s, err := p.stages(in)
	if err != nil {
		return nil, err
	}
	id, err := result(s)
	if err != nil {
		return nil, err
	}
	return s.plan(id), nil
}

// lookup adds the step that asks the indexes for the files that the lock knows by hash only. What it asks follows from the lock and the
// [index] tables alone, and it runs in an empty tree: nothing else makes it run again.
func (s *stages) lookup() (string, error) {
	settings, err := s.settings()
	if err != nil {
		return "", err
	}
	query := s.query("lookup", index.Query{Indexes: s.indexes(), Packages: s.asks})
	what := fmt.Sprintf("[internal] ask the index for %s", count(len(s.asks), "package"))
	return s.add(Step{ID: lookupStep, Stage: DepBuilder, Name: what, Origin: s.lockOrigin(),
		Failure: &pyfile.Error{File: s.Lock.Name, Range: FirstLine, Msg: fmt.Sprintf("%s does not say where its files are, and the index could not be asked; its reason is above", s.Lock.Name)},
		Exec:    s.ask([]string{"lookup"}, settings, query)}), nil
}

// settings adds the step that reads what the tool image's pip is configured for, or that of a builder that the Pyfile names. It has no
// network.
func (s *stages) settings() (string, error) {
	where, from := s.packing(), s.in.Base
	if s.File.Builder.Set() {
		where, from = workplace{root: s.builderImage(s.Target == DepBuilder || s.Target == AppBuilder), interpreter: s.runs.Name()}, s.in.Builder
	}
	e := &Exec{Root: where.root, Env: slices.Clone(execEnv), Args: []string{indexPath, "settings", "--interpreter", where.interpreter, "--out", outDir},
		Mounts: []Mount{s.indexHelper(), {Path: outDir, Output: true}}}
	variables, err := s.pipVariables(from)
	if err != nil {
		return "", err
	}
	e.Env = append(e.Env, variables...)
	return s.add(Step{ID: "index-settings", Stage: DepBuilder, Name: "[internal] read the settings of pip", Origin: s.lockOrigin(), Exec: e}), nil
}

// pipVariables are those of an image's environment by which pip is configured there.
func (s *stages) pipVariables(of Source) (list []Var, err error) {
	for _, v := range of.Config.Config.Env {
		name, value, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "PIP_") && !slices.Contains(certificateEnv, name) {
			continue
		}
		if urlPassword.MatchString(value) {
			return nil, s.ImageError(of.Ref, fmt.Sprintf("image %s has a password in its environment variable %s, which everyone could read in the image's provenance", of.Ref, name),
				"take it out of the image, and write [index.default] with url, username and secret")
		}
		list = append(list, Var{name, value})
	}
	return list, nil
}

// certificateEnv are the variables by which an image says which certificates to trust.
var certificateEnv = []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"}

// urlPassword is an address with user or password in it.
var urlPassword = regexp.MustCompile(`://[^/@\s]*@`)

// indexHelper is the mount of the program that asks indexes. It is not the installer, so that a change in one leaves the cache of the
// other as it is.
func (s *stages) indexHelper() Mount {
	return Mount{Path: indexPath, From: s.helper(), Source: "/pyfile-index"}
}

// query adds the step that writes a query.
func (s *stages) query(id string, q index.Query) string {
	data, err := q.Encode()
	if err != nil {
		panic(err) // plain data always has a form in JSON; the frontend reports a panic as a bug
	}
	return s.add(Step{ID: "query:" + id, Stage: DepBuilder, Name: "[internal] write the query for the index", Origin: s.lockOrigin(),
		Files: &Files{Actions: []Action{{Write: &Write{Path: "/query.json", Mode: 0o644, Data: string(data)}}}}})
}

// ask is an exec of the index helper in an empty tree, with the secrets of all indexes.
func (s *stages) ask(args []string, settings, query string, mounts ...Mount) *Exec {
	return &Exec{
		Args:    slices.Concat([]string{indexPath}, args, askArgs, []string{"--out", outDir}),
		Mounts:  slices.Concat(s.askMounts(settings, query), []Mount{{Path: outDir, Output: true}}, mounts),
		Secrets: s.secrets(),
		Network: true,
	}
}

// askArgs are the arguments for what every command of the index helper needs, and askMounts have it.
var askArgs = []string{"--settings", settingsDir, "--query", queryFile, "--secrets", secretDir, "--ca", path.Join(secretDir, CASecret)}

func (s *stages) askMounts(settings, query string) []Mount {
	return []Mount{s.indexHelper(), {Path: settingsDir, From: settings}, {Path: queryFile, From: query, Source: "/query.json"}}
}

// trusts lets the program of an exec with a network trust the certificates of the build secret CASecret, if the user gives it.
func trusts(e *Exec) {
	file := path.Join(secretDir, CASecret)
	e.Args = slices.Insert(e.Args, 2, "--ca", file)
	e.Secrets = append(e.Secrets, Secret{ID: CASecret, Path: file})
}

// namesIndexes tells whether the Pyfile, or an image whose pip may count, says where packages come from. What a file says in a builder that the
// Pyfile names is not known: it is not pulled for that.
func (s *stages) namesIndexes() bool {
	names := func(image Source) bool {
		return slices.ContainsFunc(image.Config.Config.Env, func(v string) bool {
			name, _, _ := strings.Cut(v, "=")
			return slices.Contains([]string{"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_FIND_LINKS", "PIP_CONFIG_FILE"}, name)
		})
	}
	return len(s.File.Indexes) > 0 || s.in.Facts.Indexes || names(s.in.Base) || s.File.Builder.Set() && names(s.in.Builder)
}

// askIndexes has pip, in an exec that installs build requirements, ask what a lookup asks: of several indexes pip would take the highest version
// anywhere. Where nothing but pip's own index is known, it asks that. The image's other variables count.
func (s *stages) askIndexes(e *Exec, at workplace) error {
	of := s.in.Builder
	if at.slim {
		of = s.in.Base
	}
	if !at.slim || s.runs.Pip { // else it is the official slim image, which is not configured
		variables, err := s.pipVariables(of)
		if err != nil {
			return err
		}
		e.Env = slices.Concat(e.Env, variables)
	}
	if !s.namesIndexes() {
		trusts(e)
		return nil
	}
	settings, err := s.settings()
	if err != nil {
		return err
	}
	query := s.query("indexes", index.Query{Indexes: s.indexes(), Packages: []index.Package{}})
	e.Args = slices.Concat([]string{indexPath, "run"}, askArgs, []string{"--failure", e.Failure}, e.Args)
	asks := s.askMounts(settings, query)
	// BuildKit loses why an exec failed if two mounts read one tree, and that of the helper has the exec's own program.
	asks[0].From = s.add(Step{ID: "index-program", Stage: DepBuilder, Name: "[internal] take the program that asks indexes", Origin: s.lockOrigin(),
		Files: &Files{Actions: []Action{{Copy: &Copy{From: asks[0].From, Source: asks[0].Source, Path: asks[0].Source}}}}})
	e.Mounts = append(e.Mounts, asks...)
	e.Secrets = s.secrets()
	return nil
}

// indexes are the [index] tables.
func (p *Project) indexes() []index.Source {
	var out []index.Source
	for _, i := range p.File.Indexes {
		out = append(out, index.Source{Name: i.Name.Value, URL: i.URL.Value, Username: i.Username.Value, Secret: i.Secret.Value})
	}
	return out
}

// secrets are those of the indexes and the certificates. All are optional: the helper says which flag is missing.
func (p *Project) secrets() []Secret {
	ids := []string{CASecret}
	for _, i := range p.File.Indexes {
		if i.Secret.Set() && !slices.Contains(ids, i.Secret.Value) {
			ids = append(ids, i.Secret.Value)
		}
	}
	out := make([]Secret, len(ids))
	for i, id := range ids {
		out[i] = Secret{ID: id, Path: path.Join(secretDir, id)}
		if id != CASecret {
			out[i].User = index.SecretOwner
		}
	}
	return out
}

// private tells whether a file can only be fetched with the secret of an [index] table: it lies at the same origin.
func (p *Project) private(address string) bool {
	return slices.ContainsFunc(p.File.Indexes, func(i pyfile.Index) bool { return i.Secret.Set() && sameOrigin(i.URL.Value, address) })
}

// signed tells whether an index gave an address with a query in it, which may be a token, and may hold for an hour only.
func (p *Project) signed(address string) bool { return p.AsksIndex() && strings.Contains(address, "?") }

func sameOrigin(a, b string) bool {
	x, errX := url.Parse(a)
	y, errY := url.Parse(b)
	return errX == nil && errY == nil && x.Scheme == y.Scheme && strings.EqualFold(x.Host, y.Host)
}

// fetchByHelper adds the step that fetches a file with a secret, which BuildKit's own source could only send as it stands, or one whose
// address is not to be kept: then the index is asked for it when it is fetched.
func (s *stages) fetchByHelper(a lock.Artifact) (string, error) {
	wanted := index.Package{Name: a.Name, Files: []index.File{{Name: a.Filename, URL: a.URL, SHA256: a.SHA256}}}
	if s.signed(a.URL) {
		wanted.Files[0].URL = ""
		for _, asked := range s.asks {
			if asked.Name == a.Name {
				wanted.Indexes = append(wanted.Indexes, asked.Indexes...)
			}
		}
	}
	settings, err := s.settings()
	if err != nil {
		return "", err
	}
	query := s.query(a.Filename, index.Query{Indexes: s.indexes(), Packages: []index.Package{wanted}})
	return s.add(Step{ID: "fetch:" + a.Filename, Stage: DepBuilder, Name: "[dep-builder] fetch " + a.Filename, Origin: s.lockOrigin(),
		Failure: &pyfile.Error{File: a.Lock, Range: a.Origin, Msg: fmt.Sprintf("%s cannot be fetched; the reason is above", a.Filename)},
		Exec:    s.ask([]string{"fetch"}, settings, query)}), nil
}
