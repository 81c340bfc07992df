package faults

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"onebook/internal/fault"
	"onebook/internal/store"
)

// Table puts the points store.get, store.list and store.write in front of t. What is planned there ends in
// store.ErrBusy, as at a table that cannot be reached.
func (f *Faults) Table(t store.Table) store.Table { return table{t, f} }

type table struct {
	store.Table
	faults *Faults
}

func (t table) Get(ctx context.Context, k store.Key) (item store.Item, err error) {
	err = busy(t.faults.Do(ctx, "store.get", func() error { item, err = t.Table.Get(ctx, k); return err }))
	return item, err
}

func (t table) List(ctx context.Context, q store.Query) (page store.Page, err error) {
	err = busy(t.faults.Do(ctx, "store.list", func() error { page, err = t.Table.List(ctx, q); return err }))
	return page, err
}

func (t table) Write(ctx context.Context, ops ...store.Op) error {
	return busy(t.faults.Do(ctx, "store.write", func() error { return t.Table.Write(ctx, ops...) }))
}

func busy(err error) error {
	if errors.Is(err, ErrPlanned) {
		return fmt.Errorf("%w: %w", store.ErrBusy, err)
	}
	return err
}

// Disturb is the point store.commit inside the embedded table: an error there is a conflict, a timeout_after a
// lost answer, and the table has to find out by itself.
func (f *Faults) Disturb(ctx context.Context, m store.Moment) error {
	if m == store.BeforeCommit {
		return f.Do(ctx, "store.commit.before", func() error { return nil })
	}
	return f.Do(ctx, "store.commit.after", func() error { return nil })
}

// Transport puts points on the wire: name tells the point of a request.
func (f *Faults) Transport(base http.RoundTripper, name func(*http.Request) string) http.RoundTripper {
	if base == nil {
		base = http.DefaultTransport
	}
	return transport{base, f, name}
}

type transport struct {
	base   http.RoundTripper
	faults *Faults
	name   func(*http.Request) string
}

func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var res *http.Response
	err := t.faults.Do(r.Context(), t.name(r), func() (err error) { res, err = t.base.RoundTrip(r); return err })
	if err != nil && res != nil {
		// The other side did it; only its answer is lost.
		io.Copy(io.Discard, res.Body)
		res.Body.Close()
		res = nil
	}
	return res, err
}

// S3 names the points of the document bucket: s3.get, s3.put, …
func S3(r *http.Request) string { return "s3." + strings.ToLower(r.Method) }

// Mail names the one point of the mail service.
func Mail(*http.Request) string { return "mail.send" }

// Stripe names the provider's points by method and the words of the path without ids, e.g.
// stripe.post.checkout.sessions.
func Stripe(r *http.Request) string {
	out := "stripe." + strings.ToLower(r.Method)
	for _, s := range strings.Split(strings.Trim(r.URL.Path, "/"), "/") {
		if s != "v1" && s != "" && !strings.ContainsAny(s, "0123456789") {
			out += "." + s
		}
	}
	return out
}

// Around is the point function.<name> of each invocation.
func (f *Faults) Around(ctx context.Context, name string, next func() (json.RawMessage, error)) (json.RawMessage, error) {
	var out json.RawMessage
	err := f.Do(ctx, "function."+name, func() (err error) { out, err = next(); return err })
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ServeHTTP answers /_local/fault: POST {point, kind, count} plans, GET shows, DELETE forgets.
func (f *Faults) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	status := http.StatusOK
	switch r.Method {
	case http.MethodPost:
		var p Plan
		d := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096))
		d.DisallowUnknownFields()
		if err := d.Decode(&p); err != nil {
			reply(w, http.StatusBadRequest, map[string]any{"message": `send {"point":"store.write","kind":"crash_after","count":1}`})
			return
		}
		if err := f.Add(p); err != nil {
			var e *fault.Error
			errors.As(err, &e)
			reply(w, http.StatusUnprocessableEntity, map[string]any{"message": e.Message, "errors": e.Fields})
			return
		}
		status = http.StatusCreated
	case http.MethodDelete:
		f.Clear()
	case http.MethodGet:
	default:
		reply(w, http.StatusMethodNotAllowed, map[string]any{"message": "GET, POST or DELETE"})
		return
	}
	plans, hits := f.State()
	reply(w, status, map[string]any{"plans": plans, "hits": hits})
}

func reply(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
