package native

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
	"github.com/ollyscale/ollyscale/services/query/internal/tail"
)

// TailPath is the route of the live tail: its answer is a stream, which nothing between may hold back.
const TailPath = "/api/logs/tail"

// Tails are who follows live data, and for how long.
type Tails struct {
	Hub       *tail.Hub
	Stop      <-chan struct{}                           // closed when the service begins to stop
	Again     func(echo.Context) (auth.Identity, error) // who sends a request, found out anew
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
	f, err := h.filters.Of(tenant).Parse(telemetry.Logs, list)
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
	base, last, err := h.engine.Queue(ctx, telemetry.Logs)
	if err != nil {
		return err
	}
	onlooker, err := h.set.Tails.Hub.Open(tail.Request{Tenant: tenant, Signal: telemetry.Logs, Filter: f, Base: base, Last: last, Draw: drawLive})
	if err != nil {
		return err
	}
	defer onlooker.Close()
	s := &eventStream{Context: c, control: http.NewResponseController(c.Response())}
	var before []tail.Event
	if after != nil {
		q := &engine.Query{Tenant: tenant, Signal: telemetry.Logs, Filter: f, Beyond: after}
		if before, err = h.since(ctx, q); err != nil {
			return err
		}
	}
	return h.follow(ctx, s, onlooker, tenant, time.Duration(seconds)*time.Second, before)
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

// since is what was stored beyond an item until now, as events. Where there may be more, a gap comes first: writers are behind, or more is found than is told, or
// the item itself is not among those that are looked at, so that others may not be either.
func (n *API) since(ctx context.Context, q *engine.Query) (list []tail.Event, err error) {
	base, last, err := n.engine.Queue(ctx, q.Signal)
	if err != nil {
		return nil, err
	}
	whole, err := n.engine.Await(ctx, q.Tenant, q.Signal, last)
	if err != nil {
		return nil, err
	}
	now := n.now()
	q.From, q.To, q.MaxPosition = now.Add(-caughtUpBack).UnixNano(), now.Add(caughtUpBack).UnixNano(), base+last
	seen := *q // of which it is known that what came with it is in the range
	seen.Filter, seen.MaxPosition, seen.Beyond = filter.All{}, q.Beyond.Position, &engine.Stored{Position: q.Beyond.Position, Ordinal: -1}
	events, err := engine.Again(func() (events []tail.Event, err error) {
		err = n.engine.Ask(ctx, q.Tenant, caughtUpBack, func(ctx context.Context, s *engine.Snapshot) error {
			own, err := s.Search(ctx, &seen, 1)
			if err != nil {
				return err
			}
			found, err := s.Search(ctx, q, mostCaughtUp)
			if err != nil {
				return err
			}
			events = make([]tail.Event, len(found.Items))
			left := n.set.PageBytes
			err = s.Read(ctx, q, found.Items, func(t *segment.Table, rows []uint32, numbers []int) int {
				draw := drawLive(t)
				for i, row := range rows {
					if left <= 0 {
						break
					}
					at := int(row)
					data := draw(at)
					left -= int64(len(data))
					events[numbers[i]] = tail.Event{Position: t.Ints[segment.ColPosition][at], Ordinal: t.Ints[segment.ColOrdinal][at], Data: data}
				}
				return len(events)
			})
			whole = whole && len(own.Items) > 0 && !found.More && left > 0 && s.Cut() == nil
			events = slices.DeleteFunc(events, func(e tail.Event) bool { return e.Data == nil })
			return err
		})
		return events, err
	})
	if !whole {
		list = append(list, tail.Event{Unknown: true})
	}
	slices.SortFunc(events, func(a, b tail.Event) int {
		return engine.Stored{Position: a.Position, Ordinal: a.Ordinal}.Compare(engine.Stored{Position: b.Position, Ordinal: b.Ordinal})
	})
	return append(list, events...), err
}

// drawLive makes events, each of which stands for itself, of the rows of a table.
func drawLive(t *segment.Table) func(row int) []byte {
	r := newRenderer()
	r.begin()
	resources, scopes := map[int]json.RawMessage{}, map[int]json.RawMessage{}
	return func(row int) []byte {
		log := r.log(t, row)
		event := struct {
			Log      api.LogRecord   `json:"log"`
			Resource json.RawMessage `json:"resource"`
			Scope    json.RawMessage `json:"scope"`
		}{log, written(resources, r.resources, log.ResourceIndex), written(scopes, r.scopes, log.ScopeIndex)}
		event.Log.ResourceIndex, event.Log.ScopeIndex = 0, 0
		return marshal(event)
	}
}

// written is an entry of a list as JSON, written once.
func written[T any](known map[int]json.RawMessage, list []T, i int) json.RawMessage {
	if _, ok := known[i]; !ok {
		known[i] = marshal(list[i])
	}
	return known[i]
}

// marshal is for types of this package, which always can be.
func marshal(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("write %T as JSON: %v", v, err))
	}
	return data
}

// follow writes events until one of the two sides ends it.
func (n *API) follow(ctx context.Context, s *eventStream, onlooker *tail.Onlooker, tenant telemetry.Tenant, length time.Duration, before []tail.Event) error {
	header := s.Response().Header()
	header.Set(echo.HeaderContentType, "text/event-stream")
	header.Set(echo.HeaderCacheControl, "no-store")
	header.Set("X-Accel-Buffering", "no") // nginx
	s.Response().WriteHeader(http.StatusOK)
	s.send("retry: 1000\n\n")
	s.events(before, nil)
	told := map[engine.Stored]bool{} // before, so that they are not told again
	for _, e := range before {
		told[engine.Stored{Position: e.Position, Ordinal: e.Ordinal}] = true
	}
	beat := time.NewTicker(n.set.Tails.Heartbeat)
	defer beat.Stop()
	over := time.NewTimer(length)
	defer over.Stop()
	for s.err == nil {
		select {
		case <-ctx.Done():
			return nil
		case <-onlooker.Ready():
			s.events(onlooker.Take(), told)
		case <-beat.C:
			if who, err := n.set.Tails.Again(s.Context); err != nil || who.Tenant != tenant {
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

// events writes what was not told.
func (s *eventStream) events(list []tail.Event, told map[engine.Stored]bool) {
	for _, e := range list {
		switch {
		case e.Data == nil:
			s.event("missed", api.LiveGap{Records: e.Missed, AtLeast: e.Unknown})
		case !told[engine.Stored{Position: e.Position, Ordinal: e.Ordinal}]:
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
