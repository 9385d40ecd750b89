package bus

import (
	"bytes"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

func testCoder(t testing.TB, compression string) *coder {
	t.Helper()
	c, err := newCoder(compression)
	require.NoError(t, err)
	t.Cleanup(c.close)
	return c
}

// envelope is a message as a publisher would send it.
func envelope(c *coder, b telemetry.Batch) (nats.Header, []byte) {
	body, encoding := c.encode(nil, b.Payload)
	return headers(&b, encoding), body
}

// openOne opens a message of one batch.
func openOne(c *coder, subject string, h nats.Header, body []byte) (telemetry.Batch, error) {
	batches, err := c.open(telemetry.Logs, subject, h, body)
	if err != nil {
		return telemetry.Batch{}, err
	}
	if len(batches) != 1 {
		return telemetry.Batch{}, errBadEnvelope.Newf("%d batches", len(batches))
	}
	return batches[0], nil
}

func testBatch(payload []byte) telemetry.Batch {
	return telemetry.Batch{
		Request: telemetry.NewRequestID("t1", telemetry.Logs, payload), Tenant: "t1", Signal: telemetry.Logs, Connection: "key-7",
		Received: time.Unix(1_790_000_000, 123_456_789).UTC(), Items: 42, Payload: payload,
	}
}

func TestWhatIsPutIntoAnEnvelopeComesOut(t *testing.T) {
	t.Parallel()
	reader := testCoder(t, encodingIdentity) // what a message says of itself counts, not how this process would compress
	for _, compression := range []string{encodingS2, encodingZstd, encodingIdentity} {
		c := testCoder(t, compression)
		for name, payload := range map[string][]byte{
			"nothing": {}, "a byte": {7}, "what does not shrink": []byte("qZ3$x"), "what shrinks": bytes.Repeat([]byte("telemetry "), 5000),
		} {
			want := testBatch(payload)
			h, body := envelope(c, want)
			require.LessOrEqual(t, len(body), len(payload), "%s %s: a body never grows", compression, name)
			got, err := openOne(reader, Subject(telemetry.Logs, "t1"), h, body)
			require.NoError(t, err, "%s %s", compression, name)
			require.True(t, bytes.Equal(want.Payload, got.Payload), "%s %s", compression, name)
			want.Payload, got.Payload = nil, nil
			require.Equal(t, want, got, "%s %s", compression, name)
		}
	}
}

func TestAnEncodedBodySharesNothingWithItsPayload(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{encodingS2, encodingZstd, encodingIdentity} {
		c := testCoder(t, compression)
		payload := []byte("qZ3$x")
		body, _ := c.encode(make([]byte, 0, 64), payload)
		clear(payload)
		require.Equal(t, "qZ3$x", string(body), compression)
	}
}

// Each header in turn is absent, empty or wrong: the message is no batch, and the error says which header it is.
func TestAnEnvelopeThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	c := testCoder(t, encodingS2)
	subject := Subject(telemetry.Logs, "t1")
	good, body := envelope(c, testBatch(bytes.Repeat([]byte("x"), 100)))
	for _, test := range []struct {
		header, value string
		class         fault.Class
		code, says    string
	}{
		{HeaderSchema, "", fault.Invalid, "bus.bad_envelope", HeaderSchema},
		{HeaderSchema, "0", fault.Invalid, "bus.bad_envelope", HeaderSchema},
		{HeaderSchema, "-1", fault.Invalid, "bus.bad_envelope", HeaderSchema},
		{HeaderSchema, "99999999", fault.Invalid, "bus.bad_envelope", HeaderSchema},
		{HeaderSchema, "4", fault.Unavailable, "bus.newer_envelope", "newer"},
		{HeaderSchema, "2", fault.Invalid, "bus.bad_envelope", HeaderRequest},
		{HeaderSchema, "3", fault.Invalid, "bus.bad_envelope", HeaderParts},
		{HeaderTenant, "", fault.Invalid, "bus.bad_envelope", HeaderTenant},
		{HeaderTenant, "a b", fault.Invalid, "bus.bad_envelope", HeaderTenant},
		{HeaderTenant, "t2", fault.Invalid, "bus.bad_envelope", subject},
		{HeaderID, "", fault.Invalid, "bus.bad_envelope", HeaderID},
		{HeaderID, "00ff", fault.Invalid, "bus.bad_envelope", HeaderID},
		{HeaderID, strings.Repeat("zz", 16), fault.Invalid, "bus.bad_envelope", HeaderID},
		{HeaderReceived, "", fault.Invalid, "bus.bad_envelope", HeaderReceived},
		{HeaderReceived, "yesterday", fault.Invalid, "bus.bad_envelope", HeaderReceived},
		{HeaderReceived, "99999999999999999999", fault.Invalid, "bus.bad_envelope", HeaderReceived},
		{HeaderItems, "", fault.Invalid, "bus.bad_envelope", HeaderItems},
		{HeaderItems, "-1", fault.Invalid, "bus.bad_envelope", HeaderItems},
		{HeaderItems, "1e3", fault.Invalid, "bus.bad_envelope", HeaderItems},
		{HeaderEncoding, "br", fault.Invalid, "bus.bad_encoding", `"br"`},
		{HeaderEncoding, "zstd", fault.Invalid, "bus.bad_body", HeaderSize},
	} {
		h := maps.Clone(good)
		if h[test.header] = []string{test.value}; test.value == "" {
			delete(h, test.header)
		}
		_, err := c.open(telemetry.Logs, subject, h, body)
		f := fault.From(err)
		require.Equal(t, test.class, f.Class, "%s %q", test.header, test.value)
		require.Equal(t, test.code, f.Code, "%s %q", test.header, test.value)
		require.Contains(t, f.Error(), test.says, "%s %q", test.header, test.value)
	}
	_, err := c.open(telemetry.Logs, Subject(telemetry.Traces, "t1"), good, body)
	require.ErrorContains(t, err, "does not fit tenant", "a subject of another signal")
	got, err := openOne(c, DeadSubject(telemetry.Logs, "t1"), good, body)
	require.NoError(t, err, "a dead letter opens like any other")
	require.Equal(t, 42, got.Items)
}

// A part of a request says which part it is, in a version of its own: a build that does not know of parts must leave it.
func TestAPartOfARequestIsNamedInItsEnvelope(t *testing.T) {
	t.Parallel()
	c := testCoder(t, encodingS2)
	want := testBatch(bytes.Repeat([]byte("x"), 100))
	want.Ordinals = telemetry.Ordinals{{From: 3, To: 44}, {From: 50, To: 51}}
	good, body := envelope(c, want)
	require.Equal(t, "2", first(good, HeaderSchema))
	require.Equal(t, "3-43,50", first(good, HeaderOrdinals))
	require.NotEqual(t, first(good, HeaderRequest), first(good, HeaderID))
	got, err := openOne(c, Subject(telemetry.Logs, "t1"), good, body)
	require.NoError(t, err)
	require.Equal(t, want, got)
	for header, values := range map[string][]string{
		HeaderRequest:  {"", "00ff", strings.Repeat("zz", 16)},
		HeaderOrdinals: {"", "3-43", "3-44,50", "50,3-43", "x"},
		HeaderItems:    {"0", "41"},
	} {
		for _, value := range values {
			h := maps.Clone(good)
			h[header] = []string{value}
			_, err := c.open(telemetry.Logs, Subject(telemetry.Logs, "t1"), h, body)
			require.Equal(t, "bus.bad_envelope", fault.From(err).Code, "%s %q", header, value)
		}
	}
	whole, body := envelope(c, testBatch(bytes.Repeat([]byte("x"), 100)))
	require.Equal(t, "1", first(whole, HeaderSchema), "what every build reads")
	got, err = openOne(c, Subject(telemetry.Logs, "t1"), whole, body)
	require.NoError(t, err)
	require.Equal(t, want.Request, got.Request)
	require.Nil(t, got.Ordinals)
}

// A body that says or does more than a message may hold is refused before its memory is taken.
func TestABodyThatDecompressesToMuchIsRefused(t *testing.T) {
	t.Parallel()
	c := testCoder(t, encodingS2)
	enc, err := zstd.NewWriter(nil)
	require.NoError(t, err)
	defer func() { require.NoError(t, enc.Close()) }()
	big := make([]byte, maxDecoded+1)
	small := bytes.Repeat([]byte("span "), 1000)
	for encoding, encode := range map[string]func([]byte) []byte{
		encodingS2: func(b []byte) []byte { return s2.Encode(nil, b) }, encodingZstd: func(b []byte) []byte { return enc.EncodeAll(b, nil) },
	} {
		try := func(body []byte, size string) error {
			out, err := c.decode(body, nats.Header{HeaderEncoding: {encoding}, HeaderSize: {size}})
			if err == nil {
				require.Equal(t, small, out)
				require.Equal(t, len(small), cap(out), "%s takes what it says", encoding)
			}
			return err
		}
		body, huge := encode(small), encode(big)
		require.Less(t, len(huge), 1<<20)
		require.NoError(t, try(body, "5000"))
		for size, body := range map[string][]byte{
			strconv.Itoa(len(big)): huge, "67108864": huge, "5000": huge, "4999": body, "5001": body, "0": body, "": body, "-1": body, "x": body,
		} {
			require.Equal(t, "bus.bad_body", fault.From(try(body, size)).Code, "%s of %q", encoding, size)
		}
		require.Equal(t, "bus.bad_body", fault.From(try(body[:len(body)/2], "5000")).Code, "%s cut short", encoding)
	}
}

func TestARetryWaitsLongerEachTimeUpToHalfAMinute(t *testing.T) {
	t.Parallel()
	before := time.Duration(0)
	for attempts := range 40 {
		delay := retryDelay(attempts)
		require.GreaterOrEqual(t, delay, before, "attempt %d", attempts)
		require.GreaterOrEqual(t, delay, 500*time.Millisecond)
		require.LessOrEqual(t, delay, 30*time.Second)
		before = delay
	}
	require.Equal(t, 30*time.Second, before)
	require.Equal(t, 500*time.Millisecond, retryDelay(1))
	require.Equal(t, time.Second, retryDelay(2))
}

// A reason may quote what a sender sent: as a header it must not begin another one.
func TestAHeaderIsOneBoundedLine(t *testing.T) {
	t.Parallel()
	require.Equal(t, "a  b c", headerText("a\r\nb\x00c"))
	require.Equal(t, "ä?", headerText("ä\xff"))
	long := headerText(strings.Repeat("ä", 5000))
	require.LessOrEqual(t, len(long), 1024)
	require.True(t, utf8.ValidString(long))
}
