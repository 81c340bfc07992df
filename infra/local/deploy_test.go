package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onebook/infra/local/gateway"
	"onebook/infra/local/schedule"
	"onebook/infra/local/template"
)

// The local program deploys what the repository's template deploys.
func TestRead(t *testing.T) {
	const base = "http://127.0.0.1:8080"
	d, err := Read("../..", base)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []gateway.Route{
		{Method: "POST", Path: "/v1/contacts", Auth: true, Function: "contacts"},
		{Method: "GET", Path: "/v1/openapi.json", Function: "settings"},
		{Method: "POST", Path: "/hooks/stripe", Function: "stripehook"},
	} {
		if !slices.Contains(d.Routes, want) {
			t.Errorf("no route %+v", want)
		}
	}
	if _, err := gateway.NewRoutes(d.Routes); err != nil {
		t.Error(err)
	}
	if len(d.Streams) != 2 || d.MailEvent != "mailhook" || len(d.Schedules) == 0 || d.CORS == nil {
		t.Errorf("%d streams, mail events to %q, %d schedules", len(d.Streams), d.MailEvent, len(d.Schedules))
	}
	for _, s := range d.Schedules {
		if _, err := schedule.Parse(s.Expression); err != nil {
			t.Error(err)
		}
	}
	for name, env := range d.Env {
		if d.Timeouts[name] <= 0 {
			t.Errorf("%s has no timeout", name)
		}
		for k, v := range map[string]string{"TABLE": tableName, "BUCKET": bucketName, "SITE_URL": base, "ISSUER": base, "USER_POOL_CLIENT_ID": clientID,
			"LINK_KEY_SECRET": secretLinkKey, "STRIPE_WEBHOOK_SECRET": secretWebhook, "MAIL_FROM": mailFrom} {
			if got, ok := env[k]; ok && got != v {
				t.Errorf("%s: %s is %q, want %q", name, k, got, v)
			}
		}
	}
	if d.Env["sweeper"]["STRIPE_SECRET"] != secretStripe || d.Env["portal"]["STRIPE_SECRET"] != secretPortal {
		t.Error("a function has the wrong Stripe key")
	}
	may := func(fn, action, resource string) bool {
		return slices.ContainsFunc(d.Policies[fn], func(s template.Statement) bool {
			return s.Effect == "Allow" && slices.Contains(s.Actions, action) && slices.Contains(s.Resources, resource)
		})
	}
	for _, x := range []struct{ fn, action, resource string }{{"contacts", "dynamodb:PutItem", tableResource}, {"sweeper", "dynamodb:Query", tableResource + "/index/due"},
		{"relay", "ses:SendRawEmail", mailResource}, {"pdf", "s3:PutObject", documents + "/documents/*"}, {"stripehook", "secretsmanager:GetSecretValue", secretWebhook}} {
		if !may(x.fn, x.action, x.resource) {
			t.Errorf("the role of %s does not speak of %s on %s", x.fn, x.action, x.resource)
		}
	}
	for _, name := range d.names() {
		if _, ok := d.Timeouts[name]; !ok {
			t.Errorf("%s is not a function", name)
		}
	}
}

// A route that is deleted in the template is gone here.
func TestRouteDeleted(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "infra"), os.DirFS("..")); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for _, line := range strings.Split(string(b), "\n") {
		if !strings.Contains(line, "'/v1/contacts/match'") {
			kept = append(kept, line)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(strings.Join(kept, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	d, err := Read(dir, "http://127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(d.Routes, func(r gateway.Route) bool { return r.Path == "/v1/contacts/match" }) {
		t.Error("the route is still there")
	}
}
