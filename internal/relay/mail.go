package relay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"onebook/internal/effect"
	"onebook/internal/invoice"
	"onebook/internal/letter"
	"onebook/internal/reply"
)

// Mail takes the reports of the mail service (SES events over SNS), and its word of mails that came in.
type Mail struct {
	Runner *effect.Runner
	// Delivered notes what became of a letter.
	Delivered func(ctx context.Context, effectID string, r letter.Report) error
	// Inbox reads a mail that the service has put down under a key; Received puts it onto the record.
	Inbox    func(ctx context.Context, key string) (reply.Mail, error)
	Received func(ctx context.Context, m reply.Mail) error
	Log      *slog.Logger
}

// Notice is the payload of an SNS subscription.
type Notice struct {
	Records []struct {
		SNS struct {
			Message string `json:"Message"`
		} `json:"Sns"`
	} `json:"Records"`
}

// report is an SES event. Tags come as lists.
type report struct {
	EventType        string `json:"eventType"`
	NotificationType string `json:"notificationType"` // of a mail that came in
	Mail             struct {
		MessageID   string              `json:"messageId"`
		Timestamp   time.Time           `json:"timestamp"`
		Source      string              `json:"source"`
		Destination []string            `json:"destination"` // ours have one
		Tags        map[string][]string `json:"tags"`
	} `json:"mail"`
	Bounce struct {
		BounceType string `json:"bounceType"`
		Recipients []struct {
			Diagnostic string `json:"diagnosticCode"`
		} `json:"bouncedRecipients"`
	} `json:"bounce"`
	Complaint struct {
		Type string `json:"complaintFeedbackType"`
	} `json:"complaint"`
	Receipt struct {
		Recipients []string `json:"recipients"`
		Spam       verdict  `json:"spamVerdict"`
		Virus      verdict  `json:"virusVerdict"`
		DMARC      verdict  `json:"dmarcVerdict"`
		Action     struct {
			Type      string `json:"type"`
			ObjectKey string `json:"objectKey"`
		} `json:"action"`
	} `json:"receipt"`
}

// verdict is PASS, FAIL, GRAY or PROCESSING_FAILED.
type verdict struct {
	Status string `json:"status"`
}

// received takes a mail that came in. The service's rule puts it into the bucket before it tells of it.
func (m Mail) received(ctx context.Context, r report) error {
	if r.Receipt.Action.Type != "S3" || r.Receipt.Action.ObjectKey == "" {
		return fmt.Errorf("a mail came in and was not put into the bucket: %s", r.Mail.MessageID)
	}
	in, err := m.Inbox(ctx, r.Receipt.Action.ObjectKey)
	if err != nil {
		return fmt.Errorf("the mail %s: %w", r.Mail.MessageID, err)
	}
	if in.From.Address == "" {
		in.From.Address = r.Mail.Source
	}
	in.Key, in.At = r.Mail.MessageID, r.Mail.Timestamp
	in.Recipients = append(r.Receipt.Recipients, in.Recipients...)
	in.Checked = r.Receipt.DMARC.Status == "PASS"
	in.Junk = r.Receipt.Spam.Status == "FAIL" || r.Receipt.Virus.Status == "FAIL"
	return m.Received(ctx, in)
}

// Handle takes one delivery of SNS.
func (m Mail) Handle(ctx context.Context, n Notice) error {
	var errs []error
	for _, r := range n.Records {
		if err := m.one(ctx, r.SNS.Message); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

func (m Mail) one(ctx context.Context, message string) (err error) {
	defer recovered(&err)
	var r report
	if err := json.Unmarshal([]byte(message), &r); err != nil {
		// It will not become readable by being sent again; the log's alarm shows it.
		m.Log.ErrorContext(ctx, "a report of the mail service cannot be read", "error", err)
		return nil
	}
	if r.NotificationType == "Received" {
		return m.received(ctx, r)
	}
	tags := r.Mail.Tags["effect"]
	if len(tags) == 0 || !strings.HasPrefix(tags[0], "ef_") {
		return nil // a letter of somebody else
	}
	switch r.EventType {
	case "Send", "Delivery", "Bounce", "Complaint", "Reject", "Rendering Failure":
		// Each of them says that the letter was taken, and comes in any order.
		if err := m.Runner.Confirm(ctx, tags[0], r.Mail.MessageID); err != nil {
			return err
		}
	}
	to := ""
	if len(r.Mail.Destination) > 0 {
		to = r.Mail.Destination[0] // not the bounce's own word, which may name where it was forwarded to
	}
	switch r.EventType {
	case "Send", "DeliveryDelay", "Open", "Click":
		return nil
	case "Delivery":
		return m.Delivered(ctx, tags[0], letter.Report{State: invoice.Delivered, To: to})
	case "Bounce":
		why := r.Bounce.BounceType
		if len(r.Bounce.Recipients) > 0 && r.Bounce.Recipients[0].Diagnostic != "" {
			why += ", " + r.Bounce.Recipients[0].Diagnostic
		}
		return m.Delivered(ctx, tags[0], letter.Report{State: invoice.Bounced, To: to, Why: why, Lasting: r.Bounce.BounceType == "Permanent"})
	case "Complaint":
		if r.Complaint.Type == "not-spam" {
			return nil // the contrary of a complaint
		}
		return m.Delivered(ctx, tags[0], letter.Report{State: invoice.Complained, To: to, Why: r.Complaint.Type, Lasting: true})
	case "Reject", "Rendering Failure":
		return m.Delivered(ctx, tags[0], letter.Report{State: invoice.Bounced, To: to, Why: r.EventType})
	}
	return fmt.Errorf("the mail service reports %q, which is not handled", r.EventType)
}
