package build

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// LFSOptions says whose objects LFS downloads.
type LFSOptions struct {
	Out     string // directory for the tree; absent or empty
	Source  string // directory with the source, a checkout of a repository
	URL     string // of the repository; http or https
	Secrets string // directory with those of remote.Secrets that are given
	CA      string // file with certificate authorities beside those of the system, in PEM; may be empty
}

// LFS copies a source and puts the objects of Git LFS in the place of their pointers (Git LFS specification, batch API). The
// sha256 of each object is checked, so the server need not be trusted. Credentials go to the origin of URL alone.
func LFS(ctx context.Context, o LFSOptions) error {
	endpoint, err := lfsEndpoint(o.URL, o.Source)
	if err != nil {
		return err
	}
	return output(o.Out, func(work string) error {
		wanted := map[string]pointer{} // by id
		places := map[string][]string{}
		if err := copyTree(o.Source, o.Out, func(name string, d fs.DirEntry) (bool, error) {
			full := filepath.Join(o.Source, name)
			is, err := isPointer(full, d)
			if !is || err != nil {
				return false, err
			}
			p, err := readPointer(full)
			if err != nil {
				return false, fmt.Errorf("%s: %w", name, err)
			}
			wanted[p.id], places[p.id] = p, append(places[p.id], name)
			return true, nil
		}); err != nil {
			return err
		}
		if len(wanted) == 0 {
			return nil
		}
		c, err := newLFSClient(o, endpoint)
		if err != nil {
			return err
		}
		defer c.http.CloseIdleConnections()
		return c.download(ctx, wanted, func(p pointer, content io.Reader) error {
			return putObject(o, p, places[p.id], content, work)
		})
	})
}

// putObject writes an object, which is checked, to all files that it belongs to.
func putObject(o LFSOptions, p pointer, names []string, content io.Reader, work string) error {
	// The name is free again when the object is done.
	temporary := filepath.Join(work, p.id)
	f, err := os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644) //nolint:gosec // it is for every user
	if err != nil {
		return err
	}
	err = p.check(f, content)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("%s: %w", names[0], err)
	}
	for _, name := range names {
		info, err := os.Lstat(filepath.Join(o.Source, name))
		if err != nil {
			return err
		}
		if err := copyFile(temporary, filepath.Join(o.Out, name), info.Mode()); err != nil {
			return err
		}
	}
	return os.Remove(temporary)
}

// pointer is what a pointer file says.
type pointer struct {
	id   string // sha256, 64 hexadecimal digits
	size int64
}

// readPointer reads a pointer file.
func readPointer(name string) (pointer, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return pointer{}, err
	}
	var p pointer
	sized := false
	for s := bufio.NewScanner(bytes.NewReader(data)); s.Scan(); {
		key, value, _ := strings.Cut(s.Text(), " ")
		switch key {
		case "oid":
			id, ok := strings.CutPrefix(value, "sha256:")
			if raw, err := hex.DecodeString(id); !ok || err != nil || len(raw) != 32 || strings.ToLower(id) != id {
				return p, fmt.Errorf("the Git LFS pointer has the oid %q, and only sha256 is supported", value)
			}
			p.id = id
		case "size":
			p.size, err = strconv.ParseInt(value, 10, 64)
			if err != nil || p.size < 0 {
				return p, fmt.Errorf("the Git LFS pointer has the size %q", value)
			}
			sized = true
		}
		if strings.HasPrefix(key, "ext-") {
			return p, fmt.Errorf("the Git LFS pointer needs the extension %s, which is not supported", key)
		}
	}
	if p.id == "" || !sized {
		return p, errors.New("the Git LFS pointer has no oid or no size")
	}
	return p, nil
}

// lfsEndpoint is the server of a repository: what its .lfsconfig names, or what stands beside the repository (Git LFS
// specification, "Server Discovery").
func lfsEndpoint(repository, source string) (*url.URL, error) {
	u, err := parseRemote(repository)
	if err != nil {
		return nil, err
	}
	named, err := lfsConfigURL(source)
	if err != nil {
		return nil, err
	}
	if named != "" {
		own, err := parseRemote(named)
		if err != nil {
			return nil, fmt.Errorf(".lfsconfig: %w", err)
		}
		return own, nil
	}
	p := strings.TrimRight(u.Path, "/")
	if !strings.HasSuffix(p, ".git") {
		p += ".git"
	}
	u.Path, u.RawPath = p+"/info/lfs", ""
	return u, nil
}

// parseRemote reads the address of a server. Credentials in it are dropped.
func parseRemote(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		if err == nil && u.User != nil {
			u.User = nil
			text = u.String()
		} else if err != nil {
			text = "this one"
		}
		return nil, fmt.Errorf("objects of Git LFS can be downloaded by https only, not from %s: write the address of the repository as https://HOST/PATH", text)
	}
	u.User, u.RawQuery, u.Fragment = nil, "", ""
	return u, nil
}

// lfsConfigURL is lfs.url of a source's .lfsconfig, "" if there is none.
func lfsConfigURL(source string) (string, error) {
	data, err := readSettings(source, ".lfsconfig")
	if err != nil {
		return "", err
	}
	return sections(bytes.ReplaceAll(data, []byte("\n\t"), []byte("\n")))["lfs.url"], nil
}

// copyTree copies a tree but for the files that leave is true for, whose directories it makes.
func copyTree(src, dst string, leave func(name string, d fs.DirEntry) (bool, error)) error {
	return filepath.WalkDir(src, func(full string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(src, full)
		if err != nil || name == "." {
			return err
		}
		to := filepath.Join(dst, name)
		switch {
		case d.IsDir():
			return os.Mkdir(to, 0o755)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(full)
			if err != nil {
				return err
			}
			return os.Symlink(target, to)
		case !d.Type().IsRegular():
			return fmt.Errorf("%s is a device, a pipe or another special file", name)
		}
		if slices.Contains(strings.Split(filepath.ToSlash(name), "/"), ".git") {
			return copyFileOf(full, to, d)
		}
		left, err := leave(name, d)
		if left || err != nil {
			return err
		}
		return copyFileOf(full, to, d)
	})
}

func copyFileOf(from, to string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	return copyFile(from, to, info.Mode())
}

func copyFile(from, to string, mode fs.FileMode) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode.Perm()|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(dst, src)
	return errors.Join(err, dst.Close())
}
