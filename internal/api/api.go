package api

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"path"
	"sync"
	"time"

	"onebook/internal/activity"
)

// Members finds the member who signed in.
type Members interface {
	// Live answers who the subject of an access token is now. It may keep an answer for 60 seconds at most.
	// fault.NotFound or fault.Denied: not a member, or no longer.
	Live(ctx context.Context, sub string) (activity.By, error)
}

// Links finds out who stands behind the short-lived reference of an opened link.
type Links interface {
	// Actor answers a By of kind Client whose ID is the link's. fault.NotFound for every reference that does not
	// work, whatever the reason.
	Actor(ctx context.Context, ref string) (activity.By, error)
}

// API serves doors. Its fields are set by a literal; what is left out is refused, never assumed: without Members
// nobody is let in, without Once no Idempotency-Key is accepted.
type API struct {
	Issuer  string   // of the access tokens
	Clients []string // ids of the app clients whose tokens count
	Members Members
	Links   Links

	// Machine is the machine's clock, by which tokens live; nil: nobody counts as having signed in just now.
	Machine func() time.Time
	// Once looks an Idempotency-Key up (activity.FindOnce).
	Once func(ctx context.Context, key string) (activity.OnceRecord, bool, error)
	// Denied is told of every attempt that was refused for want of a right; route is method and pattern.
	Denied func(ctx context.Context, by activity.By, route string)
	// Origins are the values of X-Origin-Secret that the site's distribution sends; with none, any origin is served.
	Origins []string
	// Log is where what nobody may be shown is written; slog.Default when nil.
	Log *slog.Logger

	doors []Door
	once  sync.Once
	mux   *http.ServeMux
	reg   *registry
}

// Door is a group of routes under one name, which is its tag in the document.
type Door struct {
	Name   string
	Routes func(r *Router)
}

// Add opens doors. It must be called before the first request.
func (a *API) Add(doors ...Door) *API { a.doors = append(a.doors, doors...); return a }

func (a *API) build() {
	a.mux, a.reg = http.NewServeMux(), newRegistry()
	for _, d := range a.doors {
		d.Routes(&Router{api: a, door: d.Name})
	}
}

// Headers of every answer (reliability.md §3 row 13). An API answer is never a page: it loads nothing and is
// framed by nobody.
var always = map[string]string{
	"Content-Security-Policy":   "default-src 'none'; frame-ancestors 'none'",
	"Referrer-Policy":           "no-referrer",
	"Strict-Transport-Security": "max-age=31536000; includeSubDomains",
	"X-Content-Type-Options":    "nosniff",
}

// ServeHTTP serves all doors.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for k, v := range always {
		w.Header().Set(k, v)
	}
	w.Header().Set("Cache-Control", "no-store")
	if id := gatewayOf(r.Context()).request; id != "" {
		w.Header().Set("X-Correlation-Id", id)
	}
	x := &exchange{api: a, w: w, r: r, route: &route{name: "none"}}
	defer x.recover()
	a.once.Do(a.build)
	if !a.fromOrigin(r) {
		x.fail(&refusal{status: http.StatusForbidden, code: "denied", detail: "this address is not served here"})
		return
	}
	// The mux would answer unknown paths in plain text and redirect unclean ones to another address.
	if r.URL.Path == "" || path.Clean(r.URL.Path) != r.URL.Path {
		x.fail(errNoRoute)
		return
	}
	h, pattern := a.mux.Handler(r)
	if pattern == "" {
		x.fail(unrouted(h, r))
		return
	}
	a.mux.ServeHTTP(w, r)
}

func (a *API) fromOrigin(r *http.Request) bool {
	if len(a.Origins) == 0 {
		return true
	}
	got := []byte(r.Header.Get("X-Origin-Secret"))
	ok := 0
	for _, want := range a.Origins {
		if want != "" {
			ok |= subtle.ConstantTimeCompare(got, []byte(want))
		}
	}
	return ok == 1
}

// unrouted asks the mux's own refusal whether the path is known under another method.
func unrouted(h http.Handler, r *http.Request) error {
	probe := &bare{header: http.Header{}}
	h.ServeHTTP(probe, r)
	if probe.status != http.StatusMethodNotAllowed {
		return errNoRoute
	}
	return &refusal{
		status: http.StatusMethodNotAllowed, code: "method_not_allowed",
		detail: "this address does not answer " + printable(r.Method),
		header: map[string]string{"Allow": probe.header.Get("Allow")},
	}
}

// bare is a response that only remembers its status and headers.
type bare struct {
	header http.Header
	status int
}

func (b *bare) Header() http.Header         { return b.header }
func (b *bare) Write(p []byte) (int, error) { return len(p), nil }
func (b *bare) WriteHeader(status int)      { b.status = status }
