package otlp

import (
	"encoding/base64"
	"math"
	"strconv"
)

// AppendText appends a value as a line of text, the one that searches in lists and maps look at: JSON with members in the order in which they
// were sent, gap after each colon and comma, bytes in base64, and strings as they are, nothing in them escaped, so that what somebody looks for is
// found as they know it. A value that is no list or map is its text alone, without quotes.
func AppendText(b []byte, v Value, gap string) []byte {
	if v.Type == String {
		return append(b, v.Raw...)
	}
	return appendText(b, v, gap)
}

func appendText(b []byte, v Value, gap string) []byte {
	switch v.Type {
	case Empty:
		return append(b, "null"...)
	case String:
		return append(append(append(b, '"'), v.Raw...), '"')
	case Bool:
		return strconv.AppendBool(b, v.Num != 0)
	case Int:
		return strconv.AppendInt(b, int64(v.Num), 10) //nolint:gosec // two's complement is the format
	case Double:
		return AppendDouble(b, math.Float64frombits(v.Num))
	case Bytes:
		return append(base64.StdEncoding.AppendEncode(append(b, '"'), v.Raw), '"')
	case Array, Map:
	}
	open, end := byte('['), byte(']')
	if v.Type == Map {
		open, end = '{', '}'
	}
	b = append(b, open)
	begin := len(b)
	for e := v.Elements(); e.Next(); {
		if len(b) > begin {
			b = append(append(b, ','), gap...)
		}
		if v.Type == Map {
			b = append(append(append(append(b, '"'), e.Key...), `":`...), gap...)
		}
		b = appendText(b, e.Value, gap)
	}
	return append(b, end)
}

// AppendDouble appends a number as JavaScript writes it, and so as it is shown: 1 for 1.0, 1e-7 for 1e-07. What is no number is a string, as in OTLP/JSON: "NaN",
// "Infinity", "-Infinity".
func AppendDouble(b []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(b, `"NaN"`...)
	case math.IsInf(x, 0):
		if x < 0 {
			return append(b, `"-Infinity"`...)
		}
		return append(b, `"Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(x); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	begin := len(b)
	b = strconv.AppendFloat(b, x, format, -1, 64)
	if n := len(b); format == 'e' && n-begin >= 4 && b[n-4] == 'e' && b[n-2] == '0' { // e-09 is e-9
		b[n-2] = b[n-1]
		b = b[:n-1]
	}
	return b
}
