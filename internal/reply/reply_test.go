package reply_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"onebook/internal/contact"
	"onebook/internal/issue"
	"onebook/internal/message"
	"onebook/internal/relay"
	"onebook/internal/reply"
	"onebook/internal/rig"
)

func messages(t *testing.T, r *rig.Rig, contactID string) []message.Message {
	t.Helper()
	ms, _, err := message.OfContacts(r.Ctx, r.Table, []string{contactID}, 50, "")
	if err != nil {
		t.Fatal(err)
	}
	return ms
}

// mailed is a studio whose client Ada got an invoice by mail; tag is the letter's effect.
func mailed(t *testing.T) (r *rig.Rig, s *reply.Service, ada contact.Contact, invoiceID, tag string) {
	t.Helper()
	r = rig.New(t)
	r.Organise()
	ada = r.Contact("Ada Lovelace", "ada@x.example")
	i, err := r.Billing.Send(r.Ctx, rig.Owner, r.Draft(ada.ID, rig.Lines("100.00")).ID)
	if err != nil {
		t.Fatal(err)
	}
	r.Drain()
	s = &reply.Service{Table: r.Table, Records: r.Records, Now: r.Now, Contacts: r.Contacts}
	return r, s, ada, i.ID, r.Mail.Sent()[0].Tag
}

// A letter is kept as it was said, without the link that opens the document.
func TestLettersAreKept(t *testing.T) {
	r, _, ada, invoiceID, _ := mailed(t)
	sent := r.Mail.Sent()[0]
	ms := messages(t, r, ada.ID)
	if len(ms) != 1 {
		t.Fatalf("%d messages", len(ms))
	}
	m := ms[0]
	if m.Direction != message.Out || m.Kind != "invoice" || m.About != invoiceID || m.Address != "ada@x.example" || m.Title != sent.Subject || m.Sent != "ses-1" {
		t.Errorf("%+v", m)
	}
	_, token, _ := strings.Cut(sent.Text, "/i/#")
	token, _, _ = strings.Cut(token, "\n")
	if len(token) < 20 || strings.Contains(m.Text, token) || strings.Contains(m.Text, "https://book.example") || !strings.Contains(m.Text, "119") {
		t.Errorf("what is kept: %s", m.Text)
	}
	if again := r.Drain(); again != 0 || len(messages(t, r, ada.ID)) != 1 {
		t.Error("it is kept twice")
	}
}

// A mail lands with whom it is from: by the letter that it answers, else by the sender's own address. What nobody has checked
// is claimed; what fits nobody is an issue.
func TestRepliesLand(t *testing.T) {
	for _, c := range []struct {
		what    string
		m       func(tag string) reply.Mail
		lands   bool
		about   bool
		claimed bool
		kind    string
		issue   string
	}{
		{"an answer to the letter", func(tag string) reply.Mail {
			return reply.Mail{Recipients: []string{"Reply+" + strings.ToUpper(tag) + "@in.example"}, From: mail.Address{Address: "ADA@x.example"}, Checked: true}
		}, true, true, false, message.Reply, ""},
		{"an answer from elsewhere", func(tag string) reply.Mail {
			return reply.Mail{Recipients: []string{reply.Address(tag, "in.example")}, From: mail.Address{Name: "Bo", Address: "bo@y.example"}, Checked: true}
		}, true, true, true, message.Reply, ""},
		{"a forged answer", func(tag string) reply.Mail {
			return reply.Mail{Recipients: []string{reply.Address(tag, "in.example")}, From: mail.Address{Address: "ada@x.example"}}
		}, true, true, true, message.Reply, ""},
		{"an absence note", func(tag string) reply.Mail {
			return reply.Mail{Recipients: []string{reply.Address(tag, "in.example")}, From: mail.Address{Address: "ada@x.example"}, Checked: true, Automatic: true}
		}, true, true, false, message.Automatic, ""},
		{"a mail of her own", func(string) reply.Mail {
			return reply.Mail{Recipients: []string{"inbox@in.example"}, From: mail.Address{Address: "ada@x.example"}, Checked: true}
		}, true, false, false, message.Reply, ""},
		{"a letter that never was", func(string) reply.Mail {
			return reply.Mail{Recipients: []string{"reply+ef_00000000000000000000@in.example", "reply+@in.example", "reply+ef_x@in.example"}, From: mail.Address{Address: "ada@x.example"}, Checked: true}
		}, true, false, false, message.Reply, ""},
		{"a stranger", func(string) reply.Mail {
			return reply.Mail{From: mail.Address{Name: "Zoe\r\nBcc: x", Address: "zoe@y.example"}, Checked: true}
		}, false, false, false, "", "mail_unmatched"},
		{"no readable sender", func(string) reply.Mail { return reply.Mail{} }, false, false, false, "", "mail_unmatched"},
		{"spam in her name", func(string) reply.Mail {
			return reply.Mail{From: mail.Address{Address: "ada@x.example"}, Junk: true}
		}, false, false, false, "", "mail_junk"},
	} {
		t.Run(c.what, func(t *testing.T) {
			r, s, ada, invoiceID, tag := mailed(t)
			m := c.m(tag)
			m.Key, m.At, m.Subject, m.Text = "ses-in-1", r.Now(), "Re: Invoice\r\nX: y", "Thanks\x00!\r\nAda"
			for range 3 {
				if err := s.Receive(r.Ctx, m); err != nil {
					t.Fatal(err)
				}
			}
			ms := messages(t, r, ada.ID)
			if !c.lands {
				if is := r.Issues(issue.Open); len(ms) != 1 || len(is) != 1 || is[0] != c.issue {
					t.Fatalf("%d messages, issues %q", len(ms), is)
				}
				all, _, err := r.Desk.List(r.Ctx, issue.Open, 10, "")
				if err != nil || all[0].Count != 1 || strings.ContainsAny(all[0].Title, "\r\n") || c.issue == "mail_unmatched" && !strings.Contains(all[0].Detail, "Thanks") {
					t.Errorf("%+v %v", all[0], err)
				}
				return
			}
			if len(ms) != 2 || len(r.Issues(issue.Open)) != 0 {
				t.Fatalf("%d messages, issues %q", len(ms), r.Issues(issue.Open))
			}
			got := ms[0]
			if got.Claimed != c.claimed || got.Kind != c.kind || (got.About == invoiceID) != c.about || got.Text != "Thanks!\nAda" || got.Title != "Re: Invoice X: y" || got.Direction != message.In {
				t.Errorf("%+v", got)
			}
			if ks := r.Kinds(ada.ID); ks[len(ks)-1] != "message.received" {
				t.Errorf("the timeline tells %q", ks)
			}
		})
	}
}

// Told of twice at one moment, it is on record once; a day's spam is one issue with its count; a text that is too long says so.
func TestRepliesOnce(t *testing.T) {
	r, s, ada, _, tag := mailed(t)
	m := reply.Mail{Key: "k", At: r.Now(), Recipients: []string{reply.Address(tag, "in.example")}, From: mail.Address{Address: "ada@x.example"}, Text: strings.Repeat("ж", message.MaxText)}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := s.Receive(r.Ctx, m); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	ms := messages(t, r, ada.ID)
	if len(ms) != 2 || !ms[0].Cut || len(ms[0].Text) != message.MaxText {
		t.Errorf("%d messages, cut %v", len(ms), ms[0].Cut)
	}
	for n := range 5 {
		if err := s.Receive(r.Ctx, reply.Mail{Key: fmt.Sprint("spam", n), At: r.Now(), From: mail.Address{Address: "x@spam.example"}, Junk: true}); err != nil {
			t.Fatal(err)
		}
	}
	all, _, err := r.Desk.List(r.Ctx, issue.Open, 10, "")
	if err != nil || len(all) != 1 || all[0].Count != 5 {
		t.Errorf("%+v %v", all, err)
	}
}

// The mail service's word of a mail leads to what it has put down, and what it found out about the sender.
func TestTheServicesWord(t *testing.T) {
	const word = `{"notificationType":"Received","mail":{"timestamp":"2026-01-05T08:59:57.101Z","source":"bounce@x.example","messageId":"o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1","destination":["reply+ef_1@in.example"],"commonHeaders":{"subject":"Re"}},"receipt":{"timestamp":"2026-01-05T08:59:57.101Z","processingTimeMillis":574,"recipients":["reply+ef_1@in.example"],"spamVerdict":{"status":"%s"},"virusVerdict":{"status":"PASS"},"spfVerdict":{"status":"PASS"},"dkimVerdict":{"status":"PASS"},"dmarcVerdict":{"status":"%s"},"action":{"type":"%s","topicArn":"arn","bucketName":"b","objectKeyPrefix":"inbox/","objectKey":"inbox/o3v"}}}`
	for _, c := range []struct {
		spam, dmarc, action string
		checked, junk, ok   bool
	}{
		{"PASS", "PASS", "S3", true, false, true}, {"GRAY", "GRAY", "S3", false, false, true}, {"FAIL", "FAIL", "S3", false, true, true},
		{"PROCESSING_FAILED", "PROCESSING_FAILED", "S3", false, false, true}, {"PASS", "PASS", "Stop", false, false, false},
	} {
		var got []reply.Mail
		m := relay.Mail{
			Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
			Inbox: func(_ context.Context, key string) (reply.Mail, error) {
				if key != "inbox/o3v" {
					t.Errorf("it was looked for under %s", key)
				}
				return reply.Mail{Recipients: []string{"office@studio.example"}, Text: "Hello"}, nil
			},
			Received: func(_ context.Context, m reply.Mail) error { got = append(got, m); return nil },
		}
		var n relay.Notice
		if err := json.Unmarshal([]byte(fmt.Sprintf(`{"Records":[{"Sns":{"Message":%q}}]}`, fmt.Sprintf(word, c.spam, c.dmarc, c.action))), &n); err != nil {
			t.Fatal(err)
		}
		err := m.Handle(t.Context(), n)
		if (err == nil) != c.ok || len(got) == 1 != c.ok {
			t.Fatalf("%+v: %v, %+v", c, err, got)
		}
		if !c.ok {
			continue
		}
		at := time.Date(2026, 1, 5, 8, 59, 57, 101_000_000, time.UTC)
		if x := got[0]; x.Checked != c.checked || x.Junk != c.junk || x.Key != "o3vrnil0e2ic28trm7dfhrc2v0clambda4nbp0g1" || !x.At.Equal(at) || x.From.Address != "bounce@x.example" ||
			strings.Join(x.Recipients, " ") != "reply+ef_1@in.example office@studio.example" {
			t.Errorf("%+v: %+v", c, x)
		}
	}
}
