package install

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"github.com/org/pyfile/facts"
)

// wheel is an open wheel whose structure was found to be sound (binary distribution format). The content of its files is checked
// when they are unpacked.
type wheel struct {
	file string // base name
	name string // Name of METADATA
	info string // "six-1.17.0.dist-info"
	metadata
	minor   bool // written to a newer minor version of the format
	members []member
	points  []entryPoint
	closer  io.Closer
}

// metadata are the fields of METADATA that facts tell.
type metadata struct {
	version        string
	requires       []string
	extras         []string
	requiresPython string
}

// member is a file of a wheel.
type member struct {
	*zip.File
	row  row    // of RECORD, zero for the files that are not listed there
	want digest // zero like row
}

var (
	wheelName = regexp.MustCompile(`^([^-]+)-([^-]+)(?:-[0-9][^-]*)?-[^-]+-[^-]+-[^-]+\.whl$`)
	// projectName is what PEP 508 allows.
	projectName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)
	runs        = regexp.MustCompile(`[-_.]+`)
)

// normalize is the form of a project's name that is compared (PEP 503).
func normalize(name string) string {
	return strings.ToLower(runs.ReplaceAllString(name, "-"))
}

// openWheel opens a wheel and checks all that can be checked without reading its files. It returns every problem found.
func openWheel(name string) (*wheel, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	w, errs := readWheel(filepath.Base(name), f)
	if len(errs) > 0 {
		f.Close()
		return nil, problems(filepath.Base(name), errs)
	}
	w.closer = f
	return w, nil
}

// problems joins errors of one wheel, each with the wheel's name. A damaged wheel may have thousands, of which a few are enough.
func problems(file string, errs []error) error {
	const most = 8
	var out []error
	for i, err := range errs {
		if i == most {
			out = append(out, fmt.Errorf("%s: and %d more", file, len(errs)-most))
			break
		}
		out = append(out, fmt.Errorf("%s: %w", file, err))
	}
	return errors.Join(out...)
}

func readWheel(file string, f *os.File) (*wheel, []error) {
	m := wheelName.FindStringSubmatch(file)
	if m == nil {
		return nil, []error{errors.New("the name of a wheel must have the form name-version-python-abi-platform.whl")}
	}
	w := &wheel{file: file}
	st, err := f.Stat()
	if err != nil {
		return nil, []error{err}
	}
	archive, err := zip.NewReader(f, st.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // paths are judged here
		return nil, []error{fmt.Errorf("not a zip archive: %w", err)}
	}
	files, errs := checkEntries(archive.File)
	if len(errs) > 0 {
		return nil, errs
	}
	if errs := w.readInfo(m[1], files); len(errs) > 0 {
		return nil, errs
	}
	return w, w.readRecord(files)
}

// readInfo reads the .dist-info directory, but for RECORD.
func (w *wheel) readInfo(project string, files []*zip.File) (errs []error) {
	for _, f := range files {
		top, _, below := strings.Cut(f.Name, "/")
		if below && strings.HasSuffix(top, ".dist-info") && top != w.info {
			if w.info != "" {
				return []error{fmt.Errorf("a wheel must have one .dist-info directory, not %s and %s", w.info, top)}
			}
			w.info = top
		}
	}
	if w.info == "" {
		return []error{errors.New("a wheel must have a .dist-info directory")}
	}
	if !strings.HasPrefix(normalize(w.info), normalize(project)+"-") {
		return []error{fmt.Errorf("%s is not the .dist-info directory of %s", w.info, project)}
	}
	for _, name := range []string{"WHEEL", "METADATA", "entry_points.txt"} {
		data, err := w.read(files, name)
		switch {
		case err != nil:
			errs = append(errs, err)
		case data == nil && name != "entry_points.txt":
			errs = append(errs, fmt.Errorf("%s/%s is missing", w.info, name))
		case data == nil:
		case name == "WHEEL":
			w.minor, err = newerMinor(facts.Header(data, "Wheel-Version"))
		case name == "METADATA":
			if w.name = facts.Header(data, "Name"); !projectName.MatchString(w.name) || normalize(w.name) != normalize(project) {
				err = fmt.Errorf("the Name in METADATA must be that of the file, %s, not %q", project, w.name)
			}
			w.metadata = metadata{
				version: facts.Header(data, "Version"), requires: facts.Headers(data, "Requires-Dist"), extras: facts.Headers(data, "Provides-Extra"),
				requiresPython: facts.Header(data, "Requires-Python"),
			}
		default:
			if w.points, err = parseEntryPoints(data); err != nil {
				errs = append(errs, split("entry_points.txt, ", err)...)
			}
			continue
		}
		if data != nil && err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// split takes joined errors apart and puts a prefix before each.
func split(prefix string, err error) []error {
	list := []error{err}
	if j, ok := err.(interface{ Unwrap() []error }); ok {
		list = j.Unwrap()
	}
	out := make([]error, len(list))
	for i, err := range list {
		out[i] = fmt.Errorf("%s%w", prefix, err)
	}
	return out
}

// read returns the content of a file of .dist-info, nil if there is none.
func (w *wheel) read(files []*zip.File, name string) ([]byte, error) {
	for _, f := range files {
		if f.Name == w.info+"/"+name {
			return readMetadata(f)
		}
	}
	return nil, nil
}

// newerMinor judges the version of the wheel format: 1.0 is known, 1.x may be tried, others must not be.
func newerMinor(version string) (bool, error) {
	major, minor, _ := strings.Cut(version, ".")
	a, err := strconv.Atoi(major)
	if err != nil {
		return false, fmt.Errorf("Wheel-Version in WHEEL must have the form 1.0, not %q", version)
	}
	if a != 1 {
		return false, fmt.Errorf("Wheel-Version must be 1.0, not %s: this wheel needs a newer installer", version)
	}
	return strings.Trim(minor, "0.") != "", nil
}

// unlisted says whether RECORD leaves a file of .dist-info out, being that file or a signature of it.
func (w *wheel) unlisted(name string) bool {
	switch strings.TrimPrefix(name, w.info+"/") {
	case "RECORD", "RECORD.jws", "RECORD.p7s":
		return true
	}
	return false
}

// readRecord pairs the files of the archive with the rows of RECORD. Each must have its other half.
func (w *wheel) readRecord(files []*zip.File) (errs []error) {
	data, err := w.read(files, "RECORD")
	if err != nil {
		return []error{err}
	}
	if data == nil {
		return []error{fmt.Errorf("%s/RECORD is missing", w.info)}
	}
	rows, err := parseRecord(data)
	if err != nil {
		return split("RECORD: ", err)
	}
	byPath := make(map[string]row, len(rows))
	for _, r := range rows {
		if was, ok := byPath[r.Path]; ok && (was.Hash != r.Hash || was.Size != r.Size) {
			errs = append(errs, fmt.Errorf("RECORD lists %q twice, and differently", r.Path))
		}
		byPath[r.Path] = r
	}
	present := make(map[string]bool, len(files))
	for _, f := range files {
		present[f.Name] = true
		r, listed := byPath[f.Name]
		if !listed && !w.unlisted(f.Name) {
			errs = append(errs, fmt.Errorf("%q is not listed in RECORD", f.Name))
			continue
		}
		m := member{File: f, row: r}
		if listed && f.Name != w.info+"/RECORD" {
			if m.want, err = checkRow(r, f.UncompressedSize64); err != nil {
				errs = append(errs, fmt.Errorf("RECORD, %q: %w", r.Path, err))
			}
		}
		w.members = append(w.members, m)
	}
	for _, r := range rows {
		// Some tools list directories, which an installer makes by itself.
		if !present[r.Path] && !strings.HasSuffix(r.Path, "/") {
			errs = append(errs, fmt.Errorf("RECORD lists %q, which is not in the wheel", r.Path))
		}
	}
	return errs
}

func checkRow(r row, size uint64) (digest, error) {
	if r.Hash == "" {
		return digest{}, errors.New("has no hash")
	}
	if r.Size != "" && r.Size != strconv.FormatUint(size, 10) {
		return digest{}, fmt.Errorf("size is %d, not %s: %w", size, r.Size, errContent)
	}
	return parseDigest(r.Hash)
}

// expandWheels replaces each directory by the wheels in it, in the order of their names.
func expandWheels(args []string) ([]string, error) {
	var out []string
	var errs []error
	for _, arg := range args {
		st, err := os.Stat(arg)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if !st.IsDir() {
			out = append(out, arg)
			continue
		}
		entries, err := os.ReadDir(arg)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		n := len(out)
		for _, e := range entries {
			if path.Ext(e.Name()) == ".whl" {
				out = append(out, filepath.Join(arg, e.Name()))
			}
		}
		if n == len(out) {
			errs = append(errs, fmt.Errorf("there is no wheel in %s", arg))
		}
	}
	if len(out) == 0 && len(errs) == 0 {
		errs = append(errs, errors.New("no wheel is given"))
	}
	return out, errors.Join(errs...)
}
