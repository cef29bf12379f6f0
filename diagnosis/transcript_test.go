package diagnosis

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

func TestTheEndOfTheOutputIsKept(t *testing.T) {
	var all strings.Builder
	for i := range 60000 {
		fmt.Fprintf(&all, "line %d\n", i)
	}
	for _, step := range []int{1 << 20, longestEnd, longestEnd + 1, 100000, 4096, 7} {
		for _, text := range []string{"", "short", all.String()[:longestEnd], all.String()[:longestEnd+1], all.String()} {
			var passed bytes.Buffer
			kept := &Transcript{To: &passed}
			for rest := text; rest != ""; {
				n := min(step, len(rest))
				if k, err := kept.Write([]byte(rest[:n])); k != n || err != nil {
					t.Fatal(k, err)
				}
				rest = rest[n:]
			}
			if passed.String() != text {
				t.Errorf("in steps of %d, %d of %d bytes were passed on", step, passed.Len(), len(text))
			}
			want := text
			if len(text) > longestEnd {
				want = text[len(text)-longestEnd:]
				want = want[strings.Index(want, "\n")+1:]
			}
			if got := string(kept.End()); got != want {
				t.Errorf("in steps of %d, of %d bytes %d are kept, not %d", step, len(text), len(got), len(want))
			}
		}
	}
}

func TestOutputWithoutAReaderIsKept(t *testing.T) {
	kept := &Transcript{}
	if n, err := kept.Write([]byte("text")); n != 4 || err != nil || string(kept.End()) != "text" {
		t.Errorf("%d %v %q", n, err, kept.End())
	}
}
