package aggregate

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/rollup/counts"
	"github.com/ollyscale/ollyscale/libs/segment"
)

// room holds so many bytes.
type room struct{ left, refused int64 }

var errNoRoom = errors.New("no room")

func (r *room) Hold(bytes int64) error {
	if bytes > r.left {
		r.refused += bytes
		return errNoRoom
	}
	r.left -= bytes
	return nil
}

// fieldsOf are the counts of a segment with so many fields.
func fieldsOf(from, to int) *sides {
	out := &sides{items: [2]int64{1, 1}, lists: map[counts.Key]*[2]counts.List{}}
	for i := range to - from {
		lists := &[2]counts.List{}
		for v := range 10 {
			lists[v%2].Add(segment.Value{Type: segment.String, Raw: fmt.Appendf(nil, "a value of many %d", v)}, 1)
		}
		out.lists[counts.Key{Name: fmt.Sprintf("key %06d", from+i)}] = lists
	}
	return out
}

// What has no room is not gone on with: a tenant that sends many keys with long values would take all of the memory.
func TestAComparisonThatHasNoRoomGrowsNoMore(t *testing.T) {
	t.Parallel()
	r := &room{left: 100 << 10}
	c := &compared{snapshot: r, keys: map[counts.Key]*comparedKey{}}
	require.ErrorIs(t, c.add(fieldsOf(0, 1500)), errNoRoom)
	require.Less(t, len(c.keys), 100)
	require.Less(t, r.refused, int64(10<<10), "what it grew by beyond its room is one field")
}

// Of more fields than are compared the same ones are, and it is said.
func TestOfManyFieldsTheSameAreCompared(t *testing.T) {
	t.Parallel()
	for range 3 {
		c := &compared{snapshot: &room{left: 1 << 40}, keys: map[counts.Key]*comparedKey{}}
		require.NoError(t, c.add(fieldsOf(500, MostCompared)))
		require.False(t, c.more)
		require.NoError(t, c.add(fieldsOf(0, MostCompared+500)))
		require.True(t, c.more)
		require.Len(t, c.keys, MostCompared)
		require.Contains(t, c.keys, counts.Key{Name: "key 000000"})
		require.Contains(t, c.keys, counts.Key{Name: "key 000499"})
		require.NotContains(t, c.keys, counts.Key{Name: fmt.Sprintf("key %06d", MostCompared)})
	}
}
