package step

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/moby/sys/user"
)

// find is the account of "user" or "user:group", names or numbers, as BuildKit and Docker take the USER of an image: a number needs no entry
// in the image's files.
func find(spec string) (*user.ExecUser, error) {
	passwd, err := user.GetPasswdPath()
	if err != nil {
		return nil, err
	}
	group, err := user.GetGroupPath()
	if err != nil {
		return nil, err
	}
	who, err := user.GetExecUserPath(spec, &user.ExecUser{Home: "/"}, passwd, group)
	switch {
	case errors.Is(err, user.ErrNoPasswdEntries), errors.Is(err, user.ErrNoGroupEntries):
		return nil, failure(`write names that the image has, such as "nonroot", or numbers such as "1000:1000"`, "the image has no user %q", spec)
	case errors.Is(err, user.ErrRange):
		return nil, failure("", "the user %q is out of range", spec)
	}
	return who, err
}

// give makes a directory and all in it a user's.
func give(dir string, who *user.ExecUser) error {
	return filepath.WalkDir(dir, func(name string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(name, who.Uid, who.Gid)
	})
}
