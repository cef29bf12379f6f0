// Package authority lets programs trust a company's own certificate authority, as one that reads what passes its proxy needs, besides those that
// the image trusts.
//
//	variables, err := authority.Trust("/run/pyfile/secrets/ca-bundle", "/tmp/authorities.pem")
package authority

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Bundles are where distributions keep their certificate authorities: Debian, Alpine, Red Hat, SUSE.
var Bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/ssl/cert.pem",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
}

// names are the variables by which programs take a file of certificates instead of their own: OpenSSL and Go, requests and pip, curl, git, Node.js,
// and the libfetch of apk.
var names = []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "SSL_CA_CERT_FILE"}

// Trust writes the system's certificates and those of the file company to the file bundle, and returns the variables, NAME=value, that make
// programs use that. A company that is not there changes nothing, as a build secret need not be given.
func Trust(company, bundle string) (variables []string, err error) {
	data, err := os.ReadFile(company)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	own := certificates(data)
	if len(own) == 0 {
		return nil, errors.New("the build secret with certificates must hold them in PEM form, and has none")
	}
	var system []byte
	for _, name := range Bundles {
		if data, err := os.ReadFile(name); err == nil {
			system = certificates(data)
			break
		}
	}
	if err := os.WriteFile(bundle, append(system, own...), 0o644); err != nil { //nolint:gosec // certificates are no secret
		return nil, fmt.Errorf("the certificates cannot be written: %w", err)
	}
	for _, name := range names {
		variables = append(variables, name+"="+bundle)
	}
	return variables, nil
}

// certificates are those of a text, without what else stands there: a private key above all.
func certificates(data []byte) []byte {
	var out bytes.Buffer
	for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
		if block.Type == "CERTIFICATE" {
			_ = pem.Encode(&out, &pem.Block{Type: block.Type, Bytes: block.Bytes}) // a buffer takes everything
		}
	}
	return out.Bytes()
}
