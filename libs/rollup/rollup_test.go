package rollup

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func TestNamesAreCutAndStayApart(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "cart", strings.Repeat("x", MostName)} {
		require.Equal(t, name, Name(name))
		require.False(t, IsCut(name))
	}
	seen := map[string]bool{}
	for _, unit := range []string{"x", "ä", "…", "😀", "\xff\x80", "a😀"} {
		for n := range 5 {
			for _, end := range []string{"", "1", "2"} {
				name := strings.Repeat("z", n) + strings.Repeat(unit, MostName) + strings.Repeat("z", 8) + end
				cut := Name(name)
				require.LessOrEqual(t, len(cut), MostName)
				require.Equal(t, utf8.ValidString(name), utf8.ValidString(cut))
				require.Equal(t, cut, Name(cut))
				require.False(t, IsCut(name))
				require.True(t, IsCut(cut))
				require.False(t, seen[cut])
				seen[cut] = true
			}
		}
	}
}
