package edges

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/ollyscale/ollyscale/libs/rollup"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Kind keeps edges. A part has sums by minute and halves in Minutes; an hour has its sums and halves twice, in Total those of all its minutes together; a
// day has only Total. A part, hour or day has one row when it is folded, whatever it tells of: Low and High are empty.
func Kind() rollup.Kind {
	// The two sides of a call come with requests of two services, which are mostly in two buckets of a tenant that is spread.
	return rollup.Kind{ID: ID, Name: "edges", Signal: telemetry.Traces, OfTenant: true, Collect: collect, Fold: fold}
}

// ID of the kind.
const ID = 1

func collect(t *segment.Table, start int64, rows []uint32) ([]rollup.Content, error) {
	c := New()
	c.Add(t, rows)
	if err := c.match(context.Background(), true, nil); err != nil {
		return nil, err
	}
	if len(c.cells)+len(c.callees)+len(c.callers)+len(c.ties) == 0 {
		return nil, nil
	}
	minutes, err := c.encode(minuteOf(start), false)
	if err != nil {
		return nil, err
	}
	out := rollup.Content{Low: []byte{}, High: []byte{}, Total: []byte{}, Minutes: minutes}
	times := t.Ints[segment.ColTime]
	for i, r := range rows {
		if i == 0 {
			out.MinTime, out.MaxTime = times[r], times[r]
		}
		out.MinTime, out.MaxTime = min(out.MinTime, times[r]), max(out.MaxTime, times[r])
	}
	return []rollup.Content{out}, nil
}

func fold(to rollup.Grain, start int64, open bool, rows iter.Seq2[*rollup.Row, error]) ([]rollup.Content, error) {
	c := New()
	out := rollup.Content{Low: []byte{}, High: []byte{}, Total: []byte{}, Minutes: []byte{}}
	first := true
	for r, err := range rows {
		if err != nil {
			return nil, err
		}
		blob := r.Minutes
		if to == rollup.Day {
			blob = r.Total
		}
		if err := c.decode(blob, minuteOf(r.Start), sums|halves); err != nil {
			return nil, fmt.Errorf("row %x of %s: %w", r.ID, time.Unix(0, r.Start).UTC().Format(time.RFC3339), err)
		}
		if first {
			out.MinTime, out.MaxTime, first = r.MinTime, r.MaxTime, false
		}
		out.MinTime, out.MaxTime = min(out.MinTime, r.MinTime), max(out.MaxTime, r.MaxTime)
	}
	if first {
		return nil, nil
	}
	if err := c.match(context.Background(), true, nil); err != nil {
		return nil, err
	}
	if to == rollup.Day {
		for _, list := range [][]half{c.callees, c.callers, c.ties} {
			for i := range list { // of the day
				hour := time.Duration(list[i].minute-minuteOf(start)) * time.Minute / time.Hour
				list[i].border = list[i].border && (hour == 0 || hour == 23)
			}
		}
	}
	c.end(open)
	at := minuteOf(start)
	var err error
	if out.Total, err = c.encode(at, true); err != nil {
		return nil, err
	}
	if to == rollup.Hour {
		if out.Minutes, err = c.encode(at, false); err != nil {
			return nil, err
		}
	}
	return []rollup.Content{out}, nil
}

// AddRolled adds what a rollup says that begins at start, as far as a question about [from, to), whole minutes, needs it: its Total where it is whole, which is
// an hour or a day in the range, and otherwise its Minutes. Those of an hour beside the range may have the parent of a callee in it, or the answer to a
// caller.
func (c *Calls) AddRolled(start int64, whole bool, blob []byte, from, to int64) error {
	take := sums | halves
	if !whole && (start >= to || start+int64(time.Hour) <= from) {
		take = halves
	}
	if err := c.decode(blob, minuteOf(start), take); err != nil {
		return fmt.Errorf("a rollup of %s: %w", time.Unix(0, start).UTC().Format(time.RFC3339), err)
	}
	return nil
}
