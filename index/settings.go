package index

import "fmt"

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
