package api

import (
	"context"
	"net/http"
	"reflect"

	"onebook/internal/activity"
)

// Read makes a GET of one thing. A zero Tag is replaced by a weak one over what is shown.
func Read[P, Out any](r *Router, op Op, show func(ctx context.Context, by activity.By, req *Request[P, None]) (Out, Tag, error)) {
	add(r, kind{method: http.MethodGet}, op, reflect.TypeFor[P](), nil, of[Out](), func(x *exchange) error {
		req, err := take[P, None](x)
		if err != nil {
			return err
		}
		v, tag, err := show(x.ctx(), x.by, req)
		if err != nil {
			return err
		}
		return x.show(x.route.op.Status, tag, v)
	})
}

// Page is the part of a list that is asked for. Parameters of lists embed it.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"200" default:"50" doc:"how many items at most"`
	Cursor string `query:"cursor" maxLength:"2048" doc:"nextCursor of the page before"`
}

// listOf is one page as it is answered. An absent nextCursor means that there is no more.
type listOf[Item any] struct {
	Items      []Item `json:"items"`
	NextCursor string `json:"nextCursor,omitempty"`
}

// List makes a GET of many things; P embeds Page. next is the cursor of the following page, empty when there is none.
func List[P, Item any](r *Router, op Op, list func(ctx context.Context, by activity.By, req *Request[P, None]) (items []Item, next string, err error)) {
	out := of[listOf[Item]]()
	add(r, kind{method: http.MethodGet}, op, reflect.TypeFor[P](), nil, out, func(x *exchange) error {
		req, err := take[P, None](x)
		if err != nil {
			return err
		}
		page := listOf[Item]{}
		if page.Items, page.NextCursor, err = list(x.ctx(), x.by, req); err != nil {
			return err
		}
		if page.Items == nil {
			page.Items = []Item{}
		}
		return x.show(x.route.op.Status, Tag{}, page)
	})
}

// Answer is what is not simply JSON: a file, a calendar, a way to somewhere else.
type Answer[Out any] struct {
	Status   int    // 0 is that of the Op
	Location string // of a redirect
	Body     []byte // of the Op's Type
	JSON     *Out   // answered as JSON instead of Body, when set
	Header   map[string]string
}

// Raw makes a GET that answers something else than JSON, or JSON only to those who ask for it. Out is None when it
// never does.
func Raw[P, Out any](r *Router, op Op, serve func(ctx context.Context, by activity.By, req *Request[P, None]) (Answer[Out], error)) {
	add(r, kind{method: http.MethodGet, raw: true}, op, reflect.TypeFor[P](), nil, of[Out](), func(x *exchange) error {
		req, err := take[P, None](x)
		if err != nil {
			return err
		}
		a, err := serve(x.ctx(), x.by, req)
		if err != nil {
			return err
		}
		if a.Status == 0 {
			a.Status = x.route.op.Status
		}
		h := x.w.Header()
		for k, v := range a.Header {
			h.Set(k, v)
		}
		if a.JSON != nil {
			return x.show(a.Status, Tag{}, a.JSON)
		}
		if a.Location != "" {
			h.Set("Location", a.Location)
			// Where it leads may be good for minutes only, and is nobody else's business.
			h.Set("Cache-Control", "no-store")
		}
		if len(a.Body) > 0 {
			h.Set("Content-Type", op.Type)
		}
		x.w.WriteHeader(a.Status)
		x.w.Write(a.Body)
		return nil
	})
}
