package pyfile

// laterTable is a table whose behaviour comes with a later release. It is read and checked like every other, so that the file
// is right by then, and refused: ignoring it would build another image than the user asked for.
type laterTable struct {
	path string
	// where returns the place in the file, or the zero Range.
	where func(*File) Range
	// hint says what to do today.
	hint string
}

var later = []laterTable{
	{path: "steps", hint: "run the command in a Dockerfile that starts FROM the image built here",
		where: func(f *File) Range {
			if len(f.Steps) == 0 {
				return Range{}
			}
			return f.Steps[0].Name.Range
		}},
	{path: "test", hint: "run the tests outside of the build", where: func(f *File) Range { return f.Test.Range }},
}

// notYet refuses what a later release brings.
func notYet(f *File, prefix string) Errors {
	var errs Errors
	for _, l := range later {
		if at := l.where(f); !at.IsZero() {
			errs = append(errs, &Error{Range: at, Msg: "[" + prefix + l.path + "] is not supported yet", Hint: l.hint})
		}
	}
	return errs
}
