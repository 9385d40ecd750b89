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
	c.replace("b", 6, 40)
	v, _ = c.get("b")
	require.Equal(t, 6, v)
	require.EqualValues(t, 100, c.used)
	c.replace("b", 7, 101)
	_, ok = c.get("b")
	require.False(t, ok, "what was there before is gone, too")
	require.EqualValues(t, 60, c.used)
}
