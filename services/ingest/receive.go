package ingest

import (
	"context"
	"encoding/binary"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
)

// How a gRPC message comes in. gRPC would take a message of whatever length its prefix says into memory, and decompress it, before it calls
// anybody; stats handlers, taps and codecs all come later or see no length. So a message is read here from the stream itself, piece by piece,
// through the same budget as a body of HTTP. Beside what is charged, a stream holds at most its window and a piece.

const (
	connectionWindow = 1 << 20
	connectionBuffer = 16 << 10 // a connection has one all its life
	maxHeaders       = 16 << 10
	maxOther         = 64 << 10 // messages of services that gRPC decodes itself: health
	prefix           = 5        // of a message: whether it is compressed, its length

	// piece is how much is read of a stream at a time. gRPC opens a stream's window by what is asked for where it may not hold that, and
	// collects all of it before it returns; it gives a quarter of the window back late, so that half of it is there at any time.
	piece = httpserver.StreamWindow / 2
)

// serverStream is the part of gRPC's stream that is needed; its exported methods, which the interface that gRPC gives out does not name.
type serverStream interface {
	ReadMessageHeader(header []byte) error
	Read(n int) (mem.BufferSlice, error)
	RecvCompress() string
	WriteStatus(st *status.Status) error
}

// received is the one message of a call, on its way.
type received struct {
	stream   serverStream
	length   int64
	encoding string // "" where the message is not compressed
	left     int64
	timer    *time.Timer
}

// message reads the prefix of a call's message. The caller ends with end.
func (s *Service) message(ctx context.Context) (*received, error) {
	stream, ok := grpc.ServerTransportStreamFromContext(ctx).(serverStream)
	if !ok {
		return nil, fault.ErrInternal.New("the stream of a gRPC call cannot be read: this build of gRPC is not known")
	}
	m := &received{stream: stream}
	if wait := s.cfg.GRPC.ReadTimeout; wait > 0 {
		// Ending the call is what ends a read of it.
		m.timer = time.AfterFunc(wait, func() {
			_ = stream.WriteStatus(status.Newf(codes.DeadlineExceeded, "the message did not arrive within %s", wait))
		})
	}
	var header [prefix]byte
	if err := stream.ReadMessageHeader(header[:]); err != nil {
		m.end()
		return nil, readError(ctx, err, "", 0)
	}
	m.length = int64(binary.BigEndian.Uint32(header[1:]))
	m.left = m.length
	if header[0] == 1 {
		m.encoding = stream.RecvCompress()
	}
	if limit := s.cfg.MaxRequestBytes; m.length > limit {
		m.end()
		return nil, httpserver.BodyTooLarge(limit)
	}
	return m, nil
}

func (m *received) incoming() incoming {
	return incoming{source: m, announced: m.length, encoding: m.encoding}
}

// Read reads a piece of the message; the sender may never have more on its way than the window, however much p has room for.
func (m *received) Read(p []byte) (int, error) {
	if m.left == 0 {
		m.end()
		return 0, io.EOF
	}
	n := int(min(m.left, int64(len(p)), piece))
	arrived, err := m.stream.Read(n)
	if err != nil {
		return 0, err
	}
	defer arrived.Free()
	m.left -= int64(arrived.CopyTo(p))
	return n, nil
}

// end stops the clock: the message has arrived, or is not waited for.
func (m *received) end() {
	if m.timer != nil {
		m.timer.Stop()
	}
}
