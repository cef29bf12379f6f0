package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/python"
)

// opaque is how lock_inputs write a requirement from a repository, an address or a path, of which only a hash is there.
const opaque = "url-sha256:"

// compareInputs compares lock_inputs, the list of what the lock was made for. It does not see what pdm sees besides: the hashes of
// requirements with addresses, and the projects in local directories.
func (t *pdmStaleness) compareInputs() {
	d := &decoder{doc: t.doc, hint: replace[formatPDM]}
	defer func() { t.errs = append(t.errs, d.errs...) }()
	then := d.table(t.inputs, "project", "metadata.lock_inputs.project")
	if then == nil {
		return
	}
	if groups := d.table(then, "groups", "metadata.lock_inputs.project.groups"); groups != nil && !t.settings.workspace {
		t.compareGroups(d, groups)
	}
	if requires := d.str(then, "requires-python", "metadata.lock_inputs.project.requires-python"); requires.Set() {
		if now := t.project.RequiresPython; pythonsDiffer(now.Value, requires.Value) {
			at := now.Range
			if !now.Set() {
				at = t.tables()
			}
			t.report(at, "pyproject.toml has requires-python = %q, the lock was made for %q", now.Value, requires.Value)
		}
	}
	t.compareSettings(then.get("resolution"), recordedResolution(t.settings.table.get("resolution")), "resolution")
	t.compareSettings(then.get("sources"), recordedSources(t.settings.table.get("source")), "source")
}

// compareGroups compares the names of requirements, group by group: pdm writes them without versions.
func (t *pdmStaleness) compareGroups(d *decoder, then *node) {
	known := map[string]bool{}
	for _, e := range then.entries {
		known[python.NormalizeName(e.name)] = true
	}
	names := slices.Concat([]string{defaultGroup}, t.settings.extraNames(), t.settings.groupNames())
	for _, g := range slices.Concat(t.project.OptionalDependencies, t.project.DependencyGroups, t.settings.dev) {
		if name := python.NormalizeName(g.Name.Value); !known[name] {
			known[name] = true
			t.report(g.Name.Range, "pyproject.toml has %q, which the lock does not know", g.Name.Value)
		}
	}
	for i, e := range then.entries {
		group := python.NormalizeName(e.name)
		if !slices.Contains(names, group) {
			t.report(t.tables(), "the lock was made for %q, which pyproject.toml does not have", e.name)
			continue
		}
		reqs, unread := t.settings.requirements(group)
		if unread > 0 {
			continue
		}
		t.compareGroup(group, reqs, d.each(then, then.entries[i].name, "metadata.lock_inputs.project.groups."+e.name, stringNode))
	}
}

func (t *pdmStaleness) compareGroup(group string, now []asked, then []*node) {
	locked, hidden := map[string]bool{}, 0
	for _, n := range then {
		if strings.HasPrefix(n.text, opaque) {
			hidden++
			continue
		}
		r, err := parsePDMRequirement(n.text)
		if err != nil {
			return
		}
		locked[requirementID(r.name, r.extras)] = true
	}
	wanted, direct := map[string]bool{}, map[string]bool{}
	for _, r := range now {
		if r.direct {
			direct[r.text.Value] = true
			continue
		}
		id := requirementID(r.name, r.extras)
		if !locked[id] && !wanted[id] {
			t.report(r.text.Range, "pyproject.toml asks for %q%s, which the lock does not know", r.text.Value, t.place(group))
		}
		wanted[id] = true
	}
	var gone []string
	for id := range locked {
		if !wanted[id] {
			gone = append(gone, id)
		}
	}
	slices.Sort(gone)
	for _, id := range gone {
		t.report(t.tables(), "the lock was made for %q%s, which pyproject.toml does not ask for", id, t.place(group))
	}
	if hidden == 0 && len(direct) > 0 || hidden > 0 && len(direct) == 0 {
		t.report(t.tables(), "the requirements%s from repositories, addresses and paths have changed since it was made", t.place(group))
	}
}

// anyURL begins an address. pdm writes a hash in place of every string that has one, since it may hold a password.
var anyURL = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://`)

// compareSettings compares a table of [tool.pdm] with what pdm wrote of it into the lock.
func (t *pdmStaleness) compareSettings(then, now *node, name string) {
	if then == nil {
		return
	}
	a, b := &pythonJSON{}, &pythonJSON{}
	a.value(then)
	b.value(now)
	if a.unknown || b.unknown || a.b.String() == b.b.String() {
		return
	}
	at := t.tables()
	if e := t.settings.table.entry(name); e != nil {
		at = t.project.doc.span(e.at)
	}
	t.report(at, "[tool.pdm] %s of pyproject.toml has changed since it was made", name)
}

// entry is a key with its value, or nil.
func (n *node) entry(name string) *entry {
	if n == nil {
		return nil
	}
	for i := range n.entries {
		if n.entries[i].name == name {
			return &n.entries[i]
		}
	}
	return nil
}

// recordedResolution is what pdm writes into lock_inputs for [tool.pdm.resolution].
func recordedResolution(n *node) *node {
	return recorded(n, func(name string) bool { return name != "lock_inputs" })
}

// recordedSources is what pdm writes into lock_inputs for [[tool.pdm.source]]: no credentials, and nothing of an address but its hash.
func recordedSources(n *node) *node {
	if n == nil || n.kind != listNode {
		return &node{kind: listNode}
	}
	out := &node{kind: listNode}
	for _, item := range n.items {
		item = recorded(item, func(name string) bool { return name != "username" && name != "password" })
		for i := range item.entries {
			switch e := &item.entries[i]; {
			case e.name == "url" && !strings.HasPrefix(e.value.text, "sha256:"):
				e.value.text = "sha256:" + hexSHA256(e.value.text)
			case e.name == "include_packages" || e.name == "exclude_packages":
				slices.SortFunc(e.value.items, func(a, b *node) int { return strings.Compare(a.text, b.text) })
			}
		}
		out.items = append(out.items, item)
	}
	return out
}

// recorded copies a value with hashes in place of addresses. Of a table it takes the keys that keep says.
func recorded(n *node, keep func(name string) bool) *node {
	if n == nil {
		return &node{kind: tableNode}
	}
	out := &node{kind: n.kind, text: n.text}
	if n.kind == stringNode && anyURL.MatchString(n.text) {
		out.text = "sha256:" + hexSHA256(n.text)
	}
	for _, item := range n.items {
		out.items = append(out.items, recorded(item, nil))
	}
	for _, e := range n.entries {
		if keep == nil || keep(e.name) {
			out.entries = append(out.entries, entry{e.name, e.at, recorded(e.value, nil)})
		}
	}
	return out
}

func hexSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
