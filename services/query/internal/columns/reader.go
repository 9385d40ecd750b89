// Package columns is one segment in the hands of one worker: its columns, decoded as they are asked for, and the memory that conditions and
// folds need while they look at them. Filters, the engine and what front ends fold all see a segment through it.
//
// What a Reader gives belongs to it and is valid until its next Open; what is to live longer is copied.
package columns

import (
	"fmt"
	"sync"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Tables lends out tables, whose memory is worth keeping.
type Tables [3]sync.Pool // by signal

// Take lends a table until Put.
func (p *Tables) Take(tenant telemetry.Tenant, signal telemetry.Signal) *segment.Table {
	t, ok := p[signal].Get().(*segment.Table)
	if !ok {
		return segment.NewTable(tenant, signal)
	}
	t.Tenant = tenant
	return t
}

// Put takes a table back; nothing may refer to it any more.
func (p *Tables) Put(t *segment.Table) {
	t.Reset() // hold no query's bytes
	p[t.Signal].Put(t)
}

// Readers lends out readers, whose memory is worth keeping.
type Readers struct {
	Tables Tables
	free   sync.Pool
}

// Take lends a reader for segments of one tenant, until Put. A reader that panicked is in no state to be used again and is not put back.
func (p *Readers) Take(tenant telemetry.Tenant) (*Reader, error) {
	r, ok := p.free.Get().(*Reader)
	if !ok {
		v, err := segment.NewView()
		if err != nil {
			return nil, fmt.Errorf("open segments: %w", err)
		}
		r = &Reader{View: v, tables: &p.Tables}
	}
	r.tenant = tenant
	return r, nil
}

// Put takes a reader back; nothing may refer to what it gave any more.
func (p *Readers) Put(r *Reader) {
	r.forget()
	r.Close()
	p.free.Put(r)
}

// Reader reads one segment. One goroutine uses it.
type Reader struct {
	*segment.View
	AtHand       segment.Want // what of the segment was fetched
	tenant       telemetry.Tenant
	tables       *Tables
	dictionaries *segment.Table // once something has asked for them
	failed       error
	marks        [][]bool // lent by Borrow: those before used
	used         int
	marked       []uint32 // given by Marked
}

// Tenant is whose segments they are.
func (r *Reader) Tenant() telemetry.Tenant { return r.tenant }

// Open begins with another segment, of which parts are at hand.
func (r *Reader) Open(d *segment.Directory, atHand segment.Want, parts []segment.Part) {
	r.forget()
	r.AtHand = atHand
	r.View.Open(d, parts)
}

func (r *Reader) forget() {
	if r.dictionaries != nil {
		r.tables.Put(r.dictionaries)
	}
	r.dictionaries, r.failed, r.used = nil, nil, 0
}

// Err is what went wrong first.
func (r *Reader) Err() error {
	if r.failed != nil {
		return r.failed
	}
	return r.View.Err()
}

// Dictionaries is a table with the scopes, or for points the series and all that they refer to, by row.
func (r *Reader) Dictionaries() *segment.Table {
	if r.dictionaries == nil {
		r.dictionaries = r.tables.Take(r.tenant, r.Signal())
		column := segment.ColScope
		if r.Signal() == telemetry.Metrics {
			column = segment.ColSeries
		}
		if err := r.Read(r.dictionaries, segment.Want{Ints: []segment.Column{column}}, nil); err != nil {
			r.failed = err
		}
	}
	return r.dictionaries
}

// Series lets see look at the series of points, and at a table with the metrics of these. Both are only valid during the call, which is left out where the
// segment is damaged.
func (r *Reader) Series(see func(t *segment.Table, list *segment.SeriesList)) {
	t := r.tables.Take(r.tenant, r.Signal())
	defer r.tables.Put(t)
	if list := r.View.Series(t); r.Err() == nil {
		see(t, list)
	}
}

// Rows puts some rows together in full and lets see look at them. The table is only valid during the call.
func (r *Reader) Rows(of segment.Want, rows []uint32, see func(t *segment.Table)) error {
	t := r.tables.Take(r.tenant, r.Signal())
	defer r.tables.Put(t)
	if err := r.Read(t, of, rows); err != nil {
		return err
	}
	see(t)
	return nil
}

// Borrow is a list of false for each row, until GiveBack; the last that was borrowed is given back first.
func (r *Reader) Borrow() []bool {
	if r.used == len(r.marks) {
		r.marks = append(r.marks, nil)
	}
	b := r.marks[r.used]
	if cap(b) < r.Len() {
		b = make([]bool, segment.MaxItems)
	}
	b = b[:r.Len()]
	clear(b)
	r.marks[r.used] = b
	r.used++
	return b
}

// GiveBack ends what Borrow began.
func (r *Reader) GiveBack() { r.used-- }

// Marked are the numbers of the marked rows; the list is valid until the next call.
func (r *Reader) Marked(marks []bool) []uint32 {
	r.marked = r.marked[:0]
	for row, marked := range marks {
		if marked {
			r.marked = append(r.marked, uint32(row))
		}
	}
	return r.marked
}
