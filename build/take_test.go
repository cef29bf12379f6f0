package build

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/python"
)

// linux is a target that wheels are taken for.
func linux(t *testing.T) python.Target {
	t.Helper()
	v, err := python.ParseVersion("3.13.5")
	if err != nil {
		t.Fatal(err)
	}
	return python.Target{Python: v, Machine: "x86_64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 41}}
}

func TestWheelsAreTakenByFileByNameAndAlone(t *testing.T) {
	sum := sha256.Sum256([]byte("demo-1.0-py3-none-any.whl"))
	hash := hex.EncodeToString(sum[:])
	all := []string{"demo-1.0-py3-none-any.whl", "My_App-2.0-cp313-cp313-manylinux_2_28_x86_64.whl", "my_app-2.0-cp313-cp313-musllinux_1_2_x86_64.whl", "two-1.0-py3-none-any.whl", "two-1.1-py3-none-any.whl"}
	for _, tt := range []struct {
		there []string // in the directory
		want  string
		taken string // the file, or else an error that contains this
	}{
		{all, "demo-1.0-py3-none-any.whl#sha256=" + hash, all[0]},
		{all, "my-app==2", all[1]},
		{all, "my.app", all[1]},
		{all, "two==1.0.0", all[3]},
		{all[:1], "*", all[0]},
		{all, "*", "several wheels, My_App-2.0"},
		{all, "two", "several versions of two: two-1.0-py3-none-any.whl, two-1.1-py3-none-any.whl"},
		{all, "my-app==3", "no wheel of my-app 3"},
		{all[2:3], "my-app", "no wheel of my-app for CPython 3.13 on linux x86_64, glibc 2.41, but my_app-2.0-cp313-cp313-musllinux_1_2_x86_64.whl"},
		{all, "other-1.0-py3-none-any.whl#sha256=" + hash, "no other-1.0-py3-none-any.whl, which is the wheel that the lock names"},
		{all, "two-1.0-py3-none-any.whl#sha256=" + hash, "is not the file that was locked"},
		{nil, "demo", "no wheel, neither in /wheels nor at its root"},
	} {
		for _, below := range []string{".", "wheels"} {
			dir, out := t.TempDir(), filepath.Join(t.TempDir(), "out")
			if err := os.MkdirAll(filepath.Join(dir, below), 0o755); err != nil {
				t.Fatal(err)
			}
			for _, name := range slices.Concat(tt.there, []string{"notes.txt"}) {
				if err := os.WriteFile(filepath.Join(dir, below, name), []byte(name), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := Take(TakeOptions{Source: dir, Out: out, Target: linux(t), Wheels: []string{tt.want}})
			if !slices.Contains(all, tt.taken) {
				if err == nil || !strings.Contains(err.Error(), tt.taken) {
					t.Errorf("%s of %v: %v, want %q", tt.want, tt.there, err, tt.taken)
				}
				continue
			}
			if data, readErr := os.ReadFile(filepath.Join(out, tt.taken)); err != nil || readErr != nil || string(data) != tt.taken {
				t.Errorf("%s of %v: %q, %v, %v", tt.want, tt.there, data, err, readErr)
			}
		}
	}
}
