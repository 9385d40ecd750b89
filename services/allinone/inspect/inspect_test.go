package inspect

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/postgres"
	"github.com/ollyscale/ollyscale/libs/postgres/segmentrow"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
	"github.com/ollyscale/ollyscale/schema"
	"github.com/ollyscale/ollyscale/services/allinone"
)

// TestStatements pins the text of every statement: a change of it is seen in review.
func TestStatements(t *testing.T) {
	t.Parallel()
	c, err := New(Config{}, service.NewEnv("segment", nil))
	require.NoError(t, err)
	got := ""
	for _, signal := range telemetry.Signals() {
		got += testbed.Statements(c.statements[signal])
	}
	testbed.Golden(t, "testdata/statements.sql", got)
}

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// rowOf is the first segment of a sample.
func rowOf(t *testing.T, signal telemetry.Signal, at time.Time) segmentrow.Row {
	t.Helper()
	table := segment.NewTable("acme", signal)
	_, err := table.Append(testbed.Sample(signal, at), 7)
	require.NoError(t, err)
	s, err := table.Encode(table.Slices(segment.MaxItems)[0], 0)
	require.NoError(t, err)
	return segmentrow.New(s, "acme", at)
}

// stored puts one segment of every signal into a fresh database.
func stored(t *testing.T) (db *testbed.DB, rows []segmentrow.Row) {
	t.Helper()
	ctx, at := testbed.Context(t), time.Now().Add(-time.Minute)
	db = testbed.Database(t)
	for _, signal := range telemetry.Signals() {
		row := rowOf(t, signal, at)
		_, err := db.Pool.Exec(ctx, `SELECT ensure_partition($1, $2)`, schema.TablesOf(signal.String()).Segment, row.MinTime)
		require.NoError(t, err)
		require.NoError(t, postgres.InTx(ctx, db.Pool, pgx.TxOptions{}, func(tx pgx.Tx) error {
			return segmentrow.Copy(ctx, tx, signal, []segmentrow.Row{row}, nil)
		}))
		rows = append(rows, row)
	}
	return db, rows
}

func run(t *testing.T, cfg Config) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cfg.Output = &out
	c, err := New(cfg, service.NewEnv("segment", nil))
	require.NoError(t, err)
	err = c.Run(testbed.Context(t))
	return out.String(), err
}

func TestSegmentIsShownFromDatabaseAndFileAlike(t *testing.T) {
	t.Parallel()
	db, rows := stored(t)
	for _, row := range rows {
		id, path := uuid.UUID(row.ID).String(), filepath.Join(t.TempDir(), "segment")
		text, err := run(t, Config{Segment: id, Database: allinone.Database{URL: db.URL}, Out: path})
		require.NoError(t, err)
		require.Contains(t, text, id)
		require.Regexp(t, row.Signal.String()+` of tenant acme, level 0, format \d+\n`, text)
		require.Regexp(t, `checksum +[0-9a-f]{16}, right\n`, text)

		again, err := run(t, Config{Segment: path})
		require.NoError(t, err)
		require.Equal(t, text, again)

		text, err = run(t, Config{Segment: path, JSON: true})
		require.NoError(t, err)
		var got report
		require.NoError(t, json.Unmarshal([]byte(text), &got))
		stored := got.Passages.Stored
		for _, s := range got.Sections {
			stored += s.Stored
		}
		require.Equal(t, len(row.Body), stored, "every byte of the body belongs to a section, or to passages of many")
		require.Equal(t, len(row.Directory), got.DirectorySize)
		require.Equal(t, row.Services, got.Services)
		require.Equal(t, len(row.TraceFilter), got.TraceFilter)
		require.Equal(t, row.Items, got.Items)
	}
}

func TestNewestSegmentsAreListed(t *testing.T) {
	t.Parallel()
	db, rows := stored(t)
	text, err := run(t, Config{Database: allinone.Database{URL: db.URL}})
	require.NoError(t, err)
	require.Equal(t, 1+len(rows), strings.Count(text, "\n"))
	for _, row := range rows {
		require.Regexp(t, uuid.UUID(row.ID).String()+` +`+row.Signal.String()+` +acme +0 +`, text)
	}
	text, err = run(t, Config{Database: allinone.Database{URL: db.URL}, JSON: true})
	require.NoError(t, err)
	var list []listing
	require.NoError(t, json.Unmarshal([]byte(text), &list))
	require.Len(t, list, len(rows))
	require.Equal(t, len(rows[0].Directory)+len(rows[0].Body), list[0].Bytes)
}

func TestWhatIsNotThereIsSaid(t *testing.T) {
	t.Parallel()
	db := testbed.Database(t)
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	require.NoError(t, os.WriteFile(other, []byte("ollyscale segment 1\n{}"), 0o600))
	for name, tc := range map[string]struct {
		cfg  Config
		code string
		text string
	}{
		"an unknown id":        {Config{Segment: "019ac000-0000-7000-8000-000000000000", Database: allinone.Database{URL: db.URL}}, "segment.unknown", "may have been merged"},
		"neither id nor file":  {Config{Segment: filepath.Join(dir, "none")}, "segment.name", "neither the id of a segment nor a file"},
		"another file":         {Config{Segment: other}, "segment.file", "was not written by"},
		"no ollyScale runs":    {Config{Database: allinone.Database{DataDir: dir}}, "data_dir.not_running", "no ollyScale runs on " + dir},
		"a database of no one": {Config{Database: allinone.Database{URL: "postgres://postgres@127.0.0.1:1/x"}}, "", "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := run(t, tc.cfg)
			require.ErrorContains(t, err, tc.text)
			require.Empty(t, text)
			if tc.code != "" {
				require.Equal(t, tc.code, fault.From(err).Code)
			}
		})
	}
	require.ErrorContains(t, Config{Out: "x"}.Validate(), "name the segment")
}

// A variable of the shell does not decide which database is shown when the command line names another.
func TestTwoDatabasesAreRefused(t *testing.T) {
	t.Setenv("OLLY_POSTGRES_URL", "postgres://u:hunter2@h/x")
	const id = "019ac000-0000-7000-8000-000000000000"
	for name, tc := range map[string]struct {
		args    []string
		refused bool
	}{
		"a directory":               {[]string{"--data-dir", "/d"}, true},
		"a segment of a directory":  {[]string{id, "--data-dir", "/d"}, true},
		"a file":                    {[]string{"/tmp/segment", "--data-dir", "/d"}, false},
		"no directory":              {[]string{id}, false},
		"the other one taken back":  {[]string{id, "--data-dir", "/d", "--postgres="}, false},
		"an empty directory":        {[]string{id, "--data-dir="}, false},
		"a database beside its own": {[]string{id, "--postgres", "postgres://h/y"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := settings.Load("segment", &Config{}, tc.args, io.Discard)
			if !tc.refused {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, "data_dir (from --data-dir): is given together with postgres_url")
			require.NotContains(t, err.Error(), "hunter2")
		})
	}
}

func TestThePasswordOfTheDatabaseIsNotShown(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	require.NoError(t, settings.Print(&out, &Config{Database: allinone.Database{URL: "host=h user=u password=hunter2"}}))
	require.NotContains(t, out.String(), "hunter2")
}

func TestDamageIsShownAndIsAnError(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "segment")
	row := rowOf(t, telemetry.Traces, time.Now())
	require.NoError(t, writeFile(path, &row))
	whole, err := os.ReadFile(path)
	require.NoError(t, err)

	// Each file is cut, so that no part of it is whole any more; none is a panic.
	for cut := 0; cut < len(whole); cut += 97 {
		require.NoError(t, os.WriteFile(path, whole[:cut], 0o600))
		_, err := run(t, Config{Segment: path})
		require.Equal(t, "segment.file", fault.From(err).Code, "cut to %d", cut)
	}
	require.NoError(t, os.WriteFile(path, append(bytes.Clone(whole), 0), 0o600))
	_, err = run(t, Config{Segment: path})
	require.ErrorContains(t, err, "goes on after its end")

	damaged := row
	damaged.Body = bytes.Clone(row.Body)
	damaged.Body[len(damaged.Body)/2] ^= 0x40
	require.NoError(t, writeFile(path, &damaged))
	text, err := run(t, Config{Segment: path})
	require.Equal(t, "segment.damaged", fault.From(err).Code)
	require.Contains(t, text, "see the end")
	require.Contains(t, text, uuid.UUID(row.ID).String(), "the header is shown all the same")

	damaged.Body = row.Body[:len(row.Body)-1]
	require.NoError(t, writeFile(path, &damaged))
	text, err = run(t, Config{Segment: path, JSON: true})
	require.Equal(t, "segment.damaged", fault.From(err).Code)
	var got report
	require.NoError(t, json.Unmarshal([]byte(text), &got))
	require.NotEmpty(t, got.Problem)
	require.Empty(t, got.Sections)
}
