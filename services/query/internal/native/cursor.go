package native

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash/fnv"
	"sort"

	"github.com/ollyscale/ollyscale/services/query/internal/engine"
)

// cursor is where a page ended: the next one holds what is older than after, and nothing above maxPosition, the highest ingest
// position that the first page saw. What is counted is counted from since on, as the first page did; 0 where nothing is.
type cursor struct {
	after       engine.Key
	maxPosition int64
	since       int64
}

// ranked is a place in a list that is sorted by how many items have something, the most first: behind what so many have, and has a name.
func ranked(items int64, name []byte) cursor {
	sum := sha256.Sum256(name)
	return cursor{after: engine.Key{Rank: items, Time: int64(binary.BigEndian.Uint64(sum[:])), Position: int64(binary.BigEndian.Uint64(sum[8:]))}} //nolint:gosec // bits
}

// behind finds in such a list, of n, where the page after the cursor begins. Where what that page ended with is not there any more, with as many items, same is false, and what as
// many items have is told once more.
func (c cursor) behind(n int, at func(i int) (items int64, name []byte)) (first int, same bool) {
	first = sort.Search(n, func(i int) bool {
		items, _ := at(i)
		return items <= c.after.Rank
	})
	for i := first; i < n; i++ {
		items, name := at(i)
		if items != c.after.Rank {
			break
		}
		if ranked(items, name).after == c.after {
			return i + 1, true
		}
	}
	return first, false
}

// rankedPage is where a page of a list of ranked things begins, and whether what stands before it is what the pages before told.
type rankedPage struct {
	after *cursor // nil for the first page; its maxPosition is told of then
	moved bool    // it is not: numbers have changed
	told  uint64  // a hash of what stands before
}

// tell adds to what was told.
func (p *rankedPage) tell(items int64, name []byte) {
	h := fnv.New64a()
	var number [8]byte
	for _, n := range []uint64{p.told, uint64(items)} { //nolint:gosec // bits
		binary.BigEndian.PutUint64(number[:], n)
		_, _ = h.Write(number[:])
	}
	_, _ = h.Write(name)
	p.told = h.Sum64()
}

// end is the cursor behind a page that ends with what was told last.
func (p *rankedPage) end(items int64, name []byte) cursor {
	out := ranked(items, name)
	out.maxPosition = int64(p.told) //nolint:gosec // bits
	return out
}

func (c cursors) rankedPage(text string, query []byte) (p rankedPage, err error) {
	if text == "" {
		return p, nil
	}
	at, err := c.open(text, query)
	return rankedPage{after: &at}, err
}

// first is where it begins in a list of n.
func (p *rankedPage) first(n int, at func(i int) (items int64, name []byte)) (first int) {
	if p.after == nil {
		return 0
	}
	first, same := p.after.behind(n, at)
	for i := range first {
		p.tell(at(i))
	}
	p.moved = !same || p.told != uint64(p.after.maxPosition) //nolint:gosec // bits
	return first
}

// cursors signs and opens cursors. A cursor is bound to its query, so that one taken to another query is refused and not misread.
type cursors struct{ key []byte }

const (
	cursorVersion = 2
	cursorBody    = 1 + 5*8
	cursorMAC     = 16

	countedVersion = 3 // of a cursor that tells since when something is counted
	countedBody    = cursorBody + 8
)

func (c cursors) mac(body []byte, query []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	h.Write(body)
	h.Write(query)
	return h.Sum(nil)[:cursorMAC]
}

// seal makes the opaque form of a cursor; query is the hash of the query it continues.
func (c cursors) seal(at cursor, query []byte) string {
	b := make([]byte, 0, countedBody+cursorMAC)
	numbers := []int64{at.after.Rank, at.after.Time, at.after.Position, at.after.Ordinal, at.maxPosition}
	if b = append(b, cursorVersion); at.since != 0 {
		b[0], numbers = countedVersion, append(numbers, at.since)
	}
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(b, uint64(n)) //nolint:gosec // open turns it back
	}
	return base64.RawURLEncoding.EncodeToString(append(b, c.mac(b, query)...))
}

// open is the inverse of seal; anything that seal did not make for this query is fault.Invalid.
func (c cursors) open(text string, query []byte) (cursor, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	// The length of the text too: the decoder skips line breaks, so that a changed cursor would open.
	size := len(b) - cursorMAC
	if err != nil || len(text) != base64.RawURLEncoding.EncodedLen(len(b)) || size != cursorBody && size != countedBody ||
		b[0] != map[int]byte{cursorBody: cursorVersion, countedBody: countedVersion}[size] {
		return cursor{}, errCursor.New("the cursor is not one that this API gave")
	}
	body := b[:size]
	if !hmac.Equal(b[size:], c.mac(body, query)) {
		return cursor{}, errCursorOfAnother.New(
			"the cursor belongs to another query (range, filters or tenant differ), or was made by a server with another cursor key")
	}
	n := func(i int) int64 {
		if 1+8*i == size {
			return 0
		}
		return int64(binary.BigEndian.Uint64(body[1+8*i:])) //nolint:gosec // seal made it
	}
	return cursor{after: engine.Key{Rank: n(0), Time: n(1), Position: n(2), Ordinal: n(3)}, maxPosition: n(4), since: n(5)}, nil
}
