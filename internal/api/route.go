package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"sync"

	"onebook/internal/activity"
)

// Op is what a route is called and where it stands.
type Op struct {
	ID      string // operationId, e.g. "issueInvoice"; stable, since client code is made from it
	Path    string // below /v1, e.g. "/invoices/{id}/issue"
	Summary string // one line
	About   string // what else a client must know
	Public  bool   // no account: the actor is the link that {ref} names, or nobody
	Status  int    // of success; 0 is 201 for Create, 204 for Remove, 200 for the others
	Second  bool   // may answer 202 with an approvalId: it waits for a second person
	Also    []int  // further statuses of success, e.g. 302 of a Raw
	Type    string // content type of a Raw's body; empty when it has none
}

// None is the body of a route that takes none, and the parameters of one that has none.
type None = struct{}

// Request is what a handler gets to see: everything in it was checked against its schema.
type Request[P, B any] struct {
	Params P
	Body   B
	Rev    int64 // revision that If-Match named; 0 when there was none
}

// Router takes the routes of a door, to serve them or to document them.
type Router struct {
	api  *API
	door string
	doc  *document // set when documenting
}

// kind of a route: what its helper promises, which is also what the document says of it.
type kind struct {
	method string
	match  string // "", "optional" or "required": If-Match
	once   bool   // takes Idempotency-Key
	patch  bool   // the body is a merge patch
	raw    bool   // answers no JSON
}

// route is one operation being served.
type route struct {
	api  *API
	op   Op
	kind kind
	name string // method and pattern: what logs and audit call it

	params, body reflect.Type
	plan         func() plan
}

// plan is what a route needs to read a request, made on its first one.
type plan struct {
	params []param
	body   *shape
}

func add(r *Router, k kind, op Op, params, body, out reflect.Type, serve func(x *exchange) error) {
	if op.Status == 0 {
		op.Status = http.StatusOK
	}
	if r.doc != nil {
		r.doc.add(r.door, k, op, params, body, out)
		return
	}
	rt := &route{api: r.api, op: op, kind: k, name: k.method + " /v1" + op.Path, params: params, body: body}
	rt.plan = sync.OnceValue(func() plan {
		p := plan{params: paramsOf(r.api.reg, params)}
		if body != nil {
			p.body = r.api.reg.shape(body)
		}
		return p
	})
	r.api.mux.HandleFunc(rt.name, func(w http.ResponseWriter, req *http.Request) {
		x := &exchange{api: r.api, route: rt, w: w, r: req}
		defer x.recover()
		if err := x.enter(); err != nil {
			x.fail(err)
			return
		}
		if err := serve(x); err != nil {
			x.fail(err)
		}
	})
}

// exchange is one request with its answer.
type exchange struct {
	api   *API
	route *route
	w     http.ResponseWriter
	r     *http.Request
	by    activity.By
	body  *node // as it was sent, when the route takes one
}

// enter finds out who asks, before anything else of the request is looked at.
func (x *exchange) enter() (err error) {
	ctx := x.r.Context()
	if x.route.op.Public {
		x.by, err = x.api.client(ctx, x.r.PathValue("ref"))
		return err
	}
	if x.r.Method == http.MethodGet || x.r.Method == http.MethodHead {
		x.w.Header().Set("Cache-Control", "private, no-cache")
	}
	x.by, err = x.api.member(ctx)
	return err
}

// take reads parameters, If-Match and body.
func take[P, B any](x *exchange) (*Request[P, B], error) {
	req, pl := &Request[P, B]{}, x.route.plan()
	if err := bind(x.r, pl.params, reflect.ValueOf(&req.Params).Elem()); err != nil {
		return nil, err
	}
	if err := x.match(&req.Rev); err != nil {
		return nil, err
	}
	if pl.body == nil {
		return req, nil
	}
	var err error
	if x.body, err = bodyOf(x.r, x.types()...); err != nil || x.route.kind.patch {
		return req, err
	}
	return req, decode(x.body, pl.body, &req.Body)
}

func (x *exchange) types() []string {
	if x.route.kind.patch {
		return []string{"application/merge-patch+json", "application/json"}
	}
	return []string{"application/json"}
}

func (x *exchange) match(rev *int64) error {
	if x.route.kind.match == "" {
		return nil
	}
	n, given, err := revOf(x.r.Header.Get("If-Match"))
	if err != nil {
		return err
	}
	if !given && x.route.kind.match == "required" {
		return errUnguarded
	}
	*rev = n
	return nil
}

// marshal writes JSON as clients get it.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false) // nosniff and the content type keep it from being read as a page
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// show answers a value with its tag; a GET whose If-None-Match knows the tag is answered 304.
func (x *exchange) show(status int, tag Tag, v any) error {
	body, err := marshal(v)
	if err != nil {
		return err
	}
	h := x.w.Header()
	get := x.r.Method == http.MethodGet || x.r.Method == http.MethodHead
	etag := tag.ETag()
	if etag == "" && get {
		etag = weak(body)
	}
	if etag != "" {
		h.Set("ETag", etag)
	}
	if get && sameTag(x.r.Header.Get("If-None-Match"), etag) {
		x.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	x.w.WriteHeader(status)
	x.w.Write(body)
	return nil
}

// of is the type of a body or of parameters, nil for None.
func of[T any]() reflect.Type {
	t := reflect.TypeFor[T]()
	if t == reflect.TypeFor[None]() {
		return nil
	}
	return t
}

// pathNames answers the names in braces of a path.
func pathNames(path string) (names []string) {
	for _, part := range strings.Split(path, "/") {
		if from, to := strings.IndexByte(part, '{'), strings.IndexByte(part, '}'); from >= 0 && to > from {
			names = append(names, part[from+1:to])
		}
	}
	return names
}

// ctx is the request's context, which carries the deadline.
func (x *exchange) ctx() context.Context { return x.r.Context() }
