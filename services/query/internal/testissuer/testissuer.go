// Package testissuer is an identity provider (OpenID Connect) for tests: discovery, the authorization code flow with PKCE, tokens that are
// signed, keys that change, and logout. It checks what a real one does: the client, the address to come back to, that a code is used once
// and by who began. It lets in whoever says to be one of its people, so that it is good for tests alone.
package testissuer

import (
	"cmp"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Claims are what a token says of somebody.
type Claims = map[string]any

// Issuer is an identity provider. Its exported fields are set before it serves; Change is for later.
type Issuer struct {
	URL      string // what it calls itself
	ClientID string
	Secret   string            // "" for a public client
	Redirect string            // the only address that it leads back to
	Logout   string            // the only one that it leads to after logout
	People   map[string]Claims // by the name that one logs in with
	Now      func() time.Time

	mu       sync.Mutex
	behave   Behaviour
	key      signer   // by which it signs
	keys     []signer // that it shows
	codes    map[string]grant
	requests map[string]int // by path
}

// Behaviour is what a test wants of it.
type Behaviour struct {
	LogIn    string       // who is logged in without being asked; "" for asking
	Away     bool         // it answers 503
	KeysAway bool         // its keys alone do
	HangUp   bool         // it ends the connection without an answer
	Refuse   bool         // people are not let through
	Change   func(Claims) // changes what the next tokens say
	Life     time.Duration
}

type signer struct {
	id        string
	algorithm jose.SignatureAlgorithm
	private   crypto.Signer
}

type grant struct {
	person, nonce, challenge string
}

// Change changes its behaviour.
func (i *Issuer) Change(f func(*Behaviour)) {
	i.mu.Lock()
	defer i.mu.Unlock()
	f(&i.behave)
}

// Requests is how many there were for a path.
func (i *Issuer) Requests(path string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.requests[path]
}

// Rotate signs by a new key from now on, and shows no other.
func (i *Issuer) Rotate(algorithm jose.SignatureAlgorithm) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.key = newSigner(algorithm)
	i.keys = []signer{i.key}
}

// Forget shows none of its keys, and goes on signing by the last one.
func (i *Issuer) Forget() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.keys = []signer{newSigner(jose.ES256)}
}

func newSigner(algorithm jose.SignatureAlgorithm) signer {
	var private crypto.Signer
	var err error
	if algorithm == jose.ES256 {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		panic(err)
	}
	return signer{rand.Text(), algorithm, private}
}

// Sign makes a token that says claims of somebody, beside those that every token has.
func (i *Issuer) Sign(claims Claims) string {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.sign(claims)
}

func (i *Issuer) sign(claims Claims) string {
	if i.key.private == nil {
		i.key = newSigner(jose.RS256)
		i.keys = []signer{i.key}
	}
	now, life := i.Now(), i.behave.Life
	if life == 0 {
		life = 5 * time.Minute
	}
	all := Claims{"iss": i.URL, "aud": i.ClientID, "iat": now.Unix(), "exp": now.Add(life).Unix()}
	maps.Copy(all, claims)
	if i.behave.Change != nil {
		i.behave.Change(all)
	}
	payload, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	options := (&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", i.key.id)
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: i.key.algorithm, Key: i.key.private}, options)
	if err != nil {
		panic(err)
	}
	signed, err := s.Sign(payload)
	if err != nil {
		panic(err)
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		panic(err)
	}
	return text
}

// ServeHTTP answers as an identity provider.
func (i *Issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.requests == nil {
		i.requests = map[string]int{}
	}
	i.requests[r.URL.Path]++
	if i.behave.Away || i.behave.KeysAway && r.URL.Path == "/keys" {
		http.Error(w, "away", http.StatusServiceUnavailable)
		return
	}
	if i.behave.HangUp {
		panic(http.ErrAbortHandler)
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(w, http.StatusOK, map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token", "jwks_uri": i.URL + "/keys",
			"end_session_endpoint": i.URL + "/logout", "response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
			"id_token_signing_alg_values_supported": []string{"RS256", "ES256", "HS256", "none"},
		})
	case "/keys":
		i.showKeys(w)
	case "/authorize":
		i.authorize(w, r)
	case "/token":
		i.token(w, r)
	case "/logout":
		if to := r.FormValue("post_logout_redirect_uri"); to == i.Logout && r.FormValue("client_id") == i.ClientID {
			http.Redirect(w, r, i.Logout, http.StatusFound)
			return
		}
		http.Error(w, "that is nowhere to go", http.StatusBadRequest)
	default:
		http.NotFound(w, r)
	}
}

func (i *Issuer) showKeys(w http.ResponseWriter) {
	set := jose.JSONWebKeySet{}
	for _, k := range i.keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.private.Public(), KeyID: k.id, Algorithm: string(k.algorithm), Use: "sig"})
	}
	answer(w, http.StatusOK, set)
}

var page = template.Must(template.New("").Parse( //nolint:gochecknoglobals // a constant
	`<!doctype html><html lang="en"><title>Test provider</title><link rel="icon" href="data:,">
<body style="font-family: sans-serif; max-width: 24rem; margin: 4rem auto"><h1>Test provider</h1><p>Who are you?</p>
<ul>{{range .}}<li><a href="{{.URL}}">{{.Name}}</a></li>{{end}}</ul></body></html>`))

// authorize asks who somebody is, and leads back with a code.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("client_id") != i.ClientID || q.Get("redirect_uri") != i.Redirect || q.Get("response_type") != "code" {
		http.Error(w, "unknown client, or nowhere that it may be led back to", http.StatusBadRequest)
		return
	}
	back := url.Values{"state": {q.Get("state")}}
	person := cmp.Or(q.Get("person"), i.behave.LogIn)
	switch {
	case q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "" || q.Get("nonce") == "" || q.Get("state") == "":
		back.Set("error", "invalid_request")
	case i.behave.Refuse:
		back.Set("error", "access_denied")
	case person == "":
		i.ask(w, r)
		return
	default:
		code := rand.Text()
		if i.codes == nil {
			i.codes = map[string]grant{}
		}
		i.codes[code] = grant{person, q.Get("nonce"), q.Get("code_challenge")}
		back.Set("code", code)
	}
	http.Redirect(w, r, i.Redirect+"?"+back.Encode(), http.StatusFound)
}

func (i *Issuer) ask(w http.ResponseWriter, r *http.Request) {
	type choice struct{ Name, URL string }
	var list []choice
	for _, name := range slices.Sorted(maps.Keys(i.People)) {
		u := *r.URL
		q := u.Query()
		q.Set("person", name)
		u.RawQuery = q.Encode()
		list = append(list, choice{name, u.RequestURI()})
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_ = page.Execute(w, list)
}

// token exchanges a code for tokens, once.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	id, secret, basic := r.BasicAuth()
	if basic { // RFC 6749, 2.3.1: both as in a form
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != i.ClientID || secret != i.Secret {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	code := r.PostFormValue("code")
	g, ok := i.codes[code]
	delete(i.codes, code)
	verifier := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || r.PostFormValue("grant_type") != "authorization_code" || r.PostFormValue("redirect_uri") != i.Redirect ||
		base64.RawURLEncoding.EncodeToString(verifier[:]) != g.challenge {
		answer(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	claims := Claims{"sub": "sub-" + g.person, "nonce": g.nonce}
	maps.Copy(claims, i.People[g.person])
	answer(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "access_token": rand.Text(), "expires_in": 300, "id_token": i.sign(claims),
	})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		panic(fmt.Sprint("test issuer: ", err))
	}
}
