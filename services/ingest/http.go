package ingest

import (
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"github.com/ollyscale/ollyscale/libs/auth"
	"github.com/ollyscale/ollyscale/libs/fault"
	"github.com/ollyscale/ollyscale/libs/httpserver"
	"github.com/ollyscale/ollyscale/libs/telemetry"
)

// profilesPath is where OTLP/HTTP has profiles, whose format is still being developed.
const profilesPath = "/v1development/profiles"

func noProfiles() error {
	return errProfiles.New("profiles are not taken: traces, logs and metrics are")
}

func (s *Service) routes() {
	e := s.http.Echo
	for _, signal := range telemetry.Signals() {
		e.POST("/v1/"+signal.String(), func(c echo.Context) error { return s.export(c, signal) })
		e.POST("/api/"+signal.String(), func(c echo.Context) error { return s.send(c, signal) })
	}
	e.POST(profilesPath, func(echo.Context) error { return noProfiles() })
	e.HTTPErrorHandler = func(err error, c echo.Context) {
		s.noteRefusal(c.Request().Context(), "http", c.Request().Header.Get(auth.TenantHeader), err)
		if path := c.Request().URL.Path; strings.HasPrefix(path, "/v1/") || path == profilesPath {
			s.refuse(c, err)
			return
		}
		if _, ok := errors.AsType[*overQuotaError](err); ok { // of others, WriteProblem says it
			c.Response().Header().Set(echo.HeaderRetryAfter, waitHeader(err))
		}
		httpserver.WriteProblem(c, s.env.Log, err)
	}
}

// export is POST /v1/{signal}: OTLP/HTTP.
func (s *Service) export(c echo.Context, signal telemetry.Signal) error {
	contentType := s.contentType(c.Request())
	if contentType != typeProtobuf && contentType != typeJSON {
		return unsupported(c.Request(), typeProtobuf+" or "+typeJSON)
	}
	r, err := s.receive(c, signal, contentType)
	if err != nil {
		return err
	}
	if contentType == typeJSON {
		return c.Blob(http.StatusOK, typeJSON, exportResponseJSON(signal, r))
	}
	return c.Blob(http.StatusOK, typeProtobuf, exportResponse(r))
}

// send is POST /api/{signal}: OTLP JSON for clients that are no OTLP exporters.
func (s *Service) send(c echo.Context, signal telemetry.Signal) error {
	contentType := s.contentType(c.Request())
	if contentType != typeJSON {
		return unsupported(c.Request(), typeJSON)
	}
	r, err := s.receive(c, signal, contentType)
	if err != nil {
		return err
	}
	answer := struct {
		Status   string `json:"status"`
		Accepted int    `json:"accepted"`
		Rejected int    `json:"rejected"`
		Repeated int    `json:"repeated,omitempty"`
		Message  string `json:"message,omitempty"`
		Position string `json:"position,omitempty"`
	}{Status: "accepted", Accepted: r.accepted, Rejected: r.rejected, Repeated: r.repeats, Message: r.message}
	if r.position > 0 {
		answer.Position = strconv.FormatUint(r.position, 10)
	}
	return c.JSON(http.StatusAccepted, answer)
}

// receive reads a request and takes it; the position is set as a header.
func (s *Service) receive(c echo.Context, signal telemetry.Signal, contentType string) (receipt, error) {
	request := c.Request()
	id, err := s.auth.Identify(request.Context(), auth.Header(request.Header), auth.Ingest)
	if err != nil {
		return receipt{}, err
	}
	v, err := s.quotas.enter(peerOf(request.Context().Value(http.LocalAddrContextKey)), id, signal)
	if err != nil {
		return receipt{}, err
	}
	defer v.leave()
	b, err := s.read(request.Context(), v, incoming{
		source: request.Body, announced: request.ContentLength, encoding: request.Header.Get("Content-Encoding"),
	}, s.cfg.MaxRequestBytes)
	if err != nil {
		return receipt{}, err
	}
	defer s.release(&b)
	payload := b.bytes
	var refused telemetry.Refusals
	if contentType == typeJSON {
		// Parsed JSON takes several times its size. A request that is alone is always taken.
		parsed := min(4*int64(len(payload)), s.budget.largest()-b.reserved)
		if err := s.reserve(v, parsed, s.budget.most(parsed)); err != nil {
			return receipt{}, err
		}
		payload, refused, err = fromJSON(signal, payload, s.cfg.MaxRequestBytes)
		kept := int64(cap(payload)) // until the bus has answered, as the body is
		s.free(v, parsed-kept)
		b.reserved += kept
		if err != nil {
			v.spoil(s.env.Now(), len(b.bytes), err)
			return receipt{}, err
		}
	}
	r, err := s.take(request.Context(), v, b.bytes, payload, refused)
	if err != nil {
		return receipt{}, err
	}
	if r.position > 0 {
		c.Response().Header().Set(positionHeader, strconv.FormatUint(r.position, 10))
	}
	return r, nil
}

// refuse answers an OTLP/HTTP request with google.rpc.Status in the request's content type.
func (s *Service) refuse(c echo.Context, err error) {
	problem := httpserver.ProblemOf(err)
	httpserver.LogProblem(c, s.env.Log, problem, err)
	if c.Response().Committed {
		return
	}
	switch problem.Status {
	case http.StatusServiceUnavailable, http.StatusTooManyRequests:
		c.Response().Header().Set(echo.HeaderRetryAfter, waitHeader(err))
	case http.StatusUnauthorized:
		c.Response().Header().Set(echo.HeaderWWWAuthenticate, `Bearer realm="ollyscale"`)
	}
	contentType := mediaType(c.Request())
	if contentType != typeProtobuf {
		contentType = typeJSON
	}
	body, err := statusBody(contentType, problem, fault.From(err))
	if err == nil {
		_ = c.Blob(problem.Status, contentType, body) // fails when the client is gone
	}
}

// contentType is the media type that a body is read as: that of its header, but for JSON of navigator.sendBeacon, which a page sends as
// text/plain when it is left. A browser asks nobody whether it may send such text to this port, so that it is taken from known pages only.
func (s *Service) contentType(r *http.Request) string {
	contentType := mediaType(r)
	if contentType == echo.MIMETextPlain && s.cfg.Beacons && s.cfg.HTTP.Allows(r.Header.Get(echo.HeaderOrigin)) {
		return typeJSON
	}
	return contentType
}

// mediaType is the request's content type without parameters, in lower case.
func mediaType(r *http.Request) string {
	header := r.Header.Get(echo.HeaderContentType)
	if header == typeProtobuf || header == typeJSON {
		return header
	}
	parsed, _, err := mime.ParseMediaType(header)
	if err != nil {
		return ""
	}
	if parsed == "application/protobuf" { // registered since, and sent by some
		return typeProtobuf
	}
	return parsed
}

func unsupported(r *http.Request, want string) error {
	header := r.Header.Get(echo.HeaderContentType)
	if header == "" {
		return httpserver.ErrMediaType.Newf("the request has no Content-Type: want %s", want)
	}
	return httpserver.ErrMediaType.Newf("Content-Type %s is not taken here: want %s", printable(header), want)
}
