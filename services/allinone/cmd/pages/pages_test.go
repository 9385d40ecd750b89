package main

import (
	"go/ast"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func read(t *testing.T) *sources {
	t.Helper()
	s, err := readSources("../../../..")
	require.NoError(t, err)
	return s
}

func TestMetricsAreDeclaredOnceAndWhole(t *testing.T) {
	t.Parallel()
	metrics, err := read(t).metrics()
	require.NoError(t, err)
	name := regexp.MustCompile(`^[a-z]+(\.[a-z_]+)+$`)
	seen := map[string]string{}
	for dir, declared := range metrics {
		for _, d := range declared {
			require.Regexp(t, name, d.Name)
			require.Empty(t, seen[d.Name], "%s is declared in %s too", d.Name, dir)
			seen[d.Name] = dir
			require.NotEmpty(t, d.Doc, d.Name)
			require.True(t, strings.HasSuffix(d.Doc, "."), d.Name)
		}
	}
	require.Greater(t, len(seen), 25)
}

// An instrument that is made by hand would be in no page.
func TestNobodyMakesInstrumentsByHand(t *testing.T) {
	t.Parallel()
	s := read(t)
	calls := regexp.MustCompile(`^(Int64|Float64)(Observable)?(Counter|UpDownCounter|Histogram|Gauge)$`)
	for dir, p := range s.packages {
		if dir == "libs/instrument" {
			continue
		}
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.CallExpr); ok {
					if f, ok := call.Fun.(*ast.SelectorExpr); ok {
						require.NotRegexp(t, calls, f.Sel.Name, "%s: declare it for libs/instrument", s.files.Position(call.Pos()))
					}
				}
				return true
			})
		}
	}
}

func TestAPackageIsPartOfTheRolesThatImportIt(t *testing.T) {
	t.Parallel()
	s := read(t)
	require.Equal(t, []string{"ingest", "writer", "query"}, s.roles("libs/bus"))
	require.Equal(t, []string{"writer"}, s.roles("services/writer"))
	require.Equal(t, []string{"migrator"}, s.roles("libs/postgres/migrate"))
	require.Equal(t, []string{"allinone"}, s.roles("services/allinone/demo"))
}

func TestCommentsStandInForMissingWords(t *testing.T) {
	t.Parallel()
	require.Equal(t, "directories of ours", read(t).fieldComment("github.com/ollyscale/ollyscale/services/allinone/cmd/pages", "source", "imports"))
}
