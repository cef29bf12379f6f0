package index

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
)

// mirrorOf is a mirror of what a step would ask.
func mirrorOf(t *testing.T, settings Settings, secrets map[string]string, sources ...Source) *mirror {
	t.Helper()
	_, l := newStep(t, nil, settings, Query{Indexes: sources, Packages: []Package{}}, secrets).lookup(t)
	m, err := startMirror(t.Context(), l, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	return m
}

// request makes one as a program does, with headers in pairs.
func request(t *testing.T, method, address string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(body)
}

// listed are the files on a mirror's page, or why there is none.
func listed(t *testing.T, m *mirror, project string) []File {
	t.Helper()
	res, body := request(t, http.MethodGet, m.simple()+project+"/", "Accept", accept)
	if res.StatusCode != http.StatusOK {
		return []File{{Name: res.Status}}
	}
	entries, err := parsePage(res.Request.URL, res.Header.Get("Content-Type"), []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	return filesOf(entries)
}

// serves gives a server a project with files that say where they are from.
func (s *server) serves(from, project string, names ...string) {
	var files []File
	for _, name := range names {
		text := name + " of " + from
		files = append(files, File{Name: name, URL: "/files/" + name, SHA256: sumOf(text)})
		s.status("/files/"+name, http.StatusOK, text)
	}
	s.page("/simple/"+project+"/", files...)
}

// A project that a place of higher precedence knows never comes from another, whatever versions that has.
func TestMirrorHasAProjectFromTheFirstPlaceThatKnowsIt(t *testing.T) {
	private, extra, public := newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start)
	private.serves("private", "demo", "demo-1.0-py3-none-any.whl")
	private.serves("private", "taken-away") // it has the name, and no file
	extra.serves("extra", "demo", "demo-2.0-py3-none-any.whl")
	extra.serves("extra", "more", "more-1.0.tar.gz")
	for _, name := range []string{"demo", "more", "taken_away", "lib", "my_lib"} {
		public.serves("public", strings.ReplaceAll(name, "_", "-"), name+"-3.0-py3-none-any.whl")
	}
	public.mux.HandleFunc("/links", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<a href="demo-9.0-py3-none-any.whl">x</a><a href="lib-9.0-py3-none-any.whl">x</a><a href="my-lib-9.0.tar.gz">x</a><a href="only-9.0.zip">x</a><a href="lib-more-9.0.tar.gz">x</a>`)
	})
	m := mirrorOf(t, Settings{Default: public.URL + "/simple/", Extra: []string{extra.URL + "/simple/"}, FindLinks: []string{public.URL + "/links"}},
		map[string]string{"company": "Bearer hunter2"}, Source{Name: "company", URL: private.URL + "/simple/", Secret: "company"})
	for project, want := range map[string]string{
		"demo":       "demo-1.0-py3-none-any.whl",
		"Demo":       "demo-1.0-py3-none-any.whl",
		"taken-away": "",
		"more":       "more-1.0.tar.gz",
		"lib":        "lib-3.0-py3-none-any.whl lib-9.0-py3-none-any.whl", // as for pip, files of find-links come beside those of its index
		"my-lib":     "my_lib-3.0-py3-none-any.whl my-lib-9.0.tar.gz",
		"only":       "only-9.0.zip",
		"nowhere":    "404 Not Found",
	} {
		var names []string
		for _, f := range listed(t, m, project) {
			names = append(names, f.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s is %q, want %q", project, got, want)
		}
	}
	if n := public.count("/simple/demo/") + public.count("/simple/taken-away/"); n != 0 {
		t.Errorf("the public index hears the names of private projects, %d times", n)
	}
	if err := m.err(); err != nil {
		t.Error(err)
	}
}

// pip and uv can send no Bearer themselves.
func TestMirrorLogsInAndHandsOnFiles(t *testing.T) {
	private := newServer(t, (*httptest.Server).Start)
	private.serves("private", "demo", "demo-1.0-py3-none-any.whl")
	m := mirrorOf(t, Settings{}, map[string]string{"company": "Bearer hunter2"}, Source{Name: "company", URL: private.URL + "/simple/", Secret: "company"})
	file := listed(t, m, "demo")[0]
	for range 2 {
		if _, body := request(t, http.MethodGet, file.URL); body != "demo-1.0-py3-none-any.whl of private" {
			t.Errorf("the file is %q", body)
		}
	}
	for _, path := range []string{"/simple/demo/", "/files/demo-1.0-py3-none-any.whl"} {
		if private.authorization(path) != "Bearer hunter2" || private.count(path) != 1 {
			t.Errorf("%s is asked for %d times, with %q", path, private.count(path), private.authorization(path))
		}
	}
	for _, address := range []string{strings.Replace(file.URL, "/files/0/", "/files/1/", 1), strings.Replace(file.URL, "demo-1.0", "demo-2.0", 1), strings.Replace(m.simple(), m.base, m.base[:len(m.base)-4], 1) + "demo/"} {
		if res, _ := request(t, http.MethodGet, address); res.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", address, res.Status)
		}
	}
}

func TestMirrorHandsOnPartsAndMetadata(t *testing.T) {
	public := newServer(t, (*httptest.Server).Start)
	public.mux.HandleFunc("/files/", func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "", epoch, strings.NewReader("of "+r.URL.RequestURI()))
	})
	public.mux.HandleFunc("/simple/demo/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, `<a href="/files/demo-1.0%2Bcpu-py3-none-any.whl?x=1" data-dist-info-metadata="true">x</a>`)
	})
	m := mirrorOf(t, Settings{Default: public.URL + "/simple/"}, nil)
	file := listed(t, m, "demo")[0]
	const whole = "of /files/demo-1.0%2Bcpu-py3-none-any.whl?x=1"
	for _, tt := range []struct {
		method, address, part string
		status                int
		length                int64
		body                  string
	}{
		{http.MethodHead, file.URL, "", 200, int64(len(whole)), ""},
		{http.MethodGet, file.URL, "bytes=3-8", 206, 6, "/files"},
		{http.MethodGet, file.URL, "bytes=900-", 416, -2, ""},
		{http.MethodGet, file.URL, "", 200, int64(len(whole)), whole},
		{http.MethodGet, file.URL + ".metadata", "", 200, int64(len(whole) + len(".metadata")), "of /files/demo-1.0%2Bcpu-py3-none-any.whl.metadata?x=1"},
	} {
		var headers []string
		if tt.part != "" {
			headers = []string{"Range", tt.part}
		}
		res, body := request(t, tt.method, tt.address, headers...)
		if res.StatusCode != tt.status || tt.length != -2 && (res.ContentLength != tt.length || body != tt.body) || res.Header.Get("Accept-Ranges") != "bytes" && tt.status < 400 {
			t.Errorf("%+v: %s, %d bytes, %q", tt, res.Status, res.ContentLength, body)
		}
	}
}

// An index that does not answer must not make way for another one.
func TestFailureBehindTheMirrorIsToldAndNoOtherIndexIsAsked(t *testing.T) {
	private, public := newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start)
	private.status("/simple/demo/", http.StatusUnauthorized, "")
	private.page("/simple/lib/", File{Name: "lib-1.0-py3-none-any.whl", URL: "/files/lib-1.0-py3-none-any.whl", SHA256: sumA})
	private.status("/files/lib-1.0-py3-none-any.whl", http.StatusOK, "other bytes")
	public.serves("public", "demo", "demo-3.0-py3-none-any.whl")
	m := mirrorOf(t, Settings{Default: public.URL + "/simple/"}, map[string]string{"company": "hunter2"}, Source{Name: "company", URL: private.URL + "/simple/", Secret: "company"})
	for range 2 {
		if got := listed(t, m, "demo"); got[0].Name != "424 Failed Dependency" {
			t.Errorf("%v", got)
		}
	}
	if res, _ := request(t, http.MethodGet, listed(t, m, "lib")[0].URL); res.StatusCode != http.StatusFailedDependency {
		t.Errorf("a file with other bytes: %s", res.Status)
	}
	if n := public.count("/simple/demo/"); n != 0 {
		t.Errorf("the public index is asked %d times", n)
	}
	text := fmt.Sprint(m.err())
	for _, want := range []string{
		"demo cannot be fetched at " + private.URL + "/simple/: it answers 401 Unauthorized to the login with the build secret company",
		"lib-1.0-py3-none-any.whl cannot be fetched at " + private.URL + "/files/lib-1.0-py3-none-any.whl: the file has 11 bytes",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	checkHidden(t, text)
}

func TestWhatAProgramPrintsAndLocksNamesTheIndexesBehindTheMirror(t *testing.T) {
	private, public := newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start)
	private.page("/simple/demo/", File{Name: "demo-1.0-py3-none-any.whl", URL: "/files/demo-1.0-py3-none-any.whl?token=1"})
	public.serves("public", "lib", "lib-1.0.tar.gz")
	m := mirrorOf(t, Settings{Default: public.URL + "/simple/"}, nil, Source{Name: "company", URL: private.URL + "/simple"})
	demo, lib := listed(t, m, "demo")[0].URL, listed(t, m, "lib")[0].URL
	var out bytes.Buffer
	r := &restored{w: &out, m: m}
	for _, text := range []string{"Looking in indexes: " + m.simple() + "\nCollecting demo (from " + m.simple() + "demo/)\n", "Could not fetch URL " + demo[:len(demo)-4], demo[len(demo)-4:] + ": 404\n", "`" + lib + "`"} {
		if _, err := r.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	names := strings.NewReplacer(private.URL, "PRIVATE", public.URL, "PUBLIC")
	if got, want := names.Replace(out.String()), "Looking in indexes: PRIVATE/simple, PUBLIC/simple/\nCollecting demo (from PRIVATE/simple/demo/)\nCould not fetch URL PRIVATE/files/demo-1.0-py3-none-any.whl: 404\n`PUBLIC/files/lib-1.0.tar.gz`"; got != want {
		t.Errorf("printed\n%s\nwant\n%s", got, want)
	}
	lock, err := m.lock("[[packages]]\nname = \"demo\"\nwheels = [{ url = \"" + demo + "\", size = 1 }]\n\n[[packages]]\nname = \"lib\"\nsdist = { url = \"" + lib + "\" }\n")
	if want := "[[packages]]\nname = \"demo\"\nwheels = [{ url = \"PRIVATE/files/demo-1.0-py3-none-any.whl?token=1\", size = 1 }]\n\n[[packages]]\nname = \"lib\"\nsdist = { url = \"PUBLIC/files/lib-1.0.tar.gz\" }\n"; err != nil || names.Replace(lock) != want {
		t.Errorf("the lock is\n%s\nwant\n%s\n%v", names.Replace(lock), want, err)
	}
	if _, err := m.lock("index = \"" + m.simple() + "\"\n"); err == nil {
		t.Error("a lock with an address of the step is no error")
	}
}

// What pip and uv choose by is on a page of either form that is written, from a page of either form.
func TestPagesThatAreWrittenSayWhatWasRead(t *testing.T) {
	base := mustParse(t, "https://files.example/simple/demo/")
	jsonPage := `{"meta":{"api-version":"1.1"},"files":[
		{"filename":"demo-1.tar.gz","url":"https://files.example/demo-1.tar.gz","hashes":{"sha512":"ab","sha256":"` + sumA + `"},"requires-python":">=3.8,<4","yanked":"broken & \"bad\"","size":5,"upload-time":"2024-01-01T00:00:00Z"},
		{"filename":"demo-2-py3-none-any.whl","url":"https://files.example/demo-2-py3-none-any.whl?a=1&b=2","hashes":{"md5":"cd"},"yanked":true,"core-metadata":{"sha256":"` + sumB + `"}},
		{"filename":"demo-3-py3-none-any.whl","url":"https://files.example/demo-3-py3-none-any.whl","hashes":{},"yanked":false,"core-metadata":false,"dist-info-metadata":{"sha256":"` + sumB + `"}},
		{"filename":"demo-4-py3-none-any.whl","url":"https://files.example/demo-4-py3-none-any.whl","hashes":{},"dist-info-metadata":true}]}`
	want, err := parsePage(base, jsonType, []byte(jsonPage))
	if err != nil {
		t.Fatal(err)
	}
	none := ""
	if len(want) != 4 || *want[0].yanked != `broken & "bad"` || !reflect.DeepEqual(want[1].yanked, &none) || want[2].yanked != nil || want[2].metadata != nil || want[3].metadata == nil || (*want[1].metadata)["sha256"] != sumB {
		t.Fatalf("%+v", want)
	}
	kind, page := writePage([]string{accept}, "demo", want)
	again, err := parsePage(base, kind, page)
	if err != nil || kind != jsonType || !reflect.DeepEqual(again, want) {
		t.Errorf("JSON: %v\n got %+v\nwant %+v", err, again, want)
	}
	for i := range want { // HTML knows one hash, and neither size nor time
		want[i].Size, want[i].uploaded = 0, ""
	}
	delete(want[0].hashes, "sha512")
	*want[3].metadata = map[string]string{}
	kind, page = writePage([]string{"text/html"}, "demo", want)
	again, err = parsePage(base, kind, page)
	if err != nil || !reflect.DeepEqual(again, want) {
		t.Errorf("%s: %v\n got %+v\nwant %+v\n%s", kind, err, again, want, page)
	}
}
