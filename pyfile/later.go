package pyfile

// laterKey is a key, or a use of a key, whose behaviour comes with a later release. It is read and checked like every
// other, so that the file is right by then, and refused: ignoring it would build another image than the user asked for.
type laterKey struct {
	path string
	// what says which use of the key is meant; empty means every one.
	what string
	// where returns the place in the file, or the zero Range.
	where func(*File) Range
	// hint says what to do today, if there is something.
	hint string
}

const fromLock = "delete it: wheels of the lock file are installed as they are"

var later = []laterKey{
	{path: "python", what: "a free-threaded python", hint: `write python without the t`,
		where: func(f *File) Range {
			if n := len(f.Python.Value); n > 0 && f.Python.Value[n-1] == 't' {
				return f.Python.Range
			}
			return Range{}
		}},
	{path: "dependencies.from-source", hint: fromLock, where: func(f *File) Range { return f.Dependencies.FromSource.Range }},
	{path: "dependencies.build-constraints", hint: "delete it, and pin the versions in requires of [build-system]", where: func(f *File) Range { return f.Dependencies.BuildConstraints.Range }},
	{path: "dependencies.allow-network", hint: "delete it: nothing is built from source yet", where: func(f *File) Range { return f.Dependencies.AllowNetwork.Range }},
	{path: "config-settings", hint: fromLock, where: func(f *File) Range {
		if len(f.ConfigSettings) == 0 {
			return Range{}
		}
		return f.ConfigSettings[0].Name.Range
	}},
	{path: "apt", hint: "install the packages in an image of your own, and name it with base or builder",
		where: func(f *File) Range { return f.Apt.Range }},
	{path: "steps", hint: "run the command in a Dockerfile that starts FROM the image built here",
		where: func(f *File) Range {
			if len(f.Steps) == 0 {
				return Range{}
			}
			return f.Steps[0].Name.Range
		}},
	{path: "test", hint: "run the tests outside of the build", where: func(f *File) Range { return f.Test.Range }},
	{path: "verify", hint: "delete it: nothing is verified yet", where: func(f *File) Range { return f.Verify.Range }},
	{path: "slim", hint: "delete it: wheels are installed whole", where: func(f *File) Range { return f.Slim.Range }},
}

// notYet refuses what a later release brings.
func notYet(f *File, prefix string) Errors {
	var errs Errors
	for _, l := range later {
		at := l.where(f)
		if at.IsZero() {
			continue
		}
		what := l.what
		switch {
		case what != "":
		case tableAt[l.path] != nil:
			what = "[" + prefix + l.path + "]"
		default:
			what = prefix + l.path
		}
		errs = append(errs, &Error{Range: at, Msg: what + " is not supported yet", Hint: l.hint})
	}
	return errs
}
