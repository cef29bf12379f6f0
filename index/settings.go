package index

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Settings is what the pip of an image is configured for. Addresses have no user and password: pip's configuration is part of an
// image, where passwords have no place.
type Settings struct {
	Default   string   `json:"default,omitempty"`    // index-url; empty without pip and with no-index
	Extra     []string `json:"extra,omitempty"`      // extra-index-url
	FindLinks []string `json:"find-links,omitempty"` // pages of find-links; directories of the image are left out
	Builtin   string   `json:"builtin,omitempty"`    // the index of a pip that nobody configured: what a lock means by it is Default
	Trusted   []string `json:"trusted,omitempty"`    // trusted-host: hosts whose certificates are not checked
	Proxy     string   `json:"proxy,omitempty"`      // for requests that no HTTP_PROXY or HTTPS_PROXY is for
	Timeout   int      `json:"timeout,omitempty"`    // seconds without an answer or a byte; 0 is the default
	CA        string   `json:"ca,omitempty"`         // file of certificate authorities beside the settings; empty where the image has none
}

// ParseSettings reads the settings.json that WriteSettings wrote.
func ParseSettings(data []byte) (*Settings, error) {
	s := &Settings{}
	if err := decode(data, s); err != nil {
		return nil, fmt.Errorf("the settings of pip cannot be read: %w", err)
	}
	return s, nil
}

// SettingsOptions says whose settings WriteSettings reads.
type SettingsOptions struct {
	Out         string    // directory for settings.json and ca.pem; absent or empty
	Interpreter string    // the Python of the image
	Output      io.Writer // warnings, for people
}

// WriteSettings writes what the pip of an image is configured for, by its files and by the environment, and the certificate
// authorities that it believes. An image without pip has neither index nor error.
func WriteSettings(ctx context.Context, o SettingsOptions) error {
	return output(o.Out, func() error {
		found, err := ask(ctx, o.Interpreter)
		if err != nil {
			return err
		}
		settings, warnings, err := found.settings()
		for _, w := range warnings {
			if o.Output != nil {
				fmt.Fprintf(o.Output, "warning: %s\n", w)
			}
		}
		if err != nil {
			return err
		}
		bundle, err := found.authorities(os.Getenv)
		if err != nil {
			return err
		}
		if len(bundle) > 0 {
			settings.CA = "ca.pem"
			if err := os.WriteFile(filepath.Join(o.Out, settings.CA), bundle, 0o600); err != nil {
				return err
			}
		}
		data, err := encode(settings)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(o.Out, "settings.json"), data, 0o600)
	})
}

//go:embed settings.py
var settingsScript string

// pip is what settings.py prints.
type pip struct {
	IndexURL   string   `json:"index_url"`
	ExtraURLs  []string `json:"extra_index_urls"`
	FindLinks  []string `json:"find_links"`
	NoIndex    bool     `json:"no_index"`
	Trusted    []string `json:"trusted_hosts"`
	Cert       string   `json:"cert"`
	ClientCert string   `json:"client_cert"`
	Proxy      string   `json:"proxy"`
	Timeout    float64  `json:"timeout"`
	Builtin    string   `json:"builtin"`
	Certifi    string   `json:"certifi"`
	CAFile     string   `json:"cafile"` // of the interpreter's ssl module, which knows SSL_CERT_FILE
	CAPath     string   `json:"capath"` // and SSL_CERT_DIR
}

// ask runs the script. What pip prints may quote its configuration, so logins in it are hidden.
func ask(ctx context.Context, interpreter string) (*pip, error) {
	cmd := exec.CommandContext(ctx, interpreter, "-I", "-c", settingsScript)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, os.ErrNotExist), errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("%s does not exist in this image", cmd.Path)
	case err != nil:
		return nil, fmt.Errorf("the settings of pip cannot be read: %w\n%s", err, hideLogin(strings.TrimSpace(errs.String())))
	}
	return parsePip(out.Bytes())
}

func parsePip(data []byte) (*pip, error) {
	p := &pip{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("the settings of pip cannot be read: %w", err)
	}
	return p, nil
}

// settings keeps what a lookup outside the image can use, with a warning for the rest, and refuses passwords.
func (p *pip) settings() (s *Settings, warnings []string, err error) {
	s = &Settings{}
	var errs []error
	keep := func(option, address string) (string, bool) {
		address = strings.TrimSpace(address)
		u, err := url.Parse(address)
		web := strings.HasPrefix(address, "http:") || strings.HasPrefix(address, "https:")
		switch {
		case address == "":
			return "", false
		case err == nil && u.User != nil, err != nil && strings.Contains(address, "@"):
			errs = append(errs, &problem{
				fmt.Sprintf("pip of this image is configured with a password in %s: %s", option, hideLogin(address)),
				`take it out of the image, and name the index in the Pyfile: [index.default] with url, username and secret`,
			})
			return "", false
		case !web || err != nil || u.Host == "":
			warnings = append(warnings, fmt.Sprintf("%s of pip, %s, is no address that starts with https:// or http://, and is not asked", option, hideLogin(address)))
			return "", false
		}
		return address, true
	}
	if address, ok := keep("index-url", p.IndexURL); ok && !p.NoIndex {
		s.Default = address
	}
	for _, address := range p.ExtraURLs {
		if address, ok := keep("extra-index-url", address); ok && !p.NoIndex {
			s.Extra = append(s.Extra, address)
		}
	}
	for _, address := range p.FindLinks {
		if address, ok := keep("find-links", address); ok {
			s.FindLinks = append(s.FindLinks, address)
		}
	}
	if p.Proxy != "" {
		if strings.Contains(p.Proxy, "@") {
			errs = append(errs, &problem{"pip of this image is configured with a password in proxy", "take it out of the image, and build with --build-arg HTTPS_PROXY=..."})
		}
		s.Proxy = p.Proxy
	}
	if p.ClientCert != "" {
		warnings = append(warnings, "client-cert of pip is not used: a private key has no place in an image")
	}
	s.Builtin = p.Builtin
	if len(p.Trusted) > 0 {
		s.Trusted = p.Trusted
	}
	if t := math.Ceil(p.Timeout); t > 0 && t < math.MaxInt32 {
		s.Timeout = int(t)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, warnings, err
	}
	return s, warnings, nil
}
