package back

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/mail"

	idp "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"onebook/internal/app"
	"onebook/internal/app/outside"
	"onebook/internal/approval"
	"onebook/internal/archive"
	"onebook/internal/billing"
	"onebook/internal/checkout"
	"onebook/internal/cognito"
	"onebook/internal/effect"
	"onebook/internal/letter"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/printing"
	"onebook/internal/reply"
	"onebook/internal/selling"
	"onebook/internal/sesmail"
)

// runner runs effects with the handlers of these lanes.
func runner(x *app.Product, lanes ...string) *effect.Runner {
	r := &effect.Runner{Table: x.Table, Now: x.Now, Hold: x.Env["EFFECTS"] == "hold", Handlers: map[string]effect.Handler{}}
	for _, lane := range lanes {
		switch lane {
		case effect.Mail:
			p := post(x)
			maps.Copy(r.Handlers, map[string]effect.Handler{
				selling.MailEstimate: p.Estimate, billing.MailInvoice: p.Invoice, checkout.MailReceipt: p.Receipt,
				checkout.MailProcessing: p.Processing, checkout.MailFailed: p.Failed, link.MailRenewal: p.Renewal, approval.MailNotice: p.Notice,
			})
			r.Handlers[member.SignIn] = x.Members.Enrol(directory(x))
		case effect.Book:
			r.Handlers[selling.BillAccepted] = x.Selling.Accepted(x.Billing)
		case effect.PDF:
			p := &printing.Printer{Table: x.Table, Records: x.Records, Blobs: outside.Blobs(x), Links: x.Links, Now: x.Now}
			r.Handlers[billing.PrintPDF], r.Handlers[selling.PrintEstimate], r.Handlers[archive.RestorePDF] = p.Invoice, p.Estimate, p.Restore
		}
	}
	return r
}

func post(x *app.Product) *letter.Post {
	return &letter.Post{Table: x.Table, Records: x.Records, Clients: app.Clients{Contacts: x.Contacts}, Links: x.Links, Mailer: mailerOf(x), People: x.Members, Now: x.Now}
}

// mailer sends letters over SES.
type mailer struct {
	ses     *sesmail.Mailer
	replies string // domain at which mails to us come in; empty where none do
}

func mailerOf(x *app.Product) mailer {
	from := mail.Address{Address: x.Env["MAIL_FROM"]}
	return mailer{replies: x.Env["REPLY_DOMAIN"], ses: &sesmail.Mailer{
		Client: sesmail.NewClient(sesmail.Options{Region: x.Region, Credentials: x.Credentials, Endpoint: x.SES, HTTP: x.HTTP}),
		From:   from, ConfigurationSet: x.Env["CONFIG_SET"], Now: x.Now,
	}}
}

// Send hands a letter to SES.
func (m mailer) Send(ctx context.Context, l letter.Message) (string, error) {
	var answers []mail.Address
	if l.ReplyTo != nil {
		answers = append(answers, *l.ReplyTo)
	}
	if m.replies != "" {
		answers = append(answers, mail.Address{Name: l.FromName, Address: reply.Address(l.Tag, m.replies)})
	}
	sent, err := m.ses.Send(ctx, sesmail.Message{
		FromName: l.FromName, To: []mail.Address{l.To}, ReplyTo: answers, Subject: l.Subject, Text: l.Text, HTML: l.HTML, Tag: l.Tag,
	})
	if errors.Is(err, sesmail.ErrUnknown) {
		return "", fmt.Errorf("%w: %w", effect.ErrAmbiguous, err)
	}
	return sent, err
}

// directory keeps the sign-ins of a product.
func directory(x *app.Product) member.Directory {
	if x.Directory != nil {
		return x.Directory
	}
	return pool{x}
}

// pool makes the client of the user pool when a sign-in is made.
type pool struct{ x *app.Product }

// Ensure makes or finds a sign-in.
func (p pool) Ensure(ctx context.Context, email, name string) (string, error) {
	o := idp.Options{Region: p.x.Region, Credentials: p.x.Credentials}
	if p.x.Cognito != "" {
		o.BaseEndpoint = &p.x.Cognito
	}
	return cognito.Pool{Client: idp.New(o), ID: p.x.Env["USER_POOL_ID"]}.Ensure(ctx, email, name)
}
