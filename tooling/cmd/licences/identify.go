package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// permitted are the licences under which something may be linked or carried. They ask for their text and notice to be passed on, which
// the page does, and MPL-2.0 and OFL-1.1 that the files themselves stay under them, which nobody here changes. Not among them: the GPL
// family, SSPL, BUSL, Elastic, Commons Clause, and whatever is for non-commercial use.
func permitted() []string {
	return []string{
		"0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "BlueOak-1.0.0", "CC0-1.0", "ISC", "MIT", "MPL-2.0", "OFL-1.1", "PostgreSQL",
		"Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "Zlib",
	}
}

// patents is what the scanner calls a grant beside a licence: it takes nothing away.
const patents = "GooglePatentsFile"

// identify sets the ids of the licences in the part's texts and in its manifest. What is unknown or not permitted is an error.
func (p *part) identify() error {
	recognised := false
	for _, t := range p.texts {
		for _, id := range scan(t.body) {
			if id != patents {
				recognised = true
				p.ids = append(p.ids, id)
			}
		}
	}
	if !recognised {
		return fmt.Errorf("%s %s: no licence text that is known in %s", p.name, p.version, p.dir)
	}
	declared := splitExpression(p.declared)
	p.ids = append(p.ids, declared...)
	slices.Sort(p.ids)
	p.ids = slices.Compact(p.ids)
	for _, id := range p.ids {
		if !slices.Contains(permitted(), id) {
			return fmt.Errorf("%s %s: the licence %s is not one that may be linked (%s)", p.name, p.version, id, p.dir)
		}
	}
	return nil
}

// scan names the licences whose whole text body holds; a mention or a link is none.
func scan(body string) []string {
	var ids []string
	for _, m := range licensecheck.Scan([]byte(body)).Match {
		if !m.IsURL {
			ids = append(ids, strings.TrimSuffix(m.ID, "-NoTrademark"))
		}
	}
	return ids
}

var words = regexp.MustCompile(`[^() ]+`)

// splitExpression takes the licences out of "(MIT OR CC0-1.0)".
func splitExpression(expression string) []string {
	var ids []string
	for _, word := range words.FindAllString(expression, -1) {
		if word != "OR" && word != "AND" && word != "WITH" {
			ids = append(ids, word)
		}
	}
	return ids
}
