package plan

import (
	"slices"
	"testing"
)

func TestIgnoreFileBringsBackTheUsualOnlyByName(t *testing.T) {
	for _, test := range []struct{ ignored, want []string }{
		{nil, []string{"**/.git", "**/*.pyc", "docs"}},
		{[]string{"*", "!src"}, []string{"*", "!src", "**/.git", "**/*.pyc", "docs"}},
		{[]string{"!.git"}, []string{"!.git", "**/*.pyc", "docs"}},
		{[]string{"!vendor/.git"}, []string{"!vendor/.git", "**/*.pyc", "docs"}},
		{[]string{"!a/b.pyc"}, []string{"!a/b.pyc", "**/.git", "docs"}},
		{[]string{"!docs", ".git"}, []string{"!docs", ".git", "**/.git", "**/*.pyc", "docs"}},
	} {
		c := Context{Usual: []string{"**/.git", "**/*.pyc"}, Exclude: []string{"docs"}}
		if got := c.Without(test.ignored); !slices.Equal(got, test.want) {
			t.Errorf("%v: %v, not %v", test.ignored, got, test.want)
		}
	}
}
