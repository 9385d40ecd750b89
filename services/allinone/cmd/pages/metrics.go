package main

import (
	"bytes"
	"context"
	"fmt"
	"go/ast"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/metric"

	"github.com/ollyscale/ollyscale/libs/instrument"
	"github.com/ollyscale/ollyscale/libs/service"
)

// metrics are those that the packages declare, by directory.
func (s *sources) metrics() (map[string][]instrument.Declaration, error) {
	found, errs := map[string][]instrument.Declaration{}, error(nil)
	for dir, p := range s.packages {
		for _, file := range p.files {
			eachField(file, func(_ string, f *ast.Field) {
				kind, ok := f.Type.(*ast.SelectorExpr)
				if f.Tag == nil || !ok {
					return
				}
				tag, err := strconv.Unquote(f.Tag.Value)
				if err != nil {
					errs = err
				}
				if d, ok := instrument.Read(kind.Sel.Name, reflect.StructTag(tag)); ok {
					found[dir] = append(found[dir], d)
				}
			})
		}
	}
	return found, errs
}

func metricsPage(s *sources) ([]byte, error) {
	metrics, err := s.metrics()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString(`# Metrics

<!-- Generated from the fields that declare instruments by services/allinone/cmd/pages: make generate. -->

Every service serves its own metrics at ` + "`/metrics`" + ` in Prometheus' text format, under the second name; in all-in-one, those of all roles, told
apart by ` + "`otel_scope_name`" + ` (` + "`ollyscale/writer`" + `). Beside these are the Go runtime's (` + "`go_…`" + `) and the process's (` + "`process_…`" + `). Names and labels are
stable. ` + "`signal`" + ` is traces, logs or metrics; a class of error is one of [these](errors.md#classes). A counter that nothing was added to is
not served yet.
`)
	for _, p := range s.sorted() {
		if len(metrics[p.dir]) == 0 {
			continue
		}
		fmt.Fprintf(&b, "\n## %s\n\n", p.title(s))
		b.WriteString("| metric | in Prometheus | kind | unit | labels | meaning |\n|---|---|---|---|---|---|\n")
		for _, d := range metrics[p.dir] {
			name, err := prometheusName(d)
			if err != nil {
				return nil, err
			}
			fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s | %s | %s |\n", d.Name, name, kindOf(d), d.Unit, cell(d.Labels), cell(d.Doc))
		}
	}
	return b.Bytes(), nil
}

// title is a package's heading: the role itself, or the library with the roles that have it.
func (p *source) title(s *sources) string {
	if role, ok := strings.CutPrefix(p.dir, "services/"); ok {
		return role
	}
	return strings.TrimPrefix(p.dir, "libs/") + " (in " + strings.Join(s.roles(p.dir), ", ") + ")"
}

func kindOf(d instrument.Declaration) string {
	switch d.Kind {
	case "Int64Counter":
		return "counter"
	case "Float64Histogram":
		return "histogram"
	}
	return "gauge"
}

// prometheusName asks the exporter itself what it makes of a name and its unit.
func prometheusName(d instrument.Declaration) (string, error) {
	ctx := context.Background()
	own, err := service.NewTelemetry("pages")
	if err != nil {
		return "", err
	}
	defer func() { _ = own.Close(ctx) }()
	env := own.Env("pages", slog.New(slog.DiscardHandler))
	made, err := d.Make(env.Meter)
	if err != nil {
		return "", err
	}
	switch m := made.(type) {
	case metric.Int64Counter:
		m.Add(ctx, 1)
	case metric.Int64UpDownCounter:
		m.Add(ctx, 1)
	case metric.Float64Histogram:
		m.Record(ctx, 1)
	case metric.Int64ObservableGauge:
		if err := instrument.Observe(env.Meter, m, func() int64 { return 1 }); err != nil {
			return "", err
		}
	}
	answer := httptest.NewRecorder()
	env.Metrics.ServeHTTP(answer, httptest.NewRequestWithContext(ctx, http.MethodGet, "/metrics", nil))
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return "", err
	}
	help := regexp.MustCompile(`(?m)^# HELP (\S+) ` + regexp.QuoteMeta(d.Doc) + `$`).FindSubmatch(text)
	if help == nil {
		return "", fmt.Errorf("metric %s is not served", d.Name)
	}
	return string(help[1]), nil
}
