package series

// The bytes of a rollup, packed: numbers are varints, those of differences signed where they can be negative.
//
//	1 where it is told by minutes, else 0 │ points that are not told │ texts: their number, each with its length │ sets of minutes: their number, each a number of
//	60 bits │ lists of values: their number, each a set │ metrics: their number, each as follows
//	metric:  name and unit (of texts), type, temporality, monotonic │ description (of texts), when it was given since the start │ metadata: their number,
//	         key (of texts), type, number, length of the bytes, bytes │ points │ last, since the start
//	         services: 0 or 1 where there are more │ their number, each of texts, by which it is larger than the one before, and their minutes
//	         series: a set │ labels: their number, each of what, key (of texts), which list of values
//	         by minutes: their number, each the minute, points, last since the minute began as the difference to the one before
//	set:     1 + what all are below, or 0 │ number │ hashes, each the difference to the one before │ minutes
//	minutes: where it is told by minutes, 1 + the set that all have, or 0 and that of each

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/rollup/internal/packed"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// dictionary numbers what comes again.
type dictionary[T comparable] struct {
	at   map[T]uint64
	list []T
}

func (d *dictionary[T]) of(v T) uint64 {
	if d.at == nil {
		d.at = map[T]uint64{}
	}
	n, ok := d.at[v]
	if !ok {
		n = uint64(len(d.list))
		d.at[v] = n
		d.list = append(d.list, v)
	}
	return n
}

type encoder struct {
	start     int64
	byMinutes bool
	texts     dictionary[string]
	minutes   dictionary[uint64]
	values    dictionary[string] // sets as they are written
}

func signed(b []byte, v int64) []byte { return binary.AppendUvarint(b, uint64(v<<1)^uint64(v>>63)) } //nolint:gosec // zigzag

// encode is the catalogue as a row. It is made as narrow as that takes.
func (c *Catalogue) encode(start int64, byMinutes bool) ([]byte, error) {
	to := wholeRoom()
	for {
		b := c.write(start, byMinutes, to)
		if len(b) <= mostBytes || len(c.Metrics) <= 1 {
			return packed.Pack(b)
		}
		to = c.used().times(mostBytes/10*9, len(b))
	}
}

// write is the bytes of what there is room for.
func (c *Catalogue) write(start int64, byMinutes bool, to room) []byte {
	e := &encoder{start: start, byMinutes: byMinutes}
	keys := c.narrow(to)
	var metrics []byte
	names := map[string]bool{} // of services, in order, so that they are told by differences
	for _, key := range keys {
		for _, name := range c.Metrics[key].Services.values {
			names[name] = true
		}
	}
	for _, name := range sorted(names) {
		e.texts.of(name)
	}
	for _, key := range keys {
		metrics = e.metric(metrics, key, c.Metrics[key])
	}
	b := binary.AppendUvarint(nil, number(byMinutes))
	b = binary.AppendUvarint(b, uint64(c.Untold)) //nolint:gosec // a count
	b = binary.AppendUvarint(b, uint64(len(e.texts.list)))
	for _, text := range e.texts.list {
		b = append(binary.AppendUvarint(b, uint64(len(text))), text...)
	}
	b = binary.AppendUvarint(b, uint64(len(e.minutes.list)))
	for _, set := range e.minutes.list {
		b = binary.AppendUvarint(b, set)
	}
	b = binary.AppendUvarint(b, uint64(len(e.values.list)))
	for _, set := range e.values.list {
		b = append(b, set...)
	}
	b = binary.AppendUvarint(b, uint64(len(keys)))
	return append(b, metrics...)
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for name := range set {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

func (e *encoder) metric(b []byte, key Key, m *Metric) []byte {
	for _, n := range []uint64{
		e.texts.of(key.Name), e.texts.of(key.Unit), uint64(key.Type), uint64(uint32(key.Temporality)), number(key.Monotonic), e.texts.of(m.Description), //nolint:gosec // bits
	} {
		b = binary.AppendUvarint(b, n)
	}
	b = signed(b, m.described-e.start)
	b = binary.AppendUvarint(b, uint64(len(m.Metadata)))
	for i := range m.Metadata {
		a := &m.Metadata[i]
		b = append(binary.AppendUvarint(b, e.texts.of(a.Key)), byte(a.Value.Type))
		b = binary.AppendUvarint(b, a.Value.Num)
		b = append(binary.AppendUvarint(b, uint64(len(a.Value.Raw))), a.Value.Raw...)
	}
	b = binary.AppendUvarint(b, uint64(m.Points)) //nolint:gosec // a count
	b = signed(b, m.Last-e.start)
	b = binary.AppendUvarint(b, number(m.More))
	b = binary.AppendUvarint(b, uint64(len(m.Services.values)))
	before := uint64(0)
	for _, name := range m.Services.values {
		n := e.texts.of(name)
		b = binary.AppendUvarint(b, n-before)
		before = n
	}
	b = e.minutesOf(b, m.Services.minutes)
	b = e.set(b, &m.Series)
	b = binary.AppendUvarint(b, uint64(len(m.Labels)))
	for i := range m.Labels {
		l := &m.Labels[i]
		b = binary.AppendUvarint(append(b, byte(l.Key.Of)), e.texts.of(l.Key.Name))
		b = binary.AppendUvarint(b, e.values.of(string(e.set(nil, &l.Values))))
	}
	if !e.byMinutes {
		return b
	}
	b = binary.AppendUvarint(b, uint64(len(m.minutes)))
	last := int64(0)
	for _, n := range m.minutes {
		b = binary.AppendUvarint(append(b, n.at), uint64(n.points)) //nolint:gosec // a count
		b = signed(b, n.last-last)
		last = n.last
	}
	return b
}

func (e *encoder) set(b []byte, s *Set) []byte {
	below := uint64(0)
	if s.below != 0 {
		below = s.below + 1
	}
	b = binary.AppendUvarint(b, below)
	b = binary.AppendUvarint(b, uint64(len(s.values)))
	before := uint64(0)
	for _, hash := range s.values {
		b = binary.AppendUvarint(b, hash-before)
		before = hash
	}
	return e.minutesOf(b, s.minutes)
}

func (e *encoder) minutesOf(b []byte, list []uint64) []byte {
	if !e.byMinutes || len(list) == 0 {
		return b
	}
	if slices.Max(list) == slices.Min(list) {
		return binary.AppendUvarint(b, 1+e.minutes.of(list[0]))
	}
	b = append(b, 0)
	for _, set := range list {
		b = binary.AppendUvarint(b, e.minutes.of(set))
	}
	return b
}

func errDamaged() error { return packed.ErrDamaged.New("the bytes are no catalogue of series") }

// decoder reads one rollup. What does not fit makes rest Bad.
type decoder struct {
	rest      packed.Numbers
	start     int64
	byMinutes bool   // it is told by minutes,
	within    uint64 // of which these count,
	keep      bool   // and what is told of each is kept
	values    bool   // of labels, not only the keys are read
	texts     []string
	minutes   []uint64
	sets      []Set
	before    map[Key]written // series as the row before has them, which are passed over where they are the same; nil where all are read
	now       map[Key]written // and this one
}

// written is hashes as a row has them, without their minutes.
type written struct {
	bytes []byte
	n     int // how many they are
}

// decode reads a rollup of an hour or day that begins at start.
func decode(blob []byte, start int64, within uint64, keep, values bool) (*Catalogue, error) {
	var memory []byte
	raw, err := packed.Unpack(&memory, blob)
	if err != nil {
		return nil, err
	}
	return (&decoder{rest: packed.Numbers{Rest: raw}, start: start, within: within, keep: keep, values: values}).catalogue()
}

// Reader reads rollups of which all is put together. Most hours have the same series: of those that the row before has in the same bytes, nothing is unpacked.
type Reader struct {
	Values bool // of labels, not only the keys are read

	before      map[Key]written // in raw
	raw, memory []byte
}

// Read is what a rollup tells of some minutes of its hour, as the function Read does, but for series of a metric that what was read before has: they are
// left out. What is read must be merged into one catalogue, with all before it.
func (r *Reader) Read(blob []byte, start int64, minutes uint64) (*Catalogue, error) {
	if minutes != AllMinutes {
		return Read(blob, start, minutes, r.Values)
	}
	raw, err := packed.Unpack(&r.memory, blob)
	if err != nil {
		return nil, err
	}
	if len(raw) > 0 && (cap(r.memory) == 0 || &raw[0] != &r.memory[:1][0]) { // it is the blob's, which is valid during this call
		r.memory = append(r.memory[:0], raw...)
		raw = r.memory
	}
	d := &decoder{rest: packed.Numbers{Rest: raw}, start: start, within: minutes, values: r.Values, before: r.before, now: map[Key]written{}}
	out, err := d.catalogue()
	if err != nil {
		return nil, err
	}
	r.before, r.raw, r.memory = d.now, r.memory, r.raw[:0]
	return out, nil
}

func (d *decoder) catalogue() (*Catalogue, error) {
	out := New()
	d.byMinutes = d.rest.Below(1) == 1
	if d.keep && !d.byMinutes {
		d.rest.Fail()
	}
	out.Untold = d.positive()
	d.texts = make([]string, d.rest.Count())
	for i := range d.texts {
		d.texts[i] = string(d.bytes(d.rest.Count()))
	}
	d.minutes = make([]uint64, d.rest.Count())
	for i := range d.minutes {
		if d.minutes[i] = d.rest.Next(); d.minutes[i] > AllMinutes {
			d.rest.Fail()
		}
	}
	d.sets = make([]Set, d.rest.Count())
	for i := range d.sets {
		d.sets[i] = d.set(MostValues, d.values)
	}
	for range d.rest.Count() {
		key, m := d.metric()
		if d.rest.Bad {
			break
		}
		if m.Points > 0 {
			out.Metrics[key] = m
		} else {
			delete(d.now, key)
		}
	}
	if d.rest.Bad || len(d.rest.Rest) > 0 {
		return nil, errDamaged()
	}
	return out, nil
}

func (d *decoder) bytes(n int) []byte {
	if d.rest.Bad || n > len(d.rest.Rest) {
		d.rest.Fail()
		return nil
	}
	b := d.rest.Rest[:n]
	d.rest.Rest = d.rest.Rest[n:]
	return b
}

func (d *decoder) positive() int64 {
	v := int64(d.rest.Next()) //nolint:gosec // as told
	if v < 0 {
		d.rest.Fail()
		return 0
	}
	return v
}

func (d *decoder) text() string {
	n := d.rest.Below(len(d.texts) - 1)
	if d.rest.Bad {
		return ""
	}
	return d.texts[n]
}

const (
	mostType        = 0x7f
	mostTemporality = 1<<32 - 1
)

func (d *decoder) metric() (Key, *Metric) {
	key := Key{Name: d.text(), Unit: d.text(), Type: segment.MetricKind(d.rest.Below(int(otlp.Summary)))} //nolint:gosec // as told
	key.Temporality, key.Monotonic = int32(uint32(d.rest.Below(mostTemporality))), d.rest.Below(1) == 1   //nolint:gosec // bits
	m := &Metric{Description: d.text()}
	m.described = d.start + d.rest.Signed()
	for range d.rest.Count() {
		a := Attribute{Key: d.text()}
		a.Value.Type, a.Value.Num = segment.ValueType(d.rest.Below(mostType)), d.rest.Next() //nolint:gosec // as told
		a.Value.Raw = slices.Clone(d.bytes(d.rest.Count()))
		m.Metadata = append(m.Metadata, a)
	}
	m.Points, m.Last = d.positive(), d.start+d.rest.Signed()
	m.More = d.rest.Below(1) == 1
	names := list[string]{values: make([]string, d.rest.Count())}
	at := 0
	for i := range names.values {
		at += d.rest.Below(len(d.texts) - 1 - at)
		if d.rest.Bad {
			return key, m
		}
		names.values[i] = d.texts[at]
	}
	m.Services.list = within(d, names)
	m.Series = d.series(key)
	labels := d.rest.Count()
	m.Labels = make([]Label, 0, labels)
	for range labels {
		l := Label{Key: counts.Key{Of: counts.Of(d.rest.Below(int(counts.OfField)))}} //nolint:gosec // as told
		l.Key.Name = d.text()
		n := d.rest.Below(len(d.sets) - 1)
		if d.rest.Bad {
			return key, m
		}
		if l.Values = d.sets[n]; len(l.Values.values) > 0 {
			m.Labels = append(m.Labels, l)
		}
	}
	if !d.values {
		for i := range m.Labels {
			m.Labels[i].Values = Set{}
		}
	}
	if d.byMinutes {
		d.byMinute(m)
	}
	return key, m
}

// byMinute reads what a metric has in each minute, and where not all count, tells of these alone.
func (d *decoder) byMinute(m *Metric) {
	last := int64(0)
	points, newest := int64(0), int64(0)
	for range d.rest.Count() {
		n := minute{at: uint8(d.rest.Below(59)), points: d.positive()} //nolint:gosec // as told
		last += d.rest.Signed()
		n.last = last
		if d.rest.Bad {
			return
		}
		if d.within>>n.at&1 == 0 {
			continue
		}
		points += n.points
		newest = max(newest, d.start+int64(n.at)*60e9+n.last)
		if d.keep {
			m.minutes = append(m.minutes, n)
		}
	}
	if d.within != AllMinutes {
		m.Points, m.Last = points, newest
	}
}

// series reads the series of a metric; none where the row before has the same.
func (d *decoder) series(key Key) Set {
	if d.now == nil {
		return d.set(MostSeries, true)
	}
	all := d.rest.Rest
	if is := d.before[key]; len(is.bytes) > 0 && bytes.HasPrefix(all, is.bytes) {
		d.rest.Rest = all[len(is.bytes):]
		d.passMinutes(is.n)
		d.now[key] = written{all[:len(is.bytes)], is.n}
		return Set{}
	}
	s := d.hashes(MostSeries)
	d.now[key] = written{all[:len(all)-len(d.rest.Rest)], len(s.values)}
	d.passMinutes(len(s.values))
	return s
}

// pass passes over so many numbers.
func (d *decoder) pass(n int) {
	const ends = 0x8080808080808080 // bits that the last byte of a number lacks
	b := d.rest.Rest
	for n >= 8 && len(b) >= 8 {
		n -= bits.OnesCount64(^binary.LittleEndian.Uint64(b) & ends)
		b = b[8:]
	}
	for ; n > 0 && len(b) > 0; b = b[1:] {
		if b[0] < 0x80 {
			n--
		}
	}
	if d.rest.Rest = b; n > 0 {
		d.rest.Fail()
	}
}

// passMinutes passes over the minutes of a list of so many, all of which count.
func (d *decoder) passMinutes(n int) {
	if d.byMinutes && n > 0 && d.rest.Below(len(d.minutes)) == 0 {
		d.pass(n)
	}
}

// any reads of a set only whether there is something in it, where all minutes count.
func (d *decoder) any(most int) (s Set) {
	if below := d.rest.Next(); below > 0 {
		s.below = below - 1
	}
	n := d.rest.Below(min(most, len(d.rest.Rest)))
	if n > 0 {
		s.values = []uint64{d.rest.Next()}
		d.pass(n - 1)
		d.passMinutes(n)
	}
	return s
}

// set reads a set, and keeps of it what is in the minutes that count.
func (d *decoder) set(most int, wanted bool) (s Set) {
	if !wanted && !d.keep && d.within == AllMinutes {
		return d.any(most)
	}
	s = d.hashes(most)
	s.list = within(d, s.list)
	if !wanted && len(s.values) > 1 { // whether there is one is all that matters
		s.cut(1)
	}
	return s
}

// hashes reads a set but for its minutes.
func (d *decoder) hashes(most int) (s Set) {
	if below := d.rest.Next(); below > 0 {
		s.below = below - 1
	}
	n := d.rest.Below(min(most, len(d.rest.Rest)))
	s.values = make([]uint64, n)
	before := uint64(0)
	for i := range s.values {
		before += d.rest.Next()
		s.values[i] = before
	}
	return s
}

// within reads the minutes of a list, and keeps of it what is in those that count.
func within[T uint64 | string](d *decoder, l list[T]) list[T] {
	if !d.byMinutes || len(l.values) == 0 {
		return l
	}
	same := d.rest.Below(len(d.minutes))
	if d.rest.Bad {
		return list[T]{}
	}
	if same > 0 {
		set := d.minutes[same-1]
		if set&d.within == 0 {
			return list[T]{}
		}
		if d.keep {
			l.minutes = slices.Repeat([]uint64{set}, len(l.values))
		}
		return l
	}
	kept := l.values[:0]
	for _, v := range l.values {
		n := d.rest.Below(len(d.minutes) - 1)
		if d.rest.Bad {
			return list[T]{}
		}
		if d.minutes[n]&d.within == 0 {
			continue
		}
		kept = append(kept, v)
		if d.keep {
			l.minutes = append(l.minutes, d.minutes[n])
		}
	}
	l.values = kept
	return l
}
