// Command query runs the query service: the HTTP API and the web interface.
package main

import (
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/query"
)

func main() { service.Main("query", query.DefaultConfig(), query.New) }
