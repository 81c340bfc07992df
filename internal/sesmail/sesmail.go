// Package sesmail sends letters through SES.
//
// SES knows no idempotency key, so nothing here tries twice: after an error the caller decides, and the kind of
// error says what it may do. fault.Invalid is for good (the message or an address is refused). fault.Busy means
// that nothing was sent: try again later. [ErrUnknown], also a fault.Busy, means that the request had left and no
// answer came: the letter may be on its way, and only the service's report with the same tag can tell. Everything
// else is a fault of the deployment: a sender that is not verified, a missing right.
//
// Header injection is impossible by construction: no header takes a line break or a NUL, addresses are parsed and
// printed by net/mail, and everything else is encoded by the MIME library.
package sesmail

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/mail"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"onebook/internal/fault"
)

// ErrUnknown is wrapped by the fault.Busy of a letter that may have been sent.
var ErrUnknown = errors.New("it is not known whether the letter was sent")

// Mailer sends letters. Make it by a literal with the client of NewClient.
type Mailer struct {
	Client           *sesv2.Client
	From             mail.Address     // verified in SES; the name is used where a message has none
	ConfigurationSet string           // whose events reach mailhook; empty sends without reports
	Now              func() time.Time // dates the letters
}

// Message is one letter to one party.
type Message struct {
	FromName    string         // whose name stands before the sender's address; empty takes the Mailer's
	To          []mail.Address // 1 to 50
	ReplyTo     []mail.Address // where answers go; none is the sender
	Subject     string         // one line
	Text, HTML  string         // at least one; both make a multipart/alternative
	Tag         string         // the effect's id: comes back in every report about this letter
	Unsubscribe string         // an https address that unsubscribes by one POST (RFC 8058), or empty
	Attachments []Attachment
}

// Attachment is one file of a letter.
type Attachment struct {
	Name, Type string
	Data       []byte
}

// TagName is the name of the e-mail tag that carries Message.Tag.
const TagName = "effect"

// Options say how SES is reached.
type Options struct {
	Region      string
	Credentials aws.CredentialsProvider
	Endpoint    string       // empty: the region's own
	HTTP        *http.Client // nil: the SDK's own
}

// NewClient makes a client that never tries twice by itself.
func NewClient(o Options) *sesv2.Client {
	options := sesv2.Options{Region: o.Region, Credentials: o.Credentials, Retryer: aws.NopRetryer{}}
	if o.Endpoint != "" {
		options.BaseEndpoint = &o.Endpoint
	}
	if o.HTTP != nil {
		options.HTTPClient = o.HTTP
	}
	return sesv2.New(options)
}

// Send hands one letter to SES and answers SES's id of it. The kinds of error stand in the package comment.
func (m *Mailer) Send(ctx context.Context, msg Message) (string, error) {
	raw, to, err := m.mime(msg)
	if err != nil {
		return "", err
	}
	in := &sesv2.SendEmailInput{
		Destination: &types.Destination{ToAddresses: to},
		Content:     &types.EmailContent{Raw: &types.RawMessage{Data: raw}},
	}
	if m.ConfigurationSet != "" {
		in.ConfigurationSetName = &m.ConfigurationSet
	}
	if msg.Tag != "" {
		in.EmailTags = []types.MessageTag{{Name: aws.String(TagName), Value: &msg.Tag}}
	}
	var left atomic.Bool
	out, err := m.Client.SendEmail(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { left.Store(true) }}), in)
	if err != nil {
		return "", classify(err, left.Load())
	}
	return aws.ToString(out.MessageId), nil
}

// classify says what the caller may do after err; left tells whether the request was on its way.
func classify(err error, left bool) error {
	var api smithy.APIError
	var answer *smithyhttp.ResponseError
	status := 0
	if errors.As(err, &answer) {
		status = answer.HTTPStatusCode()
	}
	if errors.As(err, &api) {
		switch api.ErrorCode() {
		case "BadRequestException", "MessageRejected":
			return fmt.Errorf("%w: %w", fault.Invalid.Errorf("the letter was refused: %s", api.ErrorMessage()), err)
		case "TooManyRequestsException", "LimitExceededException", "ThrottlingException", "Throttling", "ServiceUnavailable":
			return fmt.Errorf("%w: %w", fault.Busy.Errorf("too many letters at once; it is sent later"), err)
		}
		if status >= 400 && status < 500 && status != http.StatusTooManyRequests && status != http.StatusRequestTimeout {
			return fmt.Errorf("sending a letter: %w", err)
		}
	}
	switch {
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable || !left:
		return fmt.Errorf("%w: %w", fault.Busy.Errorf("the mail service cannot be reached; the letter is sent later"), err)
	default:
		return fmt.Errorf("%w: %w", fault.Busy.Errorf("%w", ErrUnknown), err)
	}
}
