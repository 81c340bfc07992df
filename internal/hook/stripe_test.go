package hook_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/hook"
	"onebook/internal/payment"
)

const (
	secretA = "whsec_aaaaaaaaaaaaaaaaaaaaaaaa"
	secretB = "whsec_bbbbbbbbbbbbbbbbbbbbbbbb"
)

var moment = time.Unix(1_767_600_000, 0)

func sign(body, secret string, at time.Time) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%d.%s", at.Unix(), body)
	return fmt.Sprintf("t=%d,v1=%s", at.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

func event(text string) string {
	return `{"id":"evt_1","object":"event","type":"payment_intent.succeeded","created":1767600000,"livemode":false,"api_version":"2030-01-01",` +
		`"data":{"object":{"id":"pi_1","object":"payment_intent","note":"` + text + `"}}}`
}

// door is the hook with a hint that remembers what it was told and answers err.
func door(secrets []string, err error) (hook.Stripe, *[]payment.Event, *bytes.Buffer) {
	var told []payment.Event
	log := &bytes.Buffer{}
	return hook.Stripe{
		Secrets: func(context.Context) ([]string, error) { return secrets, nil }, Now: func() time.Time { return moment },
		Log: slog.New(slog.NewTextHandler(log, nil)),
		Hint: func(_ context.Context, by activity.By, ev payment.Event) error {
			if by.Kind != activity.Automation || by.ID != "webhook" {
				return fmt.Errorf("told by %+v", by)
			}
			told = append(told, ev)
			return err
		},
	}, &told, log
}

func request(body, signature string) events.APIGatewayV2HTTPRequest {
	return events.APIGatewayV2HTTPRequest{Body: body, Headers: map[string]string{"Stripe-Signature": signature}}
}

// Only a fresh signature over exactly these bytes, by one of our secrets, gets through.
func TestStripeSignatures(t *testing.T) {
	body := event("x")
	good := sign(body, secretA, moment)
	for _, x := range []struct {
		what, signature string
		secrets         []string
		status          int
	}{
		{"ours", good, []string{secretA}, 200},
		{"ours, during a rotation", good, []string{secretB, secretA}, 200},
		{"the new one, during a rotation", sign(body, secretB, moment), []string{secretB, secretA}, 200},
		{"the newest is older", sign(body, secretA, moment.Add(-300*time.Second)), []string{secretA}, 200},
		{"too old", sign(body, secretA, moment.Add(-301*time.Second)), []string{secretA}, 400},
		{"a little ahead", sign(body, secretA, moment.Add(300*time.Second)), []string{secretA}, 200},
		{"of the future", sign(body, secretA, moment.Add(301*time.Second)), []string{secretA}, 400},
		{"another's", sign(body, secretB, moment), []string{secretA}, 400},
		{"over other bytes", sign(body+" ", secretA, moment), []string{secretA}, 400},
		{"signed with nothing", sign(body, "", moment), []string{secretA}, 400},
		{"none", "", []string{secretA}, 400},
		{"half", "t=1767600000", []string{secretA}, 400},
		{"rubbish", "hello", []string{secretA}, 400},
		{"no secret is configured", good, nil, 503},
		{"an empty secret is configured", sign(body, "", moment), []string{""}, 503},
	} {
		s, told, _ := door(x.secrets, nil)
		got, err := s.Handle(context.Background(), request(body, x.signature))
		if err != nil || got.StatusCode != x.status || (len(*told) == 1) != (x.status == 200) {
			t.Errorf("%s: %d, told %d, %v", x.what, got.StatusCode, len(*told), err)
		}
		if got.Body != "{}" {
			t.Errorf("%s: the answer says %q", x.what, got.Body)
		}
	}
}

// The bytes are those that were sent, whether they came as text or in base 64.
func TestStripeBodies(t *testing.T) {
	body := event("Jürgen ☃")
	for _, encoded := range []bool{false, true} {
		s, told, _ := door([]string{secretA}, nil)
		r := request(body, sign(body, secretA, moment))
		if encoded {
			r.Body, r.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
		}
		got, err := s.Handle(context.Background(), r)
		if err != nil || got.StatusCode != 200 || len(*told) != 1 {
			t.Fatalf("%v: %d %v", encoded, got.StatusCode, err)
		}
		if ev := (*told)[0]; ev.ID != "evt_1" || ev.ObjectID != "pi_1" || ev.Intent != "pi_1" || ev.APIVersion != "2030-01-01" {
			t.Errorf("%+v", ev)
		}
	}
	s, told, _ := door([]string{secretA}, nil)
	r := request("%%%", "t=1,v1=00")
	r.IsBase64Encoded = true
	if got, err := s.Handle(context.Background(), r); got.StatusCode != 400 || err != nil || len(*told) != 0 {
		t.Errorf("no base 64: %d %v", got.StatusCode, err)
	}
}

// Ten megabytes are turned away unread, in either form; a megabyte is read.
func TestStripeSizes(t *testing.T) {
	for _, x := range []struct {
		bytes   int
		encoded bool
		status  int
	}{{1<<20 - 300, false, 200}, {1<<20 - 300, true, 200}, {1 << 20, false, 413}, {1 << 20, true, 413}, {10 << 20, false, 413}, {10 << 20, true, 413}} {
		body := event(strings.Repeat("x", x.bytes))
		s, told, _ := door([]string{secretA}, nil)
		r := request(body, sign(body, secretA, moment))
		if x.encoded {
			r.Body, r.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(body)), true
		}
		got, err := s.Handle(context.Background(), r)
		if err != nil || got.StatusCode != x.status || (len(*told) == 1) != (x.status == 200) {
			t.Errorf("%d bytes, %v: %d %v", x.bytes, x.encoded, got.StatusCode, err)
		}
	}
}

// What could not be done now is asked for again; nothing of why is told outside, and no secret is in the log.
func TestStripeTrouble(t *testing.T) {
	body := event("x")
	for what, trouble := range map[string]error{
		"busy": fault.Busy.Errorf("the table onebook-prod is throttled"), "internal": errors.New("arn:aws:dynamodb:secret-place"),
	} {
		s, _, log := door([]string{secretA}, trouble)
		got, err := s.Handle(context.Background(), request(body, sign(body, secretA, moment)))
		if err != nil || got.StatusCode != 503 || got.Body != "{}" {
			t.Errorf("%s: %d %q %v", what, got.StatusCode, got.Body, err)
		}
		if !strings.Contains(log.String(), "evt_1") || strings.Contains(log.String(), secretA) {
			t.Errorf("%s: the log says %s", what, log)
		}
	}
	s, told, _ := door(nil, nil)
	s.Secrets = func(context.Context) ([]string, error) { return nil, errors.New("no secrets today") }
	if got, err := s.Handle(context.Background(), request(body, sign(body, secretA, moment))); got.StatusCode != 503 || err != nil || len(*told) != 0 {
		t.Errorf("no secrets: %d %v", got.StatusCode, err)
	}
}
