package issuer

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

func open(t *testing.T, folder string) *Issuer {
	t.Helper()
	i, err := Open(folder, "http://127.0.0.1:8080", "local-app", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func claims(t *testing.T, i *Issuer, token string) map[string]any {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatal(err)
	}
	set := i.JWKS()
	keys := set.Key(parsed.Headers[0].KeyID)
	if len(keys) != 1 || !keys[0].IsPublic() {
		t.Fatalf("the key set has %d public keys for this token", len(keys))
	}
	var c map[string]any
	if err := parsed.Claims(keys[0], &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// An access token holds exactly Cognito's claims: code that leans on an aud or an e-mail must fail here already.
func TestAccessClaims(t *testing.T) {
	i := open(t, t.TempDir())
	c := claims(t, i, i.Access("billing"))
	var names []string
	for k := range c {
		names = append(names, k)
	}
	slices.Sort(names)
	want := []string{"auth_time", "client_id", "exp", "iat", "iss", "jti", "origin_jti", "scope", "sub", "token_use", "username"}
	if !slices.Equal(names, want) {
		t.Errorf("claims %v, want %v", names, want)
	}
	if c["token_use"] != "access" || c["iss"] != "http://127.0.0.1:8080" || c["client_id"] != "local-app" || c["sub"] != Subject("billing") {
		t.Errorf("claims %v", c)
	}
	if life := c["exp"].(float64) - c["iat"].(float64); life != 3600 {
		t.Errorf("lives %v s", life)
	}
}

// Signing in again after a restart is not needed, and a member stays the same member.
func TestRestart(t *testing.T) {
	folder := t.TempDir()
	token := open(t, folder).Access("owner")
	again := open(t, folder)
	if c := claims(t, again, token); c["sub"] != Subject("owner") {
		t.Errorf("sub %v", c["sub"])
	}
	// The member records of existing data folders are keyed by these subjects.
	if s := Subject("owner"); s != "ee97601c-ade1-5791-a764-33ed05f8ff61" {
		t.Errorf("the owner's subject has become %s", s)
	}
	seen := map[string]bool{}
	for _, r := range Roles {
		seen[Subject(r)] = true
	}
	if len(seen) != len(Roles) {
		t.Error("two roles share a subject")
	}
}

func TestTokenByHTTP(t *testing.T) {
	s := &Server{Issuer: open(t, t.TempDir())}
	mux := http.NewServeMux()
	s.Routes(mux)
	for body, status := range map[string]int{`{"role":"viewer"}`: 200, `{"role":"root"}`: 422, `{}`: 422, `role`: 400} {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest("POST", "/_local/token", strings.NewReader(body)))
		if w.Code != status {
			t.Errorf("%s: %d, want %d", body, w.Code, status)
		}
		if status == 200 {
			var out struct{ AccessToken string }
			json.Unmarshal(w.Body.Bytes(), &out)
			if c := claims(t, s.Issuer, out.AccessToken); c["username"] != Subject("viewer") {
				t.Errorf("claims %v", c)
			}
		}
	}
}

// The app signs in with one click: a code for a role, exchanged once, by the one who asked.
func TestSignIn(t *testing.T) {
	s := &Server{Issuer: open(t, t.TempDir())}
	mux := http.NewServeMux()
	s.Routes(mux)
	verifier := strings.Repeat("v", 43)
	sum := sha256.Sum256([]byte(verifier))
	ask := url.Values{"client_id": {"local-app"}, "redirect_uri": {s.URL + "/callback"}, "response_type": {"code"}, "state": {"st"},
		"nonce": {"n"}, "code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"}}

	do := func(method, path string, form url.Values) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		return w
	}
	if w := do("GET", "/_local/authorize?"+ask.Encode(), nil); w.Code != 200 || !strings.Contains(w.Body.String(), "Continue as sales") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	foreign := url.Values{}
	for k, v := range ask {
		foreign[k] = v
	}
	foreign.Set("redirect_uri", "https://elsewhere.example/callback")
	if w := do("GET", "/_local/authorize?"+foreign.Encode(), nil); w.Code != 400 {
		t.Errorf("a foreign redirect: %d", w.Code)
	}
	code := func() string {
		ask.Set("role", "sales")
		w := do("POST", "/_local/authorize", ask)
		to, err := url.Parse(w.Header().Get("Location"))
		if err != nil || w.Code != 303 || to.Query().Get("state") != "st" {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
		return to.Query().Get("code")
	}
	change := func(code, verifier string) *httptest.ResponseRecorder {
		return do("POST", "/_local/oauth/token", url.Values{"grant_type": {"authorization_code"}, "code": {code},
			"redirect_uri": {s.URL + "/callback"}, "client_id": {"local-app"}, "code_verifier": {verifier}})
	}
	c := code()
	w := change(c, verifier)
	var out map[string]any
	json.Unmarshal(w.Body.Bytes(), &out)
	if w.Code != 200 || claims(t, s.Issuer, out["access_token"].(string))["sub"] != Subject("sales") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if id := claims(t, s.Issuer, out["id_token"].(string)); id["aud"] != "local-app" || id["nonce"] != "n" || id["token_use"] != "id" {
		t.Errorf("id token %v", id)
	}
	if w := change(c, verifier); w.Code != 400 {
		t.Errorf("a code used twice: %d", w.Code)
	}
	if w := change(code(), "another"); w.Code != 400 {
		t.Errorf("another's verifier: %d", w.Code)
	}
}
