package filter

import (
	"encoding/hex"
	"math"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/columns"
)

// What values the rows of a segment have of a field: what groups, facets and figures are made of. A row has one value of a field or none. Of a key that an item
// has several times, which OTLP forbids, it is the first; of a path through a list the first that is found; of a name for several fields (Field.AliasOf) that of
// the first of them that it has.

// Column reads which value each row of a segment has of a field. It never changes and may be used by many workers at a time.
type Column interface {
	// Columns adds the columns that Read reads.
	Columns(c *columns.Set)
	// Read numbers the values; what it gives is valid until the reader's next Open.
	Read(r *columns.Reader, to *Codes)
}

// NoValue is the code of a row that has none.
const NoValue = -1

// Codes number the values of a field in a segment. A value may have several numbers.
type Codes struct {
	Of []int32 // by row; NoValue, or below N
	N  int

	at func(code int) (segment.Value, bool)
}

// Value is what a code stands for; false for one that stands for none. Raw is valid until the next call.
func (c *Codes) Value(code int) (segment.Value, bool) {
	if code < 0 || code >= c.N {
		return segment.Value{}, false
	}
	return c.at(code)
}

// begin has no values for n rows yet.
func (c *Codes) begin(n int) {
	if cap(c.Of) < n {
		c.Of = make([]int32, max(n, segment.MaxItems))
	}
	c.Of, c.N, c.at = c.Of[:n], 0, nil
	for i := range c.Of {
		c.Of[i] = NoValue
	}
}

// constants says what the codes stand for.
func (c *Codes) constants(list []segment.Value) {
	c.N, c.at = len(list), func(code int) (segment.Value, bool) { return list[code], true }
}

// Numbers reads the number that each row of a segment has of a field. It never changes and may be used by many workers at a time.
type Numbers interface {
	// Columns adds the columns that Read reads.
	Columns(c *columns.Set)
	// Read sets to, which has an entry a row: NaN where the row has no number, or one that is infinite.
	Read(r *columns.Reader, to []float64)
}

// Column is how the values of a field are read. The error is fault.Invalid, and names the field.
func (p *Parser) Column(signal telemetry.Signal, name string) (Column, error) {
	list, err := p.valued(signal, name)
	if err != nil {
		return nil, err
	}
	var all first
	for _, f := range list {
		if f.values == nil {
			return nil, errNoGroups.Newf("%.64q has nearly as many values as items have it: nothing is grouped or counted by it", name)
		}
		all = append(all, f.values(f.key))
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

// Numbers is how the numbers of a field are read. The error is fault.Invalid, and names the field.
func (p *Parser) Numbers(signal telemetry.Signal, name string) (Numbers, error) {
	list, err := p.valued(signal, name)
	if err != nil {
		return nil, err
	}
	if len(list) == 1 && list[0].numbers != nil {
		return list[0].numbers, nil
	}
	for _, f := range list {
		if f.Kind&(Attribute|Body) == 0 || f.values == nil {
			return nil, errNoNumbers.Newf("%.64q has no numbers to add up: want duration, an attribute, or what lies within a body", name)
		}
	}
	of, err := p.Column(signal, name)
	return numbersOfColumn{of}, err
}

// valuedField is a field with the key that follows a prefix.
type valuedField struct {
	*Field
	key string
}

// valued are the fields that a name stands for.
func (p *Parser) valued(signal telemetry.Signal, name string) ([]valuedField, error) {
	f, key, ok := resolve(p.fields, signal, name)
	if !ok {
		return nil, errField.Newf("unknown field %.64q for %s%s", name, signal, nearest(p.fields, signal, name))
	}
	if f.AliasOf == nil {
		return []valuedField{{f, key}}, nil
	}
	var list []valuedField
	for _, name := range f.AliasOf {
		of, key, _ := resolve(p.fields, signal, name)
		list = append(list, valuedField{of, key})
	}
	return list, nil
}

// first is the value of the first of several columns that has one.
type first []Column

func (f first) Columns(c *columns.Set) {
	for _, of := range f {
		of.Columns(c)
	}
}

func (f first) Read(r *columns.Reader, to *Codes) {
	parts := make([]Codes, len(f))
	for i, of := range f {
		of.Read(r, &parts[i])
	}
	joined(r.Len(), parts, to)
}

// joined is for each row the first of some codes that is a value.
func joined(rows int, parts []Codes, to *Codes) {
	to.begin(rows)
	for i := range parts {
		part, from := &parts[i], int32(to.N) //nolint:gosec // at most one for each row
		if part.N == 0 {
			continue
		}
		there := make([]bool, part.N)
		for code := range there {
			_, there[code] = part.Value(code)
		}
		for row, code := range part.Of {
			if code != NoValue && to.Of[row] == NoValue && there[code] {
				to.Of[row] = from + code
			}
		}
		to.N += part.N
	}
	to.at = func(code int) (segment.Value, bool) {
		for i := range parts {
			if code < parts[i].N {
				return parts[i].Value(code)
			}
			code -= parts[i].N
		}
		return segment.Value{}, false
	}
}

// ofValues reads a column of values; "" in a column of texts is none.
func ofValues(v *segment.Values, rows int, to *Codes) {
	to.begin(rows)
	to.N, to.at = v.Distinct(), v.Value
	if to.N == 0 {
		return
	}
	at := v.Rows()
	for e := range v.Entries() {
		row := e
		if at != nil {
			row = int(at[e])
		}
		if to.Of[row] == NoValue {
			to.Of[row] = int32(v.Code(e)) //nolint:gosec // at most one for each entry
		}
	}
}

// within makes of codes of values those of what lies at a path within them.
func (c *Codes) within(path string) {
	of := c.at
	c.at = func(code int) (segment.Value, bool) {
		v, ok := of(code)
		if !ok {
			return v, false
		}
		found, ok := lies(v.OTLP(), path)
		return plain(found), ok
	}
}

// lies is the first that is found at a path within a list or map.
func lies(v otlp.Value, path string) (otlp.Value, bool) {
	if v.Type != segment.Array && v.Type != segment.Map {
		return v, false
	}
	for e := v.Elements(); e.Next(); {
		switch {
		case v.Type == segment.Array:
			if found, ok := lies(e.Value, path); ok {
				return found, true
			}
		case string(e.Key) == path:
			return e.Value, true
		case len(e.Key) < len(path) && path[len(e.Key)] == '.' && path[:len(e.Key)] == string(e.Key):
			if found, ok := lies(e.Value, path[len(e.Key)+1:]); ok {
				return found, true
			}
		}
	}
	return v, false
}

// placed reads what lies in the places of a key among the attributes of so many rows; of reads those of a key, and tells whether any has it.
func placed(places []place, rows int, to *Codes, of func(key string, to *Codes) bool) {
	var parts []Codes
	for _, p := range places {
		var one Codes
		if len(parts) == 0 && !p.within {
			one.Of = to.Of // its memory, which is to's again unless something lies within others too
		}
		if !of(p.key, &one) || one.N == 0 {
			continue
		}
		if p.within {
			one.within(p.path)
		}
		parts = append(parts, one)
	}
	switch {
	case len(parts) == 0:
		to.begin(rows)
	case len(parts) == 1:
		*to = parts[0]
	default:
		to.Of = nil
		joined(rows, parts, to)
	}
}

// textColumn is a column of texts, or of bodies.
type textColumn struct {
	column segment.TextColumn
	path   string // within a body; "" for all of it
}

func ofText(column segment.TextColumn) func(string) Column {
	return func(path string) Column { return textColumn{column, path} }
}

func (t textColumn) Columns(c *columns.Set) { c.Text(t.column) }

func (t textColumn) Read(r *columns.Reader, to *Codes) {
	if ofValues(r.Text(t.column), r.Len(), to); t.path != "" && to.N > 0 {
		to.within(t.path)
	}
}

// attributeColumn is an attribute of the items.
type attributeColumn struct{ places []place }

func ofAttribute(key string) Column { return attributeColumn{placesOf(key)} }

func (a attributeColumn) Columns(c *columns.Set) {
	for _, p := range a.places {
		c.Attribute(p.key)
	}
}

func (a attributeColumn) Read(r *columns.Reader, to *Codes) {
	if r.Signal() == telemetry.Metrics {
		readSeries(r, to, func(of *segment.Table, s *segment.Series) (segment.Value, bool) {
			return among(of, s.Attributes, a.places)
		})
		return
	}
	placed(a.places, r.Len(), to, func(key string, to *Codes) bool {
		ofValues(r.Attribute(key), r.Len(), to)
		return true
	})
}

// among is what lies at one of some places among attributes.
func among(of *segment.Table, attributes []segment.ValueID, places []place) (segment.Value, bool) {
	for _, p := range places {
		for _, id := range attributes {
			v := &of.Values[id]
			if of.Keys[v.Key] != p.key {
				continue
			}
			if !p.within {
				return *v, true
			}
			if found, ok := lies(v.OTLP(), p.path); ok {
				return plain(found), true
			}
		}
	}
	return segment.Value{}, false
}

// readSeries reads what each series of points has.
func readSeries(r *columns.Reader, to *Codes, of func(of *segment.Table, s *segment.Series) (segment.Value, bool)) {
	to.begin(r.Len())
	all := r.Dictionaries()
	if r.Err() != nil {
		return
	}
	list := newDictionary()
	codes := make([]int32, len(all.Series))
	for i := range all.Series {
		codes[i] = NoValue
		if v, ok := of(all, &all.Series[i]); ok {
			codes[i] = list.code(v)
		}
	}
	for row, n := range all.Ints[segment.ColSeries] {
		to.Of[row] = codes[n]
	}
	to.constants(list.values)
}

// dictionary numbers values.
type dictionary struct {
	values []segment.Value
	codes  map[string]int32
	key    []byte
}

func newDictionary() *dictionary { return &dictionary{codes: map[string]int32{}} }

func (d *dictionary) code(v segment.Value) int32 {
	d.key = AppendKey(d.key[:0], v)
	code, ok := d.codes[string(d.key)]
	if !ok {
		code = int32(len(d.values)) //nolint:gosec // at most one for each row
		d.codes[string(d.key)] = code
		d.values = append(d.values, v)
	}
	return code
}

// AppendKey appends bytes that two values share if they are of one type and equal, and that say where they end.
func AppendKey(b []byte, v segment.Value) []byte {
	n := len(v.Raw)
	b = append(b, byte(v.Type), byte(n), byte(n>>8), byte(n>>16), byte(n>>24)) //nolint:gosec // parts of a length
	for shift := 0; shift < 64; shift += 8 {
		b = append(b, byte(v.Num>>shift)) //nolint:gosec // part of a number
	}
	return append(b, v.Raw...)
}

// ReadKey is the value that AppendKey wrote first, which refers to b, and what follows.
func ReadKey(b []byte) (v segment.Value, rest []byte) {
	n := int(b[1]) | int(b[2])<<8 | int(b[3])<<16 | int(b[4])<<24
	v.Type = segment.ValueType(b[0])
	for i := range 8 {
		v.Num |= uint64(b[5+i]) << (8 * i)
	}
	const head = 13
	if n > 0 {
		v.Raw = b[head : head+n : head+n]
	}
	return v, b[head+n:]
}

// ofMetric is a part of the metric of points.
type ofMetric func(m *segment.Metric) (segment.Value, bool)

func ofMetrics(of ofMetric) func(string) Column { return func(string) Column { return of } }

func (m ofMetric) Columns(c *columns.Set) { c.Int(segment.ColSeries) }

func (m ofMetric) Read(r *columns.Reader, to *Codes) {
	readSeries(r, to, func(of *segment.Table, s *segment.Series) (segment.Value, bool) { return m(&of.Metrics[s.Metric]) })
}

// given is a text, where "" is none.
func given(s string) (segment.Value, bool) { return text(s), s != "" }

// resourceColumn is something of the items' resources.
type resourceColumn struct {
	points func(of *segment.Table, r *segment.Resource) (segment.Value, bool)
	items  func(r *columns.Reader, to *Codes) // by resource

	service func(name, namespace string) string // where it is a part of what the service is called; else nil
}

func (f resourceColumn) Columns(c *columns.Set) { c.Resource() }

func (f resourceColumn) Read(r *columns.Reader, to *Codes) {
	if r.Signal() == telemetry.Metrics {
		readSeries(r, to, func(of *segment.Table, s *segment.Series) (segment.Value, bool) {
			return f.points(of, &of.Resources[s.Resource])
		})
		return
	}
	var entries Codes
	f.items(r, &entries)
	to.refer(r, &entries, segment.ColResource)
}

// refer gives each row what its entry of a dictionary has.
func (c *Codes) refer(r *columns.Reader, entries *Codes, column segment.Column) {
	c.begin(r.Len())
	rows := r.Ints(column)
	if r.Err() != nil || entries.N == 0 {
		return
	}
	c.N, c.at = entries.N, entries.at
	for row, n := range rows {
		if int(n) < len(entries.Of) {
			c.Of[row] = entries.Of[n]
		}
	}
}

func ofResource(key string) Column {
	places := placesOf(key)
	return resourceColumn{
		points: func(of *segment.Table, r *segment.Resource) (segment.Value, bool) {
			return among(of, r.Attributes, places)
		},
		items: func(r *columns.Reader, to *Codes) {
			all := r.Resources()
			placed(places, all.N, to, func(key string, to *Codes) bool { return ofBlock(all.Attribute(key), all.N, to) })
		},
	}
}

// ofBlock reads an attribute of a dictionary's n entries.
func ofBlock(values *segment.Values, n int, to *Codes) bool {
	if values == nil {
		return false
	}
	ofValues(values, n, to)
	return true
}

// ofService is a part of what a service is called.
func ofService(part func(name, namespace string) string) func(string) Column {
	return func(string) Column {
		return resourceColumn{
			service: part,
			points: func(_ *segment.Table, r *segment.Resource) (segment.Value, bool) {
				return given(part(r.ServiceName, r.ServiceNamespace))
			},
			items: func(r *columns.Reader, to *Codes) {
				services := r.Services()
				to.begin(len(services))
				list := newDictionary()
				for i, s := range services {
					if v, ok := given(part(s.Name, s.Namespace)); ok {
						to.Of[i] = list.code(v)
					}
				}
				to.constants(list.values)
			},
		}
	}
}

// scopeColumn is something of the items' instrumentation scopes.
type scopeColumn struct {
	points func(of *segment.Table, s *segment.Scope) (segment.Value, bool)
	items  func(s *segment.Scopes, to *Codes) // by scope
}

func (f scopeColumn) Columns(c *columns.Set) { c.Scope() }

func (f scopeColumn) Read(r *columns.Reader, to *Codes) {
	if r.Signal() == telemetry.Metrics {
		readSeries(r, to, func(of *segment.Table, s *segment.Series) (segment.Value, bool) {
			return f.points(of, &of.Scopes[s.Scope])
		})
		return
	}
	var entries Codes
	f.items(r.Scopes(), &entries)
	to.refer(r, &entries, segment.ColScope)
}

func ofScope(key string) Column {
	places := placesOf(key)
	return scopeColumn{
		points: func(of *segment.Table, s *segment.Scope) (segment.Value, bool) {
			return among(of, s.Attributes, places)
		},
		items: func(s *segment.Scopes, to *Codes) {
			placed(places, s.N, to, func(key string, to *Codes) bool { return ofBlock(s.Attribute(key), s.N, to) })
		},
	}
}

// ofScopeText is the name or the version of a scope.
func ofScopeText(points func(s *segment.Scope) string, items func(s *segment.Scopes) [][]byte) func(string) Column {
	return func(string) Column {
		return scopeColumn{
			points: func(_ *segment.Table, s *segment.Scope) (segment.Value, bool) { return given(points(s)) },
			items: func(s *segment.Scopes, to *Codes) {
				to.begin(s.N)
				texts, list := items(s), newDictionary()
				for i := range min(s.N, len(texts)) {
					if v, ok := given(string(texts[i])); ok {
						to.Of[i] = list.code(v)
					}
				}
				to.constants(list.values)
			},
		}
	}
}

// enumColumn is a column of numbers that have names; each is told by its name, and one without by itself.
type enumColumn struct {
	enum
	column     segment.Column
	zeroIsNone bool
}

func (e enum) values(column segment.Column, zeroIsNone bool) func(string) Column {
	return func(string) Column { return enumColumn{e, column, zeroIsNone} }
}

// named is what a number is told as.
func (e enum) named(n int64) segment.Value {
	for name := range e.names {
		if is := e.of(name); n >= is.low && n <= is.high {
			return text(e.names[name])
		}
	}
	return integer(n)
}

func (e enumColumn) Columns(c *columns.Set) { c.Int(e.column) }

func (e enumColumn) Read(r *columns.Reader, to *Codes) {
	to.begin(r.Len())
	list := newDictionary()
	const few = 32
	var known [few]int32 // codes and one, of small numbers
	for row, n := range r.Ints(e.column) {
		if n == 0 && e.zeroIsNone {
			continue
		}
		small := uint64(n) < few //nolint:gosec // a negative one is large
		if small && known[n] > 0 {
			to.Of[row] = known[n] - 1
			continue
		}
		code := list.code(e.named(n))
		if small {
			known[n] = code + 1
		}
		to.Of[row] = code
	}
	to.constants(list.values)
}

// typeOfMetric is the type of a metric by its name.
func typeOfMetric(m *segment.Metric) (segment.Value, bool) {
	return metricTypes().named(int64(m.Kind)), true
}

// rootColumn is whether a span has no parent.
type rootColumn struct{}

func ofRoot(string) Column { return rootColumn{} }

func (rootColumn) Columns(c *columns.Set) { c.ParentIDs = true }

func (rootColumn) Read(r *columns.Reader, to *Codes) {
	to.begin(r.Len())
	for row, id := range r.ParentIDs() {
		if to.Of[row] = 0; id == [8]byte{} {
			to.Of[row] = 1
		}
	}
	to.constants([]segment.Value{boolean(false), boolean(true)})
}

// traceColumn is the trace of an item, by its hex digits.
type traceColumn struct{}

func ofTrace(string) Column { return traceColumn{} }

func (traceColumn) Columns(c *columns.Set) { c.TraceIDs = true }

func (traceColumn) Read(r *columns.Reader, to *Codes) {
	to.begin(r.Len())
	ids := r.TraceIDs()
	if r.Err() != nil {
		return
	}
	for row, entry := range ids.Rows {
		if ids.Distinct[entry] != [16]byte{} {
			to.Of[row] = int32(entry) //nolint:gosec // at most one for each row
		}
	}
	to.N, to.at = len(ids.Distinct), func(code int) (segment.Value, bool) {
		return text(hex.EncodeToString(ids.Distinct[code][:])), true
	}
}

// durations are how long spans took, in nanoseconds, where that is known.
type durations struct{}

func (durations) Columns(c *columns.Set) { c.Int(segment.ColTime, segment.ColDuration) }

func (durations) Read(r *columns.Reader, to []float64) {
	starts := r.Ints(segment.ColTime)
	for row, n := range r.Ints(segment.ColDuration) {
		if to[row] = math.NaN(); otlp.DurationKnown(starts[row], n) {
			to[row] = float64(n)
		}
	}
}

// numbersOfColumn are the values of a column that are numbers.
type numbersOfColumn struct{ Column }

func (c numbersOfColumn) Read(r *columns.Reader, to []float64) {
	var codes Codes
	c.Column.Read(r, &codes)
	of := make([]float64, codes.N)
	for code := range of {
		v, ok := codes.Value(code)
		of[code] = numberOf(v, ok)
	}
	for row, code := range codes.Of {
		if to[row] = math.NaN(); code != NoValue {
			to[row] = of[code]
		}
	}
}

// numberOf is a value as a number: an integer or a finite double; a text is none, whatever it says.
func numberOf(v segment.Value, ok bool) float64 {
	switch {
	case ok && v.Type == segment.Int:
		return towardsZero(intOf(v))
	case ok && v.Type == segment.Double && !math.IsInf(doubleOf(v), 0):
		return doubleOf(v)
	}
	return math.NaN()
}

// towardsZero is an integer as the double that is nearest and not further from 0: what is below a bound that a double holds stays below it.
func towardsZero(n int64) float64 {
	x := float64(n)
	if order, _ := compareIntFloat(n, x); order < 0 && x > 0 || order > 0 && x < 0 {
		return math.Nextafter(x, 0)
	}
	return x
}

// IsDuration reports whether numbers are lengths of time, in nanoseconds.
func IsDuration(n Numbers) bool { return n == Numbers(durations{}) }
