package index

import (
	"fmt"
	"strings"
	"testing"
)

// bigPage is a page of 5000 files, as a project with nightly builds has it, in JSON and HTML.
func bigPage() (jsonPage, htmlPage []byte) {
	var files []File
	var html strings.Builder
	for i := range 5000 {
		f := File{Name: fmt.Sprintf("demo-1.%d-cp313-cp313-manylinux_2_28_x86_64.whl", i), SHA256: fmt.Sprintf("%064x", i), Size: int64(i)}
		f.URL = fmt.Sprintf("https://files.example/packages/%02x/%02x/%060x/%s", i%256, i/256, i, f.Name)
		files = append(files, f)
		fmt.Fprintf(&html, "<a href=\"%s#sha256=%s\" data-requires-python=\"&gt;=3.9\" data-core-metadata=\"sha256=%s\">%s</a><br />\n", f.URL, f.SHA256, f.SHA256, f.Name)
	}
	return []byte(pageJSON(files...)), []byte("<!DOCTYPE html><html><body>" + html.String() + "</body></html>")
}

func BenchmarkPage(b *testing.B) {
	jsonPage, htmlPage := bigPage()
	for kind, body := range map[string][]byte{"application/vnd.pypi.simple.v1+json": jsonPage, "text/html": htmlPage} {
		b.Run(kind[strings.LastIndexAny(kind, "/+")+1:], func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				if files, err := parsePage(fuzzBase, kind, body); err != nil || len(files) != 5000 {
					b.Fatal(len(files), err)
				}
			}
		})
	}
}
