package authority

import (
	"encoding/pem"
	"os"
	"path/filepath"
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
	variables, err := Trust(company, bundle)
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

func TestWithoutASecretNothingChanges(t *testing.T) {
	bundle := filepath.Join(t.TempDir(), "all.pem")
	if variables, err := Trust("/nowhere/ca-bundle", bundle); variables != nil || err != nil {
		t.Errorf("%q, %v", variables, err)
	}
	if _, err := os.Stat(bundle); err == nil {
		t.Error("a bundle was written")
	}
}

func TestASecretWithoutCertificatesIsAnError(t *testing.T) {
	_, err := Trust(write(t, "password"), filepath.Join(t.TempDir(), "all.pem"))
	if err == nil || !strings.Contains(err.Error(), "in PEM form") || strings.Contains(err.Error(), "password") {
		t.Errorf("got %v", err)
	}
}
