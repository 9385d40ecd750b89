package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"strconv"
	"strings"

	"github.com/ollyscale/ollyscale/libs/service"
)

// conditions are those of health that the packages declare, by directory.
func (s *sources) conditions() (map[string][]service.Condition, error) {
	return declared(s, "a condition of health",
		func(t ast.Expr, dir string) bool { return isOf(t, dir, "libs/service", "Condition") },
		func(literal *ast.CompositeLit) (c service.Condition, err error) {
			for _, element := range literal.Elts {
				pair, ok := element.(*ast.KeyValueExpr)
				if !ok {
					return c, errors.New("fields are to be named")
				}
				value, ok := pair.Value.(*ast.BasicLit)
				if !ok {
					return c, fmt.Errorf("%s is not spelt out", pair.Key)
				}
				text, err := strconv.Unquote(value.Value)
				if err != nil {
					return c, fmt.Errorf("%s: %w", pair.Key, err)
				}
				switch fmt.Sprint(pair.Key) {
				case "Name":
					c.Name = text
				case "Meaning":
					c.Meaning = text
				case "Advice":
					c.Advice = text
				}
			}
			return c, nil
		})
}

func healthPage(s *sources) ([]byte, error) {
	conditions, err := s.conditions()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(`# Health

<!-- Generated from the conditions of health (libs/service) by services/allinone/cmd/pages: make generate. -->

` + "`GET /health`" + ` is 200 while the role can do its work and 503 while it cannot, with each condition: ` + "`name`, `status`" + `, and where it fails ` + "`code`" + `, which is
stable and stands in [errors.md](errors.md), ` + "`message`" + ` (why), ` + "`advice`" + ` (what to do). ` + "`GET /livez`" + ` is 200 while the process runs: give that one to a probe that
restarts. How long after a fault each says so, and which test holds it, stands in [reliability.md](reliability.md#health).

| role | condition | fails while | what to do |
|---|---|---|---|
`)
	for _, p := range s.sorted() {
		for _, c := range conditions[p.dir] {
			fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", strings.Join(s.conditionRoles(p.dir), ", "), c.Name, cell(c.Meaning), cell(c.Advice))
		}
	}
	return b.Bytes(), nil
}

// conditionRoles are the roles that have a condition of a package: its own, or those that register what stands in libs/service, the database.
func (s *sources) conditionRoles(dir string) (roles []string) {
	if dir != "libs/service" {
		return s.roles(dir)
	}
	for _, p := range s.sorted() {
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if call, ok := n.(*ast.SelectorExpr); ok && call.Sel.Name == "RegisterDatabase" {
					roles = append(roles, s.roles(p.dir)...)
				}
				return true
			})
		}
	}
	return append(roles, "allinone")
}
