package mailbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

	"onebook/internal/fault"
	"onebook/internal/sesmail"
)

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

func open(t testing.TB, file string) *Mailbox {
	t.Helper()
	db, err := bbolt.Open(file, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	m, err := Open(db, func() time.Time { return monday })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func serve(t testing.TB, m *Mailbox) string {
	t.Helper()
	mux := http.NewServeMux()
	m.Routes(mux)
	mux.Handle("/v2/", m.Service())
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// mailer is the product's own adapter, pointed here.
func mailer(url string) *sesmail.Mailer {
	return &sesmail.Mailer{
		Client: sesmail.NewClient(sesmail.Options{Region: "us-east-1", Endpoint: url, Credentials: aws.CredentialsProviderFunc(
			func(context.Context) (aws.Credentials, error) {
				return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
			})}),
		From: mail.Address{Address: "no-reply@studio.example"}, ConfigurationSet: "letters", Now: func() time.Time { return monday },
	}
}

func letter(to, subject string) sesmail.Message {
	return sesmail.Message{FromName: "Studio", To: []mail.Address{{Name: "Zoë", Address: to}}, Subject: subject, Tag: "ef_1",
		Text: "Pay at https://x.example/i/#a.b.c.\nThanks – Zoë", HTML: `<p>Pay <a href="https://x.example/i/#a.b.c">here</a> or <a href="https://x.example/q?a=1&amp;b=2">ask</a></p>`,
		Attachments: []sesmail.Attachment{{Name: "visit.ics", Type: "text/calendar", Data: []byte("BEGIN:VCALENDAR")}}}
}

func get(t testing.TB, url string) (int, string) {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// What the product sends arrives, and can be read, clicked and opened.
func TestDelivered(t *testing.T) {
	m := open(t, filepath.Join(t.TempDir(), "db"))
	base := serve(t, m)
	id, err := mailer(base).Send(t.Context(), letter("zoe@example.com", "Rechnung für März"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mailer(base).Send(t.Context(), letter("adam@example.com", "Second")); err != nil {
		t.Fatal(err)
	}
	status, body := get(t, base+"/_local/mail")
	var out struct{ Items []Mail }
	if err := json.Unmarshal([]byte(body), &out); err != nil || status != 200 {
		t.Fatalf("%d %v", status, err)
	}
	if len(out.Items) != 2 || out.Items[0].Subject != "Second" {
		t.Fatalf("%d mails, first %q", len(out.Items), out.Items[0].Subject)
	}
	want := Mail{ID: id, To: "zoe@example.com", From: "no-reply@studio.example", Subject: "Rechnung für März",
		Text: letter("", "").Text, HTML: letter("", "").HTML, Links: []string{"https://x.example/i/#a.b.c", "https://x.example/q?a=1&b=2"},
		Attachments: []Attachment{{"visit.ics", "text/calendar", 15}}, At: monday, Tags: map[string]string{"effect": "ef_1"}, ConfigSet: "letters"}
	if d := cmp.Diff(want, out.Items[1]); d != "" {
		t.Error(d)
	}
	for path, holds := range map[string]string{
		"/_local/":                          "Rechnung für März",
		"/_local/mail/" + id:                `sandbox="allow-popups allow-popups-to-escape-sandbox"`,
		"/_local/mail/" + id + "/raw":       "multipart/mixed",
		"/_local/mail/" + id + "/file/0":    "BEGIN:VCALENDAR",
		"/_local/mail?to=Zoe@example.com":   "Rechnung",
		"/_local/mail?subject=Second&limit": "Second",
	} {
		if status, body := get(t, base+path); status != 200 || !strings.Contains(body, holds) {
			t.Errorf("%s: %d", path, status)
		}
	}
	r, _ := http.NewRequest("GET", base+"/_local/mail", nil)
	r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.Request.URL.Path != "/_local/" || res.StatusCode != 200 {
		t.Errorf("a browser that asks for the mails sees %s", res.Request.URL)
	}
	for _, path := range []string{"/_local/mail/none", "/_local/mail/none/raw", "/_local/mail/" + id + "/file/7"} {
		if status, _ := get(t, base+path); status != 404 {
			t.Errorf("%s: %d", path, status)
		}
	}
}

// A letter's markup cannot reach the page around it.
func TestHostileLetter(t *testing.T) {
	m := open(t, filepath.Join(t.TempDir(), "db"))
	base := serve(t, m)
	msg := letter("a@example.com", `<script>alert(1)</script>`)
	msg.HTML = `"></iframe><script>alert(2)</script><a href="javascript:alert(3)">x</a>`
	id, err := mailer(base).Send(t.Context(), msg)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/_local/", "/_local/mail/" + id} {
		if _, body := get(t, base+path); strings.Contains(body, "<script>alert") || strings.Contains(body, `href="javascript:`) {
			t.Errorf("%s runs a letter's script", path)
		}
	}
}

// The service refuses what it cannot deliver, and nothing is kept.
func TestRefused(t *testing.T) {
	m := open(t, filepath.Join(t.TempDir(), "db"))
	base := serve(t, m)
	for name, body := range map[string]string{
		"no JSON":      `x`,
		"no message":   `{"Content":{}}`,
		"no recipient": `{"Content":{"Raw":{"Data":"RnJvbTogYUBiLmMNCg0KaGk="}}}`,
		"broken MIME":  `{"Content":{"Raw":{"Data":"eA=="}},"FromEmailAddress":"a@b.c","Destination":{"ToAddresses":["d@e.f"]}}`,
		"a bad tag":    `{"Content":{"Raw":{"Data":"RnJvbTogYUBiLmMNCg0KaGk="}},"Destination":{"ToAddresses":["d@e.f"]},"EmailTags":[{"Name":"ses:x","Value":"y"}]}`,
	} {
		res, err := http.Post(base+"/v2/email/outbound-emails", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 400 || res.Header.Get("X-Amzn-Errortype") != "BadRequestException" {
			t.Errorf("%s: %d", name, res.StatusCode)
		}
	}
	if list, err := m.List(0, nil); err != nil || len(list) != 0 {
		t.Errorf("%d kept, %v", len(list), err)
	}
}

// The mailhook learns what became of each letter, in the service's own words, once it can take it.
func TestReports(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	m := open(t, file)
	base := serve(t, m)
	id, err := mailer(base).Send(t.Context(), letter("a@example.com", "A"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mailer(base).Send(t.Context(), letter("bounce@simulator.amazonses.com", "B")); err != nil {
		t.Fatal(err)
	}
	var kinds []string
	broken := 0
	m.Deliver = func(_ context.Context, payload json.RawMessage) error {
		if broken > 0 {
			broken--
			return errors.New("down")
		}
		var e events.SNSEvent
		if err := json.Unmarshal(payload, &e); err != nil {
			t.Fatal(err)
		}
		var report struct {
			EventType string
			Mail      struct {
				MessageID string
				Tags      map[string][]string
			}
		}
		if err := json.Unmarshal([]byte(e.Records[0].SNS.Message), &report); err != nil {
			t.Fatal(err)
		}
		if report.Mail.Tags["effect"][0] != "ef_1" || e.Records[0].EventSource != "aws:sns" || report.Mail.MessageID == "" {
			t.Errorf("report %s", payload)
		}
		kinds = append(kinds, report.EventType)
		return nil
	}
	broken = attempts - 1
	if err := m.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"Send", "Delivery", "Send", "Bounce"}, kinds); d != "" {
		t.Error(d)
	}
	// A function that stays down costs the notification, as at the service, and not the queue.
	if _, err := mailer(base).Send(t.Context(), letter("a@example.com", "C")); err != nil {
		t.Fatal(err)
	}
	broken, kinds = attempts, nil
	if err := m.Drain(t.Context()); err == nil {
		t.Error("a dropped notification went unnoticed")
	}
	if err := m.Drain(t.Context()); err != nil || len(kinds) != 1 {
		t.Errorf("%v, %v", kinds, err)
	}

	kinds = nil
	for body, want := range map[string]int{
		`{"to":"a@example.com","kind":"Complaint","times":2}`:                            200,
		fmt.Sprintf(`{"id":%q,"kind":"Bounce","detail":{"bounceType":"Transient"}}`, id): 200,
		`{"to":"a@example.com","kind":"Vanished"}`:                                       422,
		`{"to":"nobody@example.com","kind":"Bounce"}`:                                    404,
		`{"kind":"Bounce"}`: 404,
		`no`:                400,
	} {
		res, err := http.Post(base+"/_local/mail/event", "application/json", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != want {
			t.Errorf("%s: %d", body, res.StatusCode)
		}
	}
	if len(kinds) != 3 {
		t.Errorf("delivered %v", kinds)
	}
}

// Run hands out by itself, and a restart goes on with what was left.
func TestRunAfterRestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(file, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := Open(db, func() time.Time { return monday })
	if err != nil {
		t.Fatal(err)
	}
	if _, err := mailer(serve(t, m)).Send(t.Context(), letter("a@example.com", "A")); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, file)
	got := make(chan json.RawMessage, 4)
	again.Deliver = func(_ context.Context, p json.RawMessage) error { got <- p; return nil }
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); again.Run(ctx) }()
	for range 2 {
		<-got
	}
	if _, err := mailer(serve(t, again)).Send(t.Context(), letter("b@example.com", "B")); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		<-got
	}
	cancel()
	<-done
	if list, err := again.List(0, nil); err != nil || len(list) != 2 {
		t.Errorf("%d mails, %v", len(list), err)
	}
}

func TestUnsyncedDatabase(t *testing.T) {
	db, err := bbolt.Open(filepath.Join(t.TempDir(), "db"), 0o600, &bbolt.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := Open(db, time.Now); err == nil {
		t.Error("a mailbox that forgets was opened")
	}
	if _, _, err := open(t, filepath.Join(t.TempDir(), "db")).Find("x"); !errors.Is(err, fault.NotFound) {
		t.Errorf("got %v", err)
	}
}

// Whatever arrives, reading it back ends in a mail or an error.
func FuzzParse(f *testing.F) {
	f.Add([]byte("From: a@b.c\r\nTo: d@e.f\r\nSubject: =?utf-8?q?x?=\r\n\r\nhi https://x.example/"))
	f.Add([]byte("Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\nx"))
	f.Add([]byte("Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\nPGEgaHJlZj0i"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, _, err := parse(raw)
		if err == nil {
			if b, err := json.Marshal(m); err != nil || !bytes.Contains(b, []byte(`"links":[`)) {
				t.Fatalf("%s, %v", b, err)
			}
		}
	})
}

func TestLinks(t *testing.T) {
	got := links(`<a href="/v/#1">a</a><a HREF='https://x.example/?a=1&amp;b=2'>b</a><a name=x><a href="">`, "see https://x.example/?a=1&b=2, or (https://y.example/z).")
	if d := cmp.Diff([]string{"/v/#1", "https://x.example/?a=1&b=2", "https://y.example/z"}, got); d != "" {
		t.Error(d)
	}
	for _, l := range got {
		if _, err := url.Parse(l); err != nil {
			t.Error(err)
		}
	}
}
