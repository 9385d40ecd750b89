package ingest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/otlp"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// reader is a Service that only reads.
func reader(limit int64) *Service {
	cfg := DefaultConfig()
	cfg.PublishTimeout = 20 * time.Millisecond
	env := service.Env{Now: time.Now} // for the quota, which bad bodies are charged to
	return &Service{cfg: cfg, env: env, budget: &budget{limit: limit}, codings: newCodings(), small: make(lane, 2), large: make(lane, 1)}
}

// dripping is a source that gives what it has in pieces and calls each before every one.
type dripping struct {
	left, piece int
	each        func()
}

func (d *dripping) Read(p []byte) (int, error) {
	d.each()
	n := min(d.piece, len(p), d.left)
	d.left -= n
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// What a request takes is in proportion to what has arrived, whatever it announces, and it is taken from the budget before it is allocated.
func TestMemoryGrowsWithWhatArrives(t *testing.T) {
	t.Parallel()
	for _, announced := range []int64{-1, 0, 100, firstRead - 1, firstRead, 1 << 20, 9 << 20, 60 << 20} {
		for _, size := range []int{0, 1, 99, firstRead, firstRead + 1, 3_333_333, 9 << 20} {
			s := reader(1 << 30)
			arrived := 0
			source := &dripping{left: size, piece: 10_007}
			var b body
			source.each = func() {
				arrived = size - source.left
				require.LessOrEqual(t, s.budget.used.Load(), max(firstRead, arrivedShare*int64(arrived))+1, "announced %d, arrived %d", announced, arrived)
				require.Equal(t, s.budget.used.Load(), b.reserved)
				require.EqualValues(t, b.reserved, cap(*b.buffer))
			}
			require.NoError(t, s.fill(t.Context(), &b, source, announced, 64<<20))
			require.Len(t, b.bytes, size)
			s.release(&b)
			require.Zero(t, s.budget.used.Load())
		}
	}
}

func TestWhatDecompressesIsChargedAsItGrows(t *testing.T) {
	t.Parallel()
	const limit = 16 << 20
	for _, c := range newCodings() {
		bomb := bombOf(t, c.names[0], 5*limit)
		s := reader(3 * limit)
		read := func(compressed []byte, limit int64) (int64, error) {
			b, err := s.read(t.Context(), nil, incoming{bytes.NewReader(compressed), int64(len(compressed)), c.names[0]}, limit)
			held := s.budget.used.Load()
			s.release(&b)
			require.Zero(t, s.budget.used.Load())
			require.Empty(t, s.small)
			require.Empty(t, s.large)
			return held, err
		}
		_, err := read(bomb, limit)
		require.Equal(t, fault.TooLarge, fault.ClassOf(err), "%v", err)

		s = reader(3 << 20)
		_, err = read(bombOf(t, c.names[0], 8<<20), limit)
		require.Equal(t, fault.Overloaded, fault.ClassOf(err), "there is no room for %s", c.names[0])
		s = reader(3 * limit)
		held, err := read(bombOf(t, c.names[0], limit), limit)
		require.NoError(t, err)
		require.GreaterOrEqual(t, held, int64(limit))
	}
}

// bombOf is n zeros, compressed.
func bombOf(t *testing.T, name string, n int) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := encoding.GetCompressor(name).Compress(&out)
	require.NoError(t, err)
	zeros(t, w, n)
	return out.Bytes()
}

func zeros(t *testing.T, w io.WriteCloser, n int) {
	t.Helper()
	piece := make([]byte, 1<<20)
	for n > 0 {
		m := min(n, len(piece))
		_, err := w.Write(piece[:m])
		require.NoError(t, err)
		n -= m
	}
	require.NoError(t, w.Close())
}

func TestFewLargeRequestsAreWorkedOnAtOnce(t *testing.T) {
	t.Parallel()
	s := reader(1 << 30)
	read := func(size int, encoding string) (body, error) {
		data := make([]byte, size)
		if encoding != "" {
			data = bombOf(t, encoding, size)
		}
		return s.read(t.Context(), nil, incoming{bytes.NewReader(data), int64(len(data)), encoding}, 64<<20)
	}
	for _, encoding := range []string{"", "gzip", "zstd"} {
		first, err := read(2<<20, encoding)
		require.NoError(t, err)
		for _, other := range []string{"", "gzip", "zstd"} {
			_, err = read(2<<20, other)
			require.Equal(t, fault.Overloaded, fault.ClassOf(err), "a second large one waits, and is told to come again")
			small, err := read(1<<20, other)
			require.NoError(t, err, "a small one does not wait for it")
			s.release(&small)
		}
		s.release(&first)
	}
	require.Zero(t, s.budget.used.Load())
	require.Empty(t, s.large)
	require.Empty(t, s.small)
}

func TestWhatIsInFlightFollowsTheMemory(t *testing.T) {
	t.Parallel()
	c := DefaultConfig()
	require.EqualValues(t, 512<<20, c.inFlight(0))
	require.EqualValues(t, 1<<30, c.inFlight(4<<30))
	require.Equal(t, 3*c.MaxRequestBytes, c.inFlight(256<<20), "a request that is alone is taken")
	c.MaxInFlightBytes = 300 << 20
	require.EqualValues(t, 300<<20, c.inFlight(4<<30))
}

// announcing opens requests over HTTP that announce 60 MB each and send no more than a hundred bytes.
func announcing(t *testing.T, r *running, n int) {
	t.Helper()
	for range n {
		conn, err := net.Dial("tcp", r.http[len("http://"):])
		require.NoError(t, err)
		t.Cleanup(func() { _ = conn.Close() })
		_, err = fmt.Fprintf(conn, "POST /v1/traces HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-protobuf\r\nContent-Length: 60000000\r\n\r\n%s", make([]byte, 100))
		require.NoError(t, err)
	}
}

// calling opens a connection with n calls that announce a message of length bytes and send no more than sent.
func calling(t *testing.T, r *running, n int, length uint32, sent int) *http2.Framer {
	t.Helper()
	conn, err := net.Dial("tcp", r.grpc)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = conn.Write([]byte(http2.ClientPreface))
	require.NoError(t, err)
	f := http2.NewFramer(conn, conn)
	require.NoError(t, f.WriteSettings())
	for i := range n {
		var header bytes.Buffer
		h := hpack.NewEncoder(&header)
		for _, field := range [][2]string{
			{":method", "POST"},
			{":scheme", "http"},
			{":path", "/" + exportDesc(telemetry.Traces).ServiceName + "/Export"},
			{":authority", "x"},
			{"content-type", "application/grpc"},
			{"te", "trailers"},
		} {
			require.NoError(t, h.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}))
		}
		id := uint32(2*i + 1)
		require.NoError(t, f.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: header.Bytes(), EndHeaders: true}))
		data := make([]byte, prefix+sent)
		binary.BigEndian.PutUint32(data[1:], length)
		require.NoError(t, f.WriteData(id, false, data))
	}
	return f
}

func TestAnnouncedBytesCostNothing(t *testing.T) {
	t.Parallel()
	r := start(t)
	const n = 40
	announcing(t, r, n)
	calling(t, r, n, 60_000_000, 100)
	testbed.Eventually(t, "all of them are read", func() bool { return r.budget.used.Load() >= 2*n*firstRead })
	require.LessOrEqual(t, r.budget.used.Load(), int64(2*n*2*firstRead), "kept buffers, at most")
	require.Equal(t, http.StatusOK, r.post("/v1/traces", "application/x-protobuf", protobuf(t, telemetry.Traces)).status)
	_, err := call(t.Context(), dial(t, r), telemetry.Traces, protobuf(t, telemetry.Traces))
	require.NoError(t, err)
}

func TestAMessageThatDoesNotArriveIsGivenUp(t *testing.T) {
	t.Parallel()
	r := start(t, func(c *Config) { c.GRPC.ReadTimeout = 100 * time.Millisecond })
	f := calling(t, r, 1, 1000, 10)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	for {
		frame, err := f.ReadFrame()
		require.NoError(t, err)
		if h, ok := frame.(*http2.MetaHeadersFrame); ok && h.StreamEnded() {
			require.Contains(t, fmt.Sprint(h.Fields), `"grpc-status" = "4"`)
			break
		}
	}
	testbed.Eventually(t, "all is given back", func() bool { return r.budget.used.Load() == 0 })
}

// A message is as long as its prefix says, of whatever frames, and however long.
func TestMessagesOfEverySize(t *testing.T) {
	t.Parallel()
	r := start(t)
	conn := dial(t, r)
	for _, spans := range []int{1, 40, 150, 600, 3000} { // up to a few MB: beyond a frame, a window, a small request
		payload := large(t, spans)
		for _, encoding := range []string{"", "gzip", "zstd"} {
			var options []grpc.CallOption
			if encoding != "" {
				options = append(options, grpc.UseCompressor(encoding))
			}
			_, err := call(t.Context(), conn, telemetry.Traces, payload, options...)
			require.NoError(t, err, "%d bytes, %s", len(payload), encoding)
		}
	}
	_, err := call(t.Context(), conn, telemetry.Traces, make([]byte, 64<<20+1))
	require.Equal(t, codes.ResourceExhausted, status.Code(err))
	for _, d := range status.Convert(err).Details() {
		_, retry := d.(*errdetails.RetryInfo)
		require.False(t, retry, "not to be repeated")
	}
	testbed.Eventually(t, "all is given back", func() bool { return r.budget.used.Load() == 0 })
}

// However much room is left for a message, its sender may never have more on its way than the window of a stream.
func TestTheWindowStaysWhatItIs(t *testing.T) {
	t.Parallel()
	r := start(t)
	const length = 4 << 20
	f := calling(t, r, 1, length, 0)
	allowed, sent := int64(httpserver.StreamWindow), int64(prefix)
	connection := int64(1<<16 - 1) // what RFC 9113 begins with
	frame := make([]byte, 1<<14)
	for left := int64(length); left > 0; {
		for n := min(left, int64(len(frame)), allowed-sent, connection-sent); n > 0; n = min(left, int64(len(frame)), allowed-sent, connection-sent) {
			require.NoError(t, f.WriteData(1, left == n, frame[:n]))
			sent, left = sent+n, left-n
		}
		if left == 0 {
			break
		}
		got, err := f.ReadFrame()
		require.NoError(t, err)
		switch got := got.(type) {
		case *http2.SettingsFrame:
			if window, ok := got.Value(http2.SettingInitialWindowSize); ok {
				require.EqualValues(t, httpserver.StreamWindow, window)
			}
		case *http2.PingFrame:
			require.NoError(t, f.WritePing(true, got.Data))
		case *http2.WindowUpdateFrame:
			if got.StreamID == 0 {
				connection += int64(got.Increment)
				break
			}
			allowed += int64(got.Increment)
			require.LessOrEqual(t, allowed-sent, int64(httpserver.StreamWindow), "after %d bytes", sent)
		default:
			require.Failf(t, "the call has ended", "%v after %d bytes", got, sent)
		}
	}
}

// hushed is a server whose answers do not come while somebody holds the lock.
type hushed struct {
	bus.InProcess
	answers *sync.RWMutex
}

func (h hushed) InProcessConn() (net.Conn, error) {
	conn, err := h.InProcess.InProcessConn()
	return hushedConn{conn, h.answers}, err
}

type hushedConn struct {
	net.Conn
	answers *sync.RWMutex
}

func (h hushedConn) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	h.answers.RLock()
	defer h.answers.RUnlock()
	return n, err
}

// What is made of a request is charged as long as it is there: the protobuf of JSON, and the parts of what is cut.
func TestWhatIsMadeOfARequestIsChargedUntilItIsAnswered(t *testing.T) {
	t.Parallel()
	old := ptraceotlp.NewExportRequest()
	require.NoError(t, old.UnmarshalProto(large(t, 500)))
	old.Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(7).SetStartTimestamp(1)
	filtered, err := old.MarshalProto()
	require.NoError(t, err)
	for _, test := range []struct {
		name    string
		payload []byte
		json    bool
		parts   float64 // together, of the payload
	}{
		{"protobuf as it is", large(t, 500), false, 0},
		{"protobuf, one item refused", filtered, false, 0.9},
		{"protobuf, cut", large(t, 7000), false, 0.9},
		{"JSON", large(t, 500), true, 0},
		{"JSON, one item refused", filtered, true, 0.9},
		{"JSON, cut", large(t, 7000), true, 0.9},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			answers := new(sync.RWMutex)
			r := start(t, func(c *Config) { c.Bus.InProcess = hushed{c.Bus.InProcess, answers} })
			body, contentType, want := test.payload, typeProtobuf, int64(len(test.payload))
			if test.json {
				request := ptraceotlp.NewExportRequest()
				require.NoError(t, request.UnmarshalProto(test.payload))
				var err error
				body, err = request.MarshalJSON()
				require.NoError(t, err)
				contentType = typeJSON
				want += int64(len(body))
			}
			answers.Lock()
			release := sync.OnceFunc(answers.Unlock)
			defer release()
			var admitting atomic.Int64
			meets := func() { admitting.Store(r.budget.used.Load()) }
			r.meets.Store(&meets)
			answered := make(chan int, 1)
			go func() { answered <- r.post("/v1/traces", contentType, body).status }()
			testbed.Eventually(t, "it is admitted", func() bool { return admitting.Load() > 0 })
			require.GreaterOrEqual(t, admitting.Load(), want)
			parts := int64(test.parts * float64(len(test.payload)))
			testbed.Eventually(t, "its parts are charged", func() bool { return r.budget.used.Load() >= admitting.Load()+parts })
			if parts > 0 {
				parts = 2 * int64(len(test.payload)) // and as much again for the one that is being made
			}
			require.LessOrEqual(t, r.budget.used.Load(), admitting.Load()+parts)
			release()
			require.Equal(t, http.StatusOK, <-answered)
			testbed.Eventually(t, "all is given back", func() bool { return r.budget.used.Load() == 0 })
		})
	}
}

// repeatedly is n times the same bytes, as the field of messages around items: of a resource, of its scope.
func repeatedly(n int, items ...[]byte) []byte {
	content := bytes.Repeat(bytes.Join(items, nil), n)
	for _, tag := range []otlp.Tag{otlp.ResourceItemsScopeItems, otlp.ExportResourceItems} {
		content = otlp.AppendBytes(nil, tag, content)
	}
	return content
}

// However little of a request an item takes, what is made of it is charged before it is there, and never comes to more than the budget: log
// records without a time get one of four times their size, items among others that are refused get parts of a few hundred.
func TestWhatItemsComeToIsInTheBudget(t *testing.T) { //nolint:paralleltest // it measures the heap
	const size, limit = 16 << 20, 48 << 20
	var (
		empty = otlp.AppendBytes(nil, otlp.ScopeItemsItems, "")
		old   = otlp.AppendBytes(nil, otlp.ScopeItemsItems, binary.LittleEndian.AppendUint64(otlp.AppendTag(nil, otlp.LogRecordTimeUnixNano), 1))
	)
	for _, test := range []struct {
		name    string
		payload []byte
		refused int
	}{
		{"empty records", repeatedly(size/2-16, empty), 0},
		{"empty records, each beside an old one", repeatedly(size/13-16, empty, old), size/13 - 16},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := start(t, func(c *Config) {
				c.MaxRequestBytes, c.HTTP.MaxBodyBytes, c.MaxInFlightBytes = size, size, limit
				c.PublishTimeout = time.Minute
			})
			before := heap()
			answered := make(chan answer, 1)
			go func() { answered <- r.post("/v1/logs", typeProtobuf, test.payload) }()
			for {
				select {
				case got := <-answered:
					require.Equal(t, http.StatusOK, got.status)
					response := plogotlp.NewExportResponse()
					require.NoError(t, response.UnmarshalProto(got.body))
					require.EqualValues(t, test.refused, response.PartialSuccess().RejectedLogRecords())
					testbed.Eventually(t, "all is given back", func() bool { return r.budget.used.Load() == 0 })
					return
				default:
					require.LessOrEqual(t, r.budget.used.Load(), int64(limit), "charged")
					require.LessOrEqual(t, heap()-before, int64(limit), "taken")
				}
			}
		})
	}
}

// A request that is alone is taken in every budget that the settings allow, however much is made of it, and what is published of it keeps to the
// budget.
func TestARequestThatIsAloneIsTaken(t *testing.T) { //nolint:paralleltest // each takes up to three times 16 MiB
	noise := make([]byte, 16<<20)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(noise)
	spans := func(size int) []byte { // large ones: the test is about bytes
		const each = 50_000
		var items [][]byte
		for i := range size / (each + 100) {
			s := ptraceotlp.NewExportRequest()
			require.NoError(t, s.UnmarshalProto(large(t, 1)))
			span := s.Traces().ResourceSpans().At(0).ScopeSpans().At(0).Spans().At(0)
			span.SetTraceID([16]byte{1, byte(i), byte(i >> 8)})
			span.Attributes().PutEmptyBytes("noise").FromRaw(noise[i*each:][:each])
			b, err := s.MarshalProto()
			require.NoError(t, err)
			items = append(items, b)
		}
		return bytes.Join(items, nil) // a request is the sum of its resources
	}
	zstd := func(b []byte) []byte {
		var out bytes.Buffer
		w, err := encoding.GetCompressor("zstd").Compress(&out)
		require.NoError(t, err)
		_, err = w.Write(b)
		require.NoError(t, err)
		require.NoError(t, w.Close())
		return out.Bytes()
	}
	empty := otlp.AppendBytes(nil, otlp.ScopeItemsItems, "")
	shared := func(size int) []byte { // a resource that is repeated with every part, and small records
		attribute := otlp.AppendBytes(otlp.AppendBytes(nil, 0x0a, "k"), 0x12, otlp.AppendBytes(nil, 0x0a, strings.Repeat("v", size/5)))
		resource := otlp.AppendBytes(nil, 0x0a, otlp.AppendBytes(nil, 0x0a, attribute))
		scope := otlp.AppendBytes(nil, otlp.ResourceItemsScopeItems, bytes.Repeat(empty, size*3/8-40))
		return otlp.AppendBytes(nil, otlp.ExportResourceItems, append(resource, scope...))
	}
	tests := []struct {
		name, path, contentType, encoding string
		body                              func(size int) []byte
	}{
		{"spans", "/v1/traces", typeProtobuf, "", spans},
		{"spans in zstd that are as large", "/v1/traces", typeProtobuf, "zstd", func(size int) []byte { return zstd(spans(size)) }},
		{"records without a time", "/v1/logs", typeProtobuf, "", func(size int) []byte { return repeatedly(size/2-16, empty) }},
		{"records without a time, of a large resource", "/v1/logs", typeProtobuf, "", shared},
		{"JSON spans", "/v1/traces", typeJSON, "", func(size int) []byte {
			s := ptraceotlp.NewExportRequest()
			require.NoError(t, s.UnmarshalProto(spans(size*3/4)))
			b, err := s.MarshalJSON()
			require.NoError(t, err)
			return b
		}},
		{"JSON records without a time", "/v1/logs", typeJSON, "", func(size int) []byte {
			const around, after = `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{}`, `]}]}]}`
			return []byte(around + strings.Repeat(",{}", (size-len(around)-len(after))/3) + after)
		}},
	}
	sizes := []int64{2 << 20, 4 << 20, 8 << 20, 16 << 20}
	for i := range testbed.Some(len(tests) * len(sizes)) {
		test, size := tests[i/len(sizes)], sizes[i%len(sizes)]
		t.Run(fmt.Sprintf("%s, %d MiB", test.name, size>>20), func(t *testing.T) {
			r := start(t, func(c *Config) {
				c.MaxRequestBytes, c.HTTP.MaxBodyBytes, c.MaxInFlightBytes = size, size, 3*size
				c.PublishTimeout = time.Minute
				require.NoError(t, c.Validate())
			})
			body := test.body(int(size) * 98 / 100)
			require.Greater(t, int64(len(body)), size*9/10, "it is as large as may be")
			require.LessOrEqual(t, int64(len(body)), size)
			answered := make(chan answer, 1)
			go func() {
				answered <- r.post(test.path, test.contentType, body, "Content-Encoding", test.encoding)
			}()
			most := int64(0)
			look := time.NewTicker(time.Millisecond)
			defer look.Stop()
			for {
				select {
				case got := <-answered:
					require.Equal(t, http.StatusOK, got.status, "%s", got.body)
					require.LessOrEqual(t, most, 3*size+2, "the budget, and the byte behind each of two buffers")
					testbed.Eventually(t, "all is given back", func() bool { return r.budget.used.Load() == 0 })
					return
				case <-look.C:
					most = max(most, r.budget.used.Load())
				}
			}
		})
	}
}

// What is published of a large request is not refused because others that wait for their turn have all that large ones may: half of what is kept
// free of them is there for it.
func TestWhatHasItsTurnIsNotRefusedForThoseThatWait(t *testing.T) {
	t.Parallel()
	const limit = 256 << 20
	for _, test := range []struct {
		name   string
		used   int64 // by others, once it was received
		status int
	}{
		{"all that large ones may have", limit - limit/keptFree, http.StatusOK},
		{"half of the rest, too", limit - limit/keptFree/2, http.StatusTooManyRequests},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := start(t, func(c *Config) { c.MaxInFlightBytes = limit })
			var others int64
			meets := func() {
				others = test.used - r.budget.used.Load()
				r.budget.used.Add(others)
			}
			r.meets.Store(&meets)
			require.Equal(t, test.status, r.post("/v1/traces", typeProtobuf, large(t, 9000)).status)
			testbed.Eventually(t, "all is given back", func() bool { return r.budget.used.Load() == others })
		})
	}
}

// heap is what is in use of memory.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
