package filter

import (
	"cmp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"
)

// mostLiterals bounds what is looked for before a regular expression is tried: the longest tell most.
const mostLiterals = 3

// requiredLiterals are texts that every match of a regular expression contains, the longest ones; nil where there are none. Looking for
// them is 10 to 100 times quicker than the expression, which is then asked only about strings that have them all.
func requiredLiterals(expression string) [][]byte {
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return nil
	}
	list := literalsOf(parsed)
	slices.SortStableFunc(list, func(a, b []byte) int { return cmp.Compare(len(b), len(a)) })
	return list[:min(len(list), mostLiterals)]
}

func literalsOf(r *syntax.Regexp) [][]byte {
	switch r.Op {
	case syntax.OpLiteral:
		if r.Flags&syntax.FoldCase != 0 {
			return nil
		}
		// U+FFFD also matches a byte that is no UTF-8, which is kept as it came.
		var list [][]byte
		for part := range strings.SplitSeq(string(r.Rune), string(utf8.RuneError)) {
			if part != "" {
				list = append(list, []byte(part))
			}
		}
		return list
	case syntax.OpConcat:
		var list [][]byte
		for _, part := range r.Sub {
			list = append(list, literalsOf(part)...)
		}
		return list
	case syntax.OpCapture, syntax.OpPlus:
		return literalsOf(r.Sub[0])
	case syntax.OpRepeat:
		if r.Min > 0 {
			return literalsOf(r.Sub[0])
		}
	case syntax.OpNoMatch, syntax.OpEmptyMatch, syntax.OpCharClass, syntax.OpAnyCharNotNL, syntax.OpAnyChar, syntax.OpBeginLine,
		syntax.OpEndLine, syntax.OpBeginText, syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpStar,
		syntax.OpQuest, syntax.OpAlternate:
	}
	return nil
}
