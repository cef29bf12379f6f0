package distro

import "strings"

// readRelease reads os-release where os-release(5) says it is.
func (db *Database) readRelease() error {
	for _, name := range []string{"etc/os-release", "usr/lib/os-release"} {
		data, err := db.root.readFile(name)
		if err != nil {
			return err
		}
		if data != nil {
			db.Release = parseRelease(string(data))
			return nil
		}
	}
	return nil
}

// parseRelease reads the text of an os-release file: lines of NAME=value, where the value may be quoted as in a shell.
func parseRelease(text string) Release {
	var r Release
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSpace(line), "=")
		if !ok {
			continue
		}
		switch name {
		case "ID":
			r.ID = unquote(value)
		case "VERSION_ID":
			r.VersionID = unquote(value)
		case "VERSION_CODENAME":
			r.Codename = unquote(value)
		case "PRETTY_NAME":
			r.Name = unquote(value)
		}
	}
	return r
}

// unquote takes the quotes off a value. os-release(5) allows no expansions, and five characters to be escaped.
func unquote(value string) string {
	if n := len(value); n >= 2 && value[0] == value[n-1] {
		switch value[0] {
		case '\'':
			return value[1 : n-1]
		case '"':
			return strings.NewReplacer(`\"`, `"`, `\$`, `$`, `\\`, `\`, "\\`", "`", `\'`, `'`).Replace(value[1 : n-1])
		}
	}
	return value
}
