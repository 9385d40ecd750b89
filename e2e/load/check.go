package load

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// Tally counts a run's items as they are found.
type Tally struct {
	seen []uint8
	// Found items, each counted as often as it came; Strange are those that no plan sent or that are not what was sent.
	Found, Strange int
	example        string
}

func newTally(p Plan) *Tally { return &Tally{seen: make([]uint8, p.Items)} }

func (t *Tally) add(p Plan, unixNano int64, problem string) {
	k, ok := p.Item(unixNano)
	if !ok {
		problem = fmt.Sprintf("an item at %d, where none was sent", unixNano)
	}
	if problem != "" {
		t.Strange++
		t.example = problem
		return
	}
	t.Found++
	if t.seen[k] < 255 {
		t.seen[k]++
	}
}

// Missing is how many items were not found, Twice how many were found more than once.
func (t *Tally) Missing() (n int) {
	for _, seen := range t.seen {
		if seen == 0 {
			n++
		}
	}
	return n
}

// Twice is how many items were found more than once.
func (t *Tally) Twice() (n int) {
	for _, seen := range t.seen {
		if seen > 1 {
			n++
		}
	}
	return n
}

// Err is nil when every item was found exactly once, and nothing else.
func (t *Tally) Err() error {
	if t.Missing() == 0 && t.Twice() == 0 && t.Strange == 0 {
		return nil
	}
	text := fmt.Sprintf("%d of %d items are missing, %d are there more than once, %d are not what was sent", t.Missing(), len(t.seen), t.Twice(), t.Strange)
	if t.example != "" {
		text += " (" + t.example + ")"
	}
	return fmt.Errorf("%s", text)
}

// API asks a query service.
type API struct {
	URL    string
	Client *http.Client
}

// page is what the three searches have in common, and the parts of an item that tell which one it is.
type page struct {
	Spans []struct {
		TraceID  string `json:"trace_id"`
		SpanID   string `json:"span_id"`
		Start    int64  `json:"start_time_unix_nano,string"`
		Duration int64  `json:"duration_nano,string"`
		Name     string `json:"name"`
	} `json:"spans"`
	Logs []struct {
		TraceID string `json:"trace_id"`
		SpanID  string `json:"span_id"`
		Time    int64  `json:"time_unix_nano,string"`
		Body    struct {
			Text string `json:"stringValue"`
		} `json:"body"`
	} `json:"logs"`
	Points []struct {
		Time        int64           `json:"time_unix_nano,string"`
		Int         string          `json:"as_int"`
		Double      json.RawMessage `json:"as_double"`
		Histogram   *count          `json:"histogram"`
		Exponential *count          `json:"exponential_histogram"`
		Summary     *count          `json:"summary"`
	} `json:"points"`
	Pagination struct {
		HasMore bool   `json:"has_more"`
		Next    string `json:"next_cursor"`
	} `json:"pagination"`
	Incomplete json.RawMessage `json:"incomplete"`
}

type count struct {
	Count string `json:"count"`
}

// Tally pages through everything of one signal that the API has of the run.
func (a API) Tally(ctx context.Context, p Plan, signal Signal) (*Tally, error) {
	path := map[Signal]string{Traces: "/api/spans/search", Logs: "/api/logs/search", Metrics: "/api/metrics/search"}[signal]
	tally, cursor := newTally(p), ""
	for {
		answer := page{}
		err := a.post(ctx, path, map[string]any{
			"time_range": map[string]any{"start_time": strconv.FormatInt(p.Start.UnixNano(), 10), "end_time": strconv.FormatInt(p.End().UnixNano(), 10)},
			"filters":    []any{map[string]any{"field": "resource." + RunAttribute, "operator": "eq", "value": p.Run()}},
			"pagination": map[string]any{"limit": 1000, "cursor": cursor},
		}, &answer)
		if err != nil {
			return nil, err
		}
		for _, s := range answer.Spans {
			tally.add(p, s.Start, p.wrongSpan(s.Start, s.TraceID, s.SpanID, s.Name, time.Duration(s.Duration)))
		}
		for _, l := range answer.Logs {
			tally.add(p, l.Time, p.wrongLog(l.Time, l.TraceID, l.SpanID, l.Body.Text))
		}
		for _, point := range answer.Points {
			value := point.Int
			switch {
			case point.Double != nil:
				value = string(point.Double)
			case point.Histogram != nil:
				value = point.Histogram.Count
			case point.Exponential != nil:
				value = point.Exponential.Count
			case point.Summary != nil:
				value = point.Summary.Count
			}
			tally.add(p, point.Time, p.wrongPoint(point.Time, value))
		}
		if !answer.Pagination.HasMore {
			return tally, nil
		}
		if answer.Pagination.Next == "" || answer.Pagination.Next == cursor {
			return nil, fmt.Errorf("%s has more, but its cursor leads nowhere", path)
		}
		cursor = answer.Pagination.Next
	}
}

func (p Plan) wrongSpan(at int64, traceID, spanID, name string, duration time.Duration) string {
	k, ok := p.Item(at)
	if !ok || traceID == hex.EncodeToString(p.TraceID(k)) && spanID == hex.EncodeToString(p.SpanID(k)) &&
		name == "GET /item/"+strconv.Itoa(k%17) && duration == p.duration(k) {
		return ""
	}
	return fmt.Sprintf("span %d came back as %s %s %q %s", k, traceID, spanID, name, duration)
}

func (p Plan) wrongLog(at int64, traceID, spanID, body string) string {
	k, ok := p.Item(at)
	if !ok || traceID == hex.EncodeToString(p.TraceID(k)) && spanID == hex.EncodeToString(p.SpanID(k)) && body == p.Body(k) {
		return ""
	}
	return fmt.Sprintf("log record %d came back as %s %s %q", k, traceID, spanID, body)
}

func (p Plan) wrongPoint(at int64, value string) string {
	k, ok := p.Item(at)
	if got, err := strconv.ParseFloat(value, 64); !ok || err == nil && got == float64(k) {
		return ""
	}
	return fmt.Sprintf("point %d came back as %q", k, value)
}

func (a API) post(ctx context.Context, path string, body, into any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the request for %s: %w", path, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(a.URL, "/")+path, bytes.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	request.Header.Set("Content-Type", "application/json")
	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	text, err = io.ReadAll(answer.Body)
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", path, err)
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s: %s", path, answer.Status, text)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("the answer of %s: %w", path, err)
	}
	return nil
}

// rowsOf selects the instants of a run's rows in the projection.
func rowsOf(signal Signal) string {
	return map[Signal]string{
		Traces: `SELECT f.start_time_unix_nano FROM spans_fact f JOIN resource_dim r USING (tenant_id, resource_id)
			WHERE r.attributes ->> $1 = $2 AND f.start_time_unix_nano >= $3 AND f.start_time_unix_nano < $4`,
		Logs: `SELECT f.time_unix_nano FROM logs_fact f JOIN resource_dim r USING (tenant_id, resource_id)
			WHERE r.attributes ->> $1 = $2 AND f.time_unix_nano >= $3 AND f.time_unix_nano < $4`,
		// An array and not a join: without statistics, as on a database of a minute ago, a join scans the points once a series.
		Metrics: `SELECT f.time_unix_nano FROM metrics_fact f WHERE f.series_id = ANY (ARRAY(
				SELECT s.series_id FROM series_dim s JOIN resource_dim r USING (tenant_id, resource_id) WHERE r.attributes ->> $1 = $2))
			AND f.time_unix_nano >= $3 AND f.time_unix_nano < $4`,
	}[signal]
}

// Queryer is a pool or a connection.
type Queryer interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// TallyRows reads what the projection in the database has of one signal of the run.
func TallyRows(ctx context.Context, db Queryer, p Plan, signal Signal) (*Tally, error) {
	rows, err := db.Query(ctx, rowsOf(signal), RunAttribute, p.Run(), p.Start.UnixNano(), p.End().UnixNano())
	if err != nil {
		return nil, fmt.Errorf("rows of %s: %w", signal, err)
	}
	tally := newTally(p)
	var at int64
	if _, err := pgx.ForEachRow(rows, []any{&at}, func() error {
		tally.add(p, at, "")
		return nil
	}); err != nil {
		return nil, fmt.Errorf("rows of %s: %w", signal, err)
	}
	return tally, nil
}

// Settled polls until tally finds every item, or says what is still wrong when ctx ends. Items found twice do not go away, so they
// end it at once.
func Settled(ctx context.Context, tally func(context.Context) (*Tally, error)) error {
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for {
		t, err := tally(ctx)
		if err == nil {
			err = t.Err()
			if err == nil || t.Twice() > 0 || t.Strange > 0 {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}
