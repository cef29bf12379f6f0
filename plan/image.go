package plan

import (
	"cmp"
	"slices"
	"strings"
	"time"
	"unicode"

	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/org/pyfile/pyfile"
)

// Image is the configuration of the image, in the form that BuildKit's exporter takes.
type Image = dockerspec.DockerOCIImage

// runtimeEnv are the defaults of every image. Python writes no bytecode at run time, because what is imported is compiled at build
// time and the user may not write there.
var runtimeEnv = []Var{
	{"VIRTUAL_ENV", Venv},
	{"PYTHONUNBUFFERED", "1"},
	{"PYTHONDONTWRITEBYTECODE", "1"},
}

// image makes the configuration: the base's, the defaults, the project's metadata, the Pyfile, the command line; later ones win.
func (s *stages) image() Image {
	from := s.in.Base.Config
	created := cmp.Or(s.in.Created, from.Created, &Epoch)
	if s.Target == DepBuilder || s.Target == AppBuilder {
		return builderConfig(s.in.Builder.Config, s.in)
	}
	if s.Target == Wheels || s.Target == Test {
		return Image{Image: ocispecs.Image{Platform: s.in.Platform, RootFS: ocispecs.RootFS{Type: "layers"}}}
	}
	img := Image{Image: ocispecs.Image{Platform: s.in.Platform, Author: from.Author, Created: created, RootFS: ocispecs.RootFS{Type: "layers"}}}
	c := &img.Config
	c.Env = s.imageEnv()
	c.WorkingDir = s.workdir()
	c.User = s.user()
	c.StopSignal = or(s.File.StopSignal.Value, from.Config.StopSignal)
	c.ExposedPorts = from.Config.ExposedPorts
	for _, port := range s.File.Expose.Items {
		value := port.Value
		if !strings.Contains(value, "/") {
			value += "/tcp"
		}
		c.ExposedPorts = with(c.ExposedPorts, value, struct{}{})
	}
	c.Volumes = from.Config.Volumes
	for _, v := range s.File.Volumes.Items {
		c.Volumes = with(c.Volumes, v.Value, struct{}{})
	}
	c.Entrypoint, c.Cmd = s.command(from.Config)
	c.Healthcheck = s.healthcheck(from.Config.Healthcheck)
	c.Labels = s.labels(from.Config.Labels)
	img.History = append([]ocispecs.History{}, from.History...)
	for _, l := range slices.Concat(s.lowLayers(), s.layers, s.stepLayers) {
		img.History = append(img.History, ocispecs.History{Created: created, CreatedBy: "pyfile: " + l.history, Comment: "pyfile.v1"})
	}
	return img
}

// user is who the image runs as.
func (s *stages) user() string { return or(s.File.User.Value, "65532:65532") }

// imageEnv is the environment of the image: the base's, the defaults, the Pyfile's; later ones win.
func (s *stages) imageEnv() []string {
	base := s.in.Base.Config.Config.Env
	list := append([]string{}, base...)
	search := or(env(base, "PATH"), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
	list = setEnv(list, "PATH", Venv+"/bin:"+strings.TrimPrefix(search, Venv+"/bin:"))
	for _, v := range runtimeEnv {
		list = setEnv(list, v.Name, v.Value)
	}
	for _, v := range s.File.Env {
		list = setEnv(list, v.Key.Value, v.Value.Value)
	}
	return list
}

// builderConfig is the builder's own configuration with nothing added: its stages are for looking into, not for shipping.
func builderConfig(from Image, in Inputs) Image {
	from.Platform = in.Platform
	from.RootFS = ocispecs.RootFS{Type: "layers"}
	from.Created = cmp.Or(in.Created, from.Created, &Epoch)
	from.History = append(append([]ocispecs.History{}, from.History...), ocispecs.History{Created: from.Created, CreatedBy: "pyfile: wheels", Comment: "pyfile.v1"})
	return from
}

// command is the entrypoint and cmd. A Pyfile that sets one of them drops the base's other, which was made for another program.
func (s *stages) command(from dockerspec.DockerOCIImageConfig) (entrypoint, cmd []string) {
	f := s.File
	if f.Entrypoint.Set() || f.Cmd.Set() {
		if f.Entrypoint.Set() {
			entrypoint = f.Entrypoint.Values()
		}
		if f.Cmd.Set() {
			cmd = f.Cmd.Values()
		}
		return entrypoint, cmd
	}
	if s.Target == Final && s.Install == installWheel && len(s.Meta.Scripts) == 1 {
		return nil, []string{s.Meta.Scripts[0].Key.Value}
	}
	return from.Entrypoint, from.Cmd
}

// healthcheck translates the table; durations were checked when the Pyfile was read.
func (s *stages) healthcheck(from *dockerspec.HealthcheckConfig) *dockerspec.HealthcheckConfig {
	h := s.File.Healthcheck
	if h == nil {
		return from
	}
	duration := func(v string) time.Duration {
		d, _ := time.ParseDuration(v)
		return d
	}
	return &dockerspec.HealthcheckConfig{
		Test:          append([]string{"CMD"}, h.Cmd.Values()...),
		Interval:      duration(h.Interval.Value),
		Timeout:       duration(h.Timeout.Value),
		StartPeriod:   duration(h.StartPeriod.Value),
		StartInterval: duration(h.StartInterval.Value),
		Retries:       int(h.Retries.Value),
	}
}

// Annotation keys of the OCI image specification, written as labels.
const (
	labelTitle       = ocispecs.AnnotationTitle
	labelVersion     = ocispecs.AnnotationVersion
	labelDescription = ocispecs.AnnotationDescription
	labelLicenses    = ocispecs.AnnotationLicenses
)

// labels come from [project], the Pyfile and the command line. A base's labels describe the base and are kept where nothing else is said.
func (s *stages) labels(from map[string]string) map[string]string {
	var out map[string]string
	for _, k := range sortedKeys(from) {
		out = with(out, k, from[k])
	}
	if m := s.Meta; m != nil {
		for _, l := range []Var{
			{labelTitle, m.Name.Value}, {labelVersion, m.Version.Value}, {labelDescription, m.Description.Value}, {labelLicenses, m.License.Value},
			{ocispecs.AnnotationURL, projectURL(m.URLs, "homepage")}, {ocispecs.AnnotationSource, projectURL(m.URLs, "source", "repository", "sourcecode", "github")},
			{ocispecs.AnnotationDocumentation, projectURL(m.URLs, "documentation", "docs")},
		} {
			if l.Value != "" {
				out = with(out, l.Name, l.Value)
			}
		}
	}
	for _, l := range s.File.Labels {
		out = with(out, l.Key.Value, l.Value.Value)
	}
	for _, l := range s.in.Labels {
		out = with(out, l.Name, l.Value)
	}
	return out
}

// with sets a key of a map that may be nil, in a copy.
func with[V any](m map[string]V, key string, value V) map[string]V {
	out := make(map[string]V, len(m)+1)
	for k, v := range m {
		out[k] = v
	}
	out[key] = value
	return out
}

// setEnv replaces a variable in place or appends it.
func setEnv(list []string, name, value string) []string {
	for i, v := range list {
		if k, _, _ := strings.Cut(v, "="); k == name {
			list[i] = name + "=" + value
			return list
		}
	}
	return append(list, name+"="+value)
}

// projectURL finds a URL of [project.urls] by one of its well-known labels, which are compared without case, spaces and punctuation
// (Well-known Project URLs in Metadata).
func projectURL(urls []pyfile.Pair, labels ...string) string {
	for _, label := range labels {
		for _, u := range urls {
			plain := strings.Map(func(r rune) rune {
				if unicode.IsPunct(r) || unicode.IsSpace(r) {
					return -1
				}
				return unicode.ToLower(r)
			}, u.Key.Value)
			if plain == label {
				return u.Value.Value
			}
		}
	}
	return ""
}
