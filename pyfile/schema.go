package pyfile

import (
	"bytes"
	"encoding/json"
)

// Schema returns the JSON schema (draft 7) of a Pyfile, for editors: taplo and Even Better TOML read it with a line
// "#:schema URL" behind the syntax line. It accepts every right file. It cannot find everything that Parse finds.
func Schema() []byte {
	root := tableSchema("")
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "Pyfile"
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic("the schema is plain data, and yet: " + err.Error())
	}
	return b.Bytes()
}

type schema = map[string]any

// usesArgument matches a string that may be anything before its arguments are replaced.
const usesArgument = `\$\{`

// tableSchema describes the table of that path, "" being the file.
func tableSchema(path string) schema {
	s := schema{"type": "object"}
	properties := schema{}
	var required []string
	for _, name := range namesIn(path) {
		child := name
		if path != "" {
			child = path + "." + name
		}
		var value schema
		if k := keyAt[child]; k != nil {
			value = keySchema(k)
			if k.required {
				required = append(required, name)
			}
		} else {
			value = tableSchema(child)
		}
		if name != "NAME" {
			properties[name] = value
			continue
		}
		s["additionalProperties"] = value
		s["propertyNames"] = schema{"pattern": tableAt[path].names.anchored()}
	}
	if t := tableAt[path]; t != nil {
		s["description"] = t.doc
	}
	if s["additionalProperties"] == nil {
		s["properties"] = properties
		s["additionalProperties"] = false
	}
	if required != nil {
		s["required"] = required
	}
	return s
}

func keySchema(k *key) schema {
	var s schema
	switch k.typ {
	case typeString:
		s = stringSchema(k)
	case typeBool:
		s = schema{"type": "boolean"}
	case typeInt:
		s = schema{"type": "integer", "minimum": k.min}
		if k.max != 0 {
			s["maximum"] = k.max
		}
	case typeList, typeCommand:
		s = listSchema(k, stringSchema(k))
	case typePorts:
		s = listSchema(k, schema{"anyOf": []schema{{"type": "integer", "minimum": 1, "maximum": 65535}, stringSchema(k)}})
	case typeStringOrList:
		s = schema{"anyOf": []schema{stringSchema(k), listSchema(k, stringSchema(k))}}
	case typePairs:
		s = schema{"type": "object", "propertyNames": schema{"pattern": k.names.anchored()}, "additionalProperties": schema{"type": "string"}}
	case typeSettings:
		one := schema{"type": "string"}
		s = schema{"type": "object", "propertyNames": schema{"pattern": k.names.anchored()},
			"additionalProperties": schema{"anyOf": []schema{one, {"type": "array", "items": one}}}}
	}
	s["description"] = k.doc
	if k.fallback != "" {
		s["description"] = k.doc + " Default: " + k.fallback + "."
	}
	return s
}

func stringSchema(k *key) schema {
	switch {
	case k.words != nil:
		return schema{"anyOf": []schema{{"enum": k.words}, {"type": "string", "pattern": usesArgument}}}
	case k.syntax == nil || k.syntax == argument:
		return schema{"type": "string"}
	}
	return schema{"type": "string", "pattern": usesArgument + "|" + k.syntax.anchored()}
}

func listSchema(k *key, item schema) schema {
	s := schema{"type": "array", "items": item}
	if k.nonEmpty {
		s["minItems"] = 1
	}
	return s
}
