// Command migrator brings a database to the schema of this build: up, status, lint, hash.
package main

import (
	"github.com/ollyscale/ollyscale/libs/service"
	"github.com/ollyscale/ollyscale/services/migrator"
)

func main() { service.Main("migrator", migrator.DefaultConfig(), migrator.New) }
