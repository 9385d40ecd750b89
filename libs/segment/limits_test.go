package segment_test

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/segment/internal/limits"
)

const specification = "../../docs/segment-format.md"

// TestLimitsAreThoseOfTheSpecification compares the table of section 1 with the constants of package limits, both ways.
func TestLimitsAreThoseOfTheSpecification(t *testing.T) {
	t.Parallel()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, filepath.Join("internal", "limits", "limits.go"), nil, 0)
	require.NoError(t, err)
	declared, err := (&types.Config{}).Check("limits", files, []*ast.File{file}, nil)
	require.NoError(t, err)
	want := map[string]string{}
	for _, name := range declared.Scope().Names() {
		c, ok := declared.Scope().Lookup(name).(*types.Const)
		require.True(t, ok, "%s is no constant", name)
		want[name] = c.Val().ExactString()
	}
	text, err := os.ReadFile(specification)
	require.NoError(t, err)
	_, table, ok := strings.Cut(string(text), "| constant | limit | of |\n|---|---|---|\n")
	require.True(t, ok)
	table, _, _ = strings.Cut(table, "\n\n")
	said := map[string]string{}
	for line := range strings.SplitSeq(table, "\n") {
		cells := strings.SplitN(strings.Trim(line, "| "), " | ", 3)
		require.Len(t, cells, 3, line)
		require.NotEmpty(t, cells[2], line)
		name := strings.Trim(cells[0], "`")
		require.NotContains(t, said, name)
		said[name] = numberOf(t, cells[1])
	}
	require.Equal(t, want, said)
	require.Equal(t, otlp.MaxNesting, limits.NestedDepth, "what OTLP takes is not refused here")
	require.Equal(t, limits.Items, segment.MaxItems)
	require.Equal(t, limits.TokenPath, segment.MaxTokenPath)
}

// numberOf is a number as the specification writes it: 4,000, 2^16, 2^32 − 1.
func numberOf(t *testing.T, s string) string {
	t.Helper()
	less := 0
	if power, minus, ok := strings.Cut(s, " − "); ok {
		n, err := strconv.Atoi(minus)
		require.NoError(t, err)
		s, less = power, n
	}
	v := constant.MakeFromLiteral(strings.ReplaceAll(s, ",", ""), token.INT, 0)
	if base, exponent, ok := strings.Cut(s, "^"); ok {
		n, err := strconv.Atoi(exponent)
		require.NoError(t, err)
		require.Equal(t, "2", base)
		v = constant.Shift(constant.MakeInt64(1), token.SHL, uint(n))
	}
	require.Equal(t, constant.Int, v.Kind(), s)
	return constant.BinaryOp(v, token.SUB, constant.MakeInt64(int64(less))).ExactString()
}

// TestNoLimitIsDeclaredElsewhere finds constants of libs/segment that are named as bounds are and have a value of their own. A bound of the format
// belongs into package limits; one that a program gives itself, which others need not know to read or write segments, is listed here.
func TestNoLimitIsDeclaredElsewhere(t *testing.T) {
	t.Parallel()
	own := map[string]string{
		"MaxItemBytes":       "what ingest cuts an item to",
		"maxFrameSave":       "when a writer compresses",
		"maxWidth":           "bits of an integer",
		"maxCodes":           "of a reader's table of encodings",
		"maxSteps":           "a reader's patience with a search",
		"mostArena":          "memory that is kept",
		"mostFound":          "words that a writer counts",
		"mostHeadBytes":      "of a column, by which a writer leaves it out of the head",
		"mostHeadDictionary": "the same of a dictionary",
		"mostHeadValues":     "the same of its values",
		"mostMarks":          "a writer's choice of words",
		"mostMemory":         "memory that is kept",
		"mostNames":          "memory that is kept",
		"mostPlaces":         "memory of a writer",
		"mostRun":            "of a run by which a writer tells an id",
		"mostUnion":          "of a filter of a day, which a writer does without",
		"MostList":           "of Words and WordBytes",
	}
	named := regexp.MustCompile(`^(?i:max|most|limit)(?:[A-Z]|$)`)
	found := map[string]bool{}
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || path == filepath.Join("internal", "limits", "limits.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.GenDecl)
			if !ok || spec.Tok != token.CONST {
				return true
			}
			for _, s := range spec.Specs {
				for i, name := range s.(*ast.ValueSpec).Names {
					values := s.(*ast.ValueSpec).Values
					if !named.MatchString(name.Name) || i < len(values) && isReference(values[i]) {
						continue
					}
					found[name.Name] = true
					require.Contains(t, own, name.Name, "%s: a bound of the format is declared in internal/limits and told in section 1 of the specification", path)
				}
			}
			return true
		})
		return nil
	})
	require.NoError(t, err)
	for name := range own {
		require.True(t, found[name], "%s is nowhere", name)
	}
}

// isReference tells whether a value is that of another constant.
func isReference(e ast.Expr) bool {
	_, ok := e.(*ast.SelectorExpr)
	return ok
}
