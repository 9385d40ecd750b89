package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// ask puts every question of a subject to all builds in turn, warm, and keeps the medians. The first run of each parameter warms the caches, and
// its answers must be the same of all builds.
func (s *storeBench) ask(ctx context.Context, q *sides, sub *subject, stage string) error {
	for _, ask := range s.options.questions(sub.signal, q.filled) {
		s.say("%d %s, %s: %s", sub.items, sub.signal, stage, ask.name)
		replies := make([]*reply, len(sub.holdings))
		for i := range replies {
			replies[i] = &reply{}
			sub.holdings[i].asked[stage+"/"+ask.name] = replies[i]
		}
		for p := range max(ask.parameters, 1) {
			var answers []answer
			for i, h := range sub.holdings {
				a, trouble, err := s.one(ctx, q, h, ask, p)
				if err != nil {
					return fmt.Errorf("%s%s: %w", ask.name, h.of.label(), err)
				}
				replies[i].trouble, replies[i].hits = trouble, len(a.items)
				if trouble == "" {
					answers = append(answers, a.answer)
				}
			}
			if len(answers) == 2 && !slices.Equal(answers[0].items, answers[1].items) {
				sub.differ = append(sub.differ, fmt.Sprintf("%s (%s): %s", ask.name, stage, difference(answers[0].items, answers[1].items)))
			}
			if len(answers) > 0 && ask.hits != nil && !ask.hits(len(answers[0].items)) {
				return fmt.Errorf("%s: %d results", ask.name, len(answers[0].items))
			}
		}
		runs := make([][]once, len(sub.holdings))
		for n := range s.options.runs {
			for turn := range sub.holdings {
				i := (turn + n) % len(sub.holdings)
				r, _, err := s.one(ctx, q, sub.holdings[i], ask, n)
				if err != nil {
					return err
				}
				runs[i] = append(runs[i], r)
			}
		}
		for i, of := range runs {
			replies[i].side = medians(of)
		}
	}
	return nil
}

// medians of some runs.
func medians(runs []once) side {
	walls := make([]time.Duration, len(runs))
	for i, r := range runs {
		walls[i] = r.wall
	}
	slices.Sort(walls)
	return side{
		slow: quantile(walls, 0.95),
		wall: medianOf(runs, func(r once) time.Duration { return r.wall }), cpu: medianOf(runs, func(r once) time.Duration { return r.cpu }),
		read: medianOf(runs, func(r once) int { return r.segmentsRead }), pruned: medianOf(runs, func(r once) int { return r.pruned }),
		bytes: medianOf(runs, func(r once) int64 { return r.bytes }),
	}
}

// one asks a holding once, and says what kept it from a whole answer.
func (s *storeBench) one(ctx context.Context, q *sides, h *holding, ask question, n int) (r once, trouble string, err error) {
	at := asked{q, h.query.base}
	r, err = q.timed(ctx, n, asking{
		h.database, func(ctx context.Context, i int) (answer, error) { return ask.segments(ctx, at, i) },
		func() (time.Duration, error) { return threadsCPU(h.query.process.pid()) }, nil,
	})
	trouble, err = troubleOf(err, h.of)
	return r, trouble, err
}

// troubleOf tells a refusal, or an answer that is cut, from an error that ends the bench. A question that this build finds wrong is one: it would be
// measured as the quickest of all.
func troubleOf(err error, of *revision) (trouble string, _ error) {
	var cut *cutError
	var refused *refusalError
	switch {
	case errors.As(err, &cut):
		return "cut", nil
	case errors.As(err, &refused) && (of != nil || refused.status == http.StatusTooManyRequests || refused.status >= http.StatusInternalServerError):
		return strconv.Itoa(refused.status), nil
	}
	return "", err
}

// askCold asks every question with nothing of the data in memory: a new query service, whose connections are ready, PostgreSQL's buffers evicted, its
// files out of the kernel's memory.
func (s *storeBench) askCold(ctx context.Context, q *sides, sub *subject) error {
	if s.options.cold == 0 {
		return nil
	}
	for _, ask := range s.options.questions(sub.signal, q.filled) {
		s.say("%d %s, cold: %s", sub.items, sub.signal, ask.name)
		for _, h := range sub.holdings {
			var runs []once
			var disk, pages, catalogue []int64
			out := &reply{}
			for n := range s.options.cold {
				if err := s.restart(ctx, q, h); err != nil {
					return err
				}
				if err := s.machine.untilReady(ctx, h.database); err != nil {
					return err
				}
				if err := s.machine.forget(ctx); err != nil {
					return err
				}
				before := treeReads(s.machine.postmaster)
				r, trouble, err := s.one(ctx, q, h, ask, n)
				if err != nil {
					return fmt.Errorf("%s%s: %w", ask.name, h.of.label(), err)
				}
				out.trouble, out.hits = trouble, len(r.items)
				runs, disk = append(runs, r), append(disk, treeReads(s.machine.postmaster)-before)
				all, of, err := s.machine.pages(ctx, h.database)
				if err != nil {
					return err
				}
				pages, catalogue = append(pages, all), append(catalogue, of)
			}
			out.side = medians(runs)
			for _, one := range []struct {
				to   *int64
				list []int64
			}{{&out.disk, disk}, {&out.pages, pages}, {&out.catalogue, catalogue}} {
				slices.Sort(one.list)
				*one.to = one.list[len(one.list)/2]
			}
			h.asked[stageCold+"/"+ask.name] = out
		}
	}
	return nil
}

// untilReady waits until the query service has made its connections ready: until none has done anything for a while. What goes on longer than that
// is something else.
func (m *machine) untilReady(ctx context.Context, database string) error {
	const quiet, looks, most = 1500 * time.Millisecond, 100 * time.Millisecond, 20 * time.Second
	began := time.Now()
	since := began
	for time.Since(began) < most && time.Since(since) < quiet {
		pauseUntil(ctx, time.Now().Add(looks))
		var there, busy int
		err := m.conn.QueryRow(ctx, `SELECT count(*), count(*) FILTER (WHERE state <> 'idle') FROM pg_stat_activity
			WHERE datname = $1 AND application_name = 'ollyscale-query'`, database).Scan(&there, &busy)
		if err != nil {
			return err
		}
		if there == 0 || busy > 0 {
			since = time.Now()
		}
	}
	return nil
}

// evict makes PostgreSQL forget what its buffers hold.
func (m *machine) evict(ctx context.Context) error {
	for _, statement := range []string{"CREATE EXTENSION IF NOT EXISTS pg_buffercache", "SELECT pg_buffercache_evict_all()"} {
		if _, err := m.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// pages is how many bytes of a database PostgreSQL's buffers hold: after forget or evict, those of the pages that were read since. Of these are the
// catalogue's: tables that were there when the cluster was made.
func (m *machine) pages(ctx context.Context, database string) (all, catalogue int64, err error) {
	err = m.conn.QueryRow(ctx, `SELECT count(*) * 8192, count(*) FILTER (WHERE relfilenode < 16384) * 8192
		FROM pg_buffercache WHERE reldatabase = (SELECT oid FROM pg_database WHERE datname = $1)`, database).Scan(&all, &catalogue)
	return all, catalogue, err
}

// forget makes PostgreSQL and the kernel forget what they hold of the databases' files. Nothing of other programs is touched.
func (m *machine) forget(ctx context.Context) error {
	if _, err := m.conn.Exec(ctx, "CHECKPOINT"); err != nil {
		return err
	}
	if err := m.evict(ctx); err != nil {
		return err
	}
	return filepath.WalkDir(filepath.Join(m.dir, "postgres", "base"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) { // a table was dropped meanwhile
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		return forgetFile(path)
	})
}

// crowd is what eight clients got.
type crowd struct {
	answers int
	refused int
	wall    time.Duration
	cpu     time.Duration // of the query service and PostgreSQL, the writer's statements included where one ran
	waits   []time.Duration
	stored  int // items that a writer stored meanwhile
}

// Names of what runs beside the clients.
const (
	besideNothing = "alone"
	besideWriter  = "storing"
)

// crowds lets eight clients ask all questions in turn, alone and beside a writer that stores what is of after.
func (s *storeBench) crowds(ctx context.Context, q *sides, sub *subject, after time.Time) error {
	if s.options.clients == 0 {
		return nil
	}
	for _, h := range sub.holdings {
		if err := s.restart(ctx, q, h); err != nil {
			return err
		}
		s.say("%d %s%s: eight clients", sub.items, sub.signal, h.of.label())
		var err error
		if h.crowds[besideNothing], err = s.crowd(ctx, q, s.options.questions(sub.signal, q.filled), h, nil); err != nil {
			return err
		}
		w, err := s.machine.startWriterOf(ctx, h.of.program(), h.stage.url)
		if err != nil {
			return err
		}
		items := int(float64(s.options.beside) * s.options.clients.Seconds())
		in := newStream(uint64(after.Unix()), sub.signal, items, s.options.request, window24{from: after, to: after}, after.Add(s.options.clients)).plain()
		h.crowds[besideWriter], err = s.crowd(ctx, q, s.options.questions(sub.signal, q.filled), h, in)
		w.stop()
		if err != nil {
			return err
		}
	}
	return nil
}

// crowd lets eight clients ask the questions of a list in turn; in is stored meanwhile at its rate, nil for nothing.
func (s *storeBench) crowd(ctx context.Context, q *sides, list []question, h *holding, in *stream) (*crowd, error) {
	spent := func() (time.Duration, error) {
		server, err := treeCPU(s.machine.postmaster)
		if err != nil {
			return 0, err
		}
		own, err := threadsCPU(h.query.process.pid())
		return server + own, err
	}
	before, err := spent()
	if err != nil {
		return nil, err
	}
	c := &crowd{}
	began := time.Now()
	until := began.Add(s.options.clients)
	waits, errs := make([][]time.Duration, senders), make([]error, senders+1)
	var refused atomic.Int64
	var busy sync.WaitGroup
	for client := range senders {
		busy.Go(func() {
			for n := client; errs[client] == nil && time.Now().Before(until); n++ {
				asks := time.Now()
				_, err := list[n%len(list)].segments(ctx, asked{q, h.query.base}, n)
				var no *refusalError
				switch {
				case errors.As(err, &no):
					refused.Add(1)
				case err != nil:
					errs[client] = err
				default:
					waits[client] = append(waits[client], time.Since(asks))
				}
			}
		})
	}
	if in != nil {
		busy.Go(func() {
			// At its rate: a request is sent when its time has come.
			errs[senders] = s.pour(ctx, h.of, in, func() error {
				due := began.Add(time.Duration(float64(s.options.clients) * float64(in.made) / float64(in.items)))
				pauseUntil(ctx, due)
				c.stored = in.made
				return ctx.Err()
			})
		})
	}
	busy.Wait()
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.wall = time.Since(began)
	after, err := spent()
	if err != nil {
		return nil, err
	}
	c.cpu, c.refused = after-before, int(refused.Load())
	c.waits = slices.Concat(waits...)
	slices.Sort(c.waits)
	c.answers = len(c.waits)
	return c, nil
}

// pauseUntil waits for an instant.
func pauseUntil(ctx context.Context, at time.Time) {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// wait is how long the share p of the questions took at most.
func (c *crowd) wait(p float64) time.Duration { return quantile(c.waits, p) }

// quantile is what the part p of sorted times does not exceed.
func quantile(times []time.Duration, p float64) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[min(int(p*float64(len(times))), len(times)-1)]
}
