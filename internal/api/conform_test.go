package api

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/aws/aws-lambda-go/events"
	"github.com/danielgtaylor/huma/v2"
)

// conforms holds an answer against the document: the status must be named there, and the body must be what huma's
// own validator, which this package does not use for serving, takes for valid.
func (s *site) conforms(e events.APIGatewayV2HTTPRequest, r reply) {
	s.t.Helper()
	for name, value := range always {
		if r.header.Get(name) != value {
			s.t.Errorf("%s %s: header %s is %q", e.RequestContext.HTTP.Method, e.RawPath, name, r.header.Get(name))
		}
	}
	op := s.doc.find(e.RequestContext.HTTP.Method, strings.TrimPrefix(e.RawPath, "/v1"))
	if op == nil {
		return
	}
	resp := op.Responses[strconv.Itoa(r.status)]
	if resp == nil {
		s.t.Errorf("%s %s answers %d, which its document does not name", op.Method, op.Path, r.status)
		return
	}
	if resp.Ref != "" {
		resp = s.doc.open.Components.Responses[strings.TrimPrefix(resp.Ref, "#/components/responses/")]
	}
	if e.RequestContext.HTTP.Method == "HEAD" || r.body == "" {
		return
	}
	media := resp.Content[r.header.Get("Content-Type")]
	if media == nil {
		s.t.Errorf("%s %s answers %d as %q, which its document does not name", op.Method, op.Path, r.status, r.header.Get("Content-Type"))
		return
	}
	if media.Schema == nil {
		return
	}
	var v any
	if err := json.Unmarshal([]byte(r.body), &v); err != nil {
		s.t.Fatal(err)
	}
	res := &huma.ValidateResult{}
	huma.Validate(s.doc.reg.huma, media.Schema, huma.NewPathBuffer(nil, 0), huma.ModeReadFromServer, v, res)
	for _, err := range res.Errors {
		s.t.Errorf("%s %s %d: %v\n%s", op.Method, op.Path, r.status, err, r.body)
	}
}

// find matches a path against the documented ones.
func (d *document) find(method, path string) *huma.Operation {
	got := strings.Split(path, "/")
	var best *huma.Operation
	for pattern, item := range d.open.Paths {
		want := strings.Split(pattern, "/")
		if len(want) != len(got) {
			continue
		}
		ok, exact := true, true
		for i := range want {
			if strings.HasPrefix(want[i], "{") {
				exact = false
			} else if want[i] != got[i] {
				ok = false
			}
		}
		if !ok {
			continue
		}
		op := map[string]*huma.Operation{
			"GET": item.Get, "HEAD": item.Get, "POST": item.Post, "PUT": item.Put, "PATCH": item.Patch, "DELETE": item.Delete,
		}[method]
		if op != nil && (exact || best == nil) {
			best = op
		}
	}
	return best
}
