package stripe

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.etcd.io/bbolt"
)

// keyLife is how long Stripe remembers an idempotency key.
const keyLife = 24 * time.Hour

// call is one request that has passed the door.
type call struct {
	now   time.Time
	id    string // of the path
	key   string // idempotency
	form  form
	base  string // under which /pay is reached
	cause cause
}

// cause is what an event says of the request that led to it; empty when time did.
type cause struct{ Request, Key string }

// operation is one method on one path. prepare reads the parameters; what it refuses was never executed, and so
// is not kept under an idempotency key. The deed it answers runs in one transaction, and its answer, refusal or
// not, is kept. A deed must refuse before it writes.
type operation struct {
	method, path string // {id} stands for one part
	restricted   bool   // whether a restricted key may
	params       []string
	prepare      func(s *Server, c *call) (deed, *apiError)
}

type deed func(tx *bbolt.Tx) (map[string]any, error)

var operations = []operation{
	{"POST", "/v1/customers", true, customerParams, (*Server).createCustomer},
	{"GET", "/v1/customers/{id}", true, nil, (*Server).getCustomer},
	{"POST", "/v1/checkout/sessions", true, sessionParams, (*Server).createSession},
	{"GET", "/v1/checkout/sessions", true, sessionListParams, (*Server).listSessions},
	{"GET", "/v1/checkout/sessions/{id}", true, expandParam, (*Server).getSession},
	{"POST", "/v1/checkout/sessions/{id}/expire", true, nil, (*Server).expireSession},
	{"GET", "/v1/payment_intents/{id}", false, expandParam, (*Server).getIntent},
	{"GET", "/v1/charges/{id}", false, nil, (*Server).getCharge},
	{"GET", "/v1/events", false, eventListParams, (*Server).listEvents},
	{"GET", "/v1/events/{id}", false, nil, (*Server).getEvent},
	{"POST", "/v1/webhook_endpoints", false, endpointParams, (*Server).createEndpoint},
	{"GET", "/v1/webhook_endpoints", false, pageParams, (*Server).listEndpoints},
	{"GET", "/v1/webhook_endpoints/{id}", false, nil, (*Server).getEndpoint},
	{"POST", "/v1/webhook_endpoints/{id}", false, endpointUpdateParams, (*Server).updateEndpoint},
	{"DELETE", "/v1/webhook_endpoints/{id}", false, nil, (*Server).deleteEndpoint},
}

var (
	expandParam = []string{"expand[#]"}
	pageParams  = []string{"limit", "starting_after"}
)

// answer is what was sent, as kept under an idempotency key.
type answer struct {
	Status  int             `json:"status"`
	Body    json.RawMessage `json:"body"`
	Request string          `json:"request"`     // id of the request it was first given to
	Print   string          `json:"fingerprint"` // of what was asked
	At      int64           `json:"at"`

	replayed bool
}

func (s *Server) serveAPI(w http.ResponseWriter, r *http.Request) {
	request, err := s.newID("req_", 14)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	a, err := s.serveCall(r, request)
	var refused *apiError
	switch {
	case errors.As(err, &refused):
		a = answer{Status: refused.Status, Request: request}
		a.Body, err = json.Marshal(refused.body())
	case err != nil:
		a = answer{Status: http.StatusInternalServerError, Request: request}
		a.Body, err = json.Marshal((&apiError{Type: "api_error", Message: "The stand-in failed: " + err.Error()}).body())
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Request-Id", request)
	h.Set("Stripe-Version", Version)
	if key := r.Header.Get("Idempotency-Key"); key != "" && r.Method == http.MethodPost {
		h.Set("Idempotency-Key", key)
		h.Set("Original-Request", a.Request)
	}
	if a.replayed {
		h.Set("Idempotent-Replayed", "true")
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body) // a client that left is told nothing more
}

func (s *Server) serveCall(r *http.Request, request string) (answer, error) {
	key, err := s.authorize(r)
	if err != nil {
		return answer{}, err
	}
	if v := r.Header.Get("Stripe-Version"); v != "" && v != Version {
		return answer{}, invalid("", "", "This stand-in speaks API version %s, not %s.", Version, v)
	}
	op, id := route(r.Method, r.URL.Path)
	if op == nil {
		return answer{}, &apiError{http.StatusNotFound, "invalid_request_error", "", "", fmt.Sprintf("Unrecognized request URL (%s: %s).", r.Method, r.URL.Path)}
	}
	if strings.HasPrefix(key, "rk_") && !op.restricted {
		return answer{}, &apiError{http.StatusForbidden, "invalid_request_error", "", "",
			fmt.Sprintf("The provided key '%s' does not have the required permissions for this endpoint.", masked(key))}
	}
	f, err := parse(r)
	if err != nil {
		return answer{}, err
	}
	if e := f.check(op.params); e != nil {
		return answer{}, e
	}
	if err := s.expireDue(); err != nil {
		return answer{}, err
	}
	c := &call{now: s.Now(), id: id, form: f, base: s.base(r), cause: cause{Request: request}}
	if op.method == http.MethodPost {
		c.key = r.Header.Get("Idempotency-Key")
		c.cause.Key = c.key
	}
	defer s.awake()
	return s.execute(op, c, r.URL.Path)
}

func (s *Server) execute(op *operation, c *call, path string) (a answer, err error) {
	do := s.db.Update
	if op.method == http.MethodGet {
		do = s.db.View
	}
	print := fingerprint(op.method, path, c.form.values)
	err = do(func(tx *bbolt.Tx) error {
		if kept, ok, err := s.kept(tx, c); err != nil {
			return err
		} else if ok {
			if kept.Print != print {
				return &apiError{http.StatusBadRequest, "idempotency_error", "", "",
					fmt.Sprintf("Keys for idempotent requests can only be used with the same parameters they were first used with. Try using a key other than '%s' if you meant to execute a different request.", c.key)}
			}
			a = kept
			a.replayed = true
			return nil
		}
		d, e := op.prepare(s, c)
		if e != nil {
			return e
		}
		a = answer{Status: http.StatusOK, Request: c.cause.Request, Print: print, At: c.now.Unix()}
		out, err := d(tx)
		var refused *apiError
		if errors.As(err, &refused) {
			a.Status, out = refused.Status, refused.body()
		} else if err != nil {
			return err
		}
		if a.Body, err = json.Marshal(out); err != nil {
			return err
		}
		if c.key == "" {
			return nil
		}
		v, err := json.Marshal(a)
		if err != nil {
			return err
		}
		return tx.Bucket(keys).Put([]byte(c.key), v)
	})
	return a, err
}

func (s *Server) kept(tx *bbolt.Tx, c *call) (a answer, ok bool, err error) {
	if c.key == "" {
		return a, false, nil
	}
	if len(c.key) > 255 {
		return a, false, invalid("", "", "Idempotency keys can have up to 255 characters.")
	}
	v := tx.Bucket(keys).Get([]byte(c.key))
	if v == nil {
		return a, false, nil
	}
	if err := json.Unmarshal(v, &a); err != nil {
		return a, false, fmt.Errorf("stored idempotency key: %w", err)
	}
	return a, c.now.Before(time.Unix(a.At, 0).Add(keyLife)), nil
}

func fingerprint(method, path string, values url.Values) string {
	h := sha256.New()
	fmt.Fprintf(h, "%s %s\n%s", method, path, values.Encode())
	return hex.EncodeToString(h.Sum(nil))
}

func (s *Server) authorize(r *http.Request) (string, error) {
	key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if !ok {
		key, _, _ = r.BasicAuth()
	}
	if key == "" {
		return "", &apiError{http.StatusUnauthorized, "invalid_request_error", "", "",
			"You did not provide an API key. You need to provide your API key in the Authorization header, using Bearer auth."}
	}
	if len(s.Keys) == 0 && (strings.HasPrefix(key, "sk_test_") || strings.HasPrefix(key, "rk_test_")) {
		return key, nil
	}
	for _, k := range s.Keys {
		if k == key {
			return key, nil
		}
	}
	return "", &apiError{http.StatusUnauthorized, "invalid_request_error", "", "", "Invalid API Key provided: " + masked(key)}
}

func masked(key string) string {
	if len(key) <= 12 {
		return "****"
	}
	return key[:8] + "****" + key[len(key)-4:]
}

func route(method, path string) (*operation, string) {
	parts := strings.Split(path, "/")
	for i := range operations {
		op := &operations[i]
		want := strings.Split(op.path, "/")
		if op.method != method || len(want) != len(parts) {
			continue
		}
		id, fits := "", true
		for j := range want {
			if want[j] == "{id}" && parts[j] != "" {
				id = parts[j]
			} else if want[j] != parts[j] {
				fits = false
			}
		}
		if fits {
			return op, id
		}
	}
	return nil, ""
}

func parse(r *http.Request) (form, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return form{}, invalid("", "", "The query cannot be read: %v", err)
	}
	if r.Method == http.MethodGet {
		return form{query}, nil
	}
	if len(query) > 0 {
		return form{}, invalid("", "", "Parameters of a %s go into the body.", r.Method)
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	if err != nil {
		return form{}, fmt.Errorf("the body cannot be read: %w", err)
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); len(body) > 0 && kind != "application/x-www-form-urlencoded" {
		return form{}, invalid("", "", "Invalid request: the body must be form-encoded, not %q.", kind)
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return form{}, invalid("", "", "The body cannot be read: %v", err)
	}
	return form{values}, nil
}

func (s *Server) base(r *http.Request) string {
	if s.Base != "" {
		return strings.TrimSuffix(s.Base, "/")
	}
	return "http://" + r.Host
}
