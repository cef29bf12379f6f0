package main

import (
	"embed"
	"os"
	"path/filepath"
)

//go:embed dockerfiles
var dockerfiles embed.FS

// contender is a way to build.
type contender struct {
	name, title string
	// dockerfile is empty for a Pyfile.
	dockerfile string
	// stages says that there are several, so that caches of mode=min and mode=max differ.
	stages bool
}

var contenders = []contender{
	{name: "pyfile", title: "Pyfile", stages: true},
	{name: "uv-single", title: "uv, one stage", dockerfile: "uv-single"},
	{name: "uv-multi", title: "uv, two stages", dockerfile: "uv-multi", stages: true},
	{name: "four", title: "four stages", dockerfile: "four", stages: true},
	{name: "pip", title: "pip, one stage", dockerfile: "pip"},
}

// oneLine are Dockerfiles of one line, which tell what a build costs that does nothing: by the frontend that is built into the daemon, and by
// the same frontend as an image, which `# syntax=docker/dockerfile:1` asks for.
var oneLine = []contender{
	{name: "line", title: "a Dockerfile of one line", dockerfile: "line"},
	{name: "line-image", title: "the same with `# syntax=`", dockerfile: "line-image"},
}

// ours is the contender that the others are compared with.
const ours = "pyfile"

// args are the arguments of buildctl for the project in dir.
func (c contender) args(b *bench, dir string) []string {
	if c.dockerfile == "" {
		return []string{"--frontend", "dockerfile.v0", "--opt", "filename=Pyfile", "--local", "context=" + dir, "--local", "dockerfile=" + dir}
	}
	return []string{
		"--frontend", "dockerfile.v0", "--opt", "filename=" + c.dockerfile + ".Dockerfile",
		"--local", "context=" + dir, "--local", "dockerfile=" + filepath.Join(b.work, "dockerfiles"),
		"--opt", "context:uv=docker-image://" + b.registry() + "/bench/uv:1",
		"--opt", "build-arg:PIP_INDEX_URL=" + b.index(), "--opt", "build-arg:UV_DEFAULT_INDEX=" + b.index(),
	}
}

// image is the repository of a contender's images of a project.
func (c contender) image(b *bench, p project) string {
	return b.registry() + "/bench/" + p.Name + "-" + c.name
}

// writeDockerfiles puts them where buildctl reads them.
func (b *bench) writeDockerfiles() error {
	return os.CopyFS(b.work, dockerfiles)
}
