package distro

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// usuals are the packages to name for what Python's extension modules want most, and for things whose package is not the one that
// has the file: links that alternatives make, and packages that stand for the current version of another. The names of all
// distributions stand together; those count that a distribution has.
var usuals = map[string][]string{
	"header:Python.h":             {"python3-dev"},
	"header:cblas.h":              {"libopenblas-dev", "openblas-dev"},
	"header:curl/curl.h":          {"libcurl4-openssl-dev", "curl-dev"},
	"header:ffi.h":                {"libffi-dev"},
	"header:glib.h":               {"libglib2.0-dev", "glib-dev"},
	"header:jpeglib.h":            {"libjpeg-dev", "libjpeg-turbo-dev"},
	"header:lber.h":               {"libldap-dev", "libldap2-dev", "openldap-dev"},
	"header:ldap.h":               {"libldap-dev", "libldap2-dev", "openldap-dev"},
	"header:libpq-fe.h":           {"libpq-dev", "postgresql-dev"},
	"header:limits.h":             {"libc6-dev", "build-base"},
	"header:linux/types.h":        {"linux-libc-dev", "linux-headers"},
	"header:mysql.h":              {"default-libmysqlclient-dev", "libmariadb-dev", "mariadb-dev"},
	"header:mysql/mysql.h":        {"default-libmysqlclient-dev", "libmariadb-dev", "mariadb-dev"},
	"header:openssl/opensslv.h":   {"libssl-dev", "openssl-dev"},
	"header:openssl/ssl.h":        {"libssl-dev", "openssl-dev"},
	"header:pcap.h":               {"libpcap-dev"},
	"header:sasl/sasl.h":          {"libsasl2-dev", "cyrus-sasl-dev"},
	"header:sql.h":                {"unixodbc-dev"},
	"header:stdio.h":              {"libc6-dev", "build-base"},
	"header:stdlib.h":             {"libc6-dev", "build-base"},
	"header:zlib.h":               {"zlib1g-dev", "zlib-dev"},
	"library:blas":                {"libopenblas-dev", "openblas-dev"},
	"library:crypto":              {"libssl-dev", "openssl-dev"},
	"library:lapack":              {"libopenblas-dev", "liblapack-dev", "openblas-dev"},
	"library:mariadb":             {"libmariadb-dev", "mariadb-connector-c-dev"},
	"library:mysqlclient":         {"default-libmysqlclient-dev", "mariadb-connector-c-dev"},
	"library:pq":                  {"libpq-dev", "postgresql-dev"},
	"library:ssl":                 {"libssl-dev", "openssl-dev"},
	"library:z":                   {"zlib1g-dev", "zlib-dev"},
	"pkgconfig:blas":              {"libopenblas-dev", "openblas-dev"},
	"pkgconfig:glib-2.0":          {"libglib2.0-dev", "glib-dev"},
	"pkgconfig:lapack":            {"libopenblas-dev", "liblapack-dev", "openblas-dev"},
	"pkgconfig:libmariadb":        {"default-libmysqlclient-dev", "libmariadb-dev", "mariadb-connector-c-dev"},
	"pkgconfig:mariadb":           {"default-libmysqlclient-dev", "libmariadb-dev", "mariadb-dev"},
	"pkgconfig:mysqlclient":       {"default-libmysqlclient-dev", "mariadb-connector-c-dev"},
	"program:awk":                 {"mawk", "gawk"},
	"program:c++":                 {"g++"},
	"program:c99":                 {"gcc"},
	"program:cc":                  {"gcc"},
	"program:f77":                 {"gfortran"},
	"program:f95":                 {"gfortran"},
	"program:ffmpeg":              {"ffmpeg"},
	"program:go":                  {"golang-go", "go"},
	"program:java":                {"default-jre-headless", "openjdk21-jre-headless"},
	"program:javac":               {"default-jdk-headless", "openjdk21-jdk"},
	"program:mariadb_config":      {"libmariadb-dev", "mariadb-connector-c-dev"},
	"program:msgfmt":              {"gettext"},
	"program:mysql_config":        {"default-libmysqlclient-dev", "libmariadb-dev", "mariadb-connector-c-dev"},
	"program:nc":                  {"netcat-openbsd"},
	"program:node":                {"nodejs"},
	"program:npx":                 {"npm"},
	"program:pg_config":           {"libpq-dev", "postgresql-dev"},
	"program:pkg-config":          {"pkgconf", "pkg-config"},
	"program:rustc":               {"cargo"}, // which needs it
	"soname:libGL.so.1":           {"libgl1", "mesa-gl"},
	"soname:libblas.so.3":         {"libblas3", "blas"},
	"soname:liblapack.so.3":       {"liblapack3", "lapack"},
	"soname:libmysqlclient.so.21": {"libmysqlclient21"},
	"soname:libopenblas.so.0":     {"libopenblas0"},
	"soname:libopenblas.so.3":     {"openblas"},
}

// names are the names of the packages of a distribution, in their order.
type names []string

func newNames(list []string) names {
	slices.Sort(list)
	return names(slices.Compact(list))
}

func (ns names) has(name string) bool {
	_, ok := slices.BinarySearch(ns, name)
	return ok
}

// usual returns the packages that people name for a thing.
func (ns names) usual(w Want) []string {
	return slices.DeleteFunc(slices.Clone(usuals[w.String()]), func(name string) bool { return !ns.has(name) })
}

// guess returns packages whose names say that they have a thing, likeliest first. A library's package is named for its soname
// (Debian Policy 8.1): libpq5 has libpq.so.5, and libglib2.0-0t64 has libglib-2.0.so.0. Development packages are named for the
// library, with or without the number of a version.
func (ns names) guess(w Want) []string {
	var list []string
	if w.Kind == Soname {
		for _, name := range sonameNames(w.Name) {
			if ns.has(name) && !slices.Contains(list, name) {
				list = append(list, name)
			}
		}
		return list
	}
	if w.Kind == Program {
		if ns.has(w.Name) {
			return []string{w.Name}
		}
		return nil
	}
	stems := map[string]int{} // to their places in order of likelihood
	exact := map[string]bool{}
	for _, word := range strings.Split(w.Name, "/") {
		word = strings.ToLower(strings.ReplaceAll(strings.TrimSuffix(word, ".h"), "_", "-"))
		exact["lib"+word+"-dev"], exact[word+"-dev"] = true, true
		stem := parseStem(word).stem
		if _, known := stems[stem]; !known && len(stem) > 1 {
			stems[stem] = len(stems)
		}
	}
	places := map[string]int{}
	for _, name := range ns {
		if s := parseStem(name); s.dev {
			if place, ok := stems[s.stem]; ok {
				places[name] = place + 1
			}
			if exact[name] { // idn2.h is of libidn2-dev, and not of the older libidn-dev
				places[name] = 0
			}
		}
	}
	list = slices.SortedFunc(maps.Keys(places), func(a, b string) int {
		return cmp.Or(cmp.Compare(places[a], places[b]), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return list[:min(len(list), mostProviders)]
}

// sonameNames returns the names that the package of a shared library may have: of libfoo.so.5 libfoo5, of libfoo2.so.5 and
// libfoo-2.so.5 also libfoo2-5, and each with the ending that Debian
// gave to packages whose 64-bit times changed their ABI.
func sonameNames(soname string) []string {
	name, version, ok := strings.Cut(strings.ToLower(strings.ReplaceAll(soname, "_", "-")), ".so")
	if !ok || name == "" {
		return nil
	}
	version = strings.TrimPrefix(version, ".")
	bases := []string{name}
	if i := strings.LastIndexByte(name, '-'); i > 0 && i+1 < len(name) && isDigit(name[i+1]) {
		bases = append(bases, name[:i]+name[i+1:])
	}
	var list []string
	for _, base := range bases {
		if version != "" && isDigit(base[len(base)-1]) {
			base += "-"
		}
		list = append(list, base+version+"t64", base+version)
	}
	if isDigit(name[len(name)-1]) { // the number of the name may do for both
		list = append(list, name+"t64", name)
	}
	return list
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
