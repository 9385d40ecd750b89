package testbed

import "go.uber.org/goleak"

// leaked says which goroutines are left.
// Not counted are two loops of nats-server: a server that is shut down at the instant at which a client's request makes a stream leaves the
// stream's loop, and the clock that it uses, running. Nothing of ours waits for them.
func leaked() error {
	return goleak.Find(
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"),
	)
}
