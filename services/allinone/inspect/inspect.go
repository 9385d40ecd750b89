// Package inspect is `ollyscale segment`: it shows an engineer what a segment consists of, read from the database or from a file that it
// wrote itself.
package inspect

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/postgres/sqlfile"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/allinone"
)

//go:embed sql/*.sql
var files embed.FS

// listed is how many segments of each signal a call without a segment shows.
const listed = 10

// Config says which segment is shown and how.
type Config struct {
	Segment  string            `mapstructure:"segment" usual:"true" arg:"true" doc:"Id of the segment, or a file that --out wrote; empty lists the newest ones."`
	Database allinone.Database `mapstructure:",squash"`
	Out      string            `mapstructure:"out" usual:"true" doc:"File to write the segment to, to look at it elsewhere; it holds telemetry."`
	JSON     bool              `mapstructure:"json" usual:"true" doc:"Show it as JSON."`

	// Output is where the description goes.
	Output io.Writer `mapstructure:"-"`
}

// Validate names the keys that do not go together.
func (c Config) Validate() error {
	var p settings.Problems
	if c.Out != "" && c.Segment == "" {
		p.Refuse("out", "name the segment that is to be written")
	}
	if !c.ofFile() {
		p.Section("", c.Database.Validate())
	}
	return p.Err()
}

// ofFile tells whether the segment is in a file, so that no database is asked.
func (c Config) ofFile() bool { return c.Segment != "" && uuid.Validate(c.Segment) != nil }

// Command shows one segment, or the newest ones.
type Command struct {
	cfg        Config
	whole      segmentrow.Selection
	statements map[telemetry.Signal]statements
}

// statements are the texts of sql/ for the tables of one signal.
type statements struct{ find, newest string }

// New prepares the command; nothing is read before Run.
func New(cfg Config, _ service.Env) (*Command, error) {
	c := &Command{cfg: cfg, whole: segmentrow.SelectAll(), statements: map[telemetry.Signal]statements{}}
	f := sqlfile.Parse(files)
	for _, signal := range telemetry.Signals() {
		of := struct{ Table, From, Columns, Body string }{
			schema.TablesOf(signal.String()).Segment, segmentrow.From(signal), c.whole.List("s"), segmentrow.Select("body").List("s"),
		}
		c.statements[signal] = statements{find: f.Text("segment", of), newest: f.Text("newest", of)}
	}
	return c, errors.Join(cfg.Validate(), f.Err())
}

// Run reads the segment and shows it. A damaged one is shown as far as it can be read, and is an error.
func (c *Command) Run(ctx context.Context) error {
	if c.cfg.Segment == "" {
		return c.newest(ctx)
	}
	row, err := c.read(ctx)
	if err != nil {
		return err
	}
	if c.cfg.Out != "" {
		if err := writeFile(c.cfg.Out, row); err != nil {
			return err
		}
	}
	report := describe(row)
	if err := report.write(c.cfg.Output, c.cfg.JSON); err != nil {
		return err
	}
	return report.problem
}

// read takes an id from the database and everything else from a file.
func (c *Command) read(ctx context.Context) (*segmentrow.Row, error) {
	id, err := uuid.Parse(c.cfg.Segment)
	if err != nil {
		if _, missing := os.Stat(c.cfg.Segment); missing != nil {
			return nil, errName.Newf("%q is neither the id of a segment nor a file", c.cfg.Segment)
		}
		return readFile(c.cfg.Segment)
	}
	pool, err := c.cfg.Database.Open(ctx, "ollyscale segment")
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	var found *segmentrow.Row
	for _, signal := range telemetry.Signals() {
		rows, err := pool.Query(ctx, c.statements[signal].find, id)
		if err != nil {
			return nil, postgres.Classify(err)
		}
		err = c.whole.ForEach(rows, func(r *segmentrow.Row) error {
			row := *r
			row.Signal = signal
			found = &row
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("read segment: %w", postgres.Classify(err))
		}
		if found != nil {
			return found, nil
		}
	}
	return nil, errUnknown.Newf("there is no segment %s: it may have been merged into another one, or dropped with its day", id)
}

// newest lists the segments that begin last, of each signal.
func (c *Command) newest(ctx context.Context) error {
	pool, err := c.cfg.Database.Open(ctx, "ollyscale segment")
	if err != nil {
		return err
	}
	defer pool.Close()
	var list []listing
	for _, signal := range telemetry.Signals() {
		rows, err := pool.Query(ctx, c.statements[signal].newest, listed)
		if err != nil {
			return postgres.Classify(err)
		}
		one := listing{Signal: signal.String()}
		var from, to int64
		_, err = pgx.ForEachRow(rows, []any{&one.ID, &one.Tenant, &from, &to, &one.Items, &one.Level, &one.Bytes}, func() error {
			one.From, one.To = instant(from), instant(to)
			list = append(list, one)
			return nil
		})
		if err != nil {
			return fmt.Errorf("list segments: %w", postgres.Classify(err))
		}
	}
	return writeList(c.cfg.Output, list, c.cfg.JSON)
}
