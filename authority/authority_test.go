package authority

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func block(kind, text string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: []byte(text)}))
}

func write(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file.pem")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestBothTheSystemsAndTheCompanysCertificatesAreTrusted(t *testing.T) {
	defer func(b []string) { Bundles = b }(Bundles)
	Bundles = []string{"/nowhere/bundle.pem", write(t, "# of the system\n"+block("CERTIFICATE", "system")), write(t, block("CERTIFICATE", "not looked at"))}
	company := write(t, block("CERTIFICATE", "company")+"text\n"+block("PRIVATE KEY", "secret")+block("CERTIFICATE", "second"))
	bundle := filepath.Join(t.TempDir(), "all.pem")
	variables, err := Trust(company, bundle, []string{"SSL_CERT_FILE=", "PIP_CERT=" + Bundles[1], "CURL_CA_BUNDLE=/other.pem"})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(bundle)
	if want := block("CERTIFICATE", "system") + block("CERTIFICATE", "company") + block("CERTIFICATE", "second"); err != nil || string(data) != want {
		t.Errorf("the bundle is\n%s\nwant\n%s (%v)", data, want, err)
	}
	for _, name := range []string{"SSL_CERT_FILE", "PIP_CERT", "NODE_EXTRA_CA_CERTS"} {
		if !strings.Contains(strings.Join(variables, "\n"), name+"="+bundle) {
			t.Errorf("%s is not among %q", name, variables)
		}
	}
}

func TestCertificatesThatTheEnvironmentNamesAreTheSystems(t *testing.T) {
	company, named, bundle := write(t, block("CERTIFICATE", "company")), write(t, block("CERTIFICATE", "named")), filepath.Join(t.TempDir(), "all.pem")
	variables, err := Trust(company, bundle, []string{"SSL_CERT_FILE=" + named})
	data, _ := os.ReadFile(bundle)
	if err != nil || string(data) != block("CERTIFICATE", "named")+block("CERTIFICATE", "company") || !slices.Contains(variables, "SSL_CERT_FILE="+bundle) {
		t.Errorf("the bundle is\n%s\nwith %q, %v", data, variables, err)
	}
}

// TestProgramsSayThatTheyDoNotTrust has what the programs print behind a proxy whose authority they do not know.
func TestProgramsSayThatTheyDoNotTrust(t *testing.T) {
	for line, want := range map[string]bool{
		"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: unable to get local issuer certificate (_ssl.c:1032)":           true, // Python
		"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: certificate has expired (_ssl.c:1032)":                          false,
		"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: Hostname mismatch, certificate is not valid for 'a.example'.":   false,
		"curl: (60) SSL certificate problem: unable to get local issuer certificate":                                                 true, // and git
		"  Certificate verification failed: The certificate is NOT trusted. The certificate issuer is unknown.  Could not handshake": true, // GnuTLS
		"x509: certificate signed by unknown authority":                                                                              true, // Go
		"  Caused by: invalid peer certificate: UnknownIssuer":                                                                       true, // uv
		"  Caused by: invalid peer certificate: Expired":                                                                             false,
		"WARNING: updating and opening https://apk.example/v3.24/main/x86_64/APKINDEX.tar.gz: TLS: server certificate not trusted":   true, // apk
		"Could not connect to server": false,
	} {
		if got := Untrusted(line); got != want {
			t.Errorf("%s: %v", line, got)
		}
	}
}

func TestWithoutASecretNothingChanges(t *testing.T) {
	bundle := filepath.Join(t.TempDir(), "all.pem")
	if variables, err := Trust("/nowhere/ca-bundle", bundle, nil); variables != nil || err != nil {
		t.Errorf("%q, %v", variables, err)
	}
	if _, err := os.Stat(bundle); err == nil {
		t.Error("a bundle was written")
	}
}

func TestASecretWithoutCertificatesIsAnError(t *testing.T) {
	_, err := Trust(write(t, "password"), filepath.Join(t.TempDir(), "all.pem"), nil)
	if err == nil || !strings.Contains(err.Error(), "in PEM form") || strings.Contains(err.Error(), "password") {
		t.Errorf("got %v", err)
	}
}
