package letter

import (
	"context"
	"fmt"
	"strconv"

	"onebook/internal/effect"
	"onebook/internal/fault"
	"onebook/internal/invoice"
	"onebook/internal/payment"
	"onebook/internal/sale"
	"onebook/internal/store"
)

// paid is what the letters about a payment need.
type paid struct {
	pay payment.Payment
	inv invoice.Invoice
	to  sale.Client
}

func (p *Post) paid(ctx context.Context, e effect.Effect) (x paid, err error) {
	if x.pay, err = payment.Get(ctx, p.Table, e.Subject); err != nil {
		return paid{}, err
	}
	if x.inv, err = invoice.Get(ctx, p.Table, e.Args["invoice"]); err != nil {
		return paid{}, err
	}
	x.to, err = p.Clients.Client(ctx, x.pay.ContactID)
	x.to.To = addressee(x.inv, x.to)
	return x, err
}

// Receipt plans the receipt of a payment. It tells what was still due right after that payment, however late it is mailed.
func (p *Post) Receipt(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	x, err := p.paid(ctx, e)
	if err != nil {
		return effect.Plan{}, err
	}
	remains, err := remains(e, x.inv)
	if err != nil {
		return effect.Plan{}, err
	}
	parts, err := p.parts(ctx, x.pay)
	if err != nil {
		return effect.Plan{}, err
	}
	plan := p.plan(e, sheet{
		frozen: *x.inv.Frozen, to: x.to.To, link: payLink(x.inv), same: []store.Op{x.pay.Same()}, done: "Mailed the receipt for invoice " + x.inv.Number,
		write: func(url string) Content {
			return OfReceipt(x.inv.Frozen.Locale, ReceiptFacts{
				Name: x.to.To.Name, Number: x.inv.Number, Currency: x.pay.Currency, Amount: x.pay.Amount, Remains: remains, Credit: x.pay.Credit,
				Parts: parts, Method: x.pay.Method, ReceivedOn: x.pay.ReceivedOn, URL: url,
			})
		},
	})
	switch {
	case x.pay.State != payment.Succeeded:
		plan.Skip = "the payment is " + string(x.pay.State)
	case x.to.To.Email == "":
		plan.Skip = "the client has no e-mail address"
	}
	return plan, nil
}

// remains is what was due right after the payment. Effects of the time before it was kept tell what is due now.
func remains(e effect.Effect, i invoice.Invoice) (int64, error) {
	kept, ok := e.Args["remains"]
	if !ok {
		return i.Due(), nil
	}
	n, err := strconv.ParseInt(kept, 10, 64)
	if err != nil {
		return 0, fault.Invalid.Errorf("the receipt's line does not say what remains: %q", kept)
	}
	return n, nil
}

// parts names the invoices of a payment over several; a payment of one needs none.
func (p *Post) parts(ctx context.Context, pay payment.Payment) ([]Part, error) {
	if len(pay.Allocations) < 2 {
		return nil, nil
	}
	out := make([]Part, 0, len(pay.Allocations))
	for _, a := range pay.Allocations {
		i, err := invoice.Get(ctx, p.Table, a.InvoiceID)
		if err != nil {
			return nil, err
		}
		out = append(out, Part{Number: i.Number, Amount: a.Amount})
	}
	return out, nil
}

// Processing plans the letter that a payment is on its way. Nothing goes out once its outcome is known.
func (p *Post) Processing(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	return p.underway(ctx, e, OfProcessing, "Told the client that the payment for invoice %s is on its way", func(x paid) string {
		if !x.pay.Open() || x.pay.Online == nil || !x.pay.Online.Paying {
			return "the payment is " + string(x.pay.State)
		}
		return ""
	})
}

// Failed plans the letter that a payment did not arrive. Nothing goes out when the money came after all, or when nothing is
// due any more.
func (p *Post) Failed(ctx context.Context, e effect.Effect) (effect.Plan, error) {
	return p.underway(ctx, e, OfFailed, "Told the client that the payment for invoice %s did not arrive", func(x paid) string {
		switch {
		case x.pay.State != payment.Failed:
			return "the payment is " + string(x.pay.State)
		case x.inv.State != invoice.Open || x.inv.Due() <= 0:
			return "nothing is due on the invoice any more"
		}
		return ""
	})
}

// underway plans a letter about a payment whose money has not come.
func (p *Post) underway(ctx context.Context, e effect.Effect, of func(string, PaymentFacts) Content, text string, needless func(paid) string) (effect.Plan, error) {
	x, err := p.paid(ctx, e)
	if err != nil {
		return effect.Plan{}, err
	}
	plan := p.plan(e, sheet{
		frozen: *x.inv.Frozen, to: x.to.To, link: payLink(x.inv), same: []store.Op{x.pay.Same(), x.inv.Same()}, done: fmt.Sprintf(text, x.inv.Number),
		write: func(url string) Content {
			return of(x.inv.Frozen.Locale, PaymentFacts{
				Name: x.to.To.Name, Number: x.inv.Number, Currency: x.pay.Currency, Amount: x.pay.Amount, Due: x.inv.Due(), DueOn: x.inv.NextDue(),
				Method: x.pay.Method, URL: url,
			})
		},
	})
	if plan.Skip = needless(x); plan.Skip == "" && x.to.To.Email == "" {
		plan.Skip = "the client has no e-mail address"
	}
	return plan, nil
}
