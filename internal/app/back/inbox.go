package back

import (
	"context"
	"errors"

	"onebook/internal/app"
	"onebook/internal/app/outside"
	"onebook/internal/fault"
	"onebook/internal/message"
	"onebook/internal/reply"
	"onebook/internal/sesmail"
)

// inbox reads the mails that the mail service has put into the bucket. One that cannot be read is told as such, since
// reading it again would not help.
func inbox(x *app.Product) func(ctx context.Context, key string) (reply.Mail, error) {
	blobs := outside.Blobs(x)
	return func(ctx context.Context, key string) (reply.Mail, error) {
		raw, _, err := blobs.Get(ctx, key, "")
		if err != nil {
			return reply.Mail{}, err
		}
		in, err := sesmail.Parse(raw)
		if errors.Is(err, fault.Invalid) {
			return reply.Mail{Text: "(This mail cannot be read. It lies in the bucket under " + key + ".)"}, nil
		}
		if err != nil {
			return reply.Mail{}, err
		}
		m := reply.Mail{
			Recipients: in.To, From: in.From, Subject: in.Subject, Text: in.Text, Automatic: in.Automatic,
		}
		for _, f := range in.Files {
			m.Attachments = append(m.Attachments, message.Attachment(f))
		}
		return m, nil
	}
}
