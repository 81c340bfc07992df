package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"onebook/infra/local/objects"
	"onebook/internal/fault"
	"onebook/internal/store"
)

// ServeHTTP is the one address: the API, the stand-ins, the controls of the local run, and the app.
func (p *Program) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	run := p.current()
	switch {
	case strings.HasPrefix(path, pathS3+"/"):
		http.StripPrefix(pathS3, run.objects).ServeHTTP(w, r)
	case strings.HasPrefix(path, pathSES+"/"):
		http.StripPrefix(pathSES, run.mailbox.Service()).ServeHTTP(w, r)
	case strings.HasPrefix(path, pathStripe+"/v1/"):
		run.mux.ServeHTTP(w, r)
	case path == "/_local/reset":
		p.serveReset(w, r)
	case strings.HasPrefix(path, "/v1/"), strings.HasPrefix(path, "/hooks/"):
		p.guarded(w, func() { run.gateway.ServeHTTP(w, r) })
	case strings.HasPrefix(path, "/_local/"), strings.HasPrefix(path, "/.well-known/"), strings.HasPrefix(path, "/pay/"):
		if foreign(r) {
			say(w, http.StatusForbidden, "a page of another site may not use the controls of the local run")
			return
		}
		p.guarded(w, func() { run.mux.ServeHTTP(w, r) })
	default:
		p.serveWeb(w, r)
	}
}

func (p *Program) guarded(w http.ResponseWriter, serve func()) {
	if !p.gate.enter() {
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, "the program is being reset or stopped")
		return
	}
	defer p.gate.leave()
	serve()
}

// foreign reports a request that a page of another site makes with the visitor's browser.
func foreign(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.Header.Get("Origin") == "" {
		return false
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	return err != nil || u.Host != r.Host
}

// controls are the paths that exist in the local run only.
func (p *Program) controls(r *run) *http.ServeMux {
	mux := http.NewServeMux()
	r.issuer.Routes(mux)
	r.mailbox.Routes(mux)
	r.stripe.Routes(mux)
	mux.Handle("/_local/fault", &p.faults)
	mux.HandleFunc("GET /_local/clock", r.showClock)
	mux.HandleFunc("POST /_local/clock", r.moveClock)
	mux.HandleFunc("GET /_local/stream", r.showStream)
	mux.HandleFunc("POST /_local/stream", r.switchStream)
	mux.HandleFunc("POST /_local/objects", r.harmObject)
	mux.HandleFunc("GET /_local/table", r.showTable)
	mux.HandleFunc("GET /_local/rights", r.showRights)
	return mux
}

func (p *Program) serveReset(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method != http.MethodPost:
		say(w, http.StatusMethodNotAllowed, "POST resets")
	case foreign(r):
		say(w, http.StatusForbidden, "a page of another site may not use the controls of the local run")
	default:
		if err := p.reset(context.WithoutCancel(r.Context())); err != nil {
			say(w, http.StatusInternalServerError, "the reset failed: "+err.Error())
			return
		}
		send(w, http.StatusOK, map[string]bool{"reset": true})
	}
}

// harmObject lets a stored document be lost, so that one sees it come back.
func (r *run) harmObject(w http.ResponseWriter, req *http.Request) {
	const form = `send {"key":"documents/in_…/1.pdf","do":"delete"} or "do":"alter"`
	var in struct{ Key, Do string }
	if !read(w, req, &in, form) {
		return
	}
	if in.Do != "delete" && in.Do != "alter" {
		say(w, http.StatusBadRequest, form)
		return
	}
	if err := r.objects.Harm(in.Key, in.Do == "alter"); errors.Is(err, objects.ErrNothing) {
		say(w, http.StatusNotFound, err.Error())
	} else if err != nil {
		say(w, http.StatusInternalServerError, err.Error())
	} else {
		send(w, http.StatusOK, map[string]string{"key": in.Key, "done": in.Do})
	}
}

func (r *run) showClock(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, map[string]any{"now": r.clock.Now(), "moved": r.clock.Moved()})
}

func (r *run) moveClock(w http.ResponseWriter, req *http.Request) {
	var in struct{ Now, Advance string }
	if !read(w, req, &in, `send {"now":"2026-02-01T09:00:00Z"} or {"advance":"72h"}`) {
		return
	}
	var target time.Time
	var err error
	switch {
	case (in.Now == "") == (in.Advance == ""):
		say(w, http.StatusBadRequest, `send {"now":"2026-02-01T09:00:00Z"} or {"advance":"72h"}`)
		return
	case in.Now != "":
		if target, err = time.Parse(time.RFC3339, in.Now); err != nil {
			say(w, http.StatusUnprocessableEntity, "now is a time such as 2026-02-01T09:00:00Z")
			return
		}
	default:
		d, err := time.ParseDuration(in.Advance)
		if err != nil || d < 0 {
			say(w, http.StatusUnprocessableEntity, "advance is a duration such as 90m or 72h; the clock never goes backwards")
			return
		}
		target = r.clock.Now().Add(d)
	}
	if err := r.schedules.MoveTo(req.Context(), target); err != nil {
		status := http.StatusInternalServerError
		if errors.Is(err, fault.Invalid) {
			status = http.StatusUnprocessableEntity
		}
		say(w, status, err.Error())
		return
	}
	r.showClock(w, req)
}

func (r *run) showStream(w http.ResponseWriter, _ *http.Request) {
	lanes, failed := r.follower.Lanes()
	send(w, http.StatusOK, map[string]any{"on": r.follower.On(), "twice": r.follower.Twice.Load(), "mappings": lanes, "putAside": failed})
}

// showRights answers what the functions did, what they were refused, and what their roles allow for nothing.
func (r *run) showRights(w http.ResponseWriter, _ *http.Request) {
	send(w, http.StatusOK, map[string]any{"used": r.rights.Used(), "refused": r.rights.Refused(), "unused": r.rights.Unused()})
}

func (r *run) switchStream(w http.ResponseWriter, req *http.Request) {
	var in struct{ On, Twice *bool }
	if !read(w, req, &in, `send {"on":false}`) {
		return
	}
	if in.Twice != nil {
		r.follower.Twice.Store(*in.Twice)
	}
	if in.On != nil {
		r.follower.Switch(*in.On)
	}
	r.showStream(w, req)
}

// showTable answers the items of one partition as they are stored, or of one key of an index (?index=due).
func (r *run) showTable(w http.ResponseWriter, req *http.Request) {
	q := req.URL.Query()
	if q.Get("pk") == "" {
		say(w, http.StatusBadRequest, "name a partition: ?pk=C%23ct_… (and ?index=due, list or book, ?prefix=, ?limit=, ?cursor=)")
		return
	}
	limit, _ := strconv.Atoi(q.Get("limit"))
	page, err := r.record.List(req.Context(), store.Query{Index: store.Index(q.Get("index")), Partition: q.Get("pk"), Prefix: q.Get("prefix"),
		Limit: limit, Cursor: q.Get("cursor")})
	if err != nil {
		say(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	items := []map[string]any{}
	for _, it := range page.Items {
		x := map[string]any{"pk": it.PK, "sk": it.SK, "version": it.Version, "kind": it.Kind}
		if json.Valid(it.Body) {
			x["body"] = json.RawMessage(it.Body)
		}
		for name, k := range map[string]store.Key{"due": it.Due, "list": it.List, "book": it.Book} {
			if k.PK != "" {
				x[name] = []string{k.PK, k.SK}
			}
		}
		if !it.Expires.IsZero() {
			x["expires"] = it.Expires
		}
		items = append(items, x)
	}
	send(w, http.StatusOK, map[string]any{"items": items, "nextCursor": page.Cursor})
}

func read(w http.ResponseWriter, r *http.Request, into any, usage string) bool {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		say(w, http.StatusBadRequest, usage)
		return false
	}
	return true
}

func say(w http.ResponseWriter, status int, message string) {
	send(w, status, map[string]string{"message": message})
}

func send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
