package gateway

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"onebook/infra/local/issuer"
)

func sign(t *testing.T, alg jose.SignatureAlgorithm, key any, kid string, claims map[string]any) string {
	t.Helper()
	s, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	out, err := jwt.Signed(s).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// Whoever is let in was signed by the issuer, for this app, and now. The ID token is the one exception that the
// service makes too; refusing it is the function's work.
func TestTokens(t *testing.T) {
	folder := t.TempDir()
	iss, err := issuer.Open(folder, "http://127.0.0.1:8080", "local-app", func() time.Time { return now })
	if err != nil {
		t.Fatal(err)
	}
	kid := iss.JWKS().Keys[0].KeyID
	text, err := os.ReadFile(filepath.Join(folder, "issuer.pem"))
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(text)
	own, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(map[string]any)) string {
		c := iss.AccessClaims("billing")
		change(c)
		return iss.Sign(c)
	}
	good := iss.Access("billing")
	parts := strings.Split(good, ".")
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","kid":"` + kid + `"}`))
	flip := func(s string) string {
		b, err := base64.RawURLEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		return base64.RawURLEncoding.EncodeToString(b)
	}

	cases := []struct {
		name, header string
		ok           bool
	}{
		{"access token", "Bearer " + good, true},
		{"scheme in small letters", "bearer " + good, true},
		{"no scheme", good, true},
		{"ID token", "Bearer " + iss.ID("billing", ""), true},
		{"several audiences", "Bearer " + with(func(c map[string]any) { c["aud"] = []string{"x", "local-app"} }), true},
		{"nothing", "", false},
		{"scheme alone", "Bearer ", false},
		{"another scheme", "Basic " + good, false},
		{"no token at all", "Bearer x.y.z", false},
		{"expired", "Bearer " + with(func(c map[string]any) { c["exp"] = now.Unix() }), false},
		{"never expires", "Bearer " + with(func(c map[string]any) { delete(c, "exp") }), false},
		{"exp in words", "Bearer " + with(func(c map[string]any) { c["exp"] = "tomorrow" }), false},
		{"not yet", "Bearer " + with(func(c map[string]any) { c["nbf"] = now.Unix() + 1 }), false},
		{"issued tomorrow", "Bearer " + with(func(c map[string]any) { c["iat"] = now.Unix() + 86400 }), false},
		{"another issuer", "Bearer " + with(func(c map[string]any) { c["iss"] = "https://elsewhere.example" }), false},
		{"no issuer", "Bearer " + with(func(c map[string]any) { delete(c, "iss") }), false},
		{"another client", "Bearer " + with(func(c map[string]any) { c["client_id"] = "other" }), false},
		{"no client", "Bearer " + with(func(c map[string]any) { delete(c, "client_id") }), false},
		{"aud goes before client_id", "Bearer " + with(func(c map[string]any) { c["aud"] = "other" }), false},
		{"alg none", "Bearer " + none + "." + parts[1] + ".", false},
		{"alg HS256 by the public key", "Bearer " + sign(t, jose.HS256, []byte(strings.Repeat("k", 32)), kid, iss.AccessClaims("owner")), false},
		{"alg PS256 by our key", "Bearer " + sign(t, jose.PS256, own, kid, iss.AccessClaims("owner")), false},
		{"alg RS512 by our key", "Bearer " + sign(t, jose.RS512, own, kid, iss.AccessClaims("owner")), false},
		{"a stranger's key under our kid", "Bearer " + sign(t, jose.RS256, stranger, kid, iss.AccessClaims("owner")), false},
		{"a stranger's kid", "Bearer " + sign(t, jose.RS256, stranger, "mine", iss.AccessClaims("owner")), false},
		{"claims changed", "Bearer " + parts[0] + "." + flip(parts[1]) + "." + parts[2], false},
		{"signature changed", "Bearer " + parts[0] + "." + parts[1] + "." + flip(parts[2]), false},
	}
	g := newRig(t, Route{"GET", "/x", true, "f"}, Route{"GET", "/open", false, "f"})
	g.Authorizer = &Authorizer{Issuer: iss.URL, Audience: []string{"local-app"}, Key: iss.Key}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			req := httptest.NewRequest("GET", "/x", nil)
			if c.header != "" {
				req.Header.Set("Authorization", c.header)
			}
			res := g.do(req)
			if c.ok {
				if res.StatusCode != 200 || g.got.RequestContext.Authorizer == nil || g.got.RequestContext.Authorizer.JWT.Claims["sub"] != issuer.Subject("billing") {
					t.Errorf("refused: %d %s", res.StatusCode, body(t, res))
				}
				return
			}
			if res.StatusCode != 401 || body(t, res) != `{"message":"Unauthorized"}` || res.Header.Get("WWW-Authenticate") == "" || g.called != "" {
				t.Errorf("let in: %d, %s called", res.StatusCode, g.called)
			}
		})
	}
	t.Run("a public route carries no claims", func(t *testing.T) {
		req := httptest.NewRequest("GET", "/open", nil)
		req.Header.Set("Authorization", "Bearer "+good)
		if g.do(req); g.got.RequestContext.Authorizer != nil {
			t.Error("claims on a public route")
		}
	})
	t.Run("claims are text", func(t *testing.T) {
		req := httptest.NewRequest("GET", "/x", nil)
		req.Header.Set("Authorization", "Bearer "+with(func(c map[string]any) { c["cognito:groups"] = []string{"a", "b"}; c["flag"] = true }))
		g.do(req)
		c := g.got.RequestContext.Authorizer.JWT.Claims
		exp, _ := json.Marshal(now.Add(time.Hour).Unix())
		if c["cognito:groups"] != "[a b]" || c["flag"] != "true" || c["exp"] != string(exp) {
			t.Errorf("%v", c)
		}
	})
}

func BenchmarkAuthorizedRequest(b *testing.B) {
	iss, err := issuer.Open(b.TempDir(), "http://127.0.0.1:8080", "local-app", time.Now)
	if err != nil {
		b.Fatal(err)
	}
	a := &Authorizer{Issuer: iss.URL, Audience: []string{"local-app"}, Key: iss.Key}
	token := "Bearer " + iss.Access("owner")
	for b.Loop() {
		if _, err := a.check(token, time.Now()); err != nil {
			b.Fatal(err)
		}
	}
}
