package index

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// checkFiles checks what holds for the files of every page.
func checkFiles(t *testing.T, files []File, err error) {
	t.Helper()
	if err != nil && len(files) > 0 {
		t.Fatalf("%d files and %v", len(files), err)
	}
	for _, f := range files {
		u, err := url.Parse(f.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil || u.Fragment != "" {
			t.Fatalf("address %q: %v", f.URL, err)
		}
		if !plainName(f.Name) || f.SHA256 != "" && !isSHA256(f.SHA256) || f.Size < 0 {
			t.Fatalf("%+v", f)
		}
		if again, ok := resolve(u, f.URL); !ok || address(again) != f.URL {
			t.Fatalf("%q is not the address that it is read as", f.URL)
		}
	}
}

var fuzzBase = &url.URL{Scheme: "https", User: url.UserPassword("bob", "hunter2"), Host: "index.example", Path: "/simple/demo/"}

func FuzzJSONPage(f *testing.F) {
	f.Add([]byte(good))
	f.Add([]byte(`{"meta":{"api-version":"1.1"},"files":[{"filename":"a-1.tar.gz","url":"https://a:b@files.example/a?x=1#y","hashes":{"sha256":"` + sumA + `"},"size":5,"requires-python":">=3.8","yanked":true}]}`))
	f.Add([]byte(`{"meta":{"api-version":"2.0"},"files":null}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		entries, err := parsePage(fuzzBase, jsonType, body)
		files := filesOf(entries)
		checkFiles(t, files, err)
		if broken := (*brokenPage)(nil); err == nil && !json.Valid(bytes.TrimPrefix(body, []byte("\ufeff"))) || err != nil && !errors.As(err, &broken) && !strings.Contains(err.Error(), "of the simple API, and only 1.x is known") {
			t.Fatalf("%v of %q", err, body)
		}
	})
}

func FuzzHTMLPage(f *testing.F) {
	f.Add([]byte(`<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.0"><title>x</title><base href="/x/"></head><body><a href="a-1.whl#sha256=` + sumA + `" data-requires-python="&gt;=3">a</a></body></html>`))
	f.Add([]byte(`<!-- x --><script>"<a"</script><a href='a b.zip' x=1 y>t<b>x</b></a><?x><a href=//files.example/?id=1>a-1.zip</a>`))
	f.Add([]byte(`<a href="http://a:b@x/y.zip?&amp;&copy=1&#38;#z">`))
	f.Add([]byte(`<a href="http://x/y.zip?a #z">`))
	f.Fuzz(func(t *testing.T, body []byte) {
		entries, err := parsePage(fuzzBase, "text/html", body)
		files := filesOf(entries)
		checkFiles(t, files, err)
		if err != nil {
			return
		}
		// A page that goes on after its end has all files it had, and the new one as the last.
		entries, err = parsePage(fuzzBase, "text/html", append(slices.Clip(body), "</a><a href='https://files.example/new-1.zip'></a>"...))
		more := filesOf(entries)
		if err != nil || len(more) != len(files)+1 || !slices.Equal(more[:len(files)], files) || more[len(files)].Name != "new-1.zip" {
			t.Fatalf("%+v and then %+v, %v", files, more, err)
		}
	})
}

func FuzzSettings(f *testing.F) {
	f.Add([]byte(`{"index_url":"https://index.example/simple","builtin":"https://index.example/simple","extra_index_urls":["https://bob:hunter2@a.example/"],"find_links":["/opt"],"no_index":false,"trusted_hosts":["a"],"cert":null,"proxy":"","timeout":15}`))
	f.Add([]byte(`{"index_url":"//a@b","extra_index_urls":["http://a:b@c:d@e/","http:///x@y","https://x\\@y/"],"proxy":"a:b@c","timeout":1e300,"no_index":true}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePip(data)
		if err != nil {
			return
		}
		s, _, err := p.settings()
		if (s == nil) == (err == nil) {
			t.Fatalf("%v and %v", s, err)
		}
		if err != nil {
			return
		}
		written, err := encode(s)
		if err != nil {
			t.Fatal(err)
		}
		again, err := ParseSettings(written)
		if err != nil {
			t.Fatalf("%v in %s", err, written)
		}
		rewritten, err := encode(again)
		if err != nil || !bytes.Equal(written, rewritten) {
			t.Fatalf("%s was read as %s", written, rewritten)
		}
		for _, address := range slices.Concat([]string{s.Default}, s.Extra, s.FindLinks) {
			if address == "" {
				continue
			}
			if site, err := parseSite("it", address, false); err != nil || strings.Contains(strings.SplitN(address, "/", 4)[2], "@") {
				t.Fatalf("%q: %v, %v", address, site, err)
			}
		}
	})
}
