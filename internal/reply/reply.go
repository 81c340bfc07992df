// Package reply is the way of a client's mail onto the record.
//
// A letter of ours asks for answers at an address of its own, reply+<its effect>@<domain of replies>, beside the
// organisation's. The address is no secret and opens nothing: it only says which letter is answered. A mail that names no
// letter is known by its sender's own address. One that fits nobody is an issue with what it says, and nothing is lost.
//
// That the sender is who the mail says is believed only when the mail service has checked it and the address stands in the
// contact; else the message is marked as claimed.
package reply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/mail"
	"slices"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/contact"
	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/issue"
	"onebook/internal/member"
	"onebook/internal/message"
	"onebook/internal/store"
)

// Service puts mails onto the record.
type Service struct {
	Table    store.Table
	Records  *activity.Records
	Now      func() time.Time
	Contacts *contact.Service
}

// Mail is one mail that came in.
type Mail struct {
	Key         string    // the mail service's own id of it; the same mail is taken once
	At          time.Time // when the service took it
	Recipients  []string  // plain addresses
	From        mail.Address
	Subject     string
	Text        string
	Attachments []message.Attachment
	Automatic   bool // no person wrote it
	Checked     bool // the service has checked that the sender's domain sent it
	Junk        bool // the service takes it for spam, or found a virus
}

const local = "reply+"

// Address is where answers to a letter go; domain is the one of replies.
func Address(effectID, domain string) string { return local + effectID + "@" + domain }

var errKnown = errors.New("reply: this mail is on record")

// Receive puts a mail onto the record of whom it is from, or raises an issue. Taken again, it changes nothing.
func (s *Service) Receive(ctx context.Context, m Mail) error {
	if strings.TrimSpace(m.Subject) == "" {
		m.Subject = "(no subject)"
	}
	for range 8 {
		contactID, about, err := s.whose(ctx, m)
		if err != nil {
			return err
		}
		if contactID == "" {
			err = s.unmatched(ctx, m)
		} else {
			err = s.keep(ctx, m, contactID, about)
		}
		switch {
		case errors.Is(err, errMerged):
			continue
		case errors.Is(err, errKnown):
			return nil
		}
		return err
	}
	return store.ErrBusy
}

var errMerged = errors.New("reply: the contact was merged meanwhile")

// whose answers the contact that a mail belongs to and the document that it is about, empty when nobody knows.
func (s *Service) whose(ctx context.Context, m Mail) (contactID, about string, err error) {
	for _, e := range letters(m) {
		x, err := effect.Get(ctx, s.Table, e)
		if errors.Is(err, fault.NotFound) || err == nil && x.ContactID == "" {
			continue
		}
		if err != nil {
			return "", "", err
		}
		c, err := s.Contacts.Get(ctx, x.ContactID)
		return c.ID, x.Subject, err
	}
	if m.Junk {
		return "", "", nil // a forged sender must not fill a client's record
	}
	contactID, err = s.Contacts.Holder(ctx, m.From.Address)
	return contactID, "", err
}

// letters are the effects of the letters that a mail answers: our address names them, and no other sign is kept of a letter.
func letters(m Mail) []string {
	var out []string
	for _, a := range m.Recipients {
		user, _, _ := strings.Cut(a, "@")
		if len(user) > len(local) && strings.EqualFold(user[:len(local)], local) {
			out = append(out, strings.ToLower(user[len(local):]))
		}
	}
	return slices.DeleteFunc(out, func(e string) bool { return id.Check("ef", e) != nil })
}

// claim answers the operation that takes a mail once.
func claim(m Mail) store.Op {
	sum := sha256.Sum256([]byte(m.Key))
	return store.Put(store.Item{
		Key: store.Key{PK: "CLAIM#mail#" + hex.EncodeToString(sum[:16]), SK: "CLAIM"}, Kind: "claim", Body: []byte(`{}`),
	}).Else(errKnown)
}

func (s *Service) keep(ctx context.Context, m Mail, contactID, about string) error {
	_, err := s.Records.Do(ctx, member.Automaton(member.Postbox), activity.ContactChain(contactID), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
		if h.MergedInto != "" {
			return nil, errMerged
		}
		c, err := s.Contacts.Get(ctx, contactID)
		if err != nil {
			return nil, err
		}
		if m.From.Name == "" {
			m.From.Name = c.At(m.From.Address)
		}
		msg := message.Message{
			ID: id.Named("ms", contactID, m.At, m.Key), ContactID: contactID, Direction: message.In, Kind: message.Reply, Name: oneLine(m.From.Name, 200),
			Address: oneLine(m.From.Address, 320), Title: oneLine(m.Subject, 300), About: about, Attachments: m.Attachments,
			Claimed: !m.Checked || m.Junk || !c.Has(m.From.Address), At: m.At.UTC(),
		}.WithText(m.Text)
		text := who(m) + " wrote: " + oneLine(m.Subject, 200)
		if m.Automatic {
			msg.Kind, text = message.Automatic, "An automatic answer came from "+who(m)
		}
		op, err := msg.Put()
		if err != nil {
			return nil, err
		}
		d := &activity.Deed{Kind: "message.received", Subject: msg.ID, Text: text, Ops: []store.Op{claim(m), op}}
		if about != "" {
			d.Refs = map[string]string{"about": about}
		}
		return d, nil
	})
	return err
}

func who(m Mail) string {
	if n := oneLine(m.From.Name, 100); n != "" {
		return n
	}
	return oneLine(m.From.Address, 320)
}

// maxShown is how much of a mail an issue shows.
const maxShown = 4000

// unmatched makes a mail that fits nobody visible. What the mail service takes for spam is one issue a day, with a count.
func (s *Service) unmatched(ctx context.Context, m Mail) error {
	now := s.Now().UTC()
	in := issue.Issue{
		Code: "mail_unmatched", Subject: m.Key, State: issue.Open, Area: issue.Billing, Title: "A mail came in from somebody who is not known here",
		Detail: "From " + who(m) + " <" + oneLine(m.From.Address, 320) + ">: " + oneLine(m.Subject, 300) + "\n\n" + cut(m.Text) +
			"\n\nFind out whose it is, add the address to that contact or answer the mail, then settle this.",
		Refs: map[string]string{"from": oneLine(m.From.Address, 320), "mail": m.Key},
	}
	if m.Junk {
		day := now.Format("2006-01-02")
		in.Code, in.Subject, in.Title = "mail_junk", day, "Mails came in that look like spam"
		in.Detail = "The last one is from " + oneLine(m.From.Address, 320) + ": " + oneLine(m.Subject, 300) + ". They are kept where mails come in for 90 days."
	}
	_, err := s.Records.Do(ctx, member.Automaton(member.Postbox), activity.OrgChain(now), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		op, made, err := issue.Raise(ctx, s.Table, now, in)
		if err != nil {
			return nil, err
		}
		return &activity.Deed{Kind: "issue.opened", Subject: made.ID, Text: in.Title, Ops: []store.Op{claim(m), op}}, nil
	})
	return err
}

func cut(s string) string {
	r := []rune(strings.TrimSpace(strings.ToValidUTF8(s, "\uFFFD")))
	if len(r) > maxShown {
		r = append(r[:maxShown-1], '…')
	}
	return string(r)
}

// oneLine is text from outside on one line.
func oneLine(s string, most int) string {
	r := []rune(strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " "))
	if len(r) > most {
		r = append(r[:most-1], '…')
	}
	return string(r)
}
