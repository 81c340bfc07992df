// Package deal is work that may come: what it is worth, how far it is, and how it ended.
//
// A deal is open in one of the stages that the settings name, or it is won, or lost for a reason. It knows nothing of
// documents: estimates, orders and invoices carry its id, and what they come to stands beside it when it is read.
package deal

import (
	"strings"
	"time"
	"unicode"

	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/money"
	"onebook/internal/sale"
)

// State is where a deal stands (rules.md §8).
type State string

// The states of a deal.
const (
	Open State = "open"
	Won  State = "won"
	Lost State = "lost"
)

var transitions = map[State][]State{
	Open: {Open, Won, Lost}, // from open to open is a move to another stage
	Won:  {Open},
	Lost: {Open},
}

// Can reports whether a deal may go from s to next.
func (s State) Can(next State) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// Deal is one piece of work that may come from a contact.
type Deal struct {
	ID              string           `json:"id"` // dl_…
	ContactID       string           `json:"contactId"`
	State           State            `json:"state"`
	Title           string           `json:"title"`
	Stage           string           `json:"stage"` // key of a stage of the settings; the last one of a deal that ended
	StageSince      time.Time        `json:"stageSince"`
	Amount          *int64           `json:"amount,omitempty"` // what it is thought to be worth, minor units; nil: nobody knows yet
	Currency        string           `json:"currency"`
	Probability     *int             `json:"probability,omitempty"` // per cent; nil: that of the stage
	ExpectedCloseOn civil.Date       `json:"expectedCloseOn,omitzero"`
	OwnerID         string           `json:"ownerId,omitempty"` // a member
	Lines           []sale.LineInput `json:"lines,omitempty"`   // what estimates are made of
	Reason          string           `json:"reason,omitempty"`  // why it was lost
	EstimateID      string           `json:"estimateId,omitempty"`
	ClosedAt        time.Time        `json:"closedAt,omitzero"`
	CreatedAt       time.Time        `json:"createdAt"`
	UpdatedAt       time.Time        `json:"updatedAt"`

	version int64
}

// Version is the version that was read: the If-Match version.
func (d Deal) Version() int64 { return d.version }

// To moves the deal; fault.Unready when its state does not allow it.
func (d *Deal) To(next State) error {
	if !d.State.Can(next) {
		return fault.Unready.Errorf("a deal that is %s cannot become %s; reopen it first", d.State, next)
	}
	d.State = next
	return nil
}

// Win ends the deal well. fault.Unready without an amount: what was won must be said.
func (d *Deal) Win(at time.Time) error {
	if d.Amount == nil {
		return fault.Unready.Errorf("say first what the deal is worth: it has no amount").Coded("no_amount")
	}
	if err := d.To(Won); err != nil {
		return err
	}
	d.ClosedAt, d.Reason = at, ""
	return nil
}

// Accepted wins the deal by an estimate that its client has accepted, whatever was said of it before: a yes is a yes. An amount
// that nobody gave is that of the estimate when it is in the deal's currency.
func (d *Deal) Accepted(estimateID string, total int64, currency string, at time.Time) (changed bool, err error) {
	if d.State == Won {
		return false, nil
	}
	if d.State == Lost {
		d.Reopen()
	}
	if d.Amount == nil && d.Currency == currency {
		d.Amount = &total
	}
	if err := d.To(Won); err != nil {
		return false, err
	}
	d.ClosedAt, d.EstimateID, d.UpdatedAt = at, estimateID, at
	return true, nil
}

// Lose ends the deal badly, for a reason.
func (d *Deal) Lose(reason string, at time.Time) error {
	reason = strings.TrimSpace(reason)
	if n := len([]rune(reason)); n == 0 || n > 1000 {
		return fault.InField("reason", "required", "say why it was lost, in 1 to 1,000 characters")
	}
	if err := d.To(Lost); err != nil {
		return err
	}
	d.ClosedAt, d.Reason = at, reason
	return nil
}

// Reopen takes the end back; the deal goes on in the stage that it had.
func (d *Deal) Reopen() {
	d.State, d.ClosedAt, d.Reason, d.EstimateID = Open, time.Time{}, "", ""
}

// Input is what people say of a deal, all of it: what is left out is empty.
type Input struct {
	ContactID       string // of a new one; it stays theirs
	Title           string
	Stage           string // empty: the first of a new one, and as it is of an old one
	Amount          *int64
	Currency        string
	Probability     *int
	ExpectedCloseOn civil.Date
	OwnerID         string
	Lines           []sale.LineInput
}

// Check brings an input to its stored form and names every wrong field. Lines are checked by whoever works them out.
func (in *Input) Check() error {
	var f fault.Fields
	in.Title = strings.TrimSpace(in.Title)
	if n := len([]rune(in.Title)); n == 0 || n > 200 || strings.ContainsFunc(in.Title, unicode.IsControl) {
		f.Add("title", "invalid", "a title is one line of 1 to 200 characters: what the work is")
	}
	if in.Amount != nil && *in.Amount < 0 {
		f.Add("amount", "negative", "an amount is zero or more, in the smallest unit of the currency")
	} else if in.Amount != nil && money.Check(*in.Amount) != nil {
		f.Add("amount", "out_of_range", "this amount is too large")
	}
	if _, err := money.Exponent(in.Currency); err != nil {
		f.Add("currency", "invalid", "%q is not an ISO 4217 currency", in.Currency)
	}
	if in.Probability != nil && (*in.Probability < 0 || *in.Probability > 100) {
		f.Add("probability", "invalid", "a probability is 0 to 100 per cent")
	}
	if in.ExpectedCloseOn.Year > 9000 {
		f.Add("expectedCloseOn", "invalid", "this day lies too far ahead")
	}
	return f.Err()
}

// Apply puts what people said into the deal.
func (d *Deal) Apply(in Input, now time.Time) error {
	if in.Stage != d.Stage {
		if d.State != Open {
			return fault.Unready.Errorf("a deal that is %s is in no stage; reopen it first", d.State)
		}
		d.Stage, d.StageSince = in.Stage, now
	}
	d.Title, d.Amount, d.Currency, d.Probability = in.Title, in.Amount, in.Currency, in.Probability
	d.ExpectedCloseOn, d.OwnerID, d.Lines, d.UpdatedAt = in.ExpectedCloseOn, in.OwnerID, in.Lines, now
	return nil
}
