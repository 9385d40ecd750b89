package bus

import (
	"bytes"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// grouped is a group as a publisher would send it; the payloads are moved into its body.
func grouped(c *coder, batches []telemetry.Batch) (nats.Header, []byte) {
	var raw []byte
	for i := range batches {
		raw = appendPart(raw, &batches[i])
	}
	body, encoding := c.encode(nil, raw)
	return groupHeaders(batches, len(raw), encoding), body
}

// assorted are batches of one tenant that have nothing else in common.
func assorted() []telemetry.Batch {
	at := time.Unix(1_790_000_000, 123_456_789).UTC()
	of := func(payload string) telemetry.Batch {
		return telemetry.Batch{Request: telemetry.NewRequestID("t1", telemetry.Logs, []byte(payload)), Tenant: "t1", Signal: telemetry.Logs, Received: at, Items: 1, Payload: []byte(payload)}
	}
	all := []telemetry.Batch{of("a"), of(""), of(strings.Repeat("telemetry ", 3000)), of("b"), of("b"), of("c")}
	all[0].Connection = "key-7"
	all[1].Received = time.Unix(0, -5).UTC()
	all[2].Items = 300
	all[3].Items, all[3].Ordinals = 3, telemetry.Ordinals{{From: 0, To: 2}, {From: 9, To: 10}}
	all[4].Items, all[4].Ordinals = 1, telemetry.Ordinals{{From: 5, To: 6}}
	all[5].Connection = strings.Repeat("k", 200)
	return all
}

func TestEachBatchOfAGroupComesOutAsItWentIn(t *testing.T) {
	t.Parallel()
	reader := testCoder(t, encodingIdentity)
	for _, compression := range []string{encodingS2, encodingZstd, encodingIdentity} {
		c := testCoder(t, compression)
		for n := 1; n <= len(assorted()); n++ {
			want := assorted()[:n]
			h, body := grouped(c, want)
			require.Equal(t, "3", first(h, HeaderSchema))
			require.Equal(t, fmt.Sprint(n), first(h, HeaderParts))
			got, err := reader.open(telemetry.Logs, Subject(telemetry.Logs, "t1"), h, body)
			require.NoError(t, err, "%s %d", compression, n)
			require.Equal(t, want, got, "%s %d", compression, n)
			for i := range got {
				require.Equal(t, len(got[i].Payload), cap(got[i].Payload), "appending to one must not write into the next")
			}
		}
	}
}

// A part costs what partRoom says at most, by which groups are kept below the largest message.
func TestAPartIsNoLargerThanItsRoom(t *testing.T) {
	t.Parallel()
	for _, b := range append(assorted(), telemetry.Batch{Items: maxDecoded, Received: time.Unix(1<<32, 0)}) {
		require.LessOrEqual(t, len(appendPart(nil, &b)), partRoom(&b))
	}
}

// A group is known by its batches and their order, and no batch's id is a group's.
func TestAGroupsIDIsThatOfItsBatches(t *testing.T) {
	t.Parallel()
	all := assorted()
	seen := map[string]string{}
	for i := range all {
		seen[all[i].ID().String()] = fmt.Sprint("batch ", i)
	}
	for _, places := range [][]int{{0, 1}, {1, 0}, {0, 1, 2}, {0}, {3, 4}, {4, 3}} {
		var group []telemetry.Batch
		for _, i := range places {
			group = append(group, all[i])
		}
		id := groupID(group).String()
		require.Empty(t, seen[id], places)
		seen[id] = fmt.Sprint("group ", places)
		require.Equal(t, id, groupID(group).String())
	}
}

func TestAGroupThatIsWrongIsNamed(t *testing.T) {
	t.Parallel()
	c := testCoder(t, encodingIdentity)
	subject := Subject(telemetry.Logs, "t1")
	good, body := grouped(c, assorted())
	for _, test := range []struct {
		header, value, says string
		change              func([]byte) []byte
	}{
		{header: HeaderParts, value: "", says: HeaderParts},
		{header: HeaderParts, value: "0", says: HeaderParts},
		{header: HeaderParts, value: "-1", says: HeaderParts},
		{header: HeaderParts, value: fmt.Sprint(mostParts + 1), says: HeaderParts},
		{header: HeaderParts, value: "5", says: "are left"},
		{header: HeaderParts, value: "7", says: "part 7 of 7: the id ends early"},
		{header: HeaderItems, value: "306", says: "307 items were read"},
		{says: "the batch ends early", change: func(b []byte) []byte { return b[:len(b)-1] }},
		{says: "1 bytes are left", change: func(b []byte) []byte { return append(b, 0) }},
		{says: "part 1 of 6: the id", change: func([]byte) []byte { return nil }},
		{says: "ends early", change: func(b []byte) []byte { b[17] = 0xff; return b[:18] }},
	} {
		h, changed := maps.Clone(good), bytes.Clone(body)
		if test.header != "" {
			h[test.header] = []string{test.value}
		}
		if test.change != nil {
			changed = test.change(changed)
		}
		_, err := c.open(telemetry.Logs, subject, h, changed)
		require.Equal(t, "bus.bad_envelope", fault.From(err).Code, test.says)
		require.Equal(t, fault.Invalid, fault.ClassOf(err), test.says)
		require.ErrorContains(t, err, test.says)
	}
	parts := assorted()[3:4]
	parts[0].Items = 4
	h, wrong := grouped(c, parts)
	_, err := c.open(telemetry.Logs, subject, h, wrong)
	require.ErrorContains(t, err, "the ordinals do not name 4 items")
}

// Whatever stands in a stream, opening it gives batches or one of the two refusals, and never panics. What was read is written as the same batches.
func FuzzOpen(f *testing.F) {
	c := testCoder(f, encodingS2)
	add := func(h nats.Header, body []byte) {
		f.Add(first(h, HeaderID), first(h, HeaderSchema), first(h, HeaderTenant), first(h, HeaderReceived), first(h, HeaderItems), first(h, HeaderEncoding),
			first(h, HeaderParts), first(h, HeaderRequest), first(h, HeaderOrdinals), body)
	}
	for _, b := range append(assorted(), testBatch(nil)) {
		add(envelope(c, b))
	}
	for n := 1; n <= len(assorted()); n++ {
		add(grouped(c, assorted()[:n]))
		add(grouped(testCoder(f, encodingIdentity), assorted()[n-1:]))
	}
	f.Add("", "4", "t1", "1", "1", encodingZstd, "", "", "", []byte{0x28, 0xb5, 0x2f, 0xfd})
	f.Fuzz(func(t *testing.T, id, version, tenant, received, items, encoding, parts, request, ordinals string, body []byte) {
		h := nats.Header{
			HeaderID: {id}, HeaderSchema: {version}, HeaderTenant: {tenant}, HeaderReceived: {received}, HeaderItems: {items}, HeaderEncoding: {encoding},
			HeaderParts: {parts}, HeaderRequest: {request}, HeaderOrdinals: {ordinals},
		}
		batches, err := c.open(telemetry.Logs, Subject(telemetry.Logs, telemetry.Tenant(tenant)), h, body)
		if err != nil {
			class := fault.From(err).Class
			require.Contains(t, []fault.Class{fault.Invalid, fault.Unavailable}, class, err)
			require.Equal(t, class == fault.Unavailable, fault.From(err).Code == "bus.newer_envelope", err)
			return
		}
		require.NotEmpty(t, batches)
		require.LessOrEqual(t, len(batches), mostParts)
		size := 0
		for i := range batches {
			b := &batches[i]
			size += len(b.Payload)
			require.GreaterOrEqual(t, b.Items, 0)
			require.Equal(t, telemetry.Tenant(tenant), b.Tenant)
			_, err = telemetry.ParseTenant(string(b.Tenant))
			require.NoError(t, err)
			if b.Ordinals != nil {
				require.Equal(t, b.Items, b.Ordinals.Count())
			}
		}
		require.LessOrEqual(t, size, maxDecoded)
		again, encoded := grouped(c, batches)
		if len(batches) == 1 {
			again, encoded = envelope(c, batches[0])
		}
		same, err := c.open(telemetry.Logs, Subject(telemetry.Logs, batches[0].Tenant), again, encoded)
		require.NoError(t, err)
		require.Len(t, same, len(batches))
		for i := range batches {
			require.True(t, bytes.Equal(batches[i].Payload, same[i].Payload))
			batches[i].Payload, same[i].Payload = nil, nil
		}
		require.Equal(t, batches, same)
	})
}
