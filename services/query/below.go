package query

import (
	"regexp"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/settings"
)

// basePath is of letters that mean themselves in a URL, in a page and in a cookie.
var basePath = regexp.MustCompile(`^(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$`)

// ours are the first parts of paths that the service has something at. A base path that began with one would be taken from requests that a gateway
// has already taken it from.
var ours = []string{"api", "assets", "auth", "docs", "health", "livez", "metrics", "v1"} //nolint:gochecknoglobals // a table

func checkBasePath(p *settings.Problems, base string) {
	const key = "base_path"
	first, _, _ := strings.Cut(strings.TrimPrefix(base, "/"), "/")
	switch {
	case base == "":
	case !strings.HasPrefix(base, "/"):
		p.Refuse(key, "%.100q does not begin with /", base)
	case strings.HasSuffix(base, "/"):
		p.Refuse(key, "%.100q ends with /: leave it empty for the root of the host, and write /olly for what is below", base)
	case !basePath.MatchString(base):
		p.Refuse(key, "%.100q: want letters, digits and - . _ ~ between slashes", base)
	case slices.Contains(ours, first):
		p.Refuse(key, "%.100q begins as paths of the service itself do: choose another than /%s", base, strings.Join(ours, ", /"))
	}
}

// below serves what was asked for below a path as if it had been asked for at the root. What comes without the path is served, too: from a gateway
// that has taken it away, or from a probe.
func below(base string) echo.MiddlewareFunc {
	return func(next echo.HandlerFunc) echo.HandlerFunc {
		return func(c echo.Context) error {
			r := c.Request()
			if path, ok := cutBase(base, r.URL.Path); ok {
				raw, ok := cutBase(base, r.URL.RawPath)
				if r.URL.RawPath != "" && !ok {
					return echo.ErrNotFound // the path with an escape in it, which nobody writes by accident
				}
				r.URL.Path, r.URL.RawPath = path, raw // in place, because echo looks for the route of the request that it was given
			}
			return next(c)
		}
	}
}

// cutBase is what of a path is below base.
func cutBase(base, path string) (string, bool) {
	rest, ok := strings.CutPrefix(path, base)
	switch {
	case !ok || rest != "" && rest[0] != '/':
		return "", false
	case rest == "":
		return "/", true
	}
	return rest, true
}
