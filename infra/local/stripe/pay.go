package stripe

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.etcd.io/bbolt"

	"onebook/internal/fault"
)

// What a client may do on the page.
const (
	Success            = "success"              // pays; a bank debit also arrives, at once
	Decline            = "decline"              // the bank says no; the page stays open
	DeclineThenSuccess = "decline_then_success" // no, then yes, on one page: one payment
	Processing         = "processing"           // a bank debit is under way for days, or until Settle
	Abandon            = "abandon"              // looks, and goes away
)

// PayRequest is one client's visit to a page.
type PayRequest struct {
	// Amount, in minor units by ISO 4217, is what the client pays; zero pays what the page asks for. Another amount
	// than that plays the payment that does not match, which must never settle an invoice.
	Amount  int64  `json:"amount"`
	Method  string `json:"method"` // card, us_bank_account, sepa_debit; empty: the first that the page offers
	Outcome string `json:"outcome"`

	// How a debit under way ends by itself: Then is success, unless failure is said, after Days by the clock (five, unless
	// said; none leaves it to Settle).
	Then string `json:"then"`
	Days *int   `json:"days"`
}

// Failure is how a debit comes back.
const Failure = "failure"

// The days that a debit takes, and the most that can be said.
const (
	debitDays    = 5
	maxDebitDays = 60
)

// PayResult is how things stand after the visit. Redirect is where the client was sent, empty if nowhere.
type PayResult struct {
	Session       string `json:"session"`
	Status        string `json:"status"`
	PaymentStatus string `json:"paymentStatus"`
	PaymentIntent string `json:"paymentIntent,omitempty"`
	Redirect      string `json:"redirect,omitempty"`
}

// Pay plays a client on the page at link, and sends the webhooks that follow before it returns.
//
// It is NotFound when there is no such page, Unready when the page is paid or has run out, Invalid for a method that
// the page does not offer or an outcome that the method cannot have.
func (s *Server) Pay(ctx context.Context, link string, r PayRequest) (PayResult, error) {
	if err := s.expireDue(); err != nil {
		return PayResult{}, err
	}
	steps, ok := map[string][]string{
		Success: {"succeeded"}, Decline: {"failed"}, DeclineThenSuccess: {"failed", "succeeded"}, Processing: {"pending"}, Abandon: {},
	}[r.Outcome]
	if !ok {
		return PayResult{}, fault.InField("outcome", "invalid", "the outcomes are success, decline, decline_then_success, processing and abandon")
	}
	switch {
	case r.Then != "" && r.Then != Success && r.Then != Failure:
		return PayResult{}, fault.InField("then", "invalid", "a debit under way ends in success or failure")
	case r.Days != nil && (*r.Days < 0 || *r.Days > maxDebitDays):
		return PayResult{}, fault.InField("days", "invalid", "a debit takes 0 to %d days; with 0 it stays under way until it is settled", maxDebitDays)
	}
	id := sessionID(link)
	var out PayResult
	look := func(tx *bbolt.Tx, cs *session) error {
		if ok, err := load(tx, id, cs); err != nil {
			return err
		} else if !ok {
			return fault.NotFound.Errorf("there is no payment page at %q", link)
		}
		out = cs.result()
		return nil
	}
	if err := s.db.View(func(tx *bbolt.Tx) error { return look(tx, &session{}) }); err != nil {
		return PayResult{}, err
	}
	for _, status := range steps {
		err := s.db.Update(func(tx *bbolt.Tx) error {
			var cs session
			if err := look(tx, &cs); err != nil {
				return err
			}
			if err := s.attempt(tx, &cs, r, status); err != nil {
				return err
			}
			out = cs.result()
			return nil
		})
		if err != nil {
			return PayResult{}, err
		}
	}
	return out, s.dispatch(ctx)
}

func sessionID(link string) string {
	_, id, ok := strings.Cut(link, "/pay/")
	if !ok {
		id = link
	}
	if i := strings.IndexAny(id, "/?#"); i >= 0 {
		id = id[:i]
	}
	return id
}

func (cs *session) result() PayResult {
	r := PayResult{Session: cs.ID, Status: cs.Status, PaymentStatus: cs.Paid, PaymentIntent: cs.Intent}
	if cs.Status == "complete" {
		r.Redirect = strings.ReplaceAll(cs.SuccessURL, "{CHECKOUT_SESSION_ID}", cs.ID)
	}
	return r
}

// attempt is one try to pay: it ends as status says, in one transaction with its events.
func (s *Server) attempt(tx *bbolt.Tx, cs *session, r PayRequest, status string) error {
	method := r.Method
	if method == "" {
		method = cs.Methods[0]
	}
	switch {
	case cs.Status == "complete":
		return fault.Unready.Errorf("this page was paid already")
	case cs.Status == "expired":
		return fault.Unready.Errorf("this page has expired")
	case !slices.Contains(cs.Methods, method):
		return fault.InField("method", "invalid", "this page offers %s, not %s", strings.Join(cs.Methods, ", "), method)
	case method == "card" && status == "pending":
		return fault.InField("outcome", "invalid", "a card is paid or declined at once; processing is for bank debits")
	case r.Amount < 0:
		return fault.InField("amount", "invalid", "an amount is positive, in minor units")
	}
	if r.Amount > 0 {
		cs.Amount = fromMinor(r.Amount, cs.Currency)
	}
	now := s.Now()
	pi, err := s.intentOf(tx, cs, now)
	if err != nil {
		return err
	}
	pi.Amount = cs.Amount
	ch, err := s.newCharge(pi, method, now)
	if err != nil {
		return err
	}
	if status == "failed" {
		ch.Decline = refusalBy(method)
		ch.Status, pi.Charge, pi.Decline = "failed", ch.ID, ch.Decline
		return s.tell(tx, now, pi, ch, "charge.failed", "payment_intent.payment_failed", true)
	}
	if method == "card" {
		if err := s.succeed(tx, now, pi, ch, true); err != nil {
			return err
		}
		cs.Paid = "paid"
		return s.closeSession(tx, cs, "complete", now, cause{})
	}
	ch.Status, pi.Status, pi.Charge, pi.Decline = "pending", "processing", ch.ID, nil
	if err := s.tell(tx, now, pi, ch, "charge.pending", "payment_intent.processing", true); err != nil {
		return err
	}
	if err := s.closeSession(tx, cs, "complete", now, cause{}); err != nil {
		return err
	}
	if status == "pending" {
		return s.wait(tx, pi, r, now)
	}
	return s.settle(tx, cs, pi, ch, true, now)
}

// wait notes when a debit ends by itself.
func (s *Server) wait(tx *bbolt.Tx, pi *intent, r PayRequest, now time.Time) error {
	days := debitDays
	if r.Days != nil {
		days = *r.Days
	}
	if days == 0 {
		return nil
	}
	pi.Ends, pi.Returns = now.Add(time.Duration(days)*24*time.Hour).Unix(), r.Then == Failure
	return errors.Join(put(tx, pi), tx.Bucket(underway).Put(openKey(pi.Ends, pi.ID), nil))
}

func (s *Server) intentOf(tx *bbolt.Tx, cs *session, now time.Time) (*intent, error) {
	pi := &intent{}
	if cs.Intent != "" {
		_, err := load(tx, cs.Intent, pi)
		return pi, err
	}
	id, err := s.newID("pi_3", 23)
	if err != nil {
		return nil, err
	}
	*pi = intent{
		object: object{ID: id, Created: now.Unix()}, Session: cs.ID, Status: "requires_payment_method",
		Amount: cs.Amount, Currency: cs.Currency, Customer: cs.Customer, Metadata: cs.IntentMetadata, Methods: cs.Methods,
	}
	cs.Intent = id
	if err := errors.Join(add(tx, pi), put(tx, cs)); err != nil {
		return nil, err
	}
	out, err := pi.render(tx)
	if err != nil {
		return nil, err
	}
	return pi, s.emit(tx, "payment_intent.created", out, pi.ID, now, cause{})
}

func (s *Server) newCharge(pi *intent, method string, now time.Time) (*charge, error) {
	id, err := s.newID("ch_3", 23)
	if err != nil {
		return nil, err
	}
	methodID, err := s.newID("pm_1", 23)
	if err != nil {
		return nil, err
	}
	last4 := map[string]string{"card": "4242", "sepa_debit": "3000", "us_bank_account": "6789"}[method]
	return &charge{
		object: object{ID: id, Created: now.Unix()}, Intent: pi.ID, Amount: pi.Amount, Currency: pi.Currency, Customer: pi.Customer,
		Metadata: pi.Metadata, Method: method, MethodID: methodID, Last4: last4,
	}, nil
}

func refusalBy(method string) *decline {
	if method == "card" {
		return &decline{"card_declined", "generic_decline", "Your card was declined."}
	}
	return &decline{"payment_intent_payment_attempt_failed", "", "The debit was returned: the account has insufficient funds."}
}

func (s *Server) succeed(tx *bbolt.Tx, now time.Time, pi *intent, ch *charge, fresh bool) error {
	ch.Status, pi.Status, pi.Received, pi.Charge, pi.Decline = "succeeded", "succeeded", pi.Amount, ch.ID, nil
	return s.tell(tx, now, pi, ch, "charge.succeeded", "payment_intent.succeeded", fresh)
}

// tell stores a charge and its intent and emits what became of both.
func (s *Server) tell(tx *bbolt.Tx, now time.Time, pi *intent, ch *charge, ofCharge, ofIntent string, fresh bool) error {
	save := put[*charge]
	if fresh {
		save = add[*charge]
	}
	if err := errors.Join(save(tx, ch), put(tx, pi)); err != nil {
		return err
	}
	if err := s.emit(tx, ofCharge, ch.render(), pi.ID, now, cause{}); err != nil {
		return err
	}
	out, err := pi.render(tx)
	if err != nil {
		return err
	}
	return s.emit(tx, ofIntent, out, pi.ID, now, cause{})
}

// Settle ends a bank debit that is under way: the money arrived, or it did not. Webhooks are sent before it returns.
// It is NotFound for an unknown intent and Unready for one that is not processing.
func (s *Server) Settle(ctx context.Context, id string, arrived bool) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		pi := &intent{}
		if ok, err := load(tx, id, pi); err != nil {
			return err
		} else if !ok {
			return fault.NotFound.Errorf("there is no payment intent %q", id)
		}
		if pi.Status != "processing" {
			return fault.Unready.Errorf("this payment is %s, not processing", pi.Status)
		}
		return s.end(tx, pi, arrived, s.Now())
	})
	if err != nil {
		return err
	}
	return s.dispatch(ctx)
}

// end is the end of a debit under way.
func (s *Server) end(tx *bbolt.Tx, pi *intent, arrived bool, now time.Time) error {
	ch, cs := &charge{}, &session{}
	_, err1 := load(tx, pi.Charge, ch)
	_, err2 := load(tx, pi.Session, cs)
	err3 := tx.Bucket(underway).Delete(openKey(pi.Ends, pi.ID))
	if err := errors.Join(err1, err2, err3); err != nil {
		return err
	}
	return s.settle(tx, cs, pi, ch, arrived, now)
}

func (s *Server) settle(tx *bbolt.Tx, cs *session, pi *intent, ch *charge, arrived bool, now time.Time) error {
	if !arrived {
		ch.Decline = refusalBy(ch.Method)
		ch.Status, pi.Status, pi.Decline = "failed", "requires_payment_method", ch.Decline
		if err := s.tell(tx, now, pi, ch, "charge.failed", "payment_intent.payment_failed", false); err != nil {
			return err
		}
		return s.emitSession(tx, "checkout.session.async_payment_failed", cs, now, cause{})
	}
	if err := s.succeed(tx, now, pi, ch, false); err != nil {
		return err
	}
	cs.Paid = "paid"
	if err := put(tx, cs); err != nil {
		return err
	}
	return s.emitSession(tx, "checkout.session.async_payment_succeeded", cs, now, cause{})
}
