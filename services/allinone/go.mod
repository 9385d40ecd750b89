module github.com/ollyscale/ollyscale/services/allinone

go 1.26.4

require (
	github.com/ollyscale/ollyscale/libs v0.0.0
	github.com/ollyscale/ollyscale/services/ingest v0.0.0
	github.com/ollyscale/ollyscale/services/janitor v0.0.0
	github.com/ollyscale/ollyscale/services/migrator v0.0.0
	github.com/ollyscale/ollyscale/services/query v0.0.0
	github.com/ollyscale/ollyscale/services/writer v0.0.0
)

require (
	github.com/antithesishq/antithesis-sdk-go v0.8.0-default-no-op // indirect
	github.com/google/go-tpm v0.9.8 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/minio/highwayhash v1.0.4 // indirect
	github.com/nats-io/jwt/v2 v2.8.2 // indirect
	github.com/nats-io/nats-server/v2 v2.15.2 // indirect
	github.com/nats-io/nkeys v0.4.16 // indirect
	github.com/nats-io/nuid v1.0.1 // indirect
	github.com/stretchr/testify v1.12.1 // indirect
	go.opentelemetry.io/collector/pdata v1.70.0 // indirect
	go.uber.org/goleak v1.3.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.60.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/text v0.43.0 // indirect
	golang.org/x/time v0.16.0 // indirect
	google.golang.org/genproto/googleapis/rpc v0.0.0-20260817212433-ac3dfec99bb1 // indirect
	google.golang.org/grpc v1.85.0 // indirect
	google.golang.org/protobuf v1.36.12 // indirect
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
