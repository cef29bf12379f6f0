// Package build makes wheels of sources. It is what cmd/pyfile-build, a program that runs inside builds, is made of; the frontend uses
// its types to read what a source says of itself and to write what a build needs.
//
// There is one function per step:
//
//	Inspect   unpacks a source and describes it as a [Project]
//	LFS       puts the objects of Git LFS into a source
//	Env       installs build requirements into an environment
//	Requires  asks the build backend what it needs besides
//	Wheel     makes it
//
// Env and LFS use the network, nothing else does. Every step writes below one output directory that is absent or empty when it starts,
// and leaves nothing there when it fails. The same inputs give the same bytes, modes and times. Files that are not part of the
// result, and the home directory that backends see, are in a directory beside it whose name is the output's with ".work" added; it
// is removed at the end. Its name is fixed because some backends write paths into what they build.
package build
