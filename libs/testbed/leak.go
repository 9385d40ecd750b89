package testbed

import "go.uber.org/goleak"

// LoopsOfStoppedServers are what a test's main passes to goleak where its tests stop NATS servers under load: a server that is shut down at
// the instant at which a client's request makes a stream leaves the stream's loop, and the clock that it uses, running. Nothing of ours waits
// for them.
func LoopsOfStoppedServers() []goleak.Option {
	return []goleak.Option{
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server.(*fileStore).flushStreamStateLoop"),
		goleak.IgnoreTopFunction("github.com/nats-io/nats-server/v2/server/ats.Register.func1"),
	}
}

// leaked says which goroutines are left.
func leaked() error { return goleak.Find(LoopsOfStoppedServers()...) }
