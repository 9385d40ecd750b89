package telemetry

import (
	"strconv"

	"github.com/ollyscale/ollyscale/libs/otlp"
)

// sift goes through a request in which the strict walk has found damage, and counts anew: damage costs the item in which it is, or the
// items that share the resource, scope or metric in which it is. An error says that the messages around the items cannot be read.
func (c *checker) sift() *wireError {
	c.summary = Summary{limits: c.summary.limits, signal: c.summary.signal}
	return c.siftMessage(-1, 0, 0, len(c.b), nil)
}

// siftMessage goes through the message at b[i:end] of a depth (see isChild), which the field tag holds. Where condemned is set, what
// stands around it is damaged, and all of its items are refused for that.
func (c *checker) siftMessage(depth int, tag otlp.Tag, i, end int, condemned *wireError) *wireError {
	mine, before := false, c.summary.Refused()
	if condemned == nil {
		if damage := c.shared(depth, tag, i, end); damage != nil {
			if depth < 0 {
				return damage
			}
			condemned, mine = damage.in(c.path(depth)), true
		}
	}
	var kind otlp.MetricKind
	if depth == 3 {
		kind = otlp.KindOf(tag)
	}
	for n := 0; i < end; {
		tag, s, e, p := otlp.Next(c.b[:end], i)
		if p != otlp.Fine {
			if depth < 2 {
				return broken(s, p).in(c.path(depth))
			}
			break // a metric is cut by its own length: what can be read of it is counted
		}
		if isChild(depth, tag) {
			c.trail[depth+1] = step{tag, n}
			if depth < c.innermost() {
				if err := c.siftMessage(depth+1, tag, s, e, condemned); err != nil {
					return err
				}
			} else {
				c.siftItem(kind, s, e, condemned)
			}
			n++
		}
		i = e
	}
	if mine && c.summary.Refused() == before { // nothing that could be counted is in it
		if depth >= 2 {
			c.summary.refuse(condemned, 1) // a metric counts as one point
		} else {
			c.summary.refuse(condemned, 0)
		}
	}
	return nil
}

func (c *checker) siftItem(kind otlp.MetricKind, s, e int, condemned *wireError) {
	if condemned != nil {
		c.summary.refuse(condemned, 1)
		return
	}
	v, damage := c.verdict(kind, s, e)
	if damage != nil {
		if c.summary.Rejected[damage.reason] == 0 { // of millions, the first one's place is told
			damage = damage.in(c.path(c.innermost() + 1))
		}
		c.summary.refuse(damage, 1)
		return
	}
	c.note(v)
}

// verdict judges the item at b[s:e].
func (c *checker) verdict(kind otlp.MetricKind, s, e int) (verdict, *wireError) {
	switch c.summary.signal {
	case Traces:
		return c.span(s, e)
	case Logs:
		return c.record(s, e)
	case Metrics:
		return c.point(kind, s, e)
	}
	return verdict{}, nil
}

// shared checks what the message at b[start:end] has besides what it contains: what all of its items share.
func (c *checker) shared(depth int, tag otlp.Tag, start, end int) *wireError {
	c.own = true
	defer func() { c.own = false }()
	switch depth {
	case -1:
		return c.request(c.summary.signal)
	case 0:
		return c.resourceItems(c.summary.signal, start, end)
	case 1:
		return c.scopeItems(c.summary.signal, start, end)
	case 2:
		return c.metric(start, end)
	}
	return c.data(otlp.KindOf(tag), start, end)
}

// innermost is the depth of the messages that contain items.
func (c *checker) innermost() int {
	if c.summary.signal == Metrics {
		return 3
	}
	return 1
}

// step is where a message is among the children of the one around it.
type step struct {
	tag otlp.Tag
	n   int
}

// path leads to the message, or the item, of a depth that trail tells of; "" for the request.
func (c *checker) path(depth int) (path string) {
	for d := range depth + 1 {
		path = join(path, c.childName(d-1, c.trail[d].tag, c.trail[d].n))
	}
	return path
}

// childName is the n-th child of a message, in a path.
func (c *checker) childName(depth int, tag otlp.Tag, n int) string {
	name := "data_points"
	switch depth {
	case -1:
		name = "resource_" + signalItems(c.summary.signal)
	case 0:
		name = "scope_" + signalItems(c.summary.signal)
	case 1:
		name = itemsField(c.summary.signal)
	case 2:
		return otlp.KindOf(tag).String()
	}
	return name + "[" + strconv.Itoa(n) + "]"
}

// itemsField is the field of a scope's items.
func itemsField(signal Signal) string {
	switch signal {
	case Traces:
		return "spans"
	case Logs:
		return "log_records"
	case Metrics:
		return "metrics"
	}
	return "items"
}

func join(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}
