package index

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/org/pyfile/python"
)

// A mirror is one package index on loopback that stands for all places that are asked, for a program which would mix them and take the
// highest version anywhere. Of each project it has what the first place has that knows it. It logs in where that is
// needed, so that the program knows no credentials, and neither does what the program runs.
//
// Whatever else shares the network of the step could ask it too, so its address has a part that cannot be guessed.
type mirror struct {
	l       *lookup
	base    string         // address of everything below
	address *regexp.Regexp // of anything below
	dir     string         // for files on their way

	ctx    context.Context // of the work that several requests wait for
	stop   context.CancelFunc
	server *http.Server

	mutex    sync.Mutex
	projects map[string]*mirrored
	files    map[string]*mirroredFile // by the part of its address that is its own
	failed   failures
}

// mirrored is a project of a mirror, which is asked for once.
type mirrored struct {
	once    sync.Once
	from    site
	files   []entry
	known   bool
	problem error
}

// mirroredFile is a file of a mirror, which is downloaded once.
type mirroredFile struct {
	entry
	project string
	dir     string // of its own
	once    sync.Once
	problem error
}

// startMirror serves until close is called.
func startMirror(ctx context.Context, l *lookup, dir string) (*mirror, error) {
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("the step has no loopback to serve indexes on: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	m := &mirror{ctx: ctx, stop: stop, l: l, base: "http://" + listener.Addr().String() + "/" + hex.EncodeToString(secret), dir: dir,
		projects: map[string]*mirrored{}, files: map[string]*mirroredFile{}}
	m.address = regexp.MustCompile(regexp.QuoteMeta(m.base) + `/(?:simple|files)/?(?:[^\s"'<>,;()#?` + "`" + `]*[0-9A-Za-z/])?`)
	mux := http.NewServeMux()
	prefix := "/" + path.Base(m.base)
	mux.HandleFunc("GET "+prefix+"/simple/{project}/", m.page)
	mux.HandleFunc("GET "+prefix+"/files/{id}/{name}", m.file)
	m.server = &http.Server{Handler: mux, ReadHeaderTimeout: defaultTimeout, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = m.server.Serve(listener) }() // it ends with close
	return m, nil
}

func (m *mirror) close() {
	m.stop()
	_ = m.server.Close()
}

// simple is the address of the index.
func (m *mirror) simple() string { return m.base + "/simple/" }

// err is what went wrong with the places behind the mirror.
func (m *mirror) err() error {
	m.failed.mutex.Lock() // a request may still be under way
	defer m.failed.mutex.Unlock()
	return m.failed.err("cannot be fetched")
}

// project asks for a project, once.
func (m *mirror) project(name string) *mirrored {
	m.mutex.Lock()
	p := m.projects[name]
	if p == nil {
		p = &mirrored{}
		m.projects[name] = p
	}
	m.mutex.Unlock()
	p.once.Do(func() {
		where := ""
		if p.from, p.files, p.known, where, p.problem = m.l.choose(m.ctx, name); p.problem != nil {
			m.failed.add(name, where, p.problem)
		}
		for i := range p.files {
			p.files[i] = m.own(name, p.files[i])
		}
	})
	return p
}

// choose returns the first place that knows a project, and its files. Pages of find-links add theirs to those of an index that nobody
// declared, as they do for pip. With an error it says where it happened.
func (l *lookup) choose(ctx context.Context, project string) (from site, files []entry, known bool, where string, err error) {
	list, err := l.sites.of(Package{Name: project})
	if err != nil {
		return from, nil, false, "", err
	}
	for _, s := range list {
		if known && !s.beside {
			continue
		}
		all, here, err := l.page(ctx, s, project)
		if err != nil {
			return from, nil, false, s.String(), err
		}
		if s.flat {
			all = slices.DeleteFunc(slices.Clone(all), func(e entry) bool { return !isOf(e.Name, project) })
			here = len(all) > 0
		}
		if !here {
			continue
		}
		files = append(files, all...)
		if !known {
			from, known = s, true
		}
		if s.declared {
			break
		}
	}
	return from, files, known, "", nil
}

// isOf tells whether a file is one of a project.
func isOf(file, project string) bool {
	if w, err := python.ParseWheelName(file); err == nil {
		return w.Name == project
	}
	_, ok := python.SdistVersion(file, project)
	return ok
}

// own gives a file the mirror's address.
func (m *mirror) own(project string, e entry) entry {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	id := fmt.Sprintf("%x", len(m.files))
	m.files[id] = &mirroredFile{entry: e, project: project, dir: filepath.Join(m.dir, id)}
	e.URL = m.base + "/files/" + id + "/" + url.PathEscape(e.Name)
	return e
}

// page answers with the page of a project.
func (m *mirror) page(w http.ResponseWriter, r *http.Request) {
	p := m.project(python.NormalizeName(r.PathValue("project")))
	switch {
	case p.problem != nil:
		refuse(w)
	case !p.known:
		http.NotFound(w, r)
	default:
		kind, body := writePage(r.Header.Values("Accept"), path.Base(r.URL.Path), p.files)
		w.Header().Set("Content-Type", kind)
		_, _ = w.Write(body) //nolint:gosec // no browser sees it, and all is escaped
	}
}

// refuse answers that something went wrong, which is told in the end. With this status neither pip nor uv asks again.
func refuse(w http.ResponseWriter) {
	http.Error(w, "the reason is told below", http.StatusFailedDependency)
}

// file answers with a file, a part of one, or the metadata beside it (PEP 658). A part is what uv reads the metadata of a large wheel from.
func (m *mirror) file(w http.ResponseWriter, r *http.Request) {
	m.mutex.Lock()
	f := m.files[r.PathValue("id")]
	m.mutex.Unlock()
	name := r.PathValue("name")
	if f == nil || name != f.Name && name != f.Name+".metadata" {
		http.NotFound(w, r)
		return
	}
	from, err := url.Parse(f.URL)
	if err != nil {
		refuse(w)
		return
	}
	switch {
	case name != f.Name:
		from = withSuffix(from, ".metadata")
		if err = m.relay(w, r, from); isMissing(err) {
			http.NotFound(w, r)
			return
		}
	case r.Method == http.MethodHead, r.Header.Get("Range") != "":
		err = m.relay(w, r, from)
	default:
		f.once.Do(func() {
			if f.problem = os.Mkdir(f.dir, 0o700); f.problem == nil {
				f.problem = m.l.client.download(m.ctx, download{File: f.File, of: f.project, url: from}, f.dir)
			}
		})
		if err = f.problem; err == nil {
			w.Header().Set("Content-Type", "application/octet-stream")
			http.ServeFile(w, r, filepath.Join(f.dir, f.Name))
		}
	}
	if err != nil && r.Context().Err() == nil { // else the program does not want it any more
		m.failed.add(name, printable(from), err)
		refuse(w)
	}
}

// withSuffix adds to the path of an address.
func withSuffix(u *url.URL, suffix string) *url.URL {
	longer := *u
	longer.Path += suffix
	if longer.RawPath != "" {
		longer.RawPath += suffix
	}
	return &longer
}

// relay hands on one answer of the place that a file comes from.
func (m *mirror) relay(w http.ResponseWriter, r *http.Request, from *url.URL) error {
	header := http.Header{"Accept": {"*/*"}, "Accept-Encoding": {"identity"}}
	if wanted := r.Header.Get("Range"); wanted != "" {
		header.Set("Range", wanted)
	}
	return m.l.client.request(r.Context(), r.Method, from, header, func(res *http.Response) error {
		for _, name := range []string{"Content-Type", "Content-Length", "Content-Range", "Accept-Ranges"} {
			if value := res.Header.Get(name); value != "" {
				w.Header().Set(name, value)
			}
		}
		w.WriteHeader(res.StatusCode)
		if _, err := io.Copy(w, res.Body); err != nil {
			panic(http.ErrAbortHandler) // the program sees that the answer ends early, and asks again
		}
		return nil
	})
}

// upstream turns the mirror's addresses in what a program prints into those that they stand for: of all places for the index itself.
func (m *mirror) upstream(text string) string {
	if !strings.Contains(text, m.base) {
		return text
	}
	return m.address.ReplaceAllStringFunc(text, func(address string) string {
		switch parts := strings.Split(strings.TrimPrefix(address, m.base+"/"), "/"); {
		case parts[0] == "files" && len(parts) == 3:
			m.mutex.Lock()
			f := m.files[parts[1]]
			m.mutex.Unlock()
			if f != nil {
				if u, err := url.Parse(f.URL); err == nil {
					return printable(u)
				}
			}
		case parts[0] == "simple" && len(parts) > 1 && parts[1] != "":
			m.mutex.Lock()
			_, asked := m.projects[python.NormalizeName(parts[1])]
			m.mutex.Unlock()
			if asked {
				if p := m.project(python.NormalizeName(parts[1])); p.known {
					return printable(p.from.page(parts[1]))
				}
			}
		case parts[0] == "simple":
			names := make([]string, len(m.l.sites.usual))
			for i, s := range m.l.sites.usual {
				names[i] = s.String()
			}
			return strings.Join(names, ", ")
		}
		return address
	})
}

// lock turns the mirror's addresses in a lock that uv wrote into those of the files.
func (m *mirror) lock(text string) (string, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	text = m.address.ReplaceAllStringFunc(text, func(address string) string {
		id, _, _ := strings.Cut(strings.TrimPrefix(address, m.base+"/files/"), "/")
		if f := m.files[id]; f != nil {
			return f.URL
		}
		return address
	})
	if strings.Contains(text, m.base) {
		return "", errors.New("the lock would hold an address of the step")
	}
	return text, nil
}
