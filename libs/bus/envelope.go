package bus

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Header names of the envelope. The body is OTLP protobuf, compressed as HeaderEncoding says.
const (
	HeaderID         = "Nats-Msg-Id"     // batch id in hex; JetStream drops a second one inside the duplicate window
	HeaderSchema     = "Olly-Schema"     // envelope version: "1", "2" for a part of a request, "3" for a group of batches
	HeaderRequest    = "Olly-Request"    // of a part: id of its request in hex; absent where the batch is the whole, whose id is the batch's
	HeaderOrdinals   = "Olly-Ordinals"   // of a part: which of the request's items it holds, "0-99,101"
	HeaderTenant     = "Olly-Tenant"     //
	HeaderConnection = "Olly-Connection" // who sent it; absent without authentication
	HeaderReceived   = "Olly-Received"   // Unix nanoseconds, decimal
	HeaderItems      = "Olly-Items"      // decimal
	HeaderParts      = "Olly-Parts"      // of a group: how many batches it holds, decimal
	HeaderEncoding   = "Olly-Encoding"   // s2 (block format), zstd or identity
	HeaderSize       = "Olly-Size"       // bytes of the body when decompressed, decimal
	HeaderProbe      = "Olly-Probe"      // on a message that is no batch but a try whether the stream takes one; a reader takes it away
)

// Header names that a dead letter has besides.
const (
	HeaderDeadReason   = "Olly-Dead-Reason"
	HeaderDeadCode     = "Olly-Dead-Code"
	HeaderDeadClass    = "Olly-Dead-Class"
	HeaderDeadAttempts = "Olly-Dead-Attempts"
	HeaderDeadPosition = "Olly-Dead-Position" // the batch's position in its signal's stream
	HeaderDeadSize     = "Olly-Dead-Size"     // bytes of the body, compressed, where it was too large to be kept; else absent
)

// HeaderSubject is where a message was that is a dead letter now, or parked: "otlp.<signal>.<…>".
const HeaderSubject = "Olly-Subject"

// The versions of the envelope that Fetch reads. Publish writes a whole request as wholeVersion, which every build reads, and a part of one
// as partVersion: a build that took it for a whole would take the request's other parts for repeats. Several batches in one message are
// groupVersion (group_body.go): a build that does not know it parks them for one that does.
const (
	wholeVersion  = 1
	partVersion   = 2
	groupVersion  = 3
	newestVersion = groupVersion
)

// headerRoom is kept free in every message for the headers, those of a dead letter included.
const headerRoom = 8 << 10

// maxDecoded bounds what a body may decompress to: no batch that ingest makes is larger than a message, and a message at most 64 MiB.
const maxDecoded = 64 << 20

const (
	encodingS2       = "s2"
	encodingZstd     = "zstd"
	encodingIdentity = "identity"
)

// coder compresses and decompresses bodies. Safe for concurrent use.
type coder struct {
	encoding string
	enc      *zstd.Encoder
	dec      *zstd.Decoder
}

func newCoder(compression string) (*coder, error) {
	c := &coder{encoding: compression}
	var err error
	if compression == encodingZstd {
		c.enc, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false), zstd.WithWindowSize(1<<20))
		if err != nil {
			return nil, fmt.Errorf("zstd encoder: %w", err)
		}
	}
	c.dec, err = zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxDecoded), zstd.WithDecoderConcurrency(0), zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("zstd decoder: %w", err)
	}
	return c, nil
}

func (c *coder) close() {
	if c.enc != nil {
		_ = c.enc.Close()
	}
	c.dec.Close()
}

// leastCompressed is the size below which a body is sent as it is: what s2 or zstd would save of it is less than what saying so in the headers takes.
const leastCompressed = 256

// encode puts payload, compressed, into scratch (grown where needed) and says how; what does not shrink is copied as it is. The
// result never shares memory with payload: nats.go may hold a message longer than its sender waits.
func (c *coder) encode(scratch, payload []byte) (body []byte, encoding string) {
	if len(payload) < leastCompressed {
		return append(scratch[:0], payload...), encodingIdentity
	}
	switch c.encoding {
	case encodingS2:
		body = s2.Encode(scratch[:cap(scratch)], payload)
	case encodingZstd:
		body = c.enc.EncodeAll(payload, scratch[:0])
	default:
		return append(scratch[:0], payload...), encodingIdentity
	}
	if len(body) >= len(payload) {
		return append(body[:0], payload...), encodingIdentity
	}
	return body, c.encoding
}

// decode makes the body of a message with these headers as it was before encode: of exactly as many bytes as HeaderSize says, which is what is taken for it.
func (c *coder) decode(body []byte, h nats.Header) ([]byte, error) {
	encoding := first(h, HeaderEncoding)
	switch encoding {
	case encodingIdentity, "":
		return body, nil
	case encodingS2, encodingZstd:
	default:
		return nil, errBadEncoding.Newf("unknown body encoding %q", encoding)
	}
	size, err := strconv.Atoi(first(h, HeaderSize))
	if err != nil || size < 0 || size > maxDecoded {
		return nil, errBadBody.Newf("header %s is not a size of up to %d bytes, which a compressed body has", HeaderSize, maxDecoded)
	}
	var out []byte
	if encoding == encodingZstd {
		out, err = c.dec.DecodeAll(body, make([]byte, 0, size))
	} else if n, bad := s2.DecodedLen(body); bad != nil || n != size {
		return nil, errBadBody.Newf("the body is not s2 of %d bytes", size)
	} else {
		out, err = s2.Decode(make([]byte, n), body)
	}
	if err != nil {
		return nil, errBadBody.Wrap(err, fmt.Sprintf("the body is not valid %s of %d bytes", encoding, size))
	}
	if len(out) != size {
		return nil, errBadBody.Newf("the body is %s of %d bytes, and header %s says %d", encoding, len(out), HeaderSize, size)
	}
	return out, nil
}

// headers writes the envelope of b.
func headers(b *telemetry.Batch, encoding string) nats.Header {
	h := make(nats.Header, 10)
	id := make([]string, 0, 10) // one backing array for all values
	set := func(name, value string) {
		id = append(id, value)
		h[name] = id[len(id)-1 : len(id) : len(id)]
	}
	set(HeaderID, b.ID().String())
	if b.Ordinals == nil {
		set(HeaderSchema, strconv.Itoa(wholeVersion))
	} else {
		set(HeaderSchema, strconv.Itoa(partVersion))
		set(HeaderRequest, b.Request.String())
		set(HeaderOrdinals, b.Ordinals.String())
	}
	set(HeaderTenant, string(b.Tenant))
	if b.Connection != "" {
		set(HeaderConnection, b.Connection)
	}
	set(HeaderReceived, strconv.FormatInt(b.Received.UnixNano(), 10))
	set(HeaderItems, strconv.Itoa(b.Items))
	set(HeaderEncoding, encoding)
	if encoding != encodingIdentity {
		set(HeaderSize, strconv.Itoa(len(b.Payload)))
	}
	return h
}

// open is the inverse of headers and encode, and of groupHeaders and encode: it makes the batches of a message, at least one. An error is
// fault.Unavailable when the message is of a newer version, which a newer reader understands, else fault.Invalid.
func (c *coder) open(signal telemetry.Signal, subject string, h nats.Header, body []byte) ([]telemetry.Batch, error) {
	version, err := strconv.ParseUint(first(h, HeaderSchema), 10, 16)
	switch {
	case err != nil || version < wholeVersion:
		return nil, errBadEnvelope.Newf("header %s is %q, this build reads up to %d", HeaderSchema, first(h, HeaderSchema), newestVersion)
	case version > newestVersion:
		return nil, errNewerEnvelope.Newf("header %s is %d, this build reads up to %d: a newer one must take it", HeaderSchema, version, newestVersion)
	}
	tenant, err := telemetry.ParseTenant(first(h, HeaderTenant))
	if err != nil {
		return nil, errBadEnvelope.Newf("header %s: %v", HeaderTenant, err)
	}
	if want := Subject(signal, tenant); subject != want && !strings.HasPrefix(subject, "dead.") {
		return nil, errBadEnvelope.Newf("subject %s does not fit tenant %s", subject, tenant)
	}
	items, err := strconv.Atoi(first(h, HeaderItems))
	if err != nil || items < 0 {
		return nil, errBadEnvelope.Newf("header %s is not a count", HeaderItems)
	}
	b := telemetry.Batch{Signal: signal, Tenant: tenant, Items: items}
	if version == groupVersion {
		return c.openGroup(b, h, body)
	}
	err = c.openSingle(&b, version, h, body)
	return []telemetry.Batch{b}, err
}

// openSingle reads what open has not of a message of one batch.
func (c *coder) openSingle(b *telemetry.Batch, version uint64, h nats.Header, body []byte) error {
	id := HeaderID
	if version == partVersion {
		id = HeaderRequest
	}
	if n, err := hex.Decode(b.Request[:], []byte(first(h, id))[:min(len(first(h, id)), 32)]); err != nil || n != len(b.Request) {
		return errBadEnvelope.Newf("header %s is not an id", id)
	}
	ns, err := strconv.ParseInt(first(h, HeaderReceived), 10, 64)
	if err != nil {
		return errBadEnvelope.Newf("header %s is not a time in nanoseconds", HeaderReceived)
	}
	b.Received = time.Unix(0, ns).UTC()
	if version == partVersion {
		if b.Ordinals, err = telemetry.ParseOrdinals(first(h, HeaderOrdinals)); err != nil || b.Ordinals.Count() != b.Items || b.Items == 0 {
			return errBadEnvelope.Newf("header %s does not name %d items", HeaderOrdinals, b.Items)
		}
	}
	b.Connection = first(h, HeaderConnection)
	b.Payload, err = c.decode(body, h)
	return err
}

// first is h.Get without canonicalising the name: the names above are written as they are read.
func first(h nats.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}
