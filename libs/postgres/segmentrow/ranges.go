package segmentrow

// Reading ranges of bodies. What a range costs is finding it: the row by its key, the body's TOAST chunks by theirs. So all ranges of one body are
// asked of one row.

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Ranges are byte ranges of bodies in one leaf, which one statement reads. The zero value has none.
type Ranges struct {
	ids             [][16]byte
	from, to        []int32 // of each body, its ranges in the lists below, counted from 1
	firsts, lengths []int32
	bytes           []int // of each body, all together
}

// Add adds ranges of a body, at least one.
func (r *Ranges) Add(id [16]byte, ranges ...segment.Range) {
	bytes := 0
	r.from = append(r.from, int32(len(r.firsts)+1)) //nolint:gosec // a wave has few
	for _, one := range ranges {
		r.firsts, r.lengths = append(r.firsts, int32(one.Offset+1)), append(r.lengths, int32(one.Length)) //nolint:gosec // a bytea is at most 1 GB
		bytes += one.Length
	}
	r.ids, r.to, r.bytes = append(r.ids, id), append(r.to, int32(len(r.firsts))), append(r.bytes, bytes) //nolint:gosec // see above
}

// Len is of how many bodies ranges are to be read.
func (r *Ranges) Len() int { return len(r.ids) }

// RangesStatement reads ranges of the bodies of one leaf, which it names, so that no other is planned, opened or locked. substring() on an EXTERNAL column
// reads only the TOAST chunks of the range. OFFSET 0 keeps this a look-up by primary key for each body, whatever the planner thinks of the size of the list.
func RangesStatement(signal telemetry.Signal, slot int, minTime int64) string {
	return fmt.Sprintf(`SELECT wanted.number, part.bytes
FROM unnest($2::uuid[], $3::int[], $4::int[]) WITH ORDINALITY AS wanted(segment_id, first, last, number)
CROSS JOIN LATERAL (
  SELECT (
    SELECT string_agg(substring(s.body FROM ($5::int[])[i] FOR ($6::int[])[i]), ''::bytea) FROM generate_series(wanted.first, wanted.last) AS i
  ) AS bytes
  FROM %s AS s
  WHERE s.tenant_id = $1 AND s.segment_id = wanted.segment_id
  OFFSET 0
) AS part`, Leaf(signal, slot, minTime))
}

// Querier runs a statement: a pool, a connection or a transaction.
type Querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// Read calls each for every body that is there, with its number among those that were added and the bytes of its ranges, one after the other, valid during
// the call. statement is that of RangesStatement. It returns how many bodies there were: fewer than Len when some are gone. A body that ends before a
// range does is fault.Internal, segment.damaged.
func (r *Ranges) Read(ctx context.Context, db Querier, statement string, mode pgx.QueryExecMode, tenant telemetry.Tenant, each func(number int, bytes []byte) error) (found int, err error) {
	rows, err := db.Query(ctx, statement, mode, string(tenant), r.ids, r.from, r.to, r.firsts, r.lengths)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	var number int64
	var bytes []byte
	for rows.Next() {
		raw := rows.RawValues()
		if rows.FieldDescriptions()[1].Format == pgx.BinaryFormatCode {
			// Not scanned: that would only copy it.
			if err := rows.Scan(&number, nil); err != nil {
				return found, err
			}
			bytes = raw[1]
		} else if err := rows.Scan(&number, &bytes); err != nil { // behind a pooler values come as text
			return found, err
		}
		if number < 1 || int(number) > len(r.ids) || len(bytes) != r.bytes[number-1] {
			return found, segment.ErrDamaged.New("a segment is not as long as its directory says")
		}
		found++
		if err := each(int(number-1), bytes); err != nil {
			return found, err
		}
	}
	rows.Close()
	return found, rows.Err()
}
