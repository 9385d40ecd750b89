package engine

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCacheForgetsWhatWasNotAskedForLongest(t *testing.T) {
	t.Parallel()
	c := newCache[string, int](100)
	for i, k := range strings.Split("a b c d", " ") {
		c.put(k, i, 30)
	}
	_, ok := c.get("a")
	require.False(t, ok, "it was the oldest when the fourth came")
	v, ok := c.get("b")
	require.True(t, ok)
	require.Equal(t, 1, v)
	c.put("e", 4, 30)
	_, ok = c.get("c")
	require.False(t, ok, "b was asked for since")
	c.put("large", 5, 101)
	_, ok = c.get("large")
	require.False(t, ok)
	require.EqualValues(t, 90, c.used)
	let, ok := c.replace("b", 6, 40)
	require.True(t, ok)
	let()
	v, _ = c.get("b")
	require.Equal(t, 6, v)
	require.EqualValues(t, 100, c.used)
	_, ok = c.replace("b", 7, 101)
	require.False(t, ok)
	v, ok = c.get("b")
	require.True(t, ok, "what was there stays")
	require.Equal(t, 6, v)
}

// What somebody holds is in memory whether it is remembered or not, and so counts until it is let go of.
func TestCacheForgetsNothingThatIsHeld(t *testing.T) {
	t.Parallel()
	c := newCache[string, int](100)
	c.put("a", 1, 40)
	_, size, letA, ok := c.hold("a")
	require.True(t, ok)
	require.EqualValues(t, 40, size)
	_, _, again, ok := c.hold("a")
	require.True(t, ok)
	letB, ok := c.replace("b", 2, 40)
	require.True(t, ok)
	c.put("c", 3, 30)
	_, ok = c.get("c")
	require.False(t, ok, "there is no room beside what is held")
	for _, k := range []string{"a", "b"} {
		_, ok = c.get(k)
		require.True(t, ok)
	}
	letB()
	c.put("c", 3, 60)
	_, ok = c.get("b")
	require.False(t, ok, "forgotten for c")
	_, ok = c.get("a")
	require.True(t, ok, "older, but held")
	_, ok = c.replace("a", 4, 61)
	require.False(t, ok)
	letNew, ok := c.replace("a", 5, 30)
	require.True(t, ok)
	require.LessOrEqual(t, c.used, int64(100))
	require.EqualValues(t, 70, c.held, "the old one is still in somebody's hands")
	letA()
	again()
	letNew()
	require.Zero(t, c.held)
	require.EqualValues(t, 30, c.used)
}
