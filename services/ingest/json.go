package ingest

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// fromJSON turns OTLP JSON (an Export…ServiceRequest) into OTLP protobuf, by the rules of ProtoJSON and those that OTLP adds to it: names in
// camelCase or snake_case, enum numbers or names, 64-bit integers as strings or numbers of any notation, base64 of either alphabet, ids in hex,
// null for what is absent, unknown fields ignored. What OTLP protobuf cannot say in an item (an id that is no hex, a name that is a number)
// is left out and told in refused, as telemetry.Check does for protobuf; a log record's id that is no hex is absent. An error is fault.Invalid and says where;
// fault.TooLarge when the protobuf would be of more than most bytes: a list of numbers takes two bytes each in JSON and eight in protobuf.
func fromJSON(signal telemetry.Signal, body []byte, most int64) (payload []byte, refused telemetry.Refusals, err error) {
	if len(body) == 0 {
		return nil, refused, errJSON.New("the body is empty: want a JSON object")
	}
	if !json.Valid(body) {
		var raw json.RawMessage
		err := json.Unmarshal(body, &raw)
		message := "not valid JSON"
		if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
			message = fmt.Sprintf("not valid JSON: %s (byte %d)", syntax.Error(), syntax.Offset)
		}
		return nil, refused, errJSON.Wrap(err, message)
	}
	c := converter{b: body, out: make([]byte, 0, min(int64(len(body)/2), most)), most: most}
	if c.peek() != '{' {
		return nil, refused, errJSON.New("not an OTLP request: want a JSON object with resource" + container(signal))
	}
	problem := c.container(jsonRequest(signal))
	if c.full {
		return nil, telemetry.Refusals{}, httpserver.BodyTooLarge(most)
	}
	if problem != nil {
		v := &telemetry.ViolationError{Field: problem.where(), Description: problem.what}
		return nil, refused, errJSON.Wrap(v, "not an OTLP request: "+v.Field+": "+v.Description)
	}
	return c.out, c.refused, nil
}

// container is the last part of the outermost field's name: Spans of resourceSpans.
func container(signal telemetry.Signal) string {
	switch signal {
	case telemetry.Traces:
		return "Spans"
	case telemetry.Logs:
		return "Logs"
	case telemetry.Metrics:
		return "Metrics"
	}
	return ""
}

// converter reads JSON that is known to be valid, and writes protobuf.
type converter struct {
	b       []byte
	i       int // the next byte
	out     []byte
	most    int64 // bytes that out may have
	full    bool  // it has more: nothing more is read
	depth   int   // messages around the current one
	items   int   // in out
	refused telemetry.Refusals
	trail   []place // to the current message, as far as it stands around items
	text    []byte  // of a string with escapes
	decoded []byte  // of base64 or hex
}

// maxJSONDepth is more than what telemetry.Check admits: 64 maps in one another are 192 messages.
const maxJSONDepth = 256

// jsonError says what of valid JSON is no OTLP, and where.
type jsonError struct {
	reason telemetry.Reason
	path   string
	what   string
}

func (e *jsonError) in(name string) *jsonError {
	if len(e.path) > 400 {
		e.path = e.path[:200] + "…" // of a path that nobody reads to its end, the beginning is kept
	}
	switch {
	case e.path == "":
		e.path = name
	case e.path[0] == '[':
		e.path = name + e.path
	default:
		e.path = name + "." + e.path
	}
	return e
}

func (e *jsonError) at(n int) *jsonError { return e.in("[" + strconv.Itoa(n) + "]") }

func (e *jsonError) where() string {
	if e.path == "" {
		return "request"
	}
	if len(e.path) > 200 {
		return e.path[:200] + "…"
	}
	return e.path
}

// wrong says that the next value is of another type than is wanted.
func (c *converter) wrong(want string) *jsonError {
	return &jsonError{reason: telemetry.Malformed, what: "want " + want + ", got " + printable(string(c.raw()))}
}

// container converts the object of a message around items. What is wrong in an item costs that item; what is wrong in the rest of the object
// costs all of its items. An error says that it cannot be known which items there are.
func (c *converter) container(m *jsonMessage) *jsonError {
	if c.peek() != '{' {
		return c.wrong("an object")
	}
	start, items, refused := len(c.out), c.items, c.refused.Refused()
	var condemned *jsonError
	for c.open(); c.more(); {
		f := m.field(c.key())
		begin := c.i
		var problem *jsonError
		switch {
		case f == nil || c.peek() == 'n':
			c.skip()
		case f.role != within && !f.repeated:
			problem = c.child(f, -1)
		case f.role != within:
			problem = c.children(f)
		default:
			problem = c.value(f)
		}
		if problem == nil {
			continue
		}
		if f.role != within && !m.metric {
			return problem.in(f.name)
		}
		if condemned == nil {
			condemned = problem.in(f.name)
		}
		c.i, c.depth = begin, 0
		c.skip()
	}
	if condemned != nil {
		n := c.items - items
		c.out, c.items = c.out[:start], items
		if n == 0 && m.metric && c.refused.Refused() == refused {
			n = 1 // as in telemetry.Check: a metric of which nothing can be read is one item
		}
		c.refuse(condemned, n)
	}
	return nil
}

// children converts a list of items or of messages around items.
func (c *converter) children(f *jsonField) *jsonError {
	if c.peek() != '[' {
		return c.wrong("a list")
	}
	n := 0
	for c.open(); c.more(); n++ {
		if err := c.child(f, n); err != nil {
			return err.at(n)
		}
	}
	return nil
}

// child converts one of them, the n-th of a list or, where n is negative, the only one.
func (c *converter) child(f *jsonField, n int) *jsonError {
	c.trail = append(c.trail, place{f.name, n})
	defer func() { c.trail = c.trail[:len(c.trail)-1] }()
	start, begin := len(c.out), c.i
	at := c.begin(f.tag)
	if f.role == around {
		err := c.container(f.message)
		c.end(at)
		return err
	}
	if problem := c.message(f.message); problem != nil {
		c.out, c.i, c.depth = c.out[:start], begin, 0
		c.skip()
		c.refuse(problem, 1)
		return nil
	}
	c.end(at)
	c.items++
	return nil
}

// place is a step to the message that is being read.
type place struct {
	name string
	n    int
}

// refuse leaves out n items for what is wrong with the current message.
func (c *converter) refuse(problem *jsonError, n int) {
	where := ""
	for _, p := range c.trail {
		if where != "" {
			where += "."
		}
		where += p.name
		if p.n >= 0 {
			where += "[" + strconv.Itoa(p.n) + "]"
		}
	}
	if where != "" {
		problem = problem.in(where)
	}
	c.refused.Refuse(problem.reason, n, telemetry.ViolationError{Field: problem.where(), Description: problem.what})
}

// message converts an object; null is an empty one, as an element of a list.
func (c *converter) message(m *jsonMessage) *jsonError {
	if c.peek() == 'n' {
		c.skip()
		return nil
	}
	if c.peek() != '{' {
		return c.wrong("an object")
	}
	if c.depth++; c.depth > maxJSONDepth {
		return &jsonError{reason: telemetry.TooDeep, what: otlp.TooDeep.String()}
	}
	for c.open(); c.more(); {
		f := m.field(c.key())
		if f == nil || c.peek() == 'n' {
			c.skip()
			continue
		}
		if err := c.value(f); err != nil {
			return err.in(f.name)
		}
	}
	c.depth--
	return nil
}

// value converts the value of a field.
func (c *converter) value(f *jsonField) *jsonError {
	if !f.repeated {
		return c.single(f)
	}
	if c.peek() != '[' {
		return c.wrong("a list")
	}
	var at length
	if f.packed {
		at = c.begin(f.tag)
	}
	n := 0
	for c.open(); c.more(); n++ {
		if err := c.single(f); err != nil {
			return err.at(n)
		}
	}
	if f.packed {
		c.end(at)
	}
	return nil
}

// single converts one value of a field. That of a field which is absent when it is zero is left out then.
func (c *converter) single(f *jsonField) *jsonError {
	switch f.kind {
	case protoreflect.MessageKind:
		at := c.begin(f.tag)
		if err := c.message(f.message); err != nil {
			return err
		}
		c.end(at)
		return nil
	case protoreflect.StringKind:
		if c.peek() != '"' {
			return c.wrong("a string")
		}
		c.bytes(f, c.string())
		return nil
	case protoreflect.BytesKind:
		return c.binary(f)
	}
	number, err := c.number(f)
	if err != nil || number == 0 && !f.present && !f.packed {
		return err
	}
	if !f.packed {
		c.out = otlp.AppendTag(c.out, f.tag)
	}
	switch f.wire {
	case otlp.I64:
		c.out = binary.LittleEndian.AppendUint64(c.out, number)
	case otlp.I32:
		c.out = binary.LittleEndian.AppendUint32(c.out, uint32(number)) //nolint:gosec // in range
	default:
		c.out = otlp.AppendUvarint(c.out, number)
	}
	return nil
}

// bytes writes a length-delimited field.
func (c *converter) bytes(f *jsonField, content []byte) {
	if len(content) > 0 || f.present || f.repeated {
		c.out = otlp.AppendBytes(c.out, f.tag, content)
	}
}

// binary converts bytes: an id in hex, others in base64 of either alphabet, with or without padding.
func (c *converter) binary(f *jsonField) *jsonError {
	if c.peek() != '"' {
		return c.wrong("a string")
	}
	begin := c.i
	text := c.string()
	c.decoded = c.decoded[:0]
	if f.id > 0 {
		var err error
		if c.decoded, err = hex.AppendDecode(c.decoded, text); len(text) > 0 && (err != nil || len(c.decoded) != f.id) {
			if f.loose {
				return nil
			}
			return &jsonError{reason: telemetry.BadID, what: fmt.Sprintf("want %d hex digits, got %s", 2*f.id, printable(string(c.b[begin+1:c.i-1])))}
		}
		c.bytes(f, c.decoded)
		return nil
	}
	text = bytes.TrimRight(text, "=")
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	var err error
	if c.decoded, err = encoding.AppendDecode(c.decoded, text); err != nil {
		c.i = begin
		return c.wrong("base64")
	}
	c.bytes(f, c.decoded)
	return nil
}

// number converts a number, a bool or the value of an enum, to the bits that stand in protobuf.
func (c *converter) number(f *jsonField) (uint64, *jsonError) {
	begin := c.i
	text := c.token()
	quoted := c.b[begin] == '"'
	problem := func(want string) *jsonError {
		c.i = begin
		return c.wrong(want)
	}
	switch f.kind {
	case protoreflect.BoolKind:
		switch string(c.b[begin:c.i]) {
		case "true":
			return 1, nil
		case "false":
			return 0, nil
		}
		return 0, problem("true or false")
	case protoreflect.DoubleKind:
		switch string(text) {
		case "NaN":
			return math.Float64bits(math.NaN()), nil
		case "Infinity":
			return math.Float64bits(math.Inf(1)), nil
		case "-Infinity":
			return math.Float64bits(math.Inf(-1)), nil
		}
		v, err := strconv.ParseFloat(string(text), 64)
		if err != nil || !decimal(text) {
			return 0, problem("a number")
		}
		return math.Float64bits(v), nil
	case protoreflect.EnumKind:
		if quoted {
			if v, ok := f.enum[string(text)]; ok {
				return uint64(int64(v)), nil //nolint:gosec // as protobuf has it
			}
		}
	}
	low, high, what := limits(f.kind)
	negative, v, ok := integer(text)
	switch {
	case !ok && f.enum != nil:
		return 0, problem("a number or a name of the enum")
	case !ok:
		return 0, problem("an integer")
	case negative && v > low || !negative && v > high:
		return 0, problem(what)
	case negative:
		v = -v
	}
	if f.kind == protoreflect.Sint32Kind {
		v = otlp.FromSint32(int32(v)) //nolint:gosec // in range
	}
	return v, nil
}

// limits are how far below and above zero an integer may be.
func limits(kind protoreflect.Kind) (low, high uint64, what string) {
	switch kind {
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind:
		return 0, math.MaxUint32, "an unsigned integer of 32 bits"
	case protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		return 0, math.MaxUint64, "an unsigned integer of 64 bits"
	case protoreflect.Int64Kind, protoreflect.Sfixed64Kind, protoreflect.Sint64Kind:
		return 1 << 63, math.MaxInt64, "an integer of 64 bits"
	}
	return 1 << 31, math.MaxInt32, "an integer of 32 bits"
}

// decimal reports whether a text is a number as JSON has it: strconv takes more.
func decimal(text []byte) bool {
	for _, d := range text {
		if (d < '0' || d > '9') && d != '-' && d != '+' && d != '.' && d != 'e' && d != 'E' {
			return false
		}
	}
	return len(text) > 0
}

// integer reads a JSON number of any notation whose value is an integer: 17, -1.0, 1e3.
func integer(text []byte) (negative bool, v uint64, ok bool) {
	if !decimal(text) {
		return false, 0, false
	}
	if text[0] == '-' {
		negative, text = true, text[1:]
	}
	mantissa, exponent := text, 0
	if e := bytes.IndexAny(text, "eE"); e >= 0 {
		var err error
		if exponent, err = strconv.Atoi(string(text[e+1:])); err != nil || exponent > 400 || exponent < -400 {
			return false, 0, false
		}
		mantissa = text[:e]
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte("."))
	fraction = bytes.TrimRight(fraction, "0")
	if len(whole) == 0 || len(fraction) > 400 {
		return false, 0, false
	}
	digits := whole
	if exponent != 0 || len(fraction) > 0 {
		digits = append(bytes.Clone(whole), fraction...)
		exponent -= len(fraction)
		for ; exponent < 0 && len(digits) > 1 && digits[len(digits)-1] == '0'; exponent++ {
			digits = digits[:len(digits)-1]
		}
		switch {
		case len(bytes.TrimLeft(digits, "0")) == 0:
			digits = []byte("0")
		case exponent < 0:
			return false, 0, false
		default:
			digits = append(digits, bytes.Repeat([]byte("0"), exponent)...)
		}
	}
	v, err := strconv.ParseUint(string(digits), 10, 64)
	return negative, v, err == nil
}

// begin writes a tag and room for the length of what follows; end writes the length.
func (c *converter) begin(tag otlp.Tag) length {
	c.out = otlp.AppendTag(c.out, tag)
	room := otlp.UvarintLen(uint64(8 * (len(c.b) - c.i))) //nolint:gosec // not negative; a list of numbers grows most, fourfold
	at := len(c.out)
	c.out = append(c.out, make([]byte, room)...)
	return length{at, room}
}

// length is where a length goes that is not known yet.
type length struct{ at, room int }

// end moves little that is written, so that its length takes few bytes; before much, the length is padded, which protobuf allows.
func (c *converter) end(l length) {
	const little = 4 << 10
	at, room := l.at, l.room
	content := at + room
	size := len(c.out) - content
	n := len(otlp.AppendUvarint(c.out[at:at:content], uint64(size))) //nolint:gosec // not negative
	switch {
	case n == room:
	case size <= little:
		copy(c.out[at+n:], c.out[content:])
		c.out = c.out[:len(c.out)-(room-n)]
	default:
		c.out[at+n-1] |= 0x80
		for i := at + n; i < content-1; i++ {
			c.out[i] = 0x80
		}
		c.out[content-1] = 0
	}
}
