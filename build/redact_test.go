package build

import (
	"bytes"
	"testing"
)

func TestLoginsAreLeftOutOfLines(t *testing.T) {
	const text = "Collecting demo@ http://user:s3cret@index.example/x.whl\nsee https://index.example/@scope and mail@index.example\nLooking in https://token@index.example/simple, https://a:b@files.example"
	const want = "Collecting demo@ http://****@index.example/x.whl\nsee https://index.example/@scope and mail@index.example\nLooking in https://****@index.example/simple, https://****@files.example"
	for step := 1; step <= len(text); step++ {
		var b bytes.Buffer
		r := &redacted{w: &b}
		for i := 0; i < len(text); i += step {
			if n, err := r.Write([]byte(text[i:min(i+step, len(text))])); err != nil || n != min(step, len(text)-i) {
				t.Fatal(n, err)
			}
		}
		if err := r.end(); err != nil || b.String() != want {
			t.Fatalf("in steps of %d: %v\n%s", step, err, &b)
		}
	}
}
