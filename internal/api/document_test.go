package api

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	"onebook/internal/activity"
)

func TestTheCommittedDocumentIsCurrent(t *testing.T) {
	want, err := Document(Doors()...)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("openapi.json is out of date: run make openapi")
	}
}

func TestTheDocumentIsTheSameEachTime(t *testing.T) {
	first, err := Document(newShop().door(), Manual())
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if again, _ := Document(newShop().door(), Manual()); !bytes.Equal(first, again) {
			t.Fatal("it changes from one making to the next")
		}
	}
	if bytes.Contains(first, []byte("$schema")) {
		t.Error("it asks for $schema links")
	}
}

func TestTheDocumentSaysWhatARouteDemandsAndAnswers(t *testing.T) {
	raw, err := Document(newShop().door(), Manual())
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		OpenAPI string                               `json:"openapi"`
		Paths   map[string]map[string]map[string]any `json:"paths"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil || doc.OpenAPI != "3.1.0" {
		t.Fatal(err, doc.OpenAPI)
	}
	for _, c := range []struct{ method, path, params, statuses string }{
		{"get", "/widgets/{id}", "id IfNoneMatch", "200 304 400 401 403 404 422 429 500 503"},
		{"get", "/widgets", "limit cursor query state full IfNoneMatch", "200 304 400 401 403 422 429 500 503"},
		{"post", "/widgets", "IdempotencyKey", "201 400 401 403 404 409 413 422 429 500 503"},
		{"post", "/widgets/{id}/paint", "id quick IdempotencyKey IfMatchOptional", "200 400 401 403 404 409 412 413 422 429 500 503"},
		{"patch", "/widgets/{id}", "id IfMatch", "200 400 401 403 404 409 412 413 422 428 429 500 503"},
		{"delete", "/widgets/{id}", "id IfMatch", "204 400 401 403 404 409 412 422 428 429 500 503"},
		{"post", "/public/widgets/{ref}/wish", "ref IdempotencyKey IfMatchOptional", "200 400 403 404 409 412 413 422 429 500 503"},
		{"get", "/widgets/{id}/drawing", "id", "200 302 400 401 403 404 409 422 429 500 503"},
	} {
		op := doc.Paths[c.path][c.method]
		if op == nil {
			t.Errorf("%s %s is not there", c.method, c.path)
			continue
		}
		var params []string
		for _, p := range op["parameters"].([]any) {
			m := p.(map[string]any)
			if ref, ok := m["$ref"].(string); ok {
				params = append(params, ref[strings.LastIndexByte(ref, '/')+1:])
			} else {
				params = append(params, m["name"].(string))
			}
		}
		if got := strings.Join(params, " "); got != c.params {
			t.Errorf("%s %s: parameters %s, want %s", c.method, c.path, got, c.params)
		}
		var statuses []string
		for _, s := range strings.Fields("200 201 204 302 304 400 401 403 404 409 412 413 422 428 429 500 503") {
			if op["responses"].(map[string]any)[s] != nil {
				statuses = append(statuses, s)
			}
		}
		if got := strings.Join(statuses, " "); got != c.statuses || len(op["responses"].(map[string]any)) != len(statuses) {
			t.Errorf("%s %s: statuses %s, want %s", c.method, c.path, got, c.statuses)
		}
		if secured := op["security"] != nil; secured == strings.HasPrefix(c.path, "/public") {
			t.Errorf("%s %s: security %v", c.method, c.path, op["security"])
		}
	}
}

func TestTheSchemaOfAPatchRequiresNothingAndLetsNullRemove(t *testing.T) {
	raw, err := Document(newShop().door())
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Required             []string                  `json:"required"`
				AdditionalProperties any                       `json:"additionalProperties"`
				Properties           map[string]map[string]any `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	whole, part := doc.Components.Schemas["Edit"], doc.Components.Schemas["EditPatch"]
	if strings.Join(whole.Required, " ") != "name price" || len(part.Required) > 0 || part.AdditionalProperties != false {
		t.Errorf("required %v, of the patch %v, additional %v", whole.Required, part.Required, part.AdditionalProperties)
	}
	if part.Properties["name"]["type"] != "string" {
		t.Errorf("name may be %v", part.Properties["name"]["type"])
	}
	for _, name := range []string{"weight", "tags", "lines"} {
		if ts, ok := part.Properties[name]["type"].([]any); !ok || ts[1] != "null" {
			t.Errorf("%s may be %v", name, part.Properties[name]["type"])
		}
	}
	if part.Properties["box"]["anyOf"] == nil || doc.Components.Schemas["BoxPatch"].Properties["color"] == nil {
		t.Errorf("box may be %v", part.Properties["box"])
	}
	if doc.Components.Schemas["WidgetList"].Properties["items"]["type"] != "array" {
		t.Error("a list may be null")
	}
}

func TestADoorThatBreaksTheConventionsIsFound(t *testing.T) {
	show := func(context.Context, activity.By, *Request[byID, None]) (widget, Tag, error) {
		return widget{}, Tag{}, nil
	}
	for name, ops := range map[string][]Op{
		"path without its parameter": {{ID: "a", Summary: "s", Path: "/a/{x}/{id}"}},
		"parameter without its path": {{ID: "a", Summary: "s", Path: "/a"}},
		"no summary":                 {{ID: "a", Path: "/a/{id}"}},
		"no id":                      {{Summary: "s", Path: "/a/{id}"}},
		"the same id twice":          {{ID: "a", Summary: "s", Path: "/a/{id}"}, {ID: "a", Summary: "s", Path: "/b/{id}"}},
		"the same address twice":     {{ID: "a", Summary: "s", Path: "/a/{id}"}, {ID: "b", Summary: "s", Path: "/a/{id}"}},
	} {
		d := Door{Name: "d", Routes: func(r *Router) {
			for _, op := range ops {
				Read(r, op, show)
			}
		}}
		if _, err := Document(d); err == nil {
			t.Errorf("%s: not found", name)
		}
	}
}
