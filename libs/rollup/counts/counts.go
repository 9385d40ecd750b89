// Package counts is the kind of rollup that says how many items of an hour or a day have which values: of attributes of items, resources and scopes, and
// of fields such as service, name, status or severity. It is made of settled segments, when they are settled, and tells of whole hours only. What has too
// many values it does not tell, and says so: that is counted from segments.
//
// The same functions (Facet) count the values of a segment for a rollup and for who counts a segment itself, so that a count is the same whichever way
// it comes about.
package counts

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Kinds are the kinds of rollup, of spans and of log records. A part, an hour and a day have one row each, whatever they tell of: Low and High are empty.
// What a part tells is in Minutes, though it is of no minute.
func Kinds() []rollup.Kind {
	kind := func(signal telemetry.Signal, name string) rollup.Kind {
		id, _ := KindOf(signal)
		return rollup.Kind{
			ID: id, Name: name, Signal: signal, Fold: fold,
			Settle: func(segments []*segment.Segment) ([]rollup.Content, error) { return settle(signal, segments) },
		}
	}
	return []rollup.Kind{kind(telemetry.Traces, "span_counts"), kind(telemetry.Logs, "log_counts")}
}

// The numbers of the kinds in the database.
const (
	ofSpans int16 = 2
	ofLogs  int16 = 3
)

// KindOf is the number of the kind of a signal; false where values of a signal are not counted.
func KindOf(signal telemetry.Signal) (int16, bool) {
	switch signal {
	case telemetry.Traces:
		return ofSpans, true
	case telemetry.Logs:
		return ofLogs, true
	case telemetry.Metrics:
	}
	return 0, false
}

// What is told: few enough values, or such as several items have each, so that a rollup is small beside its segments.
const (
	fewValues    = 32        // are told by an hour or a day, whatever items have them
	fewOfPart    = 128       // by a part: a few that come late are not to spoil their hour
	itemsAValue  = 4         // of more values, on average
	mostValues   = 1024      // of a key
	mostKeyBytes = 16 << 10  // of all values of a key
	mostName     = 256       // bytes of a key's name; no longer one is told
	mostKeys     = 2048      // that are told, or are said not to be
	mostBytes    = 256 << 10 // of all keys
	mostMaking   = 1 << 20   // of all keys, before what is not worth it is left out
	leastBytes   = 12 << 10  // of all keys, beside bytesAnItem
	bytesAnItem  = 2
	valueBytes   = 4 // that a value takes beside its own
	keyBytes     = 6
)

// sums are the counts of some items, in the making.
type sums struct {
	items  int64
	keys   map[Key]*keySums
	others bool  // keys that are not in keys may have values
	bytes  int   // of all keys, about
	first  int64 // of the items, Unix ns
	last   int64
	number []byte // of a value, to look it up
}

type keySums struct {
	key    Key
	lost   bool // it has more values than are told
	values map[string]int64
	items  int64 // of all values
	bytes  int
}

func newSums() *sums {
	return &sums{keys: map[Key]*keySums{}, first: math.MaxInt64, last: math.MinInt64}
}

// see notes when items were.
func (s *sums) see(first, last int64) {
	s.first, s.last = min(s.first, first), max(s.last, last)
}

// of is what is known of a key; nil where nothing can be told of it any more.
func (s *sums) of(key Key) *keySums {
	if k := s.keys[key]; k != nil {
		if k.lost {
			return nil
		}
		return k
	}
	if s.others {
		return nil
	}
	if len(key.Name) > mostName || len(s.keys) >= mostKeys || s.bytes > mostMaking {
		s.others = true
		return nil
	}
	k := &keySums{key: key, values: map[string]int64{}}
	s.keys[key] = k
	s.grow(k, len(key.Name)+keyBytes)
	return k
}

func (s *sums) grow(k *keySums, bytes int) {
	k.bytes += bytes
	s.bytes += bytes
}

// lose says that a key has more values than are told.
func (s *sums) lose(k *keySums) {
	s.grow(k, len(k.key.Name)+keyBytes-k.bytes)
	k.lost, k.values, k.items = true, nil, 0
}

// add adds items that have a value of a key, unless it has too many.
func (s *sums) add(k *keySums, value []byte, items int64) {
	if k.lost {
		return
	}
	if _, ok := k.values[string(value)]; !ok {
		if len(k.values) >= mostValues || k.bytes+len(value) > mostKeyBytes || s.bytes > mostMaking {
			s.lose(k)
			return
		}
		s.grow(k, len(value)+valueBytes)
	}
	k.values[string(value)] += items
	k.items += items
}

// addSegment adds all items of a segment that a view has open, whole.
func (s *sums) addSegment(v *segment.View, d *segment.Directory, fields []Facet, list *List) error {
	s.items += int64(v.Len())
	count := func(f *Facet) {
		k := s.of(f.Key)
		if k == nil {
			return
		}
		if f.Key.Of == OfItem {
			if info, ok := d.Key(f.Key.Name); ok && info.Distinct > mostValues {
				s.lose(k)
				return
			}
		}
		list.Forget()
		f.Count(v, nil, list)
		list.Each(func(value segment.Value, items int64) {
			s.number = appendValue(s.number[:0], value)
			s.add(k, s.number, items)
		})
	}
	for i := range fields {
		count(&fields[i])
	}
	for _, of := range []struct {
		of   Of
		keys []string
	}{{OfItem, d.Keys()}, {OfResource, v.Resources().Keys()}, {OfScope, v.Scopes().Keys()}} {
		for _, name := range of.keys {
			f, _ := For(v.Signal(), Key{of.of, name})
			count(&f)
		}
	}
	return v.Err()
}

// settle makes the part of segments of one hour.
func settle(signal telemetry.Signal, segments []*segment.Segment) ([]rollup.Content, error) {
	v, err := segment.NewView()
	if err != nil {
		return nil, fmt.Errorf("open segments: %w", err)
	}
	defer v.Close()
	s, list, fields := newSums(), &List{}, Fields(signal)
	for _, seg := range segments {
		d, err := segment.ParseDirectory(seg.Directory)
		if err != nil {
			return nil, err
		}
		v.Open(d, []segment.Part{{Bytes: seg.Body}})
		if err := s.addSegment(v, d, fields, list); err != nil {
			return nil, err
		}
		s.see(seg.MinTime, seg.MaxTime)
	}
	return s.contents(rollup.Part)
}

// fold makes an hour of parts and hours, or a day of hours.
func fold(to rollup.Grain, _ int64, _ bool, rows iter.Seq2[*rollup.Row, error]) ([]rollup.Content, error) {
	s := newSums()
	var c Chunk
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		err := c.Decode(Blob(r.Grain, r.Total, r.Minutes))
		if err == nil {
			err = s.addChunk(&c)
		}
		if err != nil {
			return nil, fmt.Errorf("row %x of %s: %w", r.ID, time.Unix(0, r.Start).UTC().Format(time.RFC3339), err)
		}
		s.see(r.MinTime, r.MaxTime)
	}
	return s.contents(to)
}

// Blob is where a row tells what it does.
func Blob(grain rollup.Grain, total, minutes []byte) []byte {
	if grain == rollup.Part {
		return minutes
	}
	return total
}

// addChunk adds what was made of other items.
func (s *sums) addChunk(c *Chunk) error {
	s.items += c.Items
	told := make(map[Key]bool, len(s.keys))
	for {
		more, known, err := c.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
		key := Key{c.key, string(c.name)}
		told[key] = true
		k := s.of(key)
		switch {
		case k == nil:
		case !known:
			s.lose(k)
		default:
			if err := c.values(func(value []byte, items int64) { s.add(k, value, items) }); err != nil {
				return err
			}
		}
	}
	if c.others {
		s.others = true
		for key, k := range s.keys {
			if !told[key] {
				s.lose(k)
			}
		}
	}
	return nil
}

// contents are what is stored of the sums; none of no items.
func (s *sums) contents(grain rollup.Grain) ([]rollup.Content, error) {
	if s.items == 0 {
		return nil, nil
	}
	few := fewValues
	if grain == rollup.Part {
		few = fewOfPart
	}
	blob, err := s.encode(few)
	if err != nil {
		return nil, err
	}
	out := rollup.Content{MinTime: s.first, MaxTime: s.last, Low: []byte{}, High: []byte{}, Total: blob, Minutes: []byte{}}
	if grain == rollup.Part {
		out.Total, out.Minutes = out.Minutes, out.Total
	}
	return []rollup.Content{out}, nil
}

// narrow loses what is not worth its bytes: keys with many values that few items have, and those that have no room in what may be told, which is little
// beside the items' segments: fields first, those of few bytes before others. Where the names alone of what is not told take a fourth of that, they are
// not said. It returns what is left.
func (s *sums) narrow(few int) []*keySums {
	list := make([]*keySums, 0, len(s.keys))
	for _, k := range s.keys {
		if !k.lost && len(k.values) > few && int64(len(k.values))*itemsAValue > k.items {
			s.lose(k)
		}
		list = append(list, k)
	}
	slices.SortFunc(list, func(a, b *keySums) int {
		return cmp.Or(cmp.Compare(b.key.Of/OfField, a.key.Of/OfField), cmp.Compare(a.bytes, b.bytes), a.key.compare(b.key))
	})
	most := int(min(leastBytes+bytesAnItem*s.items, mostBytes))
	left, names := most, 0
	for _, k := range list {
		if !k.lost && k.bytes > left {
			s.lose(k)
		}
		if k.lost {
			names += k.bytes
		} else {
			left -= k.bytes
		}
	}
	if s.others = s.others || names > most/4; s.others {
		list = slices.DeleteFunc(list, func(k *keySums) bool { return k.lost })
	}
	slices.SortFunc(list, func(a, b *keySums) int { return a.key.compare(b.key) })
	return list
}

func (k Key) compare(o Key) int {
	return cmp.Or(cmp.Compare(k.Of, o.Of), strings.Compare(k.Name, o.Name))
}
