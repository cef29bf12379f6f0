// Package pyfile is the language: it reads a Pyfile, or [tool.pyfile] of a pyproject.toml, and says everything that is wrong with it.
//
//	file, err := pyfile.Parse("Pyfile", data, map[string]string{"PORT": "8000"})
//
// The File holds what the user wrote, each value with its place, and no defaults: those are decisions of package plan. An error is an
// Errors with all problems in the order of the file; a File that came without one is valid.
//
// One table, in keys.go, says which keys there are. The decoder, the JSON schema for editors (Schema) and the reference for people
// (Reference) are made from it.
package pyfile
