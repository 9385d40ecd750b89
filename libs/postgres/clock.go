package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Clock is the clock of the database's server. What several processes must agree on goes by it: on which day a request is entered into the ledger, how old an
// item is, what has expired. A process whose own clock is wrong, or jumps, then does no harm: between two looks at the server's, only the time that has passed
// counts, which a jump does not change. Safe for concurrent use.
type Clock struct {
	local func() time.Time

	mu       sync.Mutex
	at, read time.Time // what the server's said, and the process's own then
}

// NewClock is a clock that has not been set: it says what local says.
func NewClock(local func() time.Time) *Clock { return &Clock{local: local} }

// Now is the server's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.read.IsZero() {
		return c.local()
	}
	return c.at.Add(c.local().Sub(c.read))
}

// Set sets the clock to what the server's said just now.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at, c.read = at, c.local()
}

// Ask sets the clock by the server's.
func (c *Clock) Ask(ctx context.Context, pool *pgxpool.Pool) error {
	var at time.Time
	if err := pool.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&at); err != nil {
		return Classify(err)
	}
	c.Set(at)
	return nil
}
