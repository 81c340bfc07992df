// Package message is what was written to a client and what the client wrote: letters that went out, replies that came back,
// inquiries through the public form. Each is kept with its contact for as long as the contact is, and is never changed.
package message

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/store"
)

// Directions of a message.
const (
	In  = "in"  // from the client
	Out = "out" // to the client
)

// Kinds of what comes in. What goes out has the kind of its letter, such as "invoice".
const (
	Inquiry   = "inquiry"
	Reply     = "reply"
	Automatic = "automatic" // an absence note, or another machine's answer
)

// Message is one message.
type Message struct {
	ID          string            `json:"id"` // ms_…
	ContactID   string            `json:"contactId"`
	Direction   string            `json:"direction"`
	Kind        string            `json:"kind"`
	Name        string            `json:"name,omitempty"`    // of the person on the client's side
	Address     string            `json:"address,omitempty"` // e-mail address on the client's side
	Phone       string            `json:"phone,omitempty"`
	Title       string            `json:"title,omitempty"` // the subject line
	About       string            `json:"about,omitempty"` // id of the document that it is about
	Text        string            `json:"text,omitempty"`
	Cut         bool              `json:"cut,omitempty"` // Text is only the beginning
	Answers     map[string]string `json:"answers,omitempty"`
	Attachments []Attachment      `json:"attachments,omitempty"`
	Sent        string            `json:"sent,omitempty"`    // the mail service's id of what went out
	Claimed     bool              `json:"claimed,omitempty"` // nobody has proved that the sender is the contact
	At          time.Time         `json:"at"`
}

// Attachment names a file that came with a message; the file itself is not kept.
type Attachment struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Bytes int    `json:"bytes"`
}

// ItemKind is the kind of a message's item. It lies at C#<contact>, MSG#<the message's own part of its id>, so that the messages
// of merged contacts are one list by time.
const ItemKind = "message"

// MaxText is how many bytes of a text are kept.
const MaxText = 256 << 10

// WithText answers the message with a text, cut to what is kept. It is made valid UTF-8 without control characters other
// than line breaks and tabs.
func (m Message) WithText(text string) Message {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' || r == 0x7f {
			return -1
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(text, "\r\n", "\n"), "\uFFFD"))
	m.Text, m.Cut = strings.TrimSpace(text), false
	if n := MaxText; len(m.Text) > n {
		for !utf8.RuneStart(m.Text[n]) {
			n--
		}
		m.Text, m.Cut = m.Text[:n], true
	}
	return m
}

// Put answers the operation that keeps a new message.
func (m Message) Put() (store.Op, error) {
	body, err := json.Marshal(m)
	if err != nil {
		return store.Op{}, fmt.Errorf("message: %w", err)
	}
	return store.Put(store.Item{Key: key(m.ContactID, m.ID), Kind: ItemKind, Body: body}).Else(activity.ErrContended), nil
}

func key(contact, messageID string) store.Key {
	return store.Key{PK: "C#" + contact, SK: "MSG#" + id.Own(messageID)}
}

// Get reads one message. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, messageID string) (Message, error) {
	contact, err := id.Contact("ms", messageID)
	if err != nil {
		return Message{}, err
	}
	it, err := t.Get(ctx, key(contact, messageID))
	if errors.Is(err, fault.NotFound) {
		return Message{}, fault.NotFound.Errorf("there is no such message")
	}
	if err != nil {
		return Message{}, err
	}
	return decode(it)
}

// OfContacts lists the messages of a contact and of those that were merged into it, the newest first.
func OfContacts(ctx context.Context, t store.Table, contacts []string, limit int, cursor string) ([]Message, string, error) {
	parts := make([]string, len(contacts))
	for n, c := range contacts {
		parts[n] = "C#" + c
	}
	items, next, err := store.Merged(ctx, t, parts, store.Query{Prefix: "MSG#", Desc: true, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	out := make([]Message, 0, len(items))
	for _, it := range items {
		m, err := decode(it)
		if err != nil {
			return nil, "", err
		}
		out = append(out, m)
	}
	return out, next, nil
}

func decode(it store.Item) (Message, error) {
	var m Message
	if err := json.Unmarshal(it.Body, &m); err != nil {
		return Message{}, fmt.Errorf("message %s: %w", it.SK, err)
	}
	return m, nil
}
