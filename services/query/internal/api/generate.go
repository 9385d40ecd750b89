// Package api is the wire of the native API: the types and routes generated from docs/api.yaml.
package api

import (
	_ "embed"
	"encoding/json"
)

//go:generate go run ../../cmd/fielddoc -out ../../../../docs/api.yaml
//go:generate go tool oapi-codegen -config oapi.yaml ../../../../docs/api.yaml
//go:generate cp ../../../../docs/api.yaml contract.gen

// Contract is docs/api.yaml, for who asks the service for it.
//
//go:embed contract.gen
var Contract []byte

// RawFilter is one filter as sent; package filter parses it, so that an error can name the place.
type RawFilter = json.RawMessage

// RawDocument is a document as it is kept: what is ours of it, package native checks.
type RawDocument = json.RawMessage
