package index

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/org/pyfile/authority"
)

// bundles are where distributions keep their certificate authorities.
var bundles = authority.Bundles

// authorities returns the certificate authorities that pip believes, in PEM form: those of its option cert, else of the variables
// that it listens to, else the system's, else the ones it carries. Nothing is no error.
func (p *pip) authorities(getenv func(string) string) ([]byte, error) {
	for _, named := range []struct{ what, path string }{
		{"cert of pip", p.Cert}, {"REQUESTS_CA_BUNDLE", getenv("REQUESTS_CA_BUNDLE")}, {"CURL_CA_BUNDLE", getenv("CURL_CA_BUNDLE")}, {"SSL_CERT_FILE", getenv("SSL_CERT_FILE")},
	} {
		if named.path == "" {
			continue
		}
		bundle, err := readCertificates(named.path)
		if err != nil {
			return nil, fmt.Errorf("%s names a file that cannot be read: %w", named.what, err)
		}
		if len(bundle) == 0 {
			return nil, fmt.Errorf("%s must name a bundle of certificates in PEM form, and %s holds none", named.what, named.path)
		}
		return bundle, nil
	}
	for _, path := range slices.Concat([]string{p.CAFile}, bundles, []string{p.CAPath, p.Certifi}) {
		if path == "" {
			continue
		}
		if bundle, err := readCertificates(path); err == nil && len(bundle) > 0 {
			return bundle, nil
		} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	return nil, nil
}

// readCertificates returns the certificates of a file or of the files of a directory, sorted, without what else stands there: a
// private key above all.
func readCertificates(path string) ([]byte, error) {
	files := []string{path}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		if files, err = filepath.Glob(filepath.Join(path, "*")); err != nil {
			return nil, err
		}
	}
	var found [][]byte
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			if info.IsDir() {
				continue // a directory, or a link to a certificate that was taken away
			}
			return nil, err
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			if block.Type == "CERTIFICATE" {
				found = append(found, pem.EncodeToMemory(&pem.Block{Type: block.Type, Bytes: block.Bytes}))
			}
		}
	}
	slices.SortFunc(found, bytes.Compare)
	return bytes.Join(slices.CompactFunc(found, bytes.Equal), nil), nil
}
