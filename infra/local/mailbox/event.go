package mailbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"onebook/infra/local/invoke"
	"onebook/internal/fault"
)

const topic = "arn:aws:sns:us-east-1:000000000000:onebook-mail-events"

// stamp is the service's form of a time.
const stamp = "2006-01-02T15:04:05.000Z"

// Kinds are the reports that Notification can build.
var Kinds = []string{"Send", "Delivery", "Bounce", "Complaint", "Reject", "DeliveryDelay", "Open", "Click"}

// Notification builds the notification that the service would send about mail: kind in its own spelling, detail
// merged over what the report says by default. fault.Invalid for another kind.
func Notification(mail Mail, kind string, at time.Time, detail map[string]any) (json.RawMessage, error) {
	at = at.UTC()
	to := strings.Split(mail.To, ", ")
	each := func(extra map[string]any) []map[string]any {
		var out []map[string]any
		for _, a := range to {
			r := map[string]any{"emailAddress": a}
			for k, v := range extra {
				r[k] = v
			}
			out = append(out, r)
		}
		return out
	}
	var report map[string]any
	switch kind {
	case "Send":
		report = map[string]any{}
	case "Delivery":
		report = map[string]any{"timestamp": at.Format(stamp), "processingTimeMillis": 812, "recipients": to,
			"smtpResponse": "250 2.0.0 OK", "reportingMTA": "local.mailbox"}
	case "Bounce":
		report = map[string]any{"feedbackId": invoke.RequestID(), "bounceType": "Permanent", "bounceSubType": "General",
			"bouncedRecipients": each(map[string]any{"action": "failed", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}),
			"timestamp":         at.Format(stamp), "reportingMTA": "dsn; local.mailbox"}
	case "Complaint":
		report = map[string]any{"feedbackId": invoke.RequestID(), "complaintSubType": nil, "complainedRecipients": each(nil),
			"timestamp": at.Format(stamp), "userAgent": "local", "complaintFeedbackType": "abuse", "arrivalDate": at.Format(stamp)}
	case "Reject":
		report = map[string]any{"reason": "Bad content"}
	case "DeliveryDelay":
		report = map[string]any{"timestamp": at.Format(stamp), "delayType": "TransientCommunicationFailure",
			"expirationTime":    at.Add(14 * time.Hour).Format(stamp),
			"delayedRecipients": each(map[string]any{"status": "4.4.1", "diagnosticCode": "smtp; 421 4.4.1 try again later"})}
	case "Open":
		report = map[string]any{"ipAddress": "192.0.2.1", "timestamp": at.Format(stamp), "userAgent": "local"}
	case "Click":
		report = map[string]any{"ipAddress": "192.0.2.1", "timestamp": at.Format(stamp), "userAgent": "local", "link": first(mail.Links), "linkTags": nil}
	default:
		return nil, fault.Invalid.Errorf("the service reports nothing of the kind %q; it reports %s", kind, strings.Join(Kinds, ", "))
	}
	for k, v := range detail {
		report[k] = v
	}
	tags := map[string][]string{"ses:from-domain": {domain(mail.From)}, "ses:caller-identity": {"relay"}}
	if mail.ConfigSet != "" {
		tags["ses:configuration-set"] = []string{mail.ConfigSet}
	}
	for k, v := range mail.Tags {
		tags[k] = []string{v}
	}
	message, err := json.Marshal(map[string]any{
		"eventType": kind,
		"mail": map[string]any{
			"timestamp": mail.At.UTC().Format(stamp), "source": mail.From, "sendingAccountId": "000000000000", "messageId": mail.ID,
			"destination": to, "headersTruncated": false,
			"headers": []map[string]string{{"name": "From", "value": mail.From}, {"name": "To", "value": mail.To}, {"name": "Subject", "value": mail.Subject}},
			"commonHeaders": map[string]any{
				"from": []string{mail.From}, "to": to, "messageId": mail.ID, "subject": mail.Subject},
			"tags": tags,
		},
		strings.ToLower(kind[:1]) + kind[1:]: report,
	})
	if err != nil {
		return nil, fmt.Errorf("a report of mail %s: %w", mail.ID, err)
	}
	return json.Marshal(events.SNSEvent{Records: []events.SNSEventRecord{{
		EventSource: "aws:sns", EventVersion: "1.0", EventSubscriptionArn: topic + ":" + invoke.RequestID(),
		SNS: events.SNSEntity{
			Type: "Notification", MessageID: invoke.RequestID(), TopicArn: topic, Subject: "Amazon SES Email Event Notification",
			Message: string(message), Timestamp: at, SignatureVersion: "1", Signature: "local", SigningCertURL: "http://127.0.0.1/none.pem",
			UnsubscribeURL: "http://127.0.0.1/none", MessageAttributes: map[string]any{},
		},
	}}})
}

// reports are what the service says by itself about a mail it took. Its own test addresses bounce and complain.
func (m *Mailbox) reports(mail Mail) ([]json.RawMessage, error) {
	kinds := []string{"Send", "Delivery"}
	switch to := strings.ToLower(mail.To); {
	case strings.HasPrefix(to, "bounce@simulator.") || strings.HasPrefix(to, "bounce+"):
		kinds[1] = "Bounce"
	case strings.HasPrefix(to, "complaint@simulator.") || strings.HasPrefix(to, "complaint+"):
		kinds = append(kinds, "Complaint")
	}
	var out []json.RawMessage
	for _, k := range kinds {
		n, err := Notification(mail, k, m.Now(), nil)
		if err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, nil
}

// Event answers POST /_local/mail/event {id | to, kind, detail?, times?}: it plays the service's report about one
// mail, the newest to that address when no id is given, and answers when the mailhook has taken it.
func (m *Mailbox) Event(w http.ResponseWriter, r *http.Request) {
	var in struct {
		ID     string         `json:"id"`
		To     string         `json:"to"`
		Kind   string         `json:"kind"`
		Detail map[string]any `json:"detail"`
		Times  int            `json:"times"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<20)).Decode(&in); err != nil {
		m.answer(w, http.StatusBadRequest, "", map[string]string{"message": `send {"to":"…","kind":"Bounce"}`})
		return
	}
	mail, _, err := m.Find(in.ID)
	if in.ID == "" {
		var list []Mail
		list, err = m.List(1, func(x Mail) bool { return in.To != "" && strings.EqualFold(x.To, in.To) })
		if err == nil && len(list) == 0 {
			err = fault.NotFound.Errorf("there is no mail to %q", in.To)
		} else if err == nil {
			mail = list[0]
		}
	}
	if err != nil {
		m.answer(w, http.StatusNotFound, "", map[string]string{"message": err.Error()})
		return
	}
	n, err := Notification(mail, in.Kind, m.Now(), in.Detail)
	if err != nil {
		m.answer(w, http.StatusUnprocessableEntity, "", map[string]string{"message": err.Error()})
		return
	}
	for range max(in.Times, 1) {
		if m.Deliver == nil {
			continue
		}
		if err := m.Deliver(r.Context(), n); err != nil {
			m.answer(w, http.StatusBadGateway, "", map[string]string{"message": "the mailhook failed: " + err.Error()})
			return
		}
	}
	m.answer(w, http.StatusOK, "", map[string]any{"id": mail.ID, "kind": in.Kind, "delivered": max(in.Times, 1)})
}

func first(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return list[0]
}

func domain(address string) string {
	_, d, _ := strings.Cut(address, "@")
	return d
}
