package ingest

import "encoding/json"

// The scanner of converter. The JSON is known to be valid, so that it has nothing to check and cannot run over the end.

// peek is the first byte of what comes next.
func (c *converter) peek() byte {
	for ; c.i < len(c.b); c.i++ {
		switch c.b[c.i] {
		case ' ', '\t', '\n', '\r':
		default:
			return c.b[c.i]
		}
	}
	return 0
}

// open enters the object or the list that comes next.
func (c *converter) open() {
	c.peek()
	c.i++
}

// more reports whether the object or list goes on, and goes to its next element, or behind it. Everything ends at once when too much is written.
func (c *converter) more() bool {
	if int64(len(c.out)) > c.most {
		c.full = true
		return false
	}
	switch c.peek() {
	case ',':
		c.i++
		c.peek()
	case '}', ']':
		c.i++
		return false
	}
	return true
}

// key reads the name of a field; the value comes next.
func (c *converter) key() []byte {
	name := c.string()
	c.peek()
	c.i++ // the colon
	c.peek()
	return name
}

// string reads a string. What it returns is valid until the next call.
func (c *converter) string() []byte {
	c.peek()
	begin := c.i
	c.i++
	plain := true
	for ; c.b[c.i] != '"'; c.i++ {
		if c.b[c.i] == '\\' {
			plain = false
			c.i++
		}
	}
	c.i++
	if plain {
		return c.b[begin+1 : c.i-1]
	}
	var text string
	_ = json.Unmarshal(c.b[begin:c.i], &text) // valid; a lone surrogate becomes U+FFFD
	c.text = append(c.text[:0], text...)
	return c.text
}

// token reads a string or a scalar, and returns a string's content or the scalar's text; of an object or a list, nothing.
func (c *converter) token() []byte {
	if c.peek() == '"' {
		return c.string()
	}
	begin := c.i
	if c.skip(); c.b[begin] == '{' || c.b[begin] == '[' {
		return nil
	}
	return c.b[begin:c.i]
}

// skip goes behind the value that comes next.
func (c *converter) skip() {
	switch c.peek() {
	case '"':
		c.string()
		return
	case '{', '[':
	default:
		for c.i < len(c.b) {
			switch c.b[c.i] {
			case ',', '}', ']', ' ', '\t', '\n', '\r':
				return
			}
			c.i++
		}
		return
	}
	for depth := 0; ; c.i++ {
		switch c.b[c.i] {
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				c.i++
				return
			}
		case '"':
			for c.i++; c.b[c.i] != '"'; c.i++ {
				if c.b[c.i] == '\\' {
					c.i++
				}
			}
		}
	}
}

// raw is the beginning of the value that comes next, as it was sent.
func (c *converter) raw() []byte {
	c.peek()
	begin := c.i
	c.skip()
	return c.b[begin:c.i]
}
