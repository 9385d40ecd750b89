package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
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

func TestErrorCodesAreDeclaredOnceAndWhole(t *testing.T) {
	t.Parallel()
	kinds, err := read(t).kinds()
	require.NoError(t, err)
	code := regexp.MustCompile(`^[a-z_]+(\.[a-z_]+)*$`)
	seen := map[string]string{}
	for dir, declared := range kinds {
		for _, k := range declared {
			require.Regexp(t, code, k.Code, dir)
			require.Empty(t, seen[k.Code], "%s is declared in %s too", k.Code, dir)
			seen[k.Code] = dir
			require.True(t, strings.HasSuffix(k.Meaning, "."), k.Code)
			require.True(t, strings.HasSuffix(k.Advice, "."), k.Code)
		}
	}
	require.Greater(t, len(seen), 80)
}

// The compiler sees to it that an error is made of a kind only; a kind that is made where it is used, or an Error spelt out, would be in no
// page.
func TestAKindThatIsInNoTableIsFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`func f() error { return fault.Kind{Code: "x"}.New("y") }`:                         "x.go:3:25: a kind of error is a variable of its package",
		`var a = fault.Kind{Code: "x" + "y"}`:                                              "x.go:3:9: Code is not spelt out",
		`var a = fault.Kind{Class: fault.Wrong}`:                                           "Class: Wrong is not known",
		`var a = fault.Kind{0, "x", 0, "", ""}`:                                            "fields are to be named",
		`var a = fault.Kind{Class: fault.Invalid, Code: "x", Status: http.StatusNotFound}`: "",
	} {
		s := &sources{files: token.NewFileSet(), packages: map[string]*source{}}
		file, err := parser.ParseFile(s.files, "x.go", "package x\n\n"+text, 0)
		require.NoError(t, err)
		s.add("libs/x", file)
		kinds, err := s.kinds()
		if want != "" {
			require.ErrorContains(t, err, want)
			continue
		}
		require.NoError(t, err)
		require.Equal(t, []fault.Kind{{Class: fault.Invalid, Code: "x", Status: 404}}, kinds["libs/x"])
	}
}

func TestNobodySpellsOutAnError(t *testing.T) {
	t.Parallel()
	s := read(t)
	for _, p := range s.packages {
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if literal, ok := n.(*ast.CompositeLit); ok && p.dir != "libs/fault" {
					if of, ok := literal.Type.(*ast.SelectorExpr); ok {
						require.False(t, of.Sel.Name == "Error" && fmt.Sprint(of.X) == "fault", "%s: make it of its kind", s.files.Position(literal.Pos()))
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
