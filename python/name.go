package python

// NormalizeName returns the form in which names of projects, extras and dependency groups are compared (PEP 503,
// PEP 685): lower case, every run of "-", "_" and "." one "-".
func NormalizeName(name string) string {
	if isNormalized(name) {
		return name
	}
	b := make([]byte, 0, len(name))
	for i := range len(name) {
		c := name[i]
		switch {
		case isSeparator(c):
			if len(b) > 0 && b[len(b)-1] == '-' {
				continue
			}
			c = '-'
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		b = append(b, c)
	}
	return string(b)
}

func isNormalized(name string) bool {
	for i := range len(name) {
		switch c := name[i]; {
		case 'A' <= c && c <= 'Z', c == '.', c == '_':
			return false
		case c == '-' && i > 0 && name[i-1] == '-':
			return false
		}
	}
	return true
}

// ValidName tells whether name may be the name of a project or an extra: ASCII letters, digits, ".", "-" and "_", with a
// letter or digit at both ends (core metadata, "Name").
func ValidName(name string) bool {
	if name == "" || !isAlphanumeric(name[0]) || !isAlphanumeric(name[len(name)-1]) {
		return false
	}
	for i := range len(name) {
		if !isAlphanumeric(name[i]) && !isSeparator(name[i]) {
			return false
		}
	}
	return true
}
