package lock

import "testing"

// poetryConstraints are constraints in Poetry's syntax with what they are in PEP 440; "" for none, "||" for alternatives, "!" for what
// cannot be read.
var poetryConstraints = map[string]string{
	"*":                 "",
	"x":                 "",
	"X.x":               "",
	"^1.2.3":            ">=1.2.3,<2.0.0",
	"^1":                ">=1,<2",
	"^ 1.2":             ">=1.2,<2.0",
	"^0.2.3":            ">=0.2.3,<0.3.0",
	"^0.2":              ">=0.2,<0.3",
	"^0.0.3":            ">=0.0.3,<0.0.4",
	"^0.0":              ">=0.0,<0.1",
	"^0":                ">=0,<1",
	"^0.0.0.5":          ">=0.0.0.5,<0.0.1.0",
	"^2.0rc1":           ">=2.0rc1,<3.0",
	"^1!2.3":            ">=1!2.3,<1!3.0",
	"~1":                ">=1,<2",
	"~1.2":              ">=1.2,<1.3",
	"~1.2.3":            ">=1.2.3,<1.3.0",
	"~=1.2.3":           "~=1.2.3",
	"~=1":               ">=1,<2",
	"1.2":               "==1.2",
	"=1.2":              "==1.2",
	"v1.2":              "==1.2",
	"1.*":               "==1.*",
	"==1.2.*":           "==1.2.*",
	"1.2.*.*":           "==1.2.*",
	"!=1.2.*":           "!=1.2.*",
	"<>1.2":             "!=1.2",
	">=1.2.*":           ">=1.2",
	">=1.2 <2":          ">=1.2,<2",
	">= 1.2, < 2":       ">=1.2,<2",
	">=1.2,<2,":         ">=1.2,<2",
	"^3.8,!=3.9.1":      ">=3.8,<4.0,!=3.9.1",
	"~3.10 || ^3.12":    "||",
	"~2.7|^3.4":         "||",
	"2.* || *":          "",
	"":                  "!",
	"^1.*":              "!",
	"^^1":               "!",
	"=>1":               "!",
	"latest":            "!",
	">=1 || ":           "!",
	"^":                 "!",
	"git+https://x/y":   "!",
	"1.2.3.post1":       "==1.2.3.post1",
	"<2.0 , >1.0||>=3.": "!",
}

func TestPoetryConstraintsBecomeSpecifiers(t *testing.T) {
	for text, want := range poetryConstraints {
		c, ok := parsePoetryConstraint(text)
		got, one := c.pep440()
		switch {
		case !ok:
			got = "!"
		case !one:
			got = "||"
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}

func TestPlatformAllows(t *testing.T) {
	for text, want := range map[string]bool{
		"linux": true, "==linux": true, "win32": false, "!=win32": true, "!=linux": false, "win32 || linux": true, "win32|darwin": false,
		"!=win32,!=darwin": true, "!=win32,!=linux": false, "*": true,
	} {
		if got := platformAllows(text, "linux"); got != want {
			t.Errorf("platformAllows(%q) = %v", text, got)
		}
	}
}

func TestGitAddressesAreURLs(t *testing.T) {
	for address, want := range map[string]string{
		"git@git.example:team/app.git":       "ssh://git@git.example/team/app.git",
		"git.example:/team/app.git":          "ssh://git.example/team/app.git",
		"https://git.example/team/app.git":   "https://git.example/team/app.git",
		"ssh://git@git.example:22/team/app":  "ssh://git@git.example:22/team/app",
		"../app":                             "../app",
		"C:/repos/app":                       "C:/repos/app",
		"team/app:main":                      "team/app:main",
		"https://git.example/team/app:x.git": "https://git.example/team/app:x.git",
	} {
		if got := longGitURL(address); got != want {
			t.Errorf("longGitURL(%q) = %q, want %q", address, got, want)
		}
	}
}
