package telemetry

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

// Part is a valid request of its own: what becomes one batch.
type Part struct {
	Payload  []byte
	Items    int
	Ordinals Ordinals // which of the request's items it holds, in this order; nil for all of them
}

// Size is what the part takes of memory, in bytes.
func (p *Part) Size() int { return cap(p.Payload) + cap(p.Ordinals)*runBytes }

// Admission is what of a request is admitted. It is used by one goroutine.
type Admission struct {
	Summary // of Check, until the parts were made: then it counts what went into none of them, too
	payload []byte
	limits  Limits
	gone    marks // what SiftSeries has left out
}

// Admit checks a request (see Check) and is how to leave out the items that are not admitted and to cut what remains into parts. The payload
// belongs to the admission.
func Admit(signal Signal, payload []byte, limits Limits) (*Admission, error) {
	summary, err := Check(signal, payload, limits)
	if err != nil {
		return nil, err
	}
	return &Admission{Summary: summary, payload: payload, limits: limits}, nil
}

// asItCame reports whether the payload itself is the only part.
func (a *Admission) asItCame() bool {
	return a.Refused() == 0 && a.Damage() == nil && a.Untimed == 0 && a.fits()
}

func (a *Admission) fits() bool { return a.limits.part() <= 0 || a.size() <= a.limits.part() }

// size bounds what is admitted, in bytes, with the times that it is given.
func (a *Admission) size() int { return len(a.payload) + a.Untimed*stampRoom }

// Copies is how many bytes the parts take together beside the payload, but for what they repeat of what their items share, and what it takes to know
// which points SiftSeries has left out; 0 where the payload is the only part. Ask before the parts are made.
func (a *Admission) Copies() int {
	if a.Items == 0 || a.asItCame() {
		return 0
	}
	return a.size() + 8*cap(a.gone.bits)
}

// Parts makes the parts one after another, each of at most limits.PartBytes, cut at the bounds of resources, scopes, metrics and items; an
// item that needs more, up to limits.MaxBytes, is a part alone. Of one that needs more than that, the largest values are cut (see CutAttribute),
// and it is counted in Cut. None is made where nothing is admitted. It is for one use.
// Order is kept, and a part says which of the request's items it holds, so that the same request may be cut otherwise when it is sent again.
//
// A log record that has neither time nor observed time gets the observed time (Unix nanoseconds): OTLP asks the first system that observes a
// record to do so, and storage needs one.
//
// Where everything is admitted as it came and fits, the only part is the payload itself. Otherwise parts are copies, of a capacity that is at most
// twice what they hold, and nothing of a part is kept when the next is made. An item in which there is not enough
// to cut is counted in Rejected[TooLarge]; its neighbours stay. Every part repeats the resource and the scope of its items: where they are
// large, parts are, too, and where they and their items do not fit into limits.MaxBytes, they are cut to at most half of that; items under
// those in which there is not enough to cut are counted in Rejected[LargeHeader]. So the parts of a request together are at most about four
// times as large as the request and its times.
func (a *Admission) Parts(observed int64) iter.Seq[Part] {
	return func(yield func(Part) bool) {
		switch {
		case a.Items == 0:
			return
		case a.asItCame():
			yield(Part{Payload: a.payload, Items: a.Items})
			return
		}
		r := a.rebuilder()
		r.gone = a.gone
		if r.cut = !a.fits(); !r.cut {
			r.bound, r.part = math.MaxInt, math.MaxInt
		}
		r.stamp, r.untimed = uint64(max(observed, 1)), a.Untimed
		r.yield = func(p Part) bool {
			if p.Items == int(r.next) && !r.sifted && r.read {
				p.Ordinals = nil
			}
			return yield(p)
		}
		r.run()
		a.Items -= r.dropped.Refused()
		a.Untimed -= r.droppedUntimed
		a.Cut = r.cutItems
		for _, reason := range []Reason{TooLarge, LargeHeader} {
			if n := r.dropped.Rejected[reason]; n > 0 {
				a.count(&r.dropped.places[reason], n)
			}
		}
	}
}

// rebuilder goes through the request as Check did.
func (a *Admission) rebuilder() *rebuilder {
	r := newRebuilder(a.signal, a.payload, a.limits)
	r.sifted = a.Damage() != nil
	r.filter = r.sifted || a.Refused() > 0
	r.judge = r.filter || a.Untimed > 0
	return r
}

// part is how large a part of several items may be; 0 is no bound.
func (l Limits) part() int {
	if l.PartBytes <= 0 || l.MaxBytes > 0 && l.MaxBytes < l.PartBytes {
		return l.MaxBytes
	}
	return l.PartBytes
}

// Message says for the client what was not admitted and why, and of how many items something was cut; "" where all is admitted as it came.
func (s *Summary) Message() string {
	var message []string
	if s.Refused() > 0 {
		message = append(message, s.refusals())
	}
	if s.Cut > 0 {
		noun, _ := s.words()
		message = append(message, fmt.Sprintf("cut the largest values of %d of %s taken, to fit %d bytes with resource and scope (%s); the mark in a value says how much of it is kept",
			s.Cut, plural(s.Items, noun), s.limits.MaxBytes, MaxBytesSetting))
	}
	return strings.Join(message, "; ")
}

// MaxBytesSetting says, for people, which setting Limits.MaxBytes comes from.
const MaxBytesSetting = "the limit is bus.max_message_bytes, or max_payload of NATS where that is less"

// words are what an item of the signal is called, and its time.
func (s *Summary) words() (noun, clock string) {
	switch s.signal {
	case Traces:
	case Logs:
		return "log record", "time"
	case Metrics:
		return "data point", "time"
	}
	return "span", "start time"
}

func (s *Summary) refusals() string {
	refused := s.Refused()
	noun, clock := s.words()
	var why []string
	for reason, count := range s.Rejected {
		if count == 0 {
			continue
		}
		n := strconv.Itoa(count)
		switch Reason(reason) {
		case TooOld:
			why = append(why, fmt.Sprintf("%s older than %s (the first has %s %s)", n, stamp(s.limits.MinTime), clock, stamp(s.First[reason])))
		case Expired:
			why = append(why, fmt.Sprintf("%s beyond retention: what is older than %s is not kept (the first has %s %s)", n, stamp(s.limits.Kept), clock, stamp(s.First[reason])))
		case TooNew:
			why = append(why, fmt.Sprintf("%s later than %s (the first has %s %s)", n, stamp(s.limits.MaxTime), clock, stamp(s.First[reason])))
		case NoTraceID:
			why = append(why, n+" without a trace id")
		case NoSpanID:
			why = append(why, n+" without a span id")
		case BadID:
			why = append(why, n+" with an id of a wrong length"+s.place(BadID))
		case TooDeep:
			why = append(why, n+" with values nested too deep"+s.place(TooDeep))
		case Malformed:
			why = append(why, n+" that cannot be read"+s.place(Malformed))
		case TooLarge:
			why = append(why, fmt.Sprintf("%s larger than %d bytes with resource and scope, in what cannot be cut%s: %s", n, s.limits.MaxBytes, s.place(TooLarge), MaxBytesSetting))
		case LargeHeader:
			why = append(why, fmt.Sprintf("%s whose resource and scope take too much to be repeated with each part of the request%s: %s", n, s.place(LargeHeader), MaxBytesSetting))
		case SeriesLimit:
			why = append(why, fmt.Sprintf("%s of new series, where the tenant has as many as it may (limit active_series, %d)", n, s.most))
		case Admitted, numReasons:
		}
	}
	return "rejected " + strconv.Itoa(refused) + " of " + plural(s.Items+refused, noun) + ": " + strings.Join(why, "; ")
}

func stamp(ns int64) string {
	if ns == 0 {
		return "0 (missing)"
	}
	if ns == math.MaxInt64 {
		return "beyond 2262"
	}
	return time.Unix(0, ns).UTC().Format(time.RFC3339Nano)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// stampSize is the observed time as a field, in bytes; stampRoom is that, and one more byte for each of the lengths of the record, its scope
// and its resource.
const (
	stampSize = 9
	stampRoom = stampSize + 3
)

// Cut returns the payload with those of its items only that are in keep; have are the ordinals of its items, all of them and in their
// order. The payload must have passed Check; nothing is left of it where no item is.
func Cut(signal Signal, payload []byte, have, keep Ordinals) []byte {
	r := newRebuilder(signal, payload, Limits{})
	r.choose, r.chosen = true, have.places(keep)
	var left []byte
	r.yield = func(p Part) bool {
		left = p.Payload // nothing bounds it: there is one
		return true
	}
	r.run()
	return left
}

// level is one of the messages around an item, from the outside in: resource, scope and, for metrics, metric and data.
type level struct {
	tag    otlp.Tag // of one byte, as all of them
	header [][2]int // the ranges of the source that belong to the message itself, not to its children
	less   []byte   // what of these is written where they were cut; else nil
	size   int      // bytes of header, or of less
	open   bool     // written to the current part
	lenAt  int      // where its length is in the current part
}

// rebuilder copies a checked request item by item into parts. A message is written when its first item is, so that none is empty.
type rebuilder struct {
	checker
	signal  Signal
	bound   int    // of a part with one item
	part    int    // of others
	filter  bool   // leave out what is not admitted
	sifted  bool   // there is damage, which is to be left out
	cut     bool   // more than one part is to be expected
	judge   bool   // look at every item again
	stamp   uint64 // observed time for untimed records
	untimed int    // of these, how many are to come at most
	reserve int    // bytes kept for a message's length until it is known

	next   uint32                   // ordinal of the next item
	choose bool                     // copy only what is in chosen
	chosen Ordinals                 // of these, what is still to come
	gone   marks                    // to be left out; with keep, what was found to be so
	left   int                      // how many were found to be so
	keep   func(series uint64) bool // copy nothing: ask of each point whether it stays
	series [5]uint64                // hash of what is around the message of a depth

	levels []level
	buf    []byte
	cur    Part

	whole bool   // what is read has all its items in a resource that fits a part
	less  []byte // the last item of which something was cut

	yield          func(Part) bool // takes a part; false for no more
	read           bool            // to its end: the next part is the last
	ended          bool            // yield wants no more
	written        int             // bytes of parts
	dropped        Refusals        // TooLarge, LargeHeader
	droppedUntimed int
	cutItems       int
}

func newRebuilder(signal Signal, payload []byte, limits Limits) *rebuilder {
	r := &rebuilder{checker: newChecker(payload, signal, limits), signal: signal, bound: limits.MaxBytes, part: limits.part()}
	if r.bound <= 0 {
		r.bound = math.MaxInt
	}
	if r.part <= 0 {
		r.part = math.MaxInt
	}
	// An observed time adds 9 bytes and a longer length to an item of at least 2 bytes.
	r.reserve = otlp.UvarintLen(uint64(min(r.bound, 8*len(payload)+64))) //nolint:gosec // not negative
	r.levels = make([]level, 2, 4)
	if signal == Metrics {
		r.levels = r.levels[:4]
	}
	return r
}

func (r *rebuilder) run() {
	for i, n := 0, 0; i < len(r.b) && !r.ended; {
		tag, s, e, _ := otlp.Next(r.b, i)
		if isChild(-1, tag) {
			const least = 2 // bytes of an item
			r.whole = e-s+min(r.untimed, (e-s)/least)*stampRoom <= r.bound-r.frames()
			r.container(0, n, tag, s, e)
			n++
		}
		i = e
	}
	r.read = true
	r.flush()
}

// isChild reports whether a field of the message at a depth holds the next level, or the items. The request is at depth -1.
func isChild(depth int, tag otlp.Tag) bool {
	switch depth {
	case -1:
		return tag == otlp.ExportResourceItems
	case 0:
		return tag == otlp.ResourceItemsScopeItems
	case 1:
		return tag == otlp.ScopeItemsItems
	case 2:
		return otlp.KindOf(tag) != 0
	}
	return tag == otlp.DataPoints
}

// container goes through the message at r.b[start:end], the nth of its like.
func (r *rebuilder) container(depth, nth int, tag otlp.Tag, start, end int) {
	if r.sifted && r.shared(depth, tag, start, end) != nil {
		r.pass(depth, start, end)
		return
	}
	if r.keep != nil {
		r.series[depth+1] = mixSeries(r.series[depth], ownFields(r.b, start, end, depth)+uint64(otlp.KindOf(tag)))
	}
	l := &r.levels[depth]
	l.tag, l.header, l.less, l.size = tag, l.header[:0], nil, 0
	r.trail[depth] = step{tag, nth}
	// The message's own fields may stand behind its children, so they are gathered first.
	for i := start; i < end; {
		tag, _, e, _ := otlp.Next(r.b[:end], i)
		if !isChild(depth, tag) {
			if n := len(l.header); n > 0 && l.header[n-1][1] == i {
				l.header[n-1][1] = e
			} else {
				l.header = append(l.header, [2]int{i, e})
			}
			l.size += e - i
		}
		i = e
	}
	if r.cut && !r.whole {
		r.shorten(depth, start, end)
	}
	var kind otlp.MetricKind
	if depth == 3 {
		kind = otlp.KindOf(tag)
	}
	for i, n := start, 0; i < end && !r.ended; {
		tag, s, e, _ := otlp.Next(r.b[:end], i)
		if isChild(depth, tag) {
			if depth+1 < len(r.levels) {
				r.container(depth+1, n, tag, s, e)
			} else {
				r.item(kind, n, i, s, e)
			}
			n++
		}
		i = e
	}
	r.closeLevel(depth)
}

// shorten cuts what the message at r.b[start:end] has of its own where that, with what is around it, takes too much of a part: 5/16 of the
// bound for a resource and a sixteenth more for each level below, half of it in all. What cannot be cut stays, and its items are refused.
func (r *rebuilder) shorten(depth, start, end int) {
	room := r.bound/16*(5+depth) - r.frames()
	for d := range depth {
		room -= r.levels[d].size
	}
	if l := &r.levels[depth]; l.size > room && room > 0 {
		if less, ok := forms.headers[depth].trim(nil, r.b[start:end], room); ok {
			l.less, l.size = less, len(less)
		}
	}
}

// pass counts the items of a message that is left out, as far as it can be read.
func (r *rebuilder) pass(depth, start, end int) {
	for i := start; i < end; {
		tag, s, e, p := otlp.Next(r.b[:end], i)
		switch {
		case p != otlp.Fine:
			return
		case !isChild(depth, tag):
		case depth+1 < len(r.levels):
			r.pass(depth+1, s, e)
		default:
			r.next++
		}
		i = e
	}
}

// item copies one item, the nth of its message, whose field begins at i and whose content is r.b[s:e].
func (r *rebuilder) item(kind otlp.MetricKind, nth, i, s, e int) {
	ordinal := r.next
	r.next++
	if r.choose {
		for len(r.chosen) > 0 && r.chosen[0].To <= ordinal {
			r.chosen = r.chosen[1:]
		}
		if len(r.chosen) == 0 || ordinal < r.chosen[0].From {
			return
		}
	}
	var v verdict
	if r.judge {
		var damage *wireError
		if v, damage = r.verdict(kind, s, e); (damage != nil || v.reason != Admitted) && r.filter {
			return
		}
	}
	if r.keep != nil {
		if !r.keep(mixSeries(r.series[len(r.levels)], fieldsSum(r.b, s, e, pointAttributes(kind)))) {
			r.gone.add(ordinal)
			r.left++
		}
		return
	}
	if r.gone.has(ordinal) {
		return
	}
	size := e - i
	if v.untimed {
		r.untimed--
		size = 1 + otlp.UvarintLen(uint64(e-s+stampSize)) + e - s + stampSize //nolint:gosec // not negative
	}
	header := r.opening(true)
	if r.cut && !r.whole && header > r.bound/2 {
		r.drop(LargeHeader, nth, v, "what the item shares with others has %s, of which not enough can be cut", header)
		return
	}
	part, less := min(r.bound, max(r.part, 2*header)), false
	if len(r.buf)+r.opening(false)+size > part {
		if header+size > r.bound {
			room := r.bound - header - (1 + otlp.UvarintLen(uint64(r.bound))) //nolint:gosec // not negative
			if v.untimed {
				room -= stampSize
			}
			if r.less, less = itemForm(r.signal, kind).trim(r.less[:0], r.b[s:e], room); !less {
				r.drop(TooLarge, nth, v, "the item has %s", e-s)
				return
			}
		}
		r.flush()
	}
	if n := len(r.cur.Ordinals); n == maxRuns && r.cur.Ordinals[n-1].To < ordinal && !r.choose {
		// So many holes that no more can be said of one part. A large resource must not be repeated for a few small items each time.
		if r.written+len(r.buf)+header > 4*len(r.b) {
			r.drop(LargeHeader, nth, v, "so many items are left out that %s would be repeated too often", header)
			return
		}
		r.flush()
	}
	if r.ended {
		return
	}
	if r.buf == nil {
		r.buf = make([]byte, 0, min(max(part, header+size), r.bound, len(r.b)-i+header+64+(r.untimed+1)*stampRoom))
	}
	for d := range r.levels {
		l := &r.levels[d]
		if l.open {
			continue
		}
		r.buf = otlp.AppendTag(r.buf, l.tag)
		l.open, l.lenAt = true, len(r.buf)
		for range r.reserve {
			r.buf = append(r.buf, 0)
		}
		if l.less != nil {
			r.buf = append(r.buf, l.less...)
			continue
		}
		for _, h := range l.header {
			r.buf = append(r.buf, r.b[h[0]:h[1]]...)
		}
	}
	r.cur.Items++
	if less || slices.ContainsFunc(r.levels, func(l level) bool { return l.less != nil }) {
		r.cutItems++
	}
	r.cur.Ordinals = r.cur.Ordinals.Add(ordinal)
	content := r.b[s:e]
	if less {
		content = r.less
	}
	switch {
	case v.untimed:
		r.buf = otlp.AppendTag(r.buf, otlp.ScopeItemsItems)
		r.buf = otlp.AppendUvarint(r.buf, uint64(len(content)+stampSize))
		r.buf = append(r.buf, content...)
		r.buf = otlp.AppendTag(r.buf, otlp.LogRecordObservedTimeUnixNano)
		r.buf = binary.LittleEndian.AppendUint64(r.buf, r.stamp)
	case less:
		r.buf = otlp.AppendBytes(r.buf, otlp.Tag(r.b[i]), content)
	default:
		r.buf = append(r.buf, r.b[i:e]...)
	}
}

// drop counts an item that goes into no part. Of the first of a reason, it is told where it stands and of what there are too many bytes.
func (r *rebuilder) drop(reason Reason, nth int, v verdict, what string, size int) {
	if v.untimed {
		r.droppedUntimed++
	}
	if r.dropped.Rejected[reason] > 0 { // there may be millions
		r.dropped.Rejected[reason]++
		return
	}
	r.trail[len(r.levels)] = step{n: nth}
	r.dropped.count(&wireError{reason: reason, what: fmt.Sprintf(what, plural(size, "byte")), path: r.path(len(r.levels))}, 1)
}

// opening is what it takes to write the messages around an item: those that are not open yet, or all of them in a new part.
func (r *rebuilder) opening(all bool) int {
	n := 0
	for d := range r.levels {
		if l := &r.levels[d]; all || !l.open {
			n += 1 + r.reserve + l.size
		}
	}
	return n
}

// frames is what tags and lengths of the messages around an item take.
func (r *rebuilder) frames() int { return len(r.levels) * (1 + r.reserve) }

// closeLevel ends the message at a depth: its length is known now.
func (r *rebuilder) closeLevel(depth int) {
	l := &r.levels[depth]
	if !l.open {
		return
	}
	l.open = false
	r.buf = closeLength(r.buf, l.lenAt, r.reserve)
}

// flush ends the current part.
func (r *rebuilder) flush() {
	for d := len(r.levels) - 1; d >= 0; d-- {
		r.closeLevel(d)
	}
	if r.cur.Items == 0 {
		return
	}
	r.written += len(r.buf)
	r.cur.Payload = r.buf
	if len(r.buf) < cap(r.buf)/2 { // as with many holes: a part would keep much more than it holds
		r.cur.Payload = bytes.Clone(r.buf)
		r.buf = r.buf[:0]
	} else {
		r.buf = nil
	}
	r.ended = !r.yield(r.cur)
	r.cur = Part{}
}
