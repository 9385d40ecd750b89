package policystore

import "github.com/ollyscale/ollyscale/libs/fault"

// The codes of this package's errors. docs/errors.md is made from them.
var errPolicy = fault.Kind{
	Class: fault.Invalid, Code: "retention.policy",
	Meaning: "A retention policy cannot be so.",
	Advice:  "Do what the message says.",
}
