package payment

import (
	"context"
	"errors"
	"time"
)

// Provider is the payment provider as this package needs it: the hosted page and what became of it. Amounts are
// minor units of Currency by ISO 4217, here as everywhere; only the adapter knows the provider's own units.
//
// Every call answers a fault.Busy when the outcome is unknown or the provider cannot be reached (the deed may or
// may not have happened: look it up, never repeat it under a new key), fault.NotFound for an object that does not
// exist, fault.Invalid with code amount_not_payable_online when the amount cannot be paid there, ErrMethod when the
// account does not take a method that was asked for, and any other error when the provider refused for good.
type Provider interface {
	// Payable says whether an amount can be paid there at all, without asking: fault.Invalid with code
	// amount_not_payable_online when not.
	Payable(amount int64, currency string) error
	// NewCustomer makes the provider's record of a contact; key is its idempotency key.
	NewCustomer(ctx context.Context, key string, c Customer) (id string, err error)
	// NewSession opens a hosted payment page. The same key and request answer the same session.
	NewSession(ctx context.Context, key string, s SessionRequest) (Session, error)
	// Session looks one up.
	Session(ctx context.Context, id string) (Session, error)
	// Sessions lists all sessions of a customer made at or after since, newest first, to the end.
	Sessions(ctx context.Context, customer string, since time.Time) ([]Session, error)
	// ExpireSession closes an open page, so that nobody can pay on it any more.
	ExpireSession(ctx context.Context, id string) (Session, error)
	// Intent looks up a payment.
	Intent(ctx context.Context, id string) (Intent, error)
	// Events lists events created at or after since, oldest first, to the end.
	Events(ctx context.Context, since time.Time) ([]Event, error)
}

// ErrMethod is what errors.Is finds when the provider's account does not take a method that a page was to offer.
var ErrMethod = errors.New("the payment provider's account does not take this method")

// Customer is what the provider is told of a contact.
type Customer struct {
	ContactID, Name, Email string
}

// SessionRequest asks for one hosted page for one amount.
type SessionRequest struct {
	Customer    string            // the provider's id of the contact
	Amount      int64             // minor units of Currency, positive
	Currency    string            // ISO 4217, upper case
	Description string            // what the client reads beside the amount
	Reference   string            // our payment id: client_reference_id
	Metadata    map[string]string // written on the session and on its intent
	SuccessURL  string            // holds {CHECKOUT_SESSION_ID}, and no token
	CancelURL   string
	Methods     []string  // one or more of "card", "us_bank_account", "sepa_debit"; the first is shown first
	ExpiresAt   time.Time // zero: the provider's default of 24 hours
	Locale      string    // IETF tag, may be empty
}

// Session is a hosted page as the provider knows it now.
type Session struct {
	ID, URL   string
	Status    string // "open", "complete", "expired"
	Paid      string // "paid", "unpaid", "no_payment_required"
	Intent    string // id of its payment, may be empty while open
	Customer  string
	Reference string
	Amount    int64
	Currency  string
	Live      bool
	Metadata  map[string]string
	Created   time.Time
	ExpiresAt time.Time
}

// Intent is a payment as the provider knows it now.
type Intent struct {
	ID       string
	Status   string // "succeeded", "processing", "requires_payment_method", "requires_action", "requires_confirmation", "requires_capture", "canceled"
	Amount   int64  // what was asked
	Received int64  // what was paid
	Currency string
	Method   string // "card", "us_bank_account", "sepa_debit", …; empty until known
	Live     bool
	Metadata map[string]string
	Decline  *Decline // the last failed attempt, nil when none
	Created  time.Time
}

// Decline says why an attempt failed; Message may be shown to the client.
type Decline struct {
	Code, Message string
}

// Event is a hint that something happened to an object; the object itself is fetched.
type Event struct {
	ID, Type   string
	ObjectType string // "checkout.session", "payment_intent", "charge", "refund", "dispute", …
	ObjectID   string
	Intent     string // the payment the object belongs to, when the event says so
	APIVersion string // the event's own; logged, never a reason to refuse
	Live       bool
	Created    time.Time
}
