package native

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/tail"
)

// TailPath is the route of the live tail: its answer is a stream, which nothing between may hold back.
const TailPath = "/api/logs/tail"

// Tails are who follows live data, and for how long.
type Tails struct {
	Hub       *tail.Hub
	Stop      <-chan struct{} // closed when the service begins to stop
	Heartbeat time.Duration
}

const (
	longestTail  = 3600             // seconds
	tailWriting  = 30 * time.Second // that one event takes to be written, else the client is gone
	mostCaughtUp = 1000             // records that a client who comes again is given at once
	caughtUpBack = 24 * time.Hour   // how old, by their own times, and how far ahead, these may be
)

// TailLogs follows what the queue takes.
func (h handlers) TailLogs(c echo.Context, p api.TailLogsParams) error {
	tenant, err := h.tenant(c)
	if err != nil {
		return err
	}
	list, err := filterList(p.Filters)
	if err != nil {
		return err
	}
	f, err := h.filters.Parse(telemetry.Logs, list)
	if err != nil {
		return err
	}
	after, err := storedAfter(p.LastEventID, p.After)
	if err != nil {
		return err
	}
	seconds, err := pageLimit(p.Seconds, longestTail, longestTail)
	if err != nil {
		return errSeconds.Newf("seconds: %d is not between 1 and %d", *p.Seconds, longestTail)
	}
	ctx := c.Request().Context()
	base, _, err := h.engine.Queue(ctx, telemetry.Logs)
	if err != nil {
		return err
	}
	onlooker, err := h.set.Tails.Hub.Open(tail.Request{Tenant: tenant, Signal: telemetry.Logs, Filter: f, Base: base, Draw: drawLive})
	if err != nil {
		return err
	}
	defer onlooker.Close()
	s := &eventStream{Context: c, control: http.NewResponseController(c.Response())}
	seen := int64(0)
	var before []tail.Event
	if after != nil {
		q := &engine.Query{Tenant: tenant, Signal: telemetry.Logs, Filter: f, Beyond: after}
		if before, seen, err = h.since(ctx, q); err != nil {
			return err
		}
	}
	return h.follow(ctx, s, onlooker, time.Duration(seconds)*time.Second, before, seen)
}

// storedAfter reads the id of a record; nil for none.
func storedAfter(ids ...string) (*engine.Stored, error) {
	for _, id := range ids {
		if id == "" {
			continue
		}
		position, ordinal, _ := strings.Cut(id, ".")
		p, err := strconv.ParseInt(position, 10, 64)
		o, err2 := strconv.ParseInt(ordinal, 10, 64)
		if err != nil || err2 != nil || p < 1 || o < 0 {
			return nil, errEventID.Newf("after: %.64q is not the id of a record", id)
		}
		return &engine.Stored{Position: p, Ordinal: o}, nil
	}
	return nil, nil
}

// since is what was stored beyond an item until now, as events, and the highest position of these; live events are told from there on.
func (n *API) since(ctx context.Context, q *engine.Query) (list []tail.Event, seen int64, err error) {
	base, last, err := n.engine.Queue(ctx, q.Signal)
	if err != nil {
		return nil, 0, err
	}
	if there, err := n.engine.Await(ctx, q.Signal, last); err != nil || !there { // writers are behind: what is not stored by now is told as missed
		list = append(list, tail.Event{Unknown: true})
	}
	now := n.now()
	q.From, q.To, q.MaxPosition = now.Add(-caughtUpBack).UnixNano(), now.Add(caughtUpBack).UnixNano(), base+last
	events, err := engine.Again(func() (events []tail.Event, err error) {
		err = n.engine.Ask(ctx, caughtUpBack, func(ctx context.Context, s *engine.Snapshot) error {
			found, err := s.Search(ctx, q, mostCaughtUp)
			if err != nil {
				return err
			}
			events = make([]tail.Event, len(found.Items))
			end := len(events)
			a := allowance{left: n.set.PageBytes, end: end}
			err = s.Read(ctx, q, found.Items, func(t *segment.Table, rows []uint32, numbers []int) int {
				a.allow(t, rows, numbers, func(row, number int) {
					events[number] = tail.Event{Position: t.Ints[segment.ColPosition][row], Ordinal: t.Ints[segment.ColOrdinal][row], Data: drawLive(t, row)}
				})
				return a.end
			})
			events = events[:a.end]
			if found.More || a.end < end || s.Cut() != nil {
				list = append(list, tail.Event{Unknown: true})
			}
			return err
		})
		return events, err
	})
	slices.SortFunc(events, func(a, b tail.Event) int {
		return engine.Stored{Position: a.Position, Ordinal: a.Ordinal}.Compare(engine.Stored{Position: b.Position, Ordinal: b.Ordinal})
	})
	return append(list, events...), base + last, err
}

// drawLive makes an event that stands for itself.
func drawLive(t *segment.Table, row int) []byte {
	r := newRenderer()
	r.begin()
	event := api.LiveLog{Log: r.log(t, row)}
	event.Resource, event.Scope = r.resources[0], r.scopes[0]
	data, err := json.Marshal(event)
	if err != nil {
		panic(fmt.Sprintf("types of this package always marshal: %v", err))
	}
	return data
}

// follow writes events until one of the two sides ends it.
func (n *API) follow(ctx context.Context, s *eventStream, onlooker *tail.Onlooker, length time.Duration, before []tail.Event, seen int64) error {
	header := s.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx
	s.Response().WriteHeader(http.StatusOK)
	s.send("retry: 1000\n\n")
	s.events(before, math.MinInt64)
	beat := time.NewTicker(n.set.Tails.Heartbeat)
	defer beat.Stop()
	over := time.NewTimer(length)
	defer over.Stop()
	for s.err == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-onlooker.Ready():
			s.events(onlooker.Take(), seen)
		case <-beat.C:
			if _, err := n.who(s.Context); err != nil {
				s.end("access")
				return nil
			}
			s.event("heartbeat", map[string]string{"time": n.now().UTC().Format(time.RFC3339Nano)})
		case <-onlooker.Anew():
			s.end("queue")
			return nil
		case <-n.set.Tails.Stop:
			s.end("stop")
			return nil
		case <-over.C:
			s.end("time")
			return nil
		}
	}
	return nil // the client is gone
}

// eventStream writes server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
type eventStream struct {
	echo.Context
	control *http.ResponseController
	err     error // the first, after which nothing is written
}

// events writes what lies beyond a position.
func (s *eventStream) events(list []tail.Event, beyond int64) {
	for _, e := range list {
		switch {
		case e.Data == nil:
			s.event("missed", api.LiveGap{Records: e.Missed, AtLeast: e.Unknown})
		case e.Position > beyond:
			s.write(fmt.Sprintf("event: log\nid: %d.%d\ndata: %s\n\n", e.Position, e.Ordinal, e.Data))
		}
	}
	s.flush()
}

func (s *eventStream) end(reason string) { s.event("end", map[string]string{"reason": reason}) }

func (s *eventStream) event(name string, data any) {
	text, err := json.Marshal(data)
	if err != nil {
		s.err = err
		return
	}
	s.send(fmt.Sprintf("event: %s\ndata: %s\n\n", name, text))
}

func (s *eventStream) send(text string) {
	s.write(text)
	s.flush()
}

func (s *eventStream) write(text string) {
	if s.err != nil {
		return
	}
	if s.err = s.control.SetWriteDeadline(time.Now().Add(tailWriting)); s.err == nil { //nolint:forbidigo // of the connection, which has the machine's clock
		_, s.err = s.Response().Write([]byte(text))
	}
}

func (s *eventStream) flush() {
	if s.err == nil {
		s.err = s.control.Flush()
	}
}
