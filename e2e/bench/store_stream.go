package bench

import (
	"context"
	"fmt"
	"time"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// window24 is a range of time, from its first instant to the one after its last.
type window24 struct{ from, to time.Time }

// stream makes items of a signal evenly over some time, a request at a time, so that any number of them needs no memory. The same one is the same
// to the last byte.
type stream struct {
	signal  telemetry.Signal
	items   int
	request int // items of a request
	shop    *testbed.Shop
	planted planted
	made    int
	until   int    // it pauses when it has made so many items
	name    string // tells its requests from those of a stream with the same items
}

// again is a stream whose requests are no repeat of those of another with the same items.
func (s *stream) again(name string) *stream {
	s.name = name
	return s
}

// leastHour is the fewest items that are merged by themselves: a day of fewer than 24 times as many has longer hours, so that a test of few waits for
// few passes.
const leastHour = 5_000

// hour lets a stream run for an hour more of its items, which are spread evenly.
func (s *stream) hour() *stream {
	s.until = min(s.made+max((s.items+storeHours-1)/storeHours, leastHour), s.items)
	return s
}

// same is the stream as it is.
func (s *stream) same() *stream { return s }

// mixed is a stream of which one body of eight is a map, as loggers of JavaScript, Python and Go send them.
func (s *stream) mixed() *stream {
	s.planted.maps = true
	return s
}

// plain is a stream in which nothing is planted.
func (s *stream) plain() *stream {
	s.planted.rare, s.planted.slow, s.planted.words = rareSpans, slowSpans, rareRecords
	return s
}

// newStream begins a stream of so many items from w.from to end; w is where questions look. Two that are stored in one database need seeds of their own.
func newStream(seed uint64, signal telemetry.Signal, items, request int, w window24, end time.Time) *stream {
	const probe = 20_000
	s := &stream{signal: signal, items: items, until: items, request: max(min(request, items/100), 1)}
	length := end.Sub(w.from)
	if signal == telemetry.Metrics {
		const pointsAScrape = pointsAnHour / 240
		s.shop = testbed.NewShop(1, w.from).Scraping(length * pointsAScrape / time.Duration(max(items, pointsAScrape)))
	} else {
		small := testbed.NewShop(1, w.from).Every(time.Second)
		small.Traces(probe)
		traces := small.Now().Sub(w.from).Seconds() * float64(items) / probe
		s.shop = testbed.NewShop(seed, w.from).Every(time.Duration(float64(length) / max(traces, 1)))
	}
	s.planted = planted{
		options: scanOptions{spans: items, logs: items, request: s.request}, filled: &filled{from: w.from, to: w.to},
	}
	return s
}

// next is the next request and how many items it has, 0 at the end or where the stream pauses.
func (s *stream) next() (payload []byte, n int) {
	n = min(s.request, s.until-s.made)
	if n == 0 {
		return nil, 0
	}
	s.made += n
	f := s.planted.filled
	switch s.signal {
	case telemetry.Traces:
		td := s.shop.Traces(n)
		s.planted.spans(td)
		f.spans += n
		return testbed.TracesPayload(td), n
	case telemetry.Logs:
		s.shop.Traces(n) // what the records belong to
		ld := s.shop.Logs(n)
		s.planted.logs(ld)
		f.logs += n
		return testbed.LogsPayload(ld), n
	case telemetry.Metrics:
		return testbed.MetricsPayload(s.shop.Metrics(n)), n
	}
	panic(fmt.Sprintf("unknown signal %d", s.signal))
}

// all says whether what questions look for is there.
func (p *planted) all() error {
	if p.filled.spans > 0 && (p.rare != rareSpans || p.slow != slowSpans) || p.filled.logs > 0 && p.words != rareRecords {
		return fmt.Errorf("too little data for what is to be found in it: %d, %d and %d planted", p.rare, p.slow, p.words)
	}
	return nil
}

// pour publishes a stream for a build and waits until it is committed. One queue serves all: the same bytes for another build are no repeat. each
// is called after each request; nil waits only where the queue is long.
func (s *storeBench) pour(ctx context.Context, of *revision, in *stream, each func() error) error {
	for {
		payload, n := in.next()
		if n == 0 {
			return s.machine.settled(ctx, in.signal)
		}
		if err := s.machine.publish(ctx, []telemetry.Batch{batchFor(in.name+of.label(), in.signal, payload, n)}); err != nil {
			return err
		}
		var err error
		if each != nil {
			err = each()
		} else {
			err = s.machine.backlog(ctx, in.signal, largestBacklog)
		}
		if err != nil {
			return err
		}
	}
}

// batchFor is a request as who goes by that name is to get it.
func batchFor(who string, signal telemetry.Signal, payload []byte, items int) telemetry.Batch {
	name := append([]byte(who), payload...)
	return telemetry.Batch{
		Request: telemetry.NewRequestID(telemetry.DefaultTenant, signal, name), Tenant: telemetry.DefaultTenant, Signal: signal,
		Received: time.Now(), Items: items, Payload: payload,
	}
}
