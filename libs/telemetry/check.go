package telemetry

import (
	"math"
	"time"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

// Limits bound what is admitted. The zero value bounds nothing but what the storage itself cannot hold.
type Limits struct {
	// MinTime and MaxTime bound an item's time, in Unix nanoseconds, both inclusive: a span's start, a record's time (its observed time where
	// it has none), a point's time. 0 is no bound.
	MinTime, MaxTime int64
	// Kept is from where on data of the tenant and signal is kept, in Unix nanoseconds: what is older would be dropped at once. 0 is no bound.
	Kept int64
	// PartBytes is how large the parts are at most that Admit splits a request into, and MaxBytes how large one may be that holds a single item
	// which does not fit, or items with much in common. Where MaxBytes is less than PartBytes, or PartBytes is 0, it bounds every part. 0 of
	// both is no bound.
	PartBytes, MaxBytes int
}

// Reason is why an item is not admitted.
type Reason uint8

// The reasons, in the order in which a message lists them.
const (
	Admitted    Reason = iota
	TooOld             // before Limits.MinTime
	Expired            // before Limits.Kept
	TooNew             // after Limits.MaxTime, or beyond what 63 bits of nanoseconds can say
	NoTraceID          // a span whose trace id is missing or all zero
	NoSpanID           // a span whose span id is missing or all zero
	BadID              // an id of it, a link or an exemplar is neither empty nor of its length
	TooDeep            // a value of it is nested deeper than otlp.MaxNesting
	Malformed          // its bytes are no protobuf, or a known field has the wrong wire type
	TooLarge           // with its resource and scope it exceeds Limits.MaxBytes, and there is not enough in it that could be cut
	LargeHeader        // its request must be split, and what it shares with others exceeds half of Limits.MaxBytes, with not enough to cut, or would be repeated too often
	SeriesLimit        // a data point of a series that its tenant has not, where it has as many as it may: see SiftSeries
	numReasons
)

// String is the reason's stable name, used in metrics.
func (r Reason) String() string {
	switch r {
	case Admitted:
		return "admitted"
	case TooOld:
		return "too_old"
	case Expired:
		return "expired"
	case TooNew:
		return "too_new"
	case NoTraceID:
		return "no_trace_id"
	case NoSpanID:
		return "no_span_id"
	case BadID:
		return "bad_id"
	case TooDeep:
		return "too_deep"
	case Malformed:
		return "malformed"
	case TooLarge:
		return "too_large"
	case LargeHeader:
		return "large_header"
	case SeriesLimit:
		return "series_limit"
	case numReasons:
	}
	return "unknown"
}

// checker walks a request. It lives on the stack of its caller and allocates nothing.
type checker struct {
	b        []byte
	min, max uint64
	summary  Summary
	own      bool    // only what a container has of its own is looked at, not its items
	trail    [5]step // by depth (see isChild): which message a walk that leaves items out is in, and last, which item it is at
}

// Summary counts a request's items.
type Summary struct {
	Items   int  // admitted spans, records or points
	Untimed int  // of these, log records with neither time nor observed time: see Admission.Parts
	Fine    bool // some item has a time that is no whole second
	Cut     int  // of Items, those of which something was cut, or of what they share: see Admit
	Refusals
	limits Limits
	most   int64 // series: see SiftSeries
	signal Signal
}

// Refusals counts the items that are not admitted, and knows where the first of a kind is. The zero value has none.
type Refusals struct {
	Rejected [numReasons]int // by Reason
	First    [numReasons]int64
	damage   *wireError             // the first; nil where there is none
	places   *[numReasons]wireError // where the first damage of a reason is
}

// Refuse counts n items that are refused for damage: BadID, TooDeep or Malformed.
func (r *Refusals) Refuse(reason Reason, n int, v ViolationError) {
	r.refuse(&wireError{path: v.Field, what: v.Description, reason: reason}, n)
}

func (r *Refusals) refuse(damage *wireError, n int) {
	if r.damage == nil {
		r.damage = damage
	}
	r.count(damage, n)
}

// count counts n items that are refused, and keeps the place of the first.
func (r *Refusals) count(damage *wireError, n int) {
	if n == 0 {
		return
	}
	if r.places == nil {
		r.places = new([numReasons]wireError)
	}
	if r.Rejected[damage.reason] == 0 {
		r.places[damage.reason] = *damage
	}
	r.Rejected[damage.reason] += n
}

// Add counts what was refused before, by a reader that could not even say it in protobuf: its places are told first.
func (r *Refusals) Add(before Refusals) {
	for reason, n := range before.Rejected {
		if n == 0 {
			continue
		}
		if r.places == nil {
			r.places = new([numReasons]wireError)
		}
		r.Rejected[reason] += n
		r.places[reason] = before.places[reason]
	}
	if before.damage != nil {
		r.damage = before.damage
	}
}

// Refused is the number of items that are not admitted.
func (r *Refusals) Refused() int {
	n := 0
	for _, count := range r.Rejected {
		n += count
	}
	return n
}

// Damage is the first thing that is broken in an item or in what items share, as an error like those of Check; nil where all can be read.
func (r *Refusals) Damage() error {
	if r.damage == nil {
		return nil
	}
	return r.damage.fault()
}

// place says where the first damage of a reason is, for a message.
func (r *Refusals) place(reason Reason) string {
	if r.places == nil || r.places[reason].what == "" {
		return ""
	}
	p := &r.places[reason]
	return " (the first: " + p.where() + ": " + p.what + ")"
}

// Check walks a request once, without an allocation, and counts its items. The whole structure is checked, down to the last
// attribute: what is admitted is decoded by every OTLP decoder. A request that is empty has no items and is fine.
//
// An item outside Limits, a span without ids, and an item in which something is broken (an id of a wrong length, values nested deeper than
// 64, a field of the wrong wire type, protobuf that ends early) is counted in Summary.Rejected and is no error: its neighbours are not to be
// lost. Where what items share is broken, a resource, a scope or a metric, all of these are refused.
//
// An error is fault.Invalid, wraps a ViolationError and names the place: the messages around the items cannot be read, so that nobody can say
// which items there are.
func Check(signal Signal, payload []byte, limits Limits) (Summary, error) {
	c := newChecker(payload, signal, limits)
	if err := c.request(signal); err != nil {
		if err := c.sift(); err != nil {
			return Summary{}, err.fault()
		}
	}
	return c.summary, nil
}

func newChecker(payload []byte, signal Signal, limits Limits) checker {
	c := checker{b: payload, max: math.MaxInt64, summary: Summary{limits: limits, signal: signal}}
	if least := max(limits.MinTime, limits.Kept); least > 0 {
		c.min = uint64(least)
	}
	if limits.MaxTime > 0 {
		c.max = uint64(limits.MaxTime)
	}
	return c
}

// note counts one item.
func (c *checker) note(v verdict) {
	if v.reason == Admitted {
		c.summary.Items++
		if v.untimed {
			c.summary.Untimed++
		}
		return
	}
	if c.summary.Rejected[v.reason] == 0 {
		c.summary.First[v.reason] = int64(min(v.time, math.MaxInt64))
	}
	c.summary.Rejected[v.reason]++
}

// verdict is what becomes of one item.
type verdict struct {
	time    uint64
	reason  Reason
	untimed bool
}

func (c *checker) timed(t uint64) verdict {
	if !c.summary.Fine && t%uint64(time.Second) != 0 {
		c.summary.Fine = true
	}
	switch {
	case t < c.min:
		if t >= uint64(max(c.summary.limits.MinTime, 0)) {
			return verdict{time: t, reason: Expired}
		}
		return verdict{time: t, reason: TooOld}
	case t > c.max:
		return verdict{time: t, reason: TooNew}
	}
	return verdict{time: t}
}

// request: Export…ServiceRequest. 1 resource_spans, resource_logs or resource_metrics.
func (c *checker) request(signal Signal) *wireError {
	n := 0
	for i := 0; i < len(c.b); {
		tag, s, e, p := otlp.Next(c.b, i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch {
		case tag == otlp.ExportResourceItems && c.own:
		case tag == otlp.ExportResourceItems:
			if err := c.resourceItems(signal, s, e); err != nil {
				return err.inNth("resource_"+signalItems(signal), n)
			}
			n++
		case otlp.ExportFields.Has(tag):
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// resourceItems: ResourceSpans, ResourceLogs, ResourceMetrics. 1 resource, 2 scope_…, 3 schema_url.
func (c *checker) resourceItems(signal Signal, i, end int) *wireError {
	n := 0
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.ResourceItemsResource:
			if err := c.resource(s, e); err != nil {
				return err.in("resource")
			}
		case otlp.ResourceItemsScopeItems:
			if c.own {
				break
			}
			if err := c.scopeItems(signal, s, e); err != nil {
				return err.inNth("scope_"+signalItems(signal), n)
			}
			n++
		case otlp.ResourceItemsSchemaURL:
		default:
			if otlp.ResourceItemsFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// scopeItems: ScopeSpans, ScopeLogs, ScopeMetrics. 1 scope, 2 items, 3 schema_url.
func (c *checker) scopeItems(signal Signal, i, end int) *wireError {
	n := 0
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.ScopeItemsScope:
			if err := c.scope(s, e); err != nil {
				return err.in("scope")
			}
		case otlp.ScopeItemsItems:
			if c.own {
				break
			}
			switch signal {
			case Traces:
				v, err := c.span(s, e)
				if err != nil {
					return err.inNth(itemsField(signal), n)
				}
				c.note(v)
			case Logs:
				v, err := c.record(s, e)
				if err != nil {
					return err.inNth(itemsField(signal), n)
				}
				c.note(v)
			case Metrics:
				if err := c.metric(s, e); err != nil {
					return err.inNth(itemsField(signal), n)
				}
			}
			n++
		case otlp.ScopeItemsSchemaURL:
		default:
			if otlp.ScopeItemsFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// signalItems is the last part of the containers' field names.
func signalItems(signal Signal) string {
	switch signal {
	case Traces:
		return "spans"
	case Logs:
		return "logs"
	case Metrics:
		return "metrics"
	}
	return "items"
}

// resource: 1 attributes, 2 dropped_attributes_count, 3 entity_refs.
func (c *checker) resource(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.ResourceAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		case otlp.ResourceDroppedAttributesCount:
		case otlp.ResourceEntityRefs:
			if err := c.entityRef(s, e); err != nil {
				return err.in("entity_refs")
			}
		default:
			if otlp.ResourceFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// scope: InstrumentationScope. 1 name, 2 version, 3 attributes, 4 dropped_attributes_count.
func (c *checker) scope(i, end int) *wireError {
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		switch tag {
		case otlp.InstrumentationScopeName, otlp.InstrumentationScopeVersion, otlp.InstrumentationScopeDroppedAttributesCount:
		case otlp.InstrumentationScopeAttributes:
			if err := c.keyValue(s, e); err != nil {
				return err.inNth("attributes", n)
			}
			n++
		default:
			if otlp.InstrumentationScopeFields.Has(tag) {
				return wrongType(i, tag)
			}
		}
		i = e
	}
	return nil
}

// entityRef: EntityRef, whose fields are all strings.
func (c *checker) entityRef(i, end int) *wireError {
	for i < end {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			return broken(s, p)
		}
		if tag.Wire() != otlp.Len && otlp.EntityRefFields.Has(tag) {
			return wrongType(i, tag)
		}
		i = e
	}
	return nil
}

// keyValue checks an attribute.
func (c *checker) keyValue(i, end int) *wireError {
	if otlp.PlainKeyValue(c.b[:end], i) {
		return nil
	}
	if at, p := otlp.CheckKeyValue(c.b, i, end); p != otlp.Fine {
		return c.damage(inKeyValue, i, end, at, p)
	}
	return nil
}

// value checks an AnyValue.
func (c *checker) value(i, end int) *wireError {
	if at, p := otlp.CheckValue(c.b, i, end); p != otlp.Fine {
		return c.damage(inValue, i, end, at, p)
	}
	return nil
}

// damage describes a problem at a place within the message b[i:end].
func (c *checker) damage(in nesting, i, end, at int, p otlp.Problem) *wireError {
	err := broken(at, p)
	if p == otlp.TooDeep {
		err.reason = TooDeep
	}
	if p == otlp.WrongType {
		tag, _, _, _ := otlp.Next(c.b[:end], at)
		err = wrongType(at, tag)
	}
	return c.nested(err, in, i, end, at, p)
}

// The messages that attributes are made of.
type nesting uint8

const (
	inKeyValue nesting = iota
	inValue
	inList
	inMap
)

// nested adds to err the path from the message b[i:end] to the damaged place at within it.
func (c *checker) nested(err *wireError, in nesting, i, end, at int, p otlp.Problem) *wireError {
	for n := 0; i < end; {
		tag, s, e, broken := otlp.Next(c.b[:end], i)
		if broken != otlp.Fine || at < s {
			return err // in a field of this message
		}
		// A problem at e is of what is in the field, but for these two: they are of the next field's tag.
		if at < e || at == e && p != otlp.WrongType && p != otlp.BadTag {
			switch {
			case in == inKeyValue && tag == otlp.KeyValueValue:
				return c.nested(err, inValue, s, e, at, p).in("value")
			case in == inValue && tag == otlp.AnyValueArrayValue:
				return c.nested(err, inList, s, e, at, p)
			case in == inValue && tag == otlp.AnyValueKvlistValue:
				return c.nested(err, inMap, s, e, at, p)
			case in == inList && tag == otlp.ArrayValueValues:
				return c.nested(err, inValue, s, e, at, p).inNth("values", n)
			case in == inMap && tag == otlp.KeyValueListValues:
				return c.nested(err, inKeyValue, s, e, at, p).inNth("values", n)
			}
			return err
		}
		if tag == otlp.ArrayValueValues {
			n++
		}
		i = e
	}
	return err
}

func badID(s, e, want int) *wireError {
	err := malformed(s, "the id has "+plural(e-s, "byte")+", want "+plural(want, "byte"))
	err.reason = BadID
	return err
}

// zero reports whether an id is empty or all zero.
func zero(id []byte) bool {
	for _, c := range id {
		if c != 0 {
			return false
		}
	}
	return true
}
