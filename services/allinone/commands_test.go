package allinone

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/ollyscale/ollyscale/libs/telemetry"
	"github.com/ollyscale/ollyscale/libs/testbed"
)

// TestWhatTheDocumentsSendIsTaken sends the examples of ingest to each of its operations, as docs/api.yaml has them but for their day, and then each command
// with curl that stands in a document to the API.
func TestWhatTheDocumentsSendIsTaken(t *testing.T) {
	t.Parallel()
	c := config(t, tempDir(t))
	_, _, stop := up(t, c)
	defer stop()
	sent := sendExamples(t, c)
	require.Equal(t, 6, sent)

	var found struct {
		Logs []struct {
			ID   string `json:"id"`
			Time string `json:"time_unix_nano"`
		} `json:"logs"`
	}
	now := time.Now().UTC()
	question := fmt.Sprintf(`{"time_range":{"start_time":%q,"end_time":%q}}`, now.Add(-time.Hour).Format(time.RFC3339), now.Add(time.Hour).Format(time.RFC3339))
	testbed.Eventually(t, "the log records of the examples", func() bool {
		ask(t, c, http.MethodPost, "/api/logs/search", question, &found)
		return len(found.Logs) > 0
	})
	places := strings.NewReplacer("4711.12", found.Logs[0].ID, "1795428000000000000", found.Logs[0].Time, "http://127.0.0.1:8080", "http://"+c.Query.HTTP.Address)
	ran := 0
	for _, pattern := range []string{"README.md", "docs/*.md", "docs/api.yaml"} {
		files, err := filepath.Glob(filepath.Join(testbed.Root(t), filepath.FromSlash(pattern)))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			for _, at := range regexp.MustCompile(`(?m)^ *curl -`).FindAllIndex(text, -1) {
				words := shellWords(t, strings.TrimLeft(string(text[at[0]:]), " "))
				request := curl(t, words)
				if !strings.HasPrefix(request.URL.String(), "http://127.0.0.1:8080/") {
					continue // the port of operations, behind a variable
				}
				ran++
				to, err := url.Parse(places.Replace(request.URL.String()))
				require.NoError(t, err)
				request.URL, request.Host = to, to.Host
				response, err := http.DefaultClient.Do(request)
				require.NoError(t, err, words)
				if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") { // which does not end
					body, err := io.ReadAll(response.Body)
					require.NoError(t, err)
					require.Less(t, response.StatusCode, 300, "%s: %s: %s", file, words, body)
				}
				require.Less(t, response.StatusCode, 300, "%s: %s", file, words)
				require.NoError(t, response.Body.Close())
			}
		}
	}
	require.Greater(t, ran, 10, "commands with curl are found")
}

// sendExamples sends each example of a request to the operations of ingest that take its signal; they are as old as the contract, and happen a minute ago.
func sendExamples(t *testing.T, c Config) (sent int) {
	t.Helper()
	var doc struct {
		Paths      map[string]map[string]any `yaml:"paths"`
		Components struct {
			RequestBodies struct {
				Send struct {
					Content map[string]struct {
						Examples map[string]struct {
							Value any `yaml:"value"`
						} `yaml:"examples"`
					} `yaml:"content"`
				} `yaml:"Send"` //nolint:tagliatelle // as the contract names it
			} `yaml:"requestBodies"`
		} `yaml:"components"`
	}
	page, err := os.ReadFile(filepath.Join(testbed.Root(t), "docs", "api.yaml"))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(page, &doc))
	written := time.Date(2026, 11, 23, 10, 15, 0, 0, time.UTC)
	shift := time.Since(written).Truncate(time.Second) - time.Minute
	nanos := regexp.MustCompile(`"1795\d{15}"`)
	for _, signal := range telemetry.Signals() {
		value, err := json.Marshal(doc.Components.RequestBodies.Send.Content["application/json"].Examples[signal.String()].Value)
		require.NoError(t, err)
		body := nanos.ReplaceAllStringFunc(string(value), func(s string) string {
			n, err := strconv.ParseInt(strings.Trim(s, `"`), 10, 64)
			require.NoError(t, err)
			return fmt.Sprintf(`"%d"`, n+int64(shift))
		})
		require.NotEqual(t, string(value), body)
		for _, path := range []string{"/v1/" + signal.String(), "/api/" + signal.String()} {
			require.Contains(t, doc.Paths[path], "post")
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+c.Ingest.HTTP.Address+path, strings.NewReader(body))
			require.NoError(t, err)
			r.Header.Set("Content-Type", "application/json")
			response, err := http.DefaultClient.Do(r)
			require.NoError(t, err)
			text, err := io.ReadAll(response.Body)
			require.NoError(t, err)
			require.NoError(t, response.Body.Close())
			require.Less(t, response.StatusCode, 300, "%s: %s", path, text)
			var answer struct {
				Accepted int `json:"accepted"`
				Rejected int `json:"rejected"`
				Partial  any `json:"partialSuccess"`
			}
			require.NoError(t, json.Unmarshal(text, &answer))
			require.Nil(t, answer.Partial, "%s: %s", path, text)
			if strings.HasPrefix(path, "/api/") {
				require.Positive(t, answer.Accepted)
				require.Zero(t, answer.Rejected)
			}
			sent++
		}
	}
	return sent
}

// shellWords are the words of the command with which a text begins, as a shell has them; variables stand for nothing.
func shellWords(t *testing.T, text string) (words []string) {
	t.Helper()
	var word strings.Builder
	inWord := false
	end := func() {
		if inWord {
			words = append(words, word.String())
		}
		word.Reset()
		inWord = false
	}
	for i := 0; i < len(text); i++ {
		switch ch := text[i]; {
		case ch == '\'':
			length := strings.IndexByte(text[i+1:], '\'')
			require.GreaterOrEqual(t, length, 0, "a quote without its end: %.80s", text)
			word.WriteString(text[i+1 : i+1+length])
			inWord, i = true, i+1+length
		case ch == '"':
			length := strings.IndexByte(text[i+1:], '"')
			require.GreaterOrEqual(t, length, 0, "a quote without its end: %.80s", text)
			word.WriteString(variable.ReplaceAllString(text[i+1:i+1+length], ""))
			inWord, i = true, i+1+length
		case ch == '\\' && i+1 < len(text) && text[i+1] == '\n':
			i++
		case ch == ' ':
			end()
		case strings.IndexByte("\n;|&#", ch) >= 0:
			end()
			return words
		default:
			word.WriteByte(ch)
			inWord = true
		}
	}
	end()
	return words
}

var variable = regexp.MustCompile(`\$[A-Z]+`)

// curl is the request that curl makes of its words, of which it knows those that the documents use.
func curl(t *testing.T, words []string) *http.Request {
	t.Helper()
	method, target, data, header, inQuery := "", "", []string{}, http.Header{}, false
	for i := 1; i < len(words); i++ {
		value := func() string {
			i++
			require.Less(t, i, len(words), words)
			return words[i]
		}
		switch word := words[i]; {
		case word == "-s", word == "-N":
		case word == "-G":
			inQuery = true
		case word == "-X":
			method = value()
		case word == "-o":
			_ = value()
		case word == "-d":
			data = append(data, value())
		case word == "--data-urlencode":
			name, text, found := strings.Cut(value(), "=")
			require.True(t, found, words)
			data = append(data, name+"="+url.QueryEscape(text))
		case word == "-H":
			name, text, found := strings.Cut(value(), ": ")
			require.True(t, found, words)
			if text != "" { // of a variable
				header.Set(name, text)
			}
		default:
			require.False(t, strings.HasPrefix(word, "-"), "%s: the test does not know %s", words, word)
			require.Empty(t, target, words)
			require.False(t, strings.ContainsAny(word, "[]{}"), "%s: curl reads brackets in an address as a list of addresses", word)
			target = word
		}
	}
	body := strings.Join(data, "&")
	if inQuery {
		target, body = target+"?"+body, ""
	}
	if method == "" {
		method = map[bool]string{true: http.MethodPost, false: http.MethodGet}[body != ""]
	}
	request, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	require.NoError(t, err)
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded") // which curl says unless it is told otherwise
	}
	for name := range header {
		request.Header.Set(name, header.Get(name))
	}
	return request
}
