package bench

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// allocation is what a Go process has allocated on its heap so far.
type allocation struct{ bytes, objects int64 }

// allocated asks a role's metrics.
func allocated(ctx context.Context, ops string) (a allocation, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+ops+"/metrics", http.NoBody)
	if err != nil {
		return a, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		name, value, _ := strings.Cut(lines.Text(), " ")
		to := map[string]*int64{"go_memstats_alloc_bytes_total": &a.bytes, "go_memstats_mallocs_total": &a.objects}[name]
		if to == nil {
			continue
		}
		x, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return a, err
		}
		*to = int64(x)
	}
	if a.bytes == 0 || a.objects == 0 {
		return a, fmt.Errorf("%s/metrics does not say what was allocated", ops)
	}
	return a, lines.Err()
}
