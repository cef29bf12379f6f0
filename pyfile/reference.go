package pyfile

import (
	_ "embed" // the head of the reference
	"strconv"
	"strings"
)

//go:embed reference_head.md
var referenceHead string

// Reference returns the text of docs/reference.md: every key with its meaning, default and an example.
func Reference() string {
	var b strings.Builder
	b.WriteString(referenceHead)
	b.WriteString("\n## Keys of the file\n\nThese stand above the first `[table]`.\n")
	var tops, free []*key
	for i := range keys {
		switch k := &keys[i]; {
		case strings.Contains(k.path, "."):
		case k.typ == typePairs:
			free = append(free, k)
		default:
			tops = append(tops, k)
		}
	}
	for _, k := range tops {
		referenceKey(&b, "### `"+k.path+"`", "", k)
	}
	for _, k := range free {
		referenceKey(&b, "## `["+k.path+"]`", "["+k.path+"]\n", k)
	}
	for i := range tables {
		t := &tables[i]
		header := t.path
		if t.names != nil {
			header += ".NAME"
		}
		b.WriteString("\n## `[" + header + "]`\n\n" + t.doc + "\n")
		example := "[" + strings.Replace(header, "NAME", t.example, 1) + "]\n"
		if k := keyAt[header]; k != nil { // the names of its entries are the user's too
			referenceFacts(&b, example, k)
			continue
		}
		for j := range keys {
			if k := &keys[j]; strings.HasPrefix(k.path, header+".") {
				referenceKey(&b, "### `"+k.path+"`", example, k)
			}
		}
	}
	return b.String()
}

func referenceKey(b *strings.Builder, title, header string, k *key) {
	b.WriteString("\n" + title + "\n")
	referenceFacts(b, header, k)
}

func referenceFacts(b *strings.Builder, header string, k *key) {
	b.WriteString("\n" + k.doc + "\n\n")
	b.WriteString("- Type: " + string(k.typ))
	if k.required {
		b.WriteString("; must be there")
	}
	b.WriteByte('\n')
	if k.words != nil {
		b.WriteString("- One of: `" + strings.Join(k.words, "`, `") + "`\n")
	}
	if k.typ == typeInt {
		b.WriteString("- At least " + strconv.FormatInt(k.min, 10))
		if k.max != 0 {
			b.WriteString(", at most " + strconv.FormatInt(k.max, 10))
		}
		b.WriteByte('\n')
	}
	if k.fallback != "" {
		b.WriteString("- Default: " + k.fallback + "\n")
	}
	b.WriteString("\n```toml\n" + header + k.example + "\n```\n")
}
