package bench

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	natsserver "github.com/nats-io/nats-server/v2/server"

	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/ingest"
	"github.com/ollyscale/ollyscale/services/writer"
)

// togetherMain is the process together: ingest, writer and NATS as all-in-one has them, connected without a socket, and the queue forced to
// disk every second. NATS listens too, for the bench to look into the queue. After -- come flags of the writer.
func togetherMain(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("together", flag.ContinueOnError)
	flags.SetOutput(stderr)
	natsAddress, natsDir, httpAddress := flags.String("nats-address", "", ""), flags.String("nats-dir", "", ""), flags.String("http-address", "", "")
	if flags.Parse(args) != nil {
		return service.ExitUsage
	}
	s, err := startNATS(*natsAddress, *natsDir, time.Second, false)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return service.ExitFailed
	}
	defer s.WaitForShutdown()
	defer s.Shutdown()
	build := func(c writer.Config, env service.Env) (*together, error) { return newTogether(c, env, s, *httpAddress) }
	return service.NewProgram("writer", writer.DefaultConfig(), build)(ctx, flags.Args(), stdout, stderr)
}

type together struct {
	writer *writer.Service
	ingest *ingest.Service
}

func newTogether(c writer.Config, env service.Env, s *natsserver.Server, httpAddress string) (*together, error) {
	if !s.ReadyForConnections(time.Minute) {
		return nil, errors.New("NATS does not start")
	}
	c.Bus.InProcess = s
	w, err := writer.New(c, env)
	if err != nil {
		return nil, err
	}
	in := ingest.DefaultConfig()
	in.Bus.InProcess = s
	in.HTTP.Address, in.GRPC.Address = httpAddress, "127.0.0.1:0"
	env.Health = service.NewHealth()
	i, err := ingest.New(in, env)
	return &together{w, i}, err
}

// Run runs both roles until ctx ends; ingest ends first.
func (t *together) Run(ctx context.Context) error {
	var g service.Group
	g.Add("writer", t.writer.Run)
	g.Add("ingest", t.ingest.Run)
	return g.Run(ctx)
}
