// Package authority lets programs trust a company's own certificate authority, as one that reads what passes its proxy needs, besides those that
// the image trusts.
//
//	variables, err := authority.Trust("/run/pyfile/secrets/ca-bundle", "/tmp/authorities.pem", os.Environ())
package authority

import (
	"bytes"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// Secret is the id of the build secret with the certificates of a company's own authority, for all steps that use the network.
const Secret = "ca-bundle"

// Bundles are where distributions keep their certificate authorities: Debian, Alpine, Red Hat, SUSE.
var Bundles = []string{
	"/etc/ssl/certs/ca-certificates.crt",
	"/etc/ssl/cert.pem",
	"/etc/pki/tls/certs/ca-bundle.crt",
	"/etc/ssl/ca-bundle.pem",
}

// names are the variables by which programs take a file of certificates instead of their own: OpenSSL, and with it Python and apk, Go, uv; pip and
// requests; curl; git; Node.js; cargo.
var names = []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "PIP_CERT", "CURL_CA_BUNDLE", "GIT_SSL_CAINFO", "NODE_EXTRA_CA_CERTS", "CARGO_HTTP_CAINFO"}

// Trust writes the system's certificates and those of the file company to the file bundle, and returns the variables, NAME=value, that make
// programs use that. The system's are those of SSL_CERT_FILE in the environment of the programs, if it is there; a variable of it that names
// another file stays. A company that is not there changes nothing, as a build secret need not be given.
func Trust(company, bundle string, environ []string) (variables []string, err error) {
	data, err := os.ReadFile(company)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	own := certificates(data)
	if len(own) == 0 {
		return nil, fmt.Errorf("the build secret %s must hold certificates in PEM form, and has none", Secret)
	}
	set := map[string]string{}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		set[name] = value
	}
	var system []byte
	var from string
	for _, name := range append([]string{set["SSL_CERT_FILE"]}, Bundles...) {
		if data, err := os.ReadFile(name); err == nil {
			system, from = certificates(data), name
			break
		}
	}
	if err := os.WriteFile(bundle, append(system, own...), 0o644); err != nil { //nolint:gosec // certificates are no secret
		return nil, fmt.Errorf("the certificates cannot be written: %w", err)
	}
	for _, name := range names {
		if other := set[name]; other == "" || other == from {
			variables = append(variables, name+"="+bundle)
		}
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

// unknownIssuer is how programs say that nobody whom they trust signed a certificate: OpenSSL and with it Python, apt and apk; curl and git; GnuTLS;
// Go; rustls, which uv and cargo have; Node.js.
var unknownIssuer = []string{
	"certificate verify failed", "SSL certificate problem", "certificate verification failed", "Certificate verification failed", "issuer is unknown",
	"server certificate not trusted", "signed by unknown authority", "invalid peer certificate", "UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "SELF_SIGNED_CERT_IN_CHAIN",
}

// otherwise are reasons for which a certificate is refused whoever signed it.
var otherwise = []string{"expired", "Expired", "not yet valid", "mismatch", "NotValidForName", "not valid for"}

// Untrusted tells whether a program prints in this line that it does not trust who signed a certificate.
func Untrusted(line string) bool {
	has := func(mark string) bool { return strings.Contains(line, mark) }
	return slices.ContainsFunc(unknownIssuer, has) && !slices.ContainsFunc(otherwise, has)
}

// Hint is what to do about a certificate that is not trusted. The file company is there if the build was given the secret.
func Hint(company string) string {
	if _, err := os.Stat(company); err == nil {
		return "the secret " + Secret + " lacks the authority that signed it: add the certificate to the file"
	}
	return "build with --secret id=" + Secret + ",src=FILE, a file with the certificate of the authority that signed it, as that of your proxy"
}
