package index

import (
	"errors"
	"strings"
	"testing"
)

// lines is a writer that hands on what is written.
type lines chan string

func (l lines) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}

func TestLongWorkSaysHowFarItIs(t *testing.T) {
	said := make(lines, 100)
	each(t.Context(), 3, 1, progress{said, "did %d of %d"}, func(i int) {
		if i == 2 {
			if line := <-said; line != "did 2 of 3\n" { // the work waits for the word
				t.Errorf("it said %q", line)
			}
		}
	})
	if len(said) > 0 {
		t.Errorf("and then %q", <-said)
	}
	each(t.Context(), 3, 1, progress{said, "did %d of %d"}, func(int) {})
	if len(said) > 0 {
		t.Errorf("short work said %q", <-said)
	}
}

func TestOneReasonIsOneLine(t *testing.T) {
	var fs failures
	if err := fs.err("cannot be looked up"); err != nil {
		t.Error(err)
	}
	for _, name := range strings.Split("g f e d c b a a", " ") {
		fs.add(name, "https://index.example/", errors.New("it is away"))
	}
	fs.add("b", "https://index.example/", errors.New("it answers 500"))
	fs.add("b", "", errors.New("no index"))
	want := "a, b, c, d, e and 2 more cannot be looked up at https://index.example/: it is away\n" +
		"b cannot be looked up: no index\nb cannot be looked up at https://index.example/: it answers 500"
	if err := fs.err("cannot be looked up"); err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
}
