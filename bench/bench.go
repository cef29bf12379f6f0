package main

import (
	"archive/tar"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// bench is what all rounds share.
type bench struct {
	lab           string // folder of the lab
	registryOfLab string // host:port
	downloads     string // what the index has been asked for already
	uv            string // the program that locks
	upstream      string // the index that pip is configured for
	port          int
	scenarios     []string // the only ones to measure; empty for all

	work          string  // folder of the round
	node          string  // address of the Docker Engine that runs the images
	pushes, files traffic // of the registry and of the index
}

func (b *bench) registry() string { return fmt.Sprintf("localhost:%d", b.port) }
func (b *bench) index() string    { return fmt.Sprintf("http://localhost:%d/simple", b.port+1) }

// tools finds what the bench uses of the machine.
func (b *bench) tools() error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(cache, "pyfile", "locks", "uv-*", "bin", "uv"))
	if err != nil || len(found) == 0 {
		return fmt.Errorf("no uv; run `make locks`: %w", err)
	}
	b.uv = found[len(found)-1]
	out, err := exec.Command("python3", "-c",
		`from pip._internal.commands import create_command; print(create_command("download").parse_args([])[0].index_url)`).Output()
	if err != nil {
		return fmt.Errorf("which index pip is configured for: %w", err)
	}
	b.upstream = strings.TrimSpace(string(out))
	return nil
}

// serve starts the registry and the index of a round. The registry has the base images, the frontend and uv.
func (b *bench) serve() (stop func(), err error) {
	m, err := newMirror(b.upstream, b.downloads)
	if err != nil {
		return nil, err
	}
	inner := fmt.Sprintf("localhost:%d", b.port+2)
	config := filepath.Join(b.work, "registry.yml")
	text := fmt.Sprintf("version: 0.1\nlog: {accesslog: {disabled: true}, level: error}\nstorage: {filesystem: {rootdirectory: %q}}\nhttp: {addr: %q}\n",
		filepath.Join(b.work, "registry"), inner)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, err
	}
	registry := exec.Command("registry", "serve", config)
	registry.Env = append(os.Environ(), "OTEL_TRACES_EXPORTER=none")
	if err := registry.Start(); err != nil {
		return nil, err
	}
	stops := []func(){func() { _ = registry.Process.Kill(); _ = registry.Wait() }}
	stop = func() {
		for _, s := range stops {
			s()
		}
	}
	s, err := listen(b.port, b.pushes.counted(forward(inner)))
	if err != nil {
		stop()
		return nil, err
	}
	stops = append(stops, s)
	if s, err = listen(b.port+1, b.files.counted(m)); err != nil {
		stop()
		return nil, err
	}
	stops = append(stops, s)
	for try := 0; ; try++ {
		if err = exec.Command("crane", "catalog", "--insecure", b.registry()).Run(); err == nil {
			break
		}
		if try == 100 {
			stop()
			return nil, fmt.Errorf("the registry does not answer: %w", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
	for _, image := range []string{"library/python:3.13", "library/python:3.13-slim", "org/pyfile:1"} {
		if err := quiet(".", "crane", "copy", "--insecure", b.registryOfLab+"/"+image, b.registry()+"/"+image); err != nil {
			stop()
			return nil, err
		}
	}
	for _, p := range []struct{ image, file, entry string }{
		{"bench/uv:1", b.uv, ""},
		{"docker/dockerfile:1", filepath.Join(b.lab, "bin", "dockerfile-frontend"), "/dockerfile-frontend"},
	} {
		if err := b.pushProgram(p.image, p.file, p.entry); err != nil {
			stop()
			return nil, err
		}
	}
	return stop, nil
}

// pushProgram makes an image of one program, which may be what it starts.
func (b *bench) pushProgram(image, file, entry string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	layer, err := layerOf(func(w *tar.Writer) error {
		if err := w.WriteHeader(&tar.Header{Name: filepath.Base(file), Mode: 0o755, Size: int64(len(data))}); err != nil {
			return err
		}
		_, err := w.Write(data)
		return err
	})
	if err != nil {
		return err
	}
	config := &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH, RootFS: v1.RootFS{Type: "layers"}}
	if entry != "" {
		config.Config.Entrypoint = []string{entry}
	}
	img, err := mutate.ConfigFile(empty.Image, config)
	if err != nil {
		return err
	}
	if img, err = mutate.AppendLayers(img, layer); err != nil {
		return err
	}
	return b.pushImage(img, image)
}

// patchBase replaces the slim image by one whose lowest layer is another, as a new release of the distribution does.
func (b *bench) patchBase() error {
	img, err := b.imageOf("library/python:3.13-slim")
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	lowest, err := layers[0].Uncompressed()
	if err != nil {
		return err
	}
	defer lowest.Close()
	changed, err := layerOf(func(w *tar.Writer) error {
		for r := tar.NewReader(lowest); ; {
			h, err := r.Next()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			if err := w.WriteHeader(h); err != nil {
				return err
			}
			if _, err := io.Copy(w, r); err != nil {
				return err
			}
		}
		return w.WriteHeader(&tar.Header{Name: "etc/patched", Mode: 0o644})
	})
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	config = config.DeepCopy()
	config.RootFS.DiffIDs, config.History = nil, nil
	patched, err := mutate.ConfigFile(empty.Image, config)
	if err != nil {
		return err
	}
	if patched, err = mutate.AppendLayers(patched, append([]v1.Layer{changed}, layers[1:]...)...); err != nil {
		return err
	}
	return b.pushImage(patched, "library/python:3.13-slim")
}

// layerOf is a layer with the files that write gives.
func layerOf(write func(*tar.Writer) error) (v1.Layer, error) {
	var data bytes.Buffer
	w := tar.NewWriter(&data)
	if err := write(w); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(data.Bytes())), nil })
}

func (b *bench) imageOf(image string) (v1.Image, error) {
	ref, err := name.ParseReference(b.registry()+"/"+image, name.Insecure)
	if err != nil {
		return nil, err
	}
	return remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: "amd64"}))
}

func (b *bench) pushImage(img v1.Image, image string) error {
	ref, err := name.ParseReference(b.registry()+"/"+image, name.Insecure)
	if err != nil {
		return err
	}
	return remote.Write(ref, img)
}

// image is what was pushed, and what it weighs.
type image struct {
	Digest string `json:"digest"`
	Layers int    `json:"layers"`
	Size   int64  `json:"size"`     // compressed
	Over   int64  `json:"overBase"` // of that, not in the base image
}

// contents is what the bench looks for in layers, by digest. A layer is read once.
type contents struct {
	distributions map[string]string // name to version, of *.dist-info
	changed       bool              // the line of code is there
}

// look reads an image and all its layers above the base that were not read before.
func (b *bench) look(ref string, base map[string]bool, seen map[string]contents) (image, contents, error) {
	img, err := b.imageOf(strings.TrimPrefix(ref, b.registry()+"/"))
	if err != nil {
		return image{}, contents{}, err
	}
	digest, err := img.Digest()
	if err != nil {
		return image{}, contents{}, err
	}
	layers, err := img.Layers()
	if err != nil {
		return image{}, contents{}, err
	}
	out, all := image{Digest: digest.String(), Layers: len(layers)}, contents{distributions: map[string]string{}}
	for _, l := range layers {
		size, err := l.Size()
		if err != nil {
			return image{}, contents{}, err
		}
		digest, err := l.Digest()
		if err != nil {
			return image{}, contents{}, err
		}
		out.Size += size
		if base[digest.String()] {
			continue
		}
		out.Over += size
		c, ok := seen[digest.String()]
		if !ok {
			if c, err = read(l); err != nil {
				return image{}, contents{}, err
			}
			seen[digest.String()] = c
		}
		for name, version := range c.distributions {
			all.distributions[name] = version
		}
		all.changed = all.changed || c.changed
	}
	return out, all, nil
}

func read(l v1.Layer) (contents, error) {
	out := contents{distributions: map[string]string{}}
	r, err := l.Uncompressed()
	if err != nil {
		return out, err
	}
	defer r.Close()
	for files := tar.NewReader(r); ; {
		h, err := files.Next()
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return out, err
		}
		dir, file := filepath.Split(h.Name)
		if info, ok := strings.CutSuffix(filepath.Base(dir), ".dist-info"); ok && file == "METADATA" {
			if name, version, ok := strings.Cut(info, "-"); ok {
				out.distributions[strings.ReplaceAll(strings.ToLower(name), "_", "-")] = version
			}
		}
		if filepath.Ext(file) == ".py" && h.Size < 4096 && !out.changed {
			data, err := io.ReadAll(files)
			if err != nil {
				return out, err
			}
			out.changed = bytes.Contains(data, []byte("CHANGED = \"a line of code\""))
		}
	}
}

// docker runs the client of the node's Docker Engine.
func (b *bench) docker(ctx context.Context, args ...string) (string, float64, error) {
	start := time.Now()
	out, err := exec.CommandContext(ctx, "docker", append([]string{"--host", b.node}, args...)...).CombinedOutput()
	if err != nil {
		return "", 0, fmt.Errorf("docker %s: %w\n%s", strings.Join(args, " "), err, tail(string(out), 2000))
	}
	return strings.TrimSpace(string(out)), time.Since(start).Seconds(), nil
}

// startNode starts an empty Docker Engine, which stands for a node that runs the images.
func (b *bench) startNode() error {
	out, err := exec.Command("integration/lab/node", "containerd").Output()
	if err != nil {
		return fmt.Errorf("integration/lab/node: %w", err)
	}
	b.node = strings.TrimSpace(string(out))
	return nil
}

// endNode ends it, and deletes all it has.
func (b *bench) endNode() error {
	return quiet(".", "integration/lab/node", "containerd", "--remove")
}
