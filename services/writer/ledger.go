package writer

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// The ledger says which items of which requests are stored. A flush claims what it holds in the transaction that stores it:
//
//	batches ── by request ── claim_requests: a row a request and day in each of its homes, of one tenant a statement
//	                            │ nobody has claimed it: all of it, as nearly always
//	                            └ somebody has: read_claims, what is new of it, extend_claim; batches are cut to what is new
//
// A request's home is where its items lie. It has another, in which it is claimed as well, only for some days after its tenant was spread over
// more buckets or fewer (telemetry.Spreads). Two batches of one flush may have items in common as well: the first one has them.

// claim is one request of a flush.
type claim struct {
	batches []*held
	homes   []telemetry.Placement // the first is where the items go
	covers  cover                 // what the batches hold together
	entered map[ledgerRow]bool    // rows that were entered by this transaction
	stored  cover                 // what the rows that were there before say
}

// ledgerRow is one row of a request: in one of its homes, of today or of the day after.
type ledgerRow struct {
	home     telemetry.Placement
	tomorrow bool
}

// known reports whether a row of the request was there before.
func (c *claim) known() bool { return len(c.entered) < 2*len(c.homes) }

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
func claims(batches []*held, homes func(*held) []telemetry.Placement) []*claim {
	all := make([]*claim, 0, len(batches))
	byRequest := make(map[telemetry.RequestID]*claim, len(batches))
	for _, h := range batches {
		c, ok := byRequest[h.Request]
		if !ok {
			c = &claim{covers: coverOf(h), homes: homes(h)}
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
func (d *database) enter(ctx context.Context, tx pgx.Tx, signal telemetry.Signal, batches []*held, p plan) ([]*held, repeats, error) {
	all := claims(batches, p.homes)
	known, err := d.claim(ctx, tx, today(p.now), signal, all)
	if err != nil {
		return nil, repeats{}, fmt.Errorf("claim requests: %w", err)
	}
	for _, tenant := range slices.Sorted(maps.Keys(known)) { // one order for all, so that concurrent flushes cannot deadlock
		if err := d.extend(ctx, tx, today(p.now), tenant, known[tenant]); err != nil {
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

// claim tries to claim the requests as if nothing of them were stored, and returns those of which something is, by tenant.
func (d *database) claim(ctx context.Context, tx pgx.Tx, today time.Time, signal telemetry.Signal, all []*claim) (map[telemetry.Tenant][]*claim, error) {
	type row struct {
		of   *claim
		home int
	}
	var rows []row
	for _, c := range all {
		c.entered = make(map[ledgerRow]bool, 2)
		for i := range c.homes {
			rows = append(rows, row{c, i})
		}
	}
	slices.SortFunc(rows, func(a, b row) int {
		first, second := a.of.batches[0], b.of.batches[0]
		return cmp.Or(cmp.Compare(first.Tenant, second.Tenant), bytes.Compare(first.Request[:], second.Request[:]), cmp.Compare(a.of.homes[a.home], b.of.homes[b.home]))
	})
	var claims pgx.Batch
	for len(rows) > 0 {
		n, statement := 1, d.sql.claimRequests.One
		tenant := rows[0].of.batches[0].Tenant
		if len(rows) >= claimRowOf && rows[claimRowOf-1].of.batches[0].Tenant == tenant {
			n, statement = claimRowOf, d.sql.claimRequests.Row
		}
		args := append(make([]any, 0, claimShared+claimWidth*n), today, string(tenant), int16(signal))
		byID := make(map[telemetry.RequestID]*claim, n)
		for _, r := range rows[:n] {
			first := r.of.batches[0]
			byID[first.Request] = r.of
			args = append(args, [16]byte(first.Request), string(r.of.homes[r.home]), first.position, clamp32(int64(r.of.size())), r.of.covers.text(), r.home > 0)
		}
		claims.Queue(statement, args...).Query(func(rows pgx.Rows) error {
			var id [16]byte
			var entered ledgerRow
			_, err := pgx.ForEachRow(rows, []any{&id, (*string)(&entered.home), &entered.tomorrow}, func() error {
				byID[id].entered[entered] = true
				return nil
			})
			return err
		})
		rows = rows[n:]
	}
	if err := tx.SendBatch(ctx, &claims).Close(); err != nil {
		return nil, err
	}
	var known map[telemetry.Tenant][]*claim
	for _, c := range all {
		if c.known() {
			if known == nil {
				known = map[telemetry.Tenant][]*claim{}
			}
			tenant := c.batches[0].Tenant
			known[tenant] = append(known[tenant], c)
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

// extend reads what is stored of a tenant's requests and enters what this transaction stores besides.
func (d *database) extend(ctx context.Context, tx pgx.Tx, today time.Time, tenant telemetry.Tenant, known []*claim) error {
	ids := map[telemetry.Placement][][16]byte{}
	byID := make(map[telemetry.RequestID]*claim, len(known))
	for _, c := range known {
		id := c.batches[0].Request
		byID[id] = c
		for _, home := range c.homes {
			ids[home] = append(ids[home], id)
		}
	}
	var reads pgx.Batch
	for _, home := range slices.Sorted(maps.Keys(ids)) {
		reads.Queue(d.sql.readClaims, today, string(tenant), ids[home], string(home)).Query(func(rows pgx.Rows) error { return readClaims(rows, byID) })
	}
	if err := tx.SendBatch(ctx, &reads).Close(); err != nil {
		return err
	}
	var updates pgx.Batch
	for _, c := range known {
		added := c.added()
		if added == 0 && len(c.entered) == 0 {
			continue
		}
		for i, home := range c.homes {
			counts := added // where the items go, and nowhere else
			if i > 0 {
				counts = 0
			}
			updates.Queue(d.sql.extendClaim, today, string(tenant), [16]byte(c.batches[0].Request), string(home), c.stored.with(c.covers).text(), clamp32(int64(counts)),
				c.entered[ledgerRow{home: home}])
		}
	}
	if updates.Len() == 0 {
		return nil
	}
	return tx.SendBatch(ctx, &updates).Close()
}

// readClaims notes what the ledger says of the claims, but for what this transaction has entered.
func readClaims(rows pgx.Rows, byID map[telemetry.RequestID]*claim) error {
	var (
		id      [16]byte
		row     ledgerRow
		covered *string
	)
	_, err := pgx.ForEachRow(rows, []any{&id, (*string)(&row.home), &row.tomorrow, &covered}, func() error {
		c := byID[id]
		if c.entered[row] {
			return nil
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
	})
	return err
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
	if !c.known() && len(c.batches) == 1 {
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
