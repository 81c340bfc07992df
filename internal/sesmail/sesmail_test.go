package sesmail

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http"
	"net/http/httptest"
	"net/mail"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onebook/internal/fault"
)

var monday = time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC)

var creds = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
})

func mailer(endpoint string, client *http.Client) *Mailer {
	return &Mailer{Client: NewClient(Options{Region: "us-east-1", Credentials: creds, Endpoint: endpoint, HTTP: client}),
		From: mail.Address{Name: "Onebook", Address: "no-reply@studio.example"}, ConfigurationSet: "letters",
		Now: func() time.Time { return monday }}
}

func letter() Message {
	return Message{FromName: "Studio Ädä", To: []mail.Address{{Name: "Łukasz, CEO", Address: "lukasz@example.com"}},
		ReplyTo: []mail.Address{{Address: "office@studio.example"}}, Subject: "Invoice 2026-0001 – 119,00 €",
		Text: "Dear Łukasz,\n\nplease pay.\n.\nThank you", HTML: "<p>Dear Łukasz, <a href=\"https://x.example/i/#t\">pay</a></p>", Tag: "ef_1"}
}

// What was meant is what a recipient reads.
func TestReadBack(t *testing.T) {
	m := mailer("", nil)
	msg := letter()
	msg.Attachments = []Attachment{{Name: "vizyt ł.ics", Type: "text/calendar", Data: []byte("BEGIN:VCALENDAR")}}
	msg.Unsubscribe = "https://studio.example/u/1"
	raw, to, err := m.mime(msg)
	if err != nil {
		t.Fatal(err)
	}
	got, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(to, []string{"lukasz@example.com"}) {
		t.Errorf("recipients %v", to)
	}
	from, _ := got.Header.AddressList("From")
	rcpt, _ := got.Header.AddressList("To")
	subject, _ := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if len(from) != 1 || *from[0] != (mail.Address{Name: "Studio Ädä", Address: "no-reply@studio.example"}) ||
		len(rcpt) != 1 || *rcpt[0] != msg.To[0] || subject != msg.Subject {
		t.Errorf("from %v to %v subject %q", from, rcpt, subject)
	}
	for name, want := range map[string]string{
		"Reply-To": "<office@studio.example>", "Message-Id": "<ef_1@studio.example>", "Date": "Mon, 05 Jan 2026 09:00:00 +0000",
		"Auto-Submitted": "auto-generated", "List-Unsubscribe": "<https://studio.example/u/1>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Header.Get(name), want)
		}
	}
	bodies := leaves(t, got.Header.Get("Content-Type"), got.Body)
	if bodies["text/plain"] != strings.ReplaceAll(msg.Text, "\n", "\r\n") && bodies["text/plain"] != msg.Text {
		t.Errorf("text %q", bodies["text/plain"])
	}
	if bodies["text/html"] != msg.HTML || len(bodies) != 3 {
		t.Errorf("html %q of %d parts", bodies["text/html"], len(bodies))
	}
}

func leaves(t *testing.T, contentType string, r io.Reader) map[string]string {
	t.Helper()
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	if !strings.HasPrefix(kind, "multipart/") {
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		out[kind] = string(b)
		return out
	}
	mr := multipart.NewReader(r, params["boundary"])
	for {
		p, err := mr.NextRawPart()
		if err == io.EOF {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		var body io.Reader = p
		if p.Header.Get("Content-Transfer-Encoding") == "quoted-printable" {
			body = quotedprintable.NewReader(p)
		}
		for k, v := range leaves(t, p.Header.Get("Content-Type"), body) {
			out[k] = v
		}
	}
}

func TestRefused(t *testing.T) {
	m := mailer("", nil)
	cases := map[string]func(*Message){
		"nobody to write to":          func(x *Message) { x.To = nil },
		"nothing to say":              func(x *Message) { x.Text, x.HTML = "", "" },
		"a line break in the subject": func(x *Message) { x.Subject = "Hi\r\nBcc: eve@example.com" },
		"a lone line feed":            func(x *Message) { x.Subject = "Hi\nBcc: eve@example.com" },
		"NUL in the subject":          func(x *Message) { x.Subject = "Hi\x00" },
		"a break in the name":         func(x *Message) { x.To[0].Name = "A\r\nBcc: e@example.com" },
		"a break in the sender":       func(x *Message) { x.FromName = "A\nX: y" },
		"two addresses in one":        func(x *Message) { x.To[0].Address = "a@example.com, e@example.com" },
		"a break in the address":      func(x *Message) { x.To[0].Address = "a@example.com\r\nBcc: e@example.com" },
		"an address in brackets":      func(x *Message) { x.To[0].Address = "A <a@example.com>" },
		"no domain":                   func(x *Message) { x.To[0].Address = "a@" },
		"an address literal":          func(x *Message) { x.To[0].Address = "a@[127.0.0.1]" },
		"letters SES does not take":   func(x *Message) { x.To[0].Address = "ä@example.com" },
		"a break in a file's name":    func(x *Message) { x.Attachments = []Attachment{{Name: "a\r\nb", Type: "text/plain"}} },
		"a break in a file's type":    func(x *Message) { x.Attachments = []Attachment{{Name: "a", Type: "text/plain\r\nX: y"}} },
		"a tag SES does not take":     func(x *Message) { x.Tag = "a b" },
		"http to unsubscribe":         func(x *Message) { x.Unsubscribe = "http://x.example" },
		"a break in an address there": func(x *Message) { x.Unsubscribe = "https://x.example/\r\nX: y" },
		"not UTF-8":                   func(x *Message) { x.Text = "\xff" },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			msg := letter()
			change(&msg)
			if _, _, err := m.mime(msg); !errors.Is(err, fault.Invalid) {
				t.Errorf("got %v", err)
			}
		})
	}
	msg := letter()
	msg.To[0].Address = "info@bücher.example"
	if _, to, err := m.mime(msg); err != nil || to[0] != "info@xn--bcher-kva.example" {
		t.Errorf("%v, %v", to, err)
	}
}

// Whatever a person typed: either the letter is refused, or it has exactly the headers we set, one recipient, and
// the subject as it was typed.
func FuzzHeaders(f *testing.F) {
	f.Add("Invoice", "Ada", "ada@example.com", "Studio")
	f.Add("x\r\nBcc: e@example.com", "A\nB", "a@b.c,d@e.f", "\x00")
	f.Add("=?utf-8?q?=0D=0ABcc:_e@example.com?=", "=?utf-8?b?DQpCY2M6?=", "a@example.com", "=?x")
	f.Add("s", "n", "\"a b\"@example.com", "\"")
	f.Add(strings.Repeat("ä", 200), strings.Repeat("long name ", 40), "a@example.com", strings.Repeat("W", 300))
	f.Add("a  b", " lead", "a@example.com", "trail ")
	m := mailer("", nil)
	want := []string{"Auto-Submitted", "Content-Type", "Date", "From", "Message-Id", "Mime-Version", "Subject", "To"}
	f.Fuzz(func(t *testing.T, subject, name, to, fromName string) {
		raw, _, err := m.mime(Message{Subject: subject, FromName: fromName, To: []mail.Address{{Name: name, Address: to}},
			Text: "t", HTML: "<p>t", Tag: "ef_1"})
		if err != nil {
			if !errors.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		got, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("%v\n%s", err, raw)
		}
		var names []string
		for k, v := range got.Header {
			names = append(names, k)
			if len(v) != 1 {
				t.Fatalf("%s is there %d times\n%s", k, len(v), raw)
			}
		}
		slices.Sort(names)
		if !slices.Equal(names, want) {
			t.Fatalf("headers %v\n%s", names, raw)
		}
		rcpt, err := got.Header.AddressList("To")
		if err != nil || len(rcpt) != 1 || !strings.HasPrefix(rcpt[0].Address, to[:strings.LastIndexByte(to, '@')]) {
			t.Fatalf("to %v, %v\n%s", rcpt, err, raw)
		}
		if from, err := got.Header.AddressList("From"); err != nil || len(from) != 1 || from[0].Address != "no-reply@studio.example" {
			t.Fatalf("from %v, %v\n%s", from, err, raw)
		}
		back, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
		if err != nil || back != strings.TrimSpace(subject) && back != subject {
			t.Fatalf("subject %q became %q, %v", subject, back, err)
		}
	})
}

// What an error means for the letter decides whether it may be sent again.
func TestErrors(t *testing.T) {
	refuse := func(status int, kind string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("X-Amzn-Errortype", kind)
			w.WriteHeader(status)
			io.WriteString(w, `{"message":"no"}`)
		}
	}
	cases := []struct {
		name    string
		h       http.HandlerFunc
		is, not error
	}{
		{"rejected", refuse(400, "MessageRejected"), fault.Invalid, ErrUnknown},
		{"bad request", refuse(400, "BadRequestException"), fault.Invalid, ErrUnknown},
		{"throttled", refuse(429, "TooManyRequestsException"), fault.Busy, ErrUnknown},
		{"quota", refuse(400, "LimitExceededException"), fault.Busy, ErrUnknown},
		{"out of service", refuse(503, "ServiceUnavailable"), fault.Busy, ErrUnknown},
		{"failed inside", refuse(500, "InternalFailure"), ErrUnknown, fault.Invalid},
		{"sender not verified", refuse(400, "MailFromDomainNotVerifiedException"), nil, fault.Busy},
		{"no right", refuse(403, "AccessDeniedException"), nil, fault.Busy},
		{"cut off", func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			c, _, _ := w.(http.Hijacker).Hijack()
			c.Close()
		}, ErrUnknown, fault.Invalid},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var calls atomic.Int32
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { calls.Add(1); c.h(w, r) }))
			defer s.Close()
			_, err := mailer(s.URL, s.Client()).Send(t.Context(), letter())
			if err == nil || c.is != nil && !errors.Is(err, c.is) || errors.Is(err, c.not) {
				t.Errorf("got %v", err)
			}
			if errors.Is(err, ErrUnknown) && !errors.Is(err, fault.Busy) {
				t.Errorf("%v is not busy", err)
			}
			if n := calls.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
	t.Run("a deadline after the request left", func(t *testing.T) {
		held := make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-held }))
		defer s.Close()
		defer close(held)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := mailer(s.URL, s.Client()).Send(ctx, letter()); !errors.Is(err, ErrUnknown) {
			t.Errorf("got %v", err)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if _, err := mailer("http://"+l.Addr().String(), nil).Send(t.Context(), letter()); !errors.Is(err, fault.Busy) || errors.Is(err, ErrUnknown) {
			t.Errorf("got %v", err)
		}
	})
}
