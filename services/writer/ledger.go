package writer

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// The ledger says which items of which requests are stored. A flush claims what it holds in the transaction that stores it:
//
//	batches ── by request ── claim_requests: one statement, a row a request and day
//	                            │ nobody has claimed it: all of it, as nearly always
//	                            └ somebody has: read_claims, what is new of it, extend_claim; batches are cut to what is new
//
// Two batches of one flush may have items in common as well: the first one has them.

// claim is one request of a flush.
type claim struct {
	batches     []*held
	covers      cover // what the batches hold together
	newToday    bool  // the row of the day was entered by this transaction
	newTomorrow bool  // … and that of the day after
	known       bool  // one of them was there before
	stored      cover // what the rows that were there before say
}

// cover is a set of a request's items; whole is all of them, however many they are.
type cover struct {
	whole bool
	items telemetry.Ordinals
}

func (c cover) with(other cover) cover {
	if c.whole || other.whole {
		return cover{whole: true}
	}
	return cover{items: c.items.Union(other.items)}
}

// text is the ledger's form; null is the whole.
func (c cover) text() *string {
	if c.whole {
		return nil
	}
	text := c.items.String()
	return &text
}

// coverOf is what a batch covers.
func coverOf(h *held) cover { return cover{whole: h.Ordinals == nil, items: h.Ordinals} }

// repeats is what a flush leaves out because it is stored already.
type repeats struct {
	batches int // of which nothing is left
	items   int // of these, and of batches of which something is left
}

// claims are the batches by request, in the order of their first batch.
func claims(batches []*held) []*claim {
	all := make([]*claim, 0, len(batches))
	byRequest := make(map[telemetry.RequestID]*claim, len(batches))
	for _, h := range batches {
		c, ok := byRequest[h.Request]
		if !ok {
			c = &claim{covers: coverOf(h)}
			byRequest[h.Request] = c
			all = append(all, c)
		} else {
			c.covers = c.covers.with(coverOf(h))
		}
		c.batches = append(c.batches, h)
	}
	return all
}

// enter enters the batches into the ledger and returns what this transaction may store: of each batch what nobody has stored before.
// A batch of which only some is new comes back as a copy that is cut to it.
func (d *database) enter(ctx context.Context, tx pgx.Tx, today time.Time, signal telemetry.Signal, batches []*held) ([]*held, repeats, error) {
	all := claims(batches)
	known, err := d.claim(ctx, tx, today, signal, all)
	if err != nil {
		return nil, repeats{}, fmt.Errorf("claim requests: %w", err)
	}
	if len(known) > 0 {
		if err := d.extend(ctx, tx, today, known); err != nil {
			return nil, repeats{}, fmt.Errorf("claim parts of requests: %w", err)
		}
	}
	var out repeats
	fresh := make([]*held, 0, len(batches))
	for _, c := range all {
		fresh = c.fresh(fresh, &out)
	}
	return fresh, out, nil
}

// claim tries to claim the requests as if nothing of them were stored, and returns those of which something is.
func (d *database) claim(ctx context.Context, tx pgx.Tx, today time.Time, signal telemetry.Signal, all []*claim) ([]*claim, error) {
	n := len(all)
	ids, tenants, signals := make([][16]byte, n), make([]string, n), make([]int16, n)
	positions, items, covered := make([]int64, n), make([]int32, n), make([]*string, n)
	byID := make(map[telemetry.RequestID]*claim, n)
	for i, c := range all {
		first := c.batches[0]
		ids[i], tenants[i], signals[i], positions[i], covered[i] = first.Request, string(first.Tenant), int16(signal), first.position, c.covers.text()
		items[i] = clamp32(int64(c.size()))
		c.known = true // until the ledger says that its rows are new
		byID[first.Request] = c
	}
	rows, err := tx.Query(ctx, d.sql.claimRequests, today, ids, tenants, signals, positions, items, covered)
	if err != nil {
		return nil, err
	}
	var id [16]byte
	var newToday, newTomorrow bool
	if _, err := pgx.ForEachRow(rows, []any{&id, &newToday, &newTomorrow}, func() error {
		c := byID[id]
		c.newToday, c.newTomorrow, c.known = newToday, newTomorrow, !newToday || !newTomorrow
		return nil
	}); err != nil {
		return nil, err
	}
	var known []*claim
	for _, c := range all {
		if c.known {
			known = append(known, c)
		}
	}
	return known, nil
}

// size is how many items the batches hold together.
func (c *claim) size() int {
	if len(c.batches) == 1 {
		return c.batches[0].Items
	}
	var all telemetry.Ordinals
	for _, h := range c.batches {
		all = all.Union(h.Covers())
	}
	return all.Count()
}

// extend reads what is stored of the requests and enters what this transaction stores besides.
func (d *database) extend(ctx context.Context, tx pgx.Tx, today time.Time, known []*claim) error {
	ids := make([][16]byte, len(known))
	byID := make(map[telemetry.RequestID]*claim, len(known))
	for i, c := range known {
		ids[i], byID[c.batches[0].Request] = c.batches[0].Request, c
	}
	rows, err := tx.Query(ctx, d.sql.readClaims, today, ids)
	if err != nil {
		return err
	}
	var id [16]byte
	var tomorrow bool
	var covered *string
	if _, err := pgx.ForEachRow(rows, []any{&id, &tomorrow, &covered}, func() error {
		c := byID[id]
		if tomorrow && c.newTomorrow || !tomorrow && c.newToday {
			return nil // entered by this transaction
		}
		stored := cover{whole: covered == nil}
		if covered != nil {
			var err error
			if stored.items, err = telemetry.ParseOrdinals(*covered); err != nil {
				return errLedger.Wrap(err, "the ledger cannot be read")
			}
		}
		c.stored = c.stored.with(stored)
		return nil
	}); err != nil {
		return err
	}
	var updates pgx.Batch
	for _, c := range known {
		if added := c.added(); added > 0 || c.newToday || c.newTomorrow {
			updates.Queue(d.sql.extendClaim, today, [16]byte(c.batches[0].Request), c.stored.with(c.covers).text(), clamp32(int64(added)))
		}
	}
	if updates.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &updates).Close()
}

// added is how many items of the request are new.
func (c *claim) added() int {
	if c.stored.whole {
		return 0
	}
	var all telemetry.Ordinals
	for _, h := range c.batches {
		all = all.Union(h.Covers())
	}
	return all.Without(c.stored.items).Count()
}

// fresh appends what is new of the batches and counts the rest.
func (c *claim) fresh(to []*held, out *repeats) []*held {
	if !c.known && len(c.batches) == 1 {
		return append(to, c.batches[0])
	}
	stored := c.stored
	for _, h := range c.batches {
		have := h.Covers()
		var keep telemetry.Ordinals
		if !stored.whole {
			keep = have.Without(stored.items)
		}
		stored = stored.with(coverOf(h))
		switch n := keep.Count(); n {
		case 0:
			out.batches++
			out.items += h.Items
		case have.Count():
			to = append(to, h)
		default:
			out.items += h.Items - n
			rest := *h
			rest.Payload, rest.Ordinals, rest.Items = telemetry.Cut(h.Signal, h.Payload, have, keep), keep, n
			to = append(to, &rest)
		}
	}
	return to
}
