package index

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func sumOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// fetch runs the step without waiting between attempts.
func (s *step) fetch(t *testing.T) error {
	t.Helper()
	q, l := s.lookup(t)
	return output(s.Out, func() error {
		return l.fetch(t.Context(), q, s.Out)
	})
}

func TestFetchDownloadsByAddressAndByHash(t *testing.T) {
	main, files := newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start)
	main.page("/simple/demo/", File{Name: "demo-1.whl", URL: "/get/demo-1.whl?token=hunter2", SHA256: sumOf("wheel")}, File{Name: "demo-1.tar.gz", URL: "../../sdist", SHA256: sumOf("sdist")})
	main.mux.HandleFunc("/get/demo-1.whl", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, files.URL+"/blob?signature=hunter2", http.StatusFound)
	})
	files.mux.HandleFunc("/blob", func(w http.ResponseWriter, _ *http.Request) {
		if files.count("/blob") == 1 {
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "whee") // cut off, and then again
			return
		}
		fmt.Fprint(w, "wheel")
	})
	main.mux.HandleFunc("/sdist", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Accept-Encoding") != "identity" {
			t.Errorf("Accept-Encoding is %q", r.Header.Get("Accept-Encoding"))
		}
		fmt.Fprint(w, "sdist")
	})
	files.status("/direct/tool-1.whl", 200, "tool")
	q := Query{
		Indexes: []Source{{Name: "company", URL: main.URL + "/simple/", Username: "bob", Secret: "pw"}},
		Packages: []Package{
			{Name: "demo", Files: []File{{SHA256: sumOf("wheel")}, {Name: "demo-1.tar.gz"}}},
			{Name: "tool", Files: []File{{SHA256: sumOf("tool"), URL: files.URL + "/direct/tool-1.whl"}}},
		},
	}
	s := newStep(t, nil, Settings{}, q, map[string]string{"pw": "hunter2"})
	if err := s.fetch(t); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(s.Out)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(s.Out, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if !info.ModTime().Equal(epoch) || info.Mode() != 0o644 {
			t.Errorf("%s has mode %v and time %v", e.Name(), info.Mode(), info.ModTime())
		}
		got = append(got, e.Name()+"="+string(data))
	}
	if want := []string{"demo-1.tar.gz=sdist", "demo-1.whl=wheel", "tool-1.whl=tool"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if a := main.authorization("/get/demo-1.whl"); a != basic("bob", "hunter2") {
		t.Errorf("the index got %q", a)
	}
	for _, path := range []string{"/blob", "/direct/tool-1.whl"} {
		if a := files.authorization(path); a != "" {
			t.Errorf("%s of another origin got %q", path, a)
		}
	}
}

func TestWhatCannotBeFetchedIsAllSaidAndNothingIsLeft(t *testing.T) {
	main := newServer(t, (*httptest.Server).Start)
	main.page("/simple/demo/", File{Name: "demo-1.whl", URL: "demo-1.whl?token=hunter2", SHA256: sumA}, File{Name: "demo-2.whl", URL: "demo-2.whl"}, File{Name: "demo-3.whl", URL: "x", SHA256: sumC})
	main.status("/simple/demo/demo-1.whl", 200, "other bytes")
	main.status("/good.whl", 200, "good")
	main.status("/gone.whl", 404, "")
	ok := File{URL: main.URL + "/good.whl", SHA256: sumOf("good")}
	for _, tt := range []struct {
		name     string
		packages []Package
		want     string
	}{
		{"wrong bytes and no bytes", []Package{{Name: "demo", Files: []File{{SHA256: sumA}}}, {Name: "ok", Files: []File{ok, {Name: "b.whl", URL: main.URL + "/gone.whl?token=hunter2", SHA256: sumB}}}},
			"b.whl cannot be downloaded at MAIN/gone.whl: it answers 404 Not Found\n" +
				"demo-1.whl cannot be downloaded at MAIN/simple/demo/demo-1.whl: the file has 11 bytes with sha256 " + sumOf("other bytes") + ", not " + sumA},
		{"nowhere", []Package{{Name: "absent", Files: []File{{SHA256: sumA}}}, {Name: "demo", Files: []File{{Name: "demo-3.whl"}, {Name: "demo-9.whl"}, {SHA256: sumB}}}},
			"there is no project absent at MAIN/simple\ndemo: no index has the file with sha256 " + sumB + "\ndemo: no index has the file demo-9.whl"},
		{"no hash", []Package{{Name: "demo", Files: []File{{Name: "demo-2.whl"}, {Name: "demo-4.whl", URL: main.URL + "/x"}}}},
			"demo: demo-4.whl has no sha256, neither in the query nor at the index\ndemo: demo-2.whl has no sha256, neither in the query nor at the index"},
		{"one name", []Package{{Name: "a", Files: []File{ok}}, {Name: "b", Files: []File{{Name: "good.whl", URL: main.URL + "/x", SHA256: sumA}}}},
			"good.whl is the name of two different files, of a and of b"},
		{"no name", []Package{{Name: "a", Files: []File{{URL: main.URL, SHA256: sumA}}}}, "a: the file at MAIN has no name"},
		{"no address", []Package{{Name: "a", Files: []File{{URL: "//bob:hunter2@x/y", SHA256: sumA}}}}, `the url of a file of a must be an address that starts with https:// or http://, not "//***@x/y"`},
	} {
		s := newStep(t, nil, Settings{Default: main.URL + "/simple"}, Query{Packages: tt.packages}, nil)
		err := s.fetch(t)
		if err == nil {
			t.Errorf("%s: no error", tt.name)
			continue
		}
		if got := strings.ReplaceAll(err.Error(), main.URL, "MAIN"); got != tt.want {
			t.Errorf("%s: %s\nwant %s", tt.name, got, tt.want)
		}
		checkHidden(t, err.Error())
		if _, err := os.Stat(s.Out); !os.IsNotExist(err) {
			t.Errorf("%s: an output directory is left", tt.name)
		}
	}
}

func TestAFailedStepEmptiesAMountAndKeepsIt(t *testing.T) {
	s := newStep(t, nil, Settings{}, wants("demo", File{SHA256: sumA}), nil)
	if err := os.Mkdir(s.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	err := output(s.Out, func() error {
		if err := os.WriteFile(filepath.Join(s.Out, "x"), nil, 0o600); err != nil {
			return err
		}
		return os.ErrInvalid
	})
	entries, left := os.ReadDir(s.Out)
	if err == nil || left != nil || len(entries) > 0 {
		t.Errorf("%v, %v, %v", err, left, entries)
	}
	if err := os.WriteFile(filepath.Join(s.Out, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Fetch(t.Context(), FetchOptions(s.LookupOptions)); err == nil || !strings.HasSuffix(err.Error(), "must be empty, but has x") {
		t.Error(err)
	}
}
