package diagnosis

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func TestFailureIsReadAsItWasWritten(t *testing.T) {
	want := Failure{Message: "Debian has no package libpqdev", Hint: `did you mean "libpq-dev"?`, Kind: Header, Wants: []string{"header:libpq-fe.h"},
		Packages: []Package{{Name: "libpqdev", Near: []string{"libpq-dev", "libpq5"}}, {Name: "xyz"}}}
	got, err := ParseFailure(want.Marshal())
	if err != nil || !reflect.DeepEqual(*got, want) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestFailureOfAForeignProgramIsBoundedAndClean(t *testing.T) {
	hostile := Failure{Message: "a\x1b[2J\u202eb\nc\x00 " + strings.Repeat("é", 5000), Hint: "see https://bob:hunter2@x.example/?t=hunter2", Wants: make([]string, 5000), Packages: make([]Package, 5000)}
	data, err := json.Marshal(hostile)
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParseFailure(data)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(f.Message, "a[2Jb c é") || len(f.Message) > longestMessage || f.Hint != "see https://***@x.example/" || len(f.Wants) != mostItems || len(f.Packages) != mostItems {
		t.Errorf("%+v", f)
	}
}

func TestFileThatIsNoFailureIsRefused(t *testing.T) {
	for _, data := range []string{"", "{}", "[]", "null", `{"message": " \u0000 "}`, `{"message": 1}`, `{"message": "a"} x`} {
		if f, err := ParseFailure([]byte(data)); err == nil {
			t.Errorf("%s gives %+v", data, f)
		}
	}
}

func FuzzParseFailure(f *testing.F) {
	f.Add([]byte(`{"message": "a", "hint": "b", "wants": ["header:x.h"], "packages": [{"name": "c", "near": ["d"]}]}`))
	f.Add([]byte(`{"message": "\u001b]0;x\u0007 https://a:b@c/?d"}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		first, err := ParseFailure(data)
		if err != nil {
			return
		}
		again, err := ParseFailure(first.Marshal())
		if err != nil || !reflect.DeepEqual(first, again) {
			t.Errorf("%+v becomes %+v: %v", first, again, err)
		}
	})
}
