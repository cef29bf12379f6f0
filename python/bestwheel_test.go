package python

import (
	"strings"
	"testing"
)

func TestSieveLosesNoWheelThatFits(t *testing.T) {
	free := Target{Python: mustVersion(t, "3.14.0"), Machine: "armv7l", Libc: Libc{"musl", 1, 2}, FreeThreaded: true}
	for _, target := range []Target{trixie(t), free} {
		tags := target.Tags()
		s := newSieve(tags)
		for _, tag := range tags {
			for _, name := range []string{
				"a-1-" + tag.String() + ".whl",
				"A-1-" + strings.ToUpper(tag.String()) + ".whl",
				"a-1-2-py9." + tag.Python + "-x." + tag.ABI + "-" + tag.Platform + ".y.whl",
			} {
				if !s.mayFit(name) {
					t.Fatalf("%s: %s does not pass", target, name)
				}
			}
		}
		for _, name := range []string{
			"a-1-cp312-cp312-win_amd64.whl", "a-1-cp313-cp313-macosx_11_0_arm64.whl", "a-1.tar.gz", "any.whl", "none-any.whl", "", ".whl",
		} {
			if s.mayFit(name) {
				t.Errorf("%s: %s passes", target, name)
			}
		}
	}
}
