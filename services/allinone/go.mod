module github.com/ollyscale/ollyscale/services/allinone

go 1.26.0

require (
	github.com/ollyscale/ollyscale/libs v0.0.0
	github.com/ollyscale/ollyscale/services/ingest v0.0.0
	github.com/ollyscale/ollyscale/services/janitor v0.0.0
	github.com/ollyscale/ollyscale/services/migrator v0.0.0
	github.com/ollyscale/ollyscale/services/query v0.0.0
	github.com/ollyscale/ollyscale/services/writer v0.0.0
)

replace (
	github.com/ollyscale/ollyscale/libs => ../../libs
	github.com/ollyscale/ollyscale/schema => ../../schema
	github.com/ollyscale/ollyscale/services/ingest => ../ingest
	github.com/ollyscale/ollyscale/services/janitor => ../janitor
	github.com/ollyscale/ollyscale/services/migrator => ../migrator
	github.com/ollyscale/ollyscale/services/query => ../query
	github.com/ollyscale/ollyscale/services/writer => ../writer
)
