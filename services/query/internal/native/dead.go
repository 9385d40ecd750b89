package native

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/services/query/internal/api"
)

// DeadLetters is where dead letters lie; bus.Bus is one.
type DeadLetters interface {
	DeadLettersOf(ctx context.Context, which bus.DeadSelection, most int) (bus.DeadPage, error)
	DeadLetter(ctx context.Context, tenant telemetry.Tenant, sequence uint64) (letter bus.DeadLetter, body []byte, damage, err error)
	ReplayDeadLetter(ctx context.Context, tenant telemetry.Tenant, sequence uint64) error
	DropDeadLetter(ctx context.Context, tenant telemetry.Tenant, sequence uint64) error
}

// undertaker is whose letters a request may see and move. That it has the scope was seen to before, as in administrator.
func (h handlers) undertaker(c echo.Context) (telemetry.Tenant, error) {
	who, err := h.who(c)
	if err != nil {
		return "", err
	}
	return who.Tenant, who.May(auth.Edit)
}

// deadSelection checks which letters are meant.
func deadSelection(tenant telemetry.Tenant, wish api.DeadLetterSelection) (bus.DeadSelection, error) {
	s := bus.DeadSelection{Tenant: tenant, Code: wish.Code}
	if wish.Signal != "" {
		signal, err := signalOf(wish.Signal)
		if err != nil {
			return s, err
		}
		s.Signal = &signal
	}
	if wish.After < 0 || wish.Through < 0 {
		return s, errSequence.New("after, through: a sequence is not negative")
	}
	s.After, s.Through = uint64(wish.After), uint64(wish.Through)
	return s, nil
}

func (h handlers) ListDeadLetters(c echo.Context, p api.ListDeadLettersParams) error {
	tenant, err := h.undertaker(c)
	if err != nil {
		return err
	}
	which, err := deadSelection(tenant, api.DeadLetterSelection{Signal: p.Signal, Code: p.Code, After: p.After})
	if err != nil {
		return err
	}
	limit, err := pageLimit(p.Limit, defaultLimit, maxLimit)
	if err != nil {
		return err
	}
	page, err := h.set.Dead.DeadLettersOf(c.Request().Context(), which, limit)
	out := api.DeadLetterPage{Letters: make([]api.DeadLetter, len(page.Letters)), HasMore: page.More, After: int64(page.Last)} //nolint:gosec // a stream never counts beyond 2^63
	for i, letter := range page.Letters {
		out.Letters[i] = deadLetter(letter)
	}
	return answer(c, out, err)
}

func (h handlers) GetDeadLetter(c echo.Context, sequence int64, _ api.GetDeadLetterParams) error {
	tenant, err := h.undertaker(c)
	if err != nil {
		return err
	}
	letter, body, damage, err := h.set.Dead.DeadLetter(c.Request().Context(), tenant, uint64(max(sequence, 0)))
	if err != nil {
		return err
	}
	out := api.DeadLetterDetail{Letter: deadLetter(letter), Headers: letter.Headers}
	if damage == nil {
		out.Preview, out.PreviewItems, damage = preview(letter.Signal, body)
	}
	if damage != nil {
		out.PreviewError = fault.From(damage).Message
	}
	return answer(c, out, nil)
}

func (h handlers) DropDeadLetter(c echo.Context, sequence int64, _ api.DropDeadLetterParams) error {
	return h.moveOne(c, sequence, h.set.Dead.DropDeadLetter)
}

func (h handlers) ReplayDeadLetter(c echo.Context, sequence int64, _ api.ReplayDeadLetterParams) error {
	return h.moveOne(c, sequence, h.set.Dead.ReplayDeadLetter)
}

func (h handlers) DropDeadLetters(c echo.Context, _ api.DropDeadLettersParams) error {
	return h.moveMany(c, h.set.Dead.DropDeadLetter)
}

func (h handlers) ReplayDeadLetters(c echo.Context, _ api.ReplayDeadLettersParams) error {
	return h.moveMany(c, h.set.Dead.ReplayDeadLetter)
}

// mover does something with one letter that takes it away.
type mover func(ctx context.Context, tenant telemetry.Tenant, sequence uint64) error

func (h handlers) moveOne(c echo.Context, sequence int64, move mover) error {
	tenant, err := h.undertaker(c)
	if err != nil {
		return err
	}
	if err := move(c.Request().Context(), tenant, uint64(max(sequence, 0))); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}

// moveMany moves the first letters of the selection. Through is fixed by the first request, so that letters which a replay brings back do not
// make a client go round in circles.
func (h handlers) moveMany(c echo.Context, move mover) error {
	tenant, err := h.undertaker(c)
	if err != nil {
		return err
	}
	wish, err := decodeBody[api.DeadLetterSelection](c, "a selection of dead letters")
	if err != nil {
		return err
	}
	which, err := deadSelection(tenant, wish)
	if err != nil {
		return err
	}
	ctx := c.Request().Context()
	page, err := h.set.Dead.DeadLettersOf(ctx, which, maxLimit)
	if err != nil {
		return err
	}
	out := api.DeadLettersDone{HasMore: page.More}
	if page.More {
		wish.After, wish.Through = int64(page.Last), int64(page.Through) //nolint:gosec // a stream never counts beyond 2^63
		out.Selection = &wish
	}
	for _, letter := range page.Letters {
		err := move(ctx, tenant, letter.Sequence)
		if fault.ClassOf(err) == fault.NotFound {
			continue // somebody else was first
		}
		if err != nil {
			return fmt.Errorf("dead letter %d: %w", letter.Sequence, err)
		}
		out.Done++
	}
	return answer(c, out, nil)
}

func deadLetter(l bus.DeadLetter) api.DeadLetter {
	return api.DeadLetter{
		Sequence: int64(l.Sequence), //nolint:gosec // a stream never counts beyond 2^63
		DiedAt:   l.Died, Signal: api.SignalName(l.Signal.String()), Subject: l.Subject, Batch: l.Batch,
		Code: l.Code, Class: l.Class, Reason: l.Reason, Attempts: l.Attempts, Items: l.Items, Bytes: l.Bytes,
	}
}

const (
	previewItems = 5
	previewBytes = 256 << 10
)

// preview is the first items of a payload as OTLP/JSON; an error says why there is none. The payload may be anything.
func preview(signal telemetry.Signal, payload []byte) (body json.RawMessage, items int, err error) {
	for _, most := range []int{previewItems, 1} {
		if body, items, err = firstItems(signal, payload, most); err != nil {
			return nil, 0, errPreview.Wrap(err, "the body is not OTLP")
		}
		if len(body) <= previewBytes {
			return body, items, nil
		}
	}
	return nil, 0, errPreview.Newf("its first item takes more than %s", settings.Bytes(previewBytes))
}

// firstItems writes the first items alone.
func firstItems(signal telemetry.Signal, payload []byte, most int) (body []byte, items int, err error) {
	beyond := func() bool {
		if items == most {
			return true
		}
		items++
		return false
	}
	switch signal {
	case telemetry.Traces:
		data, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(payload)
		if err != nil {
			return nil, 0, err
		}
		data.ResourceSpans().RemoveIf(func(r ptrace.ResourceSpans) bool {
			r.ScopeSpans().RemoveIf(func(s ptrace.ScopeSpans) bool {
				s.Spans().RemoveIf(func(ptrace.Span) bool { return beyond() })
				return s.Spans().Len() == 0
			})
			return r.ScopeSpans().Len() == 0
		})
		body, err = (&ptrace.JSONMarshaler{}).MarshalTraces(data)
		return body, items, err
	case telemetry.Logs:
		data, err := (&plog.ProtoUnmarshaler{}).UnmarshalLogs(payload)
		if err != nil {
			return nil, 0, err
		}
		data.ResourceLogs().RemoveIf(func(r plog.ResourceLogs) bool {
			r.ScopeLogs().RemoveIf(func(s plog.ScopeLogs) bool {
				s.LogRecords().RemoveIf(func(plog.LogRecord) bool { return beyond() })
				return s.LogRecords().Len() == 0
			})
			return r.ScopeLogs().Len() == 0
		})
		body, err = (&plog.JSONMarshaler{}).MarshalLogs(data)
		return body, items, err
	case telemetry.Metrics:
		data, err := (&pmetric.ProtoUnmarshaler{}).UnmarshalMetrics(payload)
		if err != nil {
			return nil, 0, err
		}
		data.ResourceMetrics().RemoveIf(func(r pmetric.ResourceMetrics) bool {
			r.ScopeMetrics().RemoveIf(func(s pmetric.ScopeMetrics) bool {
				s.Metrics().RemoveIf(func(m pmetric.Metric) bool { return keepPoints(m, beyond) == 0 })
				return s.Metrics().Len() == 0
			})
			return r.ScopeMetrics().Len() == 0
		})
		body, err = (&pmetric.JSONMarshaler{}).MarshalMetrics(data)
		return body, items, err
	}
	return nil, 0, errSignal.New("the letter is of no signal")
}

// keepPoints leaves the points of a metric until beyond, and says how many.
func keepPoints(m pmetric.Metric, beyond func() bool) int {
	switch m.Type() {
	case pmetric.MetricTypeGauge:
		return keepOf(m.Gauge().DataPoints(), beyond)
	case pmetric.MetricTypeSum:
		return keepOf(m.Sum().DataPoints(), beyond)
	case pmetric.MetricTypeHistogram:
		return keepOf(m.Histogram().DataPoints(), beyond)
	case pmetric.MetricTypeExponentialHistogram:
		return keepOf(m.ExponentialHistogram().DataPoints(), beyond)
	case pmetric.MetricTypeSummary:
		return keepOf(m.Summary().DataPoints(), beyond)
	case pmetric.MetricTypeEmpty:
	}
	return 0
}

func keepOf[P any, S interface {
	RemoveIf(remove func(P) bool)
	Len() int
}](points S, beyond func() bool) int {
	points.RemoveIf(func(P) bool { return beyond() })
	return points.Len()
}
