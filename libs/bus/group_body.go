package bus

import (
	"encoding/binary"
	"slices"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/zeebo/xxh3"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// A group is several batches of one tenant and signal in one message. Its body, before compression, is its parts one after the other, each a
// batch with what the headers of a single one say, so that each is known for itself:
//
//	id of the request, 16 bytes · items · received, Unix ns · connection · ordinals ("" for the whole request) · OTLP
//
// Numbers are varints, received a signed one; texts and OTLP stand behind their length.

// mostParts bounds what is read as one group: a part takes memory beside its bytes.
const mostParts = 1024

// appendPart appends a batch to a group's body.
func appendPart(body []byte, b *telemetry.Batch) []byte {
	body = append(body, b.Request[:]...)
	body = binary.AppendUvarint(body, uint64(b.Items)) //nolint:gosec // a count
	body = binary.AppendVarint(body, b.Received.UnixNano())
	body = appendText(body, b.Connection)
	body = appendText(body, b.Ordinals.String())
	body = binary.AppendUvarint(body, uint64(len(b.Payload)))
	return append(body, b.Payload...)
}

func appendText(body []byte, text string) []byte {
	return append(binary.AppendUvarint(body, uint64(len(text))), text...)
}

// groupID is the id of a message of these batches, as long as a batch's: the same batches in the same order are the same message.
func groupID(batches []telemetry.Batch) telemetry.BatchID {
	h := xxh3.New()
	for i := range batches {
		id := batches[i].ID()
		_, _ = h.Write(id[:])
	}
	return h.Sum128().Bytes()
}

// groupHeaders writes the envelope of a group, whose body has so many bytes before compression.
func groupHeaders(batches []telemetry.Batch, size int, encoding string) nats.Header {
	items := 0
	for i := range batches {
		items += batches[i].Items
	}
	h := nats.Header{
		HeaderID:       {groupID(batches).String()},
		HeaderSchema:   {strconv.Itoa(groupVersion)},
		HeaderTenant:   {string(batches[0].Tenant)},
		HeaderReceived: {strconv.FormatInt(batches[0].Received.UnixNano(), 10)},
		HeaderItems:    {strconv.Itoa(items)},
		HeaderParts:    {strconv.Itoa(len(batches))},
		HeaderEncoding: {encoding},
	}
	if encoding != encodingIdentity {
		h[HeaderSize] = []string{strconv.Itoa(size)}
	}
	return h
}

// openGroup reads the parts of a group, each as like with what it says of itself. Their payloads share the body's memory.
func (c *coder) openGroup(like telemetry.Batch, h nats.Header, body []byte) ([]telemetry.Batch, error) {
	n, err := strconv.Atoi(first(h, HeaderParts))
	if err != nil || n < 1 || n > mostParts {
		return nil, errBadEnvelope.Newf("header %s is not a count from 1 to %d", HeaderParts, mostParts)
	}
	if body, err = c.decode(body, h); err != nil {
		return nil, err
	}
	batches := make([]telemetry.Batch, 0, n)
	r, items := partReader{rest: body}, 0
	for range n {
		b := like
		r.part(&b)
		if r.bad != "" {
			return nil, errBadEnvelope.Newf("part %d of %d: %s", len(batches)+1, n, r.bad)
		}
		items += b.Items
		batches = append(batches, b)
	}
	if len(r.rest) > 0 || items != like.Items {
		return nil, errBadEnvelope.Newf("headers %s and %s do not fit the body: %d bytes are left, %d items were read", HeaderParts, HeaderItems, len(r.rest), items)
	}
	return batches, nil
}

// partReader reads a group's body. What it cannot read it says in bad, and reads nothing from then on.
type partReader struct {
	rest []byte
	bad  string
}

func (r *partReader) part(b *telemetry.Batch) {
	copy(b.Request[:], r.bytes(uint64(len(b.Request)), "the id"))
	items := r.number("the count of items")
	received, n := binary.Varint(r.rest)
	r.skip(n, "the time")
	b.Received = time.Unix(0, received).UTC()
	b.Connection = string(r.text("the connection"))
	ordinals := string(r.text("the ordinals"))
	b.Payload = slices.Clip(r.text("the batch"))
	if r.bad != "" {
		return
	}
	if items > maxDecoded {
		r.bad = "there are more items than bytes"
		return
	}
	b.Items = int(items)
	if ordinals == "" {
		return
	}
	var err error
	if b.Ordinals, err = telemetry.ParseOrdinals(ordinals); err != nil || b.Ordinals.Count() != b.Items {
		r.bad = "the ordinals do not name " + strconv.Itoa(b.Items) + " items"
	}
}

func (r *partReader) text(what string) []byte { return r.bytes(r.number(what), what) }

func (r *partReader) number(what string) uint64 {
	v, n := binary.Uvarint(r.rest)
	r.skip(n, what)
	return v
}

func (r *partReader) bytes(n uint64, what string) []byte {
	if r.bad != "" {
		return nil
	}
	if n > uint64(len(r.rest)) {
		r.bad, r.rest = what+" ends early", nil
		return nil
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

// skip steps over what a reader of varints has read: nothing, or less, where it could not.
func (r *partReader) skip(n int, what string) {
	if n <= 0 {
		if r.bad == "" {
			r.bad = what + " ends early"
		}
		r.rest = nil
		return
	}
	r.rest = r.rest[n:]
}
