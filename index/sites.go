package index

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// site is a place that is asked for files: an index with a page per project, or one page with the files of many.
type site struct {
	url      *url.URL
	flat     bool // one page
	declared bool // by an [index] table, and before the default one
	beside   bool // its files come beside those of an index: a page of find-links
}

// page is the address to ask for a project.
func (s site) page(project string) *url.URL {
	if s.flat {
		return s.url
	}
	u := *s.url
	if u.Path == "" {
		u.Path = "/"
	}
	return u.JoinPath(project + "/")
}

// String is the address for people and for answers.
func (s site) String() string { return printable(s.url) }

// key tells whether two addresses mean one index: case of scheme and host, the port that goes without saying, and slashes at the end
// do not matter.
func (s site) key() string {
	return origin(s.url) + strings.TrimRight(s.url.EscapedPath(), "/") + "?" + s.url.RawQuery
}

// parseSite reads the address of an index. User and password in it are dropped, and in the error not shown. An address that names a
// file, such as .../torch_stable.html, is one page.
func parseSite(what, address string, flat bool) (site, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") {
		return site{}, fmt.Errorf("%s must be an address that starts with https:// or http://, not %q", what, hideLogin(address))
	}
	u.User, u.Fragment, u.RawFragment = nil, "", ""
	ext := strings.ToLower(path.Ext(u.Path))
	return site{url: u, flat: flat || ext == ".html" || ext == ".htm"}, nil
}

// hideLogin replaces what may be a user and password in a text: all between "//" and the last "@" of the same word, since a password
// in an address that is wrong may hold any character.
func hideLogin(text string) string {
	var b strings.Builder
	for {
		at := strings.Index(text, "//")
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:at+2])
		text = text[at+2:]
		end := strings.IndexAny(text, " \t\r\n\"'")
		if end < 0 {
			end = len(text)
		}
		if user := strings.LastIndexByte(text[:end], '@'); user >= 0 {
			b.WriteString("***")
			text = text[user:]
		}
	}
}

// sites are the places that a lookup may ask.
type sites struct {
	usual   []site // for a package that names none, in their order: a package that one of them has does not come from a later one
	byKey   map[string]site
	index   *site // the default one; nil where none is known
	builtin string
}

// arrange finds out what is asked, and the logins for it: the query's indexes, the others of pip's settings, and the default one, which
// mostly is public, so that nobody can put a package there which hides one of the others.
func arrange(settings *Settings, sources []Source, secrets string) (*sites, logins, error) {
	all := &sites{byKey: map[string]site{}}
	ls := logins{dir: secrets}
	var first *Source
	add := func(what, address string, flat bool, source Source) (site, error) {
		s, err := parseSite(what, address, flat)
		if err != nil {
			return s, err
		}
		if source.Secret != "" {
			ls.all = append(ls.all, login{source, s.url})
		}
		if _, again := all.byKey[s.key()]; !again {
			all.byKey[s.key()] = s
			all.usual = append(all.usual, s)
		}
		return s, nil
	}
	for i, source := range sources {
		if source.Name == "default" {
			first = &sources[i]
			continue
		}
		n := len(all.usual)
		if _, err := add(fmt.Sprintf("the url of [index.%s]", source.Name), source.URL, false, source); err != nil {
			return nil, ls, err
		}
		for i := range all.usual[n:] {
			all.usual[n+i].declared = true
		}
	}
	for _, extra := range settings.Extra {
		if _, err := add("pip's extra-index-url", extra, false, Source{}); err != nil {
			return nil, ls, err
		}
	}
	what, address, source := "pip's index-url", settings.Default, Source{}
	if first != nil {
		source = *first
		if first.URL != "" {
			what, address = "the url of [index.default]", first.URL
		}
	}
	if address != "" {
		s, err := add(what, address, false, source)
		if err != nil {
			return nil, ls, err
		}
		all.index = &s
	}
	for _, links := range settings.FindLinks {
		n := len(all.usual)
		if _, err := add("pip's find-links", links, true, Source{}); err != nil {
			return nil, ls, err
		}
		for i := range all.usual[n:] { // it may be known as an index already
			all.usual[n+i].beside = true
		}
	}
	if settings.Builtin != "" {
		s, err := parseSite("pip's own index", settings.Builtin, false)
		if err != nil {
			return nil, ls, err
		}
		all.builtin = s.key()
	}
	return all, ls, nil
}

// of returns where to ask for a package.
func (all *sites) of(p Package) ([]site, error) {
	var list []site
	for _, address := range p.Indexes {
		if address == "" {
			list = append(list, all.usual...)
			continue
		}
		s, err := parseSite("an index of the lock", address, false)
		if err != nil {
			return nil, err
		}
		known, ok := all.byKey[s.key()]
		switch {
		case all.index != nil && s.key() == all.builtin:
			s = *all.index
		case ok:
			s = known
		}
		list = append(list, s)
	}
	if len(p.Indexes) == 0 {
		list = all.usual
	}
	if len(list) == 0 {
		return nil, &problem{"no package index is known: the pip of the image names none", `write the table [index.default] with url = "https://..."`}
	}
	return list, nil
}
