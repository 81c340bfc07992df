// Package checkout is the way of money from the client to the invoice: the hosted page, its outcome, and payments by hand.
//
// Before anything is asked of the provider, the attempt is recorded: a pending payment whose id is the idempotency key.
// What became of it is learnt in three ways (the provider's webhook, the client's return, and a puller that asks), and all
// three end in the same transaction, [Service.Settle], which is keyed by the payment intent: whoever comes second finds the
// claim taken and changes nothing. An event is only a hint; the object itself is fetched and believed.
//
// An unknown outcome is looked up, never charged again: within 22½ hours the same key is used (a page must be open for half
// an hour at least), after that a new page is only opened when the provider's complete list of the client's sessions does
// not hold ours.
package checkout

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/fault"
	"onebook/internal/id"
	"onebook/internal/invoice"
	"onebook/internal/link"
	"onebook/internal/member"
	"onebook/internal/money"
	"onebook/internal/org"
	"onebook/internal/payment"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// Effects that write to the payer. Their subject is the payment; the argument "invoice" names what it was for, and a
// receipt's "remains" what was still due of that right after the payment (minor units).
const (
	MailReceipt    = "mail.receipt"
	MailProcessing = "mail.payment_processing" // the money is on its way
	MailFailed     = "mail.payment_failed"     // what was on its way did not arrive
)

// Service takes payments.
type Service struct {
	Table    store.Table
	Records  *activity.Records
	IDs      id.Source
	Now      func() time.Time
	Org      *org.Service
	Clients  sale.Clients
	Provider payment.Provider
	Base     string // the site's address, without a slash at the end
	Live     bool   // whether the provider's money is real; an outcome of the other kind is none of ours
}

const (
	// How long a page is open. The provider's limit is 24 hours, and as long it remembers an idempotency key.
	pageFor  = 23 * time.Hour
	metaKey  = "onebook_payment"
	invoices = "onebook_invoice"
)

// Page is a hosted page that the client may be sent to.
type Page struct {
	URL       string
	PaymentID string
}

// Ask is what a client wants to pay, and with what.
type Ask struct {
	Amount int64  // minor units; zero: all that is due and not on its way yet
	Method string // the one that the page is to offer, in the provider's word; empty: all that the organisation takes
}

// Start opens the hosted page for an invoice. The same invoice, amount and methods answer the page that is open already, so
// a double click opens one. fault.Unready when nothing is due, or nothing that is not on its way; fault.Invalid when the
// amount or the method is not possible there; fault.Busy when the provider does not answer: asking again goes on with the
// same attempt.
func (s *Service) Start(ctx context.Context, by activity.By, invoiceID string, ask Ask) (Page, error) {
	if err := member.May(by, member.PaymentStart); err != nil {
		return Page{}, err
	}
	inv, err := invoice.Get(ctx, s.Table, invoiceID)
	if err != nil {
		return Page{}, err
	}
	if err := link.Own(by, inv.LinkID); err != nil {
		return Page{}, err
	}
	if err := s.lost(ctx, inv); err != nil {
		return Page{}, err
	}
	methods, err := s.Methods(ctx, inv)
	if err != nil {
		return Page{}, err
	}
	if ask.Method != "" {
		if !slices.Contains(methods, ask.Method) {
			return Page{}, fault.InField("method", "invalid", "this invoice can be paid by %s", strings.Join(methods, ", "))
		}
		methods = []string{ask.Method}
	}
	p, err := s.attempt(ctx, by, inv, ask.Amount, methods)
	if err != nil {
		return Page{}, err
	}
	if p.Online.URL == "" {
		if p, err = s.open(ctx, inv, p); err != nil {
			return Page{}, err
		}
	}
	if p.Online.URL == "" || !p.Open() {
		return Page{}, fault.Unready.Errorf("this payment has ended meanwhile; look at the invoice again").Coded("ended")
	}
	return Page{URL: p.Online.URL, PaymentID: p.ID}, nil
}

// Methods answers the methods that an invoice can be paid by online, the card first.
func (s *Service) Methods(ctx context.Context, i invoice.Invoice) ([]string, error) {
	set, err := s.Org.Get(ctx)
	if err != nil {
		return nil, err
	}
	return payment.Offered(i.Body.Currency, set.OnlineMethods), nil
}

// payable answers the amount that is asked for, when it can be paid beside what is on its way.
func (s *Service) payable(i invoice.Invoice, amount, paying int64) (int64, error) {
	if amount == 0 {
		amount = i.Due() - paying
	}
	switch {
	case i.State == invoice.Paid:
		return 0, fault.Unready.Errorf("invoice %s is paid already", i.Number).Coded("paid")
	case i.State != invoice.Open:
		return 0, fault.Unready.Errorf("this invoice cannot be paid now")
	case i.Due() <= 0:
		return 0, fault.Unready.Errorf("nothing is due on invoice %s", i.Number)
	case paying > 0 && (amount == 0 || amount > i.Due()-paying && amount <= i.Due()):
		return 0, fault.Unready.Errorf("a payment of this invoice is under way; you will hear when it has arrived").Coded("paying")
	case amount < 0 || amount > i.Due():
		return 0, fault.InField("amount", "invalid", "an amount between the smallest coin and what is due, %s, is needed", money.Format(i.Due(), i.Body.Currency))
	}
	return amount, s.Provider.Payable(amount, i.Body.Currency)
}

// open asks the provider for the page of a recorded attempt, with its id as key: doing it again answers the same page.
func (s *Service) open(ctx context.Context, inv invoice.Invoice, p payment.Payment) (payment.Payment, error) {
	customer, err := s.customer(ctx, p.ContactID)
	if err != nil {
		return payment.Payment{}, err
	}
	locale := ""
	if inv.Frozen != nil {
		locale = inv.Frozen.Locale
	}
	req := payment.SessionRequest{
		Customer: customer, Amount: p.Amount, Currency: p.Currency, Description: "Invoice " + inv.Number, Reference: p.ID,
		Metadata:   map[string]string{metaKey: p.ID, invoices: inv.ID},
		SuccessURL: s.Base + "/v1/public/return?session={CHECKOUT_SESSION_ID}", CancelURL: s.Base + "/i/",
		// The whole request must be the same when it is repeated, so the end of the page counts from the attempt's record.
		Methods: p.Online.Methods, ExpiresAt: p.CreatedAt.Add(pageFor).Truncate(time.Second), Locale: locale,
	}
	if len(req.Methods) == 0 {
		req.Methods = []string{payment.ByCard}
	}
	ses, err := s.Provider.NewSession(ctx, p.ID, req)
	if errors.Is(err, payment.ErrMethod) && p.Debit() != "" {
		if err := s.unoffered(ctx, p.Debit()); err != nil {
			return payment.Payment{}, err
		}
		// Another request needs another key, and the same one whenever this attempt is repeated.
		req.Methods = []string{payment.ByCard}
		ses, err = s.Provider.NewSession(ctx, p.ID+"-card", req)
	}
	switch {
	case err == nil:
		return s.opened(ctx, p.ID, ses)
	case errors.Is(err, fault.Busy):
		return payment.Payment{}, err // unknown: the attempt stays, and is looked up or repeated with the same key
	}
	if end := s.refused(ctx, p.ID, err); end != nil {
		return payment.Payment{}, end
	}
	return payment.Payment{}, err
}

// opened stores the page of an attempt.
func (s *Service) opened(ctx context.Context, paymentID string, ses payment.Session) (payment.Payment, error) {
	for range 8 {
		p, err := payment.Get(ctx, s.Table, paymentID)
		if err != nil || p.Online.Session != "" {
			return p, err
		}
		p.Online.Session, p.Online.URL, p.Online.ExpiresAt = ses.ID, ses.URL, ses.ExpiresAt
		op, err := p.Put()
		if err != nil {
			return payment.Payment{}, err
		}
		pointer, err := payment.SessionPointer(ses.ID, p.ID)
		if err != nil {
			return payment.Payment{}, err
		}
		err = s.Table.Write(ctx, op, pointer)
		if err == nil {
			return payment.Get(ctx, s.Table, paymentID)
		}
		// Somebody else noted the same page, or a word of its outcome came first.
		if !errors.Is(err, activity.ErrContended) && !errors.Is(err, fault.Stale) {
			return payment.Payment{}, err
		}
	}
	return payment.Payment{}, store.ErrBusy
}

// refused ends an attempt that the provider turned down for good, so that it is not asked for for ever.
func (s *Service) refused(ctx context.Context, paymentID string, cause error) error {
	return s.close(ctx, member.Automaton(member.Puller), paymentID, payment.Failed, "The payment page could not be opened", cause)
}

// close ends an open payment without money.
func (s *Service) close(ctx context.Context, by activity.By, paymentID string, to payment.State, text string, cause error) error {
	contact, err := id.Contact("py", paymentID)
	if err != nil {
		return err
	}
	_, err = s.Records.Do(ctx, by, activity.ContactChain(contact), func(ctx context.Context, _ activity.Head) (*activity.Deed, error) {
		p, err := payment.Get(ctx, s.Table, paymentID)
		if err != nil {
			return nil, err
		}
		if !p.Open() {
			return nil, nil
		}
		if p.Online.Paying && to == payment.Failed {
			return s.returned(ctx, p, payment.Intent{ID: p.Online.Intent})
		}
		if err := p.To(to); err != nil {
			return nil, err
		}
		op, err := p.Put()
		if err != nil {
			return nil, err
		}
		d := &activity.Deed{
			Kind: "payment." + string(to), Subject: p.ID, Refs: map[string]string{"invoice": p.Online.InvoiceID}, Text: text, Ops: []store.Op{op},
		}
		if f := (*fault.Error)(nil); errors.As(cause, &f) {
			d.Reason = f.Message
		}
		return d, nil
	})
	return err
}

// customer answers the provider's record of a contact; it is made once, and stored before it is first used.
func (s *Service) customer(ctx context.Context, contact string) (string, error) {
	k := store.Key{PK: "C#" + contact, SK: "PROVIDER"}
	if c, ok, err := s.storedCustomer(ctx, k); ok || err != nil {
		return c, err
	}
	c, err := s.Clients.Client(ctx, contact)
	if err != nil {
		return "", err
	}
	// The request of a key must stay the same, and a contact may be renamed between two tries: the key holds what is sent.
	sum := sha256.Sum256([]byte(c.Name + "\x00" + c.Email))
	key := "customer-" + contact + "-" + hex.EncodeToString(sum[:6])
	made, err := s.Provider.NewCustomer(ctx, key, payment.Customer{ContactID: contact, Name: c.Name, Email: c.Email})
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(map[string]string{"customer": made})
	if err != nil {
		return "", fmt.Errorf("customer: %w", err)
	}
	err = s.Table.Write(ctx, store.Put(store.Item{Key: k, Kind: "provider", Body: body}))
	if errors.Is(err, fault.Stale) {
		c, _, err := s.storedCustomer(ctx, k)
		return c, err
	}
	return made, err
}

func (s *Service) storedCustomer(ctx context.Context, k store.Key) (string, bool, error) {
	it, err := s.Table.Get(ctx, k)
	if errors.Is(err, fault.NotFound) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	var got struct{ Customer string }
	if err := json.Unmarshal(it.Body, &got); err != nil {
		return "", false, fmt.Errorf("customer: %w", err)
	}
	return got.Customer, true, nil
}
