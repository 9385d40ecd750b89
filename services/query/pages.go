package query

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"

	"github.com/labstack/echo/v4"
)

// pages serves the web interface: files as they are, its index for every path that is one of its views, and the page of the contract.
type pages struct {
	files           fs.FS
	index, contract document
}

// document is a page that names files which carry a hash of their content, so that it must be asked for each time.
type document struct {
	body []byte
	etag string
}

// contractPage is where the contract is to be read.
const contractPage = "docs"

// newPages has the pages name their files below base.
func newPages(files fs.FS, base string) (*pages, error) {
	p := &pages{files: files}
	var err error
	if p.index, err = documentOf(files, "index.html", base); err != nil {
		return nil, fmt.Errorf("web interface: %w", err)
	}
	if p.contract, err = documentOf(files, contractPage+".html", base); errors.Is(err, fs.ErrNotExist) { // the interface is not built
		p.contract, err = p.index, nil
	}
	if err != nil {
		return nil, fmt.Errorf("web interface: %w", err)
	}
	return p, nil
}

// beside is how a page names a file beside it. It is shown at addresses of any depth, so that it cannot be left so.
var beside = regexp.MustCompile(`(\s(?:src|href)=")\./`)

func documentOf(files fs.FS, name, base string) (document, error) {
	body, err := fs.ReadFile(files, name)
	body = beside.ReplaceAll(body, []byte("${1}"+base+"/"))
	sum := sha256.Sum256(body)
	return document{body, `"` + hex.EncodeToString(sum[:8]) + `"`}, err
}

func (p *pages) serve(c echo.Context) error {
	name := strings.TrimPrefix(path.Clean("/"+c.Request().URL.Path), "/")
	if first, _, _ := strings.Cut(name, "/"); first == "api" || first == "v1" || first == "auth" {
		return echo.ErrNotFound // a client of the API must not get a page
	}
	h := c.Response().Header()
	shown := p.index
	switch name {
	case "", "index.html":
	case contractPage, contractPage + ".html":
		shown = p.contract
	default:
		body, err := fs.ReadFile(p.files, name)
		if err == nil {
			// Names under assets carry a hash of their content.
			if strings.HasPrefix(name, "assets/") {
				h.Set(echo.HeaderCacheControl, "public, max-age=31536000, immutable")
			} else {
				h.Set(echo.HeaderCacheControl, "public, max-age=3600")
			}
			return c.Blob(http.StatusOK, contentType(name), body)
		}
		if path.Ext(name) != "" && !strings.Contains(c.Request().Header.Get(echo.HeaderAccept), "text/html") {
			return echo.ErrNotFound // a missing script answered with a page would only confuse
		}
	}
	h.Set(echo.HeaderCacheControl, "no-cache")
	h.Set("ETag", shown.etag)
	if c.Request().Header.Get("If-None-Match") == shown.etag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.HTMLBlob(http.StatusOK, shown.body)
}

// contentType does not ask the machine for the types that matter: a container has no table of them.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	case ".map":
		return "application/json"
	case ".ico":
		return "image/x-icon"
	}
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}
