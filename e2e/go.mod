module github.com/ollyscale/ollyscale/e2e

go 1.26.4

require (
	github.com/ollyscale/ollyscale/libs v0.0.0
	github.com/ollyscale/ollyscale/schema v0.0.0
)

require (
	github.com/jackc/pgpassfile v1.0.0 // indirect
	github.com/jackc/pgservicefile v0.0.0-20240606120523-5a60cdf6a761 // indirect
	github.com/jackc/pgx/v5 v5.12.0 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.opentelemetry.io/proto/otlp v1.11.1 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sync v0.24.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260928230214-8a89bd6388cc // indirect
	google.golang.org/grpc v1.85.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
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
