package schema_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/ollyscale/ollyscale/schema"
)

func TestNamesAreCutAtARune(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"checkout":                      "checkout",
		"a\x00b\xffc":                   `a\u0000b` + "\uFFFDc",
		strings.Repeat("x", 1023):       strings.Repeat("x", 1023),
		strings.Repeat("x", 1024):       strings.Repeat("x", 1024),
		strings.Repeat("x", 5000):       strings.Repeat("x", 1024),
		strings.Repeat("é", 5000):       strings.Repeat("é", 512),
		"x" + strings.Repeat("é", 5000): "x" + strings.Repeat("é", 511),
	} {
		got := schema.Name(in)
		if got != want {
			t.Errorf("Name(%.20q…) = %.20q… of %d bytes, want %d", in, got, len(got), len(want))
		}
		if !utf8.ValidString(got) || schema.Name(got) != got {
			t.Errorf("Name(%.20q…) is not its own name", in)
		}
	}
}
