package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// ours is the beginning of the names of this repository's own modules.
const ours = "github.com/ollyscale/ollyscale/"

// interfacePackage embeds the web interface: who links it carries the npm packages.
const (
	interfacePackage = ours + "services/query/web"
	interfaceDir     = "services/query/web"
)

// part is a module, an npm package or the standard library.
type part struct {
	name, version string
	dir           string
	declared      string // the licence that package.json names
	author        string
	dirs          map[string]bool // of what is linked of it; "" is all
	binaries      map[string]bool
	ids           []string
	texts         []text
}

type text struct{ name, body string }

// platforms are those that archives and images are built for.
func platforms() [][2]string {
	return [][2]string{{"linux", "amd64"}, {"linux", "arm64"}, {"darwin", "amd64"}, {"darwin", "arm64"}}
}

// collect finds the parts of all commands, sorted by name, and reads their texts.
func collect(ctx context.Context, root string, commands []string) ([]*part, error) {
	found := map[string]*part{}
	add := func(key string, create func() *part) *part {
		if found[key] == nil {
			found[key] = create()
			found[key].dirs, found[key].binaries = map[string]bool{}, map[string]bool{}
		}
		return found[key]
	}
	for _, command := range commands {
		binary, web := filepath.Base(command), false
		for _, platform := range platforms() {
			packages, err := linked(ctx, filepath.Join(root, command), platform)
			if err != nil {
				return nil, err
			}
			for _, p := range packages {
				web = web || p.ImportPath == interfacePackage
				var of *part
				switch {
				case p.Standard:
					of = add("go", func() *part { return &part{name: "Go standard library and runtime", dir: p.Root} })
				case p.Module == nil || strings.HasPrefix(p.Module.Path+"/", ours):
					continue
				default:
					of = add(p.Module.Path+"@"+p.Module.Version, func() *part {
						return &part{name: p.Module.Path, version: p.Module.Version, dir: p.Module.Dir}
					})
					of.dirs[p.Dir] = true
				}
				of.binaries[binary] = true
			}
		}
		if web {
			packages, err := shipped(filepath.Join(root, interfaceDir))
			if err != nil {
				return nil, err
			}
			for _, p := range packages {
				add("npm "+p.name+"@"+p.version, func() *part { return p }).binaries[binary] = true
			}
		}
	}
	parts := slices.SortedFunc(maps.Values(found), func(a, b *part) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.version, b.version))
	})
	var errs []error
	for _, p := range parts {
		errs = append(errs, p.read())
	}
	return parts, errors.Join(errs...)
}

type goPackage struct {
	ImportPath, Dir, Root string
	Standard              bool
	Module                *struct{ Path, Version, Dir string }
}

// linked lists the packages of a command for a platform.
func linked(ctx context.Context, command string, platform [2]string) ([]goPackage, error) {
	list := exec.CommandContext(ctx, "go", "list", "-deps", "-json=ImportPath,Dir,Root,Standard,Module", ".")
	list.Dir = command
	list.Env = append(os.Environ(), "GOWORK=off", "CGO_ENABLED=0", "GOOS="+platform[0], "GOARCH="+platform[1])
	list.Stderr = os.Stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list in %s: %w", command, err)
	}
	var packages []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return packages, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list in %s: %w", command, err)
		}
		packages = append(packages, p)
	}
}

// bundlers put some code of their own into what they bundle.
func bundlers() []string { return []string{"node_modules/vite", "node_modules/rolldown"} }

// shipped lists the packages that the interface's bundle may hold: what its lock file has beside development, and the bundlers.
func shipped(dir string) ([]*part, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return nil, err
	}
	var lock struct {
		Packages map[string]struct {
			Version          string
			Dev, DevOptional bool
		}
	}
	if err := json.Unmarshal(raw, &lock); err != nil {
		return nil, fmt.Errorf("%s/package-lock.json: %w", dir, err)
	}
	var parts []*part
	for path, p := range lock.Packages {
		if path == "" || (p.Dev || p.DevOptional) && !slices.Contains(bundlers(), path) {
			continue
		}
		raw, err := os.ReadFile(filepath.Join(dir, path, "package.json"))
		if err != nil {
			return nil, fmt.Errorf("%w (run `npm ci` in %s)", err, dir)
		}
		var manifest struct {
			Name, Version string
			License       any
			Author        any
		}
		if err := json.Unmarshal(raw, &manifest); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		parts = append(parts, &part{
			name: manifest.Name, version: p.Version, dir: filepath.Join(dir, path), declared: field(manifest.License, "type"),
			author: field(manifest.Author, "name"),
		})
	}
	return parts, nil
}

// field is a member of package.json that is a string or an object.
func field(value any, key string) string {
	switch v := value.(type) {
	case string:
		return v
	case map[string]any:
		s, _ := v[key].(string)
		return s
	}
	return ""
}

// legal matches the files whose text has to be passed on: licences, and the notices that Apache-2.0 asks to keep.
var legal = regexp.MustCompile(`(?i)^(un)?(licen[cs]es?|copying|notice|patents|ofl)([-._].*)?$`)

// read takes the legal files of the directories that are linked and of those above them, up to the part's own.
func (p *part) read() error {
	dirs := map[string]bool{p.dir: true}
	for dir := range p.dirs {
		for ; strings.HasPrefix(dir, p.dir); dir = filepath.Dir(dir) {
			dirs[dir] = true
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(dirs)) {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if e.IsDir() || !legal.MatchString(e.Name()) || strings.HasSuffix(e.Name(), ".go") {
				continue
			}
			body, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			name, err := filepath.Rel(p.dir, filepath.Join(dir, e.Name()))
			if err != nil {
				return err
			}
			p.texts = append(p.texts, text{filepath.ToSlash(name), tidy(string(body))})
		}
	}
	if len(p.texts) == 0 && p.declared == "MIT" && p.author != "" {
		p.texts = []text{{"LICENSE", fmt.Sprintf(mit, p.author)}}
	}
	return nil
}

// tidy gives the same text the same bytes, whatever its line ends.
func tidy(body string) string {
	var out strings.Builder
	for line := range strings.Lines(strings.TrimPrefix(body, "\ufeff")) {
		out.WriteString(strings.TrimRight(line, " \t\r\n\f") + "\n")
	}
	return strings.Trim(out.String(), "\n") + "\n"
}

// mit stands in for the text of a package that names this licence and its author and carries no text.
const mit = `MIT License

Copyright (c) %s

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated documentation files (the
"Software"), to deal in the Software without restriction, including without limitation the rights to use, copy, modify, merge, publish,
distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the Software is furnished to do so, subject to
the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF
MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY
CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE
SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
`
