package bench

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"time"

	"github.com/jackc/pgx/v5"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// copyRows copies the rows of a database, as they came out of it, into a table without indexes.
func (m *machine) copyRows(ctx context.Context, database string) (cost, error) {
	const perCopy = 8000
	conn, err := pgx.Connect(ctx, m.pg.URL(database))
	if err != nil {
		return cost{}, err
	}
	defer func() { _ = conn.Close(ctx) }()
	var all bytes.Buffer
	if _, err := conn.PgConn().CopyTo(ctx, &all, "COPY (SELECT * FROM spans_fact) TO STDOUT (FORMAT binary)"); err != nil {
		return cost{}, err
	}
	streams, rows, err := cut(all.Bytes(), perCopy)
	if err != nil {
		return cost{}, err
	}
	if _, err := conn.Exec(ctx, "CREATE TABLE raw (LIKE spans_fact)"); err != nil {
		return cost{}, err
	}
	all = bytes.Buffer{}
	runtime.GC()
	st := &stage{machine: m, conn: conn}
	before, err := st.begin(ctx)
	if err != nil {
		return cost{}, err
	}
	for _, s := range streams {
		if _, err := conn.PgConn().CopyFrom(ctx, bytes.NewReader(s), "COPY raw FROM STDIN (FORMAT binary)"); err != nil {
			return cost{}, err
		}
	}
	c, err := st.end(ctx, before)
	if err != nil {
		return cost{}, err
	}
	c.items, c.client, c.nats, c.generator = rows, c.generator, 0, 0
	return c, conn.QueryRow(ctx, "SELECT pg_total_relation_size('raw')").Scan(&c.disk)
}

// cut makes COPY streams of n rows out of one.
func cut(all []byte, n int) (streams [][]byte, rows int, err error) {
	const header = 19
	if len(all) < header {
		return nil, 0, errors.New("no COPY stream")
	}
	head, rest := all[:header], all[header:]
	current := bytes.Clone(head)
	inCurrent := 0
	closeStream := func() {
		if inCurrent > 0 {
			streams = append(streams, append(current, 0xff, 0xff))
		}
		current, inCurrent = bytes.Clone(head), 0
	}
	for len(rest) >= 2 {
		columns := int16(binary.BigEndian.Uint16(rest))
		if columns < 0 {
			closeStream()
			return streams, rows, nil
		}
		end := 2
		for range columns {
			size := int(int32(binary.BigEndian.Uint32(rest[end:])))
			end += 4 + max(size, 0)
		}
		current = append(current, rest[:end]...)
		rest = rest[end:]
		rows++
		if inCurrent++; inCurrent == n {
			closeStream()
		}
	}
	return nil, 0, errors.New("the COPY stream has no end")
}

// sink decodes requests as a collector's receiver does.
func sink(r *requests) (cost, error) {
	return alone(r, func(b telemetry.Batch) error {
		switch b.Signal {
		case telemetry.Traces:
			return ptraceotlp.NewExportRequest().UnmarshalProto(b.Payload)
		case telemetry.Logs:
			return plogotlp.NewExportRequest().UnmarshalProto(b.Payload)
		case telemetry.Metrics:
			return pmetricotlp.NewExportRequest().UnmarshalProto(b.Payload)
		}
		return nil
	})
}

// walk reads requests into the writer's table, flush by flush: what segments and rows both begin with.
func walk(r *requests) (cost, error) {
	const flush = 8000
	table := segment.NewTable(telemetry.DefaultTenant, r.signal)
	position := int64(0)
	return alone(r, func(b telemetry.Batch) error {
		if table.N >= flush {
			table.Reset()
		}
		position++
		_, err := table.Append(b.Payload, position)
		return err
	})
}

// alone does something with every request in this process; the first twentieth is to warm up.
func alone(r *requests, do func(telemetry.Batch) error) (cost, error) {
	warm, rest := r.split()
	for _, b := range warm {
		if err := do(b); err != nil {
			return cost{}, err
		}
	}
	runtime.GC()
	var memory, memoryEnd runtime.MemStats
	runtime.ReadMemStats(&memory)
	before, err := ownCPU()
	if err != nil {
		return cost{}, err
	}
	c := countItems(rest)
	began := time.Now()
	for _, b := range rest {
		if err := do(b); err != nil {
			return cost{}, err
		}
	}
	c.wall = time.Since(began)
	after, err := ownCPU()
	c.client = after - before
	runtime.ReadMemStats(&memoryEnd)
	c.allocated, c.objects = int64(memoryEnd.TotalAlloc-memory.TotalAlloc), int64(memoryEnd.Mallocs-memory.Mallocs)
	return c, err
}
