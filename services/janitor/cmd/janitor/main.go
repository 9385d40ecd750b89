// Command janitor keeps the database in shape: partitions ahead, merged segments, expiry.
package main

import (
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/janitor"
)

func main() { service.Main("janitor", janitor.DefaultConfig(), janitor.New) }
