package service

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/ollyscale/ollyscale/libs/fault"
)

// checkTimeout bounds one readiness check: a probe must answer sooner than its caller gives up.
const checkTimeout = 2 * time.Second

// Check is one readiness check: nil means ready, an error says what is missing.
type Check func(ctx context.Context) error

// Condition is something that a role needs to do its work, and of which /health tells whether it is so. It is declared once, as a variable of the package
// that looks, in its conditions.go; docs/health.md is made from these. Nothing else is registered.
type Condition struct {
	Name string // as in /health
	// Meaning and Advice are for docs/health.md: while what it fails, and what to do then. /health gives the advice, too.
	Meaning, Advice string
}

// Health is a role's readiness: the sum of its checks. It is safe for concurrent use.
type Health struct {
	mu       sync.Mutex
	order    []Condition
	checks   map[string]Check // by the condition's name
	database func(ctx context.Context) DatabaseState
}

// NewHealth makes an empty Health, which is ready.
func NewHealth() *Health { return &Health{checks: map[string]Check{}} }

// Register adds a condition, or replaces how it is looked at.
func (h *Health) Register(c Condition, check Check) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, ok := h.checks[c.Name]; !ok {
		h.order = append(h.order, c)
	}
	h.checks[c.Name] = check
}

// DatabaseState is what /health/db tells about the database of a role.
type DatabaseState struct {
	Connected     bool
	ServerVersion string // "18.4"; "" while not connected
	Expected      string // schema version this build expects
	Current       string // schema version of the database; "" if there is none
	Err           error  // why it is not usable, nil when it is: also where the versions differ
}

// RegisterDatabase makes /health/db available and adds the check "database" to the others: it fails while the database is
// down, and while its schema is older or newer than this build expects (naming both versions).
func (h *Health) RegisterDatabase(state func(ctx context.Context) DatabaseState) {
	h.mu.Lock()
	h.database = state
	h.mu.Unlock()
	h.Register(Database, func(ctx context.Context) error { return state(ctx).Err })
}

// The two values of a status.
const (
	StatusOK   = "ok"
	StatusFail = "fail"
)

// CheckResult is one check's outcome.
type CheckResult struct {
	Name    string `json:"name"`
	Status  string `json:"status"`
	Code    string `json:"code,omitempty"`    // of docs/errors.md, where it fails: stable, the message is not
	Message string `json:"message,omitempty"` // why it fails
	Advice  string `json:"advice,omitempty"`  // what to do then
}

// Report is the outcome of all checks, in the order in which they were registered. Status is StatusOK if every check is.
type Report struct {
	Status  string        `json:"status"`
	Service string        `json:"service"`
	Version string        `json:"version"`
	Checks  []CheckResult `json:"checks"`
}

// Run runs every check at once, each bounded by two seconds, so that one dead peer does not hide the others.
func (h *Health) Run(ctx context.Context) Report {
	h.mu.Lock()
	conditions := append([]Condition(nil), h.order...)
	checks := make([]Check, len(conditions))
	for i, c := range conditions {
		checks[i] = h.checks[c.Name]
	}
	h.mu.Unlock()

	report := Report{Status: StatusOK, Checks: make([]CheckResult, len(conditions))}
	var wg sync.WaitGroup
	for i, c := range conditions {
		wg.Go(func() {
			report.Checks[i] = CheckResult{Name: c.Name, Status: StatusOK}
			if err := runCheck(ctx, checks[i]); err != nil {
				report.Checks[i] = CheckResult{Name: c.Name, Status: StatusFail, Code: fault.From(err).Code, Message: message(err), Advice: c.Advice}
			}
		})
	}
	wg.Wait()
	for _, c := range report.Checks {
		if c.Status != StatusOK {
			report.Status = StatusFail
		}
	}
	return report
}

// Check makes a Health a check of another one: it fails with the names and messages of the checks that fail, and the code of the first.
func (h *Health) Check(ctx context.Context) error {
	var failed []string
	part := errPart
	for _, c := range h.Run(ctx).Checks {
		if c.Status != StatusOK {
			if len(failed) == 0 {
				part.Code = c.Code
			}
			failed = append(failed, c.Name+": "+c.Message)
		}
	}
	if len(failed) > 0 {
		return part.New(strings.Join(failed, "; "))
	}
	return nil
}

// message is what a health answer tells of an error: of a classified one its message alone, because the cause may be a driver's text
// with hosts and users in it, and health answers stand on public ports too.
func message(err error) string {
	if e, ok := errors.AsType[*fault.Error](err); ok {
		return e.Message
	}
	return err.Error()
}

func runCheck(ctx context.Context, check Check) error {
	err, timeout := within(ctx, check)
	if timeout != nil {
		return timeout
	}
	return err
}

// within does not wait for a function that ignores its context: the error then is a timeout, and the function ends when it ends.
func within[T any](ctx context.Context, f func(context.Context) T) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	type outcome struct {
		value T
		err   error
	}
	done := make(chan outcome, 1)
	go func() {
		var o outcome
		defer func() {
			if p := recover(); p != nil {
				o.err = errPanicked.Newf("the check panicked: %v", p)
			}
			done <- o
		}()
		o.value = f(ctx)
	}()
	select {
	case o := <-done:
		return o.value, o.err
	case <-ctx.Done():
		var none T
		return none, errNoAnswer.Newf("no answer within %s", checkTimeout)
	}
}
