// Command writer moves telemetry from the bus into PostgreSQL.
package main

import (
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/writer"
)

func main() { service.Main("writer", writer.DefaultConfig(), writer.New) }
