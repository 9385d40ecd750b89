// Command ingest receives OTLP and puts it on the bus.
package main

import (
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/ingest"
)

func main() { service.Main("ingest", ingest.DefaultConfig(), ingest.New) }
