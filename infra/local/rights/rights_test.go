package rights

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onebook/infra/local/invoke"
	"onebook/infra/local/template"
	"onebook/internal/store"
)

var policy = []template.Statement{
	{Effect: "Allow", Actions: []string{"dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:DeleteItem"}, Resources: []string{"Data.Table"}},
	{Effect: "Deny", Actions: []string{"dynamodb:UpdateItem", "dynamodb:DeleteItem"}, Resources: []string{"Data.Table"},
		Conditions: map[string]map[string][]string{"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": {"A#*"}}}},
	{Effect: "Allow", Actions: []string{"dynamodb:Query"}, Resources: []string{"Data.Table/index/list"}},
	{Effect: "Allow", Actions: []string{"s3:GetObject"}, Resources: []string{"Data.Documents/documents/*"}},
	{Effect: "Allow", Actions: []string{"logs:PutLogEvents"}, Resources: []string{"Log"}},
}

// A role allows what it names and nothing beside it, and a denial goes before everything.
func TestAllows(t *testing.T) {
	for _, c := range []struct {
		action, resource, leading string
		ok                        bool
	}{
		{"dynamodb:GetItem", "Data.Table", "C#1", true},
		{"dynamodb:DeleteItem", "Data.Table", "C#1", true},
		{"dynamodb:DeleteItem", "Data.Table", "A#1", false},
		{"dynamodb:PutItem", "Data.Table", "A#1", true},
		{"dynamodb:Query", "Data.Table", "C#1", false},
		{"dynamodb:Query", "Data.Table/index/list", "x", true},
		{"dynamodb:Query", "Data.Table/index/due", "x", false},
		{"dynamodb:Scan", "Data.Table", "", false},
		{"s3:GetObject", "Data.Documents/documents/1.pdf", "", true},
		{"s3:GetObject", "Data.Documents/uploads/1", "", false},
		{"s3:PutObject", "Data.Documents/documents/1.pdf", "", false},
	} {
		if _, ok := Allows(policy, c.action, c.resource, c.leading); ok != c.ok {
			t.Errorf("%s on %s of %s: %v", c.action, c.resource, c.leading, ok)
		}
	}
	for _, c := range []struct {
		pattern, s string
		ok         bool
	}{{"a*c", "abc", true}, {"a*c", "ac", true}, {"a*c", "acb", false}, {"*", "", true}, {"a*b*c", "a1b2c", true}, {"a*b*c", "a1c", false}, {"a", "ab", false}, {"*b", "ab", true}} {
		if like(c.pattern, c.s) != c.ok {
			t.Errorf("%s like %s: %v", c.s, c.pattern, !c.ok)
		}
	}
}

type nothing struct{ store.Table }

func (nothing) Get(context.Context, store.Key) (store.Item, error)    { return store.Item{}, nil }
func (nothing) List(context.Context, store.Query) (store.Page, error) { return store.Page{}, nil }
func (nothing) Write(context.Context, ...store.Op) error              { return nil }

// What a function does is noted under its name and refused where its role is silent; the program itself is free.
func TestBook(t *testing.T) {
	reached := 0
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached++ }))
	defer s.Close()
	b := New(map[string][]template.Statement{"invoices": policy})
	table := b.Table(nothing{}, "Data.Table")
	client := &http.Client{Transport: b.Transport(http.DefaultTransport, func(r *http.Request) ([]string, string) {
		return []string{"s3:GetObject"}, "Data.Documents" + r.URL.Path
	})}
	get := func(ctx context.Context, path string) error {
		req, err := http.NewRequestWithContext(ctx, "GET", s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err == nil {
			res.Body.Close()
		}
		return err
	}
	fns := &invoke.Functions{ByName: map[string]invoke.Function{"invoices": {Handler: func(ctx context.Context, _ json.RawMessage) (json.RawMessage, error) {
		if _, err := table.Get(ctx, store.Key{PK: "C#1", SK: "x"}); err != nil {
			t.Error(err)
		}
		if _, err := table.List(ctx, store.Query{Index: store.ByList, Partition: "p"}); err != nil {
			t.Error(err)
		}
		if err := get(ctx, "/documents/1.pdf"); err != nil {
			t.Error(err)
		}
		var denied *Denied
		if _, err := table.List(ctx, store.Query{Index: store.Due, Partition: "p"}); !errors.As(err, &denied) || !strings.Contains(err.Error(), "index/due") {
			t.Errorf("got %v", err)
		}
		if err := table.Write(ctx, store.Delete(store.Key{PK: "A#1", SK: "1"}, 1)); !errors.As(err, &denied) {
			t.Errorf("a deleted activity: %v", err)
		}
		if err := get(ctx, "/uploads/1"); !errors.As(err, &denied) {
			t.Errorf("got %v", err)
		}
		return nil, nil
	}}}}
	if _, err := fns.Invoke(t.Context(), "invoices", nil); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]Call{{"invoices", "dynamodb:GetItem", "Data.Table"}, {"invoices", "dynamodb:Query", "Data.Table/index/list"},
		{"invoices", "s3:GetObject", "Data.Documents/documents/*"}}, b.Used()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Call{{"invoices", "dynamodb:DeleteItem", "Data.Table"}, {"invoices", "dynamodb:Query", "Data.Table/index/due"},
		{"invoices", "s3:GetObject", "Data.Documents/uploads/1"}}, b.Refused()); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]Call{{"invoices", "dynamodb:DeleteItem", "Data.Table"}, {"invoices", "dynamodb:PutItem", "Data.Table"}}, b.Unused()); d != "" {
		t.Error(d)
	}
	if err := table.Write(t.Context(), store.Delete(store.Key{PK: "A#1", SK: "1"}, 1)); err != nil || get(t.Context(), "/uploads/1") != nil || reached != 2 {
		t.Errorf("outside of any function: %v, reached %d", err, reached)
	}
	if err := b.Check("stranger", "dynamodb:GetItem", "Data.Table", "C#1"); err == nil {
		t.Error("a function without a role was let in")
	}
}
