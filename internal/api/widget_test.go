package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"onebook/internal/activity"
	"onebook/internal/fault"
)

// shop is a small domain of widgets: one lock instead of a table, but the same manners as the real ones. A deed
// claims its Idempotency-Key in the moment in which it changes anything.
type shop struct {
	mu      sync.Mutex
	widgets map[string]*stored
	claims  map[string]activity.OnceRecord
	deeds   int // how often something was really done
	wrong   error
	before  func() // runs before a deed takes the lock
	seen    []activity.By
	refused []string
	log     bytes.Buffer
}

type stored struct {
	id       string
	rev, seq int64
	edit     edit
	state    string
}

// edit is the form that people edit.
type edit struct {
	Name   string            `json:"name" minLength:"1" maxLength:"40"`
	Price  string            `json:"price" format:"decimal"`
	Weight *int64            `json:"weight,omitempty" minimum:"0" format:"minor"`
	On     string            `json:"on,omitempty" format:"date"`
	Kind   string            `json:"kind,omitempty" enum:"round,square"`
	Tags   []string          `json:"tags,omitempty" maxItems:"3"`
	Lines  []line            `json:"lines,omitempty"`
	Box    *box              `json:"box,omitempty"`
	Custom map[string]string `json:"custom,omitempty"`
	Fragil bool              `json:"fragile,omitempty"`
}

type line struct {
	Quantity  string `json:"quantity" format:"decimal"`
	UnitPrice string `json:"unitPrice" format:"decimal"`
	Tax       *tax   `json:"tax,omitempty"`
}

type tax struct {
	Category string `json:"category"`
	Rate     string `json:"rate" format:"decimal"`
}

type box struct {
	Color color  `json:"color"`
	Label string `json:"label,omitempty"`
}

// color reads its own text, as dates and amounts of the real domain do.
type color string

func (c *color) UnmarshalText(b []byte) error {
	if s := string(b); s != "red" && s != "blue" {
		return fault.Invalid.Errorf("there is no color %q", s)
	}
	*c = color(b)
	return nil
}

type widget struct {
	ID      string `json:"id"`
	State   string `json:"state"`
	Version int64  `json:"version"`
	Edit    edit   `json:"edit"`
}

type byID struct {
	ID string `path:"id"`
}

type widgetFilter struct {
	Page
	Query string   `query:"query" maxLength:"20"`
	State []string `query:"state" enum:"new,painted"`
	Full  bool     `query:"full"`
}

type painting struct {
	byID
	Quick bool `query:"quick"`
}

type paint struct {
	Coats int `json:"coats,omitempty" minimum:"1" maximum:"9"`
}

func (s *shop) get(id string) (*stored, error) {
	w := s.widgets[id]
	if w == nil {
		return nil, fault.NotFound.Errorf("there is no widget %q", id)
	}
	return w, nil
}

func (w *stored) show() (widget, Tag, error) {
	return widget{ID: w.id, State: w.state, Version: w.rev, Edit: w.edit}, Tag{Rev: w.rev, Seq: w.seq}, nil
}

func (s *shop) look(id string) (widget, Tag, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w, err := s.get(id)
	if err != nil {
		return widget{}, Tag{}, err
	}
	return w.show()
}

// do runs a deed as one transaction: the claim and the change, or neither.
func (s *shop) do(by activity.By, subject func() (string, error)) (string, error) {
	if s.before != nil {
		s.before()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen = append(s.seen, by)
	if by.Role == "viewer" {
		return "", fault.Denied.Errorf("viewers may not change widgets")
	}
	if s.wrong != nil {
		return "", s.wrong
	}
	if by.Once != nil {
		if _, taken := s.claims[by.Once.Key]; taken {
			return "", activity.ErrOnce
		}
	}
	id, err := subject()
	if err != nil {
		return "", err
	}
	s.deeds++
	if by.Once != nil {
		s.claims[by.Once.Key] = activity.OnceRecord{Request: by.Once.Request, Status: by.Once.Status, Subject: id}
	}
	return id, nil
}

func (s *shop) find(_ context.Context, key string) (activity.OnceRecord, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.claims[key]
	return r, ok, nil
}

func (s *shop) door() Door { return Door{Name: "widgets", Routes: s.routes} }

func (s *shop) routes(r *Router) {
	showID := func(_ context.Context, _ activity.By, req *Request[byID, None]) (widget, Tag, error) {
		return s.look(req.Params.ID)
	}
	Read(r, Op{ID: "getWidget", Path: "/widgets/{id}", Summary: "One widget."}, showID)
	List(r, Op{ID: "listWidgets", Path: "/widgets", Summary: "Widgets."}, s.list)
	Create(r, Op{ID: "createWidget", Path: "/widgets", Summary: "A new widget."}, Deed[None, edit, widget]{
		Do: func(_ context.Context, by activity.By, req *Request[None, edit]) (string, error) {
			return s.do(by, func() (string, error) {
				for id, w := range s.widgets {
					if w.edit.Name == req.Body.Name {
						return "", fault.Exists.Errorf("there is a widget of that name").With("widgetId", id)
					}
				}
				id := fmt.Sprintf("wi_%d", len(s.widgets)+1)
				s.widgets[id] = &stored{id: id, rev: 1, seq: 1, edit: req.Body, state: "new"}
				return id, nil
			})
		},
		Show: func(_ context.Context, _ activity.By, _ *Request[None, edit], id string) (widget, Tag, error) {
			return s.look(id)
		},
	})
	Act(r, Op{ID: "paintWidget", Path: "/widgets/{id}/paint", Summary: "Paint it."}, Deed[painting, paint, widget]{
		Do: func(_ context.Context, by activity.By, req *Request[painting, paint]) (string, error) {
			return s.do(by, func() (string, error) {
				w, err := s.get(req.Params.ID)
				if err != nil {
					return "", err
				}
				if w.state == "painted" {
					return "", fault.Unready.Errorf("it is painted already")
				}
				w.state = "painted"
				w.seq++
				return w.id, nil
			})
		},
		Show: func(_ context.Context, _ activity.By, _ *Request[painting, paint], id string) (widget, Tag, error) {
			return s.look(id)
		},
		Now: func(_ context.Context, _ activity.By, req *Request[painting, paint]) (any, Tag, error) {
			return s.look(req.Params.ID)
		},
	})
	Patch(r, Op{ID: "editWidget", Path: "/widgets/{id}", Summary: "Edit it."}, Change[byID, edit, widget]{
		Now: func(_ context.Context, _ activity.By, req *Request[byID, edit]) (edit, Tag, error) {
			w, tag, err := s.look(req.Params.ID)
			return w.Edit, tag, err
		},
		Do: func(_ context.Context, by activity.By, req *Request[byID, edit]) error { return s.store(by, req) },
		Show: func(_ context.Context, _ activity.By, req *Request[byID, edit]) (widget, Tag, error) {
			return s.look(req.Params.ID)
		},
	})
	Put(r, Op{ID: "putWidget", Path: "/widgets/{id}", Summary: "Replace it."}, Whole[byID, edit, widget]{
		Do: func(_ context.Context, by activity.By, req *Request[byID, edit]) error { return s.store(by, req) },
		Show: func(_ context.Context, _ activity.By, req *Request[byID, edit]) (widget, Tag, error) {
			return s.look(req.Params.ID)
		},
	})
	Remove(r, Op{ID: "removeWidget", Path: "/widgets/{id}", Summary: "Remove it."}, Removal[byID]{
		Now: func(_ context.Context, _ activity.By, req *Request[byID, None]) (any, Tag, error) {
			return s.look(req.Params.ID)
		},
		Do: func(_ context.Context, by activity.By, req *Request[byID, None]) error {
			_, err := s.do(by, func() (string, error) {
				w, err := s.get(req.Params.ID)
				if err != nil {
					return "", err
				}
				if w.rev != req.Rev {
					return "", fault.Stale.Errorf("it was changed")
				}
				delete(s.widgets, w.id)
				return w.id, nil
			})
			return err
		},
	})
	Compute(r, Op{ID: "measureWidget", Path: "/measure", Summary: "How long its name is."},
		func(_ context.Context, _ activity.By, req *Request[None, edit]) (map[string]int, error) {
			return map[string]int{"length": len(req.Body.Name)}, nil
		})
	Raw(r, Op{ID: "drawWidget", Path: "/widgets/{id}/drawing", Summary: "Its drawing.", Also: []int{302}, Type: "image/x-widget"},
		func(_ context.Context, _ activity.By, req *Request[byID, None]) (Answer[None], error) {
			if req.Params.ID == "wi_elsewhere" {
				return Answer[None]{Status: http.StatusFound, Location: "https://files.example/x"}, nil
			}
			return Answer[None]{Body: []byte{0xff, 0x00, 0xfe}}, nil
		})
	s.clientRoutes(r)
}

func (s *shop) clientRoutes(r *Router) {
	type ref struct {
		Ref string `path:"ref"`
	}
	Read(r, Op{ID: "openWidget", Path: "/public/widgets/{ref}", Summary: "By link.", Public: true},
		func(_ context.Context, by activity.By, _ *Request[ref, None]) (widget, Tag, error) {
			return s.look("wi_1")
		})
	Act(r, Op{ID: "wishWidget", Path: "/public/widgets/{ref}/wish", Summary: "By link.", Public: true}, Deed[ref, paint, widget]{
		Do: func(_ context.Context, by activity.By, _ *Request[ref, paint]) (string, error) {
			return s.do(by, func() (string, error) { return "wi_1", nil })
		},
		Show: func(_ context.Context, _ activity.By, _ *Request[ref, paint], id string) (widget, Tag, error) {
			return s.look(id)
		},
	})
}

func (s *shop) store(by activity.By, req *Request[byID, edit]) error {
	_, err := s.do(by, func() (string, error) {
		w, err := s.get(req.Params.ID)
		if err != nil {
			return "", err
		}
		if w.rev != req.Rev {
			return "", fault.Stale.Errorf("it was changed")
		}
		w.edit, w.rev, w.seq = req.Body, w.rev+1, w.seq+1
		return w.id, nil
	})
	return err
}

func (s *shop) list(_ context.Context, _ activity.By, req *Request[widgetFilter, None]) ([]widget, string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []widget
	for i := 1; i <= len(s.widgets) && len(out) < req.Params.Limit; i++ {
		w := s.widgets[fmt.Sprintf("wi_%d", i)]
		if strings.HasPrefix(w.edit.Name, req.Params.Query) {
			v, _, _ := w.show()
			out = append(out, v)
		}
	}
	next := ""
	if len(out) < len(s.widgets) {
		next = fmt.Sprint(len(out))
	}
	return out, next, nil
}

// Live lets in a member per role, whose subject is "sub-<role>".
func (s *shop) Live(_ context.Context, sub string) (activity.By, error) {
	role, ok := strings.CutPrefix(sub, "sub-")
	switch {
	case !ok:
		return activity.By{}, fault.NotFound.Errorf("no member")
	case role == "gone":
		return activity.By{}, fault.Denied.Errorf("removed")
	case role == "slow":
		return activity.By{}, fault.Busy.Errorf("later")
	}
	return activity.By{Kind: activity.Member, ID: "me_" + role, Name: role, Role: role}, nil
}

// Actor knows two references of one link.
func (s *shop) Actor(_ context.Context, ref string) (activity.By, error) {
	if ref == "ref-a" || ref == "ref-b" {
		return activity.By{Kind: activity.Client, ID: "li_1"}, nil
	}
	return activity.By{}, fault.NotFound.Errorf("the link %s has expired", ref)
}

func newShop() *shop {
	n := int64(200)
	return &shop{
		claims: map[string]activity.OnceRecord{},
		widgets: map[string]*stored{
			"wi_1": {id: "wi_1", rev: 3, seq: 17, state: "new", edit: edit{
				Name: "first", Price: "1.50", Weight: &n, Tags: []string{"a"}, Box: &box{Color: "red", Label: "L"},
				Custom: map[string]string{"k": "v"},
			}},
		},
	}
}

func (s *shop) api() *API {
	a := &API{
		Issuer: "https://issuer.example/pool", Clients: []string{"app", "cli"}, Members: s, Links: s, Once: s.find,
		Denied: func(_ context.Context, by activity.By, route string) { s.refused = append(s.refused, by.ID+" "+route) },
		Log:    slog.New(slog.NewJSONHandler(&s.log, nil)),
	}
	return a.Add(s.door(), Manual())
}

// site is a shop behind the gateway, whose every answer is held against the document.
type site struct {
	t *testing.T
	*shop
	serve func(context.Context, events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error)
	doc   *document
	role  string // of the member who asks; empty is nobody
}

func open(t *testing.T) *site {
	t.Helper()
	s := newShop()
	return &site{t: t, shop: s, serve: Handler(s.api()), doc: describe([]Door{s.door(), Manual()}), role: "owner"}
}

// reply is an answer as a client sees it.
type reply struct {
	status int
	header http.Header
	body   string
	json   map[string]any
}

// call sends a request; header holds name and value in turn.
func (s *site) call(method, path, body string, header ...string) reply {
	s.t.Helper()
	e := event(method, path, body, s.role)
	for i := 0; i+1 < len(header); i += 2 {
		e.Headers[strings.ToLower(header[i])] = header[i+1]
	}
	return s.send(e)
}

func event(method, path, body, role string) events.APIGatewayV2HTTPRequest {
	path, query, _ := strings.Cut(path, "?")
	e := events.APIGatewayV2HTTPRequest{
		Version: "2.0", RawPath: path, RawQueryString: query, Body: body,
		Headers: map[string]string{},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RequestID: "req-1", Stage: "$default", DomainName: "api.example",
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: method, Path: path, SourceIP: "192.0.2.1"},
		},
	}
	if body != "" {
		e.Headers["content-type"] = "application/json"
	}
	if role != "" {
		e.RequestContext.Authorizer = &events.APIGatewayV2HTTPRequestContextAuthorizerDescription{
			JWT: &events.APIGatewayV2HTTPRequestContextAuthorizerJWTDescription{Claims: claims("sub-" + role)},
		}
	}
	return e
}

func claims(sub string) map[string]string {
	return map[string]string{
		"sub": sub, "token_use": "access", "client_id": "app", "iss": "https://issuer.example/pool",
	}
}

func (s *site) send(e events.APIGatewayV2HTTPRequest) reply {
	s.t.Helper()
	out, err := s.serve(context.Background(), e)
	if err != nil {
		s.t.Fatalf("%s %s: %v", e.RequestContext.HTTP.Method, e.RawPath, err)
	}
	r := reply{status: out.StatusCode, header: http.Header{}, body: out.Body}
	for k, v := range out.Headers {
		r.header.Set(k, v)
	}
	if strings.Contains(out.Headers["Content-Type"], "json") && out.Body != "" {
		if err := json.Unmarshal([]byte(out.Body), &r.json); err != nil {
			s.t.Fatalf("answer is not JSON: %v\n%s", err, out.Body)
		}
	}
	s.conforms(e, r)
	return r
}

// want demands a status, and for a failure its code.
func (r reply) want(t *testing.T, status int, code string) reply {
	t.Helper()
	if r.status != status || code != "" && r.json["code"] != code {
		t.Fatalf("got %d %v, want %d %s\n%s", r.status, r.json["code"], status, code, r.body)
	}
	return r
}

// fields lists the wrong fields of a problem as field:code.
func (r reply) fields() string {
	var out []string
	list, _ := r.json["errors"].([]any)
	for _, e := range list {
		m := e.(map[string]any)
		out = append(out, fmt.Sprintf("%v:%v", m["field"], m["code"]))
	}
	return strings.Join(out, " ")
}
