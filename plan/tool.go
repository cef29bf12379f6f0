package plan

// tool is the image whose Python runs the helper's work: the base, on the build platform.
func (s *stages) tool() string {
	if !s.foreign {
		return s.base(s.Project, s.in.Base)
	}
	return s.add(Step{ID: "tool-image", Stage: Base, Origin: s.origin(s.File.Base.Range),
		Name: "[base] FROM " + s.in.Base.Ref + " for the build platform", Image: &ImageSource{Ref: s.in.Base.Ref}})
}

// installer is an exec of pyfile-install. Its root is the interpreter of the tool image and nothing else, and is a copy because BuildKit knows
// what is copied by its content: when a base image is patched whose Python stays the same, nothing is installed again.
func (s *stages) installer(args []string, mounts ...Mount) *Exec {
	take := s.program(s.tool(), "install", []string{"python", "--out", outDir, "--interpreter", s.runs.Path, "--lib", s.runs.Lib}, Mount{Path: outDir, Output: true})
	taken := s.add(Step{ID: "take-python", Stage: Base, Name: "[base] take Python out of the image", Origin: s.origin(s.File.Base.Range), Exec: take})
	root := s.add(Step{ID: "python", Stage: Base, Name: "[base] look whether Python changed", Origin: s.origin(s.File.Base.Range),
		Files: &Files{Actions: []Action{{Copy: &Copy{From: taken, Source: "/", Path: "/", Contents: true}}}}})
	return s.program(root, "install", args, mounts...)
}

// quick is an image, with the bytecode of the standard library where that is made and the image is the tool image: what runs in it for each
// change of the application does not compile what it imports.
func (s *stages) quick(root string) string {
	if !s.known[stdlibStep] || root != s.tool() {
		return root
	}
	compiled := stdlibStep
	if s.foreign {
		own := s.stdlibOf(s.runs.Lib) // of the tool image: so a wheel is built once for all platforms of a build
		own.ID += ":build-platform"
		compiled = s.add(own)
	}
	return s.add(Step{ID: "quick-tool", Stage: Base, Name: "[base] add bytecode for what builds", Origin: s.origin(s.File.Bytecode.Range),
		Files: &Files{On: root, Actions: []Action{{Copy: &Copy{From: compiled, Source: "/", Path: "/", Contents: true}}}}})
}
