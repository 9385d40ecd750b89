// Package web holds the browser interface inside the binary.
//
// The interface is an npm package in this directory; `npm run build` writes it to dist, which is never committed.
// A clone that has not built it still compiles: dist then holds only a marker file, and a placeholder page that
// says how to build the real one is served in its place.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var built embed.FS

//go:embed placeholder
var placeholder embed.FS

// Files returns the tree to serve at "/": always an index.html, and for a built interface the directory assets.
// Names under assets carry a hash of their content and may be cached for ever; index.html names them and may not.
// Paths that are no file are views of the interface and must be answered with index.html.
func Files() fs.FS {
	if Built() {
		return sub(built, "dist")
	}
	return sub(placeholder, "placeholder")
}

// Built reports whether the real interface is in this binary, rather than the placeholder page.
func Built() bool {
	_, err := fs.Stat(built, "dist/index.html")
	return err == nil
}

// sub cannot fail: both directories are named by the embed directives above, and fs.Sub only refuses invalid names.
func sub(tree embed.FS, dir string) fs.FS {
	files, err := fs.Sub(tree, dir)
	if err != nil {
		panic(err)
	}
	return files
}
