package query

import (
	"fmt"
	"sync"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// piece is a segment in the hands of one worker: its columns, and scratch for filters.
type piece struct {
	*segment.View
	tenant telemetry.Tenant
	tables *tables
	pool   *segment.Table // the dictionaries of scopes, metrics and series, once something has asked for them
	failed error
	want   segment.Want // what of the segment is at hand
	broken bool         // it panicked, and is in no state to be used again
	lent   [][]bool
	rows   []uint32 // scratch of hits
	used   int
}

// pieces lends out pieces, whose memory is worth keeping.
type pieces struct{ sync.Pool }

func (p *pieces) take(t *tables, of *plan) (*piece, error) {
	s, ok := p.Get().(*piece)
	if !ok {
		v, err := segment.NewView()
		if err != nil {
			return nil, fmt.Errorf("open segments: %w", err)
		}
		s = &piece{View: v}
	}
	s.tables, s.tenant = t, of.tenant
	return s, nil
}

func (p *pieces) put(s *piece) {
	if s.broken {
		return
	}
	s.forget()
	s.Close()
	p.Put(s)
}

func (s *piece) open(d *segment.Directory, parts []segment.Part) {
	s.forget()
	s.Open(d, parts)
}

func (s *piece) forget() {
	if s.pool != nil {
		s.tables.put(s.pool)
	}
	s.pool, s.failed, s.used = nil, nil, 0
}

// Err is what went wrong first.
func (s *piece) Err() error {
	if s.failed != nil {
		return s.failed
	}
	return s.View.Err()
}

// dictionaries is a table with the scopes, or for points the series and all that they refer to, by row.
func (s *piece) dictionaries() *segment.Table {
	if s.pool == nil {
		s.pool = s.tables.take(s.tenant, s.Signal())
		column := segment.ColScope
		if s.Signal() == telemetry.Metrics {
			column = segment.ColSeries
		}
		if err := s.Read(s.pool, segment.Want{Ints: []segment.Column{column}}, nil); err != nil {
			s.failed = err
		}
	}
	return s.pool
}

// borrow is a list of false for each row, until giveBack; the last that was borrowed is given back first.
func (s *piece) borrow() []bool {
	if s.used == len(s.lent) {
		s.lent = append(s.lent, nil)
	}
	b := s.lent[s.used]
	if cap(b) < s.Len() {
		b = make([]bool, segment.MaxItems)
	}
	b = b[:s.Len()]
	clear(b)
	s.lent[s.used] = b
	s.used++
	return b
}

func (s *piece) giveBack() { s.used-- }
