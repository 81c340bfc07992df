package mailbox

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	"net/mail"
	"net/textproto"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"onebook/infra/local/invoke"
	"onebook/internal/fault"
)

// Prefix is where the service's rule puts mails that come in.
const Prefix = "inbox/"

// Answer is a mail that somebody writes to the organisation.
type Answer struct {
	ID      string `json:"id"`      // the letter that is answered; empty: none
	From    string `json:"from"`    // empty: whom the letter was for
	To      string `json:"to"`      // empty: where the letter asks for answers
	Subject string `json:"subject"` // empty: Re: and the letter's
	Text    string `json:"text"`
	File    string `json:"file"`    // name of an attached file; empty: none
	Forged  bool   `json:"forged"`  // the sender's domain did not send it
	Junk    bool   `json:"junk"`    // the service takes it for spam
	Absence bool   `json:"absence"` // an absence note
	Times   int    `json:"times"`   // how often the service tells of it
}

// Reply answers POST /_local/mail/reply with an Answer, as JSON or from the page's form: the mail comes in as it would at the
// service, which puts it into the bucket and tells mailhook.
func (m *Mailbox) Reply(w http.ResponseWriter, r *http.Request) {
	var in Answer
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	r.Body = http.MaxBytesReader(w, r.Body, 1<<20)
	if form {
		in = Answer{ID: r.FormValue("id"), From: r.FormValue("from"), Text: r.FormValue("text")}
	} else if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		m.answer(w, http.StatusBadRequest, "", map[string]string{"message": `send {"id":"…","text":"…"}`})
		return
	}
	id, err := m.comeIn(r.Context(), in)
	switch {
	case errors.Is(err, fault.NotFound), errors.Is(err, fault.Invalid):
		m.answer(w, http.StatusUnprocessableEntity, "", map[string]string{"message": err.Error()})
	case err != nil:
		m.answer(w, http.StatusBadGateway, "", map[string]string{"message": "the mailhook failed: " + err.Error()})
	case form:
		http.Redirect(w, r, "/_local/mail/"+in.ID, http.StatusSeeOther)
	default:
		m.answer(w, http.StatusOK, "", map[string]any{"messageId": id, "delivered": max(in.Times, 1)})
	}
}

func (m *Mailbox) comeIn(ctx context.Context, in Answer) (id string, err error) {
	if m.Keep == nil || m.Deliver == nil {
		return "", fault.Invalid.Errorf("nothing takes mails here")
	}
	if in.ID != "" {
		letter, _, err := m.Find(in.ID)
		if err != nil {
			return "", err
		}
		in.From, in.To = or(in.From, first(strings.Split(letter.To, ", "))), or(in.To, or(letter.ReplyTo, letter.From))
		in.Subject = or(in.Subject, "Re: "+letter.Subject)
	}
	from, err := mail.ParseAddress(in.From)
	if err != nil {
		return "", fault.Invalid.Errorf("say from which address")
	}
	to, err := mail.ParseAddressList(or(in.To, "inbox@"+m.ReplyDomain))
	if err != nil {
		return "", fault.Invalid.Errorf("the recipient cannot be read")
	}
	var ours, all []string
	for _, a := range to {
		all = append(all, a.Address)
		if strings.EqualFold(domain(a.Address), m.ReplyDomain) {
			ours = append(ours, a.Address)
		}
	}
	if len(ours) == 0 {
		return "", fault.Invalid.Errorf("no mail to %s comes in here", strings.Join(all, ", "))
	}
	id, at := messageID(), m.Now()
	raw, err := written(in, *from, all, at)
	if err != nil {
		return "", err
	}
	if err := m.Keep(ctx, Prefix+id, raw); err != nil {
		return "", err
	}
	n, err := received(in, id, from.Address, ours, at)
	if err != nil {
		return "", err
	}
	for range max(in.Times, 1) {
		if err := m.Deliver(ctx, n); err != nil {
			return "", err
		}
	}
	return id, nil
}

func or(s, other string) string {
	if s != "" {
		return s
	}
	return other
}

// written is the mail as a mail program would write it.
func written(in Answer, from mail.Address, to []string, at time.Time) ([]byte, error) {
	var b bytes.Buffer
	head := func(name, value string) { fmt.Fprintf(&b, "%s: %s\r\n", name, value) }
	head("From", from.String())
	head("To", strings.Join(to, ", "))
	head("Subject", mime.QEncoding.Encode("utf-8", in.Subject))
	head("Date", at.Format(time.RFC1123Z))
	if in.ID != "" {
		head("In-Reply-To", "<"+in.ID+"@email.amazonses.com>")
	}
	if in.Absence {
		head("Auto-Submitted", "auto-replied")
	}
	head("MIME-Version", "1.0")
	mw := multipart.NewWriter(&b)
	head("Content-Type", `multipart/mixed; boundary="`+mw.Boundary()+`"`)
	b.WriteString("\r\n")
	p, err := mw.CreatePart(textproto.MIMEHeader{"Content-Type": {"text/plain; charset=utf-8"}, "Content-Transfer-Encoding": {"quoted-printable"}})
	if err != nil {
		return nil, err
	}
	q := quotedprintable.NewWriter(p)
	if _, err := q.Write([]byte(in.Text)); err != nil {
		return nil, err
	}
	if err := q.Close(); err != nil {
		return nil, err
	}
	if in.File != "" {
		p, err := mw.CreatePart(textproto.MIMEHeader{"Content-Type": {"application/octet-stream"},
			"Content-Disposition": {mime.FormatMediaType("attachment", map[string]string{"filename": in.File})}})
		if err != nil {
			return nil, err
		}
		if _, err := p.Write([]byte("a file")); err != nil {
			return nil, err
		}
	}
	if err := mw.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// received is the service's word of a mail that came in.
func received(in Answer, id, from string, to []string, at time.Time) (json.RawMessage, error) {
	at = at.UTC()
	status := func(bad bool) map[string]string {
		if bad {
			return map[string]string{"status": "FAIL"}
		}
		return map[string]string{"status": "PASS"}
	}
	message, err := json.Marshal(map[string]any{
		"notificationType": "Received",
		"mail": map[string]any{
			"timestamp": at.Format(stamp), "source": from, "messageId": id, "destination": to, "headersTruncated": false, "headers": []any{},
			"commonHeaders": map[string]any{"from": []string{from}, "to": to, "subject": in.Subject},
		},
		"receipt": map[string]any{
			"timestamp": at.Format(stamp), "processingTimeMillis": 574, "recipients": to, "spamVerdict": status(in.Junk), "virusVerdict": status(false),
			"spfVerdict": status(in.Forged), "dkimVerdict": status(in.Forged), "dmarcVerdict": status(in.Forged),
			"action": map[string]any{"type": "S3", "topicArn": topic, "bucketName": "onebook-documents", "objectKeyPrefix": Prefix, "objectKey": Prefix + id},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("a mail that came in: %w", err)
	}
	return json.Marshal(events.SNSEvent{Records: []events.SNSEventRecord{{
		EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: topic + ":" + invoke.RequestID(),
		SNS: events.SNSEntity{
			Type: "Notification", MessageID: invoke.RequestID(), TopicArn: topic, Subject: "Amazon SES Email Receipt Notification",
			Message: string(message), Timestamp: at, SignatureVersion: "1", Signature: "local", SigningCertURL: "http://127.0.0.1/none.pem",
			UnsubscribeURL: "http://127.0.0.1/none", MessageAttributes: map[string]any{},
		},
	}}})
}
