module github.com/ollyscale/ollyscale/e2e

go 1.26.4

require (
	github.com/ollyscale/ollyscale/libs v0.0.0
	github.com/ollyscale/ollyscale/schema v0.0.0
)

replace (
	github.com/ollyscale/ollyscale/libs => ../libs
	github.com/ollyscale/ollyscale/schema => ../schema
	github.com/ollyscale/ollyscale/services/allinone => ../services/allinone
	github.com/ollyscale/ollyscale/services/ingest => ../services/ingest
	github.com/ollyscale/ollyscale/services/janitor => ../services/janitor
	github.com/ollyscale/ollyscale/services/migrator => ../services/migrator
	github.com/ollyscale/ollyscale/services/query => ../services/query
	github.com/ollyscale/ollyscale/services/writer => ../services/writer
)

ignore ./browser/node_modules
