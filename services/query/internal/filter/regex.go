package filter

import (
	"cmp"
	"errors"
	"fmt"
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

// Bounds of a regular expression. A repetition is so many times what it repeats: "(?:some text){1000}" comes to thousands of instructions, each of
// which may be tried at each byte of a text, and a thousand bytes of such expressions to 40 MB.
const (
	maxRegexLength = 1000
	maxProgram     = 5000
)

// errProgram says of an expression that it is too large.
var errProgram = errors.New("too large")

// programSize estimates how many instructions an expression is compiled to, before it is. The error says what is wrong with it; errProgram where it is too large.
func programSize(expression string) (int, error) {
	if len(expression) > maxRegexLength {
		return 0, fmt.Errorf("the regular expression is %w: it has %d bytes, want %d at most", errProgram, len(expression), maxRegexLength)
	}
	parsed, err := syntax.Parse(expression, syntax.Perl)
	if err != nil {
		return 0, err
	}
	size := instructions(parsed)
	if size > maxProgram {
		return 0, fmt.Errorf("the regular expression is %w: its repetitions and classes come to more than %d instructions", errProgram, maxProgram)
	}
	return size, nil
}

// runesOfInstruction is how many bounds of a class take as much as an instruction.
const runesOfInstruction = 32

// instructions counts up to something above maxProgram.
func instructions(r *syntax.Regexp) (n int) {
	for _, part := range r.Sub {
		n = min(n+instructions(part), maxProgram+1)
	}
	switch r.Op {
	case syntax.OpLiteral:
		n = len(r.Rune)
	case syntax.OpCharClass:
		n = 1 + len(r.Rune)/runesOfInstruction
	case syntax.OpCapture:
		n += 2
	case syntax.OpAlternate:
		n += len(r.Sub)
	case syntax.OpRepeat:
		times := r.Max
		if times < 0 {
			times = r.Min + 1
		}
		n = (n + 1) * max(times, 1)
	case syntax.OpNoMatch, syntax.OpEmptyMatch, syntax.OpAnyCharNotNL, syntax.OpAnyChar, syntax.OpBeginLine, syntax.OpEndLine, syntax.OpBeginText,
		syntax.OpEndText, syntax.OpWordBoundary, syntax.OpNoWordBoundary, syntax.OpStar, syntax.OpPlus, syntax.OpQuest, syntax.OpConcat:
		n++
	}
	return min(n, maxProgram+1)
}
