package issuer

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"html/template"
	"net/http"
	"net/url"
	"sync"
	"time"

	"onebook/infra/local/invoke"
)

// codeLife is how long an authorization code may be exchanged, as in OAuth 2's advice.
const codeLife = time.Minute

// Server serves the issuer: tokens for scripts, and the sign-in of the app (authorization code with PKCE).
type Server struct {
	*Issuer
	mu    sync.Mutex
	codes map[string]grant
}

type grant struct {
	role, redirect, challenge, nonce string
	until                            time.Time
}

// Routes adds the issuer's paths to a mux.
func (s *Server) Routes(mux *http.ServeMux) {
	mux.HandleFunc("POST /_local/token", s.token)
	mux.HandleFunc("GET /_local/jwks", s.jwks)
	mux.HandleFunc("GET /.well-known/openid-configuration", s.discovery)
	mux.HandleFunc("GET /_local/authorize", s.authorize)
	mux.HandleFunc("POST /_local/authorize", s.consent)
	mux.HandleFunc("POST /_local/oauth/token", s.exchange)
}

func (s *Server) token(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Role string `json:"role"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&in); err != nil {
		reply(w, http.StatusBadRequest, map[string]string{"message": `send {"role":"owner"}`})
		return
	}
	if !Known(in.Role) {
		reply(w, http.StatusUnprocessableEntity, map[string]any{"message": "there is no demo member of this role", "roles": Roles})
		return
	}
	reply(w, http.StatusOK, map[string]string{"accessToken": s.Access(in.Role)})
}

func (s *Server) jwks(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	reply(w, http.StatusOK, s.JWKS())
}

func (s *Server) discovery(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Access-Control-Allow-Origin", "*")
	reply(w, http.StatusOK, map[string]any{
		"issuer":                                s.URL,
		"authorization_endpoint":                s.URL + "/_local/authorize",
		"token_endpoint":                        s.URL + "/_local/oauth/token",
		"jwks_uri":                              s.URL + "/_local/jwks",
		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"RS256"},
		"scopes_supported":                      []string{"openid"},
		"token_endpoint_auth_methods_supported": []string{"none"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
}

var signIn = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Sign in · Onebook on this machine</title>
<style>body{font:16px/1.5 system-ui,sans-serif;max-width:26rem;margin:12vh auto;padding:0 1rem;color:#1f2933;background:#f7f8fa}
h1{font-size:1.4rem}button{display:block;width:100%;margin:.5rem 0;padding:.8rem 1rem;font:inherit;text-align:left;
border:1px solid #cbd2d9;border-radius:.5rem;background:#fff;cursor:pointer}button:hover,button:focus{border-color:#2f6fed}
p{color:#52606d}</style><main><h1>Who are you today?</h1>
<p>This is the local sign-in. Each role has one demo member; there are no passwords.</p>
<form method="post" action="/_local/authorize">
{{range $k, $v := .Keep}}<input type="hidden" name="{{$k}}" value="{{$v}}">{{end}}
{{range .Roles}}<button name="role" value="{{.}}">Continue as {{.}}</button>{{end}}</form></main></html>`))

var kept = []string{"client_id", "redirect_uri", "state", "nonce", "code_challenge", "code_challenge_method", "response_type"}

func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	if problem := s.check(r.URL.Query()); problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return
	}
	keep := map[string]string{}
	for _, k := range kept {
		keep[k] = r.URL.Query().Get(k)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	signIn.Execute(w, map[string]any{"Keep": keep, "Roles": Roles})
}

func (s *Server) check(q url.Values) string {
	back, err := url.Parse(q.Get("redirect_uri"))
	switch {
	case q.Get("client_id") != s.ClientID:
		return "there is no client of this client_id"
	case q.Get("response_type") != "code":
		return "response_type must be code"
	case q.Get("code_challenge_method") != "S256" || q.Get("code_challenge") == "":
		return "a code_challenge by S256 is needed"
	case err != nil || back.Scheme+"://"+back.Host != s.URL:
		return "redirect_uri must lie on this site"
	}
	return ""
}

func (s *Server) consent(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	if problem := s.check(r.PostForm); problem != "" {
		http.Error(w, problem, http.StatusBadRequest)
		return
	}
	role := r.PostForm.Get("role")
	if !Known(role) {
		http.Error(w, "there is no demo member of this role", http.StatusBadRequest)
		return
	}
	code := invoke.RequestID()
	s.mu.Lock()
	if s.codes == nil {
		s.codes = map[string]grant{}
	}
	for c, g := range s.codes {
		if s.Now().After(g.until) {
			delete(s.codes, c)
		}
	}
	s.codes[code] = grant{role, r.PostForm.Get("redirect_uri"), r.PostForm.Get("code_challenge"), r.PostForm.Get("nonce"), s.Now().Add(codeLife)}
	s.mu.Unlock()
	back, _ := url.Parse(r.PostForm.Get("redirect_uri"))
	q := back.Query()
	q.Set("code", code)
	q.Set("state", r.PostForm.Get("state"))
	back.RawQuery = q.Encode()
	http.Redirect(w, r, back.String(), http.StatusSeeOther)
}

func (s *Server) exchange(w http.ResponseWriter, r *http.Request) {
	r.ParseForm()
	code := r.PostForm.Get("code")
	s.mu.Lock()
	g, ok := s.codes[code]
	delete(s.codes, code) // once, whatever comes of it
	s.mu.Unlock()
	sum := sha256.Sum256([]byte(r.PostForm.Get("code_verifier")))
	challenge := base64.RawURLEncoding.EncodeToString(sum[:])
	if !ok || s.Now().After(g.until) || r.PostForm.Get("grant_type") != "authorization_code" ||
		r.PostForm.Get("redirect_uri") != g.redirect || r.PostForm.Get("client_id") != s.ClientID ||
		subtle.ConstantTimeCompare([]byte(challenge), []byte(g.challenge)) != 1 {
		reply(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	reply(w, http.StatusOK, map[string]any{
		"access_token": s.Access(g.role), "id_token": s.ID(g.role, g.nonce), "token_type": "Bearer",
		"expires_in": int(Lifetime.Seconds()), "scope": "openid",
	})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
