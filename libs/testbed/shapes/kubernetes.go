package shapes

import (
	"fmt"
	"strconv"
	"time"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// kubernetes is a cluster seen by its collectors: resources of many attributes that come and go, lines of containers in several dialects, events as nested
// maps, scrapes of every pod.
type kubernetes struct {
	*source
	words []string
	pods  []*pod
}

type pod struct {
	name, uid, node, container, image, digest, namespace, workload, ip string
	started                                                            time.Time
	cpu                                                                float64
	sent                                                               int64
	number                                                             int
}

const (
	clusterPods = 700
	podLetters  = "bcdfghjklmnpqrstvwxz2456789"
)

func newKubernetes(s *source) sender {
	k := &kubernetes{source: s, words: vocabulary()}
	for i := range clusterPods {
		k.pods = append(k.pods, k.pod(i))
	}
	return k
}

func (k *kubernetes) pod(number int) *pod {
	load := k.rank(60)
	workload := k.words[load*3] + "-" + k.words[load*2+40]
	return &pod{
		number: number, workload: workload, name: fmt.Sprintf("%s-%s-%s", workload, k.letters(podLetters, 10), k.letters(podLetters, 5)), uid: k.uuid(),
		node: fmt.Sprintf("node-%02d.eu.example.internal", k.IntN(25)), container: k.hex(64), image: "registry.example/" + workload,
		digest: "sha256:" + k.hex(64), namespace: k.words[load%9] + "-prod", ip: fmt.Sprintf("10.%d.%d.%d", 32+k.IntN(4), k.IntN(256), k.IntN(256)),
		started: k.now().Add(-k.lasting(20 * time.Hour)),
	}
}

// some is a pod, which has perhaps been replaced.
func (k *kubernetes) some() *pod {
	i := k.rank(len(k.pods))
	if k.chance(0.01) {
		k.pods[i] = k.pod(k.pods[i].number + clusterPods)
	}
	return k.pods[i]
}

func (p *pod) describe(m pcommon.Map) {
	put(m, "k8s.cluster.name", "main", "k8s.namespace.name", p.namespace, "k8s.node.name", p.node, "k8s.pod.name", p.name, "k8s.pod.uid", p.uid, "k8s.pod.ip", p.ip,
		"k8s.pod.start_time", p.started.Format(time.RFC3339), "k8s.deployment.name", p.workload, "k8s.container.name", "app", "container.id", p.container,
		"container.image.name", p.image, "container.image.id", p.digest, "service.name", p.workload, "service.namespace", p.namespace, "os.type", "linux",
		"k8s.pod.label.app", p.workload, "k8s.pod.label.version", "v1")
}

func (k *kubernetes) traces(to *resources[ptrace.ResourceSpans]) {
	p := k.some()
	span := spansOf(to.of(p.number, p.describe), "k8s.io/apiserver").AppendEmpty()
	began := k.now()
	k.made++
	verb := one(k.source, "get", "list", "update", "patch")
	span.SetTraceID(k.traceID())
	span.SetSpanID(k.spanID())
	span.SetName("Kubernetes API " + verb)
	span.SetStartTimestamp(stamp(began))
	span.SetEndTimestamp(stamp(began.Add(k.lasting(9 * time.Millisecond))))
	put(span.Attributes(), "audit-id", k.uuid(), "verb", verb, "url", fmt.Sprintf("/api/v1/namespaces/%s/pods/%s", p.namespace, p.name), "user", "system:node:"+p.node)
	for _, name := range []string{"About to authorize", "About to write response"} {
		e := span.Events().AppendEmpty()
		e.SetName(name)
		e.SetTimestamp(stamp(began.Add(k.lasting(time.Millisecond))))
	}
}

func (k *kubernetes) logs(to *resources[plog.ResourceLogs]) {
	p := k.some()
	record := recordsOf(to.of(p.number, p.describe), "").AppendEmpty()
	at := k.now()
	k.made++
	record.SetTimestamp(stamp(at))
	record.SetObservedTimestamp(stamp(at.Add(k.lasting(80 * time.Millisecond))))
	put(record.Attributes(), "log.file.path", fmt.Sprintf("/var/log/pods/%s_%s_%s/app/0.log", p.namespace, p.name, p.uid), "log.iostream", "stdout")
	switch {
	case k.chance(0.1):
		put(record.Body().SetEmptyMap(), "object", []any{
			"kind", "Event", "reason", one(k.source, "Pulled", "Created", "Started", "BackOff"), "count", 1 + k.rank(20),
			"involvedObject",
			[]any{"kind", "Pod", "name", p.name, "namespace", p.namespace, "uid", p.uid, "resourceVersion", strconv.Itoa(48_000_000 + k.made*3)},
			"metadata",
			[]any{"name", p.name + "." + k.hex(16), "uid", k.uuid(), "creationTimestamp", at.Format(time.RFC3339)},
			"message", fmt.Sprintf("Container image %q already present on machine", p.image),
		}, "type", "MODIFIED")
	case p.number%3 == 0:
		record.Body().SetStr(fmt.Sprintf(`{"level":"%s","ts":"%s","caller":"%s/%s.go:%d","msg":"%s","traceID":"%s","took":%.5f}`, one(k.source, "info", "info", "warn"),
			at.Format(time.RFC3339Nano), k.words[p.number%90], k.words[k.rank(30)], k.IntN(400), k.prose(k.words, 40), k.hex(32), k.about(0.02)))
	case p.number%3 == 1:
		record.Body().SetStr(fmt.Sprintf("I%s %7d reconciler.go:%d] %q %s=%q pod=\"%s/%s\" uid=%q", at.Format("0102 15:04:05.000000"), 1000+p.number, k.IntN(500), k.prose(k.words, 30),
			k.words[k.rank(20)], k.words[k.rank(90)], p.namespace, p.name, k.uuid()))
	default:
		record.Body().SetStr(fmt.Sprintf("time=%s level=info msg=%q id=%d remote=%s status=%d", at.Format(time.RFC3339), k.prose(k.words, 50), k.IntN(1<<30), p.ip, one(k.source, 200, 200, 404)))
	}
}

func (k *kubernetes) metrics(to *resources[pmetric.ResourceMetrics]) {
	p := k.some()
	rm := to.of(p.number, p.describe)
	at := k.now()
	p.cpu += k.about(0.3)
	p.sent += int64(k.about(50_000))
	sum := func(name, unit string, set func(pmetric.NumberDataPoint)) {
		m := metricOf(rm, name, func(m pmetric.Metric) {
			m.SetUnit(unit)
			m.SetEmptySum().SetIsMonotonic(true)
			m.Sum().SetAggregationTemporality(pmetric.AggregationTemporalityCumulative)
		})
		point := m.Sum().DataPoints().AppendEmpty()
		point.SetStartTimestamp(stamp(p.started))
		point.SetTimestamp(stamp(at))
		set(point)
		k.made++
	}
	sum("k8s.pod.cpu.time", "s", func(d pmetric.NumberDataPoint) { d.SetDoubleValue(p.cpu) })
	for _, direction := range []string{"receive", "transmit"} {
		sum("k8s.pod.network.io", "By", func(d pmetric.NumberDataPoint) {
			d.SetIntValue(p.sent)
			put(d.Attributes(), "direction", direction, "interface", "eth0")
		})
	}
	m := metricOf(rm, "k8s.pod.memory.working_set", func(m pmetric.Metric) {
		m.SetUnit("By")
		m.SetEmptyGauge()
	})
	d := m.Gauge().DataPoints().AppendEmpty()
	d.SetTimestamp(stamp(at))
	d.SetIntValue(int64(k.about(2e8)) &^ 4095)
	k.made++
}
