package inspect

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"

	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
)

// magic begins a file: then come a line of JSON (head) and the bytes whose lengths it names, one after the other.
const magic = "ollyscale segment 1\n"

type head struct {
	Row     segmentrow.Row // without its bytes
	Lengths [4]int         // directory, body, trace filter, token filter
}

func parts(r *segmentrow.Row) [4]*[]byte {
	return [4]*[]byte{&r.Directory, &r.Body, &r.TraceFilter, &r.TokenFilter}
}

// writeFile writes a row for its owner's eyes alone: it is telemetry.
func writeFile(path string, row *segmentrow.Row) error {
	h := head{Row: *row}
	for i, p := range parts(&h.Row) {
		h.Lengths[i], *p = len(*p), nil
	}
	line, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	out := append([]byte(magic), line...)
	out = append(out, '\n')
	for _, p := range parts(row) {
		out = append(out, *p...)
	}
	return os.WriteFile(path, out, 0o600)
}

func readFile(path string) (*segmentrow.Row, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rest, ours := bytes.CutPrefix(raw, []byte(magic))
	line, rest, whole := bytes.Cut(rest, []byte("\n"))
	var h head
	if !ours || !whole || json.Unmarshal(line, &h) != nil {
		return nil, errFile.Newf("%s was not written by `ollyscale segment --out`", path)
	}
	for i, p := range parts(&h.Row) {
		n := h.Lengths[i]
		if n < 0 || n > len(rest) {
			return nil, errFile.Newf("%s ends early", path)
		}
		*p, rest = rest[:n:n], rest[n:]
	}
	if len(rest) > 0 {
		return nil, errFile.Newf("%s goes on after its end", path)
	}
	return &h.Row, nil
}
