package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// partOf is a part whose directory holds files.
func partOf(t *testing.T, files map[string]string) *part {
	t.Helper()
	p := &part{name: "example.org/thing", version: "v1.0.0", dir: t.TempDir(), dirs: map[string]bool{}, binaries: map[string]bool{"writer": true}}
	for name, body := range files {
		path := filepath.Join(p.dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o700))
		require.NoError(t, os.WriteFile(path, []byte(body), 0o600))
	}
	return p
}

func isc(holder string) string {
	return "Copyright (c) " + holder + "\n\nPermission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby " +
		"granted, provided that the above copyright notice and this permission notice appear in all copies.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\" AND THE " +
		"AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT " +
		"SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, " +
		"DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR " +
		"PERFORMANCE OF THIS SOFTWARE.\n"
}

const gpl = "This program is free software: you can redistribute it and/or modify it under the terms of the GNU Affero General Public License as " +
	"published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version.\n\nThis program is " +
	"distributed in the hope that it will be useful, but WITHOUT ANY WARRANTY; without even the implied warranty of MERCHANTABILITY or FITNESS FOR " +
	"A PARTICULAR PURPOSE. See the GNU Affero General Public License for more details.\n\nYou should have received a copy of the GNU Affero General " +
	"Public License along with this program. If not, see <https://www.gnu.org/licenses/>.\n"

func TestOnlyPermittedLicencesPass(t *testing.T) {
	t.Parallel()
	good := partOf(t, map[string]string{"LICENSE": fmt.Sprintf(mit, "A"), "NOTICE.txt": "Made by A."})
	require.NoError(t, good.read())
	require.NoError(t, good.identify())
	require.Equal(t, []string{"MIT"}, good.ids)

	copyleft := partOf(t, map[string]string{"COPYING": gpl})
	require.NoError(t, copyleft.read())
	require.ErrorContains(t, copyleft.identify(), "example.org/thing v1.0.0: the licence AGPL-3.0")

	silent := partOf(t, map[string]string{"README": "free to use"})
	require.NoError(t, silent.read())
	require.ErrorContains(t, silent.identify(), "no licence text that is known")

	unknown := partOf(t, map[string]string{"LICENSE": "All rights reserved."})
	require.NoError(t, unknown.read())
	require.ErrorContains(t, unknown.identify(), "no licence text that is known")

	declared := partOf(t, map[string]string{"LICENSE": fmt.Sprintf(mit, "A")})
	declared.declared = "(MIT OR BUSL-1.1)"
	require.NoError(t, declared.read())
	require.ErrorContains(t, declared.identify(), "BUSL-1.1")
}

func TestTextsOfWhatIsLinkedAreTakenAndNoOthers(t *testing.T) {
	t.Parallel()
	p := partOf(t, map[string]string{
		"LICENSE": fmt.Sprintf(mit, "A"), "licence.go": "package thing", "inner/LICENSE.md": isc("B"), "inner/deep/x.go": "package deep", "other/LICENSE": gpl,
	})
	p.dirs[filepath.Join(p.dir, "inner", "deep")] = true
	require.NoError(t, p.read())
	require.NoError(t, p.identify())
	require.Equal(t, []string{"ISC", "MIT"}, p.ids)
	require.Len(t, p.texts, 2)
}

func TestMITWithoutTextNamesItsAuthor(t *testing.T) {
	t.Parallel()
	p := partOf(t, nil)
	p.declared, p.author = "MIT", "Somebody <s@example.org>"
	require.NoError(t, p.read())
	require.NoError(t, p.identify())
	require.Contains(t, p.texts[0].body, "Copyright (c) Somebody")
}

func TestPageNamesEveryPartAndEachTextOnce(t *testing.T) {
	t.Parallel()
	a, b := partOf(t, map[string]string{"LICENSE": isc("A")}), partOf(t, map[string]string{"LICENSE": strings.ReplaceAll(isc("A"), "\n", "  \r\n")})
	b.name = "example.org/zebra"
	for _, p := range []*part{a, b} {
		require.NoError(t, p.read())
		require.NoError(t, p.identify())
	}
	var page bytes.Buffer
	write(&page, []*part{a, b})
	require.Contains(t, page.String(), "example.org/thing v1.0.0  ISC  writer\nexample.org/zebra v1.0.0  ISC  writer\n")
	require.Contains(t, page.String(), "example.org/thing v1.0.0 (LICENSE)\nexample.org/zebra v1.0.0 (LICENSE)\n")
	require.Equal(t, 1, strings.Count(page.String(), "Permission to use"))
}
