// Package task is what somebody has to do for a contact: a title, an owner, perhaps a day or an hour, and the reason.
//
// A task never outlives its reason (product.md D7). One that hangs on a document ends with it, in the transaction that ends
// the document: whoever moves a document's state adds what [Ended] answers to that deed. A document that is gone (voided,
// declined, canceled, expired) takes every task with it; one that is settled (paid, accepted) takes those whose reason was to
// wait for that. What a person does by hand is [Service]'s.
package task

import (
	"strings"
	"time"
	"unicode"

	"onebook/internal/civil"
	"onebook/internal/fault"
)

// State is where a task stands.
type State string

// The states of a task.
const (
	Open    State = "open"
	Done    State = "done"
	Dropped State = "dropped" // its reason has ended; Because says how
)

// Reasons say why a task exists, which decides what ends it.
const (
	Other   = "other"   // by hand
	Inquiry = "inquiry" // somebody wrote through the public form
	Answer  = "answer"  // an answer is awaited, to an offer above all
	Payment = "payment" // money is awaited
)

// Outcome is what became of a document, as far as tasks care.
type Outcome int

// The outcomes. The zero one is a document that goes on.
const (
	Goes    Outcome = iota
	Settled         // what was awaited has come: paid, accepted
	Gone            // it is not wanted any more: voided, declined, canceled, expired, thrown away
)

// ends reports whether a task with this reason dies with an outcome.
func (o Outcome) ends(reason string) bool {
	return o == Gone || o == Settled && (reason == Answer || reason == Payment)
}

// Task is one thing to do.
type Task struct {
	ID        string     `json:"id"` // tk_…
	ContactID string     `json:"contactId"`
	Title     string     `json:"title"`
	Notes     string     `json:"notes,omitempty"`
	OwnerID   string     `json:"ownerId"` // a member
	DueOn     civil.Date `json:"dueOn,omitzero"`
	DueAt     time.Time  `json:"dueAt,omitzero"`
	Subject   string     `json:"subject,omitempty"` // the document that it hangs on
	Reason    string     `json:"reason"`
	State     State      `json:"state"`
	ClosedAt  time.Time  `json:"closedAt,omitzero"`
	Because   string     `json:"because,omitempty"` // of a dropped one
	CreatedAt time.Time  `json:"createdAt"`
	UpdatedAt time.Time  `json:"updatedAt"`

	// Instant is by when it is to be done, for sorting: DueAt, or the beginning of DueOn where the organisation is.
	Instant time.Time `json:"instant,omitzero"`

	version int64
}

// Version is the version that was read: the If-Match version.
func (t Task) Version() int64 { return t.version }

// Overdue reports whether an open task should have been done by now; today is the organisation's date.
func (t Task) Overdue(now time.Time, today civil.Date) bool {
	if t.State != Open {
		return false
	}
	return !t.DueOn.IsZero() && t.DueOn.Before(today) || !t.DueAt.IsZero() && t.DueAt.Before(now)
}

// Input is what people say of a task, all of it: what is left out is empty.
type Input struct {
	ContactID string // of a new one; the subject's contact when it is left out
	Subject   string // of a new one
	Title     string
	Notes     string
	OwnerID   string // empty: whoever makes it
	DueOn     civil.Date
	DueAt     time.Time
	Reason    string // empty: Other
}

// check brings an input to its stored form and names every wrong field.
func (in *Input) check() error {
	var f fault.Fields
	in.Title, in.Notes = strings.TrimSpace(in.Title), strings.TrimSpace(in.Notes)
	if n := len([]rune(in.Title)); n == 0 || n > 200 || strings.ContainsFunc(in.Title, unicode.IsControl) {
		f.Add("title", "invalid", "a title is one line of 1 to 200 characters: what is to be done")
	}
	if len([]rune(in.Notes)) > 4000 {
		f.Add("notes", "too_long", "notes have at most 4,000 characters")
	}
	if !in.DueOn.IsZero() && !in.DueAt.IsZero() {
		f.Add("dueAt", "invalid", "give dueOn or dueAt, not both")
	}
	if y := max(in.DueOn.Year, in.DueAt.Year()); y > 9000 {
		f.Add("dueOn", "invalid", "this day lies too far ahead")
	}
	switch in.Reason {
	case "":
		in.Reason = Other
	case Other, Inquiry, Answer, Payment:
	default:
		f.Add("reason", "invalid", "a reason is other, inquiry, answer or payment")
	}
	if (in.Reason == Answer || in.Reason == Payment) && in.Subject == "" {
		f.Add("subject", "required", "say which document is waited for")
	}
	return f.Err()
}
