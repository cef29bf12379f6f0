package python

// Prereleases says which pre-releases [Specifiers.Filter] keeps (PEP 440, "Handling of pre-releases").
type Prereleases uint8

// The zero value is the default of PEP 440.
const (
	// PrereleasesIfNeeded keeps pre-releases when a specifier names one, as >=2.0rc1 does, or when no other version fits.
	PrereleasesIfNeeded Prereleases = iota
	// PrereleasesAllowed keeps them like any other version.
	PrereleasesAllowed
	// PrereleasesExcluded drops them, even those that a specifier names.
	PrereleasesExcluded
)

// Filter returns the versions that satisfy every specifier, in the order given.
func (s Specifiers) Filter(versions []Version, p Prereleases) []Version {
	if p == PrereleasesIfNeeded && s.namesPrerelease() {
		p = PrereleasesAllowed
	}
	var fitting, final []Version
	for _, v := range versions {
		if !s.Contains(v, true) {
			continue
		}
		fitting = append(fitting, v)
		if !v.IsPrerelease() {
			final = append(final, v)
		}
	}
	if p == PrereleasesAllowed || p == PrereleasesIfNeeded && len(final) == 0 {
		return fitting
	}
	return final
}

// namesPrerelease tells whether a specifier asks for a pre-release. To exclude one is not to ask for it.
func (s Specifiers) namesPrerelease() bool {
	for i := range s.list {
		spec := &s.list[i]
		v := spec.version
		if spec.op == arbitrary {
			v, _ = ParseVersion(spec.text)
		}
		if spec.op != notEqual && v.IsPrerelease() {
			return true
		}
	}
	return false
}
