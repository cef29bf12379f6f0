package install

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strconv"
	"strings"
)

// row is one line of a RECORD file, as it is written there.
type row struct {
	Path string
	Hash string // "sha256=" and the URL-safe base64 of the digest without padding, or ""
	Size string // decimal bytes, or ""
	line int
}

// parseRecord reads a RECORD file (recording installed packages, the RECORD file). It does not say whether the rows are true.
func parseRecord(data []byte) ([]row, error) {
	r := csv.NewReader(bytes.NewReader(data))
	r.FieldsPerRecord = -1
	var rows []row
	var errs []error
	for {
		fields, err := r.Read()
		if err == io.EOF {
			return rows, errors.Join(errs...)
		}
		if err != nil {
			return nil, errors.Join(append(errs, err)...)
		}
		line, _ := r.FieldPos(0)
		if len(fields) > 3 {
			errs = append(errs, fmt.Errorf("line %d must have the form path,hash,size, but has %d fields", line, len(fields)))
			continue
		}
		fields = append(fields, "", "")
		rows = append(rows, row{Path: fields[0], Hash: fields[1], Size: fields[2], line: line})
	}
}

// digest is an expected hash.
type digest struct {
	new func() hash.Hash
	sum []byte
}

// parseDigest reads the second field of a row. The binary distribution format asks for sha256 or better and forbids md5 and sha1.
func parseDigest(s string) (digest, error) {
	algorithm, text, ok := strings.Cut(s, "=")
	if !ok {
		return digest{}, fmt.Errorf("hash must have the form sha256=..., not %q", s)
	}
	var d digest
	switch strings.ToLower(algorithm) {
	case "sha256":
		d.new = sha256.New
	case "sha384":
		d.new = sha512.New384
	case "sha512":
		d.new = sha512.New
	case "md5", "sha1":
		return digest{}, fmt.Errorf("hash must be sha256, sha384 or sha512: %s is not safe", algorithm)
	default:
		return digest{}, fmt.Errorf("hash must be sha256, sha384 or sha512, not %s", algorithm)
	}
	sum, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(sum) != d.new().Size() {
		return digest{}, fmt.Errorf("hash must be the URL-safe base64 of a %s digest, not %q", algorithm, text)
	}
	d.sum = sum
	return d, nil
}

// formatRow is the row of a file whose content is known by its digest.
func formatRow(path string, sum [sha256.Size]byte, size int64) row {
	return row{Path: path, Hash: "sha256=" + base64.RawURLEncoding.EncodeToString(sum[:]), Size: strconv.FormatInt(size, 10)}
}

// formatRecord writes a RECORD file in pip's form: sorted rows that end in CR LF, fields quoted only where they must be.
func formatRecord(rows []row) []byte {
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Hash, b.Hash), cmp.Compare(a.Size, b.Size))
	})
	var b bytes.Buffer
	for _, r := range rows {
		for i, field := range []string{r.Path, r.Hash, r.Size} {
			if i > 0 {
				b.WriteByte(',')
			}
			if strings.ContainsAny(field, ",\"\r\n") {
				field = `"` + strings.ReplaceAll(field, `"`, `""`) + `"`
			}
			b.WriteString(field)
		}
		b.WriteString("\r\n")
	}
	return b.Bytes()
}
