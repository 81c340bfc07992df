package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
)

// document collects the routes of all doors as OpenAPI 3.1.
type document struct {
	reg  *registry
	open *huma.OpenAPI
	errs []error
}

// Document writes the OpenAPI 3.1 document of doors, indented and in a stable order. It fails when a door breaks
// the conventions: a path parameter that is not declared, a name used twice.
func Document(doors ...Door) ([]byte, error) {
	d := describe(doors)
	if len(d.errs) > 0 {
		return nil, fmt.Errorf("api: %w", errors.Join(d.errs...))
	}
	raw, err := json.Marshal(d.open)
	if err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", " "); err != nil {
		return nil, fmt.Errorf("api: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

func describe(doors []Door) *document {
	g := newRegistry()
	d := &document{reg: g, open: &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info:    &huma.Info{Title: "Onebook", Version: "1", Description: about},
		Servers: []*huma.Server{{URL: "/v1"}},
		Paths:   map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas:    g.huma,
			Responses:  map[string]*huma.Response{},
			Parameters: map[string]*huma.Param{},
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"member": {Type: "http", Scheme: "bearer", BearerFormat: "JWT", Description: "access token of a member"},
			},
		},
	}}
	d.shared()
	for _, door := range doors {
		d.open.Tags = append(d.open.Tags, &huma.Tag{Name: door.Name})
		door.Routes(&Router{door: door.Name, doc: d})
	}
	return d
}

const about = "Contacts, estimates, invoices, payments and visits of one organisation. " +
	"What a person types is a decimal string in major units; sums and movements are whole numbers in minor units. " +
	"Unknown, repeated or null fields are refused. Bodies are at most 256 KB."

// problems are the answers that every route shares, by status.
var problems = map[int][2]string{
	http.StatusBadRequest:            {"Malformed", "The request is not what HTTP and JSON call well-formed."},
	http.StatusUnauthorized:          {"Unauthenticated", "There is no valid access token."},
	http.StatusForbidden:             {"Denied", "The member or link may not do this (code denied)."},
	http.StatusNotFound:              {"NotFound", "There is no such thing."},
	http.StatusConflict:              {"Conflict", "It exists already (exists), its state does not allow it (unready), or the time is taken (slot_taken)."},
	http.StatusPreconditionFailed:    {"Stale", "It was changed since it was read; current is the document as it is now."},
	http.StatusRequestEntityTooLarge: {"TooLarge", "The body is larger than 256 KB."},
	http.StatusUnprocessableEntity:   {"Invalid", "Fields are wrong; errors names each. Code idempotency_mismatch: the key was used for another request."},
	http.StatusPreconditionRequired:  {"Unguarded", "If-Match is missing."},
	http.StatusTooManyRequests:       {"TooMany", "Asked too often; Retry-After says when to try again."},
	http.StatusInternalServerError:   {"Internal", "Something went wrong on our side; correlationId names it in our logs."},
	http.StatusServiceUnavailable:    {"Busy", "Too much at once; Retry-After says when to try again. Nothing was done, or the same request finds it done."},
}

const (
	onceParam    = "IdempotencyKey"
	matchParam   = "IfMatch"
	tryParam     = "IfMatchOptional"
	noneParam    = "IfNoneMatch"
	retryHeader  = "Retry-After"
	replayHeader = "Idempotency-Replayed"
)

func text(doc string) *huma.Schema { return &huma.Schema{Type: huma.TypeString, Description: doc} }

// shared describes what all routes refer to.
func (d *document) shared() {
	problem := d.reg.huma.Schema(reflect.TypeFor[Problem](), true, "")
	for status, p := range problems {
		r := &huma.Response{
			Description: p[1],
			Content:     map[string]*huma.MediaType{"application/problem+json": {Schema: problem}},
		}
		switch status {
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			r.Headers = map[string]*huma.Param{retryHeader: {Description: "seconds", Schema: &huma.Schema{Type: huma.TypeInteger}}}
		case http.StatusUnauthorized:
			r.Headers = map[string]*huma.Param{"WWW-Authenticate": {Schema: text("")}}
		}
		d.open.Components.Responses[p[0]] = r
	}
	one, most := 1, maxOnceKey
	key := text("")
	key.MinLength, key.MaxLength = &one, &most
	ps := d.open.Components.Parameters
	ps[onceParam] = &huma.Param{Name: "Idempotency-Key", In: "header", Schema: key,
		Description: "A repetition with the same key does nothing again and answers the thing as it is now. Kept for 7 days."}
	ps[matchParam] = &huma.Param{Name: "If-Match", In: "header", Required: true, Schema: text(""),
		Description: "The ETag that was read; the part before the dot counts."}
	ps[tryParam] = &huma.Param{Name: "If-Match", In: "header", Schema: text(""),
		Description: "When it is sent: the ETag that was read; the part before the dot counts."}
	ps[noneParam] = &huma.Param{Name: "If-None-Match", In: "header", Schema: text(""),
		Description: "The ETag that is known already: 304 when it is still the one."}
}

// add documents one route.
func (d *document) add(door string, k kind, o Op, params, body, out reflect.Type) {
	op := &huma.Operation{
		OperationID: o.ID, Method: k.method, Path: o.Path, Tags: []string{door}, Summary: o.Summary, Description: o.About,
		Responses: map[string]*huma.Response{},
	}
	if !o.Public {
		op.Security = []map[string][]string{{"member": {}}}
	}
	d.parameters(op, k, params)
	d.body(op, k, body)
	d.success(op, k, o, out)
	for _, status := range failures(k, o, body != nil) {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + problems[status][0]}
	}
	if o.ID == "" || o.Summary == "" {
		d.errs = append(d.errs, fmt.Errorf("%s %s needs an ID and a summary", k.method, o.Path))
	}
	for path, item := range d.open.Paths {
		for _, other := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if other != nil && (other.OperationID == o.ID || path == o.Path && other.Method == k.method) {
				d.errs = append(d.errs, fmt.Errorf("%s %s: its ID or address is taken", k.method, o.Path))
				return
			}
		}
	}
	d.open.AddOperation(op)
}

func (d *document) parameters(op *huma.Operation, k kind, params reflect.Type) {
	names := pathNames(op.Path)
	for _, p := range paramsOf(d.reg, params) {
		if p.in == "path" {
			i := slices.Index(names, p.name)
			if i < 0 {
				d.errs = append(d.errs, fmt.Errorf("%s %s has no {%s}", op.Method, op.Path, p.name))
				continue
			}
			names = slices.Delete(names, i, i+1)
		}
		desc := p.schema.Description
		p.schema.Description = ""
		param := &huma.Param{Name: p.name, In: p.in, Required: p.required, Description: desc, Schema: p.schema}
		if p.schema.Type == huma.TypeArray {
			no := false
			param.Explode = &no
		}
		op.Parameters = append(op.Parameters, param)
	}
	for _, name := range names {
		d.errs = append(d.errs, fmt.Errorf("%s %s does not declare {%s}", op.Method, op.Path, name))
	}
	refer := func(name string) {
		op.Parameters = append(op.Parameters, &huma.Param{Ref: "#/components/parameters/" + name})
	}
	switch {
	case k.once:
		refer(onceParam)
	case k.method == http.MethodGet && !k.raw:
		refer(noneParam)
	}
	switch k.match {
	case "required":
		refer(matchParam)
	case "optional":
		refer(tryParam)
	}
}

func (d *document) body(op *huma.Operation, k kind, body reflect.Type) {
	if body == nil || body == reflect.TypeFor[None]() {
		return
	}
	s := d.reg.huma.Schema(body, true, op.OperationID+"Request")
	if k.patch {
		media := &huma.MediaType{Schema: d.partial(s)}
		op.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
			"application/merge-patch+json": media, "application/json": media,
		}}
		return
	}
	whole := s
	if s.Ref != "" {
		whole = d.reg.huma.SchemaFromRef(s.Ref)
	}
	op.RequestBody = &huma.RequestBody{
		Required: len(whole.Required) > 0,
		Content:  map[string]*huma.MediaType{"application/json": {Schema: s}},
	}
}

// partial is the schema of a merge patch for a schema: nothing is required, null removes what is not.
func (d *document) partial(s *huma.Schema) *huma.Schema {
	if s.Ref == "" {
		return s
	}
	whole := d.reg.huma.SchemaFromRef(s.Ref)
	if whole.Type != huma.TypeObject {
		return s
	}
	ref := s.Ref + "Patch"
	name := ref[len("#/components/schemas/"):]
	all := d.reg.huma.Map()
	if all[name] != nil {
		return &huma.Schema{Ref: ref}
	}
	out := &huma.Schema{Type: huma.TypeObject, Properties: map[string]*huma.Schema{}, AdditionalProperties: whole.AdditionalProperties}
	all[name] = out // before its members, which may refer to it
	for member, p := range whole.Properties {
		part := d.partial(p)
		switch {
		case slices.Contains(whole.Required, member):
		case part.Ref != "" || part.Type == "":
			part = &huma.Schema{AnyOf: []*huma.Schema{part, {Type: "null"}}}
		default:
			copied := *part
			copied.Nullable = true
			if len(copied.Enum) > 0 {
				copied.Enum = append(slices.Clone(copied.Enum), nil)
			}
			part = &copied
		}
		out.Properties[member] = part
	}
	return &huma.Schema{Ref: ref}
}

func (d *document) success(op *huma.Operation, k kind, o Op, out reflect.Type) {
	r := &huma.Response{Description: http.StatusText(o.Status), Headers: map[string]*huma.Param{}}
	op.Responses[strconv.Itoa(o.Status)] = r
	for _, also := range o.Also {
		op.Responses[strconv.Itoa(also)] = &huma.Response{Description: http.StatusText(also)}
	}
	if o.Second {
		op.Responses["202"] = &huma.Response{
			Description: "It waits for a second person: GET /approvals/{approvalId}.",
			Content:     map[string]*huma.MediaType{"application/json": {Schema: d.reg.huma.Schema(reflect.TypeFor[askedView](), true, "")}},
		}
	}
	if o.Type != "" {
		r.Content = map[string]*huma.MediaType{o.Type: {}}
	}
	if out == nil {
		return
	}
	r.Content = map[string]*huma.MediaType{"application/json": {Schema: d.reg.huma.Schema(out, true, op.OperationID+"Response")}}
	if o.Type != "" {
		r.Content[o.Type] = &huma.MediaType{}
	}
	r.Headers["ETag"] = &huma.Param{Schema: text("")}
	if k.once {
		r.Headers[replayHeader] = &huma.Param{
			Description: "true when an earlier request with this Idempotency-Key did it",
			Schema:      &huma.Schema{Type: huma.TypeString, Enum: []any{"true"}},
		}
	}
	if k.method == http.MethodGet {
		op.Responses["304"] = &huma.Response{Description: "It is still what If-None-Match names."}
	}
}

// failures are the statuses that a route may fail with.
func failures(k kind, o Op, body bool) []int {
	out := []int{
		http.StatusBadRequest, http.StatusForbidden, http.StatusUnprocessableEntity, http.StatusTooManyRequests,
		http.StatusInternalServerError, http.StatusServiceUnavailable,
	}
	if !o.Public {
		out = append(out, http.StatusUnauthorized)
	}
	if len(pathNames(o.Path)) > 0 || k.method != http.MethodGet {
		out = append(out, http.StatusNotFound)
	}
	if body {
		out = append(out, http.StatusRequestEntityTooLarge)
	}
	if k.method != http.MethodGet || k.raw {
		out = append(out, http.StatusConflict)
	}
	if k.match != "" {
		out = append(out, http.StatusPreconditionFailed)
	}
	if k.match == "required" {
		out = append(out, http.StatusPreconditionRequired)
	}
	return out
}
