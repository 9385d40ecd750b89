module github.com/ollyscale/ollyscale/services/writer

go 1.26.4

require (
	github.com/ollyscale/ollyscale/libs v0.0.0
	github.com/ollyscale/ollyscale/schema v0.0.0
)

replace (
	github.com/ollyscale/ollyscale/libs => ../../libs
	github.com/ollyscale/ollyscale/schema => ../../schema
)
