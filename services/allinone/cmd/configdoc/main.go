// Command configdoc writes docs/configuration.md from the Config structs of all services: what their doc tags say, and where there is
// none, the comment of the field. It is run by go generate in services/allinone.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/services/allinone"
	"github.com/ollyscale/ollyscale/services/allinone/demo"
	"github.com/ollyscale/ollyscale/services/ingest"
	"github.com/ollyscale/ollyscale/services/janitor"
	"github.com/ollyscale/ollyscale/services/migrator"
	"github.com/ollyscale/ollyscale/services/query"
	"github.com/ollyscale/ollyscale/services/writer"
)

const module = "github.com/ollyscale/ollyscale/"

func main() {
	root := flag.String("root", "../..", "top of the repository")
	out := flag.String("out", "", "file to write; empty for standard output")
	flag.Parse()
	if err := write(*root, *out); err != nil {
		fmt.Fprintln(os.Stderr, "configdoc:", err)
		os.Exit(1)
	}
}

func write(root, out string) error {
	sections := []settings.Section{
		service.CommonSettings(),
		{Title: "ingest", Config: ingest.DefaultConfig()},
		{Title: "writer", Config: writer.DefaultConfig()},
		{Title: "query", Config: query.DefaultConfig()},
		{Title: "janitor", Config: janitor.DefaultConfig()},
		{Title: "migrator", Config: migrator.DefaultConfig()},
		{
			Title: "ollyscale (all in one)",
			Text: "`ollyscale up`. Beside these it has every setting of the roles under their names: `ingest.…` (`OLLY_INGEST_…`), `writer.…`, `query.…`,\n" +
				"`janitor.…`, `migrator.…`. Their bus and database addresses are set by it and have no effect. It logs warnings as text by default.",
			Config: allinone.DefaultConfig(),
			Hide:   []string{"ingest.", "writer.", "query.", "janitor.", "migrator."},
		},
		{Title: "ollyscale demo", Text: "Sends the telemetry of a small shop. It logs warnings as text by default.", Config: demo.DefaultConfig()},
	}
	var page bytes.Buffer
	if err := settings.Document(&page, sections, comments(root)); err != nil {
		return err
	}
	if out == "" {
		_, err := os.Stdout.Write(page.Bytes())
		return err
	}
	return os.WriteFile(out, page.Bytes(), 0o644) //nolint:gosec // a page for everybody
}

// comments reads the field comments of this repository's packages, each package once.
func comments(root string) settings.Explain {
	packages := map[string]map[string]string{}
	return func(owner reflect.Type, field string) string {
		dir, ours := strings.CutPrefix(owner.PkgPath(), module)
		if !ours {
			return ""
		}
		if packages[dir] == nil {
			packages[dir] = readComments(filepath.Join(root, dir))
		}
		return packages[dir][owner.Name()+"."+field]
	}
}

func readComments(dir string) map[string]string {
	found := map[string]string{}
	files, _ := filepath.Glob(filepath.Join(dir, "*.go")) // the pattern is well-formed
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			continue // the compiler will say so
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					text := strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
					for _, id := range f.Names {
						found[spec.Name.Name+"."+id.Name] = text
					}
				}
			}
			return true
		})
	}
	return found
}
