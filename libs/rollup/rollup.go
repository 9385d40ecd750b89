// Package rollup is what is kept of items beside their segments, so that a question about many of them reads few bytes: sums by minute, hour and day.
//
// A segment of level 0 is in no rollup, one of any higher level is in all: what takes a segment out of level 0 writes the rollup of its items in the
// same transaction (services/janitor). So rollups and segments of level 0 together are everything, once, in any snapshot.
//
// A kind that is told of settled segments (Kind.Settle) has the same rule one stage later: a segment that is not settled is in none of its rollups, a
// settled one is.
//
//	merge ─> Part, of one hour, by minutes ─┐
//	merge ─> Part ──────────────────────────┴─ fold ─> Hour, whole and by minutes ─ fold ─> Day, whole
//
// Parts and hours are disjoint: a fold deletes what it has taken. A day is made of hours that stay, so that it is there for speed alone. What a kind
// keeps, and how, is its own package's; this one says what all have in common (docs/adr/028).
package rollup

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"strings"
	"unicode/utf8"

	"github.com/ollyscale/ollyscale/libs/rollup/internal/packed"
	"github.com/ollyscale/ollyscale/libs/segment"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// Grain is what a row is about. Its number is stored.
type Grain int16

// The grains.
const (
	Part Grain = 0 // what one merge took out of level 0: of one hour, told by minutes
	Hour Grain = 1 // what was folded of an hour, whole and by minutes
	Day  Grain = 2 // all hours of a day of UTC, whole
)

// Row is one row of the table rollup.
type Row struct {
	Tenant telemetry.Tenant
	Kind   int16 // of a Kind
	Grain  Grain
	Start  int64    // of the hour or the day, Unix ns
	ID     [16]byte // a UUID of version 7
	MadeAt int64    // Unix ns
	Content
	Placement telemetry.Placement
}

// Content is what a kind says of some items. A part or an hour may have several, each with some of the keys.
type Content struct {
	MinTime, MaxTime int64  // of the items, Unix ns, inclusive
	Low, High        []byte // the least and the greatest key that it tells of; what a key is the kind says
	Total            []byte // of the whole hour or day; empty in a part
	Minutes          []byte // of each minute; empty in a day
}

// Kind is one thing that is kept. ID is stored and never changes.
type Kind struct {
	ID   int16
	Name string
	// OfTenant says that folds must see what all of a tenant has, wherever it lies: rows are with the tenant and not with one of its buckets (ADR-029).
	OfTenant bool
	Signal   telemetry.Signal // whose items it tells of
	// Collect makes the contents of a part from rows of a table, which all lie in the hour that begins at start and leave level 0. A kind has this or
	// Settle.
	Collect func(t *segment.Table, start int64, rows []uint32) ([]Content, error)
	// Settle makes the contents of a part from segments of one hour, which have been settled.
	Settle func(segments []*segment.Segment) ([]Content, error)
	// Fold makes an hour of parts and hours, or a day of hours, that begins at start; the rows come in the order of Low. It holds the contents in
	// memory of as many rows at a time as overlap in their keys. An open hour has not ended yet, and has many parts.
	Fold func(to Grain, start int64, open bool, rows iter.Seq2[*Row, error]) ([]Content, error)
}

// read is how many bytes of memory a byte of columns becomes, when it is read: a bucket of two bytes takes 16, and most else less.
const read = 8

// Memory is about how many bytes of memory it takes to read a blob of a content, with the blob.
func Memory(blob []byte) int64 {
	unpacked := packed.Size(blob)
	return int64(len(blob) + unpacked + read*unpacked)
}

// MostName bounds the names that rollups tell of, in bytes: a sender may make them as long as a request, and as many as spans.
const MostName = 512

const (
	cutMark = "…"
	cutHash = 8 // bytes, told as hex
	cutTail = len(cutMark) + 2*cutHash
)

// Name is a name as rollups tell it: itself, or where it is longer than MostName its beginning and a hash of all of it, so that two with the same
// beginning stay two. It is the same for what it returns.
func Name(s string) string {
	if len(s) <= MostName {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	n := MostName - cutTail
	for least := n - utf8.UTFMax; n > least && !utf8.RuneStart(s[n]); {
		n--
	}
	return s[:n] + cutMark + hex.EncodeToString(sum[:cutHash])
}

// Tells reports whether a text is told as cut, which IsCut holds for.
func Tells(cut string, s []byte) bool {
	n := len(cut) - cutTail
	return len(s) > MostName && string(s[:n]) == cut[:n] && Name(string(s)) == cut
}

// IsCut reports whether a name looks as Name makes those that are too long, so that Name may tell others as it tells this one.
func IsCut(s string) bool {
	return len(s) <= MostName && len(s) >= MostName-utf8.UTFMax && strings.HasPrefix(s[len(s)-cutTail:], cutMark)
}
