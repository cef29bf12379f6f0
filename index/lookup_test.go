package index

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestLookupAsksInOrderAndTheFirstWins(t *testing.T) {
	private, main, extra := newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start)
	main.page("/simple/demo/", File{Name: "demo-1.whl", URL: "/main/demo-1.whl", SHA256: sumA, Size: 7}, File{Name: "demo-1.zip", URL: "demo-1.zip", SHA256: sumB})
	private.page("/simple/demo/", File{Name: "demo-1.zip", URL: "/private/demo-1.zip", SHA256: sumB})
	extra.page("/simple/demo/", File{Name: "demo-1.whl", URL: "x", SHA256: sumA}, File{Name: "demo-2.whl", URL: "y", SHA256: sumC})
	settings := Settings{Default: main.URL + "/simple", Extra: []string{extra.URL + "/simple/"}}
	sources := []Source{{Name: "private", URL: private.URL + "/simple/"}}
	for _, tt := range []struct {
		name    string
		sources []Source
		files   []File
		want    Found
	}{
		{"by hash, with the default index as the last", nil, []File{{SHA256: sumB}},
			Found{Asked: []string{"EXTRA/simple/", "MAIN/simple"}, Files: []File{{Name: "demo-1.zip", URL: "MAIN/simple/demo/demo-1.zip", SHA256: sumB}}}},
		{"declared indexes come first, and the search ends when all is found", sources, []File{{SHA256: strings.ToUpper(sumB)}},
			Found{Asked: []string{"PRIVATE/simple/"}, Files: []File{{Name: "demo-1.zip", URL: "PRIVATE/private/demo-1.zip", SHA256: sumB}}}},
		{"each file comes from the first index that has it", sources, []File{{SHA256: sumB}, {SHA256: sumC, Name: "demo-2.whl"}, {SHA256: sumA}},
			Found{Asked: []string{"PRIVATE/simple/", "EXTRA/simple/"}, Files: []File{{Name: "demo-1.whl", URL: "EXTRA/simple/demo/x", SHA256: sumA}, {Name: "demo-1.zip", URL: "PRIVATE/private/demo-1.zip", SHA256: sumB},
				{Name: "demo-2.whl", URL: "EXTRA/simple/demo/y", SHA256: sumC}}}},
		{"a declared default replaces pip's", []Source{{Name: "default", URL: main.URL + "/simple"}}, []File{{SHA256: sumB}},
			Found{Asked: []string{"EXTRA/simple/", "MAIN/simple"}, Files: []File{{Name: "demo-1.zip", URL: "MAIN/simple/demo/demo-1.zip", SHA256: sumB}}}},
		{"without a hash from the first index that knows the project, and no other", nil, []File{{Name: "demo-1.zip"}},
			Found{Asked: []string{"EXTRA/simple/"}, Problem: "demo-1.zip is not at EXTRA/simple/"}},
		{"without a hash beside a file that has one", sources, []File{{Name: "demo-1.whl"}, {SHA256: sumC}},
			Found{Asked: []string{"PRIVATE/simple/", "EXTRA/simple/"}, Files: []File{{Name: "demo-2.whl", URL: "EXTRA/simple/demo/y", SHA256: sumC}}}},
		{"two names of one file are one file", nil, []File{{SHA256: sumA}, {Name: "demo-1.whl"}},
			Found{Asked: []string{"EXTRA/simple/"}, Files: []File{{Name: "demo-1.whl", URL: "EXTRA/simple/demo/x", SHA256: sumA}}}},
		{"what is missing beside others is no problem", nil, []File{{SHA256: sumA}, {Name: "gone.whl"}},
			Found{Asked: []string{"EXTRA/simple/"}, Files: []File{{Name: "demo-1.whl", URL: "EXTRA/simple/demo/x", SHA256: sumA}}}},
		{"nothing found", nil, []File{{SHA256: strings.Repeat("d", 64)}, {SHA256: strings.Repeat("e", 64)}},
			Found{Asked: []string{"EXTRA/simple/", "MAIN/simple"}, Problem: "none of the files of demo is at EXTRA/simple/, MAIN/simple"}},
		{"one file not found", nil, []File{{Name: "demo-9.whl", SHA256: sumC[1:] + "d"}},
			Found{Asked: []string{"EXTRA/simple/", "MAIN/simple"}, Problem: "demo-9.whl is not at EXTRA/simple/, MAIN/simple"}},
		{"another hash", sources, []File{{Name: "demo-1.whl", SHA256: strings.Repeat("d", 64)}},
			Found{Asked: []string{"PRIVATE/simple/", "EXTRA/simple/", "MAIN/simple"}, Problem: "demo-1.whl has another hash at PRIVATE/simple/, EXTRA/simple/, MAIN/simple"}},
	} {
		q := wants("Demo", tt.files...)
		q.Indexes = tt.sources
		answer, err := newStep(t, nil, settings, q, nil).run(t)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		tt.want.Name = "demo"
		data, _ := encode(answer.Packages[0])
		text := strings.NewReplacer(main.URL, "MAIN", private.URL, "PRIVATE", extra.URL, "EXTRA").Replace(string(data))
		if want, _ := encode(tt.want); text != string(want) {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, text, want)
		}
	}
}

func TestAnIndexOfTheLockIsAskedInsteadAndNoOther(t *testing.T) {
	main, other, private := newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start)
	main.page("/simple/demo/", File{Name: "demo-1.whl", URL: "m", SHA256: sumA})
	other.page("/simple/demo/", File{Name: "demo-1.whl", URL: "o", SHA256: sumA})
	private.page("/simple/demo/", File{Name: "demo-9.whl", URL: "p", SHA256: sumC}, File{Name: "demo-1.whl", URL: "p", SHA256: sumA})
	builtin := "https://builtin.example/simple"
	for _, tt := range []struct{ index, asked string }{
		{builtin, main.URL + "/simple"},
		{"https://BUILTIN.example:443/simple/", main.URL + "/simple"},
		{other.URL + "/simple/", other.URL + "/simple/"},
		{strings.Replace(other.URL, "http://", "http://bob:hunter2@", 1) + "/simple", other.URL + "/simple"},
	} {
		q := wants("demo", File{SHA256: sumA})
		q.Indexes = []Source{{Name: "private", URL: private.URL + "/simple/"}}
		q.Packages[0].Indexes = []string{tt.index}
		answer, err := newStep(t, nil, Settings{Default: main.URL + "/simple", Builtin: builtin}, q, nil).run(t)
		if err != nil {
			t.Fatal(err)
		}
		if got := answer.Packages[0]; !slices.Equal(got.Asked, []string{tt.asked}) || len(got.Files) != 1 {
			t.Errorf("%s: %+v, want %s to be asked", tt.index, got, tt.asked)
		}
		data, _ := encode(answer)
		checkHidden(t, string(data))
	}
	if n := private.count("/simple/demo/"); n != 0 {
		t.Errorf("an index of higher precedence is asked %d times for what the lock has from another", n)
	}
}

func TestAnIndexOfTheLockCanComeBesideTheUsualOnes(t *testing.T) {
	main, other := newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start)
	other.page("/simple/demo/", File{Name: "demo-1.whl", URL: "o", SHA256: sumA})
	q := wants("demo", File{SHA256: sumA})
	q.Packages[0].Indexes = []string{"", other.URL + "/simple/"}
	answer, err := newStep(t, nil, Settings{Default: main.URL + "/simple"}, q, nil).run(t)
	if err != nil {
		t.Fatal(err)
	}
	if got := answer.Packages[0]; !slices.Equal(got.Asked, []string{main.URL + "/simple", other.URL + "/simple/"}) || len(got.Files) != 1 {
		t.Errorf("%+v, want both to be asked", got)
	}
}

func TestFlatPagesAreReadOnce(t *testing.T) {
	main := newServer(t, (*httptest.Server).Start)
	main.mux.HandleFunc("/links", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a href="a-1.whl#sha256=%s">a</a><a href="b-1.whl">b</a>`, sumA)
	})
	main.mux.HandleFunc("/torch_stable.html", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<a href="c-1.whl">c</a>`)
	})
	q := Query{Packages: []Package{
		{Name: "a", Files: []File{{SHA256: sumA}}}, {Name: "b", Files: []File{{Name: "b-1.whl", SHA256: sumB}}},
		{Name: "c", Indexes: []string{main.URL + "/torch_stable.html"}, Files: []File{{Name: "c-1.whl", SHA256: sumC}}},
	}}
	answer, err := newStep(t, nil, Settings{Default: main.URL + "/simple", FindLinks: []string{main.URL + "/links"}}, q, nil).run(t)
	if err != nil {
		t.Fatal(err)
	}
	for i, sum := range []string{sumA, sumB, sumC} {
		if f := answer.Packages[i].Files; len(f) != 1 || f[0].SHA256 != sum {
			t.Errorf("%+v", answer.Packages[i])
		}
	}
	if n := main.count("/links"); n != 1 {
		t.Errorf("the page was read %d times", n)
	}
}

func TestProjectsThatAreNowhereAreAProblemOfTheAnswer(t *testing.T) {
	main := newServer(t, (*httptest.Server).Start)
	main.status("/simple/gone/", http.StatusGone, "")
	// An object store whose files may be read but not listed answers so.
	main.status("/simple/hidden/", http.StatusForbidden, `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>`)
	for _, name := range []string{"absent", "gone", "hidden"} {
		answer, err := newStep(t, nil, Settings{Default: main.URL + "/simple"}, wants(name, File{SHA256: sumA}), nil).run(t)
		if err != nil {
			t.Fatal(err)
		}
		want := &Answer{Packages: []Found{{Name: name, Asked: []string{main.URL + "/simple"}, Problem: "there is no project " + name + " at " + main.URL + "/simple"}}}
		if !reflect.DeepEqual(answer, want) {
			t.Errorf("%+v", answer)
		}
		if n := main.count("/simple/" + name + "/"); n != 1 {
			t.Errorf("%s was asked for %d times", name, n)
		}
	}
}

func TestLookupNeedsAnIndex(t *testing.T) {
	q := Query{Packages: []Package{{Name: "a", Files: []File{{SHA256: sumA}}}, {Name: "b", Files: []File{{SHA256: sumA}}}}}
	s := newStep(t, nil, Settings{}, q, nil)
	err := Lookup(t.Context(), s.LookupOptions)
	if want := "a, b cannot be looked up: no package index is known: the pip of the image names none\n\thint: write the table [index.default] with url = \"https://...\""; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	if _, err := os.Stat(s.Out); !os.IsNotExist(err) {
		t.Error("an output directory is left")
	}
	q.Indexes = []Source{{Name: "company", URL: "ftp://bob:hunter2@index.example/"}}
	err = Lookup(t.Context(), newStep(t, nil, Settings{}, q, nil).LookupOptions)
	if want := `the url of [index.company] must be an address that starts with https:// or http://, not "ftp://***@index.example/"`; err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}

func TestTheAnswerIsTheSameEveryTime(t *testing.T) {
	main := newServer(t, (*httptest.Server).Start)
	var q Query
	for i := range 40 {
		name := fmt.Sprintf("demo-%02d", 39-i)
		sum := fmt.Sprintf("%064x", i)
		main.page("/simple/"+name+"/", File{Name: name + ".zip", URL: "2", SHA256: sum}, File{Name: name + ".whl", URL: "1", SHA256: sum})
		q.Packages = append(q.Packages, Package{Name: name, Files: []File{{SHA256: sum}}})
	}
	var first []byte
	for range 3 {
		s := newStep(t, nil, Settings{Default: main.URL + "/simple"}, q, nil)
		if err := Lookup(t.Context(), s.LookupOptions); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(s.Out, "answer.json")
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if info, err := os.Stat(file); err != nil || !info.ModTime().Equal(epoch) || info.Mode() != 0o644 {
			t.Errorf("%v, %v", info, err)
		}
		if first == nil {
			first = data
		}
		if !bytes.Equal(first, data) {
			t.Errorf("got\n%s\nafter\n%s", data, first)
		}
		answer, err := ParseAnswer(data)
		if err != nil || len(answer.Packages) != 40 || answer.Packages[0].Name != "demo-00" || answer.Packages[0].Files[0].Name != "demo-00.whl" {
			t.Errorf("%+v, %v", answer, err)
		}
	}
}

func TestSenselessQueriesAreRefused(t *testing.T) {
	for query, want := range map[string]string{
		`{`:                 "the query cannot be read: unexpected EOF",
		`{"packages":[]} 1`: "the query cannot be read: something follows the value",
		`{"x":1}`:           `the query cannot be read: json: unknown field "x"`,
		`{"packages":[{"name":"a/b","files":[{}]}]}`:                            "a package's name must be made of letters, digits, `.`, `-` and `_`, not \"a/b\"\na/b: a file must have a name or a sha256",
		`{"packages":[{"name":"a","files":[{"name":"../x"},{"sha256":"12"}]}]}`: "a: a sha256 must be 64 hexadecimal digits, not \"12\"\na: \"../x\" must be a file name without a directory",
	} {
		if _, err := ParseQuery([]byte(query)); err == nil || err.Error() != want {
			t.Errorf("%s: %v\nwant %s", query, err, want)
		}
	}
}

func TestAddressesOfPages(t *testing.T) {
	for address, want := range map[string]string{
		"https://index.example":              "https://index.example/demo/",
		"https://index.example/":             "https://index.example/demo/",
		"https://index.example/simple":       "https://index.example/simple/demo/",
		"https://index.example/a%2Fb/simple": "https://index.example/a%2Fb/simple/demo/",
		"https://index.example/simple/?x=1":  "https://index.example/simple/demo/?x=1",
		"https://index.example/stable.html":  "https://index.example/stable.html",
		" https://a:b@index.example/simple#": "https://index.example/simple/demo/",
	} {
		s, err := parseSite("it", address, false)
		if err != nil {
			t.Fatal(err)
		}
		if got := s.page("demo").String(); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
