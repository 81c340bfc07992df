// Package inquiry is the way of a stranger's message from the public form to the desk of whoever answers it.
//
// The form creates or finds the contact by itself (C13), keeps the message on the record and opens a task, in one write.
// What it may not do: tell whether the contact existed, change a field of it, or show anything. An address that a stranger
// typed is only claimed to be theirs (rules.md §11), so what comes in is marked so, and where the keys name several contacts
// or none for certain, a new contact is made and a person decides.
package inquiry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode"

	"onebook/internal/activity"
	"onebook/internal/contact"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/member"
	"onebook/internal/message"
	"onebook/internal/org"
	"onebook/internal/store"
	"onebook/internal/task"
)

// Service takes inquiries.
type Service struct {
	Table    store.Table
	Records  *activity.Records
	IDs      id.Source
	Now      func() time.Time
	Org      *org.Service
	Members  *member.Service
	Contacts *contact.Service
	Tasks    *task.Service
}

// Input is what a stranger says.
type Input struct {
	Name    string
	Email   string
	Phone   string
	Message string
	Answers map[string]string // to questions of the form
}

// PerHour is how many inquiries are taken in one hour of the clock; whoever comes after is asked to come again (rate_limited).
const PerHour = 60

// How much of each an inquiry may have.
const (
	maxMessage = 5000
	maxAnswers = 20
	maxAnswer  = 500
)

// Receive takes an inquiry for the organisation of this slug. fault.NotFound when it has another one; fault.Invalid names each
// wrong field; fault.Busy, rate_limited, when too many came within the hour. Once is the caller's Idempotency-Key, or nil.
func (s *Service) Receive(ctx context.Context, once *activity.Once, slug string, in Input) error {
	set, err := s.Org.Get(ctx)
	if err != nil {
		return err
	}
	if slug != set.PublicSlug() {
		return fault.NotFound.Errorf("there is no such form")
	}
	if err := in.check(); err != nil {
		return err
	}
	by := member.Automaton(member.Intake)
	by.Once = once
	todo, err := s.todo(ctx, set)
	if err != nil {
		return err
	}
	for range 8 {
		m, err := s.Contacts.Match(ctx, contact.MatchInput{Name: in.Name, Email: in.Email, Phone: in.Phone})
		if err != nil {
			return err
		}
		if m.Outcome == contact.Matched {
			err = s.attach(ctx, by, m, in, todo)
		} else {
			err = s.introduce(ctx, by, m, in, todo)
		}
		// Somebody was added with the same address at this moment, or the contact was merged: who it is must be found anew.
		if !errors.Is(err, fault.Exists) || errors.Is(err, activity.ErrOnce) {
			return err
		}
	}
	return store.ErrBusy
}

func (in *Input) check() error {
	var f fault.Fields
	in.Name, in.Email, in.Phone, in.Message = strings.TrimSpace(in.Name), strings.TrimSpace(in.Email), strings.TrimSpace(in.Phone), strings.TrimSpace(in.Message)
	if n := len([]rune(in.Name)); n == 0 || n > 200 || strings.ContainsFunc(in.Name, unicode.IsControl) {
		f.Add("name", "invalid", "say who you are: one line of 1 to 200 characters")
	}
	if in.Email == "" && in.Phone == "" {
		f.Add("email", "required", "give an e-mail address or a telephone number to answer to")
	}
	if in.Email != "" {
		if err := contact.Acceptable(in.Email); err != nil {
			f.Add("email", "invalid", "%s", err.Error())
		}
	}
	if in.Phone != "" && (len([]rune(in.Phone)) > 40 || !strings.ContainsFunc(in.Phone, unicode.IsDigit)) {
		f.Add("phone", "invalid", "a telephone number has digits, and at most 40 characters")
	}
	if n := len([]rune(in.Message)); n == 0 || n > maxMessage {
		f.Add("message", "invalid", "a message has 1 to %d characters", maxMessage)
	}
	if len(in.Answers) > maxAnswers {
		f.Add("answers", "too_many", "at most %d answers are possible", maxAnswers)
	}
	for q, a := range in.Answers {
		if q == "" || len([]rune(q)) > 200 || len([]rune(a)) > maxAnswer {
			f.Add("answers", "too_long", "a question has 1 to 200 characters, an answer at most %d", maxAnswer)
			break
		}
	}
	return f.Err()
}

// todo is the task to be made: to answer until tomorrow, by whom the settings name, else by the owner of the organisation.
func (s *Service) todo(ctx context.Context, set org.Settings) (task.Input, error) {
	today, err := set.Today(s.Now())
	if err != nil {
		return task.Input{}, err
	}
	all, err := s.Members.List(ctx)
	if err != nil {
		return task.Input{}, err
	}
	out := task.Input{Reason: task.Inquiry, DueOn: today.AddDays(1)}
	for _, m := range all {
		if m.ID == set.InquiryOwnerID {
			out.OwnerID = m.ID
			return out, nil
		}
		if m.Role == member.Owner && out.OwnerID == "" {
			out.OwnerID = m.ID
		}
	}
	return out, nil
}

// attach adds an inquiry to a contact that is known. None of its fields changes.
func (s *Service) attach(ctx context.Context, by activity.By, m contact.Outcome, in Input, todo task.Input) error {
	_, err := s.Records.Do(ctx, by, activity.ContactChain(m.ContactID), func(ctx context.Context, h activity.Head) (*activity.Deed, error) {
		if h.MergedInto != "" {
			return nil, fault.Exists.Errorf("this contact was merged meanwhile")
		}
		d := &activity.Deed{}
		return d, s.note(ctx, d, m.ContactID, m, in, todo)
	})
	return err
}

// introduce adds a contact with its first message. An address that a review found with others is kept as a shared one, which
// links nobody.
func (s *Service) introduce(ctx context.Context, by activity.By, m contact.Outcome, in Input, todo task.Input) error {
	c := contact.Input{Kind: contact.Person, Name: in.Name, Source: "inquiry"}
	if in.Email != "" {
		e := contact.EmailInput{Address: in.Email}
		if m.Strong() {
			e.Use = contact.Shared
		}
		c.Emails = []contact.EmailInput{e}
	}
	if in.Phone != "" {
		c.Phones = []contact.PhoneInput{{Number: in.Phone}}
	}
	_, err := s.Contacts.Introduce(ctx, by, c, func(ctx context.Context, c contact.Contact, d *activity.Deed) error {
		return s.note(ctx, d, c.ID, m, in, todo)
	})
	return err
}

// note puts the message, the task and the count of the hour into a deed.
func (s *Service) note(ctx context.Context, d *activity.Deed, contactID string, m contact.Outcome, in Input, todo task.Input) error {
	now := s.Now().UTC()
	count, err := s.count(ctx, now)
	if err != nil {
		return err
	}
	msg := message.Message{
		ID: s.IDs.Of("ms", contactID), ContactID: contactID, Direction: message.In, Kind: message.Inquiry, Name: in.Name, Address: in.Email,
		Phone: in.Phone, Title: "Inquiry", Answers: in.Answers, Claimed: true, At: now,
	}.WithText(in.Message)
	keep, err := msg.Put()
	if err != nil {
		return err
	}
	todo.Title, todo.Notes = title("Answer the inquiry of "+in.Name), notes(m, in)
	t, open, err := s.Tasks.Make(ctx, contactID, s.IDs.Of("tk", contactID), todo)
	if err != nil {
		return fmt.Errorf("inquiry: %w", internal(err))
	}
	d.Kind, d.Subject, d.Text = "inquiry.received", msg.ID, in.Name+" wrote through the inquiry form"
	d.Refs = map[string]string{"task": t.ID}
	d.Ops = append(d.Ops, keep, open, count)
	return nil
}

// internal takes its kind from a fault that tells of nothing a stranger could mend.
func internal(err error) error { return errors.New(err.Error()) }

func title(s string) string {
	if r := []rune(s); len(r) > 200 {
		return string(r[:199]) + "…"
	}
	return s
}

// notes are what whoever answers should know at once.
func notes(m contact.Outcome, in Input) string {
	var b strings.Builder
	for _, s := range []string{in.Email, in.Phone} {
		if s != "" {
			b.WriteString(s + "\n")
		}
	}
	r := []rune(in.Message)
	if len(r) > 1000 {
		r = append(r[:999], '…')
	}
	b.WriteString("\n" + string(r) + "\n")
	var questions []string
	for q := range in.Answers {
		questions = append(questions, q)
	}
	sort.Strings(questions)
	for _, q := range questions {
		if b.Len() < 3000 {
			b.WriteString(q + ": " + in.Answers[q] + "\n")
		}
	}
	if m.Outcome == contact.Matched {
		b.WriteString("\nRecognised by " + strings.Join(m.Because, ", "))
		if m.Person != "" {
			b.WriteString(", as " + title(m.Person))
		}
		b.WriteString(". Nobody has proved it: do not tell what only the client may know.")
	}
	for n, c := range m.Candidates {
		if m.Outcome == contact.Review && n < 3 {
			b.WriteString("\nMay be " + title(c.Name) + " (" + strings.Join(c.Because, ", ") + ")")
		}
	}
	all := []rune(strings.TrimSpace(b.String()))
	if len(all) > 4000 {
		all = append(all[:3999], '…')
	}
	return string(all)
}

// counted is how many inquiries came within one hour of the clock.
type counted struct {
	N int `json:"n"`
}

// count answers the operation that counts one more inquiry. fault.Busy when the hour is full.
func (s *Service) count(ctx context.Context, now time.Time) (store.Op, error) {
	hour := now.Truncate(time.Hour)
	k := store.Key{PK: "CLAIM#inquiries#" + hour.Format("2006-01-02T15"), SK: "CLAIM"}
	it, err := s.Table.Get(ctx, k)
	if err != nil && !errors.Is(err, fault.NotFound) {
		return store.Op{}, err
	}
	var c counted
	if err == nil {
		if err := json.Unmarshal(it.Body, &c); err != nil {
			return store.Op{}, fmt.Errorf("inquiries of the hour: %w", err)
		}
	}
	if c.N >= PerHour {
		wait := int(hour.Add(time.Hour).Sub(now).Seconds()) + 1
		return store.Op{}, fault.Busy.Errorf("too many inquiries came within this hour; please try again later, or call").Coded("rate_limited").With("retryAfter", wait)
	}
	body, err := json.Marshal(counted{c.N + 1})
	if err != nil {
		return store.Op{}, fmt.Errorf("inquiries of the hour: %w", err)
	}
	return store.Put(store.Item{Key: k, Version: it.Version, Kind: "count", Body: body, Expires: hour.Add(2 * time.Hour)}).Else(activity.ErrContended), nil
}
