// Package payment is money on its way to the organisation: manual payments and those through the provider's hosted page.
//
// A payment lies in its contact's partition. One that goes through the provider is recorded before anything is asked of
// the provider, and stays pending while its page is open: a decline moves no money and is only an entry in its attempts,
// because the page lets the client try again on the same intent. Money is claimed once, under the id of the intent that
// paid it (see [PaidClaim]), never under the id of an event.
package payment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onebook/internal/activity"
	"onebook/internal/civil"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/store"
)

// State is where a payment stands (rules.md §8).
type State string

// The states of a payment.
const (
	Pending           State = "pending"
	RequiresAction    State = "requires_action"
	Succeeded         State = "succeeded"
	Failed            State = "failed"
	Canceled          State = "canceled"
	PartiallyRefunded State = "partially_refunded"
	Refunded          State = "refunded"
	Disputed          State = "disputed"
	ChargedBack       State = "charged_back"
	Voided            State = "voided"
)

// transitions is the whole machine. A success after a failure is money: the provider says so of the same intent.
var transitions = map[State][]State{
	Pending:           {RequiresAction, Succeeded, Failed, Canceled},
	RequiresAction:    {Pending, Succeeded, Failed, Canceled},
	Failed:            {Succeeded},
	Succeeded:         {PartiallyRefunded, Refunded, Disputed, Voided},
	PartiallyRefunded: {Refunded, Disputed},
	Disputed:          {Succeeded, ChargedBack},
}

// Can reports whether a payment may go from s to next.
func (s State) Can(next State) bool {
	for _, t := range transitions[s] {
		if t == next {
			return true
		}
	}
	return false
}

// Methods of manual payments. What comes through the provider has the provider's word, such as "card".
const (
	ByCash     = "cash"
	ByTransfer = "transfer"
	ByCheck    = "check"
	ByOther    = "other"
)

// Methods of payments through the provider's page, in the provider's words.
const (
	ByCard = "card"
	ByACH  = "us_bank_account"
	BySEPA = "sepa_debit"
)

// debits is the currency that each bank debit is in.
var debits = map[string]string{ByACH: "USD", BySEPA: "EUR"}

// Offered answers the online methods that a payment in currency may use, of those that are switched on: the card, which is
// always possible, and the bank debit of that currency.
func Offered(currency string, on []string) []string {
	out := []string{ByCard}
	for _, m := range on {
		if debits[m] == currency {
			out = append(out, m)
		}
	}
	return out
}

// Allocation is the part of a payment that goes to one invoice, minor units.
type Allocation struct {
	InvoiceID string `json:"invoiceId"`
	Amount    int64  `json:"amount"`
	Recovered int64  `json:"recovered,omitempty"` // the part that had been written off before it came
}

// Attempt is one try on the provider's page that did not succeed.
type Attempt struct {
	At      time.Time `json:"at"`
	Code    string    `json:"code"`
	Message string    `json:"message"`
}

// Online is what a payment through the provider's page knows of it.
type Online struct {
	InvoiceID string    `json:"invoiceId"` // what it was opened for
	LinkID    string    `json:"linkId,omitempty"`
	Session   string    `json:"session,omitempty"`
	URL       string    `json:"url,omitempty"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"` // of the page
	Intent    string    `json:"intent,omitempty"`
	Attempts  []Attempt `json:"attempts,omitempty"`
	Methods   []string  `json:"methods,omitempty"` // that the page offers; none is the card alone
	Paying    bool      `json:"paying,omitempty"`  // the client has done all, the money is on its way
	LookAt    time.Time `json:"lookAt,omitzero"`   // when the provider is asked next about what is on its way
}

// Payment is one payment of a contact.
type Payment struct {
	ID          string       `json:"id"`
	ContactID   string       `json:"contactId"`
	State       State        `json:"status"`
	Amount      int64        `json:"amount"` // minor units
	Currency    string       `json:"currency"`
	Method      string       `json:"method"`
	Reference   string       `json:"reference,omitempty"`
	ReceivedOn  civil.Date   `json:"receivedOn,omitzero"`
	Allocations []Allocation `json:"allocations,omitempty"`
	Credit      int64        `json:"credit,omitempty"` // what was not allocated
	Online      *Online      `json:"online,omitempty"`
	CreatedAt   time.Time    `json:"createdAt"`
	SucceededAt time.Time    `json:"succeededAt,omitzero"`
	VoidedAt    time.Time    `json:"voidedAt,omitzero"`
	VoidReason  string       `json:"voidReason,omitempty"`

	version int64
}

// Version is the version that was read.
func (p Payment) Version() int64 { return p.version }

// To moves the payment; fault.Unready when its state does not allow it.
func (p *Payment) To(next State) error {
	if !p.State.Can(next) {
		return fault.Unready.Errorf("a payment that is %s cannot become %s", p.State, next)
	}
	p.State = next
	return nil
}

// Open reports whether the outcome is not known yet.
func (p Payment) Open() bool { return p.State == Pending || p.State == RequiresAction }

// Paying reports whether money of the payment is on its way for this invoice.
func (p Payment) Paying(invoiceID string) bool {
	return p.Open() && p.Online != nil && p.Online.InvoiceID == invoiceID && p.Online.Paying
}

// Debit is the bank debit that the payment's page offers, empty when it offers none.
func (p Payment) Debit() string {
	for _, m := range p.Online.Methods {
		if m != ByCard {
			return m
		}
	}
	return ""
}

// ItemKind is the kind of a payment's item.
const ItemKind = "payment"

// DueShards is how many partitions the due index has for open payments.
const DueShards = 16

// DuePartition is where the due index keeps payments whose page may still be paid on, by the end of the page.
func DuePartition(shard int) string { return fmt.Sprintf("payment#%d", shard) }

// DebitPartition is where the due index keeps payments whose money is on its way, by when the provider is asked next.
func DebitPartition(shard int) string { return fmt.Sprintf("debit#%d", shard) }

// ListShards is how many partitions the list of one state has.
const ListShards = 4

// ListPartition is where the list index keeps the payments of one state.
func ListPartition(s State, shard int) string { return fmt.Sprintf("payment#%s#%d", s, shard) }

func key(contact, paymentID string) store.Key {
	return store.Key{PK: "C#" + contact, SK: "PAY#" + paymentID}
}

// Put answers the operation that stores p over the version that was read.
func (p Payment) Put() (store.Op, error) {
	body, err := json.Marshal(p)
	if err != nil {
		return store.Op{}, fmt.Errorf("payment: %w", err)
	}
	it := store.Item{
		Key: key(p.ContactID, p.ID), Version: p.version, Kind: ItemKind, Body: body,
		List: store.Key{PK: ListPartition(p.State, id.Shard(p.ContactID, ListShards)), SK: p.CreatedAt.UTC().Format("2006-01-02") + "#" + p.ID},
	}
	if o := p.Online; p.Open() && o != nil && o.Paying {
		it.Due = store.Key{PK: DebitPartition(id.Shard(p.ContactID, DueShards)), SK: instant(o.LookAt) + "#" + p.ID}
	} else if p.Open() {
		at := p.CreatedAt
		if p.Online != nil && !p.Online.ExpiresAt.IsZero() {
			at = p.Online.ExpiresAt
		}
		it.Due = store.Key{PK: DuePartition(id.Shard(p.ContactID, DueShards)), SK: instant(at) + "#" + p.ID}
	}
	// A page that was opened meanwhile is noted without a deed, so a deed that meets it decides again.
	return store.Put(it).Else(activity.ErrContended), nil
}

// Same answers the operation that demands the payment as it was read, and changes nothing.
func (p Payment) Same() store.Op {
	return store.Check(key(p.ContactID, p.ID), p.version).Else(fault.Unready.Errorf("the payment has moved meanwhile"))
}

func instant(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// Looked answers the operations that put off the next look at money on its way. They are no deed: nothing has happened.
func (p Payment) Looked(next time.Time) ([]store.Op, error) {
	p.Online.LookAt = next
	op, err := p.Put()
	if err != nil {
		return nil, err
	}
	mark := store.Item{Key: store.Key{PK: "CLAIM#look#" + p.ID, SK: instant(next)}, Kind: "claim", Body: []byte("{}"), Expires: next.Add(24 * time.Hour)}
	return []store.Op{op, store.Put(mark)}, nil
}

// Decode reads a payment from its item.
func Decode(it store.Item) (Payment, error) {
	var p Payment
	if err := json.Unmarshal(it.Body, &p); err != nil {
		return Payment{}, fmt.Errorf("payment %s: %w", it.SK, err)
	}
	p.version = it.Version
	return p, nil
}

// Get reads one payment. fault.NotFound when there is none.
func Get(ctx context.Context, t store.Table, paymentID string) (Payment, error) {
	contact, err := id.Contact("py", paymentID)
	if err != nil {
		return Payment{}, err
	}
	it, err := t.Get(ctx, key(contact, paymentID))
	if errors.Is(err, fault.NotFound) {
		return Payment{}, fault.NotFound.Errorf("there is no such payment")
	}
	if err != nil {
		return Payment{}, err
	}
	return Decode(it)
}

// OfContact lists the payments that were made for one contact, newest first, without those of contacts merged into it.
func OfContact(ctx context.Context, t store.Table, contact string, limit int, cursor string) ([]Payment, string, error) {
	return OfFamily(ctx, t, []string{contact}, limit, cursor)
}

// OfFamily lists the payments of a contact and of those merged into it, newest first.
func OfFamily(ctx context.Context, t store.Table, contacts []string, limit int, cursor string) ([]Payment, string, error) {
	qs := make([]store.Query, 0, len(contacts))
	for _, c := range contacts {
		qs = append(qs, store.Query{Partition: "C#" + c, Prefix: "PAY#" + id.Begin("py", c), Desc: true})
	}
	items, next, err := store.Together(ctx, t, qs, limit, cursor)
	if err != nil {
		return nil, "", err
	}
	out, err := decodeAll(items)
	return out, next, err
}

// List answers payments, newest first: of one state, or of all when s is empty.
func List(ctx context.Context, t store.Table, s State, limit int, cursor string) ([]Payment, string, error) {
	states := []State{s}
	if s == "" {
		states = []State{Pending, RequiresAction, Succeeded, Failed, Canceled, PartiallyRefunded, Refunded, Disputed, ChargedBack, Voided}
	}
	var parts []string
	for _, x := range states {
		for n := range ListShards {
			parts = append(parts, ListPartition(x, n))
		}
	}
	items, next, err := store.Merged(ctx, t, parts, store.Query{Index: store.ByList, Desc: true, Limit: limit, Cursor: cursor})
	if err != nil {
		return nil, "", err
	}
	if items, err = store.Load(ctx, t, store.ByList, items); err != nil {
		return nil, "", err
	}
	out, err := decodeAll(items)
	return out, next, err
}

func decodeAll(items []store.Item) ([]Payment, error) {
	out := make([]Payment, 0, len(items))
	for _, it := range items {
		p, err := Decode(it)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// ErrPaid is the failure of [PaidClaim]: this intent's money was recorded before.
var ErrPaid = fault.Exists.Errorf("this payment was recorded already")

// PaidClaim is the claim of an intent's money, by the first success that is recorded and by nothing else.
func PaidClaim(intent, paymentID string) (store.Op, error) {
	body, err := json.Marshal(map[string]string{"payment": paymentID})
	if err != nil {
		return store.Op{}, fmt.Errorf("claim: %w", err)
	}
	return store.Put(store.Item{Key: PaidKey(intent), Kind: "claim", Body: body}).Else(ErrPaid), nil
}

// PaidKey is where the claim of an intent's money lies.
func PaidKey(intent string) store.Key { return store.Key{PK: "CLAIM#paid#" + intent, SK: "CLAIM"} }

// SessionPointer answers the operation that leads from the provider's session to the payment.
func SessionPointer(session, paymentID string) (store.Op, error) {
	body, err := json.Marshal(map[string]string{"payment": paymentID})
	if err != nil {
		return store.Op{}, fmt.Errorf("pointer: %w", err)
	}
	return store.Put(store.Item{Key: store.Key{PK: "CLAIM#session#" + session, SK: "CLAIM"}, Kind: "claim", Body: body}), nil
}

// OfSession answers the payment that a session was opened for. fault.NotFound when it is none of ours.
func OfSession(ctx context.Context, t store.Table, session string) (Payment, error) {
	it, err := t.Get(ctx, store.Key{PK: "CLAIM#session#" + session, SK: "CLAIM"})
	if errors.Is(err, fault.NotFound) || errors.Is(err, fault.Invalid) {
		return Payment{}, fault.NotFound.Errorf("there is no such payment")
	}
	if err != nil {
		return Payment{}, err
	}
	var ref struct{ Payment string }
	if err := json.Unmarshal(it.Body, &ref); err != nil {
		return Payment{}, fmt.Errorf("pointer: %w", err)
	}
	return Get(ctx, t, ref.Payment)
}
