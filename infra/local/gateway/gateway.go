// Package gateway is the door in front of the functions: it does to a request what an API Gateway HTTP API does.
//
// Routes, authorizer and CORS come from the template, so that a route missing there is missing here. A request is
// matched, its token checked, and turned into a payload of format 2.0; the function's answer is turned back. What
// the service leaves to the function (rights, token_use, size of a JSON body) is left to it here as well.
//
// Where the service is peculiar, so is this: paths arrive decoded, repeated headers are joined by commas, cookies
// stand apart, bodies that are no text arrive in base64, HEAD is a method like any other, and a 401 or 404 of the
// door itself is {"message":"…"} and no problem document.
package gateway

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"onebook/infra/local/invoke"
)

// MaxBody is the most a request's body may have.
const MaxBody = 10 << 20

// Gateway serves one API. Make it by a literal; Routes and Invoke are needed.
type Gateway struct {
	Routes     Routes
	Authorizer *Authorizer // checks routes with Auth; nil refuses them all
	CORS       *CORS       // nil answers no preflight
	Origin     http.Header // what CloudFront adds on the way, e.g. the origin secret
	Invoke     func(ctx context.Context, function string, payload json.RawMessage) (json.RawMessage, error)
	Now        func() time.Time // the machine's clock, not the product's
	Log        *slog.Logger     // optional; an access log names the route and never the path, which may hold a secret
}

// ServeHTTP answers as the service would.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	id := requestID()
	w.Header().Set("Apigw-Requestid", id)
	if g.Log == nil {
		g.serve(w, r, id)
		return
	}
	seen := &recorder{ResponseWriter: w, status: http.StatusOK}
	route := g.serve(seen, r, id)
	g.Log.Info("request", "route", route, "status", seen.status, "ms", time.Since(began).Milliseconds(), "id", id)
}

// recorder remembers the status.
type recorder struct {
	http.ResponseWriter
	status int
}

func (r *recorder) WriteHeader(status int) { r.status = status; r.ResponseWriter.WriteHeader(status) }

// serve answers the key of the route that was taken, for the log.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, id string) string {
	if g.CORS != nil {
		if g.CORS.preflight(w, r) {
			return "preflight"
		}
		g.CORS.apply(w.Header(), r)
	}
	route, params, ok := g.Routes.match(r.Method, r.URL.Path)
	if !ok {
		refuse(w, http.StatusNotFound, "Not Found")
		return "none"
	}
	var claims map[string]string
	if route.Auth {
		var err error
		if claims, err = g.Authorizer.check(r.Header.Get("Authorization"), g.Now()); err != nil {
			w.Header().Set("WWW-Authenticate", challenge(err))
			refuse(w, http.StatusUnauthorized, "Unauthorized")
			return route.Key()
		}
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
			return route.Key()
		}
		refuse(w, http.StatusBadRequest, "Bad Request")
		return route.Key()
	}
	payload, err := json.Marshal(g.event(r, route, params, claims, id, body))
	if err != nil {
		g.fail(w, route, err)
		return route.Key()
	}
	answer, err := g.Invoke(r.Context(), route.Function, payload)
	switch {
	case errors.Is(err, invoke.ErrTooLarge) && len(payload) > invoke.MaxPayload:
		refuse(w, http.StatusRequestEntityTooLarge, "Request Entity Too Large")
	case err != nil:
		g.fail(w, route, err)
	default:
		if err := write(w, answer); err != nil {
			g.fail(w, route, err)
		}
	}
	return route.Key()
}

func (g *Gateway) fail(w http.ResponseWriter, route Route, err error) {
	if g.Log != nil {
		attrs := []any{"route", route.Key(), "function", route.Function, "error", err.Error()}
		var p *invoke.Panic
		if errors.As(err, &p) {
			attrs = append(attrs, "stack", string(p.Stack))
		}
		g.Log.Error("the function failed", attrs...)
	}
	refuse(w, http.StatusInternalServerError, "Internal Server Error")
}

func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": message})
}

func requestID() string {
	var b [11]byte
	rand.Read(b[:])
	return base64.StdEncoding.EncodeToString(b[:])
}
