package pattern

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// Bounds of what is kept apart.
const (
	mostFirst    = 128    // first words of lines of one shape
	mostMarked   = 16     // the same, where a shape has so many marks that lines of different kinds seldom share it
	mostInPlace  = 16     // words in another place of lines of one shape and first word
	mostLines    = 20_000 // kept apart; above, fewer words in a place are
	mostShapes   = 5_000  // of lines; those of others are other
	MostExamples = 3
	MostServices = 1000
	Severities   = 7 // none, and the six ranges of four numbers
)

// Cell is what is known of some records.
type Cell struct {
	Count      int64 // in the range
	Before     int64 // in the time before it that it is compared with
	Severity   [Severities]int64
	Over       Counts[int] // by bucket
	First      int64       // Unix ns
	Last       int64
	Examples   []engine.Key   // the newest
	ByServices Counts[string] // of MostServices, the first by name
}

// memory is about how many bytes its lists take.
func (c *Cell) memory() int {
	n := countBytes * (len(c.Over) + len(c.ByServices)) // a name is longer than the number of a bucket
	for i := range c.ByServices {
		n += len(c.ByServices[i].Key)
	}
	return n
}

func (c *Cell) merge(o *Cell) {
	if o.Count > 0 {
		if c.Count == 0 || o.First < c.First {
			c.First = o.First
		}
		c.Last = max(c.Last, o.Last)
	}
	c.Count += o.Count
	c.Before += o.Before
	for i, n := range o.Severity {
		c.Severity[i] += n
	}
	c.Examples = newest(append(slices.Clip(c.Examples), o.Examples...))
	c.Over, c.ByServices = c.Over.merged(o.Over, math.MaxInt), c.ByServices.merged(o.ByServices, MostServices)
}

// Counts are how many records have what, in order.
type Counts[K cmp.Ordered] []Counted[K]

// Counted is one of them.
type Counted[K cmp.Ordered] struct {
	Key K
	N   int64
}

// merged are the two together, so many of them, the first; both stay as they are.
func (c Counts[K]) merged(o Counts[K], most int) Counts[K] {
	if len(o) == 0 {
		return c
	}
	out := make(Counts[K], 0, min(len(c)+len(o), most))
	for len(out) < most && len(c)+len(o) > 0 {
		switch {
		case len(o) == 0 || len(c) > 0 && c[0].Key < o[0].Key:
			out, c = append(out, c[0]), c[1:]
		case len(c) == 0 || o[0].Key < c[0].Key:
			out, o = append(out, o[0]), o[1:]
		default:
			out, c, o = append(out, Counted[K]{c[0].Key, c[0].N + o[0].N}), c[1:], o[1:]
		}
	}
	return out
}

// newest are the newest examples.
func newest(list []engine.Key) []engine.Key {
	slices.SortFunc(list, engine.Key.Compare)
	return slices.Clip(list[:min(len(list), MostExamples)])
}

// Pattern is a template with what is known of the records whose bodies are like it.
type Pattern struct {
	Template string
	Cell
}

// set is the lines that came until now, by shape.
type set struct {
	shapes  map[string]*shape
	lines   int
	inPlace int // words that are told apart in a place
	coarser bool
	other   Cell // of records whose shapes have no room
	missed  bool
	count   int64 // records in the range
	grown   int   // bytes of memory
}

// shape is the lines of one shape, by their first words.
type shape struct {
	leaves map[string]*leaf
	most   int  // of these
	any    bool // there are too many first words: all lines are in the leaf of ""
}

// leaf is lines of one shape and first word.
type leaf struct {
	words []map[string]struct{} // by place: which were there; nil where they are too many
	lines map[string]*line
}

// line is lines of one shape with the same words, but for places with too many.
type line struct {
	words []string // "" for any
	cell  Cell
}

func newSet() *set { return &set{shapes: map[string]*shape{}, inPlace: mostInPlace} }

// memory of one, without its texts
const (
	lineBytes  = 400
	shapeBytes = 300
	wordBytes  = 48
	countBytes = 24
)

// add adds records of a form. The cell is not changed.
func (s *set) add(f form, c *Cell) {
	first := ""
	if len(f.words) > 0 {
		first = f.words[0]
	}
	one := leaf{words: make([]map[string]struct{}, len(f.words)), lines: map[string]*line{"": {words: f.words, cell: *c}}}
	for i, w := range f.words {
		one.words[i] = map[string]struct{}{w: {}}
	}
	s.addLeaf(f.shape, first, false, &one)
	s.count += c.Count
}

// merge adds all of another set, which is not changed.
func (s *set) merge(o *set) {
	for _, text := range slices.Sorted(maps.Keys(o.shapes)) {
		sh := o.shapes[text]
		for first, l := range sh.leaves {
			s.addLeaf(text, first, sh.any, l)
		}
	}
	s.mergeOther(&o.other)
	s.count += o.count
	s.missed, s.coarser = s.missed || o.missed, s.coarser || o.coarser
}

// mergeOther adds records whose shape has no room.
func (s *set) mergeOther(c *Cell) {
	had := s.other.memory()
	s.other.merge(c)
	s.grown += s.other.memory() - had
}

// addLeaf adds lines of a shape and first word; joined says that there were too many of these.
func (s *set) addLeaf(text, first string, joined bool, o *leaf) {
	sh := s.shapes[text]
	if sh == nil {
		if len(s.shapes) >= mostShapes {
			s.missed = true
			for _, l := range o.lines {
				s.mergeOther(&l.cell)
			}
			return
		}
		sh = &shape{leaves: map[string]*leaf{}, most: mostFirstOf(text)}
		s.shapes[text] = sh
		s.grown += shapeBytes + len(text)
	}
	if !sh.any && (joined || sh.leaves[first] == nil && len(sh.leaves) >= sh.most) {
		s.joinLeaves(sh)
	}
	if sh.any {
		first = ""
	}
	l := sh.leaves[first]
	if l == nil {
		l = newLeaf(len(o.words))
		sh.leaves[first] = l
		s.grown += shapeBytes
	}
	s.join(sh, l, o)
	if s.lines > mostLines {
		s.coarsen()
	}
}

// mostFirstOf is how many first words lines of a shape have: few where it has marks and placeholders beside words and blanks.
func mostFirstOf(shape string) int {
	const enough = 4
	marks, in := 0, false
	for i := range len(shape) {
		is := shape[i] != word && shape[i] != ' '
		if is && !in {
			marks++
		}
		in = is
	}
	if marks >= enough {
		return mostMarked
	}
	return mostFirst
}

func newLeaf(places int) *leaf {
	l := &leaf{words: make([]map[string]struct{}, places), lines: map[string]*line{}}
	for i := range l.words {
		l.words[i] = map[string]struct{}{}
	}
	return l
}

// join adds the lines of another leaf of the shape.
func (s *set) join(sh *shape, l, o *leaf) {
	changed := false
	for i, in := range o.words {
		if in == nil && l.words[i] != nil {
			l.words[i], changed = nil, true
		}
		for w := range in {
			changed = s.sees(l, i, w, s.most(sh, i)) || changed
		}
	}
	if changed {
		s.again(l)
	}
	for _, one := range o.lines {
		s.put(l, one.words, &one.cell)
	}
}

// most is how many words are told apart in a place: the first word divides leaves.
func (s *set) most(sh *shape, place int) int {
	if place == 0 && !sh.any {
		return 1
	}
	if place == 0 {
		return 0
	}
	return s.inPlace
}

// sees notes a word in a place, and reports whether these became too many.
func (s *set) sees(l *leaf, place int, w string, most int) bool {
	in := l.words[place]
	if in == nil {
		return false
	}
	before := len(in)
	in[w] = struct{}{}
	if len(in) > most {
		l.words[place] = nil
		return true
	}
	s.grown += (len(in) - before) * (wordBytes + len(w))
	return false
}

// put adds records to the line with such words.
func (s *set) put(l *leaf, words []string, c *Cell) {
	told := make([]string, len(words))
	for i, w := range words {
		if l.words[i] != nil {
			told[i] = w
		}
	}
	key := strings.Join(told, "\x00")
	at := l.lines[key]
	if at == nil {
		at = &line{words: told}
		l.lines[key] = at
		s.lines++
		s.grown += lineBytes + 2*len(key)
	}
	had := at.cell.memory()
	at.cell.merge(c)
	s.grown += at.cell.memory() - had
}

// again puts the lines of a leaf together that are the same now.
func (s *set) again(l *leaf) {
	lines := l.lines
	s.drop(lines)
	l.lines = make(map[string]*line, len(lines))
	for _, o := range lines {
		s.put(l, o.words, &o.cell)
	}
}

// drop takes lines off what there is, which are put again.
func (s *set) drop(lines map[string]*line) {
	s.lines -= len(lines)
	for key, o := range lines {
		s.grown -= lineBytes + 2*len(key) + o.cell.memory()
	}
}

// joinLeaves tells the first words of a shape apart no more.
func (s *set) joinLeaves(sh *shape) {
	sh.any = true
	var all *leaf
	for _, l := range sh.leaves {
		if all == nil {
			all = newLeaf(len(l.words))
		}
		s.drop(l.lines)
		s.join(sh, all, l)
	}
	clear(sh.leaves)
	if all != nil {
		sh.leaves[""] = all
	}
}

// coarsen tells fewer words in a place apart, until there are few enough lines.
func (s *set) coarsen() {
	s.coarser = true
	for s.lines > mostLines/2 && s.inPlace > 0 {
		s.inPlace /= 2
		for _, sh := range s.shapes {
			for _, l := range sh.leaves {
				for i, in := range l.words {
					if in != nil && len(in) > s.most(sh, i) {
						l.words[i] = nil
					}
				}
				s.again(l)
			}
		}
	}
}

// patterns are all that there are, those of most records first.
func (s *set) patterns() []Pattern {
	of := map[string]*Pattern{}
	for text, sh := range s.shapes {
		for _, l := range sh.leaves {
			for _, o := range l.lines {
				template := render(text, o.words)
				p := of[template]
				if p == nil {
					p = &Pattern{Template: template}
					of[template] = p
				}
				p.merge(&o.cell)
			}
		}
	}
	out := make([]Pattern, 0, len(of))
	for _, name := range slices.Sorted(maps.Keys(of)) {
		out = append(out, *of[name])
	}
	slices.SortStableFunc(out, func(a, b Pattern) int { return cmp.Compare(b.Count, a.Count) })
	return out
}

// render is a template.
func render(shape string, words []string) string {
	var b strings.Builder
	for i := range len(shape) {
		if shape[i] != word {
			b.WriteByte(shape[i])
			continue
		}
		b.WriteString(cmp.Or(words[0], Any))
		words = words[1:]
	}
	return b.String()
}
