package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"onebook/infra/local/issuer"
	"onebook/infra/local/mailbox"
	"onebook/internal/hook"
	"onebook/internal/store"
)

const samples = "../../events"

func sample(t *testing.T, name string, into any) json.RawMessage {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(samples, name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields() // a member that the service does not send would prove nothing
	if err := d.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

// The samples have the shape that the services send.
func TestSamples(t *testing.T) {
	for _, name := range []string{"contacts", "sales", "invoices", "settings", "portal", "stripehook"} {
		var e events.APIGatewayV2HTTPRequest
		sample(t, name, &e)
		method, path, _ := strings.Cut(e.RouteKey, " ")
		if e.Version != "2.0" || e.RequestContext.HTTP.Method != method || e.RawPath != path || e.RequestContext.RouteKey != e.RouteKey {
			t.Errorf("%s: route %q of %s %s", name, e.RouteKey, e.RequestContext.HTTP.Method, e.RawPath)
		}
		for k := range e.Headers {
			if k != strings.ToLower(k) {
				t.Errorf("%s: header %s", name, k)
			}
		}
		if e.Body != "" && !json.Valid([]byte(e.Body)) {
			t.Errorf("%s: the body is no JSON", name)
		}
		public := name == "portal" || name == "stripehook"
		if a := e.RequestContext.Authorizer; (a == nil) != public {
			t.Errorf("%s: authorizer %v", name, a)
		} else if a != nil && (a.JWT.Claims["token_use"] != "access" || a.JWT.Claims["aud"] != "" || a.JWT.Claims["sub"] != issuer.Subject("owner")) {
			t.Errorf("%s: claims %v", name, a.JWT.Claims)
		}
	}
	for name, kind := range map[string]string{"relay": "effect.mail", "pdf": "effect.pdf"} {
		var e events.DynamoDBEvent
		var raw struct{ Records []json.RawMessage }
		if err := json.Unmarshal(sample(t, name, &e), &raw); err != nil {
			t.Fatal(err)
		}
		c, err := store.DecodeStream(raw.Records[0])
		if err != nil || c.Old != nil || c.New.Kind != kind || !json.Valid(c.New.Body) {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	var sns events.SNSEvent
	sample(t, "mailhook", &sns)
	var report map[string]any
	if err := json.Unmarshal([]byte(sns.Records[0].SNS.Message), &report); err != nil || report["eventType"] != "Bounce" {
		t.Errorf("mailhook: %v, %v", report, err)
	}
	var tick struct{ AsOf time.Time }
	if sample(t, "sweeper", &tick); tick.AsOf.IsZero() {
		t.Error("the sweeper is not told its moment")
	}
	sample(t, "setup", &struct{ OwnerEmail string }{})
	all, err := filepath.Glob(filepath.Join(samples, "*.json"))
	if err != nil || len(all) != 11 {
		t.Errorf("%d samples, %v", len(all), err)
	}
}

// The signed sample is signed: its own bytes pass, and any other bytes do not.
func TestSignedSample(t *testing.T) {
	var e events.APIGatewayV2HTTPRequest
	sample(t, "stripehook", &e)
	at := time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)
	ev, err := hook.Verify([]byte(e.Body), e.Headers["stripe-signature"], []string{"whsec_events_example"}, at)
	if err != nil || ev.Type != "payment_intent.succeeded" || ev.ObjectID == "" {
		t.Errorf("%+v, %v", ev, err)
	}
	if _, err := hook.Verify([]byte(strings.Replace(e.Body, "11900", "11901", 1)), e.Headers["stripe-signature"], []string{"whsec_events_example"}, at); err == nil {
		t.Error("another amount passed")
	}
}

// What the mailbox reports has the members of the sample, which are the service's: a handler that reads the one
// reads the other.
func TestReportsLikeTheSample(t *testing.T) {
	var want events.SNSEvent
	sample(t, "mailhook", &want)
	mail := mailbox.Mail{ID: "m", To: "a@example.com", From: "no-reply@studio.example", Subject: "s", ConfigSet: "c", Tags: map[string]string{"effect": "ef_1"}}
	raw, err := mailbox.Notification(mail, "Bounce", time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	var got events.SNSEvent
	if err := json.Unmarshal(raw, &got); err != nil {
		t.Fatal(err)
	}
	a, b := members(t, want.Records[0].SNS.Message), members(t, got.Records[0].SNS.Message)
	for _, m := range b {
		if !slices.Contains(a, m) {
			t.Errorf("%s is not in the sample", m)
		}
	}
	for _, m := range []string{"eventType", "mail.messageId", "mail.tags.effect", "bounce.bounceType", "bounce.bouncedRecipients.emailAddress"} {
		if !slices.Contains(b, m) {
			t.Errorf("%s is missing in %v", m, b)
		}
	}
}

func members(t *testing.T, message string) (out []string) {
	t.Helper()
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch x := v.(type) {
		case map[string]any:
			for k, inner := range x {
				walk(strings.TrimPrefix(path+"."+k, "."), inner)
			}
		case []any:
			for _, inner := range x {
				walk(path, inner)
			}
		default:
			out = append(out, path)
		}
	}
	var v any
	if err := json.Unmarshal([]byte(message), &v); err != nil {
		t.Fatal(err)
	}
	walk("", v)
	return out
}
