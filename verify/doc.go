// Package verify judges an image before it runs, from what is written about it: a description of the base's root file system and the
// facts of the installed wheels (package facts). Nothing that is judged is executed, so images of foreign platforms are judged alike.
//
// There are two steps, those of cmd/pyfile-verify:
//
//	system, err := verify.Describe(os.DirFS("/run/pyfile/base"), verify.Image{})
//	report, err := verify.Check(verify.Options{System: system, Python: version, Machine: "x86_64", Facts: groups})
//
// Describe is worth keeping: it depends on the base only, and reads every shared library there. Check is quick.
package verify
