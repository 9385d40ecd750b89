package settings

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Bytes is a number of bytes; in configuration it is written with a unit: "64MiB", "1.5GB", "4096".
type Bytes int64

// byteUnits holds the largest first, so that String finds the widest unit that divides.
func byteUnits() []struct {
	name string
	size int64
} {
	return []struct {
		name string
		size int64
	}{
		{"TiB", 1 << 40},
		{"GiB", 1 << 30},
		{"MiB", 1 << 20},
		{"KiB", 1 << 10},
		{"TB", 1e12},
		{"GB", 1e9},
		{"MB", 1e6},
		{"KB", 1e3},
		{"B", 1},
	}
}

// ParseBytes reads a number with an optional unit: B, KB, MB, GB, TB (powers of 1000) or KiB, MiB, GiB, TiB (of 1024), in
// either case.
func ParseBytes(text string) (Bytes, error) {
	number, unit := strings.TrimSpace(text), int64(1)
	for _, u := range byteUnits() {
		if n := len(number) - len(u.name); n > 0 && strings.EqualFold(number[n:], u.name) {
			number, unit = strings.TrimSpace(number[:n]), u.size
			break
		}
	}
	if whole, err := strconv.ParseInt(number, 10, 64); err == nil {
		if whole > (1<<63-1)/unit || whole < -(1<<63-1)/unit {
			return 0, fmt.Errorf("%q is too large", text)
		}
		return Bytes(whole * unit), nil
	}
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || value*float64(unit) >= 1<<63 || value*float64(unit) <= -(1<<63) || value != value {
		return 0, fmt.Errorf("%q is not a size in bytes such as 4096, 64KiB or 2GB", text)
	}
	return Bytes(value * float64(unit)), nil
}

// String is the shortest exact form: "64MiB", "1000B".
func (b Bytes) String() string {
	for _, u := range byteUnits()[:4] {
		if b != 0 && int64(b)%u.size == 0 {
			return strconv.FormatInt(int64(b)/u.size, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(b), 10) + "B"
}

// UnmarshalText is ParseBytes.
func (b *Bytes) UnmarshalText(text []byte) error {
	v, err := ParseBytes(string(text))
	if err == nil {
		*b = v
	}
	return err
}

// ParseDuration is time.ParseDuration with days ("7d", "1d12h"), the unit of retention.
func ParseDuration(text string) (time.Duration, error) {
	rest, days := strings.TrimSpace(text), time.Duration(0)
	if head, tail, ok := strings.Cut(rest, "d"); ok {
		n, err := strconv.ParseFloat(head, 64)
		if err != nil || n > 106_000 || n < -106_000 {
			return 0, fmt.Errorf("%q is not a duration such as 500ms, 30s, 2h or 7d", text)
		}
		days, rest = time.Duration(n*24*float64(time.Hour)), tail
		if rest == "" {
			return days, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil {
		if _, isNumber := strconv.ParseFloat(rest, 64); isNumber == nil {
			return 0, fmt.Errorf("%q lacks a unit: write %[1]sms, %[1]ss or %[1]sh", text)
		}
		return 0, fmt.Errorf("%q is not a duration such as 500ms, 30s, 2h or 7d", text)
	}
	return days + d, nil
}

// FormatDuration is the inverse: 168h is "7d", 90s is "1m30s", without the zero units of Duration.String.
func FormatDuration(d time.Duration) string {
	if d >= 24*time.Hour && d%(24*time.Hour) == 0 {
		return strconv.FormatInt(int64(d/(24*time.Hour)), 10) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = s[:len(s)-2]
	}
	if strings.HasSuffix(s, "h0m") {
		s = s[:len(s)-2]
	}
	return s
}
