package index

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
)

var (
	sumA = strings.Repeat("a", 64)
	sumB = strings.Repeat("b", 64)
	sumC = strings.Repeat("c", 64)
)

const (
	jsonType = "application/vnd.pypi.simple.v1+json"
	htmlType = "application/vnd.pypi.simple.v1+html"
)

func mustParse(t testing.TB, address string) *url.URL {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestPagesGiveTheirFiles(t *testing.T) {
	for _, tt := range []struct {
		name, kind, body string
		want             []File
	}{
		{"json", jsonType, `{"meta":{"api-version":"1.1"},"name":"a","versions":["1"],"files":[
			{"filename":"a-1.tar.gz","url":"https://files.example/a-1.tar.gz","hashes":{"sha256":"` + sumA + `","md5":"x"},"size":5,"requires-python":">=3.8","yanked":"broken","upload-time":"2020-01-01T00:00:00Z","core-metadata":{"sha256":"x"}}]}`,
			[]File{{Name: "a-1.tar.gz", URL: "https://files.example/a-1.tar.gz", SHA256: sumA, Size: 5, RequiresPython: ">=3.8"}}},
		{"json of a later minor version with keys nobody knows", jsonType + "; charset=utf-8", `{"meta":{"api-version":"1.99","x":[]},"alternate-locations":[],"files":[{"filename":"a","url":"a","hashes":{},"new":{}}]}`,
			[]File{{Name: "a", URL: "https://index.example/simple/a/a"}}},
		{"json with nulls", jsonType, `{"meta":{"api-version":null},"files":[{"filename":"a","url":"a","hashes":null,"size":null,"requires-python":null}]}`,
			[]File{{Name: "a", URL: "https://index.example/simple/a/a"}}},
		{"json without files", jsonType, `{"meta":{"api-version":"1.0"},"files":[]}`, []File{}},
		{"json with a byte order mark, of a plain type", "application/json", "\ufeff" + `{"files":[{"filename":"a","url":"../../x/a"}]}`, []File{{Name: "a", URL: "https://index.example/x/a"}}},
		{"json of a wrong type", "text/plain", ` {"files":[{"filename":"a","url":"//files.example/a"}]}`, []File{{Name: "a", URL: "https://files.example/a"}}},
		{"hashes in capitals and hashes that are none", jsonType, `{"files":[{"filename":"a","url":"a","hashes":{"sha256":"` + strings.ToUpper(sumA) + `"}},{"filename":"b","url":"b","hashes":{"sha256":"12"}}]}`,
			[]File{{Name: "a", URL: "https://index.example/simple/a/a", SHA256: sumA}, {Name: "b", URL: "https://index.example/simple/a/b"}}},
		{"files that lead nowhere", jsonType, `{"files":[{"filename":"../a","url":"a"},{"filename":"","url":"a"},{"filename":"a","url":""},{"filename":"a","url":"file:///a"},{"filename":"a","url":"https://[::1"},{"filename":"b","url":"b","size":-1},{"filename":"c","url":"c","size":1.5}]}`,
			[]File{{Name: "b", URL: "https://index.example/simple/a/b"}, {Name: "c", URL: "https://index.example/simple/a/c"}}},
		{"a user and a fragment are dropped, a query stays", jsonType, `{"files":[{"filename":"a","url":"https://bob:hunter2@files.example/a?token=1#sha256=` + sumB + `"}]}`,
			[]File{{Name: "a", URL: "https://files.example/a?token=1"}}},

		{"html", htmlType, `<!DOCTYPE html><html><head><meta name="pypi:repository-version" content="1.3"><title>Links for <a href="x.whl"></title></head><body>
			<a href="https://files.example/a-1.tar.gz#sha256=` + sumA + `" data-requires-python="&gt;=3.8,&lt;4" data-yanked="broken" data-core-metadata="sha256=x">a-1.tar.gz</a><br/></body></html>`,
			[]File{{Name: "a-1.tar.gz", URL: "https://files.example/a-1.tar.gz", SHA256: sumA, RequiresPython: ">=3.8,<4"}}},
		{"html in capitals, with quotes of every kind and none", "text/html; charset=UTF-8", `<A HREF='a-1.zip#SHA256=x' Data-Requires-Python='>=3'>a</A><a data-yanked href = a-2.zip>a</a><a x=1 href=a-3.zip/>`,
			[]File{{Name: "a-1.zip", URL: "https://index.example/simple/a/a-1.zip", RequiresPython: ">=3"}, {Name: "a-2.zip", URL: "https://index.example/simple/a/a-2.zip"}, {Name: "a-3.zip", URL: "https://index.example/simple/a/a-3.zip/"}}},
		{"a > within quotes", "", `<html><a data-requires-python=">=3.8" href="a-1.whl">x</a>`, []File{{Name: "a-1.whl", URL: "https://index.example/simple/a/a-1.whl", RequiresPython: ">=3.8"}}},
		{"the first base counts, from there on", "text/html", `<a href="a-0.whl"></a><base target="_top"><base href="../files/"><base href="/no/"><a href="a-1.whl"></a>`,
			[]File{{Name: "a-0.whl", URL: "https://index.example/simple/a/a-0.whl"}, {Name: "a-1.whl", URL: "https://index.example/simple/files/a-1.whl"}}},
		{"the first of two attributes of a name counts", "text/html", `<a href="a-1.whl" href="a-2.whl">`, []File{{Name: "a-1.whl", URL: "https://index.example/simple/a/a-1.whl"}}},
		{"links that are no files", "text/html", `<a href="../">Parent</a><a name="x.whl">x.whl</a><a href="mailto:a@b.whl">b.whl</a><a href="">a.whl</a><a href="https://project.example/">home</a><a href="#top">top</a>`, []File{}},
		{"what only looks like a link", "text/html", `<!-- <a href="a-1.whl"> --><script>"<a href='a-2.whl'>"</script><style>/*<a href="a-3.whl">*/</style ><abbr href="a-4.whl">1 < 2 <a href="a-5.whl"></a><!--><a href="a-6.whl"></a><?php <a href="a-7.whl">?></ a href="a-8.whl">`,
			[]File{{Name: "a-5.whl", URL: "https://index.example/simple/a/a-5.whl"}, {Name: "a-6.whl", URL: "https://index.example/simple/a/a-6.whl"}}},
		{"references of characters in addresses", "text/html", `<a href="a-1.whl?x=1&amp;copy=2&copy=3&#38;y&lt&unknown;">`, []File{{Name: "a-1.whl", URL: "https://index.example/simple/a/a-1.whl?x=1&copy=2&copy=3&y&lt&unknown;"}}},
		{"escapes in addresses", "text/html", `<a href="a-1%2Bcu118-py3-none-any.whl">a</a><a href="b 1.zip">b</a><a href="ü-1.zip">c</a>`,
			[]File{{Name: "a-1+cu118-py3-none-any.whl", URL: "https://index.example/simple/a/a-1%2Bcu118-py3-none-any.whl"}, {Name: "b 1.zip", URL: "https://index.example/simple/a/b%201.zip"}, {Name: "ü-1.zip", URL: "https://index.example/simple/a/%C3%BC-1.zip"}}},
		{"blanks in the query of an address", "text/html", `<a href="/get/a-1.zip?x=a b%20ü #z">a</a>`, []File{{Name: "a-1.zip", URL: "https://index.example/get/a-1.zip?x=a%20b%20%C3%BC%20"}}},
		{"an address that is broken over lines", "text/html", "<a\nhref=\"\n a-1.\n\twhl \">a</a>", []File{{Name: "a-1.whl", URL: "https://index.example/simple/a/a-1.whl"}}},
		{"names from the text where the address has none", "text/html", `<a href="/get?id=7"> a-1.<wbr>whl
			</a><a href="/get?id=8#sha256=` + sumA + `">a &amp; b</a>`,
			[]File{{Name: "a-1.whl", URL: "https://index.example/get?id=7"}, {Name: "get", URL: "https://index.example/get?id=8", SHA256: sumA}}},
		{"hashes with company", "text/html", `<a href="a-1.zip#egg=a&sha256=` + sumA + `&subdirectory=x"><a href="a-2.zip#md5=` + sumB + `"><a href="a-3.zip#sha256=` + sumB + `zz">`,
			[]File{{Name: "a-1.zip", URL: "https://index.example/simple/a/a-1.zip", SHA256: sumA}, {Name: "a-2.zip", URL: "https://index.example/simple/a/a-2.zip"}, {Name: "a-3.zip", URL: "https://index.example/simple/a/a-3.zip"}}},
		{"an empty html page", "text/html", "", []File{}},
	} {
		entries, err := parsePage(mustParse(t, "https://user:pw@index.example/simple/a/"), tt.kind, []byte(tt.body))
		got := filesOf(entries)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", tt.name, got, tt.want)
		}
	}
}

func TestBrokenPagesAreAskedForAgain(t *testing.T) {
	for _, tt := range []struct{ kind, body, want string }{
		{jsonType, `{"files":[{"filename":"a"`, "the answer is not the JSON of the simple API: unexpected end of JSON input"},
		{jsonType, `<html>`, "the answer is not the JSON of the simple API: invalid character '<' looking for beginning of value"},
		{jsonType, `{"files":[{"size":{}}]}`, "the answer is not the JSON of the simple API: files.size is of type object"},
		{jsonType, `{"files":[]} {}`, "the answer is not the JSON of the simple API: invalid character '{' after top-level value"},
		{"application/json", `{"message":"try later"}`, "the answer is JSON without a list of files"},
		{jsonType, ``, "the answer is not the JSON of the simple API: unexpected end of JSON input"},
		{"", ``, "the answer is of no type and neither JSON nor HTML"},
		{"text/plain", `hello`, "the answer is text/plain and neither JSON nor HTML"},
		{"text/html", `<a href="a-1.whl">a</a><a href="a-2.`, "the answer is HTML that ends within a tag"},
		{"text/html", `<a href="a-1.whl">a</a><!-- `, "the answer is HTML that ends within a tag"},
		{"text/html", `<script>`, "the answer is HTML that ends within a tag"},
		{"text/html", `<a href`, "the answer is HTML that ends within a tag"},
		{"text/html", `<a href=`, "the answer is HTML that ends within a tag"},
		{"text/html", `<a href=x`, "the answer is HTML that ends within a tag"},
		{"text/html", `<`, "the answer is HTML that ends within a tag"},
	} {
		_, err := parsePage(mustParse(t, "https://index.example/simple/a/"), tt.kind, []byte(tt.body))
		broken := (*brokenPage)(nil)
		if !errors.As(err, &broken) || err.Error() != tt.want {
			t.Errorf("%s %s: %v, want %s", tt.kind, tt.body, err, tt.want)
		}
	}
}

func TestLaterVersionsOfTheAPIAreRefused(t *testing.T) {
	for _, tt := range [][2]string{
		{jsonType, `{"meta":{"api-version":"2.0"},"files":[]}`},
		{"application/vnd.pypi.simple.v2+json", `{}`},
		{"text/html", `<meta content="2.0" name="pypi:repository-version">`},
	} {
		_, err := parsePage(mustParse(t, "https://index.example/simple/a/"), tt[0], []byte(tt[1]))
		broken := (*brokenPage)(nil)
		if err == nil || errors.As(err, &broken) || !strings.Contains(err.Error(), `of the simple API, and only 1.x is known`) {
			t.Errorf("%q: %v", tt, err)
		}
	}
}
