package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// get returns the answer to a request.
func get(t *testing.T, address string) (int, string) {
	t.Helper()
	answer, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(data)
}

func TestMirrorAsksTheIndexOnceAndNamesItself(t *testing.T) {
	asked := 0
	index := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked++
		switch r.URL.Path {
		case "/root/simple/demo/":
			w.Header().Set("Content-Type", simpleJSON)
			_, _ = io.WriteString(w, `{"name": "demo", "files": [{"filename": "demo-1.whl", "url": "../../files/demo-1.whl#sha256=ab", "upload-time": "2026-01-01"}]}`)
		case "/root/files/demo-1.whl":
			_, _ = io.WriteString(w, "wheel")
		default:
			http.NotFound(w, r)
		}
	}))
	defer index.Close()
	m, err := newMirror(index.URL+"/root/simple", t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var passed traffic
	mirror := httptest.NewServer(passed.counted(m))
	defer mirror.Close()
	for range 2 {
		status, text := get(t, mirror.URL+"/simple/demo/")
		var page struct {
			Files []struct {
				URL    string `json:"url"`
				Upload string `json:"upload-time"`
			} `json:"files"`
		}
		if err := json.Unmarshal([]byte(text), &page); err != nil || status != http.StatusOK || len(page.Files) != 1 || page.Files[0].Upload == "" {
			t.Fatalf("%d %v: %s", status, err, text)
		}
		if !strings.HasPrefix(page.Files[0].URL, mirror.URL+"/files/http/") {
			t.Fatalf("the file is at %s", page.Files[0].URL)
		}
		if status, text = get(t, page.Files[0].URL); status != http.StatusOK || text != "wheel" {
			t.Errorf("%d %q", status, text)
		}
	}
	if status, _ := get(t, mirror.URL+"/simple/other/"); status != http.StatusNotFound {
		t.Errorf("an unknown project gives %d", status)
	}
	if status, _ := get(t, mirror.URL+"/files/http/"+strings.TrimPrefix(mirror.URL, "http://")+"/x"); status != http.StatusNotFound {
		t.Errorf("a host that no page named gives %d", status)
	}
	if asked != 3 {
		t.Errorf("the index was asked %d times", asked)
	}
	if _, down, requests, _ := passed.take(); requests != 6 || down < 2*int64(len("wheel")) {
		t.Errorf("%d requests, %d bytes", requests, down)
	}
}

func TestRegistryTrafficIsCounted(t *testing.T) {
	var passed traffic
	server := httptest.NewServer(passed.counted(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "blob")
	})))
	defer server.Close()
	get(t, server.URL+"/v2/x/blobs/sha256:ab")
	answer, err := http.Post(server.URL+"/v2/x/blobs/uploads/", "", strings.NewReader("a layer"))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if up, down, requests, blobs := passed.take(); up != 7 || down != 8 || requests != 2 || blobs != 1 {
		t.Errorf("%d bytes up, %d down, %d requests, %d blobs", up, down, requests, blobs)
	}
}

// two rounds of made-up numbers.
func someResults() *results {
	r := &results{Machine: "a machine", Images: map[string]map[string]image{}}
	for round := 1; round <= 2; round++ {
		var runs []measure
		images := map[string]image{}
		for i, c := range contenders {
			images[c.name] = image{Layers: 10 + i, Over: int64(100 * (i + 1))}
			for _, s := range scenarios {
				if s.fresh == "min" && !c.stages {
					continue
				}
				runs = append(runs, measure{Project: "data", Contender: c.name, Scenario: s.name, Round: round, Seconds: float64((i + 1) * round), Pushed: 2000, Digest: "x"})
			}
		}
		r.add("data", runs, images)
	}
	return r
}

func TestWorstRoundIsTheWorstRatioWithinARound(t *testing.T) {
	r := someResults()
	r.Runs = append(r.Runs, measure{Project: "data", Contender: ours, Scenario: "code", Round: 3, Seconds: 9}, measure{Project: "data", Contender: "four", Scenario: "code", Round: 3, Seconds: 3})
	if middle, worst := r.ratio("data", "code", ours, "four"); middle != 0.25 || worst != 3 {
		t.Errorf("median %v, worst %v", middle, worst)
	}
}

func TestResultsAreReadAsTheyWereWritten(t *testing.T) {
	r, file := someResults(), filepath.Join(t.TempDir(), "results.json")
	if err := r.write(file); err != nil {
		t.Fatal(err)
	}
	again, err := readResults(file)
	if err != nil || len(again.Runs) != len(r.Runs) || !again.has("data", 2) || again.has("data", 3) || again.Machine != r.Machine {
		t.Errorf("%v: %+v", err, again)
	}
}

func TestReplaceTouchesOnlyItsRoundAndScenario(t *testing.T) {
	r := someResults()
	before := len(r.Runs)
	var runs []measure
	for _, c := range contenders {
		runs = append(runs, measure{Project: "data", Contender: c.name, Scenario: "cold", Round: 2, Seconds: 100})
	}
	r.replace("data", 2, runs)
	if len(r.Runs) != before {
		t.Errorf("%d measurements became %d", before, len(r.Runs))
	}
	for _, m := range r.Runs {
		if replaced := m.Scenario == "cold" && m.Round == 2; (m.Seconds == 100) != replaced {
			t.Errorf("%s of %s in round %d is %v s", m.Scenario, m.Contender, m.Round, m.Seconds)
		}
	}
}

func TestPageHasTheTablesAndKeepsItsProse(t *testing.T) {
	dir := t.TempDir()
	page := filepath.Join(dir, "page.md")
	data, err := os.ReadFile("../docs/benchmarks.md")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, data, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writePage(page, someResults()); err != nil {
		t.Fatal(err)
	}
	written, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Rounds: 2,", "| one line of code | 1.5 s, 2.0 kB | 3.0 s, 2.0 kB |", "| cold build and push / uv, two stages | 1 | 0.7 | 0.33 | 0.33 |", "## How it is measured", "a machine"} {
		if !strings.Contains(string(written), want) {
			t.Errorf("the page lacks %q:\n%s", want, written)
		}
	}
	for _, name := range []string{"benchmarks-data-seconds.svg", "benchmarks-data-pushed.svg"} {
		if svg, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !strings.Contains(string(svg), "uv, one stage") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.WriteFile(page, []byte("# no tables\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := writePage(page, someResults()); err == nil {
		t.Error("a page without places is accepted")
	}
}

func TestAnotherDigestCountsOnlyForEqualInputs(t *testing.T) {
	r := &results{}
	for _, m := range []struct{ inputs, digest string }{{"", "a"}, {"", "a"}, {"1", "b"}, {"2", "c"}} {
		r.Runs = append(r.Runs, measure{Project: "web", Contender: ours, Scenario: "cold", Inputs: m.inputs, Digest: m.digest})
	}
	if builds, digests := r.digests("web"); builds != 2 || digests != 1 {
		t.Errorf("%d builds of equal inputs gave %d digests", builds, digests)
	}
	r.Runs = append(r.Runs, measure{Project: "web", Contender: ours, Scenario: "cold", Inputs: "2", Digest: "d"})
	if builds, digests := r.digests("web"); builds != 2 || digests != 2 {
		t.Errorf("%d builds of equal inputs gave %d digests", builds, digests)
	}
}
