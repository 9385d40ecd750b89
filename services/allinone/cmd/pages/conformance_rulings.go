package main

// modelCommit is the snapshot of github.com/open-telemetry/opentelemetry-specification that dataModel quotes.
const modelCommit = "1377f53b2bc0683c45169b8f20fd973eb4d59419"

// conformanceHead opens the page: commit, repository, commit, date, and how many rows are held, deviate, are not used and are the sender's.
const conformanceHead = `# OTLP, rule by rule

<!-- Generated from OTLP's own text and the rulings of services/allinone/cmd/pages/conformance_rulings.go: make generate. -->

Each MUST, SHOULD, RECOMMENDED and MAY of [OTLP at %s](%s/tree/%s) (%s):
its specification, the comments of its .proto files, and what the data model asks of who receives. The left column is OTLP's own words. A
demand of the specification that has no row, and a test that does not exist, end ` + "`make generate`" + ` and with it ` + "`make verify`" + `.

%d rules are **held**, each with the test that fails when it no longer is. %d **deviate** on purpose: the reason stands beside them. %d give a
liberty that is **not used**. %d are the **sender's**: they bind exporters, SDKs and who writes the specification.

Forty of these were checked by taking the behaviour out of the code and seeing the test that is named fail: gzip; the limit after
decompression; ` + "`partial_success`" + ` unset on success; the number of what was rejected; RetryInfo and Retry-After on what is full; a failure in
the form of its request; BadRequest; unknown fields of JSON and of protobuf; hex of upper case; ids of log records that are none; points
without a time; the observed time; the default port; a connection kept after a refusal; calls side by side; cut texts in answers;
entities; reserved flags; HTTP/2; 413; a warning that rejects nothing; indexes of profiles; integers of 64 bits as texts; the code of a wrong
path; a cut body that is to be sent again; a message of gRPC that is too large; profiles; spans without ids. And, drawn by lot: empty envelopes;
the default port of HTTP; the limit of HTTP as it is set; 429 for what is full; 503 for what is away; a request whose answer was lost; the
Content-Type that chooses the reader; the setting that a message names; keys of either case; links without ids.
`

func by(tests ...string) []string { return tests }

// partialSuccess rules the sentences that both transports have in common.
func partialSuccess() []ruling {
	return []ruling{
		{"If the request is only partially accepted", held, "", by("TestItemsOutsideTheWindowArePartialSuccess", "TestGeneratedClientsOverGRPC", "TestDamageInOneItemIsPartialSuccess")},
		{"Additionally, the server MUST initialize the `partial_success`", held, "", by("TestItemsOutsideTheWindowArePartialSuccess", "TestGeneratedClientsOverGRPC", "TestDamageInOneItemIsPartialSuccess")},
		{"The server SHOULD populate the `error_message`", held, "It counts the items by reason and gives an example of each.", by("TestItemsOutsideTheWindowArePartialSuccess", "libs/telemetry.TestDamageCostsItsItemOnly")},
		{"The message should explain why", held, "What can be set otherwise is named with its setting.", by("TestWhatIsLargerThanAMessageIsCut")},
		{"Servers MAY also use the `partial_success` field", held, "Used where items were taken for a retry and are stored once, and where values were cut.", by("TestWhatIsTakenForARepeatIsSaid", "TestWhatIsLargerThanAMessageIsCut")},
		{"In such cases, the `rejected_<signal>` field MUST", held, "", by("TestWhatIsTakenForARepeatIsSaid", "TestWhatIsLargerThanAMessageIsCut")},
		{"The client MUST NOT retry", sender, "", nil},
	}
}

func serviceFile() []ruling {
	return []ruling{
		{"If the request is only partially accepted", held, "", by("TestItemsOutsideTheWindowArePartialSuccess", "TestDamageInOneItemIsPartialSuccess")},
		{"Servers MAY also make use", held, "Used where items were taken for a retry and are stored once, and where values were cut.", by("TestWhatIsTakenForARepeatIsSaid", "TestWhatIsLargerThanAMessageIsCut")},
		{"In such cases, the `rejected_<signal>`", held, "", by("TestWhatIsTakenForARepeatIsSaid", "TestWhatIsLargerThanAMessageIsCut")},
		{"Senders SHOULD interpret it", sender, "", nil},
		{"It should be used either", held, "", by("TestItemsOutsideTheWindowArePartialSuccess", "TestWhatIsTakenForARepeatIsSaid")},
		{"The message should offer guidance", held, "", by("TestWhatIsLargerThanAMessageIsCut")},
	}
}

const (
	keysKept = "Repeated keys are kept, in their order, as every value is; nothing is merged or refused."
	asSent   = "Stored and shown as it was sent; nothing is refused for it."
)

// otlpRulings are the rulings on otlpFiles, by the title of the section or the name of the file.
func otlpRulings() map[string][]ruling {
	return map[string][]ruling{
		"Protocol Details": {
			{"All server components MUST support", held, "Beside none and gzip: zstd, deflate, zlib, snappy, lz4.", by("TestOTLPOverHTTP", "TestOTLPOverGRPC")},
		},
		"OTLP/gRPC": {{"Many telemetry collection systems", remark, "", nil}},
		"OTLP/gRPC: OTLP/gRPC Request": {
			{"The server MUST enforce a message size limit", held, "", by("TestMessagesOfEverySize", "TestBadInputOverGRPC", "TestWhatDecompressesIsChargedAsItGrows")},
			{"However, it is RECOMMENDED", held, "", by("TestDefaultsAreThoseOfOTLP", "TestMessagesOfEverySize")},
			{"Implementations SHOULD allow this limit", held, "`max_request_bytes`.", by("TestBadInputOverGRPC")},
			{"If the limit is exceeded, the gRPC server", held, "Without RetryInfo, which is what makes it not retryable.", by("TestBadInputOverGRPC", "TestMessagesOfEverySize")},
			{"The client SHOULD limit", sender, "", nil},
			{"It is RECOMMENDED to use", sender, "", nil},
			{"Implementations SHOULD allow", sender, "", nil},
			{"If the limit is exceeded, the client", sender, "", nil},
		},
		"OTLP/gRPC: OTLP/gRPC Concurrent Requests": {
			{"After sending the request", sender, "", nil},
			{"Sequential operation", sender, "", nil},
			{"The implementations that need", held, "As many calls of a connection as `grpc.max_streams` says, and as many connections as `grpc.max_connections`.", by("TestRequestsAreServedSideBySide")},
			{"The client SHOULD send", sender, "", nil},
			{"The number of concurrent requests", sender, "", nil},
			{"It is easy to see", remark, "", nil},
			{"The client implementation SHOULD", sender, "", nil},
			{"If the client is unable", sender, "", nil},
		},
		"OTLP/gRPC: OTLP/gRPC Response": {
			{"The response MUST be the appropriate message", held, "", by("TestGeneratedClientsOverGRPC", "TestBadInputOverGRPC")},
			{"The client MUST enforce", sender, "", nil},
			{"Implementations SHOULD allow", sender, "", nil},
			{"If the limit is exceeded, the client", sender, "", nil},
			{"The server MUST limit the size of the response", held, "An answer has a few fields, whose texts are cut: no request makes one of more than 4 KiB.", by("TestAnswersAreSmall")},
			{"It is RECOMMENDED to use 4 MiB", held, "A thousandth of it.", by("TestAnswersAreSmall")},
			{"Implementations SHOULD allow", deviates, "There is nothing to set: an answer cannot come near the limit.", by("TestAnswersAreSmall")},
			{"For a Partial Success response", held, "Of each reason, the first item is shown, and its place and value are cut.", by("TestAnswersAreSmall", "TestWhatJSONCannotSayCostsItsItem")},
			{"To do so, the server MAY", held, "", by("TestAnswersAreSmall")},
			{"If the response still cannot fit", unused, "It always fits.", nil},
		},
		"OTLP/gRPC: OTLP/gRPC Response: Full Success": {
			{"If the server receives an empty request", held, "", by("TestEmptyEnvelopesAreSuccess")},
			{"On success, the server response MUST", held, "", by("TestGeneratedClientsOverGRPC", "TestTheGoSDKSends", "TestProfilesAreRefusedByACode")},
			{"The server MUST leave the `partial_success`", held, "", by("TestOTLPOverGRPC")},
		},
		"OTLP/gRPC: OTLP/gRPC Response: Partial Success": partialSuccess(),
		"OTLP/gRPC: OTLP/gRPC Response: Failures": {
			{"Retryable errors indicate", sender, "", nil},
			{"Non-retryable errors indicate", sender, "", nil},
			{"The client MUST drop", sender, "", nil},
			{"The client SHOULD maintain", sender, "", nil},
			{"The server SHOULD indicate retryable errors", held, "What is not there is UNAVAILABLE; what is full is RESOURCE_EXHAUSTED. Both come with RetryInfo.", by("TestGRPCWithoutNATSIsUnavailable", "TestOnlyWhatPassesIsToBeRepeated")},
			{"To indicate non-retryable errors", held, "", by("TestBadInputOverGRPC", "TestBadDataComesWithABadRequest")},
			{"The server MAY use other gRPC codes", held, "UNAUTHENTICATED, PERMISSION_DENIED, UNIMPLEMENTED, RESOURCE_EXHAUSTED, INTERNAL; DEADLINE_EXCEEDED where a message does not arrive.", by("TestOnlyWhatPassesIsToBeRepeated", "TestWhoSendsNeedsAKeyThatTheBusHasToldOf", "TestAMessageThatDoesNotArriveIsGivenUp")},
			{"The client SHOULD interpret gRPC status codes", held, "The table is the client's; the codes that are answered mean what it says.", by("TestOnlyWhatPassesIsToBeRepeated")},
			{"When retrying", sender, "", nil},
			{"The client SHOULD interpret `RESOURCE_EXHAUSTED`", held, "It is answered with RetryInfo where room comes back, and without for what is too large.", by("TestOnlyWhatPassesIsToBeRepeated", "TestGRPCOnAFullStreamIsExhaustedWithRetryInfo")},
			{"If no such status is returned", sender, "", nil},
		},
		"OTLP/gRPC: OTLP/gRPC Throttling": {
			{"If the server is unable to keep up", held, "", by("TestARateIsTheMeanOfWhatATenantSends", "TestGRPCOnAFullStreamIsExhaustedWithRetryInfo", "TestGRPCBeyondTheMemoryBudgetIsToBeRetried")},
			{"The client MUST then throttle", sender, "", nil},
			{"To signal backpressure", deviates, "A full queue is RESOURCE_EXHAUSTED with RetryInfo, which the section on failures gives the same meaning; UNAVAILABLE says that the queue is not there.", by("TestGRPCOnAFullStreamIsExhaustedWithRetryInfo", "TestGRPCWithoutNATSIsUnavailable")},
			{"When the client receives this signal", sender, "", nil},
			{"The server SHOULD choose a `retry_delay`", held, "One second, from which senders grow it themselves; over a quota, until that is paid off.", by("TestOnlyWhatPassesIsToBeRepeated")},
		},
		"OTLP/gRPC: OTLP/gRPC Default Port": {
			{"The default network port for OTLP/gRPC is 4317", held, "", by("TestDefaultsAreThoseOfOTLP")},
		},
		"OTLP/HTTP": {
			{"OTLP/HTTP uses HTTP POST requests", held, "", by("TestOTLPOverHTTP", "TestEveryFailureIsAStatusInTheFormOfItsRequest")},
			{"Implementations MAY use HTTP/1.1 or HTTP/2", held, "", by("TestHTTP2WithoutTLSIsSpoken")},
			{"Implementations that use HTTP/2 transport SHOULD fallback", held, "The port speaks both, so that a client can fall back. HTTP/2 without TLS is for clients that begin with it; one that offers to change (`Upgrade: h2c`) is answered in HTTP/1.1.", by("TestHTTP2WithoutTLSIsSpoken", "TestOTLPOverHTTP")},
		},
		"OTLP/HTTP: Binary Protobuf Encoding": {
			{"The client and the server MUST set", held, "", by("TestOTLPOverHTTP")},
		},
		"OTLP/HTTP: JSON Protobuf Encoding": {
			{"The `traceId` and `spanId` byte arrays", held, "", by("TestIDsAreHexOfEitherCase", "TestWhatJSONCannotSayCostsItsItem")},
			{"Hex encoding is used", held, "", by("TestIDsAreHexOfEitherCase")},
			{"Values of enum fields MUST", sender, "", nil},
			{"Unlike the standard Protobuf JSON Mapping", deviates, "It is the sender's rule. Names are taken, too, because senders that use a general library for ProtoJSON write them, and they can mean nothing else.", by("TestJSONIsProtoJSON")},
			{"OTLP/JSON receivers MUST ignore", held, "", by("TestUnknownFieldsOfJSONChangeNothing", "TestJSONIsProtoJSON")},
			{"The keys of JSON objects are", held, "", by("TestJSONSaysWhatTheCollectorReads")},
			{"Original field names are not valid", deviates, "It is the sender's rule. `trace_id` is read as `traceId`, because general libraries for ProtoJSON write it, and no field of OTLP has a name that is another's.", by("TestJSONSaysWhatTheCollectorReads", "TestPlainJSONOverHTTP")},
			{"Note that according to Protobuf specs 64-bit", held, "", by("TestJSONIsProtoJSON")},
			{"The client and the server MUST set", held, "", by("TestOTLPOverHTTP")},
		},
		"OTLP/HTTP: OTLP/HTTP Request": {
			{"The default URL path for requests that carry trace data", held, "", by("TestOTLPOverHTTP")},
			{"The default URL path for requests that carry metric data", held, "", by("TestOTLPOverHTTP")},
			{"The default URL path for requests that carry log data", held, "", by("TestOTLPOverHTTP")},
			{"The default URL path for requests that carry profiling data", deviates, "The signal is still being developed and is not taken: 404 and UNIMPLEMENTED, with the code `otlp.no_profiles`.", by("TestProfilesAreRefusedByACode")},
			{"The client MAY gzip the content", held, "", by("TestOTLPOverHTTP")},
			{"The client MAY include", sender, "", nil},
			{"Non-default URL paths", unused, "A proxy in front can map any path.", nil},
			{"The server MUST limit the size of the request body", held, "", by("TestBadInputOverHTTP", "TestWhatDecompressesIsChargedAsItGrows")},
			{"It is RECOMMENDED to use 64 MiB", held, "", by("TestDefaultsAreThoseOfOTLP")},
			{"Implementations SHOULD allow this limit", held, "`max_request_bytes`, and `http.max_body_bytes` for the body as it is sent.", by("TestBadInputOverHTTP")},
			{"If the limit is exceeded, the server MUST", held, "", by("TestBadInputOverHTTP", "TestEveryFailureIsAStatusInTheFormOfItsRequest")},
			{"The client SHOULD limit", sender, "", nil},
			{"It is RECOMMENDED to use", sender, "", nil},
			{"Implementations SHOULD allow", sender, "", nil},
			{"If the limit is exceeded, the client", sender, "", nil},
		},
		"OTLP/HTTP: OTLP/HTTP Response": {
			{"The response body MUST be the appropriate", held, "", by("TestOTLPOverHTTP", "TestEveryFailureIsAStatusInTheFormOfItsRequest")},
			{"The client MUST limit", sender, "", nil},
			{"It is RECOMMENDED to use", sender, "", nil},
			{"Implementations SHOULD allow", sender, "", nil},
			{"If the limit is exceeded, the client", sender, "", nil},
			{"The server MUST limit the size of the response", held, "No request makes an answer of more than 4 KiB.", by("TestAnswersAreSmall")},
			{"It is RECOMMENDED to use 4 MiB", held, "A thousandth of it.", by("TestAnswersAreSmall")},
			{"Implementations SHOULD allow", deviates, "There is nothing to set: an answer cannot come near the limit.", by("TestAnswersAreSmall")},
			{"For a Partial Success response", held, "Of each reason, the first item is shown, and its place and value are cut.", by("TestAnswersAreSmall", "TestWhatJSONCannotSayCostsItsItem")},
			{"To do so, the server MAY", held, "", by("TestAnswersAreSmall")},
			{"If the response still cannot fit", unused, "It always fits.", nil},
			{"The server MUST set \"Content-Type: application/x-protobuf\"", held, "", by("TestOTLPOverHTTP", "TestEveryFailureIsAStatusInTheFormOfItsRequest")},
			{"The server MUST set \"Content-Type: application/json\"", held, "", by("TestOTLPOverHTTP", "TestEveryFailureIsAStatusInTheFormOfItsRequest")},
			{"The server MUST use the same \"Content-Type\"", held, "A request of another type, or of none, is answered 415 in JSON.", by("TestOTLPOverHTTP", "TestEveryFailureIsAStatusInTheFormOfItsRequest")},
			{"If the request header \"Accept-Encoding: gzip\"", unused, "Most answers have a few bytes, none more than 4 KiB.", nil},
		},
		"OTLP/HTTP: OTLP/HTTP Response: Full Success": {
			{"If the server receives an empty request", held, "", by("TestNothingToStoreIsSuccess", "TestEmptyEnvelopesAreSuccess")},
			{"On success, the server MUST respond", held, "", by("TestOTLPOverHTTP")},
			{"The response body MUST be a Protobuf-encoded", held, "", by("TestOTLPOverHTTP", "TestTheGoSDKSends")},
			{"The server MUST leave the `partial_success`", held, "", by("TestOTLPOverHTTP")},
		},
		"OTLP/HTTP: OTLP/HTTP Response: Partial Success": append([]ruling{
			{"If the request is only partially accepted", held, "", by("TestItemsOutsideTheWindowArePartialSuccess", "TestDamageInOneItemIsPartialSuccess")},
			{"The response body MUST be the same", held, "", by("TestItemsOutsideTheWindowArePartialSuccess")},
		}, partialSuccess()[1:]...),
		"OTLP/HTTP: OTLP/HTTP Response: Failures": {
			{"If the processing of the request fails", held, "", by("TestEveryFailureIsAStatusInTheFormOfItsRequest")},
			{"See the sections below", remark, "", nil},
			{"The response body for all `HTTP 4xx`", held, "", by("TestEveryFailureIsAStatusInTheFormOfItsRequest")},
			{"This specification does not use `Status.code`", held, "It is set, to gRPC's code for the same.", by("TestBadInputOverHTTP")},
			{"The clients are not expected", sender, "", nil},
			{"The `Status.message` field SHOULD", held, "", by("TestEveryFailureIsAStatusInTheFormOfItsRequest", "TestBadInputOverHTTP")},
			{"The server MAY include `Status.details`", held, "ErrorInfo with a code of [error codes](errors.md); RetryInfo, BadRequest.", by("TestEveryFailureIsAStatusInTheFormOfItsRequest", "TestAnUnreadableRequestComesWithItsPlace")},
			{"The server SHOULD use HTTP response status codes", held, "", by("TestOnlyWhatPassesIsToBeRepeated", "TestAFullStreamIsRefused", "TestWithoutNATSNothingIsASuccess")},
			{"The client SHOULD honour", sender, "", nil},
		},
		"OTLP/HTTP: OTLP/HTTP Response: Retryable Response Codes": {
			{"The requests that receive a response status code", held, "What passes by itself is answered 429 or 503.", by("TestOnlyWhatPassesIsToBeRepeated", "TestAFullStreamIsRefused", "TestWithoutNATSNothingIsASuccess")},
			{"All other `4xx` or `5xx`", held, "Nothing that passes by itself is answered by another.", by("TestOnlyWhatPassesIsToBeRepeated", "TestAFullStreamIsRefused", "TestWithoutNATSNothingIsASuccess")},
		},
		"OTLP/HTTP: OTLP/HTTP Response: Bad Data": {
			{"If the processing of the request fails because", held, "Where it can be told which item is bad, it costs that item only, as partial success. A body that did not arrive whole is no bad data: 503.", by("TestBadInputOverHTTP", "TestBadDataComesWithABadRequest", "TestABodyThatWasCutIsToBeSentAgain")},
			{"The `Status.details` field in the response SHOULD", held, "", by("TestBadDataComesWithABadRequest", "TestAnUnreadableRequestComesWithItsPlace")},
			{"The client MUST NOT retry", sender, "", nil},
		},
		"OTLP/HTTP: OTLP/HTTP Response: OTLP/HTTP Throttling": {
			{"If the server receives more requests", held, "More than is allowed is 429 (a tenant over its [quota](quotas.md)), as is what is full; what is away is 503.", by("TestARateIsTheMeanOfWhatATenantSends", "TestAFullStreamIsRefused", "TestWithoutNATSNothingIsASuccess", "TestOnlyWhatPassesIsToBeRepeated")},
			{"The client SHOULD honour", sender, "", nil},
			{"If the client receives a retryable error code", sender, "", nil},
		},
		"OTLP/HTTP: OTLP/HTTP Response: All Other Responses": {
			{"All other HTTP responses", held, "401, 403, 404, 405 with Allow, 413, 415.", by("TestEveryFailureIsAStatusInTheFormOfItsRequest", "TestBadInputOverHTTP", "TestWhoSendsNeedsAKeyThatTheBusHasToldOf")},
			{"If the server disconnects", held, "The same bytes are known again, and stored once.", by("TestARequestWhoseAnswerWasLostIsTheSameWhenItComesAgain")},
			{"The client SHOULD implement", sender, "", nil},
		},
		"OTLP/HTTP: OTLP/HTTP Connection": {
			{"If the client cannot connect", sender, "", nil},
			{"The interval between retries", sender, "", nil},
			{"The client SHOULD keep the connection alive", held, "The server keeps it as well, after a refusal too.", by("TestAConnectionIsKeptBetweenRequests")},
			{"Server implementations SHOULD accept", held, "", by("TestOTLPOverHTTP")},
			{"Server implementations MAY accept OTLP/gRPC and", unused, "Each has its port.", nil},
		},
		"OTLP/HTTP: OTLP/HTTP Concurrent Requests": {
			{"To achieve higher total throughput", held, "", by("TestRequestsAreServedSideBySide")},
			{"In that case, the maximum number", sender, "", nil},
		},
		"OTLP/HTTP: OTLP/HTTP Default Port": {
			{"The default network port for OTLP/HTTP is 4318", held, "", by("TestDefaultsAreThoseOfOTLP")},
		},
		"Multi-Destination Exporting": {
			{"An additional complication", sender, "", nil},
			{"In such a situation", sender, "", nil},
			{"The queues SHOULD", sender, "", nil},
		},
		"Empty Telemetry Envelopes": {
			{"Given that, senders SHOULD NOT", held, "They are taken and nothing is stored.", by("TestEmptyEnvelopesAreSuccess")},
		},
		"Request Acknowledgements: Duplicate Data": {
			{"The client will typically choose to re-send", held, "More than is asked for: a retry is stored once ([guarantees](architecture.md#guarantees)).", by("TestALargeRequestIsSplitAndARetryAddsNothing", "services/writer.TestHoweverARequestIsSentAgainEachItemIsStoredOnce")},
		},
		"Future Versions and Interoperability": {
			{"Future versions of OTLP must", sender, "", nil},
			{"Old clients must be able", held, "", by("TestUnknownFieldsOfJSONChangeNothing", "libs/telemetry.TestUnknownFieldsPassAndStay")},
			{"In that case, the protocol must", sender, "", nil},
			{"When possible, the interoperability MUST", held, "All of OTLP 1.x. What came before it (`instrumentation_library_spans`, 2021) is obsolete and not read.", by("libs/telemetry.TestUnknownFieldsPassAndStay", "TestTheGoSDKSends")},
			{"OTLP (current and future versions)", held, "", by("TestOTLPOverHTTP", "TestOTLPOverGRPC")},
			{"Newer versions of OTLP may add", held, "They pass ingest untouched, but for those of an item, resource, scope or metric of which something is [cut](adr/022-large-values-are-cut.md); storage leaves them out.", by("libs/telemetry.TestUnknownFieldsPassAndStay", "TestUnknownFieldsOfJSONChangeNothing")},
			{"More significant changes must", sender, "", nil},
			{"Such capabilities SHOULD", sender, "", nil},
			{"The exact discovery mechanism", sender, "", nil},
			{"The implementation which supports", unused, "There is no optional capability yet.", nil},
		},

		"common.proto": {
			{"It is valid for all values to be unspecified", held, "An empty value is kept as one, apart from an empty text.", by("services/query.TestSpansComeBackFieldForField", "libs/segment.TestRandomRoundTrip")},
			{"Implementers of OTLP receivers for signals other than Profiling should treat the presence of this value", held, "", by("TestIndexesOfProfilesAreAbsentInOtherSignals")},
			{"Log an error or warning", deviates, "It is processed as if it were absent, and not logged: what a sender does over and over is not to fill the log.", by("TestIndexesOfProfilesAreAbsentInOtherSignals")},
			{"The keys MUST be unique", sender, keysKept, by("libs/segment.TestRandomRoundTrip")},
			{"The key name of the pair", sender, "", nil},
			{"Reference to the string key", sender, "", nil},
			{"Implementers of OTLP receivers for signals other than Profiling should treat the presence of this key", held, "", by("TestIndexesOfProfilesAreAbsentInOtherSignals")},
			{"Attribute keys MUST be unique", sender, keysKept, by("libs/segment.TestRandomRoundTrip")},
			{"The number of attributes that were discarded", held, "Kept with the scope.", by("services/query.TestSpansComeBackFieldForField")},
			{"A reference to an Entity", held, "Still being developed; kept whole with its resource, and not searched by.", by("libs/segment.TestRandomRoundTrip")},
			{"This field obsoletes the schema_url", held, "Both are kept.", by("libs/segment.TestRandomRoundTrip")},
			{"MUST not change during", sender, "", nil},
			{"This field is required and MUST not", sender, "", nil},
			{"The Id must contain", sender, "", nil},
			{"These keys MUST exist", sender, "Entities are kept with their resource as they came, whether or not the keys exist.", nil},
			{"MAY change over", sender, "", nil},
			{"MAY be empty", sender, "", nil},
		},
		"resource.proto": {
			{"Attribute keys MUST be unique", sender, keysKept, by("libs/segment.TestRandomRoundTrip")},
			{"The number of dropped attributes", held, "Kept with the resource.", by("services/query.TestSpansComeBackFieldForField")},
			{"Note: keys in the references", sender, asSent, by("libs/segment.TestRandomRoundTrip")},
		},
		"trace.proto": {
			{"When new fields are added", sender, "", nil},
			{"The Schema URL, if known", held, "Kept, that of the resource and that of the scope; nothing is translated by it.", by("services/query.TestSpansComeBackFieldForField")},
			{"An ID with all zeroes OR of length other than 16", held, "Such a span is refused, as partial success. So is one with a link whose id has a wrong length; a link whose ids are empty or all zeroes is kept (see the data model of traces).", by("libs/telemetry.TestSpansWithoutIDsAreLeftOut", "libs/telemetry.TestDamageCostsItsItemOnly")},
			{"This field is required.", held, "A span without ids is refused; one without a name is kept.", by("libs/telemetry.TestSpansWithoutIDsAreLeftOut")},
			{"An ID with all zeroes OR of length other than 8", held, "", by("libs/telemetry.TestSpansWithoutIDsAreLeftOut", "libs/telemetry.TestDamageCostsItsItemOnly")},
			{"If this is a root span", sender, "", nil},
			{"When creating span messages", held, "Flags are kept whole.", by("services/query.TestReservedBitsAndKeysOfEitherCaseComeBack")},
			{"If creating from a source", sender, "", nil},
			{"Readers MUST NOT assume", held, "", by("services/query.TestReservedBitsAndKeysOfEitherCaseComeBack")},
			{"This field is semantically required to be set", sender, asSent, by("libs/segment.TestRandomRoundTrip")},
			{"Implementations MAY assume SpanKind", unused, "What was not said is not guessed.", nil},
			{"This field is semantically required and it is expected", sender, asSent, by("libs/segment.TestRandomRoundTrip")},
			{"Attribute keys MUST be unique", sender, keysKept, by("libs/segment.TestRandomRoundTrip")},
			{"The number of dropped attributes", held, "Kept.", by("services/query.TestSpansComeBackFieldForField", "libs/segment.TestRandomRoundTrip")},
			{"The number of dropped events", held, "Kept.", by("services/query.TestSpansComeBackFieldForField", "libs/segment.TestRandomRoundTrip")},
			{"When creating new spans", sender, "", nil},
			{"The number of dropped links", held, "Kept.", by("services/query.TestSpansComeBackFieldForField", "libs/segment.TestRandomRoundTrip")},
			{"Older Span producers", held, "", by("services/query.TestSpansComeBackFieldForField")},
			{"Should not be used for comparisons", sender, "", nil},
		},
		"metrics.proto": {
			{"When new fields are added", sender, "", nil},
			{"The Schema URL, if known", held, "Kept, that of the resource and that of the scope; nothing is translated by it.", by("services/query.TestPointsComeBackFieldForField")},
			{"TimeUnixNano is required, set to", sender, "", nil},
			{"This field is required, having", sender, "", nil},
			{"Data points with the 0 value for TimeUnixNano SHOULD be rejected", held, "Whatever `admit.max_age` says.", by("TestAPointWithoutATimeIsRefused")},
			{"This field indicates to consumers", sender, "", nil},
			{"Consumers SHOULD NOT need", held, "They are kept with the metric, and no answer depends on them.", by("services/query.TestPointsComeBackFieldForField")},
			{"These attributes MAY be used", sender, "", nil},
			{"Attribute keys MUST be unique", sender, keysKept, by("libs/segment.TestRandomRoundTrip")},
			{"It should be used for an", sender, "", nil},
			{"While they can be useful", sender, "", nil},
			{"UNSPECIFIED is the default AggregationTemporality", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"Because of this, the sender", sender, "", nil},
			{"If this state is lost", sender, "", nil},
			{"Note: Even though, when reporting", sender, "", nil},
			{"Should not be used for comparisons", sender, "", nil},
			{"This value SHOULD be used", sender, "", nil},
			{"TimeUnixNano is required, see", held, "", by("TestAPointWithoutATimeIsRefused")},
			{"A point is considered invalid", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"If the histogram contains the distribution", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"If the histogram does not contain", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"Must be non-negative", sender, "", nil},
			{"This value must be equal to the sum of the \"count\"", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"If count is zero", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"Note: Sum should only", sender, "", nil},
			{"Negative events *can*", sender, "", nil},
			{"The sum of the bucket_counts", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"The number of elements", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"The exception to this rule", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"The values in the explicit_bounds", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"If bucket_counts length is 0", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"This value must be equal to the sum of the \"bucket_counts\"", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"Implementations MAY consider", unused, "Nothing is computed from the buckets of a point.", nil},
			{"Must be in the interval", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"Quantile values must NOT", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"The quantiles must be strictly", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
			{"Only key/value pairs", sender, "", nil},
			{"An exemplar is considered invalid", sender, asSent, by("libs/segment.TestRandomRoundTrip", "services/query.TestPointsComeBackFieldForField")},
		},
		"logs.proto": {
			{"When new fields are added", sender, "", nil},
			{"The Schema URL, if known", held, "Kept, that of the resource and that of the scope; nothing is translated by it.", by("services/query.TestLogsComeBackFieldForField")},
			{"Should not be used for comparisons", sender, "", nil},
			{"This field MUST be set once", held, "A record without any time is given the time at which it arrived.", by("TestALogWithoutAnyTimeIsObservedNow", "libs/telemetry.TestALogWithoutTimeTakesTheObservedOne")},
			{"For converting OpenTelemetry log data", held, "Both times are kept; a record stands where this rule says.", by("libs/segment.TestLogWithoutTimeIsTakenWhenObserved")},
			{"Attribute keys MUST be unique", sender, keysKept, by("libs/segment.TestRandomRoundTrip")},
			{"Flags, a bit field", sender, "", nil},
			{"Readers must not assume", held, "Flags are kept whole.", by("services/query.TestReservedBitsAndKeysOfEitherCaseComeBack")},
			{"An ID with all zeroes OR of length other than 16", held, "", by("TestARecordWithABadIDBelongsToNoTrace")},
			{"The receivers SHOULD assume that the log record is not associated with a trace", held, "", by("TestARecordWithABadIDBelongsToNoTrace")},
			{"An ID with all zeroes OR of length other than 8", held, "", by("TestARecordWithABadIDBelongsToNoTrace")},
			{"This field is optional. If the sender", sender, "", nil},
			{"The receivers SHOULD assume that the log record is not associated with a span", held, "", by("TestARecordWithABadIDBelongsToNoTrace")},
			{"Recommended to be fully qualified", sender, "", nil},
		},
		"trace_service.proto":   serviceFile(),
		"metrics_service.proto": serviceFile(),
		"logs_service.proto":    serviceFile(),
	}
}

// dataModel is what OpenTelemetry's data model asks of who receives telemetry: sentences of another repository, chosen by hand.
func dataModel() []section {
	entry := func(status status, text, why string, tests ...string) rule {
		return rule{text: text, ruling: ruling{text, status, why, tests}}
	}
	return []section{
		{title: "Data model: values and attributes", path: "specification/common/README.md", rules: []rule{
			entry(held, "AnyValues expressing an empty value, a numerical value of zero, an empty string, or an empty array are considered meaningful and MUST be stored and passed on to processors / exporters.",
				"", "services/query.TestSpansComeBackFieldForField", "libs/segment.TestRandomRoundTrip"),
			entry(held, "`null` values within arrays MUST be preserved as-is", "", "services/query.TestSpansComeBackFieldForField"),
			entry(deviates, "Arbitrary deep nesting of values for arrays and maps is allowed", "To 64 in one another; what is deeper costs its item, as partial success, so that no reader of it runs out of stack.",
				"libs/otlp.TestNestingHasOneLimit", "TestDamageInOneItemIsPartialSuccess"),
			entry(held, "Case sensitivity of keys MUST be preserved.", "", "services/query.TestReservedBitsAndKeysOfEitherCaseComeBack"),
			entry(sender, "The attribute key MUST be a non-`null` and non-empty string.", asSent, "libs/segment.TestRandomRoundTrip"),
		}},
		{title: "Data model: traces", path: "specification/trace/api.md", rules: []rule{
			entry(held, "Implementations SHOULD record links containing `SpanContext` with empty `TraceId` or `SpanId` (all zeros) as long as either the attribute set or `TraceState` is non-empty.",
				"Kept with and without these.", "libs/telemetry.TestSpansWithoutIDsAreLeftOut", "services/query.TestReservedBitsAndKeysOfEitherCaseComeBack"),
			entry(held, "Events SHOULD preserve the order in which they are recorded.", "", "services/query.TestSpansComeBackFieldForField", "libs/segment.TestRandomRoundTrip"),
			entry(held, "Span SHOULD preserve the order in which `Link`s are set.", "", "services/query.TestSpansComeBackFieldForField", "libs/segment.TestRandomRoundTrip"),
		}},
		{title: "Data model: logs", path: "specification/logs/data-model.md", rules: []rule{
			entry(held, "Body MUST support AnyValue", "", "services/query.TestLogsComeBackFieldForField"),
			entry(held, "`SeverityNumber=0` MAY be used to represent an unspecified value.", "It comes back as 0.", "services/query.TestLogsComeBackFieldForField"),
			entry(held, "Special handling MAY be given to `SeverityNumber=0`", "Where the text is a word that loggers use for one, the record is filtered and counted by that number.",
				"services/query.TestSeverityByTextAlone"),
		}},
		{title: "Data model: metrics", path: "specification/metrics/data-model.md", rules: []rule{
			entry(unused, "Consumers MAY reject OpenTelemetry Metrics data containing semantic errors (i.e., more than one `Metric` identity for a given `name`, `Resource`, and `Scope`).",
				"They are two metrics of one name."),
			entry(unused, "Consumers MAY round the unrepresentable boundary of a partially representable bucket index to the nearest representable value.", "Boundaries are not computed."),
			entry(unused, "For delta monotonic sums, this means the reader SHOULD expect non-negative values.", "Nothing is computed from the values of a sum; what breaks this is kept and shown as it was sent."),
			entry(unused, "For cumulative monotonic sums, this means the reader SHOULD expect values that are not less than the previous value.", "As above."),
			entry(deviates, "Consumers SHOULD reject ExponentialHistogram data with `scale` and bucket indexes that overflow or underflow this representation.",
				"Kept as sent: nothing is computed from buckets, and who reads them sees what was sent.", "libs/segment.TestRandomRoundTrip"),
			entry(unused, "Consumers that reject such data SHOULD warn the user through error logging that out-of-range data was received.", "It is not rejected."),
			entry(deviates, "It serves as an indicator that a previously present timeseries was removed and that this timeseries SHOULD NOT be returned in queries after such an indicator was received.",
				"Answers list the points that were sent, that with the flag among them, and compute nothing from a series: who draws it ends it there.", "services/query.TestPointsComeBackFieldForField"),
			entry(deviates, "If this flag is set, all other data point properties except attributes, time stamps, or time windows, SHOULD be ignored.",
				"They are kept beside the flag, as sent.", "services/query.TestPointsComeBackFieldForField"),
			entry(deviates, "Receivers SHOULD presume a single writer was intended and eliminate overlap / deduplicate.",
				"A retry is stored once; points of two writers are both kept, because dropping one of them would hide the misconfiguration.", "TestWhatIsTakenForARepeatIsSaid"),
			entry(deviates, "When there are overlapping points, receivers SHOULD eliminate points so that there are no overlaps.", "As above.", "TestWhatIsTakenForARepeatIsSaid"),
			entry(sender, "OpenTelemetry collectors SHOULD export telemetry when they observe overlapping points in data streams, so that the user can monitor for erroneous configurations.",
				"It binds who passes points on."),
			entry(sender, "In this case, OpenTelemetry collectors SHOULD modify points at the change-over using interpolation for Sum data points, to reduce gaps to zero width in these cases, without any overlap.",
				"It binds who passes points on; what is stored is what was sent."),
		}},
	}
}
