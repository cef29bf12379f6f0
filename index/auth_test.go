package index

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSecretsBecomeHeaders(t *testing.T) {
	for _, tt := range []struct{ username, secret, want string }{
		{"bob", "hunter2\n", "bob:hunter2"},
		{"bob", "hunter2", "bob:hunter2"},
		{"bob", "a:b c", "bob:a:b c"},
		{"_json_key", `{"a": "b"}`, `_json_key:{"a": "b"}`},
		{"", "bob:hunter2", "bob:hunter2"},
		{"", "token:", "token:"},
		{"", "pypi-AgEI\r\n", "__token__:pypi-AgEI"},
		{"", "two words", "__token__:two words"},
		{"", "Bearer abc", "!Bearer abc"},
		{"", "bearer abc:def", "!bearer abc:def"},
		{"", "Basic Ym9iOnB3", "!Basic Ym9iOnB3"},
		{"", "Bearer ", "__token__:Bearer "},
		{"", "machine index.example login bob password hunter2", "bob:hunter2"},
		{"", "\nmachine other.example login eve password no\nmachine INDEX.example\n\tlogin bob\n\taccount x\n\tpassword hunter2\n", "bob:hunter2"},
		{"carl", "machine index.example login bob password no\nmachine index.example login carl password yes\n", "carl:yes"},
		{"", "machine other.example login eve password no\ndefault login bob password hunter2", "bob:hunter2"},
		{"", "machine index.example password hunter2", ":hunter2"},
		{"", "machine", "__token__:machine"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "id"), []byte(tt.secret), 0o600); err != nil {
			t.Fatal(err)
		}
		u := mustParse(t, "https://index.example/simple/")
		ls := logins{dir, []login{{Source{Name: "company", Username: tt.username, Secret: "id"}, u}}}
		want, literal := strings.CutPrefix(tt.want, "!")
		if !literal {
			want = "Basic " + base64.StdEncoding.EncodeToString([]byte(want))
		}
		if got, err := ls.authorization(u); err != nil || got != want {
			t.Errorf("%q %q: %q, %v; want %q", tt.username, tt.secret, got, err, want)
		}
	}
}

func TestASecretThatCannotBeUsedIsExplainedAndNotShown(t *testing.T) {
	for _, tt := range []struct{ secret, want string }{
		{"", "the build secret my-index.1 of the index company is empty\n\thint: build with --secret id=my-index.1,env=MY_INDEX_1"},
		{"\n", "the build secret my-index.1 of the index company is empty\n\thint: build with --secret id=my-index.1,env=MY_INDEX_1"},
		{"hunter2\nhunter3", "the build secret my-index.1 of the index company has several lines and is no netrc file\n\thint: it holds a password, a token, user:password, or a netrc file that starts with machine"},
		{"machine other.example login bob password hunter2", "the build secret my-index.1 of the index company is a netrc file without a login for index.example"},
		{"machine index.example login bob", "the build secret my-index.1 of the index company is a netrc file without a login for index.example"},
		{"absent", "the index company needs the build secret my-index.1, which the build was not given\n\thint: build with --secret id=my-index.1,env=MY_INDEX_1"},
	} {
		dir := t.TempDir()
		if tt.secret != "absent" {
			if err := os.WriteFile(filepath.Join(dir, "my-index.1"), []byte(tt.secret), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		u := mustParse(t, "https://index.example/simple/")
		ls := logins{dir, []login{{Source{Name: "company", Secret: "my-index.1"}, u}}}
		if _, err := ls.authorization(u); err == nil || err.Error() != tt.want {
			t.Errorf("%q: %v\nwant %s", tt.secret, err, tt.want)
		}
	}
}

func TestCredentialsAreForTheirOriginOnly(t *testing.T) {
	ls := logins{}
	for _, s := range [][2]string{
		{"one", "https://index.example/api/projects/1/simple"},
		{"two", "https://Index.Example:443/api/projects/2/simple/"},
		{"plain", "http://index.example/simple"},
		{"port", "https://index.example:8443/simple"},
	} {
		ls.all = append(ls.all, login{Source{Name: s[0], Secret: s[0]}, mustParse(t, s[1])})
	}
	for address, want := range map[string]string{
		"https://index.example/api/projects/1/simple/six/":    "one",
		"https://INDEX.example/api/projects/2/files/six.whl":  "two",
		"https://index.example/elsewhere/six.whl":             "one",
		"https://index.example/api/projects/22/files/six.whl": "one",
		"http://index.example:80/six.whl":                     "plain",
		"https://index.example:8443/six.whl":                  "port",
		"https://index.example:8444/six.whl":                  "",
		"https://sub.index.example/simple/":                   "",
		"https://index.example.evil.example/simple/":          "",
		"https://evil.example/index.example/":                 "",
	} {
		if got := ls.secret(mustParse(t, address)); got != want {
			t.Errorf("%s: %q, want %q", address, got, want)
		}
	}
}
