package ingest

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/settings"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// How a signal's requests of the same bytes are taken (DedupConfig).
const (
	dedupContent = "content" // they are one request
	dedupAnswers = "answers" // one that comes after the answer to the last was delivered is a new one
	dedupOff     = "off"     // each is a new one
)

// DedupConfig says what requests with the same bytes are to each other.
type DedupConfig struct {
	Traces  string   `mapstructure:"traces" doc:"What requests of spans with the same bytes are: content or answers for one request, since a span is known by its ids; off for a new one always, so that a retry is stored again."`
	Logs    string   `mapstructure:"logs" doc:"The same of log records: answers for one request, unless all times in it are missing or whole seconds and the answer to the last was delivered; content for one request always."`
	Metrics string   `mapstructure:"metrics" doc:"The same of data points, which are known by their series and time: content, or answers as of logs."`
	Tenants []string `mapstructure:"tenants" doc:"Exceptions, each tenant/signal=value: acme/logs=off."`

	Remembered int `mapstructure:"remembered" doc:"Requests without an exact time whose answers are remembered, about 300 bytes each; of one that is forgotten the same bytes count as its retry."`
}

func defaultDedup() DedupConfig {
	return DedupConfig{Traces: dedupContent, Logs: dedupAnswers, Metrics: dedupContent, Remembered: 1 << 16}
}

// problems adds what is wrong to p.
func (c DedupConfig) problems(p *settings.Problems) {
	for _, s := range telemetry.Signals() {
		p.OneOf("dedup."+s.String(), c.mode(s), dedupContent, dedupAnswers, dedupOff)
	}
	for _, exception := range c.Tenants {
		if _, _, err := parseException(exception); err != nil {
			p.Refuse("dedup.tenants", "%v", err)
		}
	}
	settings.Between(p, "dedup.remembered", c.Remembered, 1, 1<<24)
}

// mode is what holds for a signal.
func (c DedupConfig) mode(s telemetry.Signal) string {
	switch s {
	case telemetry.Traces:
		return c.Traces
	case telemetry.Logs:
		return c.Logs
	case telemetry.Metrics:
		return c.Metrics
	}
	return ""
}

// stream is a tenant's signal.
type stream struct {
	tenant telemetry.Tenant
	signal telemetry.Signal
}

// parseException reads tenant/signal=mode.
func parseException(text string) (of stream, mode string, err error) {
	name, mode, found := strings.Cut(text, "=")
	tenant, signal, slash := strings.Cut(name, "/")
	if !found || !slash || mode != dedupContent && mode != dedupAnswers && mode != dedupOff {
		return of, "", errDedup.Newf("%q: want tenant/signal=%s, %s or %s", text, dedupContent, dedupAnswers, dedupOff)
	}
	if of.tenant, err = telemetry.ParseTenant(tenant); err != nil {
		return of, "", err
	}
	if of.signal, err = telemetry.ParseSignal(signal); err != nil {
		return of, "", err
	}
	return of, mode, nil
}

// repeats tells a request that is sent again from another one with the same bytes. It remembers what it answered to whom, and so knows more
// than the bytes say; another replica, and this one after a restart, knows only the bytes. Safe for concurrent use.
type repeats struct {
	modes      [3]string
	exceptions map[stream]string
	most       int
	now        func() time.Time

	mu    sync.Mutex
	tries map[telemetry.RequestID][]*try // by the hash of the bytes
	order []telemetry.RequestID          // of what is remembered, a ring
	next  int
	salt  uint64 // random at first, another one for each new event
}

// maxTries bounds what is remembered of requests with the same bytes that are sent at the same time, or whose answers did not arrive.
const maxTries = 16

func newRepeats(c DedupConfig, now func() time.Time) *repeats {
	r := &repeats{most: c.Remembered, now: now, exceptions: map[stream]string{}, tries: map[telemetry.RequestID][]*try{}}
	for _, s := range telemetry.Signals() {
		r.modes[s] = c.mode(s)
	}
	for _, text := range c.Tenants {
		if of, mode, err := parseException(text); err == nil { // Validate has refused others
			r.exceptions[of] = mode
		}
	}
	var seed [8]byte
	_, _ = rand.Read(seed[:]) // never fails
	r.salt = binary.LittleEndian.Uint64(seed[:])
	return r
}

// try is one try to send a request, as long as nothing better is known of it.
type try struct {
	request telemetry.RequestID // its identity
	arrived time.Time           // of the first try, by which records without a time are stamped

	ctx   context.Context //nolint:containedctx // it ends when the sender gives up
	peer  *peer
	state tryState
	limit time.Duration // how long the sender waits; 0 where it does not say
	late  bool          // it was answered when the sender may have given up
}

// tryState is what is known of the answer.
type tryState uint8

const (
	trySending  tryState = iota // none yet
	tryFailed                   // the sender was told to try again, or nothing
	tryAnswered                 // it was written
)

// asked is a request that is to be identified.
type asked struct {
	of      stream
	bytes   telemetry.RequestID // the hash of its bytes
	untimed bool                // some of its items have no time
	coarse  bool                // no item has an id, nor a time finer than a second, which do not come twice: another event may have the same bytes
	peer    *peer
	now     time.Time
}

// begin identifies a request. The caller ends the try when the request is answered.
func (r *repeats) begin(ctx context.Context, q asked) *try {
	mode := r.modes[q.of.signal]
	if exception, ok := r.exceptions[q.of]; ok {
		mode = exception
	}
	t := &try{request: q.bytes, arrived: q.now, ctx: ctx, peer: q.peer}
	if deadline, ok := ctx.Deadline(); ok {
		t.limit = deadline.Sub(q.now)
	}
	if mode == dedupContent || mode == dedupAnswers && !q.coarse {
		return t
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if mode == dedupOff {
		r.anew(t, q)
		return t
	}
	tries, known := r.tries[q.bytes]
	switch i := lost(tries, q); {
	case i >= 0: // its retry
		t.request, t.arrived = tries[i].request, tries[i].arrived
		tries = append(tries[:i:i], tries[i+1:]...)
	case known || q.untimed:
		r.anew(t, q)
		// What was answered has been delivered, and need not be asked of again.
		tries = slices.DeleteFunc(tries, func(t *try) bool { return t.state != trySending })
	}
	if !known {
		r.remember(q.bytes)
	}
	tries = append(tries, t)
	if len(tries) > maxTries {
		tries = tries[1:]
	}
	r.tries[q.bytes] = tries
	return t
}

// anew makes a try that of a new event.
func (r *repeats) anew(t *try, q asked) {
	r.salt++
	t.request = q.bytes.At(q.now, r.salt)
}

// remember makes room for one more.
func (r *repeats) remember(id telemetry.RequestID) {
	if len(r.order) < r.most {
		r.order = append(r.order, id)
		return
	}
	delete(r.tries, r.order[r.next])
	r.order[r.next] = id
	r.next = (r.next + 1) % r.most
}

// lost is the newest try whose answer, for all that is known, did not arrive, so that its sender tries again; -1 where there is none.
func lost(tries []*try, q asked) int {
	for i := len(tries) - 1; i >= 0; i-- {
		if tries[i].lost(q) {
			return i
		}
	}
	return -1
}

// margin is how long before the sender's deadline an answer must be written to arrive in time, at most half of the time it gave.
const margin = time.Second

func (t *try) lost(q asked) bool {
	switch t.state {
	case trySending:
		return t.ctx.Err() != nil // whose sender has not given up is another one
	case tryFailed:
		return true
	case tryAnswered:
	}
	if t.peer != nil && t.peer == q.peer {
		// A sender that goes on with the connection has its answer, unless it gave up just before.
		return t.late
	}
	return t.peer == nil || !t.peer.received()
}

// end notes how a try ended.
func (r *repeats) end(t *try, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t.state = tryAnswered
	if deadline, ok := t.ctx.Deadline(); ok {
		t.late = deadline.Sub(r.now()) < min(margin, t.limit/2)
	}
	if err != nil || t.ctx.Err() != nil {
		t.state = tryFailed
	}
	t.ctx = nil
}
