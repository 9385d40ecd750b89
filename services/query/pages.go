package query

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"

	"github.com/labstack/echo/v4"
)

// pages serves the web interface: files as they are, and its index for every path that is one of its views.
type pages struct {
	files fs.FS
	index []byte
	etag  string
}

func newPages(files fs.FS) (*pages, error) {
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return nil, fmt.Errorf("web interface: %w", err)
	}
	sum := sha256.Sum256(index)
	return &pages{files: files, index: index, etag: `"` + hex.EncodeToString(sum[:8]) + `"`}, nil
}

func (p *pages) serve(c echo.Context) error {
	name := strings.TrimPrefix(path.Clean("/"+c.Request().URL.Path), "/")
	if first, _, _ := strings.Cut(name, "/"); first == "api" || first == "v1" || first == "auth" {
		return echo.ErrNotFound // a client of the API must not get a page
	}
	h := c.Response().Header()
	if name != "" && name != "index.html" {
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
	h.Set("ETag", p.etag)
	if c.Request().Header.Get("If-None-Match") == p.etag {
		return c.NoContent(http.StatusNotModified)
	}
	return c.HTMLBlob(http.StatusOK, p.index)
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
