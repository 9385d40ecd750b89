package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
)

// classes gives the classes by the name of their constant.
func classes() map[string]fault.Class {
	return map[string]fault.Class{
		"Internal": fault.Internal, "Invalid": fault.Invalid, "TooLarge": fault.TooLarge,
		"NotFound": fault.NotFound, "Overloaded": fault.Overloaded, "Unavailable": fault.Unavailable,
	}
}

// kinds are those that the packages declare, by directory.
func (s *sources) kinds() (map[string][]fault.Kind, error) {
	return declared(s, "a kind of error", isKind, readKind)
}

// declared are the literals of a type that the packages declare, by directory. What is not a variable of its package, spelt out, is an error: it would be
// in no page.
func declared[T any](s *sources, what string, is func(t ast.Expr, dir string) bool, read func(*ast.CompositeLit) (T, error)) (map[string][]T, error) {
	found, errs := map[string][]T{}, []error(nil)
	for dir, p := range s.packages {
		for _, file := range p.files {
			variables := map[ast.Expr]bool{}
			for _, decl := range file.Decls {
				if vars, ok := decl.(*ast.GenDecl); ok && vars.Tok == token.VAR {
					for _, spec := range vars.Specs {
						for _, value := range spec.(*ast.ValueSpec).Values { //nolint:forcetypeassert // a var declares values
							variables[value] = true
						}
					}
				}
			}
			ast.Inspect(file, func(n ast.Node) bool {
				literal, ok := n.(*ast.CompositeLit)
				if !ok || !is(literal.Type, dir) {
					return true
				}
				one, err := read(literal)
				if !variables[literal] {
					err = errors.New(what + " is a variable of its package")
				}
				if err != nil {
					errs = append(errs, fmt.Errorf("%s: %w", s.files.Position(literal.Pos()), err))
				}
				found[dir] = append(found[dir], one)
				return true
			})
		}
	}
	return found, errors.Join(errs...)
}

func isKind(t ast.Expr, dir string) bool { return isOf(t, dir, "libs/fault", "Kind") }

// isOf reports whether a type in a package of a directory is the one that a package of ours has by that name.
func isOf(t ast.Expr, dir, home, name string) bool {
	switch t := t.(type) {
	case *ast.SelectorExpr:
		pkg, ok := t.X.(*ast.Ident)
		return ok && pkg.Name == path.Base(home) && t.Sel.Name == name
	case *ast.Ident:
		return t.Name == name && dir == home
	}
	return false
}

func readKind(literal *ast.CompositeLit) (k fault.Kind, err error) {
	for _, element := range literal.Elts {
		pair, ok := element.(*ast.KeyValueExpr)
		if !ok {
			return k, errors.New("fields are to be named")
		}
		field := fmt.Sprint(pair.Key)
		switch value := pair.Value.(type) {
		case *ast.BasicLit:
			if field == "Status" { // where net/http is none of a package's business
				if k.Status, err = strconv.Atoi(value.Value); err != nil {
					return k, fmt.Errorf("%s: %w", field, err)
				}
				continue
			}
			text, err := strconv.Unquote(value.Value)
			if err != nil {
				return k, fmt.Errorf("%s: %w", field, err)
			}
			switch field {
			case "Code":
				k.Code = text
			case "Meaning":
				k.Meaning = text
			case "Advice":
				k.Advice = text
			}
		case *ast.SelectorExpr: // fault.Invalid, http.StatusNotFound
			if err := constant(&k, field, value.Sel.Name); err != nil {
				return k, err
			}
		case *ast.Ident: // in libs/fault
			if err := constant(&k, field, value.Name); err != nil {
				return k, err
			}
		default:
			return k, fmt.Errorf("%s is not spelt out", field)
		}
	}
	return k, nil
}

func constant(k *fault.Kind, field, name string) error {
	if class, ok := classes()[name]; ok && field == "Class" {
		k.Class = class
		return nil
	}
	for status := 400; status < 600 && field == "Status"; status++ {
		if "Status"+strings.NewReplacer(" ", "", "-", "").Replace(http.StatusText(status)) == name {
			k.Status = status
			return nil
		}
	}
	return fmt.Errorf("%s: %s is not known", field, name)
}

func errorsPage(s *sources) ([]byte, error) {
	kinds, err := s.kinds()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(`# Error codes

<!-- Generated from the kinds of errors (libs/fault) by services/allinone/cmd/pages: make generate. -->

An error has a class, by which programs decide, and a code, by which people look it up here. The code is in an HTTP answer
(` + "`application/problem+json`" + `: ` + "`code`" + `), in log lines (` + "`code`" + `) and in the header ` + "`Olly-Dead-Code`" + ` of a dead letter. Codes are stable; messages are not.

## Classes

| class | HTTP | retry |
|---|---|---|
`)
	for _, c := range slices.SortedFunc(slices.Values(all()), func(a, b fault.Class) int { return cmp.Compare(httpserver.Status(a), httpserver.Status(b)) }) {
		retry := "no"
		if c.Retryable() {
			retry = "yes"
		}
		fmt.Fprintf(&b, "| %s | %d | %s |\n", c, httpserver.Status(c), retry)
	}
	for _, p := range s.sorted() {
		if len(kinds[p.dir]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", p.title(s))
		b.WriteString("| code | class | HTTP | meaning | what to do |\n|---|---|---|---|---|\n")
		for _, k := range kinds[p.dir] {
			status := k.Status
			if status == 0 {
				status = httpserver.Status(k.Class)
			}
			fmt.Fprintf(&b, "| `%s` | %s | %d | %s | %s |\n", k.Code, k.Class, status, cell(k.Meaning), cell(k.Advice))
		}
	}
	return b.Bytes(), nil
}

func all() []fault.Class {
	return []fault.Class{fault.Internal, fault.Invalid, fault.TooLarge, fault.NotFound, fault.Overloaded, fault.Unavailable}
}
