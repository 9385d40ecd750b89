package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// readOTLP reads the specification's text and gives each rule its ruling.
func readOTLP(t *testing.T) []section {
	t.Helper()
	sections, err := otlpSections()
	require.NoError(t, err)
	return sections
}

func TestEveryDemandOfOTLPHasItsRuling(t *testing.T) {
	t.Parallel()
	sections := readOTLP(t)
	require.NoError(t, judge(sections, otlpRulings()))
	demands, rulings := 0, 0
	for _, s := range sections {
		for _, r := range s.rules {
			if r.must {
				demands++
				require.NotEmpty(t, r.ruling.begins, r.text)
			}
			if r.ruling.status != remark {
				rulings++
				require.NoError(t, r.ruling.whole(), s.title)
			}
		}
	}
	require.Greater(t, demands, 200)
	require.Greater(t, rulings, demands, "ports and paths are demanded without the words")
}

// A specification that says more, or a ruling on what is said no longer, is found; so is a test that is gone.
func TestWhatHasNoRulingIsFound(t *testing.T) {
	t.Parallel()
	sections := specification("<!-- END doctoc -->\n## A\n### B/C\n\nThe server MUST sing. It hums, e.g. at night. The\nserver [may](#x) rest.\n\n* All MAY dance.\n\n```go\n// MUST not be read\n```\n### B/C\nWe SHOULD see.\n")
	require.Len(t, sections, 4)
	require.Equal(t, "B/C", sections[2].title)
	require.Equal(t, "docs/specification.md#bc", sections[2].path)
	require.Equal(t, "docs/specification.md#bc-1", sections[3].path)
	require.Equal(t, []rule{
		{text: "The server MUST sing.", must: true}, {text: "It hums, e.g. at night."}, {text: "The server may rest."}, {text: "All MAY dance.", must: true},
	}, sections[2].rules)

	fine := map[string][]ruling{"B/C": {{"The server MUST sing", sender, "", nil}, {"The server may", sender, "", nil}, {"All", sender, "", nil}}}
	one := sections[:3]
	require.NoError(t, judge(one, fine))
	require.ErrorContains(t, judge(sections, fine), `B/C: no ruling on "We SHOULD see."`)
	require.ErrorContains(t, judge(one, map[string][]ruling{"B/C": fine["B/C"][:2]}), `no ruling on "All MAY dance."`)
	require.ErrorContains(t, judge(one, map[string][]ruling{"B/C": append(fine["B/C"][:3:3], ruling{begins: "We"})}), `nothing more begins with "We"`)
	require.ErrorContains(t, judge(one, map[string][]ruling{"B/C": fine["B/C"], "D": nil}), "D: there is no such section")

	proto := protoFile("x.proto", "// MUST: a licence\npackage x;\n\n// A may be.\nmessage A {\n  // It is. Keys MUST be\n  // unique.\n  repeated .opentelemetry.K keys = 1;\n  oneof v {\n    // Keys MUST be unique.\n    string s = 2;\n  }\n}\n")
	require.Equal(t, []rule{
		{text: "A may be.", places: []string{"A"}},
		{text: "It is.", places: []string{"A.keys"}},
		{text: "Keys MUST be unique.", places: []string{"A.keys", "A.v.s"}, must: true},
	}, proto.rules)

	require.ErrorContains(t, ruling{begins: "x", status: held}.whole(), "held by no test")
	require.ErrorContains(t, ruling{begins: "x", status: deviates}.whole(), "no reason")
	index, err := readTests("../../../..")
	require.NoError(t, err)
	got, err := index.link("services/allinone/cmd/pages.TestWhatHasNoRulingIsFound")
	require.NoError(t, err)
	require.Equal(t, "[`TestWhatHasNoRulingIsFound`](../services/allinone/cmd/pages/conformance_test.go)", got)
	for _, gone := range []string{"TestThatIsNowhere", "libs/telemetry.TestOTLPOverHTTP"} {
		_, err := index.link(gone)
		require.ErrorContains(t, err, "there is no test")
	}
}

func TestEachRowNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := conformancePage("../../../..")
	require.NoError(t, err)
	require.Greater(t, strings.Count(string(page), "| held |"), 90)
}
