// Package dead is `ollyscale dead`: it lists, shows, replays and drops the dead letters of a tenant. It asks the query service over HTTP, because
// the bus of an all-in-one has no socket, and because a key then says whose letters these are.
//
//	ollyscale dead list --signal logs
//	ollyscale dead show --sequence 17
//	ollyscale dead replay --sequence 17
//	ollyscale dead replay --all --code writer.time
//	ollyscale dead drop --all --url https://olly.example --key olly_…
package dead

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// What can be done.
const (
	List   = "list"
	Show   = "show"
	Replay = "replay"
	Drop   = "drop"
)

// Config says what is to be done.
type Config struct {
	Command  string `mapstructure:"command" usual:"true" arg:"true" doc:"What to do: list, show, replay or drop."`
	Sequence int64  `mapstructure:"sequence" usual:"true" doc:"show, replay, drop: which letter, by the sequence that list shows."`
	All      bool   `mapstructure:"all" usual:"true" doc:"replay, drop: all letters, or those that signal and code choose."`
	Signal   string `mapstructure:"signal" usual:"true" doc:"list, or with all: only letters of traces, logs or metrics."`
	Code     string `mapstructure:"code" usual:"true" doc:"list, or with all: only letters that died of this error."`
	Tenant   string `mapstructure:"tenant" usual:"true" doc:"Whose letters, where no keys are demanded; a key has its tenant."`
	URL      string `mapstructure:"url" usual:"true" doc:"Where the query service is."`
	Key      string `mapstructure:"key" usual:"true" secret:"true" doc:"A key of scope edit, where keys are demanded."`

	// Output is where the answer goes.
	Output io.Writer `mapstructure:"-"`
}

// DefaultConfig lists those of an all-in-one on this machine.
func DefaultConfig() Config { return Config{Command: List, URL: "http://127.0.0.1:8080"} }

// Validate names the settings that do not go together.
func (c Config) Validate() error {
	var p settings.Problems
	p.OneOf("command", c.Command, List, Show, Replay, Drop)
	settings.NotNegative(&p, "sequence", c.Sequence)
	switch {
	case c.Command == List:
	case c.Command == Show && c.Sequence == 0:
		p.Refuse("sequence", "which letter is to be shown?")
	case c.Command != Show && c.All == (c.Sequence > 0):
		p.Refuse("sequence", "name one letter by --sequence, or say --all")
	case !c.All && (c.Signal != "" || c.Code != ""):
		p.Refuse("all", "signal and code choose among all letters: say --all")
	}
	if c.Signal != "" {
		if _, err := telemetry.ParseSignal(c.Signal); err != nil {
			p.Refuse("signal", "want traces, logs or metrics")
		}
	}
	if u, err := url.Parse(c.URL); err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		p.Refuse("url", "want http://host:port or https://host")
	}
	return p.Err()
}

// Tool does it.
type Tool struct{ cfg Config }

// New prepares; nothing is asked of the service before Run.
func New(cfg Config, _ service.Env) (*Tool, error) { return &Tool{cfg}, cfg.Validate() }

// Run does it and tells what came of it.
func (t *Tool) Run(ctx context.Context) error {
	one := "/" + strconv.FormatInt(t.cfg.Sequence, 10)
	switch {
	case t.cfg.Command == List:
		return t.list(ctx)
	case t.cfg.Command == Show:
		return t.show(ctx, one)
	case t.cfg.All:
		return t.all(ctx)
	}
	method, path, done := http.MethodDelete, one, "dropped"
	if t.cfg.Command == Replay {
		method, path, done = http.MethodPost, one+"/replay", "replayed"
	}
	if err := t.ask(ctx, method, path, nil, nil); err != nil {
		return err
	}
	_, err := fmt.Fprintf(t.cfg.Output, "dead letter %d is %s\n", t.cfg.Sequence, done)
	return err
}

func (t *Tool) list(ctx context.Context) error {
	table := tabwriter.NewWriter(t.cfg.Output, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "SEQUENCE\tDIED\tSIGNAL\tITEMS\tBYTES\tTRIED\tCODE\tREASON") // Flush tells of an error
	for after, more := int64(0), true; more; {
		var page struct {
			Letters []struct {
				Sequence int64     `json:"sequence"`
				Died     time.Time `json:"died_at"`
				Signal   string    `json:"signal"`
				Items    int       `json:"items"`
				Bytes    int       `json:"bytes"`
				Attempts int       `json:"attempts"`
				Code     string    `json:"code"`
				Reason   string    `json:"reason"`
			} `json:"letters"`
			After int64 `json:"after"`
			More  bool  `json:"has_more"`
		}
		query := url.Values{"after": {strconv.FormatInt(after, 10)}, "limit": {"1000"}}
		if t.cfg.Signal != "" {
			query.Set("signal", t.cfg.Signal)
		}
		if t.cfg.Code != "" {
			query.Set("code", t.cfg.Code)
		}
		if err := t.ask(ctx, http.MethodGet, "?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		for _, l := range page.Letters {
			_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%d\t%d\t%d\t%s\t%s\n", l.Sequence, l.Died.UTC().Format("2006-01-02 15:04:05"), l.Signal, l.Items, l.Bytes,
				l.Attempts, printable(l.Code), printable(l.Reason))
		}
		after, more = page.After, page.More
	}
	return table.Flush()
}

// printable keeps what strangers wrote from speaking to the terminal.
func printable(s string) string { return strings.Trim(strconv.QuoteToGraphic(s), `"`) }

func (t *Tool) show(ctx context.Context, path string) error {
	var letter json.RawMessage
	if err := t.ask(ctx, http.MethodGet, path, nil, &letter); err != nil {
		return err
	}
	var out bytes.Buffer
	if err := json.Indent(&out, letter, "", "  "); err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	_, err := fmt.Fprintln(t.cfg.Output, out.String())
	return err
}

// all goes on until the selection that the service gives back is at its end.
func (t *Tool) all(ctx context.Context) error {
	selection, err := json.Marshal(struct {
		Signal string `json:"signal,omitempty"`
		Code   string `json:"code,omitempty"`
	}{t.cfg.Signal, t.cfg.Code})
	if err != nil {
		return err
	}
	done := map[string]string{Replay: "replayed", Drop: "dropped"}[t.cfg.Command]
	total := 0
	for more := true; more; {
		var answer struct {
			Done      int             `json:"done"`
			More      bool            `json:"has_more"`
			Selection json.RawMessage `json:"selection"`
		}
		if err := t.ask(ctx, http.MethodPost, "/"+t.cfg.Command, selection, &answer); err != nil {
			return fmt.Errorf("after %d letters: %w", total, err)
		}
		total += answer.Done
		selection, more = answer.Selection, answer.More
	}
	_, err = fmt.Fprintf(t.cfg.Output, "%d dead letters are %s\n", total, done)
	return err
}

// ask sends a request and decodes the answer into result, where there is one.
func (t *Tool) ask(ctx context.Context, method, path string, body []byte, result any) error {
	request, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(t.cfg.URL, "/")+"/api/dead-letters"+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if t.cfg.Key != "" {
		request.Header.Set(auth.KeyHeader, t.cfg.Key)
	}
	if t.cfg.Tenant != "" {
		request.Header.Set(auth.TenantHeader, t.cfg.Tenant)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return errUnreachable.Wrap(err, "the query service does not answer at "+settings.Redact(t.cfg.URL)+": name it by --url")
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusBadRequest {
		var problem struct{ Code, Detail string }
		if json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&problem) != nil || problem.Detail == "" {
			return errAnswer.Newf("%s answers %s: is this a query service?", settings.Redact(t.cfg.URL), response.Status)
		}
		return errAnswer.Newf("%s (%s)", problem.Detail, problem.Code)
	}
	if result == nil {
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(result); err != nil {
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		return errAnswer.Newf("the answer cannot be read: is %s a query service?", settings.Redact(t.cfg.URL))
	}
	return nil
}
