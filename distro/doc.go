// Package distro is what pyfile knows of Linux distributions: which packages an image has and whose its files are, how a package
// gets into an image, and which package would have a header, a program or a library.
//
// A database is read from the files of an image; no program of it runs:
//
//	db, err := distro.Open(os.DirFS("/run/pyfile/base"))
//	owner, ok := db.Owner("/usr/lib/x86_64-linux-gnu/libpq.so.5") // "libpq5"
//	libc, ok := db.Libc()                                          // glibc 2.41
//
// Debian and what is made from it (dpkg, apt), distroless images of it, and Alpine and Wolfi (apk) are known. Any other image
// has no packages, but may still tell its C library.
//
// Install and Providers run inside a build as cmd/pyfile-distro and start the image's own apt or apk, so that its sources, keys
// and proxies count.
package distro
