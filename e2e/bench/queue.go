package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/ollyscale/ollyscale/libs/bus"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// queue is a NATS server and the bench's own connection to it.
type queue struct {
	natsURL   string
	nats      *process // nil where the server lives in the process of a case
	bus       *bus.Bus
	publisher *bus.Publisher
}

// renewQueue replaces the queue by an empty one, so that no case pays for another one's messages, and the same bytes sent again are no
// duplicates. program is the bench whose NATS it is, "" for this one; args are more of its flags.
func (m *machine) renewQueue(ctx context.Context, program string, args ...string) error {
	m.queue.close()
	address, err := freeAddress(ctx)
	if err != nil {
		return err
	}
	m.queue = &queue{natsURL: "nats://" + address}
	args = append([]string{"nats", "--address", address, "--dir", m.queueDir()}, args...)
	if m.nats, err = m.startProgram(ctx, program, args...); err != nil {
		return err
	}
	return m.queue.connect(ctx)
}

// queueDir is a fresh directory for a queue.
func (m *machine) queueDir() string {
	m.queues++
	return filepath.Join(m.dir, fmt.Sprintf("nats_%d", m.queues))
}

func (q *queue) connect(ctx context.Context) (err error) {
	cfg := bus.DefaultConfig()
	cfg.URL = q.natsURL
	if q.bus, err = bus.Connect(ctx, cfg, nil, nil); err != nil {
		return err
	}
	if err = q.bus.WaitReady(ctx); err != nil {
		return err
	}
	q.publisher, err = q.bus.Publisher()
	return err
}

// close may be called on none, and more than once.
func (q *queue) close() {
	if q == nil {
		return
	}
	if q.publisher != nil {
		q.publisher.Close()
	}
	if q.bus != nil {
		q.bus.Close()
	}
	if q.nats != nil {
		q.nats.stop()
	}
	*q = queue{}
}

// natsMain is the process nats.
func natsMain(ctx context.Context, args []string, stderr io.Writer) int {
	flags := flag.NewFlagSet("nats", flag.ContinueOnError)
	address, dir, always := flags.String("address", "", ""), flags.String("dir", "", ""), flags.Bool("sync-always", false, "")
	if flags.Parse(args) != nil {
		return 2
	}
	s, err := startNATS(*address, *dir, 0, *always)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	<-ctx.Done()
	s.Shutdown()
	s.WaitForShutdown()
	return 0
}

// startNATS starts a server in this process; sync is how often it forces its files to disk, 0 for its default; always is before each
// acknowledgement.
func startNATS(address, dir string, sync time.Duration, always bool) (*natsserver.Server, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	s, err := natsserver.NewServer(&natsserver.Options{
		JetStreamMaxStore: 64 << 30, // not three quarters of what the disk has free
		Host:              host, Port: number, JetStream: true, StoreDir: dir, SyncInterval: sync, SyncAlways: always, NoSigs: true, NoLog: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	return s, nil
}

func (q *queue) publish(ctx context.Context, batches []telemetry.Batch) error {
	for len(batches) > 0 {
		n := min(len(batches), 64)
		for i := range n {
			batches[i].Received = time.Now()
		}
		if _, err := q.publisher.Publish(ctx, batches[:n]); err != nil {
			return err
		}
		batches = batches[n:]
	}
	return nil
}

// deliver publishes batches and waits until they are committed.
func (q *queue) deliver(ctx context.Context, signal telemetry.Signal, batches []telemetry.Batch) error {
	if err := q.publish(ctx, batches); err != nil {
		return err
	}
	return q.settled(ctx, signal)
}

// looks is how often a queue is looked at while a case runs: often enough to see single flushes, seldom enough to cost nothing.
const looks = 25 * time.Millisecond

// settled waits until the queue is empty and all is acknowledged.
func (q *queue) settled(ctx context.Context, signal telemetry.Signal) error {
	timer := time.NewTicker(looks)
	defer timer.Stop()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	for {
		b, err := q.bus.Pending(ctx, signal)
		if err == nil && b.LastPosition == b.Settled {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the writer does not empty the queue (see its log): %w", errors.Join(err, ctx.Err()))
		case <-timer.C:
		}
	}
}

// sight is how far a queue was at an instant.
type sight struct {
	at      time.Time
	settled uint64 // position up to which all is committed
}

// watch notes how far the queue is until the returned function is called, which returns what was seen.
func (q *queue) watch(ctx context.Context, signal telemetry.Signal) func() []sight {
	ctx, cancel := context.WithCancel(ctx)
	seen := make(chan []sight, 1)
	b := q.bus
	go func() {
		var all []sight
		tick := time.NewTicker(looks)
		defer tick.Stop()
		for going := true; ; {
			if p, err := b.Pending(context.WithoutCancel(ctx), signal); err == nil {
				all = append(all, sight{time.Now(), p.Settled})
			}
			if !going {
				seen <- all
				return
			}
			select {
			case <-ctx.Done():
				going = false // one more look: the last thing seen is the end
			case <-tick.C:
			}
		}
	}()
	return func() []sight {
		cancel()
		return <-seen
	}
}

// steady is the rate of items a second in the middle of a run, from a tenth of its messages to nine tenths: neither the start counts nor
// the last flush, which waits for more to come. 0 where a run is too short to say.
func steady(seen []sight, items int) float64 {
	if len(seen) == 0 {
		return 0
	}
	first, last := seen[0].settled, seen[len(seen)-1].settled
	all := last - first
	reached := func(position uint64) (sight, bool) {
		for _, s := range seen {
			if s.settled >= position {
				return s, true
			}
		}
		return sight{}, false
	}
	from, ok1 := reached(first + max(all/10, 1))
	to, ok2 := reached(first + all*9/10)
	if !ok1 || !ok2 || to.settled <= from.settled {
		return 0
	}
	return float64(items) * float64(to.settled-from.settled) / float64(all) / to.at.Sub(from.at).Seconds()
}
