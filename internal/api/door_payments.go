package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"onebook/internal/activity"
	"onebook/internal/checkout"
	"onebook/internal/civil"
	"onebook/internal/payment"
)

// fileAnswer leads to a document's PDF, in the way that the client's Accept asks for.
func fileAnswer(ctx context.Context, pdfs PDFs, by activity.By, documentID string, a accept) (Answer[fileView], error) {
	url, end, err := pdfs.Link(ctx, by, documentID)
	if err != nil {
		return Answer[fileView]{}, err
	}
	if strings.Contains(a.Accept, "application/json") {
		return Answer[fileView]{JSON: &fileView{URL: url, ExpiresAt: end.UTC()}, Header: map[string]string{"Cache-Control": "no-store"}}, nil
	}
	return Answer[fileView]{Status: http.StatusFound, Location: url}, nil
}

type manualPayment struct {
	Amount     int64      `json:"amount" minimum:"1" format:"minor" doc:"more than is due becomes the contact's credit"`
	Method     string     `json:"method" enum:"cash,transfer,check,other"`
	ReceivedOn civil.Date `json:"receivedOn" doc:"not in the future, and at most ten years back"`
	Reference  string     `json:"reference,omitempty" maxLength:"200"`
}

// several is one payment over several invoices.
type several struct {
	ContactID   string           `json:"contactId" maxLength:"60"`
	Amount      int64            `json:"amount" minimum:"1" format:"minor"`
	Currency    string           `json:"currency,omitempty" doc:"needed only when the contact has open invoices in several"`
	Method      string           `json:"method" enum:"cash,transfer,check,other"`
	ReceivedOn  civil.Date       `json:"receivedOn" doc:"not in the future, and at most ten years back"`
	Reference   string           `json:"reference,omitempty" maxLength:"200"`
	Allocations []allocationForm `json:"allocations,omitempty" maxItems:"30" doc:"what of it goes to which invoice; without them the oldest that are due take first, 30 at most"`
}

type allocationForm struct {
	InvoiceID string `json:"invoiceId" maxLength:"60"`
	Amount    int64  `json:"amount" minimum:"1" format:"minor" doc:"at most what is open"`
}

type allocationView struct {
	InvoiceID string `json:"invoiceId"`
	Amount    int64  `json:"amount" format:"minor"`
	Recovered int64  `json:"recovered,omitempty" format:"minor" doc:"the part that had been written off"`
}

type attemptView struct {
	At      time.Time `json:"at"`
	Code    string    `json:"code"`
	Message string    `json:"message"`
}

type paymentView struct {
	ID            string           `json:"id"`
	Status        string           `json:"status" enum:"pending,requires_action,succeeded,failed,canceled,partially_refunded,refunded,disputed,charged_back,voided"`
	ContactID     string           `json:"contactId"`
	InvoiceID     string           `json:"invoiceId,omitempty" doc:"what its payment page was opened for"`
	Amount        int64            `json:"amount" format:"minor"`
	Currency      string           `json:"currency"`
	Method        string           `json:"method"`
	Reference     string           `json:"reference,omitempty"`
	ReceivedOn    civil.Date       `json:"receivedOn,omitzero"`
	Allocations   []allocationView `json:"allocations" doc:"what of it went to which invoice"`
	Credit        int64            `json:"credit" format:"minor" doc:"what became the contact's credit"`
	Paying        bool             `json:"paying,omitempty" doc:"the client has done all, the money is on its way"`
	Methods       []string         `json:"methods,omitempty" doc:"that its payment page offers"`
	Attempts      []attemptView    `json:"attempts" doc:"tries on the payment page that did not succeed"`
	PaymentIntent string           `json:"paymentIntent,omitempty" doc:"the provider's id"`
	CreatedAt     time.Time        `json:"createdAt"`
	SucceededAt   *time.Time       `json:"succeededAt,omitempty"`
	VoidedAt      *time.Time       `json:"voidedAt,omitempty"`
	VoidReason    string           `json:"voidReason,omitempty"`
	Version       int64            `json:"version"`
}

func paymentOf(p payment.Payment) paymentView {
	v := paymentView{
		ID: p.ID, Status: string(p.State), ContactID: p.ContactID, Amount: p.Amount, Currency: p.Currency, Method: p.Method,
		Reference: p.Reference, ReceivedOn: p.ReceivedOn, Allocations: []allocationView{}, Credit: p.Credit, Attempts: []attemptView{},
		CreatedAt: p.CreatedAt, SucceededAt: when(p.SucceededAt), VoidedAt: when(p.VoidedAt), VoidReason: p.VoidReason, Version: p.Version(),
	}
	for _, a := range p.Allocations {
		v.Allocations = append(v.Allocations, allocationView(a))
	}
	if o := p.Online; o != nil {
		v.InvoiceID, v.Paying, v.PaymentIntent, v.Methods = o.InvoiceID, o.Paying, o.Intent, o.Methods
		for _, a := range o.Attempts {
			v.Attempts = append(v.Attempts, attemptView(a))
		}
	}
	return v
}

func (s Invoices) payment(ctx context.Context, paymentID string) (paymentView, Tag, error) {
	p, err := payment.Get(ctx, s.Table, paymentID)
	if err != nil {
		return paymentView{}, Tag{}, err
	}
	tag, err := s.books().tag(ctx, p.ContactID, p.Version(), civil.Date{})
	return paymentOf(p), tag, err
}

type paymentFilter struct {
	Page
	Status    string `query:"status" enum:"pending,requires_action,succeeded,failed,canceled,partially_refunded,refunded,disputed,charged_back,voided"`
	ContactID string `query:"contactId" maxLength:"60"`
}

func (s Invoices) paymentRoutes(r *Router) {
	Create(r, Op{ID: "recordPayment", Path: "/invoices/{id}/payments", Summary: "A payment that was received by hand."}, Deed[idParam, manualPayment, paymentView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, manualPayment]) (string, error) {
			b := req.Body
			p, err := s.Checkout.Manual(ctx, by, checkout.ManualInput{
				InvoiceID: req.Params.ID, Amount: b.Amount, Method: b.Method, ReceivedOn: b.ReceivedOn, Reference: b.Reference,
			})
			return p.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[idParam, manualPayment], paymentID string) (paymentView, Tag, error) {
			return s.payment(ctx, paymentID)
		},
	})
	Create(r, Op{ID: "recordTransfer", Path: "/payments", Summary: "One payment by hand over several invoices; the rest is credit.",
		About: "What is named in allocations is held to: 422 when an invoice is not open for as much, or their sum exceeds the payment."}, Deed[None, several, paymentView]{
		Do: func(ctx context.Context, by activity.By, req *Request[None, several]) (string, error) {
			b := req.Body
			p, err := s.Checkout.Transfer(ctx, by, checkout.TransferInput{
				ContactID: b.ContactID, Currency: b.Currency,
				Allocations: each(b.Allocations, func(a allocationForm) payment.Allocation {
					return payment.Allocation{InvoiceID: a.InvoiceID, Amount: a.Amount}
				}),
				ManualInput: checkout.ManualInput{Amount: b.Amount, Method: b.Method, ReceivedOn: b.ReceivedOn, Reference: b.Reference},
			})
			return p.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, _ *Request[None, several], paymentID string) (paymentView, Tag, error) {
			return s.payment(ctx, paymentID)
		},
	})
	Act(r, Op{ID: "voidPayment", Path: "/payments/{id}/void", Summary: "Take a payment back that was keyed by mistake: what it paid is owed again.",
		About: "409 for money that came through the payment provider, and with the code credit_used when its credit pays something by now."}, Deed[idParam, voiding, paymentView]{
		Do: func(ctx context.Context, by activity.By, req *Request[idParam, voiding]) (string, error) {
			_, err := s.Checkout.Void(ctx, by, req.Params.ID, req.Body.Reason)
			return req.Params.ID, err
		},
		Show: func(ctx context.Context, _ activity.By, req *Request[idParam, voiding], _ string) (paymentView, Tag, error) {
			return s.payment(ctx, req.Params.ID)
		},
		Now: func(ctx context.Context, _ activity.By, req *Request[idParam, voiding]) (any, Tag, error) {
			return s.payment(ctx, req.Params.ID)
		},
	})
	List(r, Op{ID: "listPayments", Path: "/payments", Summary: "Payments, newest first."},
		func(ctx context.Context, _ activity.By, req *Request[paymentFilter, None]) ([]paymentView, string, error) {
			p := req.Params
			var ps []payment.Payment
			var next string
			err := ofContact(p.ContactID)
			switch {
			case err != nil:
			case p.ContactID != "":
				var family []string
				if family, err = s.books().family(ctx, p.ContactID); err == nil {
					ps, next, err = payment.OfFamily(ctx, s.Table, family, p.Limit, p.Cursor)
				}
			default:
				ps, next, err = payment.List(ctx, s.Table, payment.State(p.Status), p.Limit, p.Cursor)
			}
			out := make([]paymentView, 0, len(ps))
			for _, x := range ps {
				if p.Status == "" || string(x.State) == p.Status {
					out = append(out, paymentOf(x))
				}
			}
			return out, next, err
		})
	Read(r, Op{ID: "getPayment", Path: "/payments/{id}", Summary: "One payment."},
		func(ctx context.Context, _ activity.By, req *Request[idParam, None]) (paymentView, Tag, error) {
			return s.payment(ctx, req.Params.ID)
		})
}
