// Package native is ollyScale's own HTTP API, that of docs/api.yaml: it turns requests into questions to the engine, and what comes of them into
// the generated types of package api. It knows no other front end.
package native

import (
	"context"
	"fmt"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
	"github.com/ollyscale/ollyscale/services/query/internal/engine"
	"github.com/ollyscale/ollyscale/services/query/internal/filter"
)

// Settings are what an operator can set of this front end.
type Settings struct {
	MaxTraceSpans int    // of a trace in one answer
	PageBytes     int64  // of items in one answer, but for a single larger one
	CursorKey     []byte // signs cursors
	Keys          Keys   // nil where nothing is authenticated: then none are made here
	Dead          DeadLetters
	Usage         Usage
	Retention     Retention
	Saved         Saved
	Tails         Tails
	OTLP          OTLP
}

// API answers requests, many at a time.
type API struct {
	engine  *engine.Engine
	set     Settings
	who     func(echo.Context) (auth.Identity, error)
	now     func() time.Time
	filters *filter.Parser
	cursors cursors
}

// New makes the API on an engine. who says who sent a request, and thereby whose data it may read.
func New(e *engine.Engine, set Settings, who func(echo.Context) (auth.Identity, error), now func() time.Time) *API {
	return &API{engine: e, set: set, who: who, now: now, filters: filter.NewParser(), cursors: cursors{set.CursorKey}}
}

// Register adds the API's routes.
func (n *API) Register(e *echo.Echo) {
	api.RegisterHandlersWithOptions(e, handlers{n}, api.RegisterHandlersOptions{OperationMiddlewares: n.refuseUnknown()})
}

// tenant is whose data a request may read.
func (n *API) tenant(c echo.Context) (telemetry.Tenant, error) {
	who, err := n.who(c)
	return who.Tenant, err
}

// ask asks about a query, of what it costs to answer what is about so long a range, and says how complete the answer is.
func (n *API) ask(ctx context.Context, q *engine.Query, about time.Duration, told *api.Completeness, question func(ctx context.Context, s *engine.Snapshot) error) error {
	return n.engine.Ask(ctx, q.Tenant, about, func(ctx context.Context, s *engine.Snapshot) error {
		if err := question(ctx, s); err != nil {
			return err
		}
		var err error
		*told, err = completeness(ctx, s, q)
		return err
	})
}

// completeness is how far what a question is about can be relied on to be there.
func completeness(ctx context.Context, s *engine.Snapshot, q *engine.Query) (api.Completeness, error) {
	c, err := s.Completeness(ctx, q)
	told := api.Completeness{Watermark: c.Watermark, Pending: c.Pending, DeadLetters: c.DeadLetters, QueueLostFrom: c.Lost.From, QueueLostTo: c.Lost.To}
	if c.Lag != nil {
		ms := c.Lag.Milliseconds()
		told.LagMs = &ms
	}
	return told, err
}

// told is what every answer tells of how it was made, and of what it lacks.
func (n *API) told(s *engine.Snapshot, started time.Time) (api.Stats, *api.Incomplete) {
	return n.stats(s, started), incomplete(s)
}

func (n *API) stats(s *engine.Snapshot, started time.Time) api.Stats {
	of := s.Stats()
	return api.Stats{
		ElapsedMs:    float64(n.now().Sub(started).Microseconds()) / 1000,
		ItemsScanned: of.Items, SegmentsRead: of.SegmentsRead, SegmentsPruned: of.SegmentsPruned, BytesRead: of.Bytes,
	}
}

func incomplete(s *engine.Snapshot) *api.Incomplete {
	cut := s.Cut()
	if cut == nil {
		return nil
	}
	out := &api.Incomplete{Reason: api.IncompleteReason(cut.Reason), Message: cut.Message}
	if cut.Since != nil {
		out.Since = nanos(*cut.Since)
		out.Message += "; the figures cover only the time since " + time.Unix(0, *cut.Since).UTC().Format(time.RFC3339Nano)
	}
	return out
}

// limited says that an answer lacks what is above a limit of its own.
func limited(format string, args ...any) *api.Incomplete {
	return &api.Incomplete{Reason: api.IncompleteReasonLimit, Message: fmt.Sprintf(format, args...)}
}
