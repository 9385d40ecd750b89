package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const module = "github.com/ollyscale/ollyscale/"

// sources is the code of all packages of libs and services, tests and what is generated apart. What a package declares is read from it and
// not asked of it, so that a declaration is one entry, unexported, with no list beside it.
type sources struct {
	files    *token.FileSet
	packages map[string]*source // by directory: "libs/bus"
}

// source is one package.
type source struct {
	dir     string
	files   []*ast.File
	imports map[string]bool // directories of ours
}

func readSources(root string) (*sources, error) {
	s := &sources{files: token.NewFileSet(), packages: map[string]*source{}}
	for _, top := range []string{"libs", "services"} {
		err := filepath.WalkDir(filepath.Join(root, top), func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "web" || entry.Name() == "testdata"):
				return fs.SkipDir
			case entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go"):
				return nil
			}
			file, err := parser.ParseFile(s.files, path, nil, parser.ParseComments)
			if err != nil {
				return err
			}
			dir, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			s.add(filepath.ToSlash(dir), file)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (s *sources) add(dir string, file *ast.File) {
	p := s.packages[dir]
	if p == nil {
		p = &source{dir: dir, imports: map[string]bool{}}
		s.packages[dir] = p
	}
	p.files = append(p.files, file)
	for _, i := range file.Imports {
		if path, err := strconv.Unquote(i.Path.Value); err == nil && strings.HasPrefix(path, module) {
			p.imports[strings.TrimPrefix(path, module)] = true
		}
	}
}

// sorted gives the packages by directory.
func (s *sources) sorted() []*source {
	return slices.SortedFunc(maps.Values(s.packages), func(a, b *source) int { return strings.Compare(a.dir, b.dir) })
}

// roles names the services that a package is part of.
func (s *sources) roles(dir string) (roles []string) {
	for _, role := range []string{"ingest", "writer", "query", "janitor", "migrator", "allinone"} {
		seen, from := map[string]bool{}, "services/"+role
		if role == "allinone" {
			if len(roles) > 0 {
				continue // it is all of them
			}
			from += "/commands" // and more
		}
		if s.imports(from, dir, seen) {
			roles = append(roles, role)
		}
	}
	return roles
}

func (s *sources) imports(from, dir string, seen map[string]bool) bool {
	if from == dir || strings.HasPrefix(from, "services/") && strings.HasPrefix(dir, from+"/") {
		return true
	}
	p := s.packages[from]
	if p == nil || seen[from] {
		return false
	}
	seen[from] = true
	for next := range p.imports {
		if s.imports(next, dir, seen) {
			return true
		}
	}
	return false
}

// fieldComment is the comment of a struct's field.
func (s *sources) fieldComment(pkgPath, structName, field string) (text string) {
	p := s.packages[strings.TrimPrefix(pkgPath, module)]
	if p == nil {
		return ""
	}
	for _, file := range p.files {
		eachField(file, func(name string, f *ast.Field) {
			for _, id := range f.Names {
				if name == structName && id.Name == field {
					text = strings.Join(strings.Fields(f.Doc.Text()+" "+f.Comment.Text()), " ")
				}
			}
		})
	}
	return text
}

// eachField visits the fields of the structs that a file declares.
func eachField(file *ast.File, visit func(structName string, field *ast.Field)) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok {
			return true
		}
		if s, ok := spec.Type.(*ast.StructType); ok {
			for _, f := range s.Fields.List {
				visit(spec.Name.Name, f)
			}
		}
		return true
	})
}
