package functions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onebook/infra/local/invoke"
	"onebook/infra/local/template"
	"onebook/internal/app"
	"onebook/internal/app/all"
	"onebook/internal/store/storetest"
)

// day is when the samples were sent.
var day = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func clock() time.Time { return day }

// directory plays the user pool: everybody who is invited is the subject of the samples.
type directory string

// Ensure answers the subject of a sign-in.
func (d directory) Ensure(context.Context, string, string) (string, error) { return string(d), nil }

// Every sample is answered by its handler: a whole life, in this process and on their own day.
func TestSamples(t *testing.T) {
	table := storetest.Embedded(t, clock)
	w := &world{outside: newOutside(t, clock, subject(t)), product: watching(table, clock), now: clock}
	functions := &invoke.Functions{ByName: map[string]invoke.Function{}}
	for _, f := range deployment(t, "onebook").Functions() {
		p := parts(f.Env)
		p.Now, p.Table, p.Secret, p.Directory = clock, table, known, directory(subject(t))
		p.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
		p.S3, p.SES, p.Stripe = w.url+"/s3", w.url+"/ses", w.url+"/stripe"
		p.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		})
		h, err := all.Functions[f.Name](app.New(p))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		functions.ByName[f.Name] = invoke.Function{Handler: invoke.Handler(h), Timeout: f.Timeout}
	}
	w.call = func(t *testing.T, door string, payload json.RawMessage) (json.RawMessage, error) {
		return functions.Invoke(t.Context(), door, payload)
	}
	w.life(t)
}

// A function serves the routes that the template leads to it: a route on the wrong function would be deployed, and answer
// that there is nothing.
func TestRoutesLeadHome(t *testing.T) {
	handlers, routes := map[string]app.Handler{}, map[string][]template.Route{}
	for _, f := range deployment(t, "onebook").Functions() {
		if len(f.Routes) == 0 {
			continue
		}
		p := parts(f.Env)
		p.Now, p.Table, p.Secret = clock, storetest.Embedded(t, clock), known
		h, err := all.Functions[f.Name](app.New(p))
		if err != nil {
			t.Fatalf("%s: %v", f.Name, err)
		}
		handlers[f.Name], routes[f.Name] = h, f.Routes
		for _, offence := range astray(t, f.Name, f.Routes, h) {
			t.Error(offence)
		}
	}
	if got := astray(t, "contacts", routes["sales"], handlers["contacts"]); len(got) != len(routes["sales"]) || len(got) == 0 {
		t.Errorf("planted: of %d routes of another function, these are told: %q", len(routes["sales"]), got)
	}
}

// astray answers the routes that a function does not serve. Nobody asks, so that nothing is done.
func astray(t *testing.T, door string, routes []template.Route, h app.Handler) (out []string) {
	t.Helper()
	w := &world{call: func(t *testing.T, _ string, payload json.RawMessage) (json.RawMessage, error) {
		return h(t.Context(), payload)
	}}
	for _, r := range routes {
		body := ""
		if r.Method != "GET" {
			body = "{}"
		}
		status, problem := w.ask(t, door, claiming(routed(request(t, door), r.Method, parameter.ReplaceAllString(r.Path, "nothing"), body), nil))
		if r.Auth && status != 401 || problem["detail"] == "there is nothing at this address" || status == 405 || status >= 500 {
			out = append(out, fmt.Sprintf("%s answers %s with %d %v", door, r.Key(), status, problem))
		}
	}
	return out
}

var parameter = regexp.MustCompile(`\{[^}]*\}`)
